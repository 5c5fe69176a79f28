//! From text to words: tokens with their places, plain forms of inflected and misspelt words.

use std::ops::Range;
use std::sync::LazyLock;

use super::lexicon::{Sense, long_words, look_up};
use crate::plan::{Amount, Direction};

/// A word or phrase with its meaning, and its place in the text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) sense: Meaning,
    pub(super) place: Range<usize>,
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Meaning {
    /// A word of the lexicon. The flag tells a comparative ("bluer").
    Known(Sense, bool),
    /// `4:5`, `16x9`, `2.39:1`.
    Ratio(f32, f32),
    /// `1200x800`: a size in pixels, which is no edit.
    Size,
    /// `#rrggbb`.
    Hex(u8, u8, u8),
    /// A full stop, comma or line break.
    Break,
    /// A word that means nothing here.
    Unknown,
}

/// From which number on `WxH` counts pixels: the ratios that photographs are cut to (`16x9`, `8x10`, `24x36`) stay below it.
const SMALLEST_SIZE: f32 = 64.0;

/// The longest phrase of the lexicon, in words.
pub(super) const LONGEST_PHRASE: usize = 4;

/// A bare word and its place.
struct Word {
    text: String,
    place: Range<usize>,
}

/// The tokens of a text, in order. Time grows with its length alone.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let words = split(text);
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let (meaning, count) = longest(&words[at..]);
        let place = words[at].place.start..words[at + count - 1].place.end;
        tokens.push(Token { sense: meaning, place });
        at += count;
    }
    tokens
}

/// Whether a text names a size in pixels: "1200x800", "1200 by 800".
pub(super) fn has_size(text: &str) -> bool {
    let tokens = tokens(text);
    let is_large =
        |token: &Token| matches!(token.sense, Meaning::Known(Sense::Number(value), _) if value >= SMALLEST_SIZE);
    let joins = |token: &Token| matches!(token.sense, Meaning::Known(Sense::By | Sense::Times, _));
    let is_apart =
        |three: &[Token]| matches!(three, [width, by, height] if is_large(width) && joins(by) && is_large(height));
    tokens.iter().any(|token| token.sense == Meaning::Size) || tokens.windows(3).any(is_apart)
}

fn longest(words: &[Word]) -> (Meaning, usize) {
    for count in (2..=LONGEST_PHRASE.min(words.len())).rev() {
        let span = &words[..count];
        if span.iter().any(|word| word.text.len() > 20 || is_break(&word.text)) {
            continue;
        }
        let phrase: Vec<&str> = span.iter().map(|word| word.text.as_str()).collect();
        let phrase = phrase.join(" ");
        if let Some(sense) = look_up(&phrase).or_else(|| plain_last_word(&phrase)) {
            return (known(sense, false), count);
        }
    }
    (meaning_of(&words[0].text), 1)
}

/// A phrase whose last word is inflected: "colour temperatures", "film grains".
fn plain_last_word(phrase: &str) -> Option<Sense> {
    look_up(phrase.strip_suffix('s')?)
}

fn is_break(text: &str) -> bool {
    matches!(text, "," | "." | ";" | "\n" | "!" | "?" | "•" | "(" | ")" | "/" | "|")
}

fn meaning_of(word: &str) -> Meaning {
    if is_break(word) {
        return Meaning::Break;
    }
    if let Some(special) = number(word).or_else(|| ratio(word)).or_else(|| hex(word)) {
        return special;
    }
    if let Some(sense) = look_up(word).or_else(|| look_up(&word.replace('-', " "))) {
        return known(sense, false);
    }
    plain_form(word)
        .or_else(|| corrected(word))
        .map_or(Meaning::Unknown, |(sense, comparative)| known(sense, comparative))
}

fn known(sense: Sense, comparative: bool) -> Meaning {
    if sense == Sense::Stranger { Meaning::Unknown } else { Meaning::Known(sense, comparative) }
}

