//! What single values may be: flags, counts, numbers, names, words.

use std::fmt;

use editscale_core::NameError;

use crate::document::scalar::{self, Scalar};
use crate::document::tree::{Node, Value};
use crate::document::yaml::Yaml;
use crate::report::mistakes::Mistake;
use crate::report::quote::{list, quote};
use crate::report::suggest::nearest;

/// What a value of a key must be. Reading and showing are each other's inverse.
pub trait Rule: fmt::Debug + Sync {
    /// What is read.
    type Value: fmt::Debug + Sync;

    /// The value, or what is wrong with it as the middle of "`key` …: expected …".
    fn read(&self, found: &Scalar) -> Result<Self::Value, Complaint>;

    /// What is allowed, as the end of "expected …".
    fn expected(&self) -> String;

    /// The value as a resolved recipe has it.
    fn show(&self, value: &Self::Value) -> Yaml;
}

/// Why a scalar is not what a rule wants.
#[derive(Debug, PartialEq)]
pub struct Complaint {
    hint: Option<String>,
    /// Whether the value looks like a secret, and is shown to nobody.
    is_secret: bool,
}

impl Complaint {
    /// Without a hint.
    pub const PLAIN: Self = Self { hint: None, is_secret: false };

    /// With what to do about it.
    pub fn hint(hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), is_secret: false }
    }

    /// The same for a value that looks like a secret.
    #[must_use]
    pub fn secret(self) -> Self {
        Self { is_secret: true, ..self }
    }
}

/// Applies a rule to the value of `key`. `None` where the value has been reported already.
pub(crate) fn apply<R: Rule>(rule: &R, key: &str, node: &Node) -> Option<Result<R::Value, Mistake>> {
    let (found, complaint) = match &node.value {
        Value::Refused => return None,
        Value::List(_) => ("cannot be a list".into(), Complaint::PLAIN),
        Value::Map(_) => ("cannot be a map".into(), Complaint::PLAIN),
        Value::Scalar(scalar) => match rule.read(scalar) {
            Ok(value) => return Some(Ok(value)),
            Err(complaint) if complaint.is_secret => ("cannot be what stands here".into(), complaint),
            Err(complaint) => (describe(scalar), complaint),
        },
    };
    let message = format!("{} {found}: expected {}", quote(key), rule.expected());
    Some(Err(Mistake { message, hint: complaint.hint, is_secret: complaint.is_secret }))
}

fn describe(scalar: &Scalar) -> String {
    match scalar {
        Scalar::Null => "has no value".into(),
        Scalar::Flag(flag) => format!("cannot be `{flag}`"),
        Scalar::Whole(whole) => format!("cannot be {whole}"),
        Scalar::Number { text, .. } => format!("cannot be {}", quote(text)),
        Scalar::Text(text) => format!("cannot be the text {}", quote(text)),
    }
}

/// `true` or `false`.
#[derive(Debug, Clone, Copy)]
pub struct Flag;

impl Rule for Flag {
    type Value = bool;

    fn read(&self, found: &Scalar) -> Result<bool, Complaint> {
        match found {
            Scalar::Flag(flag) => Ok(*flag),
            Scalar::Text(text) => Err(match text.to_ascii_lowercase().as_str() {
                "yes" | "on" | "y" | "true" => Complaint::hint("write `true`"),
                "no" | "off" | "n" | "false" => Complaint::hint("write `false`"),
                _ => Complaint::PLAIN,
            }),
            _ => Err(Complaint::PLAIN),
        }
    }

    fn expected(&self) -> String {
        "`true` or `false`".into()
    }

    fn show(&self, value: &bool) -> Yaml {
        Yaml::plain(value)
    }
}

/// A whole number of at least `low` and at most `high`.
#[derive(Debug, Clone, Copy)]
pub struct Whole {
    /// The least.
    pub low: u64,
    /// The most.
    pub high: u64,
}

impl Whole {
    fn holds(self, value: f64) -> bool {
        value.fract() == 0.0 && (self.low as f64..=self.high as f64).contains(&value)
    }
}

impl Rule for Whole {
    type Value = u64;

    fn read(&self, found: &Scalar) -> Result<u64, Complaint> {
        match found {
            Scalar::Whole(whole) => u64::try_from(*whole)
                .ok()
                .filter(|whole| (self.low..=self.high).contains(whole))
                .ok_or(Complaint::PLAIN),
            Scalar::Number { value, .. } if value.abs() < 1e15 && self.holds(*value) => {
                Err(Complaint::hint(format!("write `{value}`")))
            }
            other => Err(number_complaint(other, |value| self.holds(value))),
        }
    }

    fn expected(&self) -> String {
        if self.low == self.high {
            return format!("`{}`", self.low);
        }
        format!("a whole number from {} to {}", grouped(self.low), grouped(self.high))
    }

    fn show(&self, value: &u64) -> Yaml {
        Yaml::plain(value)
    }
}

/// A finite number.
#[derive(Debug, Clone, Copy)]
pub struct Number(Range);

#[derive(Debug, Clone, Copy)]
enum Range {
    Any,
    /// Both ends included.
    From(f64, f64),
    /// The lower end excluded.
    Above(f64, f64),
}

impl Number {
    /// Any finite number.
    pub const ANY: Self = Self(Range::Any);

    /// Both ends allowed.
    pub const fn from(low: f64, high: f64) -> Self {
        Self(Range::From(low, high))
    }

    /// More than `low`, at most `high`.
    pub const fn above(low: f64, high: f64) -> Self {
        Self(Range::Above(low, high))
    }

    fn holds(self, value: f64) -> bool {
        let is_within = match self.0 {
            Range::Any => true,
            Range::From(low, high) => (low..=high).contains(&value),
            Range::Above(low, high) => value > low && value <= high,
        };
        is_within && value.is_finite()
    }
}

