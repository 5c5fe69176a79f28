//! Instructions: any text is read, each part of the reading stands inside the text, and the editor's own amounts are in range.

#![no_main]

use editscale_darkroom::language::read;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let plan = read(text);
    for edit in &plan.edits {
        assert!(text.get(edit.words.clone()).is_some(), "an edit was read from beside the text");
        assert!(!edit.to_string().is_empty());
    }
    for fragment in plan.not_understood.iter().chain(&plan.guessed) {
        assert_eq!(text.get(fragment.words.clone()), Some(fragment.text.as_str()), "a fragment is not of the text");
    }
    assert_eq!(plan, read(text), "a text has two readings");
});
