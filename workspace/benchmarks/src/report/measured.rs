//! A judge held against people: sections of a page, and lines of text.

use std::collections::BTreeMap;

use editscale_page::plot::{Axis, Estimate as Row, Forest, Mark};
use editscale_page::{count, fact, facts, folded, note, section};
use maud::{Markup, html};

use super::lines::{columns, digits, range, value, without_empty, without_interval};
use super::tables;
use crate::measures::{Coverage, JudgeMeasures, Measured, Metric, Section, SectionKind, Speed};

/// What the published values are, where there are any.
const READING_PUBLISHED: &str =
    "Published: as the published code computes it, quirks included. Right: as it should be.";

/// How a table or a plot of metrics is read.
const READING: &str = "Right: what is tuned is held out. Intervals resample sources, not pairs. Random: what scores without skill \
    reach on these groups and ties, exactly or with the standard error of the simulation; p is the probability that such scores \
    reach the value. Unjudged wrong: the value if everything that could not be judged counted as wrong.";

/// The sections of the page.
pub(super) fn sections(measured: &Measured) -> Vec<Markup> {
    let (mut sections, score) = (Vec::new(), measured.score());
    sections.extend(score.map(|score| section("score", "The score against people", of_score(score))));
    sections.push(section("coverage", "What was judged", coverage(measured)));
    sections.extend(score.map(breakdown).unwrap_or_default());
    if measured.judges.len() > 1 {
        sections.push(section("numbers", "Other numbers of the judge", of_others(measured)));
    }
    if let Some(printed) = &measured.printed {
        let remarks = html! { @for remark in &printed.remarks { p { (remark) } } };
        let table = tables::printed(printed);
        let content = html! {
            (note("Facts to look at, from other machines, sets and judges; nothing here is held against them.")) (remarks) (table)
        };
        sections.push(section("printed", "Printed numbers", content));
    }
    sections
}

fn coverage(measured: &Measured) -> Markup {
    let Coverage { cases, judged, unreadable, tied, .. } = measured.coverage;
    let of = |part: usize, all: usize| format!("{} of {}", count(part as u64), count(all as u64));
    let rules = &measured.rules;
    let mut tiles = vec![
        fact("Benchmark", measured.preset.name()),
        fact("Cases judged", of(judged, cases)),
        fact("Edits scored", scored(&measured.coverage)),
        fact("Cases with ties of people", count(tied as u64)),
        fact("Rankings not readable", count(unreadable as u64)),
        fact("Confidence", format!("{} %", rules.confidence * 100.0)),
        fact("Resamples", count(u64::from(rules.resamples))),
        fact("Folds", count(rules.folds as u64)),
        fact("Seed", rules.seed.to_string()),
    ];
    if let Some(speed) = &measured.speed {
        tiles.push(fact("Seconds an edit", seconds(speed)));
    }
    html! { (facts(&tiles)) @if judged < cases { (note("Metrics are of what could be judged; beside each stands its value if the rest counted as wrong.")) } }
}

/// How many edits have a score: places where edits stand, and how many different ones these are where some stand in several.
fn scored(coverage: &Coverage) -> String {
    let Coverage { edits, scored, different_edits, .. } = *coverage;
    let of = format!("{} of {}", count(scored as u64), count(edits as u64));
    if different_edits == edits {
        of
    } else {
        format!("{of} places, {} different edits", count(different_edits as u64))
    }
}

fn seconds(speed: &Speed) -> String {
    let Speed { edits, mean, median, ninety, ninety_nine, greatest, .. } = *speed;
    format!(
        "mean {}, median {}, 90 % {}, 99 % {}, most {} ({} edits timed, each once)",
        digits(mean),
        digits(median),
        digits(ninety),
        digits(ninety_nine),
        digits(greatest),
        count(edits as u64)
    )
}

fn is_main(section: &Section) -> bool {
    matches!(section.kind, SectionKind::All | SectionKind::Candidates)
}

/// Whether published code computes any of the metrics.
fn has_published(judge: &JudgeMeasures) -> bool {
    judge.sections.iter().flat_map(|section| &section.metrics).any(|metric| metric.published.is_some())
}

fn is_correlation(metric: &Metric) -> bool {
    metric.name.contains("spearman") || metric.name.contains("tau")
}

fn of_score(score: &JudgeMeasures) -> Markup {
    let main = || score.sections.iter().filter(|section| is_main(section));
    let has_published = has_published(score);
    let reasons_title = if has_published { "Why published and right values differ" } else { "What the metrics say" };
    html! {
        @if has_published { (note(READING_PUBLISHED)) }
        (note(READING))
        @for drawn in [false, true].into_iter().filter_map(|correlations| plot(main(), correlations)) { (drawn) }
        (tables::metrics("All metrics of the score.", main()))
        (folded(reasons_title, reasons(main())))
        (folded("Thresholds and other facts", facts_of(main())))
    }
}

