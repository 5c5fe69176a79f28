//! A comparison for people, and as JSON.

use serde_json::{Value, json};

use crate::args::BenchParity;
use crate::commands::bench::compared::{Comparison, Measure, RewardComparison};
use crate::commands::bench::sides::{Said, Speed};

/// The roles of the two sides.
const ROLES: [&str; 2] = ["reference", "native"];

/// A comparison in lines.
pub(super) fn lines(comparison: &Comparison<'_>, arguments: &BenchParity) -> Vec<String> {
    let mut lines = vec![format!("{} pairs", comparison.pairs)];
    lines.extend(comparison.unreadable.iter().map(|(names, why)| format!("  cannot be read: {names}: {why}")));
    comparison.rewards.iter().for_each(|reward| lines.extend(reward_lines(reward)));
    match (comparison.largest(), arguments.at_most) {
        (None, _) => lines.push("no pair was scored by both".to_owned()),
        (Some(largest), Some(most)) if largest > most => {
            lines.push(format!("failed: the largest difference is {largest:.6}, expected at most {most}"));
        }
        (Some(_), Some(_)) if comparison.one_sided() > 0 => {
            let times = comparison.one_sided();
            lines.push(format!(
                "failed: {times} scores of one side only, expected each pair to be scored by both or neither"
            ));
        }
        (Some(largest), Some(most)) => {
            lines.push(format!("ok: the largest difference is {largest:.6}, at most {most}"));
        }
        _ => {}
    }
    lines
}

fn reward_lines(reward: &RewardComparison<'_>) -> Vec<String> {
    let [one, other] = reward.sides;
    let title = if one.name == other.name { one.name.clone() } else { format!("{} and {}", one.name, other.name) };
    let mut lines = vec![String::new(), title];
    for (role, said) in ROLES.iter().zip(reward.sides) {
        lines.push(format!("  {role:<9}  {}", said.revision));
    }
    if reward.is_same_and_differs() {
        lines.push(
            "  warning: both have one revision and score differently: it does not tell all that decides a score"
                .to_owned(),
        );
    }
    if !reward.measures.is_empty() {
        lines.push(format!(
            "  {:<16} {:>6} {:>10} {:>10} {:>10} {:>8} {:>8} {:>8}  {}",
            "", "pairs", "largest", "mean", "bias", "Pearson", "Spearman", "tau-b", "same order within a source"
        ));
    }
    lines.extend(reward.measures.iter().map(measure_line));
    if let Some(sigma) = &reward.sigma {
        let (count, distance) = (sigma.count, sigma.distance);
        lines.push(format!(
            "  {:<16} {count:>6} {:>10.6} {:>10.6} {:>10.6}",
            "sigma", distance.largest, distance.mean, distance.bias
        ));
    }
    for (role, parts) in ROLES.iter().zip(&reward.lone_parts).filter(|(_, parts)| !parts.is_empty()) {
        lines.push(format!("  parts of the {role} alone: {}", parts.join(", ")));
    }
    for unscored in &reward.unscored {
        for (role, why) in ROLES.iter().zip(unscored.why) {
            lines.extend(why.map(|why| format!("  not scored by the {role}: {}: {why}", unscored.names)));
        }
    }
    for worst in &reward.worst {
        let [one, other] = worst.scores;
        lines.push(format!("  apart by {:.6}: {}: {one:.6} and {other:.6}", (other - one).abs(), worst.names));
    }
    for (role, said) in ROLES.iter().zip(reward.sides) {
        lines.extend(said.speed.iter().map(|speed| speed_line(role, speed)));
    }
    lines
}

fn measure_line(measure: &Measure) -> String {
    let name = measure.part.as_deref().unwrap_or("score");
    let number = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.4}"));
    let order = measure.order.agreement().map_or("-".to_owned(), |share| {
        let decided = measure.order.same + measure.order.opposite;
        format!("{:.2} % of {decided}", share * 100.0)
    });
    let distance = measure.distance;
    format!(
        "  {name:<16} {:>6} {:>10.6} {:>10.6} {:>10.6} {:>8} {:>8} {:>8}  {order}",
        measure.count,
        distance.largest,
        distance.mean,
        distance.bias,
        number(measure.pearson),
        number(measure.spearman),
        number(measure.kendall)
    )
}

