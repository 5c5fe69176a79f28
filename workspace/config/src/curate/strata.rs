//! Groups of rows: how many of one may stay, and what the kept are made of.

use editscale_schema::{
    Absent, Documented, Entry, Fields, Key, Keys, Mistake, Mistakes, Number, Rule, Section, Value, Whole, Word, Yaml,
    quote,
};

/// What makes rows one group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupBy {
    /// The source picture.
    Source,
    /// Instructions that are alike.
    Instruction,
    /// The usual kinds of edits, by the words of instructions.
    EditCategory,
    /// The data set's own column of categories.
    Category,
}

/// How many of one group may stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Diversity {
    /// What makes a group.
    pub by: GroupBy,
    /// How many stay at most.
    pub most: u64,
}

/// What the kept are made of.
#[derive(Debug, Clone, PartialEq)]
pub struct Strata {
    /// What makes a stratum; never the source.
    pub by: GroupBy,
    /// How many of the largest are strata of their own.
    pub largest: u32,
    /// How what is kept is shared out.
    pub share_out: ShareOut,
}

/// How what is kept is shared out among strata.
#[derive(Debug, Clone, PartialEq)]
pub enum ShareOut {
    /// Not at all.
    Freely,
    /// As they are in size.
    Proportional,
    /// As many of each.
    Equal,
    /// So many of each at least, and the rest as they are in size.
    AtLeast(u64),
    /// These shares, by the names of strata; what is left of 1 to the others as they are in size.
    Named(Vec<(String, f64)>),
}

/// A rule without its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quota {
    Freely,
    Proportional,
    Equal,
}

const DIVERSITY_BY: Key<Word<GroupBy>> = Key {
    name: "by",
    rule: Word(&[
        ("source", GroupBy::Source),
        ("instruction", GroupBy::Instruction),
        ("edit_category", GroupBy::EditCategory),
        ("category", GroupBy::Category),
    ]),
    absent: Absent::Default(GroupBy::Source),
    meaning: "what makes a group: equal sources, instructions that are alike, kinds of edits by the words of instructions, or the column `category`",
};
const MOST: Key<Whole> = Key {
    name: "most",
    rule: Whole { low: 1, high: u32::MAX as u64 },
    absent: Absent::Refused,
    meaning: "how many of one group may stay",
};

pub(super) const DIVERSITY_KEYS: Keys = &[&DIVERSITY_BY as &dyn Documented, &MOST];

const BY: Key<Word<GroupBy>> = Key {
    name: "by",
    rule: Word(&[
        ("edit_category", GroupBy::EditCategory),
        ("category", GroupBy::Category),
        ("instruction", GroupBy::Instruction),
    ]),
    absent: Absent::Default(GroupBy::EditCategory),
    meaning: "what makes a stratum: kinds of edits by the words of English instructions, the column `category`, or instructions that are alike",
};
const LARGEST: Key<Whole> = Key {
    name: "largest",
    rule: Whole { low: 1, high: 10_000 },
    absent: Absent::Default(64),
    meaning: "how many of the largest are strata of their own; the others are one together",
};
const QUOTA: Key<Word<Quota>> = Key {
    name: "quota",
    rule: Word(&[("free", Quota::Freely), ("proportional", Quota::Proportional), ("equal", Quota::Equal)]),
    absent: Absent::Default(Quota::Freely),
    meaning: "how what is kept is shared out: not at all (strata are only reported), as strata are in size, or as many of each; what a small one cannot fill goes to the others",
};
const EACH_AT_LEAST: Key<Whole> = Key {
    name: "each_at_least",
    rule: Whole { low: 1, high: u32::MAX as u64 },
    absent: Absent::Unset("no minimum"),
    meaning: "so many of each as far as there are, and the rest as strata are in size; excludes `quota` and `shares`",
};
const SHARES: Section = Section {
    name: "shares",
    allowed: "a map of names and shares",
    default: "no shares",
    meaning: "shares of what is kept by the names of strata, at most 1 together; the others get what is left, as they are in size; excludes `quota` and `each_at_least`",
};

pub(super) const KEYS: Keys = &[&BY as &dyn Documented, &LARGEST, &QUOTA, &EACH_AT_LEAST, &SHARES];

/// A share of one stratum.
const SHARE: Number = Number::above(0.0, 1.0);

