//! Where the saving stops: one figure of the world changed at a time.

use serde_json::json;

use super::savings::{GUARDED, Requests, SWEPT, difference, priced, share};
use crate::output::{Sheet, rounded};
use crate::world::Setting;

/// A figure of the world that is changed: its name, its values, and how it is set.
type Axis = (&'static str, &'static [f64], fn(&mut Setting, f64));

const AXES: &[Axis] = &[
    ("preview correlation at the last checkpoint", &[0.2, 0.4, 0.6, 0.8, 0.9], |world, last| {
        world.preview_correlation = [last * 0.625, last];
    }),
    ("share of the steps before the last preview", &[0.16, 0.32, 0.48, 0.64], |world, share| {
        let late = (share * f64::from(crate::world::setting::STEPS)).round() as u32;
        world.checkpoints = [late / 2, late];
    }),
    ("price of a judgement, in edits", &[0.0, 0.05, 0.1, 0.2, 0.4], |world, price| world.judge_price = price),
    ("spread of difficulty", &[0.0, 0.3, 0.6, 0.9], |world, spread| world.difficulty = spread),
    ("share of candidates that exploit the judge", &[0.0, 0.006, 0.02], |world, share| {
        (world.hacks, world.odd) = (share, 2.0 * share);
    }),
    ("noise of the judge", &[0.0, 0.5, 1.0], |world, noise| world.noise = noise),
];

/// The cost shares of these policies in worlds that differ from the study's in one figure.
pub fn study(world: &Setting, requests: Requests) -> anyhow::Result<Sheet> {
    let mut sheet = Sheet {
        name: "sweep",
        caption: format!(
            "Cost at the gold of best-of-32 as a share of its cost, one figure of the world changed at a time; dials turned \
             anew in each world on {} development requests, figures of {} others. Both sides choose by the {}",
            requests.development, requests.reported, GUARDED.name
        ),
        columns: vec![
            "figure",
            "value",
            "policy",
            "cost_share",
            "share_low",
            "share_high",
            "gold_difference",
            "difference_low",
            "difference_high",
            "reaches",
        ],
        rows: Vec::new(),
    };
    for (figure, values, set) in AXES {
        for value in *values {
            let mut changed = *world;
            set(&mut changed, *value);
            let (reference, priced) = priced(&changed, SWEPT, GUARDED, requests)?;
            for policy in priced {
                let (cost, gold) = (share(&policy.measured, &reference)?, difference(&policy.measured, &reference)?);
                let cells = [json!(figure), json!(value), json!(policy.name)];
                let numbers = [cost.mean, cost.low, cost.high, gold.mean, gold.low, gold.high].map(rounded);
                let reaches = json!(if policy.reaches { "yes" } else { "no" });
                sheet.rows.push(cells.into_iter().chain(numbers).chain([reaches]).collect());
            }
        }
    }
    Ok(sheet)
}
