//! Reads pickles as data. Nothing in one is ever called, imported or built.
//!
//! A pickle is a program for a small machine with a stack. This machine knows the opcodes that make plain data and, of the
//! others, only the exact uses that `NumPy` makes of them for numbers; the rest is refused by name and place. Everything is
//! bounded: steps, depth, and the size of what comes out, so that shared parts cannot unfold without end.
//!
//! Source: `Lib/pickletools.py` of `CPython`, which describes every opcode.

use std::collections::BTreeMap;

use crate::codes;
use crate::error::PickleError;
use crate::numpy::{Float, Name, numbers, places};
use crate::value::Pickled;

/// The most opcodes, and the most values that come out. A message about 64 pictures has a few thousand.
const MOST_STEPS: usize = 1 << 20;
/// The most bytes that names are given to make numbers of: what is shared could be given again and again.
const MOST_GIVEN: usize = 16 << 20;
/// The deepest nesting of lists and dicts.
const MOST_DEPTH: usize = 32;

/// The place of a value among all.
pub(super) type Place = usize;

/// A value under construction: what is inside stands elsewhere, for it may be shared and may still grow.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
    List(Vec<Place>),
    Tuple(Vec<Place>),
    Dict(Vec<(Place, Place)>),
    Name(Name),
    Type(Float),
    /// An array before its state.
    Empty,
}

/// Reads a whole pickle, of protocol 0 to 5.
pub fn read(pickle: &[u8]) -> Result<Pickled, PickleError> {
    let mut machine = Machine { rest: pickle, whole: pickle.len(), ..Machine::default() };
    let mut steps = 0_usize;
    loop {
        let at = machine.at();
        let place = |reason: String| PickleError::Step { at, reason };
        steps += 1;
        if steps > MOST_STEPS {
            return Err(place(format!("expected at most {MOST_STEPS} opcodes, found more")));
        }
        let opcode = machine.byte().map_err(place)?;
        if opcode == b'.' {
            let root = machine.pop().map_err(place)?;
            let mut left = MOST_STEPS;
            return if machine.rest.is_empty() {
                machine.value(root, MOST_DEPTH, &mut left).map_err(PickleError::Value)
            } else {
                Err(place("expected the end after STOP, found more".to_owned()))
            };
        }
        machine.step(opcode).map_err(|reason| place(format!("{}: {reason}", codes::name(opcode))))?;
    }
}

#[derive(Default)]
struct Machine<'a> {
    rest: &'a [u8],
    whole: usize,
    nodes: Vec<Node>,
    stack: Vec<Place>,
    /// Where on the stack each open mark lies.
    marks: Vec<usize>,
    memo: BTreeMap<u64, Place>,
    given: usize,
}

impl<'a> Machine<'a> {
    fn at(&self) -> usize {
        self.whole - self.rest.len()
    }

    fn step(&mut self, opcode: u8) -> Result<(), String> {
        match opcode {
            0x80 => self.protocol(),
            0x95 => self.take(8).map(drop),
            b'(' => {
                self.marks.push(self.stack.len());
                Ok(())
            }
            b'N' | 0x88 | 0x89 => {
                self.push(if opcode == b'N' { Node::None } else { Node::Bool(opcode == 0x88) });
                Ok(())
            }
            b'J' | b'K' | b'M' | b'I' | b'L' | 0x8a => self.int(opcode),
            b'F' | b'G' => self.float(opcode),
            b'V' | b'X' | 0x8c | 0x8d => self.text(opcode),
            b'B' | b'C' | 0x8e => self.bytes(opcode),
            b']' | b')' | b'}' | b'l' | b't' | b'd' | 0x85..=0x87 => self.gather(opcode),
            b'a' | b'e' => self.append(opcode),
            b's' | b'u' => self.set(opcode),
            b'p' | b'q' | b'r' | 0x94 => self.remember(opcode),
            b'g' | b'h' | b'j' => self.recall(opcode),
            b'c' | 0x93 => self.name(opcode),
            b'R' => self.call(),
            b'b' => self.build(),
            _ => Err("this opcode is not for plain data".to_owned()),
        }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or("the pickle ends too early")?;
        self.rest = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, String> {
        let taken = self.take(1)?;
        Ok(taken.first().copied().unwrap_or_default())
    }

    /// A number of so many bytes, the least first.
    fn number(&mut self, bytes: usize) -> Result<u64, String> {
        Ok(self.take(bytes)?.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// The bytes up to the end of their line, as protocol 0 writes arguments.
    fn line_of_bytes(&mut self) -> Result<&'a [u8], String> {
        let end = self.rest.iter().position(|byte| *byte == b'\n').ok_or("expected a line, found its end nowhere")?;
        let line = self.take(end)?;
        self.take(1)?;
        Ok(line)
    }

    /// The same as text.
    fn line(&mut self) -> Result<&'a str, String> {
        std::str::from_utf8(self.line_of_bytes()?).map_err(|_| "expected a line of text".to_owned())
    }

    /// So many bytes as a number before them says.
    fn counted(&mut self, width: usize) -> Result<&'a [u8], String> {
        let count = self.number(width)?;
        self.take(usize::try_from(count).map_err(|_| "the pickle ends too early")?)
    }

