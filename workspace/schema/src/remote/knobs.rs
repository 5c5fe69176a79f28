//! Numeric fields of a server that a search may turn.

use editscale_core::KnobName;

use crate::document::tree::{Entry, Value};
use crate::document::yaml::Yaml;
use crate::fields::{Fields, MOST_ITEMS, Map};
use crate::key::{Absent, Key, Keys, Section};
use crate::report::mistakes::Mistake;
use crate::report::quote::quote;
use crate::rule::{Flag, Name, Number, Rule};

/// A numeric field of a server that a search may turn.
#[derive(Debug, Clone, PartialEq)]
pub struct KnobSetting {
    /// Its name, as the server has it.
    pub name: KnobName,
    /// The least value.
    pub low: f64,
    /// The greatest value.
    pub high: f64,
    /// Where it stands when no search turns it.
    pub default: f64,
    /// Whether it takes whole numbers only.
    pub is_whole: bool,
    /// Whether equal ratios matter equally.
    pub is_logarithmic: bool,
}

/// Fields that a search may turn.
pub const KNOBS: Section = Section {
    name: "knobs",
    allowed: "a map from names to knobs",
    default: "`{}`",
    meaning: "numeric fields of the server that a search may turn, such as `guidance_scale`",
};

const fn number(name: &'static str, meaning: &'static str) -> Key<Number> {
    Key { name, rule: Number::from(-1e9, 1e9), absent: Absent::Refused, meaning }
}

const LOW: Key<Number> = number("low", "the least value");
const HIGH: Key<Number> = number("high", "the greatest value");
const DEFAULT: Key<Number> = number("default", "where it stands when no search turns it; it is always sent");
const WHOLE: Key<Flag> =
    Key { name: "whole", rule: Flag, absent: Absent::Default(false), meaning: "whether it takes whole numbers only" };
const LOGARITHMIC: Key<Flag> = Key {
    name: "logarithmic",
    rule: Flag,
    absent: Absent::Default(false),
    meaning: "whether equal ratios matter equally; `low` is above 0 then",
};

/// The keys of one of them.
pub const KNOB_KEYS: Keys = &[&LOW, &HIGH, &DEFAULT, &WHOLE, &LOGARITHMIC];

/// The knobs; none where they are left out.
pub fn read_knobs(fields: &Fields<'_>) -> Option<Vec<KnobSetting>> {
    let Some(entry) = fields.entry(KNOBS.name) else { return Some(Vec::new()) };
    match &entry.node.value {
        Value::Refused => None,
        Value::Map(entries) if entries.len() <= MOST_ITEMS => {
            let read: Vec<_> = entries.iter().map(|entry| read_knob(fields, entry)).collect();
            read.into_iter().collect()
        }
        _ => {
            let message = format!("`knobs` must be a map from names to at most {MOST_ITEMS} knobs");
            let hint = "write `knobs: {guidance_scale: {low: 1, high: 10, default: 4}}`";
            fields.error(entry.place(), Mistake::new(message).hint(hint));
            None
        }
    }
}

fn read_knob(fields: &Fields<'_>, entry: &Entry) -> Option<KnobSetting> {
    let name = KnobName::new(&entry.key).ok();
    if name.is_none() {
        let expected = Name(KnobName::new).expected();
        let message = format!("{} cannot name a knob: expected {expected}", quote(&entry.key));
        fields.error(&entry.key_span, Mistake::new(message));
    }
    let knob = Map::of(entry).read(KNOB_KEYS, fields.mistakes())?;
    let (low, high, default) = (knob.take(&LOW), knob.take(&HIGH), knob.take(&DEFAULT));
    let (is_whole, is_logarithmic) = (knob.take(&WHOLE), knob.take(&LOGARITHMIC));
    let setting = KnobSetting {
        name: name?,
        low: low?,
        high: high?,
        default: default?,
        is_whole: is_whole?,
        is_logarithmic: is_logarithmic?,
    };
    if let Some(message) = setting.mistake() {
        knob.error(&entry.key_span, Mistake::new(message));
        return None;
    }
    Some(setting)
}

impl KnobSetting {
    fn mistake(&self) -> Option<String> {
        let Self { name, low, high, default, .. } = self;
        let is_fractional = |value: f64| value.fract() != 0.0;
        if low >= high {
            Some(format!("knob `{name}` goes from {low} to {high}: expected `low` below `high`"))
        } else if !(*low..=*high).contains(default) {
            Some(format!("knob `{name}` stands at {default}: expected `default` from {low} to {high}"))
        } else if self.is_logarithmic && *low <= 0.0 {
            Some(format!("knob `{name}` is logarithmic and begins at {low}: expected `low` above 0"))
        } else if self.is_whole && [*low, *high, *default].into_iter().any(is_fractional) {
            Some(format!("knob `{name}` is whole: expected whole numbers in `low`, `high` and `default`"))
        } else {
            None
        }
    }

    fn write(&self) -> (String, Yaml) {
        let written = [
            LOW.write(Some(&self.low)),
            HIGH.write(Some(&self.high)),
            DEFAULT.write(Some(&self.default)),
            WHOLE.write(Some(&self.is_whole)),
            LOGARITHMIC.write(Some(&self.is_logarithmic)),
        ];
        (Yaml::text(self.name.as_str()).to_string(), Yaml::Map(written.into_iter().flatten().collect()))
    }
}

/// The knobs under their section's name; nothing where there are none.
pub fn write_knobs(knobs: &[KnobSetting]) -> Option<(String, Yaml)> {
    (!knobs.is_empty()).then(|| (KNOBS.name.to_owned(), Yaml::Map(knobs.iter().map(KnobSetting::write).collect())))
}