fn number(word: &str) -> Option<Meaning> {
    let fraction = match word {
        "½" => Some(0.5),
        "⅓" => Some(1.0 / 3.0),
        "⅔" => Some(2.0 / 3.0),
        "¼" => Some(0.25),
        "¾" => Some(0.75),
        _ => None,
    };
    let slashed = || {
        let (over, under) = word.split_once('/')?;
        let (over, under): (f32, f32) = (over.parse().ok()?, under.parse().ok()?);
        (over > 0.0 && under > 0.0).then(|| over / under)
    };
    let is_number = word.starts_with(|first: char| first.is_ascii_digit() || first == '.');
    let value = fraction.or_else(slashed).or_else(|| is_number.then(|| word.replace(',', ".").parse().ok())?);
    let sensible = |value: &f32| value.is_finite() && *value < 1e6;
    let times = || is_number.then(|| word.strip_suffix(['x', '×'])?.replace(',', ".").parse().ok())?.filter(sensible);
    if let Some(times) = times() {
        return Some(Meaning::Known(Sense::Amount(Amount::Share((times - 1.0).abs())), false));
    }
    Some(Meaning::Known(Sense::Number(value.filter(sensible)?), false))
}

fn ratio(word: &str) -> Option<Meaning> {
    let times = || word.split_once('x').or_else(|| word.split_once('×'));
    let (width, height) = word.split_once(':').or_else(times)?;
    let (width, height): (f32, f32) = (width.parse().ok()?, height.parse().ok()?);
    if !word.contains(':') && width.max(height) >= SMALLEST_SIZE {
        return Some(Meaning::Size);
    }
    let sensible = |value: f32| (0.1..=10_000.0).contains(&value);
    (sensible(width) && sensible(height)).then_some(Meaning::Ratio(width, height))
}

fn hex(word: &str) -> Option<Meaning> {
    let digits = word.strip_prefix('#')?;
    if digits.len() != 6 || !digits.is_ascii() {
        return None;
    }
    let channel = |from: usize| u8::from_str_radix(&digits[from..from + 2], 16).ok();
    Some(Meaning::Hex(channel(0)?, channel(2)?, channel(4)?))
}

/// Endings, what stands in their place in the plain form, and whether they make comparatives.
const ENDINGS: [(&str, &str, bool); 21] = [
    ("ier", "y", true),
    ("iest", "y", true),
    ("er", "", true),
    ("er", "e", true),
    ("est", "", true),
    ("est", "e", true),
    ("ish", "", true),
    ("ish", "e", true),
    ("ies", "y", false),
    ("es", "", false),
    ("s", "", false),
    ("ing", "", false),
    ("ing", "e", false),
    ("ed", "", false),
    ("ed", "e", false),
    ("ness", "", false),
    ("iness", "y", false),
    ("y", "", true),
    ("izing", "ise", false),
    ("ized", "ise", false),
    ("'s", "", false),
];

/// The sense of an inflected word by that of its plain form, and whether it is a comparative.
fn plain_form(word: &str) -> Option<(Sense, bool)> {
    let british = word.replace("color", "colour").replace("gray", "grey").replace("center", "centre");
    let british = british.strip_suffix("ize").map_or_else(|| british.clone(), |stem| format!("{stem}ise"));
    if let Some(sense) = look_up(&british) {
        return Some((sense, false));
    }
    for (ending, instead, comparative) in ENDINGS {
        let Some(stem) = british.strip_suffix(ending) else { continue };
        if stem.len() < 2 {
            continue;
        }
        let doubled = stem.chars().rev().take(2).collect::<Vec<char>>();
        let undoubled = (doubled.len() == 2 && doubled[0] == doubled[1])
            .then(|| stem[..stem.len() - doubled[0].len_utf8()].to_owned());
        for candidate in [Some(format!("{stem}{instead}")), undoubled].into_iter().flatten() {
            if let Some(sense) = look_up(&candidate).filter(|sense| !sense.is_idle() || ending == "s") {
                return Some((made(sense, ending), comparative));
            }
        }
    }
    None
}

/// A noun that an ending makes out of an adjective names the quantity's upper end all the same: "brightness".
fn made(sense: Sense, ending: &str) -> Sense {
    match (sense, ending) {
        (Sense::Quality(quantity, Direction::More), "ness" | "iness") => Sense::Quantity(quantity),
        _ => sense,
    }
}

