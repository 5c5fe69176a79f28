//! Rows with their pictures to records.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use editscale_core::{Cost, EditRequest, Failure, FailureKind, Image, Instruction, RewardItem, Score, Seed, Watch};
use editscale_engine::StopSignal;
use editscale_rollout::dataset::PictureProblem;
use editscale_rollout::queue::Spent;
use editscale_rollout::{Row, RowPicture};

use super::chunks::Fetched;
use crate::judging::{Judges, Loaded, Loader, Verdict};
use crate::{PictureFacts, Record};

/// What came of some rows.
#[derive(Debug, Default)]
pub(super) struct Scored {
    /// In row order.
    pub(super) records: Vec<Record>,
    /// What was spent.
    pub(super) spent: Spent,
    /// The rows of which something failed that may pass, with what it was.
    pub(super) passing: Vec<(u64, Passing)>,
}

/// A failure that may pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Passing {
    /// A picture's server or disk does not answer.
    Picture(String),
    /// A reward cannot be reached, or does not answer in time.
    Reward(String),
    /// Somebody asked to stop.
    Stopped,
}

/// Loads and judges.
#[derive(Clone, Copy)]
pub(super) struct Scorer<'a> {
    pub(super) loader: &'a Loader,
    pub(super) judges: &'a Judges,
    pub(super) stop: &'a StopSignal,
}

struct StopWatch<'a>(&'a StopSignal);

impl Watch for StopWatch<'_> {
    fn cancelled(&self) -> bool {
        self.0.is_stopped()
    }
}

/// A row on its way: its pictures taken out, and found again in the list of what was loaded.
struct Opened {
    number: u64,
    place: String,
    row: Row,
    source: Result<Loaded, PictureProblem>,
    edited: Vec<Result<Loaded, PictureProblem>>,
}

/// A row in words of a record.
struct Begun<'a> {
    number: u64,
    place: &'a str,
    row: Option<&'a Row>,
    source: Option<&'a PictureFacts>,
}

impl Begun<'_> {
    fn record(&self, candidate: usize, failure: Option<String>) -> Record {
        let text = |text: fn(&Row) -> &String| self.row.map(text).cloned();
        let extra = self.row.map(|row| row.extra.clone()).unwrap_or_default();
        Record {
            row: self.number,
            place: self.place.to_owned(),
            row_id: text(|row| &row.id).unwrap_or_else(|| self.number.to_string()),
            candidate: u32::try_from(candidate).unwrap_or(u32::MAX),
            instruction: text(|row| &row.instruction).unwrap_or_default(),
            source: self.source.cloned(),
            edited: None,
            score: None,
            sigma: None,
            said: BTreeMap::new(),
            failure,
            // A cell that holds nothing is none.
            extra: extra.into_iter().filter(|(_, value)| !value.is_null()).collect(),
        }
    }
}

/// The record of a row that cannot be used.
pub(super) fn unusable(number: u64, place: &str, failure: String) -> Record {
    Begun { number, place, row: None, source: None }.record(0, Some(failure))
}

impl Scorer<'_> {
    /// Records of these rows. What failed in a way that may pass is told beside them.
    pub(super) async fn score(&self, fetched: Vec<Fetched>) -> Scored {
        let mut scored = Scored::default();
        let mut rows = Vec::with_capacity(fetched.len());
        for Fetched { number, place, row } in fetched {
            match row {
                Ok(row) => rows.push((number, place, row)),
                Err(problem) => scored.records.push(unusable(number, &place, problem)),
            }
        }
        let opened = self.open(rows).await;
        let mut items = Vec::new();
        let asked: Vec<Asked> = opened.iter().map(|row| ask(row, &mut items)).collect();
        let verdicts = self.judges.judge_watched(&items, &StopWatch(self.stop)).await;
        for (row, asked) in opened.iter().zip(asked) {
            scored.conclude(row, asked, &verdicts);
        }
        let judged = verdicts.iter().map(|verdict| (verdict.cost, verdict.card.iter().count() as u64));
        judged.for_each(|(cost, calls)| scored.spent += spent(cost, calls));
        scored.records.sort_by_key(|record| (record.row, record.candidate));
        scored
    }

    /// Loads the pictures of all rows together.
    async fn open(&self, rows: Vec<(u64, String, Row)>) -> Vec<Opened> {
        let mut pictures = Vec::new();
        let mut counts = Vec::with_capacity(rows.len());
        let mut emptied = Vec::with_capacity(rows.len());
        for (number, place, mut row) in rows {
            // Their bytes are wanted once.
            let source = std::mem::replace(&mut row.source, RowPicture::Address(String::new()));
            let edited = std::mem::take(&mut row.edited);
            counts.push(edited.len());
            pictures.push(source);
            pictures.extend(edited);
            emptied.push((number, place, row));
        }
        let mut loaded = self.loader.load(pictures).await.into_iter();
        let missing = || Err(PictureProblem::Unusable("the picture was not loaded".to_owned()));
        let opened = emptied.into_iter().zip(counts).map(|((number, place, row), count)| Opened {
            number,
            place,
            row,
            source: loaded.next().unwrap_or_else(missing),
            edited: loaded.by_ref().take(count).collect(),
        });
        opened.collect()
    }
}

