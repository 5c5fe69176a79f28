//! Numbers as people read them.

use editscale_page::{Alike, chance, count, marked, number, percent, shortened, three_digits};

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
fn numbers_of_a_column_are_written_alike() {
    for (values, expected) in [
        (&[1.0, 0.999_96, 2.0][..], &["1.000", "1.000", "2.000"][..]),
        (&[0.25, 1.39e-17, -0.031_25], &["0.2500", "0.0000", "-0.0312"]),
        (&[1.0, 12.0, 1234.0], &["1", "12", "1\u{202f}234"]),
        (&[12.5, 3.0, f64::NAN], &["12.50", "3.00", "–"]),
        (&[12.5, -0.003, -0.1], &["12.50", "0.00", "-0.10"]),
        (&[0.000_12, 0.000_013], &["0.0001200", "0.0000130"]),
        (&[2e12, 0.5], &["2.00e12", "0.5000"]),
        (&[0.0, -0.0], &["0", "0"]),
    ] {
        let alike = Alike::of(values.iter().copied());
        assert_eq!(values.iter().map(|value| alike.show(*value)).collect::<Vec<_>>(), expected, "{values:?}");
    }
    assert_eq!(Alike::of([0.5]).with_interval(0.5, Some([0.25, 1.0])), "0.5000 [0.2500, 1.0000]");
    assert_eq!(Alike::of([0.5]).with_interval(0.5, None), "0.5000");
    assert_eq!([0.0, 3e-5, 0.031, 1.0].map(chance), ["0.0000", "<0.0001", "0.0310", "1.0000"]);
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
