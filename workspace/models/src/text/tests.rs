//! Ids against those of transformers, and files that are not right.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value, json};

use super::{ClipTokens, T5Tokens, Tokenized};
use crate::load::LoadError;

#[derive(Deserialize)]
struct Texts {
    length: usize,
    texts: Vec<Text>,
}

#[derive(Deserialize)]
struct Text {
    text: String,
    ids: Vec<u32>,
    used: usize,
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/layers/tokens").join(name)
}

fn texts(name: &str) -> Texts {
    serde_json::from_slice(&fs::read(folder(name).join("texts.json")).unwrap()).unwrap()
}

fn compare(name: &str, encode: impl Fn(&str, usize) -> Tokenized) {
    let texts = texts(name);
    for text in &texts.texts {
        let ours = encode(&text.text, texts.length);
        assert_eq!(ours.ids, text.ids, "{name}: {:?}", text.text);
        // A token that fills up may stand in a text as well: transformers tells them apart, and so do we.
        assert_eq!(ours.used, text.used, "{name}: {:?}", text.text);
        assert_eq!(ours.cut.is_some(), ours.used == texts.length && encode(&text.text, 2000).used > texts.length);
    }
}

/// A copy of a tokenizer with a file replaced.
fn changed(name: &str, file: &str, text: &str) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(folder(name)).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
    }
    fs::write(copy.path().join(file), text).unwrap();
    copy
}

fn text_of(name: &str, file: &str) -> String {
    fs::read_to_string(folder(name).join(file)).unwrap()
}

fn refused<T>(result: Result<T, LoadError>, file: &str, says: &str) {
    let error = result.map(|_| ()).unwrap_err().to_string();
    assert!(error.contains(file) && error.contains(says), "{file}, {says}: {error}");
}

#[test]
fn ids_of_clip_are_those_of_transformers() {
    for name in ["clip", "clip_typed", "clip_plain", "clip_one_file"] {
        let tokens = ClipTokens::load(&folder(name)).unwrap();
        assert_eq!(tokens.length(), Some(77));
        compare(name, |text, length| tokens.encode(text, length).unwrap());
    }
    assert_eq!(ClipTokens::load(&folder("clip")).unwrap().largest_id(), 833);
}

#[test]
fn ids_of_t5_are_those_of_transformers() {
    let tokens = T5Tokens::load(&folder("t5")).unwrap();
    compare("t5", |text, length| tokens.encode(text, length).unwrap());
    assert_eq!(tokens.largest_id(), 406);
}

#[test]
fn what_is_cut_is_told_in_the_words_of_the_text() {
    let tokens = ClipTokens::load(&folder("clip")).unwrap();
    let text = "Make the SKY bluer,  then add a Caf\u{e9} in the background.";
    let whole = tokens.encode(text, 77).unwrap();
    assert_eq!(whole.cut, None);
    for length in 3..whole.used {
        let part = tokens.encode(text, length).unwrap();
        assert_eq!((part.ids.len(), part.used), (length, length));
        assert_eq!(part.ids.last(), Some(&833));
        assert_eq!(part.ids[..length - 1], whole.ids[..length - 1]);
        let cut = part.cut.unwrap();
        assert!(text.ends_with(&cut) && !cut.starts_with(' '), "{length}: {cut:?}");
        let before = text[..text.len() - cut.len()].chars().last();
        assert!(before.is_none_or(char::is_whitespace), "{length}: {cut:?}");
    }
    let t5 = T5Tokens::load(&folder("t5")).unwrap();
    let whole = t5.encode(text, 512).unwrap();
    for length in 2..whole.used {
        let part = t5.encode(text, length).unwrap();
        assert_eq!(part.ids.last(), Some(&1));
        assert!(text.ends_with(&part.cut.unwrap()));
    }
}

#[test]
fn cuts_in_scripts_without_blanks_stay_short() {
    let tokens = ClipTokens::load(&folder("clip")).unwrap();
    let cut = |letter: &str, length: usize| {
        let cut = tokens.encode(&letter.repeat(20), length).unwrap().cut.unwrap();
        assert_eq!(cut, letter.repeat(cut.chars().count()));
        cut.chars().count()
    };
    // One token a letter, and three of which some are there: what is there in part is lost.
    assert_eq!((cut("\u{7a7a}", 12), cut("\u{7a7a}", 13)), (10, 9));
    assert_eq!((cut("\u{9be8}", 11), cut("\u{9be8}", 12), cut("\u{9be8}", 13), cut("\u{9be8}", 14)), (17, 17, 17, 16));
    let text = "e\u{301}".repeat(90);
    assert!(text.ends_with(&tokens.encode(&text, 10).unwrap().cut.unwrap()));
}

