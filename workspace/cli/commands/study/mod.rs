//! `editscale study DIR…`: what recipes are worth, from the runs that they made.

mod answers;
mod costs;
mod curves;
mod folders;
mod held_out;
mod judged;
mod judges;
mod naming;
mod output;
mod page;
mod pairs;
mod paths;
mod plan;
mod plots;
mod report;
mod runs;
mod scores;
mod whole;

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::Result;
use editscale_study::Resampling;
use editscale_study::compare::Comparing;

use self::curves::{Rules, scaling};
use self::judged::{Judged, judged};
use self::judges::Judges;
use self::report::{Choice, Gold, GoldKind, Report};
use self::runs::{Found, find};
use self::scores::{Scored, Source, scored};
use crate::args::{CostWord, Study, StudyCommand, Studying};
use crate::failure::{Misuse, STOPPED, print, tell};
use crate::sharing::{make_folder, program};

/// Ways to flip signs that are drawn where there are too many to count.
const FLIPS: u32 = 20_000;

/// Does what was asked for.
pub(crate) fn run(studying: &Studying) -> Result<ExitCode> {
    match (&studying.command, &studying.study) {
        (Some(StudyCommand::Plan(arguments)), _) => plan::run(arguments),
        (None, Some(arguments)) => study(arguments),
        (None, None) => Err(Misuse::new("expected run folders, or `plan`").into()),
    }
}