    fn push(&mut self, node: Node) {
        self.stack.push(self.nodes.len());
        self.nodes.push(node);
    }

    /// The last value, but nothing from below an open mark.
    fn pop(&mut self) -> Result<Place, String> {
        let floor = self.marks.last().copied().unwrap_or_default();
        if self.stack.len() <= floor {
            return Err("expected a value on the stack, found none".to_owned());
        }
        self.stack.pop().ok_or_else(|| "expected a value on the stack, found none".to_owned())
    }

    /// Everything since the last mark.
    fn since_mark(&mut self) -> Result<Vec<Place>, String> {
        let mark = self.marks.pop().ok_or("expected a mark on the stack, found none")?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }

    fn node(&self, place: Place) -> &Node {
        self.nodes.get(place).unwrap_or(&Node::None)
    }

    fn at_all(&self, places: &[Place]) -> Vec<&Node> {
        places.iter().map(|place| self.node(*place)).collect()
    }

    fn protocol(&mut self) -> Result<(), String> {
        match self.byte()? {
            0..=5 => Ok(()),
            other => Err(format!("expected a protocol up to 5, found {other}")),
        }
    }

    fn int(&mut self, opcode: u8) -> Result<(), String> {
        let node = match opcode {
            b'K' => Node::Int(self.number(1)? as i64),
            b'M' => Node::Int(self.number(2)? as i64),
            b'J' => Node::Int(i64::from(self.number(4)? as u32 as i32)),
            0x8a => {
                let length = usize::from(self.byte()?);
                Node::Int(signed(self.take(length)?)?)
            }
            // Protocol 0 writes truths as numbers of two digits.
            _ => match (opcode, self.line()?) {
                (b'I', "00") => Node::Bool(false),
                (b'I', "01") => Node::Bool(true),
                (_, line) => Node::Int(whole(line.strip_suffix('L').unwrap_or(line))?),
            },
        };
        self.push(node);
        Ok(())
    }

    fn float(&mut self, opcode: u8) -> Result<(), String> {
        let number = if opcode == b'G' {
            f64::from_bits(self.number(8)?.swap_bytes())
        } else {
            let line = self.line()?;
            line.parse().map_err(|_| format!("expected a number, found {} characters", line.len()))?
        };
        self.push(Node::Float(number));
        Ok(())
    }

    fn text(&mut self, opcode: u8) -> Result<(), String> {
        let width = match opcode {
            b'V' => 0,
            0x8c => 1,
            b'X' => 4,
            _ => 8,
        };
        let text = if width == 0 {
            codes::unescaped(self.line_of_bytes()?)?
        } else {
            std::str::from_utf8(self.counted(width)?).map_err(|_| "expected text in UTF-8")?.to_owned()
        };
        self.push(Node::Text(text));
        Ok(())
    }

    fn bytes(&mut self, opcode: u8) -> Result<(), String> {
        let width = match opcode {
            b'C' => 1,
            b'B' => 4,
            _ => 8,
        };
        let bytes = self.counted(width)?.to_vec();
        self.push(Node::Bytes(bytes));
        Ok(())
    }