/// What a metric is called in a plot, short enough to stand there whole.
fn label(section: &Section, metric: &Metric) -> String {
    let metric = metric.name.replace('_', " ");
    match (section.kind, section.name.strip_suffix(" candidates")) {
        (SectionKind::All, _) => metric,
        (_, Some(size)) => format!("{metric}, of {size}"),
        (_, None) => format!("{metric}, {}", section.name),
    }
}

/// The forest plot of accuracies, or of correlations, with what is published and what is random beside them.
fn plot<'a>(sections: impl Iterator<Item = &'a Section>, correlations: bool) -> Option<Markup> {
    let metrics = sections.flat_map(|section| section.metrics.iter().map(move |metric| (section, metric)));
    let rows = metrics.filter(|(_, metric)| is_correlation(metric) == correlations).filter_map(|(section, metric)| {
        let main = metric.right.as_ref().or(metric.published.as_ref())?;
        let published = metric.published.as_ref().and_then(|estimate| estimate.value);
        let published = published.map(|value| Mark::new("as published", value));
        let random = main.random.map(|random| Mark::new("random scores", random.value));
        Some(Row {
            name: label(section, metric),
            value: main.value,
            interval: main.interval.map(|range| [range.low, range.high]),
            // Random scores come first in every plot, so that they look the same in all.
            marks: random.into_iter().chain(published).collect(),
        })
    });
    let rows: Vec<Row> = rows.collect();
    let (title, alt, caption) = if correlations {
        (
            "rank correlation",
            "Rank correlations with people, with intervals",
            "How far the judge orders edits as people do: 1 wholly, 0 not at all.",
        )
    } else {
        (
            "accuracy",
            "Accuracies against people, with intervals",
            "How often the judge is right, with intervals over sources.",
        )
    };
    let forest = Forest {
        alt: alt.to_owned(),
        x: Axis::linear(title).showing([0.0, 1.0]),
        points: "right value".to_owned(),
        rows,
        references: Vec::new(),
    };
    (!forest.rows.is_empty()).then(|| forest.draw().figure(caption))
}

/// What each metric says and why its two values differ, each once.
fn reasons<'a>(sections: impl Iterator<Item = &'a Section>) -> Markup {
    let metrics = sections.flat_map(|section| &section.metrics);
    let reasons: BTreeMap<&str, &Metric> = metrics.map(|metric| (&*metric.name, metric)).collect();
    html! { dl { @for metric in reasons.values() { dt { code { (metric.name) } } dd { (metric.says) " " (metric.differs) } } } }
}

fn facts_of<'a>(sections: impl Iterator<Item = &'a Section>) -> Markup {
    let metrics = sections.flat_map(|section| section.metrics.iter().map(move |metric| (section, metric)));
    let facts = metrics
        .flat_map(|(section, metric)| metric.facts.iter().map(move |(name, value)| (section, metric, name, value)));
    html! { ul { @for (section, metric, name, value) in facts { li { (section.name) ", " (metric.name) ": " (name) " " (digits(*value)) } } } }
}

fn breakdown(score: &JudgeMeasures) -> Vec<Markup> {
    let of = |kind: SectionKind| score.sections.iter().filter(move |section| section.kind == kind);
    let mut found = Vec::new();
    if of(SectionKind::Dataset).next().is_some() {
        let table = tables::metrics("Metrics of the score, by collection of pictures.", of(SectionKind::Dataset));
        found.push(section("collections", "By collection", table));
    }
    if of(SectionKind::Model).next().is_some() {
        let models = tables::models(score);
        let metrics = tables::metrics("Metrics of the score, by editing model.", of(SectionKind::Model));
        let content = html! { @if !models.rows.is_empty() { (models) } (metrics) };
        found.push(section("models", "By editing model", content));
    }
    found
}

/// The right value of the first metrics, one row a number of the judge.
fn of_others(measured: &Measured) -> Markup {
    let whole = |judge: &JudgeMeasures| {
        judge.sections.iter().filter(|section| section.kind == SectionKind::All).cloned().collect::<Vec<_>>()
    };
    html! {
        @if measured.score().is_some_and(has_published) { (note("The published code looks at one number only.")) }
        (note("Each reward, each part and the score less doubt is a judge of its own."))
        @for (title, name) in leading(measured) { (against_each_other(measured, &title, &name)) }
        @for judge in measured.judges.iter().skip(1) {
            (folded(&judge.said.name(), tables::metrics(&format!("Metrics of {}.", judge.said.name()), whole(judge).iter())))
        }
    }
}

