//! A benchmark judged: cases that were judged before are taken over, the others are asked about.

use std::fs;
use std::path::Path;

use anyhow::{Result, bail};
use editscale_benchmarks::layouts::{Benchmark, Found, LayoutError, Reading};
use editscale_benchmarks::{Case, CaseJudge, FORMAT, JUDGED, JudgedCase, JudgedHead, Preset};
use editscale_core::NobodyWatches;
use editscale_curate::judging::Loader;
use editscale_engine::StopSignal;
use editscale_fetch::Patience;
use editscale_picture::Limits;
use editscale_rollout::RowProblem;
use editscale_rollout::dataset::Pictures;
use indicatif::ProgressBar;

use super::judges::{Ready, ready};
use crate::appended::{Appended, Head, foreign};
use crate::args::{BenchData, BenchJudges};
use crate::failure::{Misuse, tell};
use crate::progress::{clear_bar, count_judged, tell_beside_bar};
use crate::signals::{StopWords, stop_on_signal};

/// How many edits are judged together: enough to share sources and fill a batch, few enough to hold in memory.
const TOGETHER: usize = 64;
/// Rows that cannot be used are told one by one up to here, and counted beyond.
const MOST_TOLD: usize = 10;

impl Head for JudgedHead {
    const CALL: &'static str = "bench";

    fn differs(&self, found: &Self) -> Option<String> {
        let rewards = |head: &Self| {
            head.rewards
                .iter()
                .map(|reward| format!("{} {} × {}", reward.name, reward.revision, reward.weight))
                .collect()
        };
        let (own, other): (Vec<String>, Vec<String>) = (rewards(self), rewards(found));
        let told = [
            ("file version", self.version.to_string(), found.version.to_string()),
            ("benchmark", self.preset.clone(), found.preset.clone()),
            ("data", self.fingerprint.clone(), found.fingerprint.clone()),
            ("rewards", own.join(", "), other.join(", ")),
            ("objective", self.objective.clone(), found.objective.clone()),
        ];
        let (what, expected, found) = told.into_iter().find(|(_, own, other)| own != other)?;
        Some(format!("{what}: expected {expected}, found {found}"))
    }
}

/// A benchmark that is judged.
pub(super) struct Judged {
    pub(super) head: JudgedHead,
    pub(super) cases: Vec<JudgedCase>,
    /// Rows that could not be used.
    pub(super) problems: Vec<RowProblem>,
    /// What was read, a line for each part, and files that were not.
    pub(super) described: Vec<String>,
    pub(super) passed_over: Vec<String>,
}

/// Opens a benchmark; what is wrong with it is its user's mistake.
pub(super) fn open(preset: Preset, data: &BenchData) -> Result<Benchmark> {
    let reading = Reading { named: data.column.iter().cloned().collect(), images: data.images.clone() };
    let opened = Benchmark::open(preset, &data.path, &reading).map_err(|error| refused(&error))?;
    opened.describe().iter().for_each(|line| tell(line));
    opened.passed_over().iter().for_each(|line| tell(&format!("not read: {line}")));
    Ok(opened)
}

fn refused(error: &LayoutError) -> anyhow::Error {
    Misuse::new(error.to_string()).into()
}

pub(super) fn head(preset: Preset, benchmark: &Benchmark, ready: &Ready) -> JudgedHead {
    JudgedHead {
        version: FORMAT,
        preset: preset.name().to_owned(),
        fingerprint: benchmark.fingerprint(),
        rewards: ready.rewards.clone(),
        objective: ready.objective.clone(),
    }
}

/// Pictures of a benchmark: local files for the most part.
pub(super) fn loader() -> Loader {
    Loader::new(Pictures::new(Limits::default(), Patience::default()))
}

pub(super) fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

/// Has signals ask a benchmark for a stop: once for a command, so that people are told once.
pub(super) fn stop_where_asked(out: Option<&Path>) -> StopSignal {
    let last = match out {
        Some(_) => "ended: the same command goes on",
        None => "ended: with --out the same command would go on",
    };
    stop_on_signal(StopWords { first: "stopping; once more to end at once".to_owned(), last: last.to_owned() })
}

/// What is judged, and where that is written down.
pub(super) struct Asked<'a> {
    pub(super) preset: Preset,
    pub(super) data: &'a BenchData,
    pub(super) judges: &'a BenchJudges,
    pub(super) out: Option<&'a Path>,
}

