//! What a study says, in sentences: the first thing on its page.

use editscale_page::three_digits;
use editscale_study::FEWEST;

use super::pairs::Comparison;
use super::report::Report;

/// All that can be said, the most wanted first.
pub(super) fn answers(report: &Report) -> Vec<String> {
    let alpha = 1.0 - report.confidence;
    let ends: Vec<&Comparison> = report.comparisons.iter().filter(|one| one.budget.is_none()).collect();
    let (told, untold): (Vec<&Comparison>, Vec<&Comparison>) = ends.into_iter().partition(|one| one.p_holm <= alpha);
    let mut said: Vec<String> = told.into_iter().map(found).collect();
    let (same, untold): (Vec<&Comparison>, Vec<&Comparison>) =
        untold.into_iter().partition(|one| one.better + one.worse == 0);
    said.extend(same.into_iter().map(|one| {
        format!("{} and {} came to the same gold for each of {} requests.", one.second, one.first, one.requests)
    }));
    let least_p = |one: &Comparison| 2f64.powi(1 - one.requests as i32) * report.comparisons.len() as f64;
    let (few, untold): (Vec<&Comparison>, Vec<&Comparison>) = untold.into_iter().partition(|one| least_p(one) > alpha);
    said.extend(nothing(&untold));
    said.extend(too_few(&few));
    said.extend(report.scaling.iter().filter_map(|scaling| {
        let fall = scaling.fall.filter(|fall| fall.p <= alpha && fall.difference.mean < 0.0)?;
        let (by, p) = (three_digits(-fall.difference.mean), three_digits(fall.p));
        let (group, from, to) = (&scaling.group, fall.from, fall.to);
        Some(format!("With {group}, the best of {to} by proxy has {by} less gold than the best of {from} (p = {p})."))
    }));
    said.extend(spent(report));
    said.extend(without_intervals(report));
    said
}

/// Which groups are too small for intervals.
fn without_intervals(report: &Report) -> Option<String> {
    let few = report.groups.iter().filter(|group| group.requests < FEWEST);
    let few: Vec<String> = few.map(|group| format!("{} has {}", group.name, group.requests)).collect();
    (!few.is_empty()).then(|| format!("Too few requests for intervals: {}, and {FEWEST} are needed.", few.join(", ")))
}

fn found(one: &Comparison) -> String {
    let (better, worse) = if one.difference.mean > 0.0 { (&one.second, &one.first) } else { (&one.first, &one.second) };
    let (by, p) = (three_digits(one.difference.mean.abs()), three_digits(one.p_holm));
    let requests = one.requests;
    format!(
        "{better} is better than {worse}, by {by} in the end over {requests} requests (p = {p}, all comparisons counted)."
    )
}

/// About differences that could have been told and were not.
fn nothing(pairs: &[&Comparison]) -> Option<String> {
    let could_see = |one: &&Comparison| one.detectable;
    let least = pairs.iter().map(could_see).reduce(f64::min)?;
    let most = pairs.iter().map(could_see).reduce(f64::max)?;
    let shown = if three_digits(least) == three_digits(most) {
        format!("one of {}", three_digits(most))
    } else {
        format!("differences of {} to {} by pair", three_digits(least), three_digits(most))
    };
    Some(format!("No difference can be told between {}: {} would have shown {shown}.", named(pairs), requests(pairs)))
}

/// About differences that could not have been told, however large.
fn too_few(pairs: &[&Comparison]) -> Option<String> {
    let words = |pairs| format!("{} are too few to tell any difference between {}.", requests(pairs), named(pairs));
    (!pairs.is_empty()).then(|| words(pairs))
}

fn named(pairs: &[&Comparison]) -> String {
    let pair = |one: &&Comparison| format!("{} and {}", one.second, one.first);
    pairs.iter().map(pair).collect::<Vec<String>>().join(", ")
}

fn requests(pairs: &[&Comparison]) -> String {
    let counts = || pairs.iter().map(|one| one.requests);
    match (counts().min().unwrap_or(0), counts().max().unwrap_or(0)) {
        (least, most) if least == most => format!("{most} requests"),
        (least, most) => format!("{least} to {most} requests"),
    }
}

/// What the end of the runs has cost, where there is something to compare.
fn spent(report: &Report) -> Option<String> {
    let front = report.fronts.iter().find(|front| front.cost == report.cost && front.groups.len() > 1)?;
    let each = front.groups.iter().map(|ended| format!("{} {}", ended.group, three_digits(ended.spent.mean)));
    let each = each.collect::<Vec<String>>().join(", ");
    Some(format!("Until their end the runs spent, in {}: {each}.", report.cost.replace('_', " ")))
}

#[cfg(test)]
mod tests {
    use super::super::curves::Mean;
    use super::*;

    fn pair(second: &str, requests: usize, p_holm: f64) -> Comparison {
        Comparison {
            first: "best".to_owned(),
            second: second.to_owned(),
            budget: None,
            requests,
            difference: Mean { mean: -0.031_25, low: None, high: None },
            spread: 0.1,
            detectable: 0.05,
            p: p_holm,
            p_holm,
            exact: true,
            better: 1,
            worse: requests - 1,
            differences: Vec::new(),
        }
    }

    #[test]
    fn what_is_told_and_what_is_not() {
        assert_eq!(
            found(&pair("beam", 68, 0.002)),
            "best is better than beam, by 0.0312 in the end over 68 requests (p = 0.00200, all comparisons counted)."
        );
        let (one, other) = (pair("beam", 8, 0.5), Comparison { detectable: 0.2, ..pair("pool", 9, 1.0) });
        assert_eq!(
            nothing(&[&one]).unwrap(),
            "No difference can be told between beam and best: 8 requests would have shown one of 0.0500."
        );
        assert_eq!(
            nothing(&[&one, &other]).unwrap(),
            "No difference can be told between beam and best, pool and best: 8 to 9 requests would have shown differences of \
             0.0500 to 0.200 by pair."
        );
        assert_eq!(too_few(&[&one]).unwrap(), "8 requests are too few to tell any difference between beam and best.");
        assert_eq!((nothing(&[]), too_few(&[])), (None, None));
    }
}
