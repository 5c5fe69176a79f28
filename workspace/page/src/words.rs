//! Numbers as people read them, and texts with code in them.

use maud::{Markup, html};

/// A text in which what stands between backticks is code.
pub fn marked(text: &str) -> Markup {
    let parts: Vec<&str> = text.split('`').collect();
    // A backtick without another stays what it is.
    let codes = (parts.len() - 1) / 2;
    html! {
        @for (place, part) in parts.iter().enumerate() {
            @if place % 2 == 1 && place < 2 * codes { code { (part) } }
            @else if place > 2 * codes { "`" (part) }
            @else { (part) }
        }
    }
}

/// The same without its marks, for who hears it.
pub(crate) fn unmarked(text: &str) -> String {
    text.replace('`', "")
}

/// A number with the digits that matter: `0.1235`, `12.35`, `1 234`, `1.2e9`. `–` for what is no number.
pub fn number(value: f64) -> String {
    let size = value.abs();
    match value {
        _ if !value.is_finite() => "–".to_owned(),
        0.0 => "0".to_owned(),
        _ if !(1e-4..1e9).contains(&size) => format!("{value:.2e}"),
        _ if value.fract() == 0.0 => {
            let sign = if value < 0.0 { "-" } else { "" };
            format!("{sign}{}", count(size as u64))
        }
        _ if size >= 1000.0 => format!("{value:.0}"),
        _ if size >= 10.0 => format!("{value:.2}"),
        _ if size >= 1.0 => format!("{value:.3}"),
        _ => format!("{value:.4}"),
    }
}

/// What is nearer to 0 is 0: such differences come of rounding.
const NOTHING: f64 = 1e-9;

/// How the numbers of one column are written: all with as many digits after the point, so that the largest has four that matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alike(Option<usize>);

impl Alike {
    /// For these numbers: whole where all of them are.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let (mut largest, mut is_whole) = (0.0_f64, true);
        for value in values.into_iter().filter(|value| value.is_finite() && value.abs() >= NOTHING) {
            largest = largest.max(value.abs());
            is_whole &= value.fract() == 0.0;
        }
        match largest {
            _ if is_whole => Self(Some(0)),
            // Each by itself.
            1e9.. => Self(None),
            _ => {
                Self(Some((3.0 - largest.log10().floor()).clamp(0.0, 9.0).min(if largest < 1e-3 { 9.0 } else { 4.0 })
                    as usize))
            }
        }
    }

    /// One of them. `–` for what is no number.
    pub fn show(self, value: f64) -> String {
        let value = if value.abs() < NOTHING { 0.0 } else { value };
        match self.0 {
            Some(0) if value.abs() < 1e9 => number(value.round()),
            Some(digits) if value.is_finite() && value.abs() < 1e9 => unsigned_nothing(format!("{value:.digits$}")),
            _ => number(value),
        }
    }

    /// A mean with the ends of its interval, where it has one.
    pub fn with_interval(self, value: f64, ends: Option<[f64; 2]>) -> String {
        let shown = self.show(value);
        ends.map_or(shown.clone(), |[low, high]| format!("{shown} [{}, {}]", self.show(low), self.show(high)))
    }
}

/// Figures that are all 0 have no sign: `-0.000` says no more than `0.000`.
fn unsigned_nothing(shown: String) -> String {
    match shown.strip_prefix('-') {
        Some(figures) if figures.bytes().all(|figure| matches!(figure, b'0' | b'.')) => figures.to_owned(),
        _ => shown,
    }
}

/// A chance, as p: four digits after the point, and `<0.0001` below.
pub fn chance(p: f64) -> String {
    if p > 0.0 && p < 1e-4 { "<0.0001".to_owned() } else { Alike(Some(4)).show(p) }
}

/// A number with three digits from the first that is not 0, whole ones as they are: `0.00297`, `0.150`, `12.3`, `1234`, `8`. `–` for
/// what is no number.
pub fn three_digits(value: f64) -> String {
    match value.abs() {
        _ if !value.is_finite() => "–".to_owned(),
        0.0 => "0".to_owned(),
        size if value.fract() == 0.0 && size < 1e9 => format!("{value}"),
        size if !(1e-6..1e9).contains(&size) => format!("{value:.2e}"),
        size => {
            let digits = (2.0 - size.log10().floor()).clamp(0.0, 9.0) as usize;
            format!("{value:.digits$}")
        }
    }
}

/// A count, with a thin space between thousands.
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut grouped = String::with_capacity(digits.len() + 6);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    grouped
}

/// A share of a whole, in percent with one digit; `–` of nothing.
pub fn percent(part: u64, whole: u64) -> String {
    if whole == 0 { "–".to_owned() } else { format!("{:.1} %", part as f64 / whole as f64 * 100.0) }
}

/// The first characters of a text, and a mark where more follow.
pub fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default().trim_end()),
        None => text.to_owned(),
    }
}
