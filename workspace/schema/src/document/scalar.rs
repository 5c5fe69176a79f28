//! What a scalar means: the core schema of YAML 1.2 (chapter 10.3.2), and nothing of YAML 1.1, where `no` was a
//! boolean.

/// A scalar's meaning.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    /// Nothing.
    Null,
    /// `true` or `false`.
    Flag(bool),
    /// A whole number, where it fits.
    Whole(i128),
    /// Any other number, not finite ones included; `text` is as it was written.
    Number {
        /// Its value.
        value: f64,
        /// Its spelling.
        text: String,
    },
    /// Anything else, or what stands in quotation marks.
    Text(String),
}

/// The meaning of a scalar without quotes.
pub fn plain(text: &str) -> Scalar {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Scalar::Null,
        "true" | "True" | "TRUE" => Scalar::Flag(true),
        "false" | "False" | "FALSE" => Scalar::Flag(false),
        _ => whole(text).or_else(|| number(text)).unwrap_or_else(|| Scalar::Text(text.into())),
    }
}

fn whole(text: &str) -> Option<Scalar> {
    let (digits, radix) = match text.get(..2) {
        Some("0x") => (&text[2..], 16),
        Some("0o") => (&text[2..], 8),
        _ => (text, 10),
    };
    let unsigned = if radix == 10 { digits.trim_start_matches(['+', '-']) } else { digits };
    let signs = digits.len() - unsigned.len();
    let all_digits = !unsigned.is_empty() && unsigned.chars().all(|character| character.is_digit(radix));
    (all_digits && signs <= 1).then(|| i128::from_str_radix(digits, radix).ok().map(Scalar::Whole))?
}

fn number(text: &str) -> Option<Scalar> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let value = match unsigned {
        ".inf" | ".Inf" | ".INF" if text.starts_with('-') => f64::NEG_INFINITY,
        ".inf" | ".Inf" | ".INF" => f64::INFINITY,
        ".nan" | ".NaN" | ".NAN" if unsigned.len() == text.len() => f64::NAN,
        _ if is_decimal(unsigned) => text.parse().ok()?,
        _ => return None,
    };
    Some(Scalar::Number { value, text: text.into() })
}

/// `(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_decimal(unsigned: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    digits(before)
        && digits(after)
        && !(before.is_empty() && after.is_empty())
        && !exponent.is_empty()
        && digits(exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_mean_what_the_core_schema_says() {
        let check = |text: &str, expected: Scalar| assert_eq!(plain(text), expected, "{text}");
        let number = |value: f64, text: &str| Scalar::Number { value, text: text.into() };
        check("", Scalar::Null);
        check("~", Scalar::Null);
        check("true", Scalar::Flag(true));
        check("FALSE", Scalar::Flag(false));
        check("12", Scalar::Whole(12));
        check("-012", Scalar::Whole(-12));
        check("0x1F", Scalar::Whole(31));
        check("0o17", Scalar::Whole(15));
        check("1.", number(1.0, "1."));
        check(".5", number(0.5, ".5"));
        check("-1e-3", number(-0.001, "-1e-3"));
        check("1e999", number(f64::INFINITY, "1e999"));
        check("-.inf", number(f64::NEG_INFINITY, "-.inf"));
        let huge = "9".repeat(60);
        check(&huge, number(huge.parse().unwrap(), &huge));
        for text in [
            "n", "no", "off", "yes", "--1", "0x", "0xg", "1_000", ".", "e5", "1e", "+", "-.nan", "inf", "nan", "1:2",
            "0b1", "1.2.3", "١",
        ] {
            check(text, Scalar::Text(text.into()));
        }
        assert!(matches!(plain(".nan"), Scalar::Number { value, .. } if value.is_nan()));
    }
}
