//! What holds for all texts, and for all right recipes.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::strategy::ValueTree;

use crate::generate::valid;
use crate::raw::Raw;
use crate::{parse, recipe};

/// Pieces that recipes, and texts that are nearly recipes, are made of.
const PIECES: &[&str] = &[
    "version",
    "editor",
    "editors",
    "darkroom",
    "partial",
    "instruct_pix2pix",
    "flux_kontext",
    "qwen_image_edit",
    "references",
    "dir",
    "eta",
    "rewards",
    "model",
    "photometric",
    "weight",
    "name",
    "combine",
    "mean_rank",
    "gates",
    "reward",
    "at_least",
    "search",
    "best_of_n",
    "select",
    "pessimistic",
    "beta",
    "finalists",
    "conjunctive",
    "beam",
    "diverse_trees",
    "deduplicate",
    "noise_search",
    "path_search",
    "samples",
    "width",
    "stop",
    "budget",
    "usd",
    ": ",
    ":",
    "\n",
    "\n  ",
    "\n    ",
    "\n- ",
    "- ",
    "{",
    "}",
    "[",
    "]",
    ", ",
    "1",
    "0",
    "-1",
    "0.5",
    ".nan",
    ".inf",
    "1e9",
    "true",
    "yes",
    "null",
    "~",
    "\"",
    "'",
    "#",
    " # c\n",
    "&a ",
    "*a",
    "<<: ",
    "!t ",
    "|\n",
    ">\n",
    "\t",
    "\r\n",
    "---\n",
    "...\n",
    "%YAML 1.2\n",
    "é",
    "\u{feff}",
    "\u{0}",
    "? ",
    "\\",
];

fn nearly_yaml() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES), 0..60).prop_map(|pieces| pieces.concat())
}

/// Reading must give a recipe or say why not, at places that are in the file.
fn check_reading(bytes: &[u8]) -> Result<(), TestCaseError> {
    let report = match parse(bytes) {
        Ok((recipe, warnings)) => {
            prop_assert!(!warnings.has_errors());
            prop_assert_eq!(&parse(recipe.to_yaml().as_bytes()).unwrap().0, &recipe);
            warnings
        }
        Err(errors) => {
            prop_assert!(errors.has_errors());
            errors
        }
    };
    let lossy = String::from_utf8_lossy(bytes);
    for found in report.diagnostics() {
        let place = &found.place;
        prop_assert!(place.line >= 1 && place.column >= 1);
        prop_assert!(place.span.start <= place.span.end && place.span.end <= lossy.len());
        prop_assert!(!found.message.is_empty() && !found.message.ends_with('.'));
        for words in found.hint.iter().chain([&found.message]) {
            prop_assert!(!words.chars().any(char::is_control), "{words:?}");
        }
    }
    let starts: Vec<usize> = report.diagnostics().iter().map(|found| found.place.span.start).collect();
    prop_assert!(starts.is_sorted());
    report.render("recipe.yaml", bytes);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        check_reading(&bytes)?;
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,80}") {
        check_reading(text.as_bytes())?;
    }

    #[test]
    fn any_pieces_are_read_or_refused(text in nearly_yaml()) {
        check_reading(text.as_bytes())?;
    }

    #[test]
    fn a_damaged_recipe_is_read_or_refused(
        text in valid(), at in any::<prop::sample::Index>(), piece in prop::sample::select(PIECES), cut in 0usize..4
    ) {
        let mut bytes = text.into_bytes();
        let at = at.index(bytes.len());
        let end = (at + cut).min(bytes.len());
        bytes.splice(at..end, piece.bytes());
        check_reading(&bytes)?;
    }

    #[test]
    fn a_resolved_recipe_reads_back_equal(text in valid()) {
        let first = recipe(&text);
        let resolved = first.to_yaml();
        let (second, warnings) = parse(resolved.as_bytes()).unwrap();
        prop_assert_eq!(&second, &first);
        prop_assert_eq!(second.to_yaml(), resolved);
        prop_assert_eq!(warnings.diagnostics().len(), parse(text.as_bytes()).unwrap().1.diagnostics().len());
        prop_assert_eq!(second.search_factory().revision(), first.search_factory().revision());
        prop_assert_eq!(second.objective().revision(), first.objective().revision());
    }

    /// A resolved recipe is plain YAML, and says all that the file said: a reader that knows nothing of this crate sees so.
    #[test]
    fn another_reader_finds_all_that_was_said(text in valid()) {
        let recipe = recipe(&text);
        let (given, resolved) = (Raw::read(&text), Raw::read(&recipe.to_yaml()));
        prop_assert!(resolved.says(&given), "{given:?}\nis not all in\n{resolved:?}");
        let mut editors: Vec<&str> = recipe.editors().iter().map(|editor| editor.name.as_str()).collect();
        editors.sort_unstable();
        prop_assert_eq!(editors, resolved.map()["editors"].map().keys().collect::<Vec<_>>());
    }
}

#[test]
fn what_is_generated_is_of_every_kind() {
    // The generator is no good if it never makes some policy or some editor.
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut editors, mut combined, mut selected) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let kinds: BTreeSet<&'static str> = (0..300)
        .map(|_| {
            let text = valid().new_tree(&mut runner).unwrap().current();
            let recipe = recipe(&text);
            editors.extend(recipe.editors().iter().map(|editor| editor.model.kind()));
            combined.insert(recipe.settings().combine.kind());
            selected.extend(recipe.settings().select.as_ref().map(|select| select.kind()));
            recipe.settings().search.kind()
        })
        .collect();
    assert_eq!((kinds.len(), editors.len(), combined.len(), selected.len()), (11, 14, 3, 4));
}
