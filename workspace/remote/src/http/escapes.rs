//! Where something stands in a text that others wrote down once more: in an address, a page, a text of JSON.
//!
//! Escapes are undone layer by layer, and what is found in a layer is led back to where it stands in the text. Every mixture
//! of spellings is found so, without a list of them.

use std::ops::Range;

use memchr::memchr3;

/// Layers that are undone: JSON within JSON within a page, and one more.
const MOST_LAYERS: usize = 4;
/// The most letters of an escape in a page, such as `&#x0000002f;`.
const LONGEST: usize = 12;

/// A text with the escapes of one layer undone.
struct Layer {
    text: String,
    /// Places in the text, each with its place in the text before; between two of them both move alike.
    turns: Vec<(usize, usize)>,
}

/// Where any of these stands in a text, in order. They are in lower case; the case of ASCII letters in the text does not matter.
pub(super) fn places(text: &str, wanted: &[String]) -> Vec<Range<usize>> {
    let mut layers: Vec<Layer> = Vec::new();
    let mut found = within(text, wanted);
    while layers.len() < MOST_LAYERS {
        let Some(layer) = Layer::of(layers.last().map_or(text, |layer| &layer.text)) else { break };
        let inside = within(&layer.text, wanted);
        layers.push(layer);
        let before = |place: usize| layers.iter().rev().fold(place, |place, layer| layer.before(place));
        found.extend(inside.into_iter().map(|range| before(range.start)..before(range.end)));
    }
    found.sort_by_key(|range| (range.start, range.end));
    found
}

/// Changing the case of ASCII letters moves nothing, so that places in one text are places in the other.
fn within(text: &str, wanted: &[String]) -> Vec<Range<usize>> {
    let lower = text.to_ascii_lowercase();
    let of = |one: &String| lower.match_indices(one.as_str()).map(|(at, same)| at..at + same.len()).collect::<Vec<_>>();
    wanted.iter().flat_map(of).collect()
}

impl Layer {
    /// Undoes the escapes of a text; nothing where it has none.
    fn of(text: &str) -> Option<Self> {
        let (mut undone, mut turns, mut from, mut at) = (String::new(), Vec::new(), 0, 0);
        while let Some(next) = text.as_bytes().get(at..).and_then(|rest| memchr3(b'%', b'&', b'\\', rest)) {
            let start = at + next;
            let Some((letter, length)) = text.get(start..).and_then(escape) else {
                at = start + 1;
                continue;
            };
            undone.push_str(text.get(from..start).unwrap_or_default());
            turns.push((undone.len(), start));
            undone.push(letter);
            (from, at) = (start + length, start + length);
            turns.push((undone.len(), from));
        }
        undone.push_str(text.get(from..).unwrap_or_default());
        (!turns.is_empty()).then_some(Self { text: undone, turns })
    }

    /// A place in the text before.
    fn before(&self, place: usize) -> usize {
        let next = self.turns.partition_point(|(at, _)| *at <= place);
        let turn = next.checked_sub(1).and_then(|last| self.turns.get(last));
        turn.map_or(place, |(at, source)| source + (place - at))
    }
}

/// The printable character of ASCII that the escape at a text's beginning stands for, and the bytes that it takes.
fn escape(text: &str) -> Option<(char, usize)> {
    let rest = text.get(1..)?;
    let (letter, length) = match text.as_bytes().first()? {
        b'%' => (code(rest, 2, 16)?, 3),
        b'&' => {
            let name = rest.get(..rest.bytes().take(LONGEST).position(|byte| byte == b';')?)?;
            (entity(name)?, name.len() + 2)
        }
        _ => match rest.as_bytes().first()? {
            b'u' => (code(rest.get(1..)?, 4, 16)?, 6),
            b'x' => (code(rest.get(1..)?, 2, 16)?, 4),
            quoted @ (b'"' | b'\'' | b'/' | b'\\') => (char::from(*quoted), 2),
            _ => return None,
        },
    };
    letter.is_ascii_graphic().then_some((letter, length))
}

/// What a page calls a character: by a name, or by its number.
fn entity(name: &str) -> Option<char> {
    let Some(number) = name.strip_prefix('#') else {
        let names =
            [("amp", '&'), ("lt", '<'), ("gt", '>'), ("quot", '"'), ("apos", '\''), ("sol", '/'), ("plus", '+')];
        let more = [("equals", '='), ("lowbar", '_'), ("colon", ':'), ("period", '.'), ("percnt", '%')];
        return names.into_iter().chain(more).find(|(known, _)| *known == name).map(|(_, letter)| letter);
    };
    match number.strip_prefix(['x', 'X']) {
        Some(digits) => code(digits, digits.len(), 16),
        None => code(number, number.len(), 10),
    }
}

/// The character whose number so many digits are.
fn code(text: &str, digits: usize, radix: u32) -> Option<char> {
    let digits = text.get(..digits).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_alphanumeric()))?;
    char::from_u32(u32::from_str_radix(digits, radix).ok()?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_written_otherwise_is_found_where_it_stands() {
        let wanted = ["a+b".to_owned()];
        for (text, expected) in [
            ("é a+b", vec![3..6]),
            ("A+Ba+b", vec![0..3, 3..6]),
            ("é a%2Bb.", vec![3..8]),
            ("%61%2b%62%61%2b%62", vec![0..9, 9..18]),
            ("a%252Bb", vec![0..7]),
            ("a&#43;b a&#x2b;b a&plus;b", vec![0..7, 8..16, 17..25]),
            (r"a\u002Bb a\x2bb", vec![0..8, 9..15]),
            (r"{\\\u0022a\\u002bb\\u0022}", vec![9..18]),
            ("a&amp;#43;b", vec![0..11]),
            ("a%2b%2b a&#9;b a&#x1F600;+b a%", vec![]),
            ("a%é a&é; a\\", vec![]),
        ] {
            assert_eq!(places(text, &wanted), expected, "{text}");
        }
    }

    proptest! {
        /// Each letter is written plainly or in one of three ways, in up to three layers.
        #[test]
        fn any_mixture_is_found(ways in prop::collection::vec(prop::collection::vec(0_u8..4, 60), 1..4), around in "[ é]{0,4}") {
            let secret = "sk-+/=&%\"x";
            let written = ways.iter().fold(secret.to_owned(), |text, ways| {
                let letter = |(letter, way): (char, &u8)| match way {
                    1 => format!("%{:02X}", u32::from(letter)),
                    2 => format!("&#{};", u32::from(letter)),
                    3 => format!("\\u{:04x}", u32::from(letter)),
                    _ if "%&\\".contains(letter) => format!("%{:02x}", u32::from(letter)),
                    _ => letter.into(),
                };
                text.chars().zip(ways.iter().cycle()).map(letter).collect()
            });
            let text = format!("{around}{written}{around}");
            let found = places(&text, &[secret.to_owned()]);
            prop_assert!(found.contains(&(around.len()..around.len() + written.len())), "{text}: {found:?}");
        }

        #[test]
        fn places_are_where_texts_can_be_cut(text in "[%&#;\\\\ux2bé0-9a]{0,40}") {
            for range in places(&text, &["a".to_owned(), "+".to_owned(), "2".to_owned()]) {
                prop_assert!(text.get(range.clone()).is_some_and(|cut| !cut.is_empty()), "{text}: {range:?}");
            }
        }
    }
}
