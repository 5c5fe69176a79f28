//! Pickles of Python's own, pickles of ours, and pickles of somebody who means harm.

#![expect(clippy::disallowed_methods, reason = "the tests read files that Python wrote")]

use proptest::prelude::*;

use crate::{Pickled, read, write};

/// A pickle that Python or `NumPy` wrote; see `tests/pickles/make.py`.
fn golden(name: &str, protocol: u8) -> Vec<u8> {
    let path = format!("{}/tests/pickles/{name}.{protocol}.pickle", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).unwrap()
}

fn list(items: impl IntoIterator<Item = Pickled>) -> Pickled {
    Pickled::List(items.into_iter().collect())
}

fn floats(numbers: &[f64]) -> Pickled {
    list(numbers.iter().map(|number| Pickled::Float(*number)))
}

fn dict<const N: usize>(entries: [(&str, Pickled); N]) -> Pickled {
    Pickled::Dict(entries.into_iter().map(|(key, value)| (Pickled::text(key), value)).collect())
}

fn ints(numbers: impl IntoIterator<Item = i64>) -> Vec<Pickled> {
    numbers.into_iter().map(Pickled::Int).collect()
}

/// The value `plain` of `make.py`.
fn plain() -> Pickled {
    let edges = [0, 1, -1, 255, 256, 65535, 65536, i64::from(i32::MIN), 1 << 31, i64::MAX, i64::MIN];
    let long = "x".repeat(300);
    let texts = ["", "plain", "schön\n\\ \u{4e2d} \u{1f600}", &long];
    dict([
        ("none", Pickled::None),
        ("truths", Pickled::Tuple(vec![Pickled::Bool(true), Pickled::Bool(false)])),
        ("ints", list(ints(edges))),
        ("floats", floats(&[0.0, -0.0, 1.5, f64::INFINITY, f64::NEG_INFINITY])),
        ("texts", list(texts.map(Pickled::text))),
        ("tuples", list((0..5).map(|length| Pickled::Tuple(ints(1..=length))))),
        ("shared", list([floats(&[0.5]), floats(&[0.5])])),
        ("empty", list([list([]), Pickled::Dict(Vec::new())])),
    ])
}

#[test]
fn what_python_writes_is_read_in_every_protocol() {
    let outputs = list([0.5, -1.25, 1e300].map(Pickled::Float).into_iter().chain([Pickled::Int(3)]));
    let images = [Vec::new(), b"\x00\xff\n".to_vec(), vec![b'x'; 300]];
    for protocol in 0..=5 {
        assert_eq!(read(&golden("outputs", protocol)).unwrap(), dict([("outputs", outputs.clone())]), "{protocol}");
        assert_eq!(read(&golden("plain", protocol)).unwrap(), plain(), "{protocol}");
        let found = read(&golden("bytes", protocol)).unwrap();
        assert_eq!(found, dict([("images", list(images.clone().map(Pickled::Bytes)))]), "{protocol}");
        let found = read(&golden("geneval", protocol)).unwrap();
        assert_eq!(found.get("scores").unwrap(), &floats(&[1.0, 0.5]), "{protocol}");
        let groups = found.get("group_rewards").unwrap();
        assert_eq!(groups.get("colors").unwrap(), &floats(&[-10.0, -10.0]), "{protocol}");
    }
}

#[test]
fn numbers_of_numpy_are_recognised_and_nothing_is_called() {
    for protocol in 0..=5 {
        let found = read(&golden("float32s", protocol)).unwrap();
        assert_eq!(found, dict([("outputs", floats(&[0.5, -0.25, 1.5]))]), "{protocol}");
    }
    for (name, protocol) in
        ["array32", "array64"].into_iter().flat_map(|name| (0..5).map(move |protocol| (name, protocol)))
    {
        let found = read(&golden(name, protocol)).unwrap();
        assert_eq!(found, dict([("outputs", floats(&[0.5, -0.25]))]), "{name} {protocol}");
    }
    let error = read(&golden("array64", 5)).unwrap_err().to_string();
    assert!(error.contains("`numpy._core.numeric._frombuffer`"), "{error}");
}

