//! What the next score may be: a normal distribution whose mean and variance are learned from the scores so far.
//!
//! Conjugate: a normal-inverse-gamma prior over mean and variance, whose posterior predictive is Student's t. Its expected
//! excess has a closed form ([`Student::excess`]), and so the fair cap of Pandora's box (Weitzman 1979; for best-of-N
//! arXiv:2510.01394) is the root of a function that falls.

use editscale_study::Student;

/// Halvings until a fair cap is known: its bracket shrinks by 2⁻⁵⁰.
const HALVINGS: u32 = 50;

/// What is known of scores before any are seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prior {
    /// The mean that is expected; nothing where requests differ too much for one.
    pub mean: Option<f64>,
    /// The standard deviation that is expected among the candidates of one request, at least 0.
    pub spread: f64,
    /// How many scores this knowledge is worth, above 0.
    pub strength: f64,
}

impl Prior {
    /// For a policy's revision.
    pub(crate) fn revision(self) -> String {
        let mean = self.mean.map_or_else(String::new, |mean| format!("{mean}~"));
        format!(" prior={mean}{}*{}", self.spread, self.strength)
    }
}

/// Count, mean and squared deviations of scores.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Moments {
    pub(crate) count: f64,
    pub(crate) mean: f64,
    pub(crate) squares: f64,
}

impl Moments {
    /// Takes in one more (Welford 1962).
    pub(crate) fn add(&mut self, score: f64) {
        self.count += 1.0;
        let off = score - self.mean;
        self.mean += off / self.count;
        self.squares += off * (score - self.mean);
    }

    pub(crate) fn of(scores: impl IntoIterator<Item = f64>) -> Self {
        let mut moments = Self::default();
        scores.into_iter().for_each(|score| moments.add(score));
        moments
    }

    /// The standard deviation; nothing with fewer than two.
    pub(crate) fn spread(self) -> Option<f64> {
        (self.count > 1.0).then(|| (self.squares / (self.count - 1.0)).sqrt())
    }

    /// The next score's distribution; nothing while too little is known for an expectation, and where numbers are too
    /// large to compute with.
    pub(crate) fn predictive(self, prior: Option<Prior>) -> Option<Predictive> {
        let mut known = (0.0, 0.0, 0.0);
        let (mut location, mut count, mut squares) = (self.mean, self.count, self.squares);
        if let Some(Prior { mean, spread, strength }) = prior {
            known = (strength, strength * spread * spread, 0.0);
            if let Some(mean) = mean {
                let off = self.mean - mean;
                known.2 = strength;
                squares += strength * self.count / (strength + self.count) * off * off;
                location = (strength * mean + self.count * self.mean) / (strength + self.count);
                count += strength;
            }
        }
        // A mean that is learned takes one degree of freedom.
        let freedom = known.0 + self.count - f64::from(u8::from(known.2 == 0.0));
        let variance = (known.1 + squares) / freedom;
        let scale = (variance * (1.0 + 1.0 / count)).sqrt();
        let is_usable = freedom > 1.0 && count > 0.0 && location.is_finite() && scale.is_finite();
        is_usable.then(|| Predictive::new(location, scale, freedom))?
    }
}

/// Student's t distribution of the next score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Predictive {
    pub(crate) location: f64,
    pub(crate) scale: f64,
    freedom: f64,
    shape: Student,
}

impl Predictive {
    /// Nothing without more than one degree of freedom, and without finite numbers.
    pub(crate) fn new(location: f64, scale: f64, freedom: f64) -> Option<Self> {
        let is_usable = location.is_finite() && scale.is_finite() && scale >= 0.0 && freedom > 1.0;
        Some(Self { location, scale, freedom, shape: Student::new(freedom)? }).filter(|_| is_usable)
    }

    /// The same, believed to be better than it looks by this many standard errors, of its mean and of the logarithm of its
    /// spread: what is known of few scores may be wrong by that much.
    pub(crate) fn raised(self, errors: f64) -> Self {
        let wider = (errors / (2.0 * self.freedom).sqrt()).exp();
        let higher = errors * self.scale / (self.freedom + 1.0).sqrt();
        Self { location: self.location + higher, scale: self.scale * wider, ..self }
    }

    /// E[(v − level)⁺], by how much the next score exceeds a level on average.
    pub(crate) fn excess(&self, level: f64) -> f64 {
        if self.scale <= 0.0 {
            return (self.location - level).max(0.0);
        }
        self.scale * self.shape.excess((level - self.location) / self.scale)
    }