fn speed_line(role: &str, speed: &Speed) -> String {
    let batch = |(size, seconds): &(usize, editscale_study::Spread)| {
        let editscale_study::Spread { least, median, greatest } = *seconds;
        format!(", {median:.4} s a pair at batch {size} ({least:.4} to {greatest:.4})")
    };
    let batches: String = speed.batches.iter().map(batch).collect();
    format!("  {role:<9}  first call {:.3} s{batches}", speed.first_secs)
}

/// A comparison as JSON: see `docs/json.md`.
pub(super) fn object(comparison: &Comparison<'_>, arguments: &BenchParity) -> Value {
    let unreadable = |(names, why): &(&str, &str)| json!({"pair": names, "message": why});
    json!({
        "version": 1,
        "pairs": comparison.pairs,
        "unreadable": comparison.unreadable.iter().map(unreadable).collect::<Vec<_>>(),
        "rewards": comparison.rewards.iter().map(reward).collect::<Vec<_>>(),
        "load_secs": {"reference": comparison.load_secs[0], "native": comparison.load_secs[1]},
        "largest": comparison.largest(),
        "at_most": arguments.at_most,
        "passed": comparison.is_passed(arguments.at_most),
    })
}

fn reward(reward: &RewardComparison<'_>) -> Value {
    let [reference, native] = reward.sides.map(side);
    let unscored = |unscored: &crate::commands::bench::compared::Unscored<'_>| json!({"pair": unscored.names, "reference": unscored.why[0], "native": unscored.why[1]});
    let worst = |worst: &crate::commands::bench::compared::Worst<'_>| json!({"pair": worst.names, "reference": worst.scores[0], "native": worst.scores[1]});
    let (score, parts): (Vec<&Measure>, Vec<&Measure>) =
        reward.measures.iter().partition(|measure| measure.part.is_none());
    let part = |measured: &&Measure| (measured.part.clone().unwrap_or_default(), measure(measured));
    let sigma = reward.sigma.as_ref().map(|sigma| {
        let (count, apart) = (sigma.count, sigma.distance);
        json!({"pairs": count, "largest": apart.largest, "mean": apart.mean, "bias": apart.bias})
    });
    json!({
        "reference": reference,
        "native": native,
        "score": score.first().map(|score| measure(score)),
        "parts": parts.iter().map(part).collect::<serde_json::Map<_, _>>(),
        "lone_parts": {"reference": reward.lone_parts[0], "native": reward.lone_parts[1]},
        "sigma": sigma,
        "same_revision_differs": reward.is_same_and_differs(),
        "unscored": reward.unscored.iter().map(unscored).collect::<Vec<_>>(),
        "worst": reward.worst.iter().map(worst).collect::<Vec<_>>(),
    })
}

fn side(said: &Said) -> Value {
    let batch = |(size, seconds): &(usize, editscale_study::Spread)| json!({"batch": size, "least": seconds.least, "median": seconds.median, "greatest": seconds.greatest});
    let speed = said.speed.as_ref().map(|speed| {
        let batches: Vec<Value> = speed.batches.iter().map(batch).collect();
        json!({"first_call_secs": speed.first_secs, "secs_per_pair": batches})
    });
    json!({"name": said.name, "revision": said.revision, "largest_batch": said.largest_batch, "speed": speed})
}

fn measure(measure: &Measure) -> Value {
    let (distance, order) = (measure.distance, measure.order);
    json!({
        "pairs": measure.count,
        "largest": distance.largest,
        "mean": distance.mean,
        "bias": distance.bias,
        "pearson": measure.pearson,
        "spearman": measure.spearman,
        "kendall_tau_b": measure.kendall,
        "order": {"same": order.same, "opposite": order.opposite, "tied": order.tied, "agreement": order.agreement()},
    })
}