    /// Opcodes that make a list, a tuple or a dict of what is there.
    fn gather(&mut self, opcode: u8) -> Result<(), String> {
        let node = match opcode {
            b']' => Node::List(Vec::new()),
            b')' => Node::Tuple(Vec::new()),
            b'}' => Node::Dict(Vec::new()),
            b'l' => Node::List(self.since_mark()?),
            b't' => Node::Tuple(self.since_mark()?),
            b'd' => Node::Dict(paired(&self.since_mark()?)?),
            _ => {
                let mut items = (0x85..=opcode).map(|_| self.pop()).collect::<Result<Vec<_>, _>>()?;
                items.reverse();
                Node::Tuple(items)
            }
        };
        self.push(node);
        Ok(())
    }

    fn append(&mut self, opcode: u8) -> Result<(), String> {
        let new = if opcode == b'a' { vec![self.pop()?] } else { self.since_mark()? };
        match self.last()? {
            Node::List(items) => items.extend(new),
            _ => return Err("expected a list to append to".to_owned()),
        }
        Ok(())
    }

    fn set(&mut self, opcode: u8) -> Result<(), String> {
        let new = if opcode == b's' {
            let value = self.pop()?;
            vec![(self.pop()?, value)]
        } else {
            paired(&self.since_mark()?)?
        };
        match self.last()? {
            Node::Dict(entries) => entries.extend(new),
            _ => return Err("expected a dict to set in".to_owned()),
        }
        Ok(())
    }

    /// The value on top, which stays there.
    fn last(&mut self) -> Result<&mut Node, String> {
        let place = self.pop()?;
        self.stack.push(place);
        self.nodes.get_mut(place).ok_or_else(|| "expected a value on the stack, found none".to_owned())
    }

    fn remember(&mut self, opcode: u8) -> Result<(), String> {
        let key = match opcode {
            b'q' => self.number(1)?,
            b'r' => self.number(4)?,
            b'p' => whole(self.line()?)? as u64,
            _ => self.memo.len() as u64,
        };
        let place = self.pop()?;
        self.stack.push(place);
        self.memo.insert(key, place);
        Ok(())
    }

    fn recall(&mut self, opcode: u8) -> Result<(), String> {
        let key = match opcode {
            b'h' => self.number(1)?,
            b'j' => self.number(4)?,
            _ => whole(self.line()?)? as u64,
        };
        let place = self.memo.get(&key).ok_or_else(|| format!("nothing was remembered as {key}"))?;
        self.stack.push(*place);
        Ok(())
    }

    /// A name, of which only those few are known that stand for numbers.
    fn name(&mut self, opcode: u8) -> Result<(), String> {
        let (module, name) = if opcode == b'c' {
            (self.line()?, self.line()?)
        } else {
            let (name, module) = (self.pop()?, self.pop()?);
            match (self.node(module), self.node(name)) {
                (Node::Text(module), Node::Text(name)) => (module.as_str(), name.as_str()),
                _ => return Err("expected two texts that name something".to_owned()),
            }
        };
        // It is cut short where secrets are taken out of it, not before.
        let known = Name::of(module, name).ok_or_else(|| format!("asks for `{module}.{name}`, which is no data"))?;
        self.push(Node::Name(known));
        Ok(())
    }

    fn call(&mut self) -> Result<(), String> {
        let (arguments, name) = (self.pop()?, self.pop()?);
        let (Node::Name(name), Some(given)) = (self.node(name), places(self.node(arguments))) else {
            return Err("expected one of the names that stand for numbers, and a tuple".to_owned());
        };
        let given = self.at_all(given);
        let bytes = self.given + size(&given);
        if bytes > MOST_GIVEN {
            return Err(format!("expected numbers of at most {MOST_GIVEN} bytes, found more"));
        }
        let made = name.with(&given);
        let made =
            made.ok_or_else(|| format!("{name:?} stands with other arguments than NumPy writes for f4 and f8"))?;
        self.given = bytes;
        self.push(made);
        Ok(())
    }

