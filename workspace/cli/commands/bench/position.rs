//! `editscale bench position`: whether a judge that compares favours a place.

use std::collections::HashSet;
use std::fs;
use std::process::ExitCode;

use anyhow::{Result, bail};
use editscale_benchmarks::layouts::Found;
use editscale_benchmarks::measures::position;
use editscale_benchmarks::report::{Part, render};
use editscale_benchmarks::{Case, JudgedHead, PairJudge, TwoOrders};
use editscale_core::{NobodyWatches, RewardName};
use editscale_engine::{StopSignal, write_whole};
use editscale_schema::list;

use super::judges::{Ready, ready};
use super::judging::{head, loader, open, runtime, stop_where_asked};
use super::measure::rules;
use crate::appended::{Appended, foreign};
use crate::args::{BenchJudges, BenchPosition};
use crate::failure::{Misuse, STOPPED, print, tell};

/// How many cases are asked about together.
const TOGETHER: usize = 8;
const PAIRS: &str = "pairs.jsonl";

/// Asks about every pair of a benchmark, both ways round.
pub(crate) fn run(arguments: &BenchPosition) -> Result<ExitCode> {
    let benchmark = open(arguments.preset, &arguments.data)?;
    let runtime = runtime()?;
    let guard = runtime.enter();
    let ready = ready(&arguments.judges)?;
    drop(guard);
    let reward = comparing(&ready)?;
    // Others would be asked for nothing.
    let ready = if ready.rewards.len() == 1 {
        ready
    } else {
        let _guard = runtime.enter();
        self::ready(&BenchJudges { recipe: arguments.judges.recipe.clone(), reward: vec![reward.to_string()] })?
    };
    let head = head(arguments.preset, &benchmark, &ready);
    let (mut file, mut pairs) = begin(arguments, &head)?;
    let known: HashSet<Known> = pairs.iter().map(known_by).collect();
    let judge = PairJudge { judges: ready.judges, reward, loader: loader() };
    let mut asker = Asker { judge, runtime: &runtime, stop: stop_where_asked(arguments.out.as_deref()) };
    let (mut waiting, mut unreadable) = (Vec::new(), 0_u64);
    for (found, number) in benchmark.cases().zip(0_u64..) {
        match found.map_err(|error| Misuse::new(error.to_string()))? {
            Found::Problem(problem) => {
                unreadable += 1;
                tell(&format!("not used: {problem}"));
            }
            // The last pairs of a case may have been lost with their writer: such a case is asked about again.
            Found::Case(case) if last_pair(&case).is_none_or(|pair| known.contains(&pair)) => {}
            Found::Case(case) => waiting.push(case),
        }
        let is_last = arguments.data.limit.is_some_and(|limit| number + 1 >= limit);
        if waiting.len() >= TOGETHER || is_last {
            let Some(asked) = asker.ask(&std::mem::take(&mut waiting))? else { return Ok(stopped()) };
            keep(asked, &known, &mut file, &mut pairs)?;
        }
        if is_last {
            break;
        }
    }
    let Some(asked) = asker.ask(&waiting)? else { return Ok(stopped()) };
    keep(asked, &known, &mut file, &mut pairs)?;
    if unreadable > 0 {
        tell(&format!("{unreadable} rows could not be used"));
    }
    finish(arguments, &pairs)
}

fn finish(arguments: &BenchPosition, pairs: &[TwoOrders]) -> Result<ExitCode> {
    if pairs.is_empty() {
        bail!("the benchmark holds no case with two edits to compare");
    }
    let measured = position(pairs, &rules(&arguments.rules))?;
    let text = serde_json::to_string_pretty(&measured)?;
    if let Some(out) = &arguments.out {
        write_whole(&out.join("position.json"), format!("{text}\n").as_bytes())?;
    }
    if arguments.json {
        print(&text)?;
    } else {
        print(render(&[Part::Position(&measured)]).trim_end())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn stopped() -> ExitCode {
    tell("stopped: with --out the same command goes on from here");
    ExitCode::from(STOPPED)
}

/// The one reward that compares.
fn comparing(ready: &Ready) -> Result<RewardName> {
    let found: Vec<&RewardName> = ready.judges.listwise().collect();
    match found.as_slice() {
        [only] => Ok((*only).clone()),
        [] => {
            let names = list(ready.rewards.iter().map(|reward| reward.name.as_str()));
            let misuse = Misuse::new(format!("{names} judge every edit by itself: there is no place to favour"));
            Err(misuse.hint("a judge that compares, such as `vlm: {compare: …}`, can be asked in both orders").into())
        }
        several => {
            let misuse = Misuse::new("several rewards of the recipe compare, and one of them is asked");
            Err(misuse
                .hint(format!("name it with --reward: {}", list(several.iter().map(|name| name.as_str()))))
                .into())
        }
    }
}

fn begin(arguments: &BenchPosition, head: &JudgedHead) -> Result<(Option<Appended>, Vec<TwoOrders>)> {
    let Some(out) = &arguments.out else { return Ok((None, Vec::new())) };
    fs::create_dir_all(out).map_err(|error| Misuse::new(format!("cannot make {}: {error}", out.display())))?;
    let path = out.join(PAIRS);
    let (file, lines) = Appended::open(&path, head)?;
    let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).enumerate();
    let pair = |(at, line)| serde_json::from_slice(line).map_err(|_| foreign::<JudgedHead>(&path, at + 1).into());
    Ok((Some(file), lines.map(pair).collect::<Result<_>>()?))
}

/// Writes the pairs of whole cases down.
fn keep(
    mut asked: Vec<TwoOrders>,
    known: &HashSet<Known>,
    file: &mut Option<Appended>,
    pairs: &mut Vec<TwoOrders>,
) -> Result<()> {
    asked.retain(|pair| !known.contains(&known_by(pair)));
    if let Some(file) = file {
        asked.iter().try_for_each(|pair| file.write(pair))?;
        file.flush()?;
    }
    pairs.extend(asked);
    Ok(())
}

/// What a pair is known by.
type Known = (String, String, (usize, usize));

fn known_by(pair: &TwoOrders) -> Known {
    (pair.part.clone(), pair.id.clone(), pair.candidates)
}

/// The pair of a case that is written last; nothing where there is none.
fn last_pair(case: &Case) -> Option<Known> {
    let last = case.candidates.len().checked_sub(1).filter(|last| *last > 0)?;
    Some((case.part.clone(), case.id.clone(), (last - 1, last)))
}

struct Asker<'a> {
    judge: PairJudge,
    runtime: &'a tokio::runtime::Runtime,
    stop: StopSignal,
}

impl Asker<'_> {
    /// Nothing where somebody asked to stop.
    fn ask(&mut self, cases: &[Case]) -> Result<Option<Vec<TwoOrders>>> {
        let (judge, stop) = (&self.judge, &mut self.stop);
        let asked = self.runtime.block_on(async {
            tokio::select! {
                biased;
                () = stop.stopped() => None,
                asked = judge.ask(cases, &NobodyWatches) => Some(asked),
            }
        });
        if let Some((reward, why)) = self.judge.judges.trouble() {
            bail!("reward `{reward}` cannot go on: {why}");
        }
        Ok(asked)
    }
}
