//! Showing a piece of a file inside a message, whatever it holds.

/// The most characters of a file that a message repeats.
const MOST: usize = 60;

/// The text in backticks, shortened, on one line, with everything that could steer a terminal made visible.
pub fn quote(text: &str) -> String {
    format!("`{}`", plain(text))
}

fn plain(text: &str) -> String {
    let mut shown: String = text.chars().take(MOST).flat_map(visible).collect();
    if text.chars().nth(MOST).is_some() {
        shown.push('…');
    }
    shown
}

fn visible(character: char) -> Vec<char> {
    if is_steering(character) { character.escape_default().collect() } else { vec![character] }
}

/// Whether a character moves, hides or reorders what stands around it.
pub(crate) fn is_steering(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// The most names that a message lists.
const MOST_NAMES: usize = 20;

/// Several names in backticks with commas between them, the first of them where there are too many to read.
pub fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut names = names.into_iter();
    let mut shown: Vec<String> = names.by_ref().take(MOST_NAMES).map(quote).collect();
    if names.next().is_some() {
        shown.push("…".into());
    }
    shown.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_a_terminal() {
        let check = |text: &str, expected: &str| assert_eq!(quote(text), expected);
        check("samples", "`samples`");
        check("a\nb", "`a\\nb`");
        check("\u{1b}[31m", "`\\u{1b}[31m`");
        check("a\u{202e}b", "`a\\u{202e}b`");
        check(&"x".repeat(61), &format!("`{}…`", "x".repeat(60)));
    }
}
