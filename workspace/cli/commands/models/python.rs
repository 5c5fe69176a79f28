//! Texts out of Python source: `NAME = """…"""` at the top of a module. Nothing is run.

use std::iter::Peekable;
use std::str::Chars;

/// The text that a module gives a name, by its last assignment.
pub(super) fn constant(source: &str, name: &str) -> Result<String, String> {
    // Python reads every kind of line end as `\n`, in texts too.
    let source = source.replace("\r\n", "\n").replace('\r', "\n");
    let tokens = Scanner::new(&source).tokens()?;
    let is_here = |at: &usize| {
        matches!(&tokens[*at], Token::Word { text, is_first: true } if text == name)
            && tokens.get(at + 1) == Some(&Token::Symbol('='))
    };
    let at = (0..tokens.len()).rfind(is_here).ok_or_else(|| format!("assigns nothing to `{name}`"))?;
    value(&tokens[at + 2..]).map_err(|reason| format!("assigns to `{name}` {reason}"))
}

/// One text or several side by side, in parentheses or not, up to the end of the statement.
fn value(tokens: &[Token]) -> Result<String, String> {
    let in_parentheses = tokens.first() == Some(&Token::Symbol('('));
    let mut text: Option<String> = None;
    for token in &tokens[usize::from(in_parentheses)..] {
        match token {
            Token::Text { prefix, body } => text.get_or_insert_default().push_str(&unescape(prefix, body)?),
            Token::LineEnd if in_parentheses => {}
            Token::Symbol(')') if in_parentheses => break,
            Token::LineEnd => break,
            _ => return Err("more than a text".to_owned()),
        }
    }
    text.ok_or_else(|| "something else than a text".to_owned())
}

#[derive(Debug, PartialEq)]
enum Token {
    /// A name, a keyword or a number; whether its line begins with it.
    Word {
        text: String,
        is_first: bool,
    },
    /// A text between quotes, escapes and all.
    Text {
        prefix: String,
        body: String,
    },
    Symbol(char),
    LineEnd,
}

struct Scanner<'a> {
    rest: Peekable<Chars<'a>>,
    is_line_start: bool,
    line: usize,
}

impl<'a> Scanner<'a> {
    fn new(source: &'a str) -> Self {
        Self { rest: source.chars().peekable(), is_line_start: true, line: 1 }
    }

    fn next(&mut self) -> Option<char> {
        let next = self.rest.next()?;
        self.is_line_start = next == '\n';
        self.line += usize::from(next == '\n');
        Some(next)
    }

    fn tokens(mut self) -> Result<Vec<Token>, String> {
        let mut tokens = Vec::new();
        while let Some(&next) = self.rest.peek() {
            let is_first = self.is_line_start;
            match next {
                '#' => {
                    while self.rest.peek().is_some_and(|c| *c != '\n') {
                        self.next();
                    }
                }
                '"' | '\'' => tokens.push(self.text(String::new())?),
                c if c.is_alphanumeric() || c == '_' => {
                    let word = self.word();
                    let is_prefix = matches!(self.rest.peek(), Some('"' | '\'')) && is_prefix(&word);
                    tokens.push(if is_prefix { self.text(word)? } else { Token::Word { text: word, is_first } });
                }
                c => {
                    self.next();
                    match c {
                        '\n' => tokens.push(Token::LineEnd),
                        '\\' if self.rest.peek() == Some(&'\n') => _ = self.next(),
                        c if c.is_whitespace() => {}
                        c => tokens.push(Token::Symbol(c)),
                    }
                }
            }
        }
        Ok(tokens)
    }

    fn word(&mut self) -> String {
        let mut word = String::new();
        while self.rest.peek().is_some_and(|c| c.is_alphanumeric() || *c == '_') {
            word.extend(self.next());
        }
        word
    }

    /// A text from its quote on. A backslash always keeps the next character from ending it, in raw texts too.
    fn text(&mut self, prefix: String) -> Result<Token, String> {
        let line = self.line;
        let quote = self.next().unwrap_or_default();
        let open = || format!("has a text in line {line} that does not end");
        let is_triple = match (self.rest.peek() == Some(&quote)).then(|| self.next()) {
            None => false,
            Some(_) if self.rest.peek() != Some(&quote) => return Ok(Token::Text { prefix, body: String::new() }),
            Some(_) => self.next().is_some(),
        };
        let mut body = String::new();
        let ends = if is_triple { 3 } else { 1 };
        let mut quotes = 0;
        while quotes < ends {
            let next = self.next().ok_or_else(open)?;
            if next == '\n' && !is_triple {
                return Err(open());
            }
            quotes = if next == quote { quotes + 1 } else { 0 };
            body.push(next);
            if next == '\\' {
                body.push(self.next().ok_or_else(open)?);
            }
        }
        body.truncate(body.len() - ends);
        Ok(Token::Text { prefix, body })
    }
}

