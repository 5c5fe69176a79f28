//! What is told of a benchmark: lines for people, one object for programs, and the files of `--out`.

use std::path::Path;

use anyhow::Result;
use editscale_benchmarks::layouts::Preset;
use editscale_benchmarks::measures::{Agreement, Estimate, Measured, Metric, Position, Printed, Range, Section};
use editscale_benchmarks::{JudgedHead, Shared};
use editscale_engine::write_whole;
use editscale_rollout::RowProblem;
use serde_json::{Map, Value, json};

use super::preset::{print_all, told};
use crate::failure::print;

/// Rows that could not be used, and pictures that are shared, are listed in files up to here, and counted beyond.
const MOST_LISTED: usize = 1_000;
/// The same for people.
const MOST_SHOWN: usize = 20;

/// All that is known of a measured benchmark.
pub(super) struct Facts<'a> {
    head: &'a JudgedHead,
    measured: &'a Measured,
    pub(super) described: Vec<String>,
    pub(super) passed_over: Vec<String>,
    pub(super) unreadable: Vec<RowProblem>,
    /// Pictures that other data holds too; nothing where none was named.
    pub(super) shared: Option<Vec<Shared>>,
}

impl<'a> Facts<'a> {
    pub(super) fn of(head: &'a JudgedHead, measured: &'a Measured) -> Self {
        let (described, passed_over, unreadable) = (Vec::new(), Vec::new(), Vec::new());
        Self { head, measured, described, passed_over, unreadable, shared: None }
    }

    /// The measures with what they were made of beside them.
    fn object(&self) -> Result<Value> {
        let mut object = match serde_json::to_value(self.measured)? {
            Value::Object(fields) => fields,
            other => Map::from_iter([("measured".to_owned(), other)]),
        };
        let place = |problem: &RowProblem| json!({"place": problem.place, "reason": problem.reason});
        let rows: Vec<Value> = self.unreadable.iter().take(MOST_LISTED).map(place).collect();
        let data = json!({
            "fingerprint": self.head.fingerprint,
            "described": self.described,
            "passed_over": self.passed_over,
            "unreadable": {"count": self.unreadable.len(), "rows": rows},
        });
        object.insert("data".to_owned(), data);
        object.insert("rewards".to_owned(), serde_json::to_value(&self.head.rewards)?);
        object.insert("objective".to_owned(), json!(self.head.objective));
        if let Some(shared) = &self.shared {
            let listed: Vec<&Shared> = shared.iter().take(MOST_LISTED).collect();
            object.insert("shared".to_owned(), json!({"count": shared.len(), "pictures": listed}));
        }
        Ok(Value::Object(object))
    }

    fn lines(&self) -> Vec<String> {
        let measured = self.measured;
        let published = measured.preset.published();
        let title = if is_own(measured.preset) {
            published.title.to_owned()
        } else {
            format!("{} ({})", published.title, published.at)
        };
        let mut lines = vec![title];
        lines.extend(told(&self.head.rewards));
        let coverage = &measured.coverage;
        let (cases, judged, edits, scored) = (coverage.cases, coverage.judged, coverage.edits, coverage.scored);
        lines.push(format!("{judged} of {cases} cases judged, {scored} of {edits} edits; {} with ties", coverage.tied));
        if coverage.unreadable > 0 {
            lines.push(format!("{} cases have an order of people that cannot be read", coverage.unreadable));
        }
        if !self.unreadable.is_empty() {
            lines.push(format!("{} rows or groups could not be used", self.unreadable.len()));
        }
        if let Some(judge) = measured.score() {
            judge.sections.iter().for_each(|section| lines.extend(section_lines(section)));
        }
        if let Some(speed) = &measured.speed {
            let (mean, median, ninety) = (speed.mean, speed.median, speed.ninety);
            lines.push(format!("\nseconds an edit: mean {mean:.4}, median {median:.4}, nine of ten below {ninety:.4}"));
        }
        lines.extend(measured.printed.as_ref().map(printed_lines).unwrap_or_default());
        lines.extend(self.shared.as_ref().map(|shared| shared_lines(shared)).unwrap_or_default());
        lines
    }
}

fn is_own(preset: Preset) -> bool {
    matches!(preset, Preset::Pairs | Preset::Ratings)
}

/// Writes `bench.json` and `report.html`.
pub(super) fn write(out: &Path, facts: &Facts<'_>) -> Result<()> {
    let text = serde_json::to_string_pretty(&facts.object()?)? + "\n";
    Ok(write_whole(&out.join("bench.json"), text.as_bytes())?)
}

/// Prints what was measured.
pub(super) fn show(facts: &Facts<'_>, as_json: bool) -> Result<()> {
    if as_json {
        return print(&serde_json::to_string_pretty(&facts.object()?)?);
    }
    print_all(&facts.lines())
}

fn section_lines(section: &Section) -> Vec<String> {
    let mut lines = vec![String::new(), section.name.clone()];
    lines.push(format!("  {:<34} {:>28} {:>28} {:>10}", "", "as published", "as it should be", "random"));
    lines.extend(section.metrics.iter().map(metric_line));
    lines
}

