//! Files that are hostile, broken or no recipes at all: refused in bounded time and space.

use std::time::{Duration, Instant};

use editscale_config::{Recipe, Report};
use insta::assert_snapshot;

use crate::{parse, report, with_search};

#[test]
fn not_utf8() {
    assert_snapshot!(report(b"version: 1\neditor: {darkr\xf6om: {}}\n"), @r"
    error: the file is not UTF-8 text but another encoding, or no text at all
     --> recipe.yaml:2:15
      |
    2 | editor: {darkr�om: {}}
      |               ^
      = hint: save it as UTF-8
    ");
}

#[test]
fn utf16() {
    let bytes: Vec<u8> = [0xfeff].into_iter().chain("version: 1\n".encode_utf16()).flat_map(u16::to_le_bytes).collect();
    assert_snapshot!(report(bytes), @r"
    error: the file is not UTF-8 text but UTF-16
     --> recipe.yaml:1:1
      |
    1 | ��v�e�r�s�i�o�n�:� �1�
      | ^
      = hint: save it as UTF-8
    ");
}

#[test]
fn a_picture() {
    assert_snapshot!(report(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), @r"
    error: the file is not UTF-8 text but another encoding, or no text at all
     --> recipe.yaml:1:1
      |
    1 | �PNG
      | ^
      = hint: save it as UTF-8
    ");
}

#[test]
fn too_large() {
    assert_snapshot!(report("#".repeat(Recipe::LARGEST + 1)), @r"
    error: the file has 1048577 bytes: a recipe has at most 1048576
     --> recipe.yaml:1:1
      |
    1 | ############################################################…
      | ^
      = hint: is this the right file?
    ");
}

#[test]
fn nested_too_deep_in_brackets() {
    assert_snapshot!(report(format!("stop: {}", "[".repeat(100_000))), @r"
    error: values are nested more than 64 deep
     --> recipe.yaml:1:72
      |
    1 | …[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[…
      |                                          ^
      = hint: no part of a recipe is deeper than a few levels
    ");
}

#[test]
fn nested_too_deep_by_indentation() {
    let text: String = (0..1000).map(|depth| " ".repeat(depth) + "a:\n").collect();
    assert_snapshot!(report(text), @r"
    error: values are nested more than 64 deep
      --> recipe.yaml:65:65
       |
    65 |                                                                 a:
       |                                                                 ^
       = hint: no part of a recipe is deeper than a few levels
    ");
}

#[test]
fn too_many_rewards() {
    let rewards = "  - {model: {photometric: {}}}\n".repeat(10_000);
    let text =
        format!("version: 1\neditor: {{darkroom: {{}}}}\nsearch: {{best_of_n: {{samples: 8}}}}\nrewards:\n{rewards}");
    let errors = parse(text.as_bytes()).unwrap_err();
    assert_eq!(errors.diagnostics()[0].message, "`rewards` has 10000 items: expected at most 100");
}

#[test]
fn mistakes_beyond_the_most_are_counted() {
    let unknown: Vec<String> = (0..5000).map(|n| format!("key_{n}: 1\n")).collect();
    let text = with_search("{best_of_n: {samples: 8}}") + &unknown.concat();
    let errors = parse(text.as_bytes()).unwrap_err();
    assert_eq!(errors.diagnostics().len(), Report::MOST);
    assert_eq!(errors.left_out(), 5000 - Report::MOST);
    assert!(errors.render("recipe.yaml", text.as_bytes()).ends_with("\n… and 4900 more\n"));
}

/// An expanding alias costs nothing, since nothing is ever expanded.
#[test]
fn a_billion_laughs() {
    let mut text = String::from("a: &a [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
    for (before, name) in "abcdefgh".chars().zip("bcdefghi".chars()) {
        let nine = vec![format!("*{before}"); 9].join(", ");
        text += &[&format!("{name}: &{name} ["), nine.as_str(), "]\n"].concat();
    }
    let errors = parse(text.as_bytes()).unwrap_err();
    assert!(errors.diagnostics().iter().any(|found| found.message.starts_with("alias: ")));
}

/// Places far into a long line are not counted out for every mistake in it.
#[test]
fn many_mistakes_in_a_long_line() {
    let text = "{".to_owned() + &" ".repeat(400_000) + &"a: 1, ".repeat(100_000) + "}";
    let start = Instant::now();
    let errors = parse(text.as_bytes()).unwrap_err();
    assert!(errors.render("recipe.yaml", text.as_bytes()).len() < 100_000);
    assert!(start.elapsed() < Duration::from_secs(10), "took {:?}", start.elapsed());
}

/// Nor for every key.
#[test]
fn many_keys_in_a_long_line() {
    let keys: String = (0..80_000).map(|number| format!(", k{number}: 1")).collect();
    let text = format!("{{version: 1{keys}}}");
    let start = Instant::now();
    let errors = parse(text.as_bytes()).unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(10), "took {:?}", start.elapsed());
    assert!(errors.left_out() > 70_000);
}

/// One mebibyte of each of these is refused or read in far less than the limit, which allows for a busy machine.
#[test]
fn no_text_takes_long() {
    let units = [
        "[",
        "{",
        "{a: ",
        "- ",
        "? ",
        ": ",
        "a",
        "a: 1\n",
        "&a ",
        "*a ",
        ",",
        "# c\n",
        "\n",
        " ",
        "\t",
        "\"",
        "'",
        "\"a\" ",
        "\\",
        "|\n ",
        "---\n",
        "%a\n",
        "!a ",
        "!",
        "b\n ",
        ":",
        "a:",
        "\r",
        "\r\n",
        "\u{feff}",
        "\u{85}",
        "{[(",
        "é: ",
        "<<: ",
        "{a: 1}\n",
        "[1, ",
        "a: [\n",
        "- - - ",
        "-\n",
        "a: &b\n",
        "? a\n: b\n",
        "...\n",
        "@",
        "`",
        "\u{1b}[0m",
    ];
    for prefix in ["", "version: 1\n", "a: [", "a: {", "a: \"", "a: |\n "] {
        for unit in units {
            let text = prefix.to_owned() + &unit.repeat((Recipe::LARGEST - prefix.len()) / unit.len());
            let start = Instant::now();
            let errors = parse(text.as_bytes()).unwrap_err();
            let shown = errors.render("recipe.yaml", text.as_bytes());
            assert!(start.elapsed() < Duration::from_secs(10), "{prefix:?} {unit:?} took {:?}", start.elapsed());
            assert!(shown.len() < 100_000, "{prefix:?} {unit:?} says {} bytes", shown.len());
        }
    }
}
