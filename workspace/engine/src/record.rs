//! A run as it stands in its directory, read back whole: for reports, for continuing from a candidate, for curation.

use std::collections::BTreeMap;
use std::mem;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use editscale_core::{
    CandidateId, Cost, CriticName, Critique, Decision, Failure, Image, Ledger, Outcome, PerceptualHash, Proposal,
    Score, ScoreCard, Verdict,
};

use crate::book::JudgementKey;
use crate::charges::Charges;
use crate::directory::{DirectoryError, IMAGES, JOURNAL, MANIFEST, OUTCOME, read_json, read_manifest};
use crate::error::EngineError;
use crate::images::ImageStore;
use crate::journal::{self, Entry, Line};
use crate::manifest::Manifest;
use crate::outcome::OutcomeWire;
use crate::purse::Work;
use crate::votes::{Vote, card};
use crate::wire::{hash, seconds};

/// Everything that a run directory tells.
#[derive(Debug)]
pub struct RunRecord {
    /// What it is a run of.
    pub manifest: Manifest,
    /// What critics wrote about the request before anything was made, in the order of the rounds that asked.
    pub rewritings: Vec<CritiqueRecord>,
    /// Every candidate that was asked for, in ask order.
    pub candidates: Vec<CandidateRecord>,
    /// How it ended; nothing while it is unfinished.
    pub outcome: Option<Outcome>,
    /// The verdict that the journal ends with; nothing where it does not end. Of a finished run the outcome has the same one, but for
    /// the reason.
    pub concluded: Option<Verdict>,
    /// What the journal says was spent.
    pub spent: Ledger,
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
    /// How often it was judged again after its first judging, as a finalist is: the most votes of one reward.
    pub votes_again: u32,
    /// What they said when it was first judged.
    pub first_card: ScoreCard,
    /// In how many rounds it was judged.
    pub judgings: usize,
    /// What critics wrote about it, in the order of the rounds that asked.
    pub critiques: Vec<CritiqueRecord>,
    /// Active time at which its last judgement was entered.
    pub done_at: Duration,
    /// What was spent until all was said of it that was asked in its first judging: from then on it could be chosen. Charged in ask
    /// order, that is with everything of earlier rounds and with the candidates of its round up to itself, whichever of them
    /// was answered first. Active time alone is the clock's, at which work overlaps. Nothing while nothing was said of it.
    pub known_at: Option<Ledger>,
}

/// What a critic wrote about a candidate, or about the request.
#[derive(Debug, Clone, PartialEq)]
pub struct CritiqueRecord {
    /// The round that asked for it, from 0.
    pub round: u32,
    /// Who.
    pub critic: CriticName,
    /// What, or why nothing.
    pub written: Result<Critique, Failure>,
}

impl CritiqueRecord {
    /// Whether the ledger counts it as a call of a judge: what was never taken up is none.
    pub fn counts(&self) -> bool {
        self.written.as_ref().err().is_none_or(|failure| Work::Judgement.counts(failure))
    }
}

/// A picture that was made.
#[derive(Debug, Clone)]
pub struct MadeRecord {
    /// The picture. Its file may be gone where the recipe does not retain it.
    pub image: Image,
    /// How it looks, where the search wanted to know.
    pub hash: Option<PerceptualHash>,
    /// What was spent.
    pub cost: Cost,
    /// The seed that was used where it is not the proposal's own.
    pub effective_seed: Option<u64>,
    /// What the editor wanted people to know.
    pub notes: Vec<Arc<str>>,
    /// How long it took.
    pub took: Duration,
}

/// A candidate and all that was said of it.
type Reading = (CandidateRecord, Said);

/// What was said of a candidate, by the judgement that was asked for; the last word of each.
type Said = BTreeMap<JudgementKey, Result<Score, Failure>>;

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
    let mut reader = Reader {
        images: &images,
        manifest: &manifest,
        rewritings: Vec::new(),
        candidates: BTreeMap::new(),
        concluded: None,
    };
    let mut charges = Charges::default();
    for (index, line) in lines.into_iter().enumerate() {
        let learned = charges.count(&line.entry).and_then(|()| reader.learn(line));
        learned.map_err(|reason| journal::corrupt(&journal, index, reason))?;
    }
    let (concluded, rewritings) = (reader.concluded.take(), mem::take(&mut reader.rewritings));
    let candidates = reader.finish(&charges);
    let spent = Ledger { wall: active, ..charges.total() };
    Ok(RunRecord { outcome: read_outcome(path)?, manifest, rewritings, candidates, concluded, spent, active })
}

