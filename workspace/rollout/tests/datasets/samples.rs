//! Tar archives: names, JSON, links, cuts, and headers that lie.

use std::io::Write;

use editscale_rollout::{Columns, RowPicture};
use serde_json::json;
use tar::{Builder, EntryType, Header};

use crate::desk::{Desk, assert_each, held, open, png, refusal, rows, told, told_with};

pub(crate) fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        builder.append_data(&mut header, name, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

type Members<'a> = Vec<(String, &'a [u8])>;

#[test]
fn samples_are_read_however_they_are_named() {
    let desk = Desk::new();
    let picture = png(6, 5);
    let other = png(2, 2);
    let long = format!("in/{}", "k".repeat(150));
    let cases: [(&str, Members<'_>, &str); 6] = [
        ("plain", vec![("a.png".into(), &picture), ("a.txt".into(), b"one\n")], "a: one"),
        ("order", vec![("a.txt".into(), b"one"), ("a.json".into(), b"{}"), ("a.PNG".into(), &picture)], "a: one"),
        (
            "dots",
            vec![
                ("./x/a.b.png".into(), &other),
                ("./x/a.source.png".into(), &picture),
                ("./x/a.instruction.txt".into(), b"one"),
            ],
            "x/a: one",
        ),
        (
            "json",
            vec![
                ("a.input_image.png".into(), &picture),
                ("a.png".into(), &other),
                ("a.json".into(), br#"{"prompt": "one", "id": "z"}"#),
            ],
            "z: one",
        ),
        (
            "field",
            vec![("a.png".into(), &picture), ("a.json".into(), br#"{"url": "http://x/y.png", "caption": "one"}"#)],
            "a: one",
        ),
        ("long", vec![(format!("{long}.png"), &picture), (format!("{long}.txt"), b"one")], ""),
    ];
    for (name, members, expected) in cases {
        let members: Vec<(&str, &[u8])> = members.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
        let path = desk.write(&format!("{name}.tar"), archive(&members));
        let expected = if expected.is_empty() { format!("{long}: one") } else { expected.to_owned() };
        assert_eq!(told(&path), [expected], "{name}");
        assert_eq!(held(&rows(&open(&path).unwrap()).remove(0).unwrap().source), picture, "{name}");
    }
}

#[test]
fn members_can_be_mapped() {
    let desk = Desk::new();
    let (one, two) = (png(3, 3), png(4, 4));
    let fields = json!({"meta": {"task": "t"}, "words": ["do it"]}).to_string();
    let members: [(&str, &[u8]); 5] = [
        ("a.before.jpg", &two),
        ("a.left.png", &one),
        ("a.mask.png", &two),
        ("a.json", fields.as_bytes()),
        ("a.seed", b"41\n"),
    ];
    let path = desk.write("rows.tar", archive(&members));
    let text = |text: &str| Some(text.to_owned());
    let columns = Columns {
        source: text("right;left"),
        instruction: text("words"),
        keep: vec!["meta.task".to_owned()],
        ..Columns::default()
    };
    let row = rows(&editscale_rollout::dataset::Dataset::open(&path, &columns).unwrap()).remove(0).unwrap();
    assert_eq!((held(&row.source), row.instruction.as_str(), row.seed), (one.as_slice(), "do it", Some(41)));
    assert_eq!(held(row.mask.as_ref().unwrap()), two);
    assert_eq!(row.extra["meta.task"], json!("t"));
    assert!(matches!(&row.source, RowPicture::Bytes { name: Some(name), .. } if name == "a.left.png"));
}

#[test]
fn bad_samples_are_told_and_the_next_is_read() {
    let desk = Desk::new();
    let picture = png(3, 3);
    let members: [(&str, &[u8]); 14] = [
        ("a.png", &picture),
        ("a.txt", b"fine"),
        ("b.png", &picture),
        ("c.txt", b"no picture"),
        ("d.png", b""),
        ("d.txt", b"empty"),
        ("e.png", &picture),
        ("e.txt", b" \n"),
        ("f.png", &picture),
        ("f.png", &picture),
        ("f.txt", b"twice"),
        ("../../g.png", &picture),
        ("../../g.txt", b"outside"),
        ("no-dot", b"of no sample"),
    ];
    let expected = [
        "a: fine",
        "rows.tar, sample b: expected a member `txt`, found `png`",
        "sample c: expected a member `jpg;jpeg;png",
        "sample d: `d.png`",
        "sample e: expected what to do to the picture in `txt`, found",
        "sample f: expected one member `png`, found a second: `f.png`",
        "../../g: outside",
    ];
    let path = desk.path("rows.tar");
    let mut builder = Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = Header::new_old();
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(bytes.len() as u64);
        header.set_cksum();
        builder.append(&header, bytes).unwrap();
    }
    std::fs::write(&path, builder.into_inner().unwrap()).unwrap();
    assert_each(&told(&path), &expected);
}

#[test]
fn links_and_folders_are_not_followed() {
    let desk = Desk::new();
    let picture = png(3, 3);
    let mut builder = Builder::new(Vec::new());
    let mut add = |name: &str, kind: EntryType, bytes: &[u8]| {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(bytes.len() as u64);
        if matches!(kind, EntryType::Link | EntryType::Symlink) {
            builder.append_link(&mut header, name, "/etc/passwd").unwrap();
        } else {
            builder.append_data(&mut header, name, bytes).unwrap();
        }
    };
    add("rows/", EntryType::Directory, b"");
    add("rows/a.png", EntryType::Regular, &picture);
    add("rows/sub.folder/", EntryType::Directory, b"");
    add("rows/a.txt", EntryType::Regular, b"fine");
    add("rows/b.png", EntryType::Link, b"");
    add("rows/b.txt", EntryType::Regular, b"linked");
    add("rows/c.png", EntryType::Symlink, b"");
    add("rows/c.txt", EntryType::Regular, b"linked");
    let path = desk.write("rows.tar", builder.into_inner().unwrap());
    let expected =
        ["rows/a: fine", "`rows/b.png`, a link to `/etc/passwd`: write the file itself", "`rows/c.png`, a link to"];
    assert_each(&told(&path), &expected);
}

#[test]
fn archives_that_are_cut_keep_what_is_whole() {
    let desk = Desk::new();
    let picture = png(40, 30);
    let keys = ["a", "b", "c"];
    let names: Vec<(String, Vec<u8>)> = keys
        .iter()
        .flat_map(|key| {
            [(format!("{key}.png"), picture.clone()), (format!("{key}.txt"), format!("edit {key}").into_bytes())]
        })
        .collect();
    let members: Vec<(&str, &[u8])> = names.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    let whole = archive(&members);
    for cut in (512..whole.len()).step_by(509) {
        let bytes = &whole[..cut];
        let path = desk.write("cut/rows-0.tar", bytes);
        desk.write("cut/rows-1.tar", &whole);
        let Ok(dataset) = open(path.parent().unwrap()) else { panic!("cut at {cut}: not opened") };
        let found = rows(&dataset);
        let good: Vec<_> = found.iter().flatten().map(|row| row.id.clone()).collect();
        assert!(good.len() >= 3, "cut at {cut}: {good:?}");
        assert_eq!(good[good.len() - 3..], keys, "cut at {cut}: the next archive is read");
        for row in found.iter().flatten() {
            assert_eq!((held(&row.source), row.instruction.clone()), (picture.as_slice(), format!("edit {}", row.id)));
        }
    }
}

#[test]
fn headers_that_lie_cost_the_archive_and_nothing_else() {
    let desk = Desk::new();
    let mut whole = archive(&[("a.png", &png(3, 3)), ("a.txt", b"fine")]);
    whole.truncate(whole.len() - 1024);
    let lie = |kind: EntryType, size: u64| {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_path("b.png").unwrap();
        header.set_size(size);
        header.set_cksum();
        header.as_bytes().to_vec()
    };
    for (tail, expected) in [
        (lie(EntryType::Regular, 1 << 40), "of a member"),
        (lie(EntryType::Regular, u64::MAX - 3), "declares 18446744073709551612 bytes"),
        (lie(EntryType::GNULongName, 1 << 33), "expected at most 65536 bytes before a member, found 8589934592"),
        (lie(EntryType::XHeader, 1 << 33), "before a member"),
        (lie(EntryType::GNUSparse, 512), "a sparse member"),
        (vec![7; 512], "expected a header of a member, found something else"),
        (vec![7; 100], "the archive ends within a header"),
    ] {
        let path = desk.write("rows.tar", [whole.as_slice(), &tail].concat());
        let listed: Vec<_> = open(&path).unwrap().list().map(Result::unwrap).collect();
        let problems: Vec<String> =
            listed.into_iter().filter_map(|row| row.problem).map(|row| row.to_string()).collect();
        assert_eq!(problems.len(), 1, "{expected}: {problems:?}");
        assert!(problems[0].contains(expected), "{expected}: {problems:?}");
    }
}

#[test]
fn packed_archives_and_patterns_are_read() {
    let desk = Desk::new();
    let picture = png(3, 3);
    for shard in 0..12 {
        let name = format!("s{shard}");
        let bytes = archive(&[(&format!("{name}.png"), &picture), (&format!("{name}.txt"), b"edit")]);
        desk.write(&format!("plain/rows-{shard:03}.tar"), &bytes);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&bytes).unwrap();
        desk.write(&format!("packed/rows-{shard:03}.tar.gz"), gzip.finish().unwrap());
    }
    let all: Vec<String> = (0..12).map(|shard| format!("s{shard}: edit")).collect();
    for (name, expected) in [
        ("plain", &all[..]),
        ("packed", &all[..]),
        ("plain/rows-{000..011}.tar", &all[..]),
        ("plain/rows-{003..004}.tar", &all[3..5]),
        ("plain/rows-00*.tar", &all[..10]),
        ("packed/rows-{010,011}.tar.gz", &all[10..]),
    ] {
        assert_eq!(told_with(&desk.path(name), &Columns::default()), expected, "{name}");
    }
    for (name, expected) in [
        ("plain/rows-{000..012}.tar", "rows-012.tar is not there"),
        ("plain/rows-{5..1}.tar", "numbers that rise"),
        ("plain/rows-{0..99999999}.tar", "at most 100000 numbers"),
        ("plain/rows-{0.tar", "never closed"),
        ("plain/none-*.tar", "no file has a name of this pattern"),
    ] {
        let found = refusal(&desk.path(name));
        assert!(found.contains(expected), "{name}: {found}");
    }
}
