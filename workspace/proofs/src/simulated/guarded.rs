//! Whether guarded selection's gold holds where that of raw best-of-N falls.

use editscale_page::plot::{Axis, Line, LinePoint, Lines};
use serde_json::json;

use super::{Measured, Seeds, interval, measure};
use crate::output::{Plot, Sheet, rounded};
use crate::recipes::Named;
use crate::world::Setting;

/// Candidates a request.
const COUNTS: [u32; 8] = [1, 2, 4, 8, 16, 32, 64, 128];

/// The ways to choose: a name, and the recipe of so many candidates.
type Rule = (&'static str, fn(u32) -> String);

const RULES: &[Rule] = &[
    ("raw", |count| format!("search: {{best_of_n: {{samples: {count}}}}}")),
    ("lower bound, κ = 1", |count| bound(1.0, count)),
    ("lower bound, κ = 2", |count| bound(2.0, count)),
    ("soft, 4 share the weight", |count| select("soft: {target_ess: 4}", count)),
    ("pessimistic, β = 1 deviation", |count| select("pessimistic: {}", count)),
    ("regularised, β = 1 deviation", |count| select("regularised: {}", count)),
    ("regularised, β = 4 deviations", |count| select("regularised: {relative_strength: 4.0}", count)),
];

fn bound(kappa: f64, count: u32) -> String {
    format!("combine: {{lower_bound: {{kappa: {kappa}}}}}\nsearch: {{best_of_n: {{samples: {count}}}}}")
}

fn select(how: &str, count: u32) -> String {
    format!("search: {{best_of_n: {{samples: {count}}}}}\nselect: {{{how}}}")
}

/// Curves of gold over the number of candidates, for each way to choose.
pub fn study(setting: &Setting, requests: u64) -> anyhow::Result<(Sheet, Plot)> {
    let mut sheet = Sheet {
        name: "guarded-selection",
        caption: format!(
            "Gold and proxy of the chosen candidate against the number of candidates, {requests} requests, 95% intervals over \
             requests; `against_peak` is the mean difference to the best smaller count"
        ),
        columns: vec![
            "rule",
            "candidates",
            "gold",
            "low",
            "high",
            "proxy",
            "hacking_gap",
            "against_peak",
            "peak_low",
            "peak_high",
        ],
        rows: Vec::new(),
    };
    let mut lines = Vec::new();
    for (name, recipe) in RULES {
        let curve = curve(setting, (name, *recipe), requests)?;
        lines.push(line(name, &curve)?);
        rows(name, &curve, &mut sheet)?;
    }
    let drawn = Lines {
        alt: "Gold of the chosen candidate against the number of candidates, for each way to choose".to_owned(),
        x: Axis::log("candidates"),
        y: Axis::linear("mean gold"),
        lines,
        marks: Vec::new(),
    };
    let caption = "Raw best-of-N rises, peaks and falls; a guarded choice holds. Bands: 95% intervals.".to_owned();
    Ok((sheet, Plot { name: "guarded-selection", caption, drawn: drawn.draw() }))
}

fn curve(setting: &Setting, (name, recipe): Rule, requests: u64) -> anyhow::Result<Vec<Measured>> {
    let one = |count: &u32| {
        let policy = Named::simulated(name, &recipe(*count))?;
        measure(setting, &*policy.factory, (Seeds::Reported, requests))
    };
    COUNTS.iter().map(one).collect()
}

fn line(name: &str, curve: &[Measured]) -> anyhow::Result<Line> {
    let point = |(count, measured): (&u32, &Measured)| {
        let found = interval(&measured.each(|outcome| outcome.gold))?;
        Ok(LinePoint { x: f64::from(*count), y: found.mean, band: Some([found.low, found.high]) })
    };
    let points = COUNTS.iter().zip(curve).map(point).collect::<anyhow::Result<_>>()?;
    Ok(Line { name: name.to_owned(), points, is_dashed: false })
}

fn rows(name: &str, curve: &[Measured], sheet: &mut Sheet) -> anyhow::Result<()> {
    let gold = |measured: &Measured| measured.mean(|outcome| outcome.gold);
    let first = curve.first().map(|measured| (gold(measured), measured.mean(|outcome| outcome.proxy)));
    for (place, (count, measured)) in COUNTS.iter().zip(curve).enumerate() {
        let golds = measured.each(|outcome| outcome.gold);
        let found = interval(&golds)?;
        let proxy = measured.mean(|outcome| outcome.proxy);
        let gap = first.map_or(0.0, |(gold, before)| (proxy - before) - (found.mean - gold));
        let peak = curve[..place].iter().max_by(|one, other| gold(one).total_cmp(&gold(other)));
        let against = peak.map(|peak| {
            let differences: Vec<f64> = golds.iter().zip(&peak.0).map(|(gold, peak)| gold - peak.gold).collect();
            interval(&differences)
        });
        let [mean, low, high] = match against.transpose()? {
            Some(found) => [found.mean, found.low, found.high],
            None => [f64::NAN; 3],
        };
        let numbers = [found.mean, found.low, found.high, proxy, gap, mean, low, high].map(rounded);
        sheet.rows.push([json!(name), json!(count)].into_iter().chain(numbers).collect());
    }
    Ok(())
}