impl Diversity {
    pub(super) fn read(fields: &Fields<'_>) -> Option<Self> {
        let (by, most) = (fields.take(&DIVERSITY_BY), fields.take(&MOST));
        Some(Self { by: by?, most: most? })
    }

    pub(super) fn write(&self) -> Yaml {
        let keys = [DIVERSITY_BY.write(Some(&self.by)), MOST.write(Some(&self.most))];
        Yaml::Map(keys.into_iter().flatten().collect())
    }
}

impl Default for Strata {
    fn default() -> Self {
        Self { by: GroupBy::EditCategory, largest: 64, share_out: ShareOut::Freely }
    }
}

impl Strata {
    pub(super) fn read(fields: &Fields<'_>) -> Option<Self> {
        let (by, largest) = (fields.take(&BY), fields.take(&LARGEST));
        let (quota, minimum) = (fields.take(&QUOTA), fields.take(&EACH_AT_LEAST));
        let shares = match fields.entry(SHARES.name) {
            Some(entry) => Some(read_shares(entry, fields.mistakes())?),
            None => None,
        };
        refuse_two(fields);
        let share_out = match (quota?, minimum, shares) {
            (_, _, Some(shares)) => ShareOut::Named(shares),
            (_, Some(minimum), None) => ShareOut::AtLeast(minimum),
            (Quota::Freely, None, None) => ShareOut::Freely,
            (Quota::Proportional, None, None) => ShareOut::Proportional,
            (Quota::Equal, None, None) => ShareOut::Equal,
        };
        Some(Self { by: by?, largest: largest? as u32, share_out })
    }

    pub(super) fn write(&self) -> Yaml {
        let share_out = match &self.share_out {
            ShareOut::Freely => QUOTA.write(Some(&Quota::Freely)),
            ShareOut::Proportional => QUOTA.write(Some(&Quota::Proportional)),
            ShareOut::Equal => QUOTA.write(Some(&Quota::Equal)),
            ShareOut::AtLeast(minimum) => EACH_AT_LEAST.write(Some(minimum)),
            ShareOut::Named(shares) => {
                let share = |(name, share): &(String, f64)| (Yaml::text(name).to_string(), SHARE.show(share));
                Some((SHARES.name.to_owned(), Yaml::Map(shares.iter().map(share).collect())))
            }
        };
        let keys = [BY.write(Some(&self.by)), LARGEST.write(Some(&self.largest.into())), share_out];
        Yaml::Map(keys.into_iter().flatten().collect())
    }
}

/// Three ways to say one thing exclude each other.
fn refuse_two(fields: &Fields<'_>) {
    let given: Vec<&str> =
        [QUOTA.name, EACH_AT_LEAST.name, SHARES.name].into_iter().filter(|name| fields.has(name)).collect();
    if let [first, second, ..] = given.as_slice() {
        let message = format!("{} and {} exclude each other", quote(first), quote(second));
        fields.error(&fields.span_of(second), Mistake::new(message).hint("keep one of them"));
    }
}

fn read_shares(entry: &Entry, mistakes: &Mistakes<'_>) -> Option<Vec<(String, f64)>> {
    let Value::Map(entries) = &entry.node.value else {
        if entry.node.value != Value::Refused {
            let hint = "write the names of strata with their shares: `shares: {add: 0.2, remove: 0.2}`";
            mistakes.error(entry.place(), Mistake::new("`shares` must be a map").hint(hint));
        }
        return None;
    };
    let shares: Vec<Option<(String, f64)>> = entries.iter().map(|share| read_share(share, mistakes)).collect();
    let shares: Vec<(String, f64)> = shares.into_iter().collect::<Option<_>>()?;
    let all: f64 = shares.iter().map(|(_, share)| share).sum();
    // What decimal fractions miss is not told of.
    if shares.is_empty() || all > 1.0 + 1e-9 {
        let message = format!("the `shares` are {all} together: expected above 0 and at most 1");
        mistakes.error(&entry.key_span, Mistake::new(message));
    }
    Some(shares)
}

fn read_share(entry: &Entry, mistakes: &Mistakes<'_>) -> Option<(String, f64)> {
    match &entry.node.value {
        Value::Scalar(found) => {
            if let Ok(share) = SHARE.read(found) {
                return Some((entry.key.clone(), share));
            }
        }
        Value::Refused => return None,
        _ => {}
    }
    let message = format!("the share of {} is wrong: expected {}", quote(&entry.key), SHARE.expected());
    mistakes.error(entry.place(), Mistake::new(message));
    None
}
