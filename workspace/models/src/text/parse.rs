//! From what is, or would be, a `tokenizer.json` to a tokenizer.

use serde::Deserialize;
use serde_json::Value;
use tokenizers::Tokenizer;

use crate::guard::guarded;

/// Reads a tokenizer. It neither cuts nor fills up, whatever the file says of that: who encodes does.
pub(crate) fn parse(bytes: &[u8]) -> Result<Tokenizer, String> {
    let fail = |error: String| format!("is not a tokenizer: {error}");
    check_tables(bytes).map_err(fail)?;
    let mut tokenizer = guarded(|| Tokenizer::from_bytes(bytes)).map_err(fail)?;
    tokenizer.with_padding(None);
    tokenizer.with_truncation(None).map_err(|error| fail(error.to_string()))?;
    Ok(tokenizer)
}

#[derive(Deserialize)]
struct Described {
    normalizer: Option<Value>,
}

/// Refuses tables of characters that declare more than they hold: the library reserves memory for what is declared, and a
/// program that asks for more than there is ends at once.
fn check_tables(bytes: &[u8]) -> Result<(), String> {
    // What is no such JSON the library refuses in its own words.
    let described = serde_json::from_slice::<Described>(bytes).ok();
    described.and_then(|described| described.normalizer).map_or(Ok(()), |normalizer| check_normalizer(&normalizer))
}

fn check_normalizer(normalizer: &Value) -> Result<(), String> {
    match normalizer {
        Value::Array(all) => all.iter().try_for_each(check_normalizer),
        Value::Object(fields) => fields.iter().try_for_each(|(key, value)| match value {
            Value::String(table) if key == "precompiled_charsmap" => check_table(table),
            other => check_normalizer(other),
        }),
        _ => Ok(()),
    }
}

/// A table in base 64 begins with the bytes that its first part has, as 32 bits from the lowest byte on.
fn check_table(table: &str) -> Result<(), String> {
    let digits = table.bytes().take(6).map(digit).collect::<Option<Vec<u64>>>();
    let Some(digits) = digits.filter(|digits| digits.len() == 6) else { return Ok(()) };
    let bits = digits.into_iter().fold(0, |bits, digit| (bits << 6) | digit);
    let (declared, found) = (((bits >> 4) as u32).swap_bytes() as usize, table.len() / 4 * 3);
    if declared > found {
        return Err(format!("its `precompiled_charsmap` declares {declared} bytes, and holds no more than {found}"));
    }
    Ok(())
}

/// The value of a digit of base 64.
fn digit(digit: u8) -> Option<u64> {
    let value = match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(value.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_hold_what_they_declare() {
        // 1, 4, 2^32 - 4 and 256 bytes, the last with as many behind it.
        for (table, is_right) in
            [("AQAAAAA=", true), ("BAAAAAAAAAA=", true), ("/P///wAAAAA=", false), ("AAEAAAAA", false), ("?", true)]
        {
            assert_eq!(check_table(table).is_ok(), is_right, "{table}");
        }
        assert!(check_table(&format!("AAEAAA{}==", "A".repeat(340))).is_ok());
        let hostile =
            br#"{"normalizer": {"type": "Sequence", "normalizers": [{"precompiled_charsmap": "/P///wAAAAA="}]}}"#;
        assert!(parse(hostile).is_err_and(|error| error.contains("declares 4294967292 bytes")));
    }
}
