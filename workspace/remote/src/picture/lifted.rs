//! Answers in JSON that hold pictures: the texts of pictures stay where they are.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;
use memchr::{memchr, memchr2};
use serde_json::Value;

/// A text of at least so many bytes is lifted out. Nothing but a picture is so long.
const LONG: usize = 64 * 1024;

/// Stands in the value for a lifted text, with its number. A server that writes it itself gets one of its own texts.
const MARK: &str = "\0lifted:";

/// A JSON answer. Long texts are not copied into the value: it holds marks for them, which [`Self::text`] looks up.
#[derive(Debug)]
pub(crate) struct Lifted {
    /// The answer with marks.
    pub(crate) value: Value,
    texts: Vec<Range<usize>>,
    body: Bytes,
}

impl Lifted {
    /// Parses an answer. A text with escapes is never lifted, so that what is lifted is as it was written.
    pub(crate) fn new(body: &Bytes) -> Result<Self, serde_json::Error> {
        let (mut short, mut texts, mut from) = (Vec::new(), Vec::new(), 0);
        while let Some((text, is_plain)) = next_text(body, from) {
            let kept = body.get(from..text.start).unwrap_or_default();
            short.extend_from_slice(kept);
            let is_long = is_plain && text.len() >= LONG;
            if is_long {
                short.extend_from_slice(format!("\\u0000lifted:{}", texts.len()).as_bytes());
                texts.push(text.clone());
            } else {
                short.extend_from_slice(body.get(text.clone()).unwrap_or_default());
            }
            // The quotation mark at its end.
            short.extend_from_slice(body.get(text.end..=text.end).unwrap_or_default());
            from = text.end + 1;
        }
        short.extend_from_slice(body.get(from..).unwrap_or_default());
        Ok(Self { value: serde_json::from_slice(&short)?, texts, body: body.clone() })
    }

    /// An answer that was put together here, without marks.
    pub(crate) fn plain(value: Value) -> Self {
        Self { value, texts: Vec::new(), body: Bytes::new() }
    }

    /// The bytes of a text in the value, lifted or not; nothing where it is no text. Nobody has checked what they are.
    pub(crate) fn text<'a>(&'a self, value: &'a Value) -> Option<&'a [u8]> {
        let text = value.as_str()?;
        let Some(number) = text.strip_prefix(MARK) else { return Some(text.as_bytes()) };
        self.body.get(self.texts.get(number.parse::<usize>().ok()?)?.clone())
    }

    /// The same for people.
    pub(crate) fn words<'a>(&'a self, value: &'a Value) -> Option<Cow<'a, str>> {
        self.text(value).map(String::from_utf8_lossy)
    }
}

/// Where the next text is, without its quotation marks, and whether it is without escapes. Outside of texts JSON has none of these.
fn next_text(body: &[u8], from: usize) -> Option<(Range<usize>, bool)> {
    let start = from + memchr(b'"', body.get(from..)?)? + 1;
    let (mut at, mut is_plain) = (start, true);
    loop {
        at += memchr2(b'"', b'\\', body.get(at..)?)?;
        if body.get(at) == Some(&b'"') {
            return Some((start..at, is_plain));
        }
        is_plain = false;
        at += 2;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn lifted(value: &Value) -> Lifted {
        Lifted::new(&value.to_string().into()).unwrap()
    }

    #[test]
    fn long_texts_stay_where_they_are() {
        let (long, other) = ("A".repeat(LONG), "B".repeat(LONG + 1));
        let answer = json!({"data": [{"b64_json": long, "note": "\"a\\"}, {"b64_json": other}], "created": 1});
        let lifted = lifted(&answer);
        assert_eq!(lifted.texts.len(), 2);
        assert_eq!(lifted.text(&lifted.value["data"][0]["b64_json"]), Some(long.as_bytes()));
        assert_eq!(lifted.text(&lifted.value["data"][1]["b64_json"]), Some(other.as_bytes()));
        assert_eq!(lifted.words(&lifted.value["data"][0]["note"]).as_deref(), Some("\"a\\"));
        assert_eq!((&lifted.value["created"], lifted.text(&lifted.value["created"])), (&json!(1), None));
        assert!(lifted.value.to_string().len() < 200);
    }

    #[test]
    fn escapes_and_short_texts_are_read_as_ever() {
        let slashes = format!(r#"{{"a": "{}"}}"#, r"\/".repeat(LONG));
        let read = Lifted::new(&slashes.into()).unwrap();
        assert_eq!(read.text(&read.value["a"]).map(<[u8]>::len), Some(LONG));
        assert!(read.texts.is_empty());
    }

    #[test]
    fn a_mark_of_a_server_is_its_own_affair() {
        for mark in ["\0lifted:0", "\0lifted:7", "\0lifted:x"] {
            let read = lifted(&json!({"a": mark, "b": "C".repeat(LONG)}));
            assert!(read.text(&read.value["a"]).is_none_or(|text| text.len() == LONG));
        }
    }

    #[test]
    fn what_is_no_json_is_an_error() {
        for body in ["", "<html>", "{\"a\": \"", "{\"a\": \"b\\", "{\"a\" \"b\"}"] {
            assert!(Lifted::new(&body.to_owned().into()).is_err(), "{body}");
        }
    }

    proptest! {
        #[test]
        fn anything_without_long_texts_is_read_as_it_is(text in ".{0,40}", other in "[\"\\\\a{}:,]{0,40}", number in any::<i64>()) {
            let value = json!({text.as_str(): [other.as_str(), number, {"x": text.as_str()}]});
            prop_assume!(!text.starts_with(MARK));
            prop_assert_eq!(&lifted(&value).value, &value);
        }
    }
}