fn metric_line(metric: &Metric) -> String {
    let random =
        |estimate: &Option<Estimate>| estimate.as_ref().and_then(|estimate| estimate.random).map(|random| random.value);
    let random = random(&metric.right).or_else(|| random(&metric.published));
    format!(
        "  {:<34} {:>28} {:>28} {:>10}  {} {}",
        metric.name,
        estimate(metric.published.as_ref()),
        estimate(metric.right.as_ref()),
        random.map_or("-".to_owned(), |random| format!("{random:.4}")),
        metric.n,
        metric.unit,
    )
}

fn estimate(estimate: Option<&Estimate>) -> String {
    let Some(estimate) = estimate else { return "-".to_owned() };
    let Some(value) = estimate.value else { return "not defined".to_owned() };
    format!("{value:.4}{}", range(estimate.interval.as_ref()))
}

fn range(range: Option<&Range>) -> String {
    range.map_or(String::new(), |range| format!(" [{:.4}, {:.4}]", range.low, range.high))
}

fn printed_lines(printed: &Printed) -> Vec<String> {
    let mut lines =
        vec![format!("\nprinted elsewhere, in per cent ({}): {}", printed.source, printed.columns.join(", "))];
    for row in &printed.rows {
        let value = |value: &Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.2}"));
        lines.push(format!("  {:<30} {}", row.judge, row.values.iter().map(value).collect::<Vec<_>>().join("  ")));
    }
    lines.extend(printed.remarks.iter().map(|remark| format!("  {remark}")));
    lines
}

fn shared_lines(shared: &[Shared]) -> Vec<String> {
    if shared.is_empty() {
        return vec!["\nno picture of the benchmark is in the other data".to_owned()];
    }
    let mut lines = vec![format!("\n{} pictures of the benchmark are in the other data too:", shared.len())];
    for each in shared.iter().take(MOST_SHOWN) {
        let how =
            if each.is_same_file { "the same file".to_owned() } else { format!("{} bits of 64 differ", each.distance) };
        lines.push(format!("  {}: {} ({how})", each.benchmark, each.data));
    }
    if shared.len() > MOST_SHOWN {
        lines.push(format!("  and {} more", shared.len() - MOST_SHOWN));
    }
    lines
}

fn number(value: Option<f64>) -> String {
    value.map_or("not defined".to_owned(), |value| format!("{value:.4}"))
}

/// How far two judges agree.
pub(super) fn agreement_lines([first, second]: [&str; 2], agreement: &Agreement) -> Vec<String> {
    let mut lines = vec![format!("{first} and {second}: {} cases, {} left out", agreement.cases, agreement.left_out)];
    if let Some(pairs) = &agreement.pairs {
        let interval = range(pairs.interval.as_ref());
        lines.push(format!(
            "{} pairs of {} sources: the same verdict {:.4}{interval}",
            pairs.pairs, pairs.sources, pairs.observed
        ));
        let (kappa, weighted) = (number(pairs.kappa), number(pairs.weighted_kappa));
        lines.push(format!("  Cohen's kappa {kappa}, with half agreement for ties {weighted}"));
    }
    if let Some(scores) = &agreement.scores {
        let (rho, interval) = (number(scores.spearman), range(scores.interval.as_ref()));
        lines.push(format!(
            "{} edits: Spearman {rho}{interval}, Kendall tau-b {}",
            scores.edits,
            number(scores.kendall_tau_b)
        ));
        lines.push(format!(
            "  within sources: Spearman {}, tau-b {}",
            number(scores.spearman_within),
            number(scores.tau_within)
        ));
    }
    for contest in &agreement.contests {
        let interval = range(contest.interval.as_ref());
        lines.push(format!(
            "nearer to people by {}: {:.4} and {:.4}, difference {:+.4}{interval} ({} compared)",
            contest.metric, contest.first, contest.second, contest.difference, contest.n
        ));
    }
    if !agreement.differences.is_empty() {
        lines.push("they differ most in:".to_owned());
    }
    lines.extend(agreement.differences.iter().take(MOST_SHOWN).map(|each| {
        let people = each.people.as_ref().map_or(String::new(), |people| format!(", people {people}"));
        format!("  {} {}: {:.4} and {:.4}{people}: {}", each.part, each.id, each.first, each.second, each.instruction)
    }));
    lines
}

/// What the order does to a judge.
pub(super) fn position_lines(position: &Position) -> Vec<String> {
    let mut lines =
        vec![format!("{} pairs asked in both orders, {} without an answer", position.pairs, position.failed)];
    let interval = range(position.consistency_interval.as_ref());
    lines.push(format!("the same verdict in both orders: {}{interval}", number(position.consistency)));
    lines.push(format!(
        "first place both times {}, second place both times {}, a tie in one order {}",
        position.first_place, position.second_place, position.half_tied
    ));
    if let Some(bias) = &position.bias {
        let (first, low, high, p) = (bias.first, bias.low, bias.high, bias.p_value);
        lines.push(format!(
            "of verdicts that turned with the order, the first place won {first:.4} [{low:.4}, {high:.4}], p = {p:.4}"
        ));
    }
    if let Some(people) = &position.people {
        let (forward, backward, both) = (people.forward, people.backward, people.both);
        lines.push(format!(
            "right with people on {} pairs: in one order {forward:.4}, in the other {backward:.4}, both together {both:.4}",
            people.pairs
        ));
    }
    lines
}
