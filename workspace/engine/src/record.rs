//! A run as it stands in its directory, read back whole: for reports, for continuing from a candidate, for curation.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use editscale_core::{CandidateId, Cost, Decision, Failure, Image, Outcome, Proposal, RewardName, ScoreCard};

use crate::directory::{DirectoryError, IMAGES, JOURNAL, MANIFEST, OUTCOME, io_error, read_manifest};
use crate::error::EngineError;
use crate::images::ImageStore;
use crate::journal::{self, Entry, Line};
use crate::manifest::Manifest;
use crate::outcome::OutcomeWire;
use crate::trials::{Vote, card};
use crate::wire::seconds;

/// Everything that a run directory tells.
#[derive(Debug)]
pub struct RunRecord {
    /// What it is a run of.
    pub manifest: Manifest,
    /// Every candidate that was asked for, in ask order.
    pub candidates: Vec<CandidateRecord>,
    /// How it ended; nothing while it is unfinished.
    pub outcome: Option<Outcome>,
    /// Active time at the last entry.
    pub active: Duration,
}

/// What became of one proposal.
#[derive(Debug)]
pub struct CandidateRecord {
    /// What was asked for.
    pub proposal: Proposal,
    /// The round that asked for it, from 0.
    pub round: u32,
    /// What came of it; nothing while it is unfinished.
    pub made: Option<Result<MadeRecord, Failure>>,
    /// What the rewards said, a later judgement over an earlier one.
    pub card: ScoreCard,
    /// Active time at which its last judgement was entered.
    pub done_at: Duration,
}

/// A picture that was made.
#[derive(Debug, Clone)]
pub struct MadeRecord {
    /// The picture. Its file may be gone where the recipe does not retain it.
    pub image: Image,
    /// What was spent.
    pub cost: Cost,
    /// The seed that was used where it is not the proposal's own.
    pub effective_seed: Option<u64>,
    /// What the editor wanted people to know.
    pub notes: Vec<Arc<str>>,
    /// How long it took.
    pub took: Duration,
}

/// A candidate and all that was said of it, by round and reward.
type Reading = (CandidateRecord, BTreeMap<(u32, RewardName), Vec<Vote>>);

/// Reads a run directory without locking or changing it.
pub fn read_run(path: &Path) -> Result<RunRecord, EngineError> {
    if !path.join(MANIFEST).is_file() {
        return Err(DirectoryError::NotARun(path.to_owned()).into());
    }
    let images = ImageStore::new(path.join(IMAGES));
    let manifest = read_manifest(path, &images)?;
    let journal = path.join(JOURNAL);
    let lines = if journal.exists() { journal::read(&journal)? } else { Vec::new() };
    let active = lines.last().map_or(Duration::ZERO, Line::at);
    let mut reader = Reader { images: &images, manifest: &manifest, candidates: BTreeMap::new() };
    for line in lines {
        reader.learn(line).map_err(EngineError::Stored)?;
    }
    let candidates = reader.finish();
    Ok(RunRecord { outcome: read_outcome(&path.join(OUTCOME))?, manifest, candidates, active })
}

fn read_outcome(path: &Path) -> Result<Option<Outcome>, DirectoryError> {
    if !path.exists() {
        return Ok(None);
    }
    let text = fs::read(path).map_err(io_error("read", path))?;
    let corrupt = |reason| DirectoryError::Corrupt { path: path.to_owned(), reason };
    let wire: OutcomeWire = serde_json::from_slice(&text).map_err(|error| corrupt(error.to_string()))?;
    wire.outcome().map(Some).map_err(corrupt)
}

struct Reader<'a> {
    images: &'a ImageStore,
    manifest: &'a Manifest,
    candidates: BTreeMap<CandidateId, Reading>,
}

impl Reader<'_> {
    fn learn(&mut self, line: Line) -> Result<(), String> {
        let at = line.at();
        match line.entry {
            Entry::Decided { round, decision, .. } => {
                let decision = decision.decision(self.manifest.request.instruction.as_str())?;
                if let Decision::Explore { proposals, .. } = decision {
                    for proposal in proposals {
                        self.propose(proposal, round);
                    }
                }
            }
            Entry::Edited { id, image, cost, effective_seed, notes, secs } => {
                let (digest, media, size) = image.parts()?;
                let made = MadeRecord {
                    image: self.images.get(digest, media, size),
                    cost: cost.into(),
                    effective_seed,
                    notes: notes.into_iter().map(Into::into).collect(),
                    took: seconds(secs),
                };
                self.with(id, |record, _| record.made = Some(Ok(made)));
            }
            Entry::Failed { id, failure } => {
                let failure = failure.failure()?;
                self.with(id, |record, _| {
                    record.made = Some(Err(failure));
                    record.done_at = at;
                });
            }
            Entry::Judged { id, round, reward, said, .. } => {
                let reward = RewardName::new(&reward).map_err(|error| error.to_string())?;
                let vote = Vote { reward: reward.clone(), said: said.said()? };
                self.with(id, |record, votes| {
                    votes.entry((round, reward)).or_default().push(vote);
                    record.done_at = at;
                });
            }
            Entry::Submitted { .. } | Entry::Retried { .. } | Entry::Judging { .. } | Entry::JudgingFailed { .. } => {}
        }
        Ok(())
    }

    fn propose(&mut self, proposal: Proposal, round: u32) {
        let (id, card) = (proposal.id, ScoreCard::default());
        let record = CandidateRecord { proposal, round, made: None, card, done_at: Duration::ZERO };
        self.candidates.insert(id, (record, BTreeMap::new()));
    }

    fn with(
        &mut self,
        id: u32,
        change: impl FnOnce(&mut CandidateRecord, &mut BTreeMap<(u32, RewardName), Vec<Vote>>),
    ) {
        if let Some((record, votes)) = self.candidates.get_mut(&CandidateId(id)) {
            change(record, votes);
        }
    }

    fn finish(self) -> Vec<CandidateRecord> {
        let finished = |(mut record, votes): Reading| {
            for said in votes.into_values() {
                record.card = record.card.updated(&card(said));
            }
            record
        };
        self.candidates.into_values().map(finished).collect()
    }
}
