//! CSV and TSV: delimiters, quotes, bad records.

use editscale_rollout::RowPicture;

use crate::desk::{Desk, assert_each, open, refusal, rows, told};

#[test]
fn tables_are_read_however_they_are_spelt() {
    let desk = Desk::new();
    let expected = ["a: one, two", "b: three\nlines \"quoted\""];
    let records = "a,a.png,\"one, two\"\nb,b.png,\"three\nlines \"\"quoted\"\"\"\n";
    let commas = format!("id,image,prompt\n{records}");
    let tabs = "id\timage\tprompt\na\ta.png\tone, two\nb\tb.png\t\"three\nlines \"\"quoted\"\"\"\n";
    for (name, text) in [
        ("plain.csv", commas.clone()),
        ("unended.csv", commas.trim_end().to_owned()),
        ("mark.csv", format!("\u{feff}{commas}")),
        ("semicolons.csv", "id;image;prompt\na;a.png;one, two\nb;b.png;\"three\nlines \"\"quoted\"\"\"".to_owned()),
        ("tabs.tsv", tabs.to_owned()),
        ("misnamed.csv", tabs.to_owned()),
        ("no-extension", commas.clone()),
        ("quoted.csv", commas.replace("id,image,prompt", "\"id\",\"image\",\"prompt\"")),
        ("blank.csv", commas.replace("prompt\n", "prompt\n\n\n")),
        (
            "names.csv",
            format!("id,image,prompt,\"in two\nlines\"\n{}", records.replace('\n', ",\n").replace("three,", "three")),
        ),
        ("marked.csv", format!("\u{feff}\"in two\nlines\",id,image,prompt\n,{}", records.replace("\nb", "\n,b"))),
    ] {
        assert_eq!(told(&desk.write(name, text)), expected, "{name}");
    }
    let carriage = "id,image,prompt\r\na,a.png,one\r\n\r\nb,b.png,two";
    let path = desk.write("carriage.csv", carriage);
    assert_eq!(told(&path), ["a: one", "b: two"]);
    assert_eq!(rows(&open(&path).unwrap()).remove(1).unwrap().source, RowPicture::File(desk.path("b.png")));
}

#[test]
fn bad_records_are_told_and_the_next_is_read() {
    let desk = Desk::new();
    let mut text = b"id,image,prompt\na,a.png\nb,b.png,x,y\nc,,x\nd,d.png,\ne,e.png,".to_vec();
    text.extend_from_slice(b"\xe9\nf,f.png,fine\ng,g.png,\"never closed\nh,h.png,found\n");
    let expected = [
        "rows.csv, line 2: expected 3 fields as in the first line, found 2",
        "line 3: expected 3 fields as in the first line, found 4",
        "line 4: expected the picture to edit in `image`, found an empty text",
        "line 5: expected what to do to the picture in `prompt`, found an empty text",
        "line 6: `prompt` is not UTF-8 at its byte 0",
        "f: fine",
        "line 8: a quote begins here that is never closed",
        "h: found",
    ];
    assert_each(&told(&desk.write("rows.csv", &text)), &expected);
    let packed = zstd::encode_all(text.as_slice(), 1).unwrap();
    let told = told(&desk.write("rows.csv.zst", packed));
    assert_eq!(told.last().unwrap(), "h: found");
}

#[test]
fn tables_that_cannot_be_used_say_why() {
    let desk = Desk::new();
    for (text, expected) in [
        ("", "no rows"),
        ("image\na.png\n", "names no columns with commas, tabs or semicolons"),
        ("a,b\n1,2\n", "the columns are `a`, `b`"),
        ("image,image,prompt\n1,2,3\n", "two columns are called `image`"),
        ("image,\"prompt\n1,2\n", "rows.csv: a quote among the names of its columns is never closed"),
    ] {
        let found = refusal(&desk.write("rows.csv", text));
        assert!(found.contains(expected), "{text:?}: {found}");
    }
    desk.write("shards/a-1.csv", "image,prompt\na.png,x\n");
    desk.write("shards/a-2.csv", "image,text\na.png,x\n");
    let found = refusal(&desk.path("shards"));
    assert!(found.contains("a-2.csv has another first line than a-1.csv"), "{found}");
}
