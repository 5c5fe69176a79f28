//! Writing a recipe: one spelling for each, that this crate and any other YAML reader read alike.

use std::fmt::{self, Write};

use crate::document::scalar::{self, Scalar};

/// Lines are at most this wide where that can be had by breaking maps and lists.
const WIDTH: usize = 100;

/// A value to write.
#[derive(Debug, Clone, PartialEq)]
pub enum Yaml {
    /// As it stands in the file.
    Scalar(String),
    /// Several values in order.
    List(Vec<Yaml>),
    /// Several values under keys, which are written as they are.
    Map(Vec<(String, Yaml)>),
}

impl Yaml {
    /// A flag or number.
    pub fn plain(value: impl fmt::Display) -> Self {
        Self::Scalar(value.to_string())
    }

    /// A text, in quotation marks if it could be read as anything else.
    pub fn text(text: &str) -> Self {
        Self::Scalar(if reads_as_text(text) { text.into() } else { quoted(text) })
    }

    /// One alternative with its options.
    pub fn tagged(name: &str, options: Self) -> Self {
        Self::Map(vec![(name.into(), options)])
    }

    /// The whole document.
    pub fn document(&self) -> String {
        let mut text = String::new();
        self.block(&mut text, 0);
        text
    }

    fn block(&self, text: &mut String, indent: usize) {
        match self {
            Self::Map(entries) => {
                for (key, value) in entries {
                    value.entry(text, indent, &format!("{}{key}:", " ".repeat(indent)));
                }
            }
            Self::List(items) => {
                for item in items {
                    item.entry(text, indent, &format!("{}-", " ".repeat(indent)));
                }
            }
            Self::Scalar(scalar) => push_line(text, scalar),
        }
    }

    /// A value after its key or dash: in the same line if it fits, otherwise in lines of its own.
    fn entry(&self, text: &mut String, indent: usize, start: &str) {
        let line = format!("{start} {self}");
        if line.len() <= WIDTH || matches!(self, Self::Scalar(_)) {
            push_line(text, &line);
        } else {
            push_line(text, start);
            self.block(text, indent + 2);
        }
    }
}

fn push_line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

/// On one line, in flow style.
impl fmt::Display for Yaml {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scalar(scalar) => f.write_str(scalar),
            Self::List(items) => separated(f, ['[', ']'], items, |f, item| write!(f, "{item}")),
            Self::Map(entries) => separated(f, ['{', '}'], entries, |f, (key, value)| write!(f, "{key}: {value}")),
        }
    }
}

fn separated<T>(
    f: &mut fmt::Formatter<'_>,
    [open, close]: [char; 2],
    items: &[T],
    one: impl Fn(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    f.write_char(open)?;
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        one(f, item)?;
    }
    f.write_char(close)
}

/// Whether a text without quotation marks is this text to readers of YAML 1.1 and 1.2.
fn reads_as_text(text: &str) -> bool {
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    text.bytes().next().is_some_and(|first| first.is_ascii_alphabetic())
        && text.bytes().all(safe)
        && matches!(scalar::plain(text), Scalar::Text(_))
        && !["y", "n", "yes", "no", "on", "off"].contains(&text.to_ascii_lowercase().as_str())
}

/// A text in double quotation marks.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.chars().map(escaped).collect::<String>())
}

/// A character between double quotation marks; what cannot be seen is written by its number.
fn escaped(character: char) -> String {
    let number = u32::from(character);
    match character {
        '"' | '\\' => format!("\\{character}"),
        _ if character == '\'' || character.escape_debug().len() == 1 => character.into(),
        _ if number <= 0xffff => format!("\\u{number:04x}"),
        _ => format!("\\U{number:08x}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_mean_something_else_are_quoted() {
        let check = |text: &str, expected: &str| assert_eq!(Yaml::text(text).to_string(), expected);
        check("photometric", "photometric");
        check("flux.1-dev", "flux.1-dev");
        check("no", "\"no\"");
        check("N", "\"N\"");
        check("null", "\"null\"");
        check("1.5", "\"1.5\"");
        check("8bit", "\"8bit\"");
        check("a \"b\" c's\\d", "\"a \\\"b\\\" c's\\\\d\"");
        check("\u{feff}é\u{200b}𝄞\u{e0001}", "\"\\ufeffé\\u200b𝄞\\U000e0001\"");
    }

    #[test]
    fn wide_values_are_broken() {
        let wide = Yaml::Map((0..12).map(|n| (format!("key_number_{n}"), Yaml::plain(n))).collect());
        let text = Yaml::Map(vec![
            ("narrow".into(), Yaml::tagged("a", Yaml::Map(vec![]))),
            ("list".into(), Yaml::List(vec![wide.clone(), Yaml::plain(1)])),
        ])
        .document();
        let first = wide.to_string().replace(", ", "\n    ").replace(['{', '}'], "");
        assert_eq!(text, format!("narrow: {{a: {{}}}}\nlist:\n  -\n    {first}\n  - 1\n"));
    }
}