/// The sections of everything, and the metric of each that numbers of a judge are held against each other by.
fn leading(measured: &Measured) -> Vec<(String, String)> {
    let all = measured
        .judges
        .iter()
        .take(1)
        .flat_map(|judge| &judge.sections)
        .filter(|section| section.kind == SectionKind::All);
    let telling = |section: &Section| {
        section
            .metrics
            .iter()
            .find(|metric| metric.name == "accuracy_without_ties")
            .or(section.metrics.first())
            .map(|metric| metric.name.clone())
    };
    all.filter_map(|section| Some((section.name.clone(), telling(section)?))).collect()
}

fn against_each_other(measured: &Measured, section: &str, name: &str) -> Markup {
    let rows = measured.judges.iter().filter_map(|judge| {
        let metric = judge.metric(section, name)?;
        let right = metric.right.as_ref()?;
        let random = right.random.map(|random| Mark::new("random scores", random.value));
        let interval = right.interval.map(|range| [range.low, range.high]);
        Some(Row { name: judge.said.name(), value: right.value, interval, marks: random.into_iter().collect() })
    });
    let title = format!("{}, {section}", name.replace('_', " "));
    let alt = format!("{title} of every number of the judge, with intervals");
    let forest = Forest {
        alt,
        x: Axis::linear(&*title),
        points: "right value".to_owned(),
        rows: rows.collect(),
        references: Vec::new(),
    };
    forest.draw().figure("")
}

/// The lines of text: all of the score but breakdowns, and of the other numbers the whole.
pub(super) fn text(measured: &Measured) -> String {
    let Coverage { cases, judged, .. } = measured.coverage;
    let (name, scored) = (measured.preset.name(), scored(&measured.coverage));
    let mut text = vec![format!("{name}: {judged} of {cases} cases judged; edits scored: {scored}\n")];
    let percent = measured.rules.confidence * 100.0;
    let title = ["", "n", "published", "right", "interval", "random", "unjudged wrong"];
    for (place, judge) in measured.judges.iter().enumerate() {
        let is_shown =
            |section: &&Section| if place == 0 { is_main(section) } else { section.kind == SectionKind::All };
        for section in judge.sections.iter().filter(is_shown) {
            let mut rows = vec![title.map(str::to_owned).to_vec()];
            rows.extend(section.metrics.iter().map(line));
            let table = columns(&without_empty(&rows));
            text.push(format!("\n{}: {}\n{table}", judge.said.name(), section.name));
            let reasons = without_interval(section.metrics.iter().map(|metric| (metric.name.clone(), metric)));
            text.extend(reasons.into_iter().map(|reason| format!("  {reason}\n")));
        }
    }
    text.extend(measured.score().and_then(models));
    if let Some(speed) = &measured.speed {
        text.push(format!("\nseconds an edit: {}\n", seconds(speed)));
    }
    let rules = &measured.rules;
    text.push(format!(
        "\nintervals: {percent} %, {} resamples of sources, seed {}; random: = exact, else simulated\n",
        rules.resamples, rules.seed
    ));
    text.concat()
}

/// What people and the judge prefer by editing model.
fn models(score: &JudgeMeasures) -> Option<String> {
    let models = tables::model_rows(score);
    let title = ["", "pairs", "decided by people", "preferred by people", "by the judge", "judge less people"];
    let rows: Vec<_> = std::iter::once(title.map(str::to_owned)).chain(models).map(|row| row.to_vec()).collect();
    (rows.len() > 1).then(|| format!("\nscore: by editing model, shares of all pairs, ties half\n{}", columns(&rows)))
}

fn line(metric: &Metric) -> Vec<String> {
    let main = metric.right.as_ref().or(metric.published.as_ref());
    let random = main.and_then(|estimate| estimate.random).map_or_else(String::new, |random| {
        let sign = if random.is_exact { "=" } else { "" };
        format!("{sign}{}", digits(random.value))
    });
    vec![
        metric.name.clone(),
        format!("{} {}", metric.n, metric.unit),
        metric.published.as_ref().map_or_else(String::new, |estimate| value(estimate.value)),
        metric.right.as_ref().map_or_else(String::new, |estimate| value(estimate.value)),
        range(main.and_then(|estimate| estimate.interval)),
        random,
        main.map_or_else(String::new, |estimate| value(estimate.unjudged_wrong)),
    ]
}
