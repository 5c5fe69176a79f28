//! Cases to judged cases: pictures loaded, each different edit judged once.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Instant;

use editscale_core::{Digest, EditRequest, Instruction, RewardItem, Seed, Watch};
use editscale_curate::judging::{Judges, Loaded, Loader, Verdict};
use editscale_curate::{PictureFacts, Value};
use editscale_engine::digest_of;
use editscale_rollout::RowPicture;
use editscale_rollout::dataset::PictureProblem;
use futures_util::future::join_all;

use crate::{Candidate, Case, JudgedCandidate, JudgedCase};

/// Judges cases, a few at a time.
///
/// An edit that is there several times (the same source, instruction and edited picture) is judged once, and its answer taken
/// over. Where a reward compares edits with each other, that would not be right: every case is then one set of its own.
#[derive(Debug)]
pub struct CaseJudge {
    judges: Judges,
    loader: Loader,
    /// What was said of edits so far; nothing is looked up where a reward compares.
    known: HashMap<Digest, Answer>,
    compares: bool,
}

/// What was said of one edit.
#[derive(Debug, Clone, Default)]
struct Answer {
    score: Option<f64>,
    sigma: Option<f64>,
    said: BTreeMap<String, Value>,
    failure: Option<String>,
    seconds: Option<f64>,
}

/// An edit of a case on its way.
struct Edit {
    facts: Option<PictureFacts>,
    /// What is to be judged, and what it is known by; or why it cannot be.
    asked: Result<(Digest, RewardItem), String>,
}

impl CaseJudge {
    /// Rewards, and what loads pictures.
    pub fn new(judges: Judges, loader: Loader) -> Self {
        let compares = judges.listwise().next().is_some();
        Self { judges, loader, known: HashMap::new(), compares }
    }

    /// Who judges.
    pub fn judges(&self) -> &Judges {
        &self.judges
    }

    /// Takes over what an earlier call said of a case.
    pub fn remember(&mut self, case: &JudgedCase) {
        let Some(source) = case.source.as_ref().filter(|_| !self.compares) else { return };
        for candidate in &case.candidates {
            let Some(picture) = &candidate.picture else { continue };
            let key = key(&source.digest, &case.instruction, &picture.digest);
            let answer = Answer {
                score: candidate.score,
                sigma: candidate.sigma,
                said: candidate.said.clone(),
                failure: candidate.failure.clone(),
                seconds: None,
            };
            self.known.entry(key).or_insert(answer);
        }
    }

    /// Judges cases, one judged case each, in their order. All their pictures are in memory meanwhile. What was not judged when
    /// the watch said that it is cancelled is not remembered.
    pub async fn judge(&mut self, cases: Vec<Case>, watch: &dyn Watch) -> Vec<JudgedCase> {
        let begun = Instant::now();
        let pictures = cases.iter().flat_map(pictures).collect();
        let mut loaded = self.loader.load(pictures).await.into_iter();
        let mut edits: Vec<(Option<PictureFacts>, Vec<Edit>)> = Vec::with_capacity(cases.len());
        for case in &cases {
            let source = loaded.next();
            let candidates: Vec<_> = loaded.by_ref().take(case.candidates.len()).collect();
            edits.push(edits_of(case, source, candidates));
        }
        let answers = if self.compares {
            self.each_case(&edits, begun, watch).await
        } else {
            self.different(&edits, begun, watch).await
        };
        let judged = cases.into_iter().zip(edits).zip(answers);
        judged.map(|((case, (source, edits)), answers)| together(case, source, edits, answers)).collect()
    }

    /// All different edits that nothing was said of, in one list.
    async fn different(
        &mut self,
        edits: &[(Option<PictureFacts>, Vec<Edit>)],
        begun: Instant,
        watch: &dyn Watch,
    ) -> Vec<Vec<Answer>> {
        let mut open: Vec<(Digest, RewardItem)> = Vec::new();
        for (key, item) in edits.iter().flat_map(|(_, edits)| edits).filter_map(|edit| edit.asked.as_ref().ok()) {
            if !self.known.contains_key(key) && open.iter().all(|(known, _)| known != key) {
                open.push((*key, item.clone()));
            }
        }
        let items: Vec<RewardItem> = open.iter().map(|(_, item)| item.clone()).collect();
        let verdicts = self.judges.judge_watched(&items, watch).await;
        let seconds = shared(begun, items.len());
        let mut fresh: HashMap<Digest, Answer> =
            open.iter().zip(&verdicts).map(|((key, _), verdict)| (*key, answer(verdict, Some(seconds)))).collect();
        if !watch.cancelled() {
            self.known.extend(fresh.iter().map(|(key, answer)| (*key, Answer { seconds: None, ..answer.clone() })));
        }
        let mut take = |edit: &Edit| match &edit.asked {
            Err(reason) => refused(reason),
            // Only the first of equal edits has cost anything.
            Ok((key, _)) => match fresh.remove(key).or_else(|| self.known.get(key).cloned()) {
                Some(answer) => answer,
                None => refused("the edit was not judged"),
            },
        };
        edits.iter().map(|(_, edits)| edits.iter().map(&mut take).collect()).collect()
    }

