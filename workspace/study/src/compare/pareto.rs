//! What is not beaten in both cost and quality.

/// Whether each point (cost, quality) is on the Pareto front: no other costs at most as much and is at least as good, and better
/// in one of the two. Equal points are on it together; one that is not finite is not.
pub fn pareto_front(points: &[(f64, f64)]) -> Vec<bool> {
    let is_finite = |point: &(f64, f64)| point.0.is_finite() && point.1.is_finite();
    let beats =
        |one: &(f64, f64), other: &(f64, f64)| is_finite(one) && one.0 <= other.0 && one.1 >= other.1 && one != other;
    points.iter().map(|point| is_finite(point) && !points.iter().any(|other| beats(other, point))).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn cheap_and_good_points_are_on_it() {
        let points = [(1.0, 0.2), (2.0, 0.5), (2.0, 0.4), (3.0, 0.5), (4.0, 0.9), (4.0, 0.9), (0.5, f64::NAN)];
        assert_eq!(pareto_front(&points), [true, true, false, false, true, true, false]);
    }

    proptest! {
        #[test]
        fn what_is_off_it_is_beaten_by_what_is_on_it(points in prop::collection::vec((0i32..5, 0i32..5), 1..12)) {
            let points: Vec<(f64, f64)> = points.into_iter().map(|(x, y)| (f64::from(x), f64::from(y))).collect();
            let front = pareto_front(&points);
            prop_assert!(front.contains(&true));
            for (point, is_on) in points.iter().zip(&front) {
                let mut on = points.iter().zip(&front).filter(|(_, is_on)| **is_on);
                let is_matched = on.any(|(other, _)| other.0 <= point.0 && other.1 >= point.1 && other != point);
                prop_assert_eq!(is_matched, !is_on);
            }
        }
    }
}