/// Inflected forms that are asked for most, of words too short to be corrected themselves: every second word is a slip away from
/// one of four letters.
const INFLECTED: [&str; 2] = ["warmer", "darker"];

/// The sense of a misspelt word, and whether it is a comparative: it, or what is left of it without an ending, is one slip away
/// from exactly one long word of the lexicon.
fn corrected(word: &str) -> Option<(Sense, bool)> {
    let endings = ["", "er", "ing", "ed", "s", "est"];
    endings.into_iter().find_map(|ending| nearest(word.strip_suffix(ending)?))
}

fn nearest(word: &str) -> Option<(Sense, bool)> {
    static WORDS: LazyLock<Vec<&'static str>> = LazyLock::new(|| long_words().chain(INFLECTED).collect());
    if word.len() < 5 || word.len() > 16 || !word.is_ascii() {
        return None;
    }
    let mut close = WORDS.iter().filter(|known| is_one_slip(word.as_bytes(), known.as_bytes()));
    let only = close.next()?;
    if close.next().is_some() { None } else { plain_form(only) }
}

/// Whether two words differ by one letter added, dropped, changed, or swapped with its neighbour.
fn is_one_slip(one: &[u8], other: &[u8]) -> bool {
    if one.len().abs_diff(other.len()) > 1 || one[0] != other[0] {
        return false;
    }
    let same = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    let (one, other) = (&one[same..], &other[same..]);
    match one.len().cmp(&other.len()) {
        std::cmp::Ordering::Less => one == &other[1..],
        std::cmp::Ordering::Greater => &one[1..] == other,
        std::cmp::Ordering::Equal => {
            one.len() > 1
                && (one[1..] == other[1..] || (one[0] == other[1] && one[1] == other[0] && one[2..] == other[2..]))
        }
    }
}

/// Words and marks of a text, in lower case.
fn split(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut chars = text.char_indices().peekable();
    while let Some((start, first)) = chars.next() {
        if first.is_whitespace() && first != '\n' {
            continue;
        }
        let mut end = start + first.len_utf8();
        if is_word_part(first) {
            let is_number = first.is_ascii_digit();
            while let Some((at, next)) = chars.peek().copied() {
                let is_initial = next == '/' && end - start == 1 && text[at + 1..].starts_with(char::is_alphabetic);
                let inside = is_word_part(next)
                    || is_initial
                    || (is_inner(next, is_number) && text[at + next.len_utf8()..].starts_with(is_word_part))
                    || (next == '&' && text[at + 1..].starts_with(char::is_alphabetic));
                let unit_begins = is_number && next.is_alphabetic() && next != 'x' && next != '×';
                if !inside || unit_begins {
                    break;
                }
                end = at + next.len_utf8();
                chars.next();
            }
        }
        let text = plain_text(&text[start..end]);
        let before_number = chars.peek().is_some_and(|(_, next)| next.is_numeric() || *next == '.');
        push(&mut words, text, start..end, before_number);
    }
    words
}

fn is_word_part(character: char) -> bool {
    character.is_alphanumeric() || character == '#' || ('\u{bc}'..='\u{be}').contains(&character)
}

/// Marks that hold a word or number together where more of it follows.
fn is_inner(character: char, in_number: bool) -> bool {
    match character {
        '\'' | '’' | '-' => !in_number,
        '.' | ':' | '/' | ',' => in_number,
        _ => false,
    }
}

fn plain_text(text: &str) -> String {
    text.to_lowercase().replace('’', "'")
}

/// A sign before a number says up or down; other marks stand for themselves.
fn push(words: &mut Vec<Word>, text: String, place: Range<usize>, before_number: bool) {
    let text = match text.as_str() {
        "+" if before_number => "plus-sign".to_owned(),
        "-" | "−" | "–" | "—" if before_number => "minus-sign".to_owned(),
        // A bullet, or a dash between thoughts.
        "-" | "−" | "–" | "—" => ",".to_owned(),
        _ => text,
    };
    if text.chars().count() == 1
        && text.chars().all(|mark| mark.is_ascii_punctuation() && !"%&,.;!?()/|".contains(mark))
    {
        return;
    }
    words.push(Word { text, place });
}