fn study(arguments: &Study) -> Result<ExitCode> {
    if arguments.dirs.is_empty() && arguments.group.is_empty() {
        return Err(Misuse::new("expected run folders, or --group NAME=DIR").into());
    }
    if !(arguments.confidence > 0.0 && arguments.confidence < 1.0) {
        return Err(Misuse::new(format!(
            "--confidence {}: expected a number above 0 and below 1",
            arguments.confidence
        ))
        .into());
    }
    let mut found = find(arguments)?;
    let proxy = Source::named(&arguments.proxy, &found.runs)?;
    let remarks = judges::remarks(arguments, &found, arguments.judge.is_some())?;
    make_folder(&arguments.out)?;
    let asked = match &arguments.judge {
        Some(recipe) => {
            let Some(judged) = judged(recipe, &found.runs, (&arguments.out, &mut found.left_out))? else {
                tell("stopped: the same command goes on from here");
                return Ok(ExitCode::from(STOPPED));
            };
            Some(judged)
        }
        None => None,
    };
    let gold = match (&asked, &arguments.gold) {
        (Some(judged), _) => Source::Judge(judged),
        (None, Some(reward)) => Source::named(reward, &found.runs)?,
        (None, None) => Source::named(&arguments.proxy, &found.runs)?,
    };
    let runs: Vec<Scored> = found.runs.iter().map(|run| scored(run, &proxy, &gold)).collect();
    if runs.iter().all(|run| run.final_gold().is_none()) {
        let why = found.reasons(|_| true);
        let misuse = format!("no run has chosen a picture that has a gold score: there is nothing to study{why}");
        return Err(Misuse::new(misuse).into());
    }
    let mut gold = Gold { remarks, ..gold_of(arguments, asked.as_ref(), &found) };
    gold.chosen_by = held_out::choosers(&found, &gold);
    let report = report(arguments, &found, (&runs, gold))?;
    found.left_out.iter().take(10).for_each(|left| tell(&format!("left out: {}: {}", left.run, left.why)));
    report.answers.iter().chain(&report.remarks).for_each(|line| tell(line));
    output::write(&arguments.out, &report, arguments.cost)?;
    if arguments.json {
        print(output::json(&report)?.trim_end())?;
    } else {
        print(&arguments.out.join(output::PAGE).display().to_string())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn gold_of(arguments: &Study, asked: Option<&Judged>, found: &Found) -> Gold {
    let of = |kind, name: &String, rewards| Gold {
        kind,
        name: name.clone(),
        rewards,
        chosen_by: Vec::new(),
        remarks: Vec::new(),
    };
    match (asked, &arguments.judge, &arguments.gold) {
        (Some(judged), Some(recipe), _) => of(GoldKind::Judge, recipe, judged.rewards.clone()),
        (_, _, Some(reward)) => of(GoldKind::Reward, reward, Judges::of(found, reward).rewards()),
        _ => of(GoldKind::Proxy, &arguments.proxy, Judges::of(found, &arguments.proxy).rewards()),
    }
}

fn report(arguments: &Study, found: &Found, (runs, gold): (&[Scored], Gold)) -> Result<Report> {
    let Study { cost, confidence, seed, .. } = *arguments;
    let comparing = Comparing { confidence, draws: FLIPS, seed, ..Comparing::default() };
    let resampling = Resampling { confidence, seed, ..Resampling::default() };
    let names: Vec<&str> = found.groups.iter().map(|group| group.name.as_str()).collect();
    let groups: Vec<Vec<&Scored>> =
        (0..names.len()).map(|group| runs.iter().filter(|run| run.group == group).collect()).collect();
    refuse_strangers(&names, &groups)?;
    let (comparisons, missing) = pairs::comparisons(&names, &groups, cost, &comparing)?;
    let mut remarks: Vec<String> = gold.warning().into_iter().chain(gold.remarks.clone()).chain(missing).collect();
    let rules = Rules { sizes: &arguments.k, cost, resampling, comparing };
    let most = runs.iter().map(|run| cost.of(&run.spent)).fold(0.0, f64::max);
    let (mut curves, mut paths, mut fronts) = (Vec::new(), Vec::new(), Vec::new());
    for (name, runs) in names.iter().zip(&groups) {
        match scaling(name, runs, &rules)? {
            Ok(curve) => curves.push(curve),
            Err(remark) => remarks.push(remark),
        }
        paths.push(paths::path(name, runs, (cost, most), confidence)?);
    }
    let sides: Vec<(&str, &[&Scored])> = names.iter().copied().zip(groups.iter().map(Vec::as_slice)).collect();
    let leads = sides.iter().skip(1).map(|other| paths::lead([sides[0], *other], (cost, most), confidence));
    let leads = leads.collect::<Result<Vec<_>>>()?;
    for unit in CostWord::ALL {
        fronts.extend(paths::front(&names, &groups, unit, confidence)?);
    }
    let mut report = Report {
        version: 1,
        program: program(),
        seed,
        confidence,
        cost: cost.word(),
        proxy: arguments.proxy.clone(),
        gold,
        groups: found.groups.clone(),
        left_out: found.left_out.clone(),
        answers: Vec::new(),
        remarks,
        scaling: curves,
        paths,
        leads,
        fronts,
        comparisons,
        choices: names.iter().zip(&groups).flat_map(|(name, runs)| choices(name, runs, cost)).collect(),
    };
    report.answers = answers::answers(&report);
    Ok(report)
}

/// Refuses groups of which no two were asked the same.
fn refuse_strangers(names: &[&str], groups: &[Vec<&Scored>]) -> Result<()> {
    let mut seen = BTreeMap::new();
    let mut requests =
        groups.iter().enumerate().flat_map(|(place, runs)| runs.iter().map(move |run| (place, &run.request)));
    let is_shared = requests.any(|(place, request)| *seen.entry(request).or_insert(place) != place);
    if groups.len() < 2 || is_shared {
        return Ok(());
    }
    let misuse = Misuse::new(format!("no two of the groups {} have a common request", names.join(", ")));
    Err(misuse
        .hint("requests are common where source, instruction, mask and size are equal; study each group by itself")
        .into())
}

/// What a group chose in the end, request by request.
fn choices(name: &str, runs: &[&Scored], cost: CostWord) -> Vec<Choice> {
    let golds = paths::golds(runs, cost, None);
    let mut by_request: BTreeMap<&str, Vec<&Scored>> = BTreeMap::new();
    for run in runs {
        by_request.entry(&run.request).or_default().push(run);
    }
    let choice = |(request, runs): (&str, Vec<&Scored>)| {
        let spent = runs.iter().map(|run| cost.of(&run.spent)).sum::<f64>() / runs.len() as f64;
        let (group, label) = (name.to_owned(), runs.first()?.label.clone());
        Some(Choice { group, request: label, runs: runs.len(), gold: *golds.get(request)?, spent })
    };
    by_request.into_iter().filter_map(choice).collect()
}