fn spent(cost: Cost, calls: u64) -> Spent {
    Spent { reward_calls: calls, nfe: cost.nfe, tokens: cost.tokens, usd_micros: cost.usd.micros, ..Spent::default() }
}

/// What is asked about a row: for each edited picture its place among all items; or why nothing is.
type Asked = Result<Vec<Result<usize, PictureProblem>>, PictureProblem>;

fn ask(opened: &Opened, items: &mut Vec<RewardItem>) -> Asked {
    let unusable = |reason: String| PictureProblem::Unusable(reason);
    let instruction = Instruction::new(&opened.row.instruction).map_err(|error| unusable(error.to_string()))?;
    let source = opened.source.as_ref().map_err(|problem| of_the("the source", problem))?;
    if opened.edited.is_empty() {
        return Err(unusable("the row has no edited picture".to_owned()));
    }
    let request = request(source.image.clone(), instruction).map_err(unusable)?;
    let edited = opened.edited.iter().map(|edited| {
        let edited = edited.as_ref().map_err(|problem| of_the("the edited picture", problem))?;
        items.push(RewardItem { request: Arc::clone(&request), candidate: edited.image.clone() });
        Ok(items.len() - 1)
    });
    Ok(edited.collect())
}

fn request(source: Image, instruction: Instruction) -> Result<Arc<EditRequest>, String> {
    let seed = Seed::new(0).map_err(|error| error.to_string())?;
    Ok(Arc::new(EditRequest { source, instruction, mask: None, output_size: None, seed }))
}

fn of_the(what: &str, problem: &PictureProblem) -> PictureProblem {
    match problem {
        PictureProblem::Unusable(reason) => PictureProblem::Unusable(format!("{what}: {reason}")),
        PictureProblem::Away(reason) => PictureProblem::Away(format!("{what}: {reason}")),
    }
}

impl Scored {
    fn conclude(&mut self, opened: &Opened, asked: Asked, verdicts: &[Verdict]) {
        let source = opened.source.as_ref().ok().map(|source| &source.facts);
        let begun = Begun { number: opened.number, place: &opened.place, row: Some(&opened.row), source };
        let asked = match asked {
            Ok(asked) => asked,
            Err(problem) => {
                self.note(opened.number, &problem);
                return self.records.push(begun.record(0, Some(problem.to_string())));
            }
        };
        for (candidate, (asked, edited)) in asked.into_iter().zip(&opened.edited).enumerate() {
            let mut record = begun.record(candidate, None);
            record.edited = edited.as_ref().ok().map(|edited| edited.facts.clone());
            match asked.map(|place| verdicts.get(place)) {
                Ok(Some(verdict)) => {
                    self.passing.extend(passing(verdict).map(|why| (opened.number, why)));
                    enter(&mut record, verdict);
                }
                Ok(None) => record.failure = Some("it was not judged".to_owned()),
                Err(problem) => {
                    self.note(opened.number, &problem);
                    record.failure = Some(problem.to_string());
                }
            }
            self.records.push(record);
        }
    }

    fn note(&mut self, row: u64, problem: &PictureProblem) {
        if let PictureProblem::Away(reason) = problem {
            self.passing.push((row, Passing::Picture(reason.clone())));
        }
    }

    /// Lets go of the records of rows of which something may pass.
    pub(super) fn without_passing(mut self) -> Self {
        let rows: BTreeSet<u64> = self.passing.iter().map(|(row, _)| *row).collect();
        self.records.retain(|record| !rows.contains(&record.row));
        self
    }
}

/// What may pass of what failed, where the score is lacking for it.
fn passing(verdict: &Verdict) -> Option<Passing> {
    if verdict.score.is_some() {
        return None;
    }
    let failures = verdict.card.iter().filter_map(|(name, said)| Some((name, said.as_ref().err()?)));
    let mut passing = failures.filter_map(|(name, failure)| match failure.kind {
        FailureKind::Cancelled => Some(Passing::Stopped),
        kind if kind.may_pass() => Some(Passing::Reward(format!("`{name}`: {failure}"))),
        _ => None,
    });
    passing.next()
}

/// Enters what was said.
fn enter(record: &mut Record, verdict: &Verdict) {
    record.said = verdict.said();
    (record.score, record.sigma) = (verdict.score, verdict.sigma);
    if record.score.is_none() {
        let failed = |(name, said): (&_, &Result<Score, Failure>)| Some(format!("`{name}`: {}", said.as_ref().err()?));
        let failed: Vec<String> = verdict.card.iter().filter_map(failed).collect();
        let barred = "the objective gives no score to what the rewards said: it is barred by a gate";
        record.failure = Some(if failed.is_empty() { barred.to_owned() } else { failed.join("; ") });
    }
}