/// Judges all cases; nothing where somebody asked to stop.
pub(super) fn judge(Asked { preset, data, judges, out }: Asked<'_>, stop: &StopSignal) -> Result<Option<Judged>> {
    let benchmark = open(preset, data)?;
    let runtime = runtime()?;
    // Rewards behind servers want a runtime around them.
    let guard = runtime.enter();
    let ready = ready(judges)?;
    drop(guard);
    let head = head(preset, &benchmark, &ready);
    let (mut file, done) = match out {
        None => (None, Vec::new()),
        Some(out) => {
            fs::create_dir_all(out).map_err(|error| Misuse::new(format!("cannot make {}: {error}", out.display())))?;
            let path = out.join(JUDGED);
            let (file, lines) = Appended::open(&path, &head)?;
            (Some(file), parsed(&path, &lines)?)
        }
    };
    let mut work = Work {
        judge: CaseJudge::new(ready.judges, loader()),
        runtime: &runtime,
        file: file.as_mut(),
        cases: Vec::new(),
        bar: count_judged("cases", None),
        stop: stop.clone(),
    };
    let (passed_over, described) = (benchmark.passed_over().to_vec(), benchmark.describe());
    let ended = work.all(&benchmark, done, data.limit);
    clear_bar();
    let Some(problems) = ended? else { return Ok(None) };
    Ok(Some(Judged { head, cases: work.cases, problems, described, passed_over }))
}

fn parsed(path: &Path, lines: &[u8]) -> Result<Vec<JudgedCase>> {
    let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).enumerate();
    let case = |(at, line)| serde_json::from_slice(line).map_err(|_| foreign::<JudgedHead>(path, at + 1).into());
    lines.map(case).collect()
}

/// Judging under way.
struct Work<'a> {
    judge: CaseJudge,
    runtime: &'a tokio::runtime::Runtime,
    file: Option<&'a mut Appended>,
    cases: Vec<JudgedCase>,
    bar: ProgressBar,
    stop: StopSignal,
}

impl Work<'_> {
    /// Goes through the benchmark; gives the rows that could not be used, or nothing where somebody asked to stop.
    fn all(
        &mut self,
        benchmark: &Benchmark,
        done: Vec<JudgedCase>,
        limit: Option<u64>,
    ) -> Result<Option<Vec<RowProblem>>> {
        if !done.is_empty() {
            tell_beside_bar(&format!("{} cases are judged already", done.len()));
        }
        done.iter().for_each(|case| self.judge.remember(case));
        let mut done = done.into_iter();
        let (mut problems, mut waiting, mut edits) = (Vec::new(), Vec::new(), 0);
        let mut left = limit.unwrap_or(u64::MAX);
        for found in benchmark.cases() {
            match found.map_err(|error| refused(&error))? {
                Found::Problem(problem) => {
                    if problems.len() < MOST_TOLD {
                        tell_beside_bar(&format!("not used: {problem}"));
                    }
                    problems.push(problem);
                }
                Found::Case(case) => {
                    if left == 0 {
                        break;
                    }
                    left -= 1;
                    if let Some(before) = done.next() {
                        self.take_over(before, &case)?;
                        continue;
                    }
                    edits += case.candidates.len();
                    waiting.push(case);
                    if edits >= TOGETHER {
                        edits = 0;
                        if !self.some(std::mem::take(&mut waiting))? {
                            return Ok(None);
                        }
                    }
                }
            }
        }
        if problems.len() > MOST_TOLD {
            tell_beside_bar(&format!("not used: {} rows more", problems.len() - MOST_TOLD));
        }
        Ok(self.some(waiting)?.then_some(problems))
    }

    fn take_over(&mut self, before: JudgedCase, case: &Case) -> Result<()> {
        if (&before.part, &before.id) != (&case.part, &case.id) {
            let (expected, found) = (&case.id, &before.id);
            bail!(Misuse::new(format!(
                "{JUDGED} is of other cases: expected {} {expected}, found {} {found}",
                case.part, before.part
            )));
        }
        self.cases.push(before);
        self.bar.inc(1);
        Ok(())
    }

    /// Judges a few cases and writes them down; says whether to go on.
    fn some(&mut self, cases: Vec<Case>) -> Result<bool> {
        if cases.is_empty() {
            return Ok(true);
        }
        let (judge, stop) = (&mut self.judge, &mut self.stop);
        let judged = self.runtime.block_on(async {
            tokio::select! {
                biased;
                () = stop.stopped() => None,
                judged = judge.judge(cases, &NobodyWatches) => Some(judged),
            }
        });
        let Some(judged) = judged else { return Ok(false) };
        // What a dead reward leaves behind says nothing of the benchmark, and a later call may do better.
        if let Some((reward, why)) = self.judge.judges().trouble() {
            bail!("reward `{reward}` cannot go on: {why}");
        }
        if let Some(file) = &mut self.file {
            judged.iter().try_for_each(|case| file.write(case))?;
            file.flush()?;
        }
        self.bar.inc(judged.len() as u64);
        self.cases.extend(judged);
        Ok(true)
    }
}
