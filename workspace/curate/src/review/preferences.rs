//! Verdicts as trainers read them, and how people agree with the rewards.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use editscale_study::curation::key_of;
use serde::Serialize;

use super::verdict::Reviews;
use crate::Record;
use crate::choice::{Chosen, Fate, Override};

/// How it is known that one edited picture is better than another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PairedBy {
    /// A person looked at both and chose.
    Compared,
    /// Of the same source and instruction, people kept the one and rejected the other.
    KeptAndRejected,
}

/// One edited picture that people prefer to another of the same source and instruction.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pair {
    /// The row of the better one, and which of its edited pictures that is.
    pub chosen: (u64, u32),
    /// The row of the other one, and which of its edited pictures that is.
    pub rejected: (u64, u32),
    /// How it is known.
    pub by: PairedBy,
    /// Who compared them; of two words on single edited pictures, who kept the better one.
    pub who: String,
    /// μ of the better one less μ of the other, where both have a score: below 0 where the rewards say otherwise.
    pub margin: Option<f64>,
}

/// An edited picture that is wanted or not, for trainers that need no pairs (KTO).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Label {
    /// The row, and which of its edited pictures.
    pub of: (u64, u32),
    /// Whether people kept it.
    pub is_desirable: bool,
    /// Who said it.
    pub who: String,
    /// μ, where it has a score.
    pub score: Option<f64>,
}

/// What people prefer.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preference {
    /// One to another.
    Pair(Pair),
    /// One by itself.
    Label(Label),
}

/// What must be known of the records that people spoke of: which belong together, and their scores. Made in one pass over the
/// records, of which it keeps those that people spoke of.
#[derive(Debug, Clone, Default)]
pub struct Known {
    records: HashMap<(u64, u32), (u64, Option<f64>)>,
    spoken: BTreeSet<(u64, u32)>,
}

impl Known {
    /// Nothing yet, of what these reviews speak of.
    pub fn new(reviews: &Reviews) -> Self {
        let words = reviews.words().map(|(at, ..)| at);
        let compared = reviews.compared().flat_map(|(better, other, _)| [better, other]);
        Self { records: HashMap::new(), spoken: words.chain(compared).collect() }
    }

    /// Looks at one more record.
    pub fn see(&mut self, record: &Record) {
        let at = (record.row, record.candidate);
        if self.spoken.contains(&at) {
            let source =
                record.source.as_ref().map_or_else(|| format!("row {}", record.row), |facts| facts.digest.clone());
            // No digest has a line's end.
            let group = key_of(format!("{source}\n{}", record.instruction.trim()).as_bytes());
            self.records.insert(at, (group, record.score.filter(|score| score.is_finite())));
        }
    }

    fn score(&self, at: (u64, u32)) -> Option<f64> {
        self.records.get(&at)?.1
    }

    fn margin(&self, chosen: (u64, u32), rejected: (u64, u32)) -> Option<f64> {
        Some(self.score(chosen)? - self.score(rejected)?)
    }
}

/// Pairs first, each two edited pictures once, then labels of those that are in no pair. What a person compared counts before
/// what follows from words on single edited pictures; verdicts on records that are not known give nothing.
pub fn preferences(reviews: &Reviews, known: &Known) -> impl Iterator<Item = Preference> + use<> {
    let pairs = pairs(reviews, known);
    let paired: BTreeSet<(u64, u32)> = pairs.iter().flat_map(|pair| [pair.chosen, pair.rejected]).collect();
    let labels: Vec<Label> = reviews
        .words()
        .filter(|(at, ..)| known.records.contains_key(at) && !paired.contains(at))
        .map(|(of, word, verdict)| Label {
            of,
            is_desirable: word == Override::Keep,
            who: verdict.who.clone(),
            score: known.score(of),
        })
        .collect();
    pairs.into_iter().map(Preference::Pair).chain(labels.into_iter().map(Preference::Label))
}

/// What was kept of a source and an instruction, and what was dropped, with who said so.
type KeptAndDropped = [Vec<((u64, u32), String)>; 2];

fn pairs(reviews: &Reviews, known: &Known) -> Vec<Pair> {
    let mut pairs = Vec::new();
    let mut told: BTreeSet<[(u64, u32); 2]> = BTreeSet::new();
    let both = |a: (u64, u32), b: (u64, u32)| [a.min(b), a.max(b)];
    for (chosen, rejected, verdict) in reviews.compared() {
        if known.records.contains_key(&chosen) && known.records.contains_key(&rejected) {
            told.insert(both(chosen, rejected));
            let margin = known.margin(chosen, rejected);
            pairs.push(Pair { chosen, rejected, by: PairedBy::Compared, who: verdict.who.clone(), margin });
        }
    }
    let mut groups: BTreeMap<u64, KeptAndDropped> = BTreeMap::new();
    for (at, word, verdict) in reviews.words() {
        if let Some((group, _)) = known.records.get(&at) {
            let [kept, dropped] = groups.entry(*group).or_default();
            if word == Override::Keep { kept } else { dropped }.push((at, verdict.who.clone()));
        }
    }
    for [kept, dropped] in groups.into_values() {
        for (chosen, who) in &kept {
            for (rejected, _) in dropped.iter().filter(|(rejected, _)| !told.contains(&both(*chosen, *rejected))) {
                let margin = known.margin(*chosen, *rejected);
                let (chosen, rejected, who) = (*chosen, *rejected, who.clone());
                pairs.push(Pair { chosen, rejected, by: PairedBy::KeptAndRejected, who, margin });
            }
        }
    }
    pairs.sort_by_key(|pair| (pair.chosen, pair.rejected));
    pairs
}

/// Verdicts of people against what the rewards say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Agrees {
    /// Both say the same.
    pub agree: u64,
    /// They say the opposite.
    pub differ: u64,
    /// The rewards cannot say: no score, or equal ones.
    pub silent: u64,
}

/// How people's verdicts agree with the rewards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Agreement {
    /// Words on single edited pictures, against the choice that the rules make without them.
    pub choice: Agrees,
    /// Pairs, against the scores.
    pub pairs: Agrees,
}

impl Agrees {
    fn count(&mut self, agrees: Option<bool>) {
        match agrees {
            Some(true) => self.agree += 1,
            Some(false) => self.differ += 1,
            None => self.silent += 1,
        }
    }

    fn all(self) -> u64 {
        self.agree + self.differ + self.silent
    }
}

impl Agreement {
    /// Compares reviews with a choice that was made without them.
    pub fn of(reviews: &Reviews, known: &Known, by_rules: &Chosen) -> Self {
        let words: BTreeMap<(u64, u32), Override> = reviews.words().map(|(at, word, _)| (at, word)).collect();
        let mut agreement = Self::default();
        for fated in &by_rules.fated {
            if let Some(word) = words.get(&(fated.row, fated.candidate)) {
                let is_same = matches!(fated.fate, Fate::Kept(_)) == (*word == Override::Keep);
                agreement.choice.count(fated.score.is_some().then_some(is_same));
            }
        }
        for pair in pairs(reviews, known) {
            let margin = pair.margin.filter(|margin| *margin != 0.0);
            agreement.pairs.count(margin.map(|margin| margin > 0.0));
        }
        agreement
    }

    /// How many verdicts there are: words on single edited pictures, and pairs.
    pub fn verdicts(&self) -> u64 {
        self.choice.all() + self.pairs.all()
    }
}
