//! Strengths out of comparisons: the model of Bradley and Terry.

/// What came of showing two candidates in both orders.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Compared {
    pub(crate) a: usize,
    pub(crate) b: usize,
    /// The share of the win that `a` got where it was shown before `b`: 1, 0, or a half for a tie.
    pub(crate) before: f64,
    /// The share that `a` got where it was shown after `b`.
    pub(crate) after: f64,
    /// What each of the two counts for.
    pub(crate) weight: f64,
}

/// A strength in log-odds, and its standard deviation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Strength {
    pub(crate) mean: f64,
    pub(crate) sigma: f64,
}

/// The slope at which a strength is found: wins expected and counted differ by less.
const TOLERANCE: f64 = 1e-10;

/// More steps than Newton's method ever takes here; far fewer than ten are usual.
const MOST_STEPS: u32 = 200;

/// What one implied pair of a ranking of `count` counts for.
///
/// The pairs of one ranking are not independent. This is the weight at which they together say as much about the strengths of
/// equal candidates as the ranking does under the model of Plackett and Luce: its information is `Σ (1 - 1/m) / n` for each
/// candidate, over the stages `m = 2 … n` at which the next one is chosen among `m`.
pub(crate) fn pair_weight(count: usize) -> f64 {
    let said: f64 = (2..=count).map(|among| 1.0 - 1.0 / among as f64).sum();
    if count < 2 { 0.0 } else { 4.0 * said / (count as f64 * (count as f64 - 1.0)) }
}

/// The strengths of so many candidates, whose sum is 0: `a` beats `b` with probability `1 / (1 + e^(b - a))`, and a tie is half a
/// win for each. Before anything is known each is normal around 0 with this standard deviation; the strengths are the mode of what
/// is known then, and the deviations are those of Laplace's approximation, for the distance from the average one.
///
/// A candidate alone is the average one: 0, as uncertain as it was.
pub(crate) fn strengths(count: usize, compared: &[Compared], prior_sigma: f64) -> Vec<Strength> {
    if count < 2 {
        return vec![Strength { mean: 0.0, sigma: prior_sigma }; count];
    }
    let precision = prior_sigma.powi(-2);
    let mut at = vec![0.0; count];
    for _ in 0..MOST_STEPS {
        let (slope, curvature) = derivatives(&at, compared, precision);
        if slope.iter().all(|part| part.abs() < TOLERANCE) {
            break;
        }
        let Some(inverse) = inverse(&curvature) else { break };
        let step: Vec<f64> = inverse.iter().map(|row| dot(row, &slope)).collect();
        at = improved(&at, &step, compared, precision);
    }
    let (_, curvature) = derivatives(&at, compared, precision);
    let inverse = inverse(&curvature).unwrap_or_default();
    // Only the prior holds all strengths together in place; that they could move together is no doubt about any of them.
    let common = prior_sigma.powi(2) / count as f64;
    let sigma = |place: usize| {
        inverse.get(place).and_then(|row| row.get(place)).map_or(prior_sigma.powi(2), |own| own - common)
    };
    at.iter().enumerate().map(|(place, mean)| Strength { mean: *mean, sigma: sigma(place).max(0.0).sqrt() }).collect()
}

/// The members of the largest group that comparisons connect; of equal ones that of the first member.
pub(crate) fn largest_group(count: usize, links: &[(usize, usize)]) -> Vec<usize> {
    let mut groups: Vec<usize> = (0..count).collect();
    for (a, b) in links {
        if let (Some(one), Some(other)) = (groups.get(*a).copied(), groups.get(*b).copied()) {
            let (low, high) = (one.min(other), one.max(other));
            groups.iter_mut().filter(|group| **group == high).for_each(|group| *group = low);
        }
    }
    let members =
        |group: usize| -> Vec<usize> { (0..count).filter(|member| groups.get(*member) == Some(&group)).collect() };
    (0..count).map(members).fold(Vec::new(), |best, next| if next.len() > best.len() { next } else { best })
}

/// The slope of the logarithm of what is to be greatest, and how it curves (turned to be positive).
fn derivatives(at: &[f64], compared: &[Compared], precision: f64) -> (Vec<f64>, Vec<Vec<f64>>) {
    let mut slope: Vec<f64> = at.iter().map(|strength| -strength * precision).collect();
    let mut curvature = vec![vec![0.0; at.len()]; at.len()];
    (0..at.len()).for_each(|place| add(&mut curvature, place, place, precision));
    for each in compared {
        let Some(expected) = expected(at, each) else { continue };
        let more = each.weight * (each.before + each.after - 2.0 * expected);
        let bend = 2.0 * each.weight * expected * (1.0 - expected);
        for (place, sign) in [(each.a, 1.0), (each.b, -1.0)] {
            if let Some(part) = slope.get_mut(place) {
                *part += sign * more;
            }
            add(&mut curvature, place, each.a, sign * bend);
            add(&mut curvature, place, each.b, -sign * bend);
        }
    }
    (slope, curvature)
}

