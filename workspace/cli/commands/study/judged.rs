//! `--judge`: every picture of the runs judged now, by rewards that no run was searched with. What is judged is on disk before
//! more is asked for.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use editscale_core::{Failure, NobodyWatches, Objective, RewardBatch, RewardItem, RewardModel, Scale, ScoreCard};
use editscale_engine::{CandidateRecord, digest_of};
use editscale_schema::House;
use serde::{Deserialize, Serialize};

use super::runs::{LeftOut, Run};
use crate::appended::{Appended, Head, foreign};
use crate::failure::{Misuse, tell};
use crate::progress::{clear_bar, count_judged};
use crate::recipes;
use crate::signals::{StopWords, stop_on_signal};
use crate::world;

/// How many pictures are judged together.
const TOGETHER: usize = 32;

/// The file of what is judged.
const JUDGED: &str = "judged.jsonl";

/// Who judged the lines of the file.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
struct Heading {
    version: u32,
    rewards: Vec<(String, String)>,
    objective: String,
}

impl Head for Heading {
    const CALL: &'static str = "study --judge";

    fn differs(&self, found: &Self) -> Option<String> {
        let told = |head: &Self| format!("{:?} {}", head.rewards, head.objective);
        (self != found).then(|| format!("expected {}, found {}", told(self), told(found)))
    }
}

/// A picture that was judged for a request.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    key: String,
    utility: f64,
}

/// What the judge said of every picture.
pub(super) struct Judged {
    utilities: BTreeMap<String, f64>,
    /// Who judged.
    pub(super) rewards: Vec<(String, String)>,
}

impl Judged {
    /// What it said of a candidate.
    pub(super) fn of(&self, run: &Run, candidate: &CandidateRecord) -> Option<f64> {
        self.utilities.get(&key(run, candidate)?).copied()
    }
}

/// What names a judgement: the request and the picture.
fn key(run: &Run, candidate: &CandidateRecord) -> Option<String> {
    let made = candidate.made.as_ref()?.as_ref().ok()?;
    Some(digest_of(format!("{} {}", run.request(), made.image.digest()).as_bytes()).to_string())
}

/// A judge at work.
struct Judge {
    rewards: Vec<Arc<dyn RewardModel>>,
    objective: Arc<dyn Objective>,
    runtime: tokio::runtime::Runtime,
}

/// Judges what is not judged in `out`, and gives all; nothing where somebody asked to stop. Pictures that could not be judged are
/// named in `left_out`.
pub(super) fn judged(
    recipe: &str,
    runs: &[Run],
    (out, left_out): (&Path, &mut Vec<LeftOut>),
) -> Result<Option<Judged>> {
    let judge = Judge::new(recipe)?;
    let card = |reward: &Arc<dyn RewardModel>| (reward.card().name.to_string(), reward.card().revision.to_string());
    let rewards: Vec<(String, String)> = judge.rewards.iter().map(card).collect();
    let head = Heading { version: 1, rewards: rewards.clone(), objective: judge.objective.revision() };
    let path = out.join(JUDGED);
    let (mut file, known) = Appended::open(&path, &head)?;
    let mut utilities = parsed(&path, &known)?;
    let wanted = wanted(runs, &utilities);
    tell(&format!("{} pictures are judged already, {} are to be judged", utilities.len(), wanted.len()));
    let unjudged = judge.all(&wanted, |key, utility| {
        file.write(&Line { key: key.to_owned(), utility })?;
        file.flush()?;
        utilities.insert(key.to_owned(), utility);
        Ok(())
    })?;
    let Some(unjudged) = unjudged else { return Ok(None) };
    left_out.extend(unjudged);
    Ok(Some(Judged { utilities, rewards }))
}

/// A picture that is to be judged.
struct Wanted<'r> {
    key: String,
    /// A run that has it.
    run: &'r Run,
    item: RewardItem,
}

/// The pictures that nothing is known of, each once.
fn wanted<'r>(runs: &'r [Run], known: &BTreeMap<String, f64>) -> Vec<Wanted<'r>> {
    let mut wanted: BTreeMap<String, Wanted<'r>> = BTreeMap::new();
    for run in runs {
        let request = Arc::new(run.record.manifest.request.clone());
        for candidate in &run.record.candidates {
            if let (Some(key), Some(Ok(made))) = (key(run, candidate), &candidate.made)
                && !known.contains_key(&key)
            {
                let item = RewardItem { request: Arc::clone(&request), candidate: made.image.clone() };
                wanted.entry(key.clone()).or_insert(Wanted { key, run, item });
            }
        }
    }
    wanted.into_values().collect()
}