fn is_prefix(word: &str) -> bool {
    matches!(word.to_ascii_lowercase().as_str(), "r" | "u" | "b" | "f" | "br" | "rb" | "fr" | "rf")
}

/// What a text stands for.
fn unescape(prefix: &str, body: &str) -> Result<String, String> {
    let prefix = prefix.to_ascii_lowercase();
    if prefix.contains(['f', 'b']) {
        return Err(format!("a text with the prefix `{prefix}`: expected a plain one"));
    }
    if prefix.contains('r') {
        return Ok(body.to_owned());
    }
    let (mut text, mut rest) = (String::new(), body.chars().peekable());
    while let Some(next) = rest.next() {
        if next != '\\' {
            text.push(next);
            continue;
        }
        let Some(escape) = rest.next() else { break };
        match escape {
            '\n' => {}
            '\\' | '\'' | '"' => text.push(escape),
            'a' => text.push('\x07'),
            'b' => text.push('\x08'),
            'f' => text.push('\x0c'),
            'n' => text.push('\n'),
            'r' => text.push('\r'),
            't' => text.push('\t'),
            'v' => text.push('\x0b'),
            'x' => text.push(coded(&mut rest, 2, 16)?),
            'u' => text.push(coded(&mut rest, 4, 16)?),
            'U' => text.push(coded(&mut rest, 8, 16)?),
            'N' => return Err("a text with a named character, which is not read here".to_owned()),
            '0'..='7' => text.push(octal(escape, &mut rest)?),
            // Python keeps the backslash of what is no escape.
            other => text.extend(['\\', other]),
        }
    }
    Ok(text)
}

fn coded(rest: &mut Peekable<Chars<'_>>, digits: usize, base: u32) -> Result<char, String> {
    let code: String = rest.by_ref().take(digits).collect();
    let character = u32::from_str_radix(&code, base).ok().filter(|_| code.chars().count() == digits);
    character.and_then(char::from_u32).ok_or_else(|| format!("a text with the broken escape `{code}`"))
}

fn octal(first: char, rest: &mut Peekable<Chars<'_>>) -> Result<char, String> {
    let mut code = String::from(first);
    while code.len() < 3 && rest.peek().is_some_and(|c| ('0'..='7').contains(c)) {
        code.extend(rest.next());
    }
    coded(&mut code.chars().peekable(), code.len(), 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expected: Result<&str, &str>) {
        match (constant(source, "A"), expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{source}"),
            (Err(found), Err(expected)) => assert!(found.contains(expected), "{source}: {found}"),
            (found, _) => panic!("{source}: {found:?}"),
        }
    }

    #[test]
    fn texts_are_found() {
        check("A = 'x'", Ok("x"));
        check("A = \"\"\"\none  \n'two' \"\"three {b}\n\"\"\"\n", Ok("\none  \n'two' \"\"three {b}\n"));
        check("# A = 'no'\nA='''yes'''  # why\n", Ok("yes"));
        check("A = ''\n", Ok(""));
        check("A = 'one' \"two\"", Ok("onetwo"));
        check("A = (\n  'one'  # first\n  'two'\n)\nB = 1", Ok("onetwo"));
        check("A = 'first'\nA = 'last'\n", Ok("last"));
        check("x = \"\"\"\nA = 'inside'\n\"\"\"\nA = 'outside'", Ok("outside"));
        check("def f():\n    A = 'local'\nA = 'global'\nprint(A)", Ok("global"));
        check("B = '#'\nA = 'x'\r\n", Ok("x"));
        check("A = \"\"\"a\r\nb\"\"\"", Ok("a\nb"));
        check("A = \\\n  'x'", Ok("x"));
        check("AA = 'no'\nA = 'x'\nAB = 'no'", Ok("x"));
    }

    #[test]
    fn escapes_are_those_of_python() {
        check(r"A = 'a\n\t\\\'\x41\u00e9\U0001F600\101\0\d'", Ok("a\n\t\\'Aé😀A\0\\d"));
        check("A = 'one\\\ntwo'", Ok("onetwo"));
        check(r"A = r'a\n\''", Ok(r"a\n\'"));
        check(r#"A = u"""x\"""" "#, Ok("x\""));
    }

    #[test]
    fn what_is_no_text_is_refused() {
        check("B = 'x'", Err("assigns nothing to `A`"));
        check("A = 1", Err("more than a text"));
        check("A = 'x' + b", Err("more than a text"));
        check("A = 'x'.format(y)", Err("more than a text"));
        check("A = f'{x}'", Err("prefix `f`"));
        check("A = b'x'", Err("prefix `b`"));
        check("A = 'x", Err("does not end"));
        check("A = '''x''", Err("does not end"));
        check(r"A = '\xZZ'", Err("broken escape"));
        check(r"A = '\N{BULLET}'", Err("named character"));
        check("A == 'x'", Err("more than a text"));
        check("A =", Err("something else"));
    }
}
