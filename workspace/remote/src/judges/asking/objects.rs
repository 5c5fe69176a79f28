//! The JSON in what a model wrote. Models write around, before and after what they were asked for.

use serde_json::Value;

/// Every JSON object in a text that is in no other, in order.
pub(crate) fn objects(text: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find('{') {
        let (_, from) = rest.split_at(start);
        let mut values = serde_json::Deserializer::from_str(from).into_iter::<Value>();
        let skip = if let Some(Ok(value)) = values.next() {
            found.push(value);
            values.byte_offset()
        } else {
            1
        };
        rest = from.get(skip..).unwrap_or_default();
    }
    found
}

/// A number, or a text that is one.
pub(crate) fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number| number.is_finite())
}
