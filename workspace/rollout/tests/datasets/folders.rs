//! Folders: pictures with a table, other layouts, and what cannot be told apart.

use editscale_rollout::RowPicture;

use crate::desk::{Desk, open, png, refusal, rows, told};

#[test]
fn folders_of_pictures_have_a_table() {
    let lines = "{\"file_name\": \"in/a.png\", \"text\": \"one\"}\n";
    for (name, text) in [
        ("metadata.csv", "file_name,text\nin/a.png,one\n"),
        ("metadata.jsonl", lines),
        ("train/metadata.jsonl", lines),
        ("edits.csv", "image,text\nin/a.png,one\n"),
        ("edits.jsonl", lines),
        ("rows-00000-of-00001.jsonl.zst", lines),
    ] {
        let desk = Desk::new();
        let bytes = if name.contains("zst") { zstd::encode_all(text.as_bytes(), 1).unwrap() } else { text.into() };
        let table = desk.write(name, bytes);
        let picture = table.parent().unwrap().join("in/a.png");
        std::fs::create_dir_all(picture.parent().unwrap()).unwrap();
        std::fs::write(&picture, png(2, 2)).unwrap();
        desk.write("README.md", "about it");
        desk.write(".hidden/metadata.csv", "a,b\n");
        assert_eq!(told(&desk.path("")), ["0: one"], "{name}");
        let row = rows(&open(&desk.path("")).unwrap()).remove(0).unwrap();
        assert_eq!(row.source, RowPicture::File(picture), "{name}");
    }
}

#[test]
fn metadata_goes_before_other_tables() {
    let desk = Desk::new();
    desk.write("metadata.csv", "file_name,text\na.png,one\n");
    desk.write("notes.csv", "a,b\n");
    assert_eq!(told(&desk.path("")), ["0: one"]);
}

#[test]
fn numbered_lines_are_shards() {
    let desk = Desk::new();
    for number in 0..3 {
        desk.write(&format!("rows-{number}.jsonl"), format!("{{\"image\": \"a.png\", \"prompt\": \"p{number}\"}}"));
    }
    assert_eq!(told(&desk.path("")), ["0: p0", "1: p1", "2: p2"]);
    let described = open(&desk.path("")).unwrap().describe();
    assert!(described.contains("3 files from rows-0.jsonl to rows-2.jsonl; source = `image`"), "{described}");
}

#[test]
fn folders_that_cannot_be_used_say_why() {
    let line = "{\"image\": \"a.png\", \"prompt\": \"x\"}";
    let cases: [(&[&str], &str); 8] = [
        (&[], "the folder holds no data set: expected metadata.csv"),
        (&["a.png", "b.txt"], "the folder holds no data set"),
        (&["a.jsonl", "b.jsonl"], "more than one data set (`a.jsonl`, `b.jsonl`): name one of them"),
        (&["a.jsonl", "b.csv"], "more than one data set (JSONL and CSV files)"),
        (&["metadata.csv", "metadata.jsonl"], "more than one data set (`metadata.csv`, `metadata.jsonl`)"),
        (&["train-0.tar", "test-0.tar"], "more than one data set (`test-0.tar`, `train-0.tar`)"),
        (&["train/a.jsonl", "test/a.jsonl"], "more than one data set (`test`, `train`)"),
        (&["data-00000-of-00001.arrow", "state.json"], "write Parquet with `to_parquet`"),
    ];
    for (files, expected) in cases {
        let desk = Desk::new();
        files.iter().for_each(|name| drop(desk.write(name, line)));
        let found = refusal(&desk.path(""));
        assert!(found.contains(expected), "{files:?}: {found}");
    }
}

#[test]
fn a_pipe_is_refused_and_not_waited_for() {
    let desk = Desk::new();
    let path = desk.path("rows.jsonl");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    assert!(refusal(&path).contains("found a pipe, a socket or a device"));
}
