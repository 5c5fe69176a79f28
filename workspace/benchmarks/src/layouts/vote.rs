//! People's verdict on two edits, in the spellings that are in use.

use editscale_study::judges::Preference;
use serde_json::Value;

const FIRST: [&str; 11] = ["a", "1", "+1", "left", "leftvote", "a>b", "a>>b", "b<a", "first", "edited_a", "model_a"];
const SECOND: [&str; 10] = ["b", "-1", "right", "rightvote", "b>a", "b>>a", "a<b", "second", "edited_b", "model_b"];
const TIE: [&str; 15] = [
    "tie",
    "0",
    "-0",
    "tievote",
    "bothbad_vote",
    "bothgood_vote",
    "a=b",
    "b=a",
    "a=b=good",
    "a=b=bad",
    "equal",
    "both",
    "neither",
    "both_bad",
    "both_good",
];

/// Reads a verdict; `models` made the two, where that is known, and then the verdict may be the name of one.
pub(super) fn preference(found: &Value, models: [Option<&str>; 2]) -> Result<Preference, String> {
    let text = match found {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => whole(number.as_f64()).unwrap_or_else(|| number.to_string()),
        other => return Err(unreadable(&other.to_string())),
    };
    let word = text.to_lowercase().replace(' ', "");
    match models {
        [Some(first), Some(second)] if first != second && text == first => return Ok(Preference::First),
        [Some(first), Some(second)] if first != second && text == second => return Ok(Preference::Second),
        _ => {}
    }
    let is_in = |words: &[&str]| words.contains(&word.as_str());
    match () {
        () if is_in(&FIRST) => Ok(Preference::First),
        () if is_in(&SECOND) => Ok(Preference::Second),
        () if is_in(&TIE) => Ok(Preference::Tie),
        () => Err(unreadable(&text)),
    }
}

/// Tables with gaps have whole numbers written as fractions.
fn whole(number: Option<f64>) -> Option<String> {
    number.filter(|number| number.fract() == 0.0).map(|number| format!("{number:.0}"))
}

fn unreadable(found: &str) -> String {
    let found: String = found.chars().take(60).collect();
    format!("expected a verdict (a, b or tie; 1, -1 or 0; A>B, B>A or A=B), found `{found}`")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test panics")]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn all_spellings_are_read() {
        let first = [json!("a"), json!(" A "), json!(1), json!(1.0), json!("1"), json!("leftvote"), json!("A > B")];
        let second = [json!("b"), json!(-1), json!("-1"), json!(-1.0), json!("rightvote"), json!("A<B")];
        let tie = [json!("tie"), json!(0), json!(-0.0), json!("-0"), json!("bothbad_vote"), json!("A=B=Good")];
        for (expected, found) in
            [(Preference::First, &first[..]), (Preference::Second, &second), (Preference::Tie, &tie)]
        {
            for value in found {
                assert_eq!(preference(value, [None, None]), Ok(expected), "{value}");
            }
        }
    }

    #[test]
    fn a_model_may_be_named() {
        let models = [Some("b"), Some("GenHowTo")];
        assert_eq!(preference(&json!("GenHowTo"), models), Ok(Preference::Second));
        // A model's name wins over the letter.
        assert_eq!(preference(&json!("b"), models), Ok(Preference::First));
        assert_eq!(preference(&json!("tie"), models), Ok(Preference::Tie));
    }

    #[test]
    fn what_is_no_verdict_is_told() {
        for value in [json!(2), json!(null), json!("A>B>C"), json!(""), json!(0.5), json!(["a"])] {
            assert!(preference(&value, [None, None]).unwrap_err().contains("expected a verdict"), "{value}");
        }
    }
}