    /// Every case by itself, all at the same time.
    async fn each_case(
        &self,
        edits: &[(Option<PictureFacts>, Vec<Edit>)],
        begun: Instant,
        watch: &dyn Watch,
    ) -> Vec<Vec<Answer>> {
        let items_of = |edits: &[Edit]| -> Vec<RewardItem> {
            edits.iter().filter_map(|edit| Some(edit.asked.as_ref().ok()?.1.clone())).collect()
        };
        let sets: Vec<Vec<RewardItem>> = edits.iter().map(|(_, edits)| items_of(edits)).collect();
        let asked = sets.iter().map(|items| async { self.judges.judge_watched(items, watch).await });
        let all = join_all(asked).await;
        let seconds = shared(begun, sets.iter().map(Vec::len).sum());
        let of = |((_, edits), verdicts): (&(Option<PictureFacts>, Vec<Edit>), Vec<Verdict>)| {
            let mut verdicts = verdicts.into_iter();
            let mut take = |edit: &Edit| match &edit.asked {
                Err(reason) => refused(reason),
                Ok(_) => verdicts
                    .next()
                    .map_or_else(|| refused("the edit was not judged"), |said| answer(&said, Some(seconds))),
            };
            edits.iter().map(&mut take).collect()
        };
        edits.iter().zip(all).map(of).collect()
    }
}

/// The source, and then the candidates.
fn pictures(case: &Case) -> impl Iterator<Item = RowPicture> + '_ {
    std::iter::once(case.source.clone()).chain(case.candidates.iter().map(|candidate| candidate.picture.clone()))
}

type Brought = Option<Result<Loaded, PictureProblem>>;

fn edits_of(
    case: &Case,
    source: Brought,
    candidates: Vec<Result<Loaded, PictureProblem>>,
) -> (Option<PictureFacts>, Vec<Edit>) {
    let missing = || Err(PictureProblem::Unusable("the picture was not loaded".to_owned()));
    let source = source.unwrap_or_else(missing).map_err(|problem| format!("the source: {problem}"));
    let facts = source.as_ref().ok().map(|loaded| loaded.facts.clone());
    let request = source.and_then(|loaded| Ok((loaded.facts.digest.clone(), request(&loaded, &case.instruction)?)));
    let edit = |candidate: Result<Loaded, PictureProblem>| {
        let facts = candidate.as_ref().ok().map(|loaded| loaded.facts.clone());
        let asked = candidate.map_err(|problem| problem.to_string()).and_then(|loaded| {
            let (source, request) = request.clone()?;
            let key = key(&source, &case.instruction, &loaded.facts.digest);
            Ok((key, RewardItem { request, candidate: loaded.image }))
        });
        Edit { facts, asked }
    };
    (facts, candidates.into_iter().map(edit).collect())
}

pub(crate) fn request(source: &Loaded, instruction: &str) -> Result<Arc<EditRequest>, String> {
    let instruction = Instruction::new(instruction).map_err(|error| error.to_string())?;
    let seed = Seed::new(0).map_err(|error| error.to_string())?;
    Ok(Arc::new(EditRequest { source: source.image.clone(), instruction, mask: None, output_size: None, seed }))
}

/// What an edit is known by.
fn key(source: &str, instruction: &str, edited: &str) -> Digest {
    digest_of(format!("{source}\n{edited}\n{instruction}").as_bytes())
}

fn shared(begun: Instant, items: usize) -> f64 {
    begun.elapsed().as_secs_f64() / items.max(1) as f64
}

fn refused(reason: impl Into<String>) -> Answer {
    Answer { failure: Some(reason.into()), ..Answer::default() }
}

fn answer(verdict: &Verdict, seconds: Option<f64>) -> Answer {
    let failed = verdict.card.iter().filter_map(|(reward, said)| Some((reward, said.as_ref().err()?)));
    let failures: Vec<String> = failed.map(|(reward, failure)| format!("{reward}: {failure}")).collect();
    let nothing = || "the objective makes no score of what the rewards said".to_owned();
    let failure = match (verdict.score, failures.is_empty()) {
        (Some(_), true) => None,
        (None, true) => Some(nothing()),
        (_, false) => Some(failures.join("; ")),
    };
    Answer { score: verdict.score, sigma: verdict.sigma, said: verdict.said(), failure, seconds }
}

fn together(case: Case, source: Option<PictureFacts>, edits: Vec<Edit>, answers: Vec<Answer>) -> JudgedCase {
    let candidate = |((candidate, edit), answer): ((Candidate, Edit), Answer)| JudgedCandidate {
        model: candidate.model,
        rating: candidate.rating,
        picture: edit.facts,
        score: answer.score,
        sigma: answer.sigma,
        said: answer.said,
        failure: answer.failure,
        seconds: answer.seconds,
    };
    JudgedCase {
        id: case.id,
        part: case.part,
        dataset: case.dataset,
        group: case.group,
        instruction: case.instruction,
        source,
        candidates: case.candidates.into_iter().zip(edits).zip(answers).map(candidate).collect(),
        human: case.human,
    }
}
