//! Instructions written the same way.

/// What stands for quoted text: which words a picture should show does not make another kind of edit.
pub(super) const QUOTED: &str = "quoted";

/// Lower case, words parted by single spaces, nothing but letters and digits; every number is 0, and what stands
/// between double quotes is the word `quoted`. Letters of all scripts count, so that a language without spaces is one
/// long word.
pub fn normalised(instruction: &str) -> String {
    let mut words = String::with_capacity(instruction.len());
    let mut rest = instruction;
    while let Some((before, after)) = rest.split_once(is_quote) {
        push_words(before, &mut words);
        // A quote that is never closed only parts words.
        rest = match after.split_once(is_quote) {
            Some((_, after)) => {
                push_words(QUOTED, &mut words);
                after
            }
            None => after,
        };
    }
    push_words(rest, &mut words);
    words
}

fn is_quote(letter: char) -> bool {
    matches!(letter, '"' | '“' | '”' | '„' | '«' | '»' | '「' | '」')
}

fn push_words(text: &str, words: &mut String) {
    // Within words an apostrophe is left out: "don't" is one word, and "man's" stays near "mans".
    let parts = text.split(|letter: char| !letter.is_alphanumeric() && !is_apostrophe(letter));
    for part in parts.filter(|part| part.chars().any(char::is_alphanumeric)) {
        if !words.is_empty() {
            words.push(' ');
        }
        let mut is_number = false;
        for letter in part.chars().filter(|letter| !is_apostrophe(*letter)).flat_map(char::to_lowercase) {
            if !letter.is_numeric() {
                words.push(letter);
            } else if !is_number {
                words.push('0');
            }
            is_number = letter.is_numeric();
        }
    }
}

fn is_apostrophe(letter: char) -> bool {
    matches!(letter, '\'' | '’' | '‘')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_are_written_the_same_way() {
        for (written, expected) in [
            ("  Make the CAR red! ", "make the car red"),
            ("Add 3 birds, then 120 more", "add 0 birds then 0 more"),
            ("Change the text to “Hello, world”.", "change the text to quoted"),
            ("Say \"A\" and \"B\"", "say quoted and quoted"),
            ("a 5\" screen", "a 0 screen"),
            ("Don't change the man's hat", "dont change the mans hat"),
            ("把背景换成海滩", "把背景换成海滩"),
            ("'' !?", ""),
            ("ÉTÉ", "été"),
        ] {
            assert_eq!(normalised(written), expected, "{written}");
        }
    }
}