/// Each is refused, with the opcode and its place.
#[test]
fn whatever_could_run_or_grow_is_refused() {
    let deep = [&b"\x80\x04"[..], &b"]".repeat(40), &b"a".repeat(39), b"."].concat();
    // A list of two of the list before it, thirty times over.
    let doubled = [
        &b"\x80\x02]q\x00"[..],
        &(0..30).flat_map(|place| [b']', b'q', place + 1, b'(', b'h', place, b'h', place, b'e']).collect::<Vec<_>>(),
        b".",
    ]
    .concat();
    let itself = b"\x80\x02]q\x00h\x00a.".to_vec();
    let declared = b"\x80\x04B\xff\xff\xff\x7fabc".to_vec();
    let vast = [&b"\x80\x04\x8e"[..], &[0xff; 8], b"."].concat();
    let marks = b"(".repeat(2_000_000);
    // One text of a million letters, given as an array's bytes a hundred times.
    let letters = [&b"\x80\x02(X"[..], &1_000_000_u32.to_le_bytes(), &b"a".repeat(1_000_000), b"q\x00"].concat();
    let again = b"c_codecs\nencode\n(h\x00X\x06\x00\x00\x00latin1tR".repeat(100);
    let encoded = [letters, again, b"l.".to_vec()].concat();
    for (what, pickle, words) in [
        ("a command", &b"cos\nsystem\n(S'true'\ntR."[..], "byte 0 of the pickle: opcode GLOBAL: asks for `os.system`"),
        (
            "a command by the stack",
            b"\x80\x04\x8c\x02os\x8c\x06system\x93.",
            "byte 14 of the pickle: opcode STACK_GLOBAL: asks for `os.system`",
        ),
        ("eval", b"c__builtin__\neval\n.", "`__builtin__.eval`"),
        (
            "a name of numpy's that runs",
            b"cnumpy.testing._private.utils\nrunstring\n.",
            "`numpy.testing._private.utils.runstring`",
        ),
        ("an instance", b"(ios\nsystem\n.", "byte 1 of the pickle: opcode INST"),
        ("an object", b"(cnumpy\ndtype\no.", "opcode OBJ"),
        ("a new object", b"\x80\x02cnumpy\ndtype\n)\x81.", "opcode NEWOBJ"),
        ("a new object with names", b"\x80\x04cnumpy\ndtype\n)}\x92.", "opcode NEWOBJ_EX"),
        ("an extension", b"\x80\x02\x82\x01.", "opcode EXT1"),
        ("a long extension", b"\x80\x02\x84\x01\x00\x00\x00.", "opcode EXT4"),
        ("a persistent name", b"P1\n.", "opcode PERSID"),
        ("a persistent value", b"NQ.", "opcode BINPERSID"),
        ("a buffer of elsewhere", b"\x80\x05\x97.", "opcode NEXT_BUFFER"),
        ("a state without an object", b"\x80\x02}}b.", "opcode BUILD"),
        ("a call of a value", b"\x80\x02])R.", "opcode REDUCE"),
        ("objects in an array", b"\x80\x02cnumpy\ndtype\nX\x02\x00\x00\x00O8\x89\x88\x87R.", "opcode REDUCE: Type"),
        (
            "another code",
            b"\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00aX\x04\x00\x00\x00zlib\x86R.",
            "opcode REDUCE: Encode",
        ),
        ("a name as a value", b"cnumpy\ndtype\n.", "a name or a type"),
        ("a text of Python 2", b"S'a'\n.", "opcode STRING"),
        ("an opcode that there is not", b"\x80\x02\xfe.", "byte 2 of the pickle: unknown opcode 0xfe"),
        ("a later protocol", b"\x80\x06N.", "opcode PROTO: expected a protocol up to 5"),
        (
            "a number of many bytes",
            b"\x80\x02\x8a\x09123456789.",
            "opcode LONG1: expected a whole number of at most 64 bits",
        ),
        ("a long number of protocol 0", b"L99999999999999999999L\n.", "opcode LONG: expected a whole number"),
        ("more after the end", b"N.N", "byte 1 of the pickle: expected the end"),
        ("nothing", b"", "byte 0 of the pickle: the pickle ends too early"),
        ("no end", b"N", "byte 1 of the pickle: the pickle ends too early"),
        ("no value", b".", "expected a value on the stack"),
        ("no mark", b"e.", "opcode APPENDS: expected a mark"),
        ("a value from below a mark", b"N(\x85.", "opcode TUPLE1: expected a value"),
        ("nothing remembered", b"h\x07.", "opcode BINGET: nothing was remembered as 7"),
        ("a key without a value", b"}(Nu.", "opcode SETITEMS: expected a value for each key"),
        ("an item for no list", b"NNa.", "opcode APPEND: expected a list"),
        ("no text", b"\x80\x04\x8c\x02\xff\xfe.", "opcode SHORT_BINUNICODE: expected text in UTF-8"),
        ("half a character", b"V\\ud800\n.", "opcode UNICODE: expected a character"),
        ("HTML", b"<html>", "unknown opcode 0x3c"),
        ("a traceback", b"Traceback (most recent call last):", "opcode BINSTRING"),
        ("deep nesting", &deep, "nested more than 32 deep"),
        ("a list of itself", &itself, "nested more than 32 deep"),
        ("what unfolds without end", &doubled, "holds more than"),
        ("bytes that do not come", &declared, "opcode BINBYTES: the pickle ends too early"),
        ("more bytes than there is memory", &vast, "opcode BINBYTES8: the pickle ends too early"),
        ("too many opcodes", &marks, "expected at most 1048576 opcodes"),
        ("a text made bytes again and again", &encoded, "expected numbers of at most 16777216 bytes"),
    ] {
        let error = read(pickle).unwrap_err().to_string();
        assert!(error.contains(words), "{what}: {error}");
    }
}

