//! Keys that several editors share.

use editscale_core::ImageSize;
use editscale_schema::{Absent, Fields, Key, MOST_ITEMS, Mistake, Scalar, Section, Text, Value, Whole, Yaml, quote};

use crate::editors::size::SizeRule;

pub(crate) const MODEL: Key<Text> = Key {
    name: "model",
    rule: Text,
    absent: Absent::Unset("not sent"),
    meaning: "the model's name as the server knows it",
};

/// The key `model` where a service cannot do without.
pub(crate) const fn model(meaning: &'static str) -> Key<Text> {
    Key { name: "model", rule: Text, absent: Absent::Refused, meaning }
}

pub(crate) const NFE: Key<Whole> = Key {
    name: "nfe",
    rule: Whole { low: 0, high: 1_000_000 },
    absent: Absent::Default(0),
    meaning: "denoiser evaluations that one edit counts as, in `budget: {nfe}`",
};

/// The sizes that can be asked for; `default` says which they are where the key is left out.
pub(crate) const fn sizes(default: &'static str) -> Section {
    Section {
        name: "sizes",
        allowed: "`any`, a whole number from 1 to 4096, or a list of sizes such as `1024x1536`",
        default,
        meaning: "which sizes can be asked for: any, sides that are multiples of a number, or these alone; a wish for another \
                  size becomes the nearest",
    }
}

/// The sizes, where they are given and right.
pub(crate) fn read_sizes(fields: &Fields<'_>, section: &Section) -> Option<SizeRule> {
    let entry = fields.entry(section.name)?;
    let found = match &entry.node.value {
        Value::Refused => return None,
        Value::Scalar(Scalar::Text(text)) if text == "any" => Some(SizeRule::Any),
        Value::Scalar(Scalar::Whole(step @ 1..=4096)) => Some(SizeRule::MultipleOf(*step as u32)),
        Value::List(items) if !items.is_empty() && items.len() <= MOST_ITEMS => {
            let size = |value: &Value| match value {
                Value::Scalar(Scalar::Text(text)) => size(text),
                _ => None,
            };
            items.iter().map(|item| size(&item.value)).collect::<Option<Vec<_>>>().map(SizeRule::OneOf)
        }
        _ => None,
    };
    if found.is_none() {
        fields.error(entry.place(), Mistake::new(format!("{} must be {}", quote(section.name), section.allowed)));
    }
    found
}

fn size(text: &str) -> Option<ImageSize> {
    let (width, height) = text.split_once('x')?;
    let side = |side: &str| side.parse().ok().filter(|side| (1..=16_384).contains(side));
    Some(ImageSize { width: side(width)?, height: side(height)? })
}

/// The sizes under their section's name; nothing where they are left out.
pub(crate) fn write_sizes(section: &Section, sizes: Option<&SizeRule>) -> Option<(String, Yaml)> {
    let written = match sizes? {
        SizeRule::Any => Yaml::text("any"),
        SizeRule::MultipleOf(step) => Yaml::plain(step),
        SizeRule::OneOf(sizes) => Yaml::List(sizes.iter().map(|size| Yaml::text(&size.to_string())).collect()),
    };
    Some((section.name.to_owned(), written))
}