fn add(matrix: &mut [Vec<f64>], row: usize, column: usize, more: f64) {
    if let Some(entry) = matrix.get_mut(row).and_then(|row| row.get_mut(column)) {
        *entry += more;
    }
}

/// The probability that `a` wins.
fn expected(at: &[f64], each: &Compared) -> Option<f64> {
    Some(1.0 / (1.0 + (at.get(each.b)? - at.get(each.a)?).exp()))
}

/// The whole step of Newton, or as much of it as makes things better.
fn improved(at: &[f64], step: &[f64], compared: &[Compared], precision: f64) -> Vec<f64> {
    let moved = |share: f64| -> Vec<f64> { at.iter().zip(step).map(|(at, step)| at + share * step).collect() };
    // At the top the height is flat to within what rounding does, and the whole step is the better one.
    let now = height(at, compared, precision);
    let least = now - 1e-12 * now.abs();
    let shares = (0..40).map(|halvings| 0.5_f64.powi(halvings));
    let found = shares.map(moved).find(|there| height(there, compared, precision) >= least);
    found.unwrap_or_else(|| at.to_vec())
}

fn height(at: &[f64], compared: &[Compared], precision: f64) -> f64 {
    let prior: f64 = at.iter().map(|strength| -0.5 * precision * strength * strength).sum();
    let said = |each: &Compared| {
        let (a, b) = (at.get(each.a).copied().unwrap_or_default(), at.get(each.b).copied().unwrap_or_default());
        let wins = each.before + each.after;
        -each.weight * (wins * (b - a).exp().ln_1p() + (2.0 - wins) * (a - b).exp().ln_1p())
    };
    prior + compared.iter().map(said).sum::<f64>()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The inverse by Gauss and Jordan, with the largest pivot of each column.
fn inverse(matrix: &[Vec<f64>]) -> Option<Vec<Vec<f64>>> {
    let count = matrix.len();
    let unit = |place: usize| (0..count).map(move |column| if column == place { 1.0 } else { 0.0 });
    let mut rows: Vec<Vec<f64>> =
        matrix.iter().enumerate().map(|(place, row)| row.iter().copied().chain(unit(place)).collect()).collect();
    for column in 0..count {
        let size = |row: &usize| rows.get(*row).and_then(|row| row.get(column)).map_or(0.0, |entry: &f64| entry.abs());
        let pivot = (column..count).max_by(|a, b| size(a).total_cmp(&size(b)))?;
        rows.swap(column, pivot);
        let divisor = *rows.get(column)?.get(column)?;
        if divisor == 0.0 || !divisor.is_finite() {
            return None;
        }
        let own: Vec<f64> = rows.get(column)?.iter().map(|entry| entry / divisor).collect();
        for (place, row) in rows.iter_mut().enumerate() {
            let times = if place == column { 0.0 } else { *row.get(column)? };
            row.iter_mut().zip(&own).for_each(|(entry, own)| *entry -= times * own);
        }
        *rows.get_mut(column)? = own;
    }
    Some(rows.into_iter().map(|mut row| row.split_off(count)).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pair(a: usize, b: usize, before: f64, after: f64) -> Compared {
        Compared { a, b, before, after, weight: 1.0 }
    }

    /// Wins exactly as often as the model has it, which no sampling blurs.
    fn ideal(truth: &[f64], weight: f64) -> Vec<Compared> {
        let won = |a: usize, b: usize| 1.0 / (1.0 + (truth[b] - truth[a]).exp());
        let all = (0..truth.len()).flat_map(|a| (a + 1..truth.len()).map(move |b| (a, b)));
        all.map(|(a, b)| Compared { a, b, before: won(a, b), after: won(a, b), weight }).collect()
    }

    fn anything(count: usize) -> impl Strategy<Value = Vec<Compared>> {
        let one = (0..count, 1..count, 0_u8..3, 0_u8..3);
        let made = move |(a, step, before, after): (usize, usize, u8, u8)| {
            pair(a, (a + step) % count, f64::from(before) / 2.0, f64::from(after) / 2.0)
        };
        proptest::collection::vec(one.prop_map(made), 0..30)
    }

    proptest! {
        #[test]
        fn known_strengths_are_recovered(truth in proptest::collection::vec(-3.0_f64..3.0, 2..10)) {
            let middle = truth.iter().sum::<f64>() / truth.len() as f64;
            let found = strengths(truth.len(), &ideal(&truth, 1e7), 2.0);
            for (truth, found) in truth.iter().zip(&found) {
                prop_assert!((truth - middle - found.mean).abs() < 1e-4, "{truth} - {middle} is not {found:?}");
                prop_assert!(found.sigma < 0.01);
            }
        }

        #[test]
        fn names_do_not_matter(compared in anything(6), turn in 0_usize..6) {
            let renamed: Vec<Compared> = compared
                .iter()
                .map(|each| Compared { a: (each.a + turn) % 6, b: (each.b + turn) % 6, ..*each })
                .collect();
            let (plain, renamed) = (strengths(6, &compared, 2.0), strengths(6, &renamed, 2.0));
            for (place, strength) in plain.iter().enumerate() {
                let other = renamed[(place + turn) % 6];
                prop_assert!((strength.mean - other.mean).abs() < 1e-8 && (strength.sigma - other.sigma).abs() < 1e-8);
            }
        }

        #[test]
        fn it_does_not_matter_who_is_called_a(compared in anything(5)) {
            let turned: Vec<Compared> = compared
                .iter()
                .map(|each| Compared { a: each.b, b: each.a, before: 1.0 - each.after, after: 1.0 - each.before, ..*each })
                .collect();
            for (one, other) in strengths(5, &compared, 2.0).iter().zip(strengths(5, &turned, 2.0)) {
                prop_assert!((one.mean - other.mean).abs() < 1e-8);
            }
        }

        #[test]
        fn wins_turned_into_losses_turn_the_strengths_around(compared in anything(5)) {
            let lost: Vec<Compared> = compared
                .iter()
                .map(|each| Compared { before: 1.0 - each.before, after: 1.0 - each.after, ..*each })
                .collect();
            for (one, other) in strengths(5, &compared, 2.0).iter().zip(strengths(5, &lost, 2.0)) {
                prop_assert!((one.mean + other.mean).abs() < 1e-8 && (one.sigma - other.sigma).abs() < 1e-8);
            }
        }

        #[test]
        fn strengths_are_finite_and_centred_whatever_was_said(compared in anything(7), sigma in 0.1_f64..10.0) {
            let found = strengths(7, &compared, sigma);
            prop_assert!(found.iter().all(|each| each.mean.is_finite() && each.sigma > 0.0 && each.sigma < sigma));
            prop_assert!(found.iter().map(|each| each.mean).sum::<f64>().abs() < 1e-6);
        }

        #[test]
        fn a_judge_that_sees_only_places_makes_all_equal(count in 2_usize..9) {
            let all = (0..count).flat_map(|a| (a + 1..count).map(move |b| pair(a, b, 1.0, 0.0)));
            let found = strengths(count, &all.collect::<Vec<_>>(), 2.0);
            prop_assert!(found.iter().all(|each| each.mean.abs() < 1e-9));
        }
    }

    #[test]
    fn who_never_lost_is_best_but_not_infinitely_so() {
        let found = strengths(3, &[pair(0, 1, 1.0, 1.0), pair(1, 2, 1.0, 1.0), pair(0, 2, 1.0, 1.0)], 2.0);
        assert!(found[0].mean > 1.0 && found[0].mean < 6.0 && found[1].mean.abs() < 1e-9, "{found:?}");
        assert!((found[0].mean + found[2].mean).abs() < 1e-9);
        // Two wins of two: the mode satisfies 2 σ(-2x) = x / 4 for strengths of ±x.
        let two = strengths(2, &[pair(0, 1, 1.0, 1.0)], 2.0);
        let x = two[0].mean;
        assert!((2.0 / (1.0 + (2.0 * x).exp()) - x / 4.0).abs() < 1e-9);
    }

    #[test]
    fn more_answers_make_surer() {
        let sigma = |weight: f64| strengths(4, &ideal(&[0.0; 4], weight), 2.0)[0].sigma;
        assert!(
            (sigma(0.0) - (4.0_f64 - 1.0).sqrt()).abs() < 1e-9,
            "what the prior says of a distance from the average"
        );
        // Each of 6 pairs gives w / 2: information c = 4 · w / 2 + 1/4 for every contrast, of which 3/4 is each one's own.
        assert!((sigma(3.0) - (0.75 / (4.0 * 1.5 + 0.25_f64)).sqrt()).abs() < 1e-9);
        assert_eq!(strengths(1, &[], 2.0), [Strength { mean: 0.0, sigma: 2.0 }]);
    }

    #[test]
    fn a_ranking_says_less_than_its_pairs() {
        assert_eq!((pair_weight(1), pair_weight(2)), (0.0, 1.0));
        assert!((pair_weight(3) - 7.0 / 9.0).abs() < 1e-12);
        assert!(pair_weight(8) < pair_weight(4));
    }

    #[test]
    fn the_largest_group_is_found() {
        assert_eq!(largest_group(6, &[(0, 1), (2, 3), (5, 3)]), [2, 3, 5]);
        assert_eq!(largest_group(4, &[(2, 3), (0, 1)]), [0, 1]);
        assert_eq!(largest_group(2, &[]), [0]);
        assert_eq!(largest_group(0, &[]), [0_usize; 0]);
    }
}