/// Reads how the run in this folder ended; `None` where it is unfinished.
pub fn read_outcome(run: &Path) -> Result<Option<Outcome>, DirectoryError> {
    let path = &run.join(OUTCOME);
    if !path.exists() {
        return Ok(None);
    }
    let wire: OutcomeWire = read_json(path)?;
    wire.outcome().map(Some).map_err(|reason| DirectoryError::Corrupt { path: path.to_owned(), reason })
}

struct Reader<'a> {
    images: &'a ImageStore,
    manifest: &'a Manifest,
    rewritings: Vec<CritiqueRecord>,
    candidates: BTreeMap<CandidateId, Reading>,
    concluded: Option<Verdict>,
}

impl Reader<'_> {
    fn learn(&mut self, line: Line) -> Result<(), String> {
        let at = line.at();
        match line.entry {
            Entry::Decided { round, decision, .. } => {
                let decision = decision.decision(self.manifest.request.instruction.as_str())?;
                match decision {
                    Decision::Explore { proposals, .. } => {
                        proposals.into_iter().for_each(|proposal| self.propose(proposal, round));
                    }
                    Decision::Stop(verdict) => self.concluded = Some(verdict),
                    Decision::Judge { .. } | Decision::Rewrite { .. } | Decision::Consult { .. } => {}
                }
            }
            Entry::Edited { id, image, perceptual_hash, cost, effective_seed, notes, secs, .. } => {
                let (digest, media, size) = image.parts()?;
                let made = MadeRecord {
                    image: self.images.get(digest, media, size),
                    hash: hash(perceptual_hash.as_deref())?,
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
            Entry::Judged { judgement, said, .. } => {
                let (key, said) = (judgement.key()?, said.said()?);
                self.with(key.candidate.0, |record, all| {
                    let first = all.keys().next().map_or(key.round, |first| first.round);
                    if key.round == first {
                        record.known_at = Some(Ledger { wall: at, ..Ledger::default() });
                    }
                    all.insert(key, said);
                    record.done_at = at;
                });
            }
            Entry::Critiqued { critique, written, .. } => {
                let (key, written) = (critique.key()?, written.written()?);
                let critique = CritiqueRecord { round: key.round, critic: key.critic, written };
                match key.candidate {
                    Some(id) => self.with(id.0, |record, _| record.critiques.push(critique)),
                    None => self.rewritings.push(critique),
                }
            }
            Entry::Submitted { .. }
            | Entry::Retried { .. }
            | Entry::Judging { .. }
            | Entry::JudgingFailed { .. }
            | Entry::Critiquing { .. }
            | Entry::CritiquingFailed { .. } => {}
        }
        Ok(())
    }

    fn propose(&mut self, proposal: Proposal, round: u32) {
        let id = proposal.id;
        let record = CandidateRecord {
            proposal,
            round,
            made: None,
            card: ScoreCard::default(),
            first_card: ScoreCard::default(),
            judgings: 0,
            votes_again: 0,
            critiques: Vec::new(),
            done_at: Duration::ZERO,
            known_at: None,
        };
        self.candidates.insert(id, (record, BTreeMap::new()));
    }

    fn with(&mut self, id: u32, change: impl FnOnce(&mut CandidateRecord, &mut Said)) {
        if let Some((record, said)) = self.candidates.get_mut(&CandidateId(id)) {
            change(record, said);
        }
    }

    fn finish(self, charges: &Charges) -> Vec<CandidateRecord> {
        let sums = charges.sums();
        let finished = |(mut record, said): Reading| {
            let place = said.keys().next().map(|first| (first.round, first.candidate.0));
            let spent = place.and_then(|place| sums.get(&place)).copied().unwrap_or_default();
            record.known_at = record.known_at.map(|known| Ledger { wall: known.wall, ..spent });
            let said: Vec<_> = said.into_iter().collect();
            let first = said.first().map(|(key, _)| key.round);
            let again = said.iter().filter(|(key, _)| Some(key.round) != first);
            record.votes_again = again.map(|(key, _)| key.vote + 1).max().unwrap_or_default();
            // The keys are in the order of the rounds.
            for round in said.chunk_by(|(a, _), (b, _)| a.round == b.round) {
                let vote = |(key, said): &(JudgementKey, Result<Score, Failure>)| {
                    let JudgementKey { reward, vote, .. } = key.clone();
                    Vote { reward, number: vote, said: said.clone() }
                };
                record.card = record.card.updated(&card(round.iter().map(vote).collect()));
                if record.judgings == 0 {
                    record.first_card = record.card.clone();
                }
                record.judgings += 1;
            }
            record
        };
        self.candidates.into_values().map(finished).collect()
    }
}