fn words() -> StopWords {
    StopWords {
        first: format!("stopping: up to {TOGETHER} pictures under way are judged; once more to end at once"),
        last: "ended: the same command goes on".to_owned(),
    }
}

fn parsed(path: &Path, lines: &[u8]) -> Result<BTreeMap<String, f64>> {
    let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).enumerate();
    let read = |(at, line): (usize, &[u8])| -> Result<(String, f64)> {
        match serde_json::from_slice::<Line>(line) {
            Ok(line) if line.utility.is_finite() => Ok((line.key, line.utility)),
            _ => Err(foreign::<Heading>(path, at + 1).into()),
        }
    };
    lines.map(read).collect()
}

impl Judge {
    fn new(recipe: &str) -> Result<Self> {
        let loaded = recipes::load_for_judging(recipe)?;
        let objective = loaded.recipe.objective();
        if objective.scale() == Scale::Relative {
            let misuse = Misuse::new(format!(
                "recipe `{}` ranks pictures against each other: a study needs scores",
                loaded.name
            ));
            return Err(misuse.hint("leave out `combine`, or combine by weights").into());
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        // Rewards behind servers want a runtime around them.
        let guard = runtime.enter();
        let rewards = world::rewards(loaded.recipe.rewards(), &House::default())?;
        drop(guard);
        Ok(Self { rewards, objective, runtime })
    }

    /// Judges all of these and hands each utility to `keep`; gives the runs with pictures that could not be judged, or nothing where
    /// somebody asked to stop.
    fn all(
        &self,
        wanted: &[Wanted<'_>],
        mut keep: impl FnMut(&str, f64) -> Result<()>,
    ) -> Result<Option<Vec<LeftOut>>> {
        if wanted.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let mut unjudged: BTreeMap<String, (usize, String)> = BTreeMap::new();
        let (stop, bar) = (stop_on_signal(words()), count_judged("pictures", Some(wanted.len() as u64)));
        for together in wanted.chunks(TOGETHER).take_while(|_| !stop.is_stopped()) {
            let items: Vec<RewardItem> = together.iter().map(|one| one.item.clone()).collect();
            for (one, said) in together.iter().zip(self.ask(&items)) {
                match said {
                    Ok(utility) => keep(&one.key, utility)?,
                    Err(why) => unjudged.entry(one.run.path.display().to_string()).or_insert((0, why)).0 += 1,
                }
            }
            bar.inc(together.len() as u64);
        }
        let is_whole = bar.position() == wanted.len() as u64;
        clear_bar();
        let named = |(run, (count, why)): (String, (usize, String))| LeftOut {
            run,
            why: format!("{count} of its pictures could not be judged: {why}"),
        };
        Ok(is_whole.then(|| unjudged.into_iter().map(named).collect()))
    }

    /// One utility an item, or why there is none.
    fn ask(&self, items: &[RewardItem]) -> Vec<Result<f64, String>> {
        let mut cards = vec![ScoreCard::default(); items.len()];
        for reward in &self.rewards {
            let largest = reward.card().largest_batch.get() as usize;
            let mut answers = Vec::with_capacity(items.len());
            for items in items.chunks(largest) {
                let batch = RewardBatch { items: items.to_vec() };
                answers.extend(self.runtime.block_on(reward.score(batch, &NobodyWatches)));
            }
            for (card, said) in cards.iter_mut().zip(answers) {
                card.enter(reward.card().name.clone(), said.map(|judgement| judgement.score));
            }
        }
        cards.iter().map(|card| self.utility(card)).collect()
    }

    fn utility(&self, card: &ScoreCard) -> Result<f64, String> {
        let found = self.objective.utilities(&[card]).into_iter().flatten().next();
        let failure = || card.iter().find_map(|(_, said)| said.as_ref().err()).map(Failure::to_string);
        found
            .map(editscale_core::Utility::get)
            .ok_or_else(|| failure().unwrap_or_else(|| "a gate of the judge bars it".to_owned()))
    }
}
