//! Numbers as people read them.

use editscale_page::{count, marked, number, percent, shortened, three_digits};

#[test]
fn numbers_keep_the_digits_that_matter() {
    for (value, expected) in [
        (0.0, "0"),
        (0.123_456, "0.1235"),
        (1.234_56, "1.235"),
        (-12.3456, "-12.35"),
        (1234.0, "1\u{202f}234"),
        (-5.0, "-5"),
        (1234.5, "1234"),
        (1.23e-7, "1.23e-7"),
        (2e12, "2.00e12"),
        (f64::NAN, "–"),
        (f64::INFINITY, "–"),
    ] {
        assert_eq!(number(value), expected, "{value}");
    }
}

#[test]
fn three_digits_are_counted_from_the_first() {
    for (value, expected) in [
        (0.0, "0"),
        (0.149_909_857, "0.150"),
        (-0.002_969_3, "-0.00297"),
        (12.34, "12.3"),
        (8.0, "8"),
        (-12_345.0, "-12345"),
        (1234.5, "1234"),
        (1.2e-7, "1.20e-7"),
        (2e12, "2.00e12"),
        (f64::NAN, "–"),
    ] {
        assert_eq!(three_digits(value), expected, "{value}");
    }
}

#[test]
fn counts_are_grouped() {
    for (value, expected) in [(0, "0"), (999, "999"), (1000, "1\u{202f}000"), (1_234_567, "1\u{202f}234\u{202f}567")] {
        assert_eq!(count(value), expected);
    }
    assert_eq!((percent(1, 3), percent(1, 0)), ("33.3 %".to_owned(), "–".to_owned()));
}

#[test]
fn a_long_text_is_cut() {
    for (text, expected) in [("", ""), ("größer", "größer"), ("größer!", "größer…"), ("größe re", "größe…")]
    {
        assert_eq!(shortened(text, 6), expected);
    }
}

#[test]
fn code_stands_between_backticks() {
    for (text, expected) in [
        ("", ""),
        ("none", "none"),
        ("by `a<b`, then `c`", "by <code>a&lt;b</code>, then <code>c</code>"),
        ("one ` alone", "one ` alone"),
        ("`a` and ` alone", "<code>a</code> and ` alone"),
    ] {
        assert_eq!(marked(text).into_string(), expected, "{text}");
    }
}