    fn build(&mut self) -> Result<(), String> {
        let (state, object) = (self.pop()?, self.pop()?);
        let unknown = "expected the state of a type of numbers or of an array of one axis, as NumPy writes them";
        let given = self.at_all(places(self.node(state)).ok_or(unknown)?);
        let bytes = self.given + size(&given);
        if bytes > MOST_GIVEN || self.nodes.len() > MOST_STEPS {
            return Err(format!("expected numbers of at most {MOST_GIVEN} bytes, found more"));
        }
        let built = match self.node(object) {
            Node::Type(float) => Node::Type(float.built(&given).ok_or(unknown)?),
            Node::Empty => {
                let look = |node| Some(self.at_all(places(node)?));
                let found = numbers(&given, look).ok_or(unknown)?;
                let first = self.nodes.len();
                let count = found.len();
                self.nodes.extend(found.into_iter().map(Node::Float));
                Node::List((first..first + count).collect())
            }
            _ => return Err(unknown.to_owned()),
        };
        self.given = bytes;
        if let Some(node) = self.nodes.get_mut(object) {
            *node = built;
        }
        self.stack.push(object);
        Ok(())
    }

    /// The finished value. `left` values may still be made.
    fn value(&self, place: Place, depth: usize, left: &mut usize) -> Result<Pickled, String> {
        let inner = depth.checked_sub(1).ok_or_else(|| format!("the pickle is nested more than {MOST_DEPTH} deep"))?;
        *left = left.checked_sub(1).ok_or_else(|| format!("the pickle holds more than {MOST_STEPS} values"))?;
        Ok(match self.node(place) {
            Node::None => Pickled::None,
            Node::Bool(truth) => Pickled::Bool(*truth),
            Node::Int(number) => Pickled::Int(*number),
            Node::Float(number) => Pickled::Float(*number),
            Node::Text(text) => Pickled::Text(self.sized(text.len(), left).map(|()| text.clone())?),
            Node::Bytes(bytes) => Pickled::Bytes(self.sized(bytes.len(), left).map(|()| bytes.clone())?),
            Node::List(items) => Pickled::List(self.values(items, inner, left)?),
            Node::Tuple(items) => Pickled::Tuple(self.values(items, inner, left)?),
            Node::Dict(entries) => {
                let mut entry = |(key, value): &(Place, Place)| {
                    Ok::<_, String>((self.value(*key, inner, left)?, self.value(*value, inner, left)?))
                };
                Pickled::Dict(entries.iter().map(&mut entry).collect::<Result<_, _>>()?)
            }
            Node::Name(_) | Node::Type(_) | Node::Empty => {
                return Err("the pickle holds a name or a type where data was expected".to_owned());
            }
        })
    }

    fn values(&self, items: &[Place], depth: usize, left: &mut usize) -> Result<Vec<Pickled>, String> {
        items.iter().map(|item| self.value(*item, depth, left)).collect()
    }

    /// Long texts that are shared count by their length, or they would unfold like everything else.
    fn sized(&self, length: usize, left: &mut usize) -> Result<(), String> {
        let cost = length / 64;
        *left = left.checked_sub(cost).ok_or_else(|| format!("{} bytes of pickle unfold without end", self.whole))?;
        Ok(())
    }
}

/// The bytes of texts and bytes.
fn size(nodes: &[&Node]) -> usize {
    let one = |node: &&Node| match node {
        Node::Text(text) => text.len(),
        Node::Bytes(bytes) => bytes.len(),
        _ => 0,
    };
    nodes.iter().map(one).sum()
}

/// Keys and values in turn.
fn paired(items: &[Place]) -> Result<Vec<(Place, Place)>, String> {
    let (pairs, rest) = items.as_chunks::<2>();
    if rest.is_empty() {
        Ok(pairs.iter().map(|[key, value]| (*key, *value)).collect())
    } else {
        Err("expected a value for each key".to_owned())
    }
}

/// A whole number in digits.
fn whole(line: &str) -> Result<i64, String> {
    line.parse().map_err(|_| "expected a whole number of at most 64 bits".to_owned())
}

/// A whole number in two's complement, the least byte first.
fn signed(bytes: &[u8]) -> Result<i64, String> {
    let is_negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
    let mut eight = if is_negative { [0xff; 8] } else { [0; 8] };
    let place = eight.get_mut(..bytes.len()).ok_or("expected a whole number of at most 64 bits")?;
    place.copy_from_slice(bytes);
    Ok(i64::from_le_bytes(eight))
}
