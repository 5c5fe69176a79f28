//! The score in what a command printed: a number, or a JSON object; as all of it, or as its last line.

use editscale_sdk::{Failed, Judged, Part};
use serde_json::{Map, Value};

/// How much of what was printed a failure tells.
const EXCERPT: usize = 200;

/// A score with what people should know.
#[derive(Debug, PartialEq)]
pub(super) struct Printed {
    pub(super) judged: Judged,
    pub(super) notes: Vec<String>,
}

/// Reads what a command printed; the score is under `key`, with dots between levels.
pub(super) fn read(printed: &[u8], key: &str) -> Result<Printed, Failed> {
    let text = std::str::from_utf8(printed).map_err(|_| odd("bytes that are no UTF-8 text", ""))?.trim();
    let last = text.lines().next_back().unwrap_or_default().trim();
    if let Some(number) = number(text).or_else(|| number(last)) {
        return Ok(Printed { judged: Judged::new(finite("the score", number)?), notes: Vec::new() });
    }
    match object(text).or_else(|| object(last)) {
        Some(object) => from_object(&object, key),
        None if text.is_empty() => Err(odd("nothing", "")),
        None => Err(odd("something else", text)),
    }
}

fn odd(found: &str, text: &str) -> Failed {
    let excerpt: String = text.chars().take(EXCERPT).collect();
    let shown = if excerpt.is_empty() { String::new() } else { format!(": {excerpt:?}") };
    Failed::internal(format!(
        "the command printed {found}: expected a number, or a JSON object with the score, as all of its output or as its \
         last line{shown}"
    ))
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok()
}

fn object(text: &str) -> Option<Map<String, Value>> {
    serde_json::from_str(text).ok()
}

fn finite(what: &str, number: f64) -> Result<f64, Failed> {
    let fits = number.is_finite();
    fits.then_some(number).ok_or_else(|| Failed::internal(format!("{what} is {number}: expected a finite number")))
}

fn from_object(object: &Map<String, Value>, key: &str) -> Result<Printed, Failed> {
    let found = key.split('.').try_fold(None, |place: Option<&Value>, level| {
        Some(Some(place.map_or_else(|| object.get(level), |value| value.get(level))?))
    });
    let keys = || object.keys().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
    let found = found.flatten().ok_or_else(|| {
        Failed::internal(format!("the command printed a JSON object without `{key}`: it has {}", keys()))
    })?;
    let mut judged = Judged::new(amount(&format!("`{key}`"), found)?);
    judged.sigma = object.get("sigma").map(|sigma| amount("`sigma`", sigma)).transpose()?;
    judged.parts = object.get("parts").map(parts).transpose()?.unwrap_or_default();
    Ok(Printed { judged, notes: object.get("notes").map(notes).transpose()?.unwrap_or_default() })
}

fn amount(what: &str, value: &Value) -> Result<f64, Failed> {
    let number = value.as_f64().ok_or_else(|| {
        Failed::internal(format!(
            "{what} is {}: expected a number",
            value.to_string().chars().take(80).collect::<String>()
        ))
    })?;
    finite(what, number)
}

/// Named numbers, or `{mean: …, sigma: …}`.
fn parts(value: &Value) -> Result<Vec<Part>, Failed> {
    let parts = value.as_object().ok_or_else(|| Failed::internal("`parts` is no map of names to numbers"))?;
    let part = |(name, value): (&String, &Value)| {
        let what = format!("the part `{name}`");
        let mean = amount(&what, value.get("mean").unwrap_or(value))?;
        let sigma = value.get("sigma").map(|sigma| amount(&what, sigma)).transpose()?;
        Ok(Part { name: name.clone(), mean, sigma })
    };
    parts.iter().map(part).collect()
}

/// A text, or a list of them.
pub(super) fn notes(value: &Value) -> Result<Vec<String>, Failed> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let notes = match value {
        Value::Array(list) => list.iter().map(text).collect(),
        one => text(one).map(|one| vec![one]),
    };
    notes.ok_or_else(|| Failed::internal("`notes` is no text and no list of texts"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
mod tests {
    use super::*;

    #[test]
    fn scores_are_found() {
        let cases = [
            ("0.5\n", "score", 0.5),
            ("loading…\n-3e2", "score", -300.0),
            (r#"{"score": 1, "notes": "x"}"#, "score", 1.0),
            ("warming up\n{\"score\": 2}\n", "score", 2.0),
            ("{\n  \"score\": 3\n}\n", "score", 3.0),
            (r#"{"out": {"clip": 4}}"#, "out.clip", 4.0),
        ];
        for (printed, key, expected) in cases {
            assert_eq!(read(printed.as_bytes(), key).unwrap().judged.mean, expected, "{printed}");
        }
        let all = br#"{"score": 1, "sigma": 0.5, "parts": {"a": 1, "b": {"mean": 2, "sigma": 3}}, "notes": ["n"]}"#;
        let Printed { judged, notes } = read(all, "score").unwrap();
        assert_eq!((judged.sigma, notes), (Some(0.5), vec!["n".to_owned()]));
        let parts: Vec<_> = judged.parts.iter().map(|part| (part.name.as_str(), part.mean, part.sigma)).collect();
        assert_eq!(parts, [("a", 1.0, None), ("b", 2.0, Some(3.0))]);
    }

    #[test]
    fn what_is_no_score_is_told() {
        let cases: [(&[u8], &str); 8] = [
            (b"", "printed nothing"),
            (b"\xff", "no UTF-8 text"),
            (
                b"good",
                "something else: expected a number, or a JSON object with the score, as all of its output or as its last line: \"good\"",
            ),
            (b"nan", "the score is NaN: expected a finite number"),
            (br#"{"value": 1, "x": 2}"#, "without `score`: it has `value`, `x`"),
            (br#"{"score": "high"}"#, "`score` is \"high\": expected a number"),
            (br#"{"score": 1, "parts": [1]}"#, "`parts` is no map"),
            (br#"{"score": 1, "notes": 1}"#, "`notes` is no text"),
        ];
        for (printed, said) in cases {
            let why = read(printed, "score").unwrap_err().message;
            assert!(why.contains(said), "{why}");
        }
    }
}
