//! Resampling: who of the particles goes on, and in how many copies.
//!
//! Of `count` copies in all, a particle of weight w has `count·w` on average under each scheme. They differ in how far the copies
//! are from that: multinomial draws are independent; residual ones first give every particle the whole part of its share (Liu
//! and Chen 1998); stratified ones draw one uniform number in each of `count` equal intervals (Kitagawa 1996); systematic ones use
//! the same number in all of them; SSP, the Srinivasan sampling process, rounds each share up or down with weights negatively
//! associated (Gerber, Chopin and Whiteley 2019, arXiv:1707.01845).

use editscale_core::Seed;

/// How copies are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resampling {
    /// Each copy by itself.
    Multinomial,
    /// One uniform number for all: a particle has its share, rounded up or down.
    Systematic,
    /// The whole part of a share for certain, the rest by independent draws.
    Residual,
    /// A uniform number in each of as many equal intervals as there are copies: within two of a share.
    Stratified,
    /// A particle has its share, rounded up or down, whatever the order of the particles.
    Ssp,
}

impl Resampling {
    /// Every scheme.
    pub const ALL: [Self; 5] = [Self::Multinomial, Self::Systematic, Self::Residual, Self::Stratified, Self::Ssp];

    /// The word used in recipes and revisions.
    pub fn word(self) -> &'static str {
        match self {
            Self::Multinomial => "multinomial",
            Self::Systematic => "systematic",
            Self::Residual => "residual",
            Self::Stratified => "stratified",
            Self::Ssp => "ssp",
        }
    }

    /// How many copies each particle has, `count` in all. The weights sum to 1; a particle without weight has no copy.
    pub(super) fn copies(self, weights: &[f64], count: u32, seed: Seed) -> Vec<u32> {
        let heavy: Vec<usize> = (0..weights.len()).filter(|place| weights[*place] > 0.0).collect();
        let shares: Vec<f64> = heavy.iter().map(|place| weights[*place] * f64::from(count)).collect();
        let mut copies = vec![0; weights.len()];
        for (place, drawn) in heavy.into_iter().zip(self.drawn(&shares, count, seed)) {
            copies[place] = drawn;
        }
        copies
    }

    fn drawn(self, shares: &[f64], count: u32, seed: Seed) -> Vec<u32> {
        let unit = |n: u32| seed.mix(u64::from(n)).unit();
        match self {
            Self::Multinomial => multinomial(shares, count, seed),
            Self::Systematic => by_pointers(shares, (0..count).map(|n| f64::from(n) + unit(0))),
            Self::Stratified => by_pointers(shares, (0..count).map(|n| f64::from(n) + unit(n))),
            Self::Residual => residual(shares, count, seed),
            Self::Ssp => ssp(shares, count, seed),
        }
    }
}

/// How often ascending pointers fall on each of the shares laid end to end.
fn by_pointers(shares: &[f64], pointers: impl Iterator<Item = f64>) -> Vec<u32> {
    let mut copies = vec![0; shares.len()];
    let Some(first) = shares.first() else { return copies };
    let (mut place, mut reached) = (0, *first);
    for pointer in pointers {
        while pointer >= reached && place + 1 < shares.len() {
            place += 1;
            reached += shares[place];
        }
        copies[place] += 1;
    }
    copies
}

fn multinomial(shares: &[f64], count: u32, seed: Seed) -> Vec<u32> {
    let length: f64 = shares.iter().sum();
    let mut pointers: Vec<f64> = (0..count).map(|n| length * seed.mix(u64::from(n)).unit()).collect();
    pointers.sort_by(f64::total_cmp);
    by_pointers(shares, pointers.into_iter())
}

fn residual(shares: &[f64], count: u32, seed: Seed) -> Vec<u32> {
    let whole: Vec<u32> = shares.iter().map(|share| share.floor() as u32).collect();
    let rest: Vec<f64> = shares.iter().map(|share| share - share.floor()).collect();
    // A share a rounding below a whole number leaves one to draw, which the rest then gives with near certainty.
    let drawn = multinomial(&rest, count.saturating_sub(whole.iter().sum()), seed);
    whole.into_iter().zip(drawn).map(|(whole, drawn)| whole + drawn).collect()
}