impl Rule for Number {
    type Value = f64;

    fn read(&self, found: &Scalar) -> Result<f64, Complaint> {
        let value = match found {
            Scalar::Whole(whole) => *whole as f64,
            Scalar::Number { value, .. } => *value,
            other => return Err(number_complaint(other, |value| self.holds(value))),
        };
        // Adding zero makes −0 and +0 the same.
        if self.holds(value) { Ok(value + 0.0) } else { Err(Complaint::PLAIN) }
    }

    fn expected(&self) -> String {
        match self.0 {
            Range::Any => "a finite number".into(),
            Range::From(low, high) => format!("a number from {} to {}", brief(low), brief(high)),
            Range::Above(low, high) => format!("a number above {}, up to {}", brief(low), brief(high)),
        }
    }

    fn show(&self, value: &f64) -> Yaml {
        Yaml::plain(format!("{value:?}"))
    }
}

/// The number before a per cent sign.
fn percentage(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

/// What to say of something that is not a number but was perhaps meant as one. Only what the rule holds of is offered.
fn number_complaint(found: &Scalar, holds: impl Fn(f64) -> bool) -> Complaint {
    let Scalar::Text(text) = found else { return Complaint::PLAIN };
    let bare = text.trim();
    let number = |text: &str| match scalar::plain(text) {
        Scalar::Whole(whole) => Some(whole as f64),
        Scalar::Number { value, .. } => Some(value),
        _ => None,
    };
    let is_number = |text: &str| number(text).is_some();
    let digits = bare.trim_end_matches(|character: char| character.is_alphabetic() || " %$€".contains(character));
    let fraction = bare.strip_suffix('%').and_then(percentage).map(|percent| percent / 100.0);
    if let Some(value) = number(bare) {
        let hint = format!("write `{bare}` without quotation marks");
        if holds(value) { Complaint::hint(hint) } else { Complaint::PLAIN }
    } else if is_number(&bare.replace(['_', ','], "")) && bare.contains(['_', ',']) {
        Complaint::hint("write digits only, with a `.` before decimals")
    } else if let Some(fraction) = fraction.filter(|fraction| holds(*fraction)) {
        Complaint::hint(format!("write `{fraction}`"))
    } else if is_number(digits) {
        Complaint::hint("write the number alone: the unit is in the key's name or on its page")
    } else {
        Complaint::PLAIN
    }
}

/// A number as people write it.
fn brief(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        let sign = if value < 0.0 { "-" } else { "" };
        format!("{sign}{}", grouped(value.abs() as u64))
    } else {
        format!("{value}")
    }
}

fn grouped(value: u64) -> String {
    let digits = value.to_string();
    if digits.len() <= 4 {
        return digits;
    }
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap_or_default()).collect();
    groups.join(",")
}

/// A name, by the constructor that checks it.
#[derive(Debug, Clone, Copy)]
pub struct Name<T: 'static>(pub fn(&str) -> Result<T, NameError>);

impl<T: fmt::Display + fmt::Debug + Sync> Rule for Name<T> {
    type Value = T;

    fn read(&self, found: &Scalar) -> Result<T, Complaint> {
        match found {
            Scalar::Text(text) => (self.0)(text).map_err(|_| Complaint::PLAIN),
            Scalar::Null => Err(Complaint::PLAIN),
            _ => Err(Complaint::hint("put it in quotation marks if it is a name")),
        }
    }

    fn expected(&self) -> String {
        "a name of 1 to 64 of a-z, A-Z, 0-9, `_`, `-`, `.` that begins with a letter or digit".into()
    }

    fn show(&self, value: &T) -> Yaml {
        Yaml::text(&value.to_string())
    }
}

/// Any text that says something, on one line.
#[derive(Debug, Clone, Copy)]
pub struct Text;

impl Text {
    /// Longer than any path that a system takes.
    const LONGEST: usize = 4096;
}

impl Rule for Text {
    type Value = String;

    fn read(&self, found: &Scalar) -> Result<String, Complaint> {
        match found {
            Scalar::Text(text) => {
                let is_fine =
                    !text.trim().is_empty() && text.len() <= Self::LONGEST && !text.contains(char::is_control);
                if is_fine { Ok(text.clone()) } else { Err(Complaint::PLAIN) }
            }
            Scalar::Null => Err(Complaint::PLAIN),
            _ => Err(Complaint::hint("put it in quotation marks if it is a text")),
        }
    }

    fn expected(&self) -> String {
        "a text on one line".into()
    }

    fn show(&self, value: &String) -> Yaml {
        Yaml::text(value)
    }
}

/// One of several words without options.
#[derive(Debug, Clone, Copy)]
pub struct Word<T: 'static>(pub &'static [(&'static str, T)]);

impl<T: Copy + PartialEq> Word<T> {
    fn words(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|(word, _)| *word)
    }
}

impl<T: Copy + PartialEq + fmt::Debug + Sync> Rule for Word<T> {
    type Value = T;

    fn read(&self, found: &Scalar) -> Result<T, Complaint> {
        let Scalar::Text(text) = found else { return Err(Complaint::PLAIN) };
        match self.0.iter().find(|(word, _)| word == text) {
            Some((_, value)) => Ok(*value),
            None => Err(nearest(text, self.words())
                .map_or(Complaint::PLAIN, |word| Complaint::hint(format!("did you mean {}?", quote(word))))),
        }
    }

    fn expected(&self) -> String {
        format!("one of {}", list(self.words()))
    }

    fn show(&self, value: &T) -> Yaml {
        let word = self.0.iter().find(|(_, known)| known == value).map_or("", |(word, _)| *word);
        Yaml::text(word)
    }
}
