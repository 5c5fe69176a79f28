//! Names of form fields that say a place within an object, as in `budget[edits]`: a form has no other way to hold one, and it is how
//! the official clients of the images API send it.

use serde_json::{Map, Value};

/// Deeper than this is no section of a recipe.
const DEEPEST: usize = 8;

/// One step into an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step<'a> {
    /// `[name]`
    Key(&'a str),
    /// `[]`: the next place of a list.
    Next,
}

/// Puts a form's text where the field's name says. A name without brackets, or with a list's alone, has a plain text.
pub(super) fn insert(values: &mut Map<String, Value>, name: &str, text: &str) -> Result<(), String> {
    let (top, steps) = steps(name);
    if steps.len() > DEEPEST {
        return Err(format!("the field `{}` is too deep: expected at most {DEEPEST} brackets", shown(name)));
    }
    let (steps, value) = match steps.as_slice() {
        [] | [Step::Next] => (&[][..], Value::String(text.to_owned())),
        deep => (deep, plain(text)),
    };
    let slot = values.entry(top).or_insert(Value::Null);
    put(slot, steps, value).ok_or_else(|| format!("the field `{}` stands twice", shown(name)))
}

fn shown(name: &str) -> String {
    name.chars().take(60).collect()
}

/// The field that a name belongs to, and the way into it. What is no such name is a field of its own.
fn steps(name: &str) -> (&str, Vec<Step<'_>>) {
    let whole = (name, Vec::new());
    let Some((top, mut rest)) = name.split_once('[').filter(|(top, _)| !top.is_empty()) else { return whole };
    let mut steps = Vec::new();
    loop {
        let Some((key, after)) = rest.split_once(']') else { return whole };
        steps.push(if key.is_empty() { Step::Next } else { Step::Key(key) });
        match after.strip_prefix('[') {
            Some(further) => rest = further,
            None if after.is_empty() => return (top, steps),
            None => return whole,
        }
    }
}

/// A text within an object: a number, a flag or JSON where it can be read as such. Forms have no kinds.
fn plain(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(Value::Null | Value::String(_)) | Err(_) => Value::String(text.to_owned()),
        Ok(value) => value,
    }
}

/// Puts a value at the end of a way. Nothing where something else is there.
fn put(slot: &mut Value, steps: &[Step<'_>], value: Value) -> Option<()> {
    let Some((step, rest)) = steps.split_first() else {
        return slot.is_null().then(|| *slot = value);
    };
    match step {
        Step::Key(key) => {
            if slot.is_null() {
                *slot = Value::Object(Map::new());
            }
            put(slot.as_object_mut()?.entry(*key).or_insert(Value::Null), rest, value)
        }
        Step::Next => {
            if slot.is_null() {
                *slot = Value::Array(Vec::new());
            }
            let list = slot.as_array_mut()?;
            // Keys that follow belong to the same object until one comes again.
            if list.last().is_none_or(|last| is_taken(last, rest)) {
                list.push(Value::Null);
            }
            put(list.last_mut()?, rest, value)
        }
    }
}

/// Whether something stands at the end of a way.
fn is_taken(slot: &Value, steps: &[Step<'_>]) -> bool {
    match steps.split_first() {
        None => true,
        Some((Step::Key(key), rest)) => slot.get(*key).is_some_and(|inner| is_taken(inner, rest)),
        Some((Step::Next, _)) => !slot.is_array(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(fields: &[(&str, &str)]) -> Result<Value, String> {
        let mut values = Map::new();
        fields.iter().try_for_each(|(name, text)| insert(&mut values, name, text))?;
        Ok(Value::Object(values))
    }

    #[test]
    fn brackets_make_objects() {
        for (fields, expected) in [
            (&[("seed", "7")][..], json!({"seed": "7"})),
            (&[("image[]", "data:")], json!({"image": "data:"})),
            (&[("budget[edits]", "4"), ("budget[usd]", "0.5")], json!({"budget": {"edits": 4, "usd": 0.5}})),
            (&[("search[best_of_n][samples]", "3")], json!({"search": {"best_of_n": {"samples": 3}}})),
            (&[("search[best_of_n]", "{}")], json!({"search": {"best_of_n": {}}})),
            (
                &[("a[on]", "true"), ("a[word]", "null"), ("a[text]", "\"x\"")],
                json!({"a": {"on": true, "word": "null", "text": "\"x\""}}),
            ),
            (&[("a[b][]", "1"), ("a[b][]", "x")], json!({"a": {"b": [1, "x"]}})),
            (
                &[("a[][x]", "1"), ("a[][y]", "2"), ("a[][x]", "3"), ("a[][y]", "4")],
                json!({"a": [{"x": 1, "y": 2}, {"x": 3, "y": 4}]}),
            ),
            (
                &[("[x]", "1"), ("a]b", "2"), ("a[b", "3"), ("a[b]c", "4")],
                json!({"[x]": "1", "a]b": "2", "a[b": "3", "a[b]c": "4"}),
            ),
        ] {
            assert_eq!(read(fields), Ok(expected), "{fields:?}");
        }
    }

    #[test]
    fn what_stands_twice_is_told() {
        let deep = format!("a{}", "[x]".repeat(9));
        for fields in [
            &[("a", "1"), ("a", "2")][..],
            &[("image[]", "1"), ("image[]", "2")],
            &[("a", "1"), ("a[b]", "2")],
            &[("a[b]", "1"), ("a[b]", "2")],
            &[("a[b]", "1"), ("a[b][c]", "2")],
            &[("a[]", "1"), ("a[b]", "2")],
            &[(deep.as_str(), "1")],
        ] {
            assert!(read(fields).is_err(), "{fields:?}");
        }
    }

    proptest! {
        #[test]
        fn any_name_is_read_or_refused(names in proptest::collection::vec("[ab\\[\\]]{0,12}", 0..8)) {
            let mut values = Map::new();
            for name in names {
                insert(&mut values, &name, "1").ok();
            }
        }
    }
}
