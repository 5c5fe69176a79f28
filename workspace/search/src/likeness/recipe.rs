//! How recipes say what near copies are.

use editscale_schema::{Absent, Fields, Key, Keys, Map, Mistake, Number, Section, Subtable, Whole, Yaml};

use super::{Likeness, MOST_BITS};

pub(crate) const DEDUPLICATE: Section = Section {
    name: "deduplicate",
    allowed: "a map",
    default: "only equal pictures are the same",
    meaning: "when two candidates count as the same, so that only the better one has children",
};

pub(crate) const DEDUPLICATE_TABLE: Subtable = Subtable {
    path: "deduplicate",
    about: "Candidates are the same where every measure that is set says so; one that a candidate lacks says nothing.",
    keys: DEDUPLICATE_KEYS,
};

const DEDUPLICATE_KEYS: Keys = &[&BITS, &COSINE];

const BITS: Key<Whole> = Key {
    name: "bits",
    rule: Whole { low: 0, high: MOST_BITS as u64 },
    absent: Absent::Unset("hashes are not looked at"),
    meaning: "the most bits, of 64, in which the perceptual hashes of near copies differ; the hash sees no colour and no \
              small changes",
};

const COSINE: Key<Number> = Key {
    name: "cosine",
    rule: Number::above(0.0, 1.0),
    absent: Absent::Unset("features are not looked at"),
    meaning: "the least cosine between the features of near copies, where a reward gives features",
};

pub(crate) fn read_likeness(fields: &Fields<'_>) -> Option<Likeness> {
    let Some(entry) = fields.entry(DEDUPLICATE.name) else { return Some(Likeness::default()) };
    let map = Map::of(entry).read(DEDUPLICATE_KEYS, fields.mistakes())?;
    let (bits, cosine) = (map.take(&BITS).map(|bits| bits as u32), map.take(&COSINE));
    if !map.has(BITS.name) && !map.has(COSINE.name) {
        let mistake = Mistake::new("`deduplicate` names no measure").hint("set `bits`, for example to 6, or `cosine`");
        fields.error(&entry.key_span, mistake);
    }
    Some(Likeness { bits, cosine })
}

pub(crate) fn write_likeness(likeness: &Likeness) -> Option<(String, Yaml)> {
    let Likeness { bits, cosine } = likeness;
    let measures = [BITS.write(bits.map(u64::from).as_ref()), COSINE.write(cosine.as_ref())];
    likeness.is_set().then(|| (DEDUPLICATE.name.into(), Yaml::Map(measures.into_iter().flatten().collect())))
}
