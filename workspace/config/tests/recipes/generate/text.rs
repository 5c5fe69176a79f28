//! What all generators write with: keys, alternatives, names and values.

use proptest::prelude::*;

/// Names that other readers could take for something else.
pub(super) fn name() -> impl Strategy<Value = String> {
    const AWKWARD: [&str; 11] = ["no", "y", "null", "1", "1.5", "0x1F", "1e3", "true", "8bit", "on", "N"];
    prop_oneof!["[a-zA-Z0-9][a-zA-Z0-9_.-]{0,20}", prop::sample::select(&AWKWARD[..]).prop_map(str::to_owned),]
}

pub(super) fn path() -> impl Strategy<Value = String> {
    prop_oneof![name(), "[a-z/.~][a-zA-Z0-9_./: #-]{0,30}[a-z]"]
}

pub(super) fn word(words: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    prop::sample::select(words)
}

pub(super) fn line(key: &'static str, value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    prop::option::of(value).prop_map(move |value| value.map_or(String::new(), |value| format!("{key}: {value}\n")))
}

/// An option that is given or not.
pub(super) fn option<V: std::fmt::Debug>(
    key: &'static str,
    value: impl Strategy<Value = V> + 'static,
) -> BoxedStrategy<String> {
    prop::option::of(value)
        .prop_map(move |value| value.map_or(String::new(), |value| format!("{key}: {value:?}")))
        .boxed()
}

/// A key with its value, where it is given.
pub(super) fn given(name: &str, value: Option<impl std::fmt::Debug>) -> String {
    value.map_or(String::new(), |value| format!(", {name}: {value:?}"))
}

/// An alternative with those of its options that are given.
pub(super) fn tagged(kind: &'static str, options: Vec<BoxedStrategy<String>>) -> BoxedStrategy<String> {
    let given = |options: Vec<String>| options.into_iter().filter(|it| !it.is_empty()).collect::<Vec<_>>().join(", ");
    options.prop_map(move |options| format!("{{{kind}: {{{}}}}}", given(options))).boxed()
}

/// An alternative without the braces around it, and where it need not be there, perhaps nothing.
pub(super) fn perhaps(tagged: BoxedStrategy<String>, must: bool) -> BoxedStrategy<String> {
    let map = tagged.prop_map(|tagged| tagged[1..tagged.len() - 1].to_owned());
    if must { map.boxed() } else { prop_oneof![map, Just(String::new())].boxed() }
}

/// A map with those of its options that are given, or nothing.
pub(super) fn perhaps_map(key: &'static str, options: Vec<BoxedStrategy<String>>) -> BoxedStrategy<String> {
    perhaps(tagged(key, options), false)
}

/// A value of a field, as JSON writes it: every JSON text is YAML.
pub(super) fn field_value() -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|flag| flag.to_string()),
        any::<i64>().prop_map(|whole| whole.to_string()),
        any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(|number| format!("{number:?}")),
        path().prop_map(|text| format!("{text:?}")),
    ];
    let nested = leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(|items| format!("[{}]", items.join(", "))),
            prop::collection::btree_map("[a-z]{1,8}", inner, 0..3).prop_map(|entries| map(&entries)),
        ]
    });
    nested.boxed()
}

pub(super) fn map(entries: &std::collections::BTreeMap<String, String>) -> String {
    let entries: Vec<String> = entries.iter().map(|(name, value)| format!("{name:?}: {value}")).collect();
    format!("{{{}}}", entries.join(", "))
}
