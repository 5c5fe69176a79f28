//! Tables of metrics.

use editscale_page::{Column, Table, count, note};
use maud::{Markup, html};

use super::lines::{digits, probability, range, value, without_empty, without_interval};
use crate::measures::{
    Estimate, JudgeMeasures, Metric, PAIRS_WITH_OTHERS, PREFERRED_BY_JUDGE, PREFERRED_BY_PEOPLE, Printed, RandomLevel,
    Section,
};

/// All metrics of some sections, without columns that would be empty; below it, why some have no interval.
pub(super) fn metrics<'a>(caption: &str, sections: impl Iterator<Item = &'a Section>) -> Markup {
    let metrics = sections.flat_map(|section| section.metrics.iter().map(move |metric| (section, metric)));
    let named: Vec<_> =
        metrics.map(|(section, metric)| (format!("{}: {}", section.name, metric.name), metric)).collect();
    let titles =
        ["Metric", "n", "sources", "published", "interval", "right", "interval", "random", "p", "unjudged wrong"];
    let mut rows = vec![titles.map(str::to_owned).to_vec()];
    rows.extend(named.iter().map(|(name, metric)| std::iter::once(name.clone()).chain(row(metric)).collect()));
    let mut rows = without_empty(&rows).into_iter();
    let titles = rows.next().unwrap_or_default().into_iter().enumerate();
    let columns = titles.map(|(place, title)| if place == 0 { Column::text(title) } else { Column::number(title) });
    let mut table = Table::new(caption, columns.collect());
    rows.for_each(|row| table.push(row));
    let reasons = without_interval(named.iter().map(|(name, metric)| (name.clone(), *metric)));
    html! { (table) @for reason in reasons { (note(format!("{reason}."))) } }
}

fn row(metric: &Metric) -> [String; 9] {
    let (published, right) = (metric.published.as_ref(), metric.right.as_ref());
    let value_of = |estimate: Option<&Estimate>| estimate.map_or_else(String::new, |each| value(each.value));
    let interval_of = |estimate: Option<&Estimate>| range(estimate.and_then(|each| each.interval));
    let main = right.or(published);
    let level = main.and_then(|estimate| estimate.random);
    [
        format!("{} {}", count(metric.n), metric.unit),
        count(metric.clusters as u64),
        value_of(published),
        interval_of(published),
        value_of(right),
        interval_of(right),
        level.map_or_else(String::new, random),
        probability(level.and_then(|level| level.p_value)),
        main.map_or_else(String::new, |estimate| value(estimate.unjudged_wrong)),
    ]
}

/// A level of random scores: exact, or with its standard error.
pub(super) fn random(level: RandomLevel) -> String {
    let value = digits(level.value);
    if level.is_exact { value } else { format!("{value} ± {:.3}", level.error) }
}

/// Editing models: what people and the judge prefer.
pub(super) fn models(judge: &JudgeMeasures) -> Table {
    let columns = vec![
        Column::text("Editing model"),
        Column::number("pairs"),
        Column::number("decided by people"),
        Column::number("preferred by people"),
        Column::number("preferred by the judge"),
        Column::number("judge less people"),
    ];
    let caption =
        "In what share of all its pairs with other models each editing model's edit is preferred, ties counting half.";
    let mut table = Table::new(caption, columns);
    model_rows(judge).into_iter().for_each(|row| table.push(row));
    table
}

/// Name, pairs with other models, those of them that people decided, the two shares of all pairs, and their difference.
pub(super) fn model_rows(judge: &JudgeMeasures) -> Vec<[String; 6]> {
    let metrics = judge.sections.iter().filter_map(|section| Some((section, section.metrics.first()?)));
    let rows = metrics.filter_map(|(section, metric)| {
        let fact = |name: &str| metric.facts.get(name).copied();
        let (people, own) = (fact(PREFERRED_BY_PEOPLE)?, fact(PREFERRED_BY_JUDGE)?);
        let name = section.name.strip_prefix("model ").unwrap_or(&section.name).to_owned();
        let pairs = fact(PAIRS_WITH_OTHERS).map_or_else(String::new, |pairs| count(pairs as u64));
        Some([name, pairs, count(metric.n), digits(people), digits(own), digits(own - people)])
    });
    rows.collect()
}

/// Numbers that others printed, in per cent.
pub(super) fn printed(printed: &Printed) -> Table {
    let columns = std::iter::once(Column::text("Judge")).chain(printed.columns.iter().map(Column::number)).collect();
    let mut table = Table::new(printed.source.clone(), columns);
    for row in &printed.rows {
        let values = row.values.iter().map(|value| value.map_or_else(String::new, |value| format!("{value:.2}")));
        table.push(std::iter::once(row.judge.clone()).chain(values));
    }
    table
}
