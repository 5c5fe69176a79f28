//! What a person said, and what all that was said comes to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::choice::{Override, Overrides};

/// The version of a line.
pub(super) const VERSION: u32 = 1;

/// What was said of an edited picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Said {
    /// It is kept.
    Keep,
    /// It is not.
    Drop,
    /// It is better than another edited picture of its row.
    BetterThan,
    /// What was said before of it, or of it and another, is taken back.
    Withdraw,
}

/// One verdict: one line of `review.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// The version of the line.
    pub version: u32,
    /// The row's number in the data set.
    pub row: u64,
    /// Which of the row's edited pictures.
    pub candidate: u32,
    /// What was said of it.
    pub verdict: Said,
    /// The other edited picture of the row, where two were compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub than: Option<u32>,
    /// Who said it.
    pub who: String,
    /// When, in seconds since 1970 began (UTC).
    pub when: u64,
}

/// What all verdicts come to: of each edited picture, and of each two, the last one counts, whoever said it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reviews {
    words: BTreeMap<(u64, u32), (Override, u64)>,
    compared: BTreeMap<(u64, u32, u32), (u32, u64)>,
    verdicts: Vec<Verdict>,
}

impl Reviews {
    /// Takes in one more verdict, later than all before.
    pub fn enter(&mut self, verdict: Verdict) {
        let at = (verdict.row, verdict.candidate);
        let number = self.verdicts.len() as u64;
        let pair = verdict.than.map(|than| (at.0, at.1.min(than), at.1.max(than)));
        match (verdict.verdict, pair) {
            (Said::Keep, _) => drop(self.words.insert(at, (Override::Keep, number))),
            (Said::Drop, _) => drop(self.words.insert(at, (Override::Drop, number))),
            (Said::BetterThan, Some(pair)) => drop(self.compared.insert(pair, (at.1, number))),
            (Said::Withdraw, Some(pair)) => drop(self.compared.remove(&pair)),
            (Said::Withdraw, None) => drop(self.words.remove(&at)),
            // Refused where it is read.
            (Said::BetterThan, None) => {}
        }
        self.verdicts.push(verdict);
    }

    /// What the choice goes by.
    pub fn overrides(&self) -> Overrides {
        self.words.iter().map(|(at, (word, _))| (*at, *word)).collect()
    }

    /// The word on each edited picture, with the verdict that it comes from.
    pub fn words(&self) -> impl Iterator<Item = ((u64, u32), Override, &Verdict)> {
        self.words.iter().filter_map(|(at, (word, number))| Some((*at, *word, self.verdict(*number)?)))
    }

    /// Each two edited pictures of a row that were compared: the better one, the other, and the verdict.
    pub fn compared(&self) -> impl Iterator<Item = ((u64, u32), (u64, u32), &Verdict)> {
        self.compared.iter().filter_map(|((row, low, high), (better, number))| {
            let other = if better == low { high } else { low };
            Some(((*row, *better), (*row, *other), self.verdict(*number)?))
        })
    }

    fn verdict(&self, number: u64) -> Option<&Verdict> {
        self.verdicts.get(usize::try_from(number).ok()?)
    }

    /// Every verdict, in the order in which they were said.
    pub fn verdicts(&self) -> &[Verdict] {
        &self.verdicts
    }
}
