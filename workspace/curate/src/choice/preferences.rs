//! Several edited pictures of one source, by which of them is better.

use std::vec::IntoIter;

use editscale_study::StudyError;
use editscale_study::curation::{CandidateScore, key_of, preference_pairs};

use super::{ChoiceError, Override, Overrides, PreferenceRules};
use crate::Record;

/// Who prefers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PreferredBy {
    /// A person, who keeps the one and rejects the other.
    Person,
    /// The rewards.
    Rewards,
}

/// One edited picture preferred to another of the same source and instruction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Preference {
    /// The row of the better one, and which of its edited pictures that is.
    pub chosen: (u64, u32),
    /// The row of the other one, and which of its edited pictures that is.
    pub rejected: (u64, u32),
    /// μ of the better one less μ of the other; nothing where a person prefers what has no score. Below 0 where a person
    /// disagrees with the rewards.
    pub margin: Option<f64>,
    /// The probability that the better one is better by the rewards, where both have a σ; nothing of what a person says.
    pub confidence: Option<f64>,
    /// Who prefers.
    pub by: PreferredBy,
}

/// One edited picture, in 64 bytes.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    group: u64,
    at: (u64, u32),
    score: Option<f64>,
    sigma: Option<f64>,
    word: Option<Override>,
}

/// Pairs, group by group in the order of their first rows.
#[derive(Debug)]
pub struct Preferences {
    rules: PreferenceRules,
    candidates: Vec<Candidate>,
    /// Where groups of several begin, and where they end.
    groups: IntoIter<(u32, u32)>,
    pairs: IntoIter<Preference>,
}

/// Makes pairs of records that have the same row; where `across_rows` says so, of those with the same source and the same
/// instruction. Reads the records once, in any order, and keeps 64 bytes of each; pairs are made as they are asked for.
///
/// Each that a person keeps is preferred to each that a person rejects. Of the others the rewards' means and standard deviations
/// decide; what a person rejects is never chosen there, and what a person keeps never rejected.
pub fn preferences<E: std::error::Error + 'static>(
    records: impl IntoIterator<Item = Result<Record, E>>,
    rules: &PreferenceRules,
    overrides: &Overrides,
) -> Result<Preferences, ChoiceError<E>> {
    let mut candidates = Vec::new();
    for record in records {
        let record = record.map_err(ChoiceError::Record)?;
        let at = (record.row, record.candidate);
        let finite = |number: Option<f64>| number.filter(|number| number.is_finite());
        let (score, sigma) = (finite(record.score), finite(record.sigma).filter(|sigma| *sigma >= 0.0));
        candidates.push(Candidate {
            group: group_of(&record, rules),
            at,
            score,
            sigma,
            word: overrides.get(&at).copied(),
        });
    }
    if u32::try_from(candidates.len()).is_err() {
        return Err(StudyError::Rows { rows: candidates.len() }.into());
    }
    candidates.sort_unstable_by_key(|candidate| (candidate.group, candidate.at));
    if let Some(twice) = candidates.windows(2).find(|pair| pair[0].at == pair[1].at) {
        return Err(ChoiceError::Twice { row: twice[0].at.0, candidate: twice[0].at.1 });
    }
    Ok(Preferences {
        rules: *rules,
        groups: groups(&candidates).into_iter(),
        candidates,
        pairs: Vec::new().into_iter(),
    })
}

fn group_of(record: &Record, rules: &PreferenceRules) -> u64 {
    match &record.source {
        Some(source) if rules.across_rows => {
            // No digest has a line's end.
            key_of(format!("{}\n{}", source.digest, record.instruction.trim()).as_bytes())
        }
        _ => key_of(format!("row {}", record.row).as_bytes()),
    }
}

/// Groups of several, in the order of their first rows.
fn groups(candidates: &[Candidate]) -> Vec<(u32, u32)> {
    let mut groups = Vec::new();
    let mut begin = 0_u32;
    for group in candidates.chunk_by(|a, b| a.group == b.group) {
        let end = begin + group.len() as u32;
        if group.len() > 1 {
            groups.push((begin, end));
        }
        begin = end;
    }
    groups.sort_by_key(|(begin, _)| candidates[*begin as usize].at);
    groups
}

impl Iterator for Preferences {
    type Item = Preference;

    fn next(&mut self) -> Option<Preference> {
        loop {
            if let Some(pair) = self.pairs.next() {
                return Some(pair);
            }
            let (begin, end) = self.groups.next()?;
            self.pairs = pairs(&self.candidates[begin as usize..end as usize], &self.rules).into_iter();
        }
    }
}

fn pairs(group: &[Candidate], rules: &PreferenceRules) -> Vec<Preference> {
    let said = |word| group.iter().filter(move |candidate| candidate.word == Some(word));
    let by_people = said(Override::Keep).flat_map(|chosen| {
        said(Override::Drop).map(move |rejected| Preference {
            chosen: chosen.at,
            rejected: rejected.at,
            margin: chosen.score.zip(rejected.score).map(|(better, worse)| better - worse),
            confidence: None,
            by: PreferredBy::Person,
        })
    });
    by_people.chain(by_rewards(group, rules)).collect()
}

fn by_rewards<'a>(group: &'a [Candidate], rules: &PreferenceRules) -> impl Iterator<Item = Preference> + use<'a> {
    let scored: Vec<&Candidate> = group.iter().filter(|candidate| candidate.score.is_some()).collect();
    let score = |candidate: &&Candidate| candidate.score.map(|mean| CandidateScore { mean, sigma: candidate.sigma });
    let scores: Vec<CandidateScore> = scored.iter().filter_map(score).collect();
    // Without candidates there are no pairs, and all numbers are finite.
    let pairs = preference_pairs(&scores, &rules.pairs).unwrap_or_default();
    pairs.into_iter().filter_map(move |pair| {
        let (chosen, rejected) = (scored.get(pair.chosen)?, scored.get(pair.rejected)?);
        let disagrees = chosen.word == Some(Override::Drop) || rejected.word == Some(Override::Keep);
        let is_said = chosen.word == Some(Override::Keep) && rejected.word == Some(Override::Drop);
        (!disagrees && !is_said).then_some(Preference {
            chosen: chosen.at,
            rejected: rejected.at,
            margin: Some(pair.margin),
            confidence: pair.confidence,
            by: PreferredBy::Rewards,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::Candidate;

    #[test]
    fn a_picture_is_as_small_as_it_is_said_to_be() {
        assert_eq!(size_of::<Candidate>(), 64);
    }
}