/// Two shares at a time: one of them gives to the other until either is whole, which way is drawn so that neither gains on
/// average. What is left of a rounding error at the end goes to the last.
fn ssp(shares: &[f64], count: u32, seed: Seed) -> Vec<u32> {
    /// Nearer than this to a whole number is whole: sums of shares are exact to fewer digits.
    const NEAR: f64 = 1e-9;
    let mut copies: Vec<u32> = shares.iter().map(|share| (share + NEAR).floor() as u32).collect();
    let rest = |place: usize| (shares[place] - f64::from(copies[place])).max(0.0);
    let open: Vec<(usize, f64)> =
        (0..shares.len()).map(|place| (place, rest(place))).filter(|(_, rest)| *rest > NEAR).collect();
    let mut pending: Option<(usize, f64)> = None;
    for (n, (other, of_other)) in (0_u64..).zip(open) {
        let Some((place, of_place)) = pending else {
            pending = Some((other, of_other));
            continue;
        };
        let (up, down) = ((1.0 - of_place).min(of_other), of_place.min(1.0 - of_other));
        let is_up = seed.mix(n).unit() * (up + down) < down;
        let (of_place, of_other) =
            if is_up { (of_place + up, of_other - up) } else { (of_place - down, of_other + down) };
        pending = None;
        for (place, rest) in [(place, of_place), (other, of_other)] {
            if rest >= 1.0 - NEAR {
                copies[place] += 1;
            } else if rest > NEAR {
                pending = Some((place, rest));
            }
        }
    }
    let missing = count.saturating_sub(copies.iter().sum());
    let last = pending.map_or(shares.len().saturating_sub(1), |(place, _)| place);
    if let Some(copies) = copies.get_mut(last) {
        *copies += missing;
    }
    copies
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seed(n: u64) -> Seed {
        Seed::new(1_234_567).unwrap().mix(n)
    }

    fn normalised(raw: &[f64]) -> Vec<f64> {
        let sum: f64 = raw.iter().sum();
        raw.iter().map(|weight| weight / sum).collect()
    }

    proptest! {
        #[test]
        fn copies_are_as_many_as_asked_for_and_near_their_shares(
            raw in prop::collection::vec(prop_oneof![Just(0.0), Just(1.0), 1e-9f64..1.0], 1..40), count in 0u32..60, n in any::<u32>()
        ) {
            prop_assume!(raw.iter().any(|weight| *weight > 0.0));
            let weights = normalised(&raw);
            for scheme in Resampling::ALL {
                let copies = scheme.copies(&weights, count, seed(n.into()));
                prop_assert_eq!(copies.iter().sum::<u32>(), count, "{:?}", scheme);
                for (copies, weight) in copies.iter().zip(&weights) {
                    let share = weight * f64::from(count);
                    prop_assert!(*weight > 0.0 || *copies == 0);
                    let (low, high) = match scheme {
                        Resampling::Multinomial => (0.0, f64::from(count)),
                        Resampling::Residual => (share.floor(), f64::from(count)),
                        Resampling::Systematic | Resampling::Ssp => (share - 1.0, share + 1.0),
                        Resampling::Stratified => (share - 2.0, share + 2.0),
                    };
                    let copies = f64::from(*copies);
                    prop_assert!(copies > low - 1e-6 && copies < high + 1e-6, "{:?}: {} of {}", scheme, copies, share);
                }
            }
        }
    }

    /// The mean over 20,000 counted seeds is within five standard errors of the share, for weights that are whole shares, near
    /// ones, small and large. The variance of one particle's copies is at most that of independent draws.
    #[test]
    fn every_scheme_is_unbiased() {
        const ROUNDS: u32 = 20_000;
        for (raw, count) in [
            (vec![1.0, 1.0, 2.0], 4),
            (vec![0.7, 0.1, 0.05, 0.15], 5),
            (vec![0.01, 0.9, 0.0, 0.09], 8),
            (vec![0.3, 0.31, 0.39], 1),
            (vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], 7),
        ] {
            let weights = normalised(&raw);
            for scheme in Resampling::ALL {
                let mut sums = vec![0.0; weights.len()];
                for n in 0..ROUNDS {
                    let copies = scheme.copies(&weights, count, seed(n.into()));
                    copies.iter().zip(&mut sums).for_each(|(copies, sum)| *sum += f64::from(*copies));
                }
                for (sum, weight) in sums.iter().zip(&weights) {
                    let error = (weight * (1.0 - weight) * f64::from(count) / f64::from(ROUNDS)).sqrt();
                    let off = sum / f64::from(ROUNDS) - weight * f64::from(count);
                    assert!(off.abs() < 5.0 * error + 1e-9, "{scheme:?} is off by {off} for {weight} of {count}");
                }
            }
        }
    }
}
