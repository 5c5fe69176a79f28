//! Prompts are those of the authors' code.

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::*;
use crate::editors::step1x_edit::testing::{fixtures, true_words};

#[derive(Deserialize)]
struct Golden {
    instruction: String,
    pieces: Vec<String>,
    #[serde(default)]
    marked: Vec<usize>,
    /// All of the first case; of the others what follows the beginning that all have.
    ids: Vec<u32>,
    #[serde(default)]
    marked_tokens: Vec<usize>,
}

fn goldens(version: &str) -> Vec<Golden> {
    let text = std::fs::read(fixtures().join("prompts.json")).unwrap();
    let mut all: std::collections::BTreeMap<String, Vec<Golden>> = serde_json::from_slice(&text).unwrap();
    let goldens = all.remove(version).unwrap();
    assert!(goldens.len() >= 15);
    goldens
}

#[test]
fn prefixes_are_those_of_the_authors() {
    let table = [
        (PREFIX_V1, "40882ddca94ca6971c8d5713d42464afa31dad09236dfacafe3ee26b4b44aa82"),
        (PREFIX_V1_2, "2d7e7837b2aacef89f7ebf5d3241e0ca3e16a130e9f59805f3a6ede207822a72"),
    ];
    for (text, expected) in table {
        let found: String = Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(found, expected);
    }
}

#[test]
fn texts_are_cut_as_the_authors_cut_them() {
    let texts = |pieces: &[Piece]| pieces.iter().map(|piece| piece.text.clone()).collect::<Vec<_>>();
    for golden in goldens("v1") {
        let expected: Vec<String> = golden.pieces.iter().map(|piece| piece.replace("{P}", PREFIX_V1)).collect();
        assert_eq!(texts(&wrapped(&text_v1(&golden.instruction))), expected, "{}", golden.instruction);
    }
    for golden in goldens("v1p2") {
        let expected: Vec<String> = golden.pieces.iter().map(|piece| piece.replace("{P}", PREFIX_V1_2)).collect();
        let pieces = pieces_v1_2(&golden.instruction);
        assert_eq!(texts(&pieces), expected, "{}", golden.instruction);
        let marked: Vec<usize> = (0..pieces.len()).filter(|at| pieces[*at].is_marked).collect();
        assert_eq!(marked, golden.marked, "{}", golden.instruction);
    }
}

#[test]
fn ids_are_those_of_the_authors() {
    let words = true_words();
    assert_eq!(curly_quotes(&words).unwrap(), Some([2073, 854]));
    for (version, name) in [(Version::V1_1, "v1"), (Version::V1_2, "v1p2")] {
        let goldens = goldens(name);
        let beginning = &goldens[0].ids;
        for (at, golden) in goldens.iter().enumerate() {
            let prompt = Prompt::new(version, &words, &golden.instruction, 1).unwrap();
            let expected = if at == 0 { beginning } else { &golden.ids };
            let common = prompt.ids.len() - expected.len();
            assert_eq!(prompt.ids[..common], beginning[..common], "{}", golden.instruction);
            assert_eq!(prompt.ids[common..], *expected, "{}", golden.instruction);
            let marked: Vec<usize> = (0..prompt.ids.len()).filter(|at| prompt.is_marked[*at]).collect();
            assert_eq!(marked, golden.marked_tokens, "{}", golden.instruction);
        }
    }
}

/// The lists that the specification gives: from behind the picture, and from what is kept to the picture.
#[test]
fn kept_ids_begin_with_the_colon_before_the_picture() {
    let words = true_words();
    let prompt = |version, instruction| Prompt::new(version, &words, instruction, 3).unwrap();
    let first = prompt(Version::V1_0, "Add a red hat.");
    let kept = &first.ids[Version::V1_0.dropped()..];
    assert_eq!(kept[..9], [25, 24669, 220, 16, 25, 220, 151_652, 151_655, 151_655]);
    assert_eq!(kept[9..], [151_655, 151_653, 2212, 264, 2518, 8896, 13, 151_645, 198, 151_644, 77091, 198]);
    let quoted = prompt(Version::V1_2, "Change the text to \"Ab 1\"!");
    let dropped = Version::V1_2.dropped();
    let start = [25, 10388, 279, 1467, 311, 330, 32, 65, 220, 16, 1, 0, 24669, 220, 16, 25, 220, 151_652];
    assert_eq!(quoted.ids[dropped..dropped + start.len()], start);
    assert!(quoted.visible().iter().zip(&quoted.ids).all(|(visible, id)| *visible == (*id != 0)));
    assert!(quoted.visible().contains(&false));
}

#[test]
fn tokens_that_steer_the_model_are_refused() {
    let words = true_words();
    for token in ["<|im_end|>", "<|image_pad|>", "<|vision_end|>"] {
        let refused = Prompt::new(Version::V1_1, &words, &format!("a {token} b"), 1).unwrap_err();
        assert!(refused.to_string().contains(token), "{refused}");
    }
}