#[test]
fn lengths_without_room_are_refused() {
    let tokens = ClipTokens::load(&folder("clip")).unwrap();
    assert!(tokens.encode("", 2).is_err_and(|error| error.to_string().contains("at least 3")));
    assert!(tokens.encode("", 0).is_err());
    assert_eq!(tokens.encode("", 4).unwrap().ids, [832, 833, 833, 833]);
    let t5 = T5Tokens::load(&folder("t5")).unwrap();
    assert!(t5.encode("", 1).is_err());
    assert_eq!(t5.encode("", 3).unwrap().ids, [1, 0, 0]);
}

#[test]
fn settings_that_are_not_right_are_named() {
    const CONFIG: &str = "tokenizer_config.json";
    let config = text_of("clip", CONFIG);
    let pad = r#""pad_token":"<|endoftext|>""#;
    // What is replaced by what, which file is named, and what is said of it.
    let table = [
        (config.as_str(), "[]", CONFIG, "expected a map"),
        (pad, r#""pad_token":7"#, CONFIG, "`pad_token` is 7"),
        (pad, r#""pad_token":"<none>""#, "vocab.json", "no token `<none>`"),
        (":77", ":-3", CONFIG, "`model_max_length` is -3"),
        (":77", r#":"77""#, CONFIG, "`model_max_length` is \"77\": expected a whole number"),
        (":77", ":2", CONFIG, "`model_max_length` is 2: expected a whole number of at least 3"),
        ("CLIPTokenizer", "T5Tokenizer", CONFIG, "`tokenizer_class`"),
        ("{", r#"{"padding_side":"left","#, CONFIG, "`padding_side`"),
        (r#""832""#, r#""-1""#, CONFIG, "expected an id"),
        (r#""832""#, r#""831""#, "vocab.json", "expected 831"),
        (r#""normalized":true"#, r#""normalized":1"#, CONFIG, "`normalized` as 1"),
    ];
    for (from, to, file, says) in table {
        assert!(config.contains(from), "{config}");
        let folder = changed("clip", CONFIG, &config.replacen(from, to, 1));
        refused(ClipTokens::load(folder.path()), file, says);
    }
}

#[test]
fn vocabularies_that_are_not_right_are_named() {
    let clip = |file: &str, text: &str, says: &str| {
        refused(ClipTokens::load(changed("clip", file, text).path()), file, says);
    };
    let merges = text_of("clip", "merges.txt");
    clip("merges.txt", &merges.replacen("#version: 0.2\n", "", 1), "line 1");
    clip("merges.txt", &merges.replacen('\n', "\na b c\n", 1), "line 2 has 3 tokens");
    clip("merges.txt", &merges.replacen('\n', "\nz zq\n", 1), "needs the token `zq`");
    clip("merges.txt", "", "line 1");
    let vocabulary = text_of("clip", "vocab.json");
    clip("vocab.json", &vocabulary.replacen("<|startoftext|>", "<start>", 1), "no token `<|startoftext|>`");
    clip("vocab.json", &vocabulary.replacen(":1,", ":-1,", 1), "invalid value");
    clip("vocab.json", "{}", "does not have");
    let far = changed("clip", "vocab.json", &vocabulary.replacen(":5,", ":70000,", 1));
    assert_eq!(ClipTokens::load(far.path()).unwrap().largest_id(), 70000);
}

#[test]
fn files_that_are_missing_are_named() {
    let missing = tempfile::tempdir().unwrap();
    refused(ClipTokens::load(missing.path()), "vocab.json", "cannot be read");
    refused(T5Tokens::load(missing.path()), "tokenizer.json", "cannot be read");
    fs::write(missing.path().join("spiece.model"), "x").unwrap();
    refused(T5Tokens::load(missing.path()), missing.path().to_str().unwrap(), "expected `tokenizer.json`");
}

#[test]
fn descriptions_that_are_not_right_are_named() {
    let t5 = |text: &str, says: &str| {
        refused(T5Tokens::load(changed("t5", "tokenizer.json", text).path()), "tokenizer.json", says);
    };
    let whole = text_of("t5", "tokenizer.json");
    let with = |key: &str, value: Value| {
        let mut all: Value = serde_json::from_str(&whole).unwrap();
        all[key] = value;
        all.to_string()
    };
    t5("{", "is not a tokenizer");
    t5(&with("post_processor", Value::Null), "turns \"\" into the ids []");
    t5(&whole.replace("</s>", "</e>"), "no token `</s>`");
    // A table of one unit, which leads beyond its end.
    let table = json!({"type": "Precompiled", "precompiled_charsmap": "BAAAAAAAAAA="});
    t5(&with("normalizer", table), "the tokenizer fails on it");
}

/// Where the settings name no limit, transformers writes a number that no text reaches.
#[test]
fn a_length_that_no_text_reaches_is_none() {
    let config = text_of("clip", "tokenizer_config.json").replacen(":77", ":1000000000000000019884624838656", 1);
    let folder = changed("clip", "tokenizer_config.json", &config);
    assert_eq!(ClipTokens::load(folder.path()).unwrap().length(), None);
}
