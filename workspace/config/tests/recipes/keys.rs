//! Every key that is documented is also read.

use editscale_config::{Table, schema};

use crate::{catalogue, parse};

/// Where a kind of reward or of critic is named.
fn section(kind: &str) -> &'static str {
    if kind.ends_with("_critic") { "critics" } else { "rewards" }
}

/// A file whose map of this table has `key: value`. What else it lacks does not matter.
fn file(table: &Table, key: &str, value: &str) -> String {
    let map = format!("{{{key}: {value}}}");
    let nested = match table.path.as_str() {
        "" => return format!("{key}: {value}"),
        "rewards[]" => format!("rewards: [{map}]"),
        "critics[]" => format!("critics: [{map}]"),
        "calibration" => format!("rewards: [{{calibration: {map}}}]"),
        "gates[]" => format!("gates: [{map}]"),
        "servers[]" => format!("editor: {{openai_images: {{servers: [{map}]}}}}"),
        "calls" | "prices" => format!("editor: {{openai_images: {{{}: {map}}}}}", table.path),
        "polls" => format!("editor: {{sdcpp_jobs: {{polls: {map}}}}}"),
        "knobs.NAME" => format!("editor: {{openai_images: {{knobs: {{a: {map}}}}}}}"),
        path => match path.split('.').collect::<Vec<_>>().as_slice() {
            ["model", kind] => format!("{}: [{{model: {{{kind}: {map}}}}}]", section(kind)),
            ["model", kind, inner] => match inner.strip_suffix("[]") {
                Some(list) => format!("{}: [{{model: {{{kind}: {{{list}: [{map}]}}}}}}]", section(kind)),
                None => format!("{}: [{{model: {{{kind}: {{{inner}: {map}}}}}}}]", section(kind)),
            },
            [section] => format!("{section}: {map}"),
            [section, kind] if kind.ends_with("[]") => {
                format!("{section}: {{{}: [{map}]}}", kind.trim_end_matches("[]"))
            }
            [section, kind] => format!("{section}: {{{kind}: {map}}}"),
            [section, kind, inner] => format!("{section}: {{{kind}: {{{inner}: {map}}}}}"),
            [section, kind, inner, list] if list.ends_with("[]") => {
                format!("{section}: {{{kind}: {{{inner}: {{{}: [{map}]}}}}}}", list.trim_end_matches("[]"))
            }
            _ => panic!("{path} is nested deeper than this test knows"),
        },
    };
    format!("version: 1\n{nested}")
}

#[test]
fn every_key_refuses_a_value_that_no_key_has() {
    for table in schema(&catalogue()) {
        for key in &table.keys {
            let text = file(&table, key.name, "[[]]");
            let errors = parse(text.as_bytes()).unwrap_err();
            let place = text.find("[[]]").unwrap();
            let at_value = |start: usize| start == place || start == place + 1;
            assert!(
                errors.diagnostics().iter().any(|found| at_value(found.place.span.start)),
                "`{}` of `{}` is not read: {}",
                key.name,
                table.path,
                errors.render("recipe.yaml", text.as_bytes())
            );
        }
    }
}

#[test]
fn every_key_says_what_it_is() {
    for table in schema(&catalogue()) {
        assert!(table.about.ends_with('.'), "{}", table.about);
        for key in &table.keys {
            assert!(!key.allowed.is_empty() && !key.default.is_empty(), "{key:?}");
            assert!(!key.meaning.is_empty() && !key.meaning.ends_with('.'), "{key:?}");
            assert!(!key.meaning.contains('|') && !key.allowed.contains('|'), "{key:?} would break a table");
        }
    }
}