fn any_value() -> impl Strategy<Value = Pickled> {
    let leaf = prop_oneof![
        Just(Pickled::None),
        any::<bool>().prop_map(Pickled::Bool),
        any::<i64>().prop_map(Pickled::Int),
        (-300_i64..300).prop_map(Pickled::Int),
        any::<f64>().prop_filter("NaN is not equal to itself", |number| !number.is_nan()).prop_map(Pickled::Float),
        any::<String>().prop_map(Pickled::Text),
        prop::collection::vec(any::<u8>(), 0..300).prop_map(Pickled::Bytes),
    ];
    leaf.prop_recursive(4, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Pickled::List),
            prop::collection::vec(inner.clone(), 0..8).prop_map(Pickled::Tuple),
            prop::collection::vec((any::<String>().prop_map(Pickled::Text), inner), 0..8).prop_map(Pickled::Dict),
        ]
    })
}

proptest! {
    #[test]
    fn what_we_write_we_read(value in any_value()) {
        prop_assert_eq!(read(&write(&value).unwrap()).unwrap(), value);
    }

    #[test]
    fn nothing_makes_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        _ = read(&bytes);
    }

    /// Pickles of Python's with bytes changed, cut and put in.
    #[test]
    fn spoiled_pickles_are_read_or_refused(
        name in prop::sample::select(vec!["plain", "float32s", "bytes", "array32"]),
        protocol in 0_u8..5,
        spoils in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..3), 1..6),
    ) {
        let mut pickle = golden(name, protocol);
        for (at, byte, how) in spoils {
            let at = at.index(pickle.len().max(1)).min(pickle.len().saturating_sub(1));
            match how {
                0 => pickle.insert(at, byte),
                1 if pickle.len() > 1 => _ = pickle.remove(at),
                _ => pickle[at] = byte,
            }
        }
        _ = read(&pickle);
    }
}