    /// P(v > level).
    pub(crate) fn above(&self, level: f64) -> f64 {
        if self.scale <= 0.0 {
            return if self.location > level { 1.0 } else { 0.0 };
        }
        self.shape.above((level - self.location) / self.scale)
    }

    /// The fair cap τ, with E[(v − τ)⁺] = `cost`: the best that it is worth going on from. Infinite where nothing costs.
    pub(crate) fn fair_cap(&self, cost: f64) -> f64 {
        if cost <= 0.0 {
            return f64::INFINITY;
        }
        // The expected excess over a level is at least what the mean has over it.
        let mut low = self.location - cost;
        let mut reach = self.scale.max(cost);
        while self.excess(self.location + reach) > cost && reach.is_finite() {
            reach *= 2.0;
        }
        let mut high = self.location + reach;
        for _ in 0..HALVINGS {
            let middle = f64::midpoint(low, high);
            if self.excess(middle) > cost {
                low = middle;
            } else {
                high = middle;
            }
        }
        f64::midpoint(low, high)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Unit-normal scores, known for certain.
    fn unit_normal() -> Predictive {
        let prior = Prior { mean: Some(0.0), spread: 1.0, strength: 1e9 };
        Moments::of([0.0]).predictive(Some(prior)).unwrap()
    }

    #[test]
    fn fair_caps_of_unit_normal_scores() {
        // The cost, the fair cap, and how many draws it takes to exceed it on average.
        for (cost, cap, draws) in [(0.1, 0.90, 5.5), (0.05, 1.26, 9.6), (0.02, 1.66, 20.8), (0.01, 1.94, 38.0)] {
            let found = unit_normal().fair_cap(cost);
            assert!((found - cap).abs() < 0.006, "{found} at {cost}");
            let expected = 1.0 / unit_normal().above(found);
            assert!((expected / draws - 1.0).abs() < 0.01, "{expected} draws at {cost}");
        }
    }

    #[test]
    fn a_prior_counts_as_scores() {
        let scores = Moments::of([1.0, 2.0, 6.0]);
        let plain = scores.predictive(None).unwrap();
        assert!((plain.location - 3.0).abs() < 1e-12 && (plain.freedom - 2.0).abs() < 1e-12);
        assert!((plain.scale - (7.0_f64 * 4.0 / 3.0).sqrt()).abs() < 1e-12);
        let prior = Prior { mean: None, spread: 1.0, strength: 4.0 };
        let narrowed = scores.predictive(Some(prior)).unwrap();
        assert!((narrowed.location - 3.0).abs() < 1e-12 && (narrowed.freedom - 6.0).abs() < 1e-12);
        assert!((narrowed.scale - (18.0_f64 / 6.0 * 4.0 / 3.0).sqrt()).abs() < 1e-12);
        let pulled = scores.predictive(Some(Prior { mean: Some(-1.0), ..prior })).unwrap();
        assert!((pulled.location - 5.0 / 7.0).abs() < 1e-12 && (pulled.freedom - 7.0).abs() < 1e-12);
    }

    #[test]
    fn too_little_and_too_much_is_no_knowledge() {
        assert_eq!(Moments::of([]).predictive(None), None);
        assert_eq!(Moments::of([1.0, 2.0]).predictive(None), None, "one degree of freedom has no expectation");
        assert_eq!(Moments::of([1e300, -1e300, 1e300]).predictive(None), None);
        let equal = Moments::of([0.5; 4]).predictive(None).unwrap();
        assert_eq!((equal.excess(0.5), equal.raised(2.0).excess(0.5)), (0.0, 0.0));
        assert_eq!(unit_normal().fair_cap(0.0), f64::INFINITY);
    }

    proptest! {
        #[test]
        fn the_excess_over_a_fair_cap_is_the_cost(
            location in -1e3f64..1e3, scale in 1e-6f64..1e3, freedom in 1.5f64..300.0, share in -6.0f64..2.0
        ) {
            let predictive = Predictive::new(location, scale, freedom).unwrap();
            let cost = scale * share.exp2();
            let cap = predictive.fair_cap(cost);
            prop_assert!((predictive.excess(cap) / cost - 1.0).abs() < 1e-6);
        }
    }
}
