//! JSON that is looked at before it is read: a list of millions of small values takes a hundred times its bytes once it is read.

use axum::body::Bytes;
use memchr::memchr2;
use serde::de::DeserializeOwned;

/// More values than this are no request that anybody writes. Pictures are long texts, and one value each.
const MOST_VALUES: usize = 100_000;

/// Longer bodies are read beside the runtime's threads.
const LONG: usize = 256 << 10;

/// Refuses JSON with too many values.
pub(crate) fn check(bytes: &[u8]) -> Result<(), String> {
    let (mut values, mut rest) = (0_usize, bytes);
    while let Some((byte, after)) = rest.split_first() {
        rest = match byte {
            b'"' => after_text(after),
            b',' | b':' | b'[' | b'{' => {
                values += 1;
                after
            }
            _ => after,
        };
    }
    if values > MOST_VALUES {
        return Err(format!("the body has more than {MOST_VALUES} values"));
    }
    Ok(())
}

/// What follows a text that has begun. Pictures are megabytes without a quote or a backslash, which are looked for by vectors.
fn after_text(mut rest: &[u8]) -> &[u8] {
    while let Some(place) = memchr2(b'"', b'\\', rest) {
        let escapes = usize::from(rest[place] == b'\\');
        rest = rest.get(place + 1 + escapes..).unwrap_or_default();
        if escapes == 0 {
            return rest;
        }
    }
    &[]
}

/// Reads JSON that has been sent. What is wrong is told.
pub(crate) async fn read<T: DeserializeOwned + Send + 'static>(bytes: Bytes) -> Result<T, String> {
    let is_long = bytes.len() > LONG;
    let read = move || {
        check(&bytes)?;
        serde_json::from_slice(&bytes).map_err(|error| format!("the body is no JSON: {error}"))
    };
    if is_long { tokio::task::spawn_blocking(read).await.map_err(|panic| panic.to_string())? } else { read() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_values_are_refused_and_long_texts_are_not() {
        let many = format!("[{}0]", "0,".repeat(MOST_VALUES));
        assert!(check(many.as_bytes()).is_err());
        let nested = "[".repeat(MOST_VALUES + 1);
        assert!(check(nested.as_bytes()).is_err());
        for good in [
            format!(r#"{{"image": "{}", "n": 2}}"#, "A,[{:".repeat(MOST_VALUES)),
            r#"{"text": "a \" , [ \\", "list": [1, 2]}"#.to_owned(),
            r#"{"cut off": "a\"#.to_owned(),
            format!(r#"{{"text": "\"{}\\"}}"#, ",".repeat(MOST_VALUES + 1)),
            String::new(),
        ] {
            assert_eq!(check(good.as_bytes()), Ok(()));
        }
    }
}
