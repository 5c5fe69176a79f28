//! What a particle's previews make of its weight: potentials, and how strongly they count on the way.

/// How strongly scores count on the way, as a share of the strength λ.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Tempering {
    /// All of it from the first checkpoint on.
    Constant,
    /// `min((1 + γ)^(100·way) − 1, 1)` where `way` is the share of the steps that were made: γ is a growth for each hundredth of
    /// the way (DAS, arXiv:2501.05803).
    Increasing {
        /// γ, above 0.
        gamma: f64,
    },
    /// Without bound: only the best particle has weight (SVDD, arXiv:2408.08252).
    Infinite,
}

impl Tempering {
    /// The share of the strength after this share of the steps, from 0 to 1.
    pub(super) fn share(self, way: f64) -> f64 {
        match self {
            Self::Constant | Self::Infinite => 1.0,
            Self::Increasing { gamma } => (gamma.ln_1p() * 100.0 * way).exp_m1().clamp(0.0, 1.0),
        }
    }

    /// The words in a policy's revision.
    pub(super) fn revision(self) -> String {
        match self {
            Self::Constant => "constant".to_owned(),
            Self::Increasing { gamma } => format!("increasing({gamma})"),
            Self::Infinite => "infinite".to_owned(),
        }
    }
}

/// What of a particle's scores counts at a checkpoint (FK steering, arXiv:2501.06848; arXiv:2505.23614).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Potential {
    /// The score there.
    Current,
    /// What it gained since the checkpoint before.
    Difference,
    /// The best on its way so far.
    Max,
    /// All on its way so far, added.
    Sum,
}

impl Potential {
    /// Every potential.
    pub const ALL: [Self; 4] = [Self::Current, Self::Difference, Self::Max, Self::Sum];

    /// The word used in recipes and revisions.
    pub fn word(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Difference => "difference",
            Self::Max => "max",
            Self::Sum => "sum",
        }
    }
}

/// The scores on a particle's way and what was made of them. A copy has its parent's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Way {
    /// The score of the last checkpoint, times its strength.
    tempered: f64,
    best: f64,
    sum: f64,
    /// Logarithms of all potentials that were applied so far, added: also of those that resampling has turned into copies.
    applied: f64,
}

impl Way {
    pub(super) const START: Self = Self { tempered: 0.0, best: f64::NEG_INFINITY, sum: 0.0, applied: 0.0 };

    /// Takes in the score of a checkpoint where scores count `strength`. Answers with the logarithm of the potential there.
    pub(super) fn pass(&mut self, potential: Potential, score: f64, strength: f64) -> f64 {
        let before = self.tempered;
        self.tempered = strength * score;
        self.best = self.best.max(score);
        self.sum += score;
        let logarithm = match potential {
            Potential::Current => self.tempered,
            Potential::Difference => self.tempered - before,
            Potential::Max => strength * self.best,
            Potential::Sum => strength * self.sum,
        };
        self.applied += logarithm;
        logarithm
    }

    /// The logarithm of the last potential: whatever was applied on the way, all together are then `exp(λ·score)`, so that the
    /// finished candidates stand for `p(x)·exp(λ·r(x))`.
    pub(super) fn end(&self, score: f64, strength: f64) -> f64 {
        strength * score - self.applied
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn potentials_are_as_published_and_come_to_the_same_in_the_end() {
        let (scores, strength) = ([1.0, -2.0, 3.0], 2.0);
        for (potential, expected) in [
            (Potential::Current, [2.0, -4.0, 6.0]),
            (Potential::Difference, [2.0, -6.0, 10.0]),
            (Potential::Max, [2.0, 2.0, 6.0]),
            (Potential::Sum, [2.0, -2.0, 4.0]),
        ] {
            let mut way = Way::START;
            let found = scores.map(|score| way.pass(potential, score, strength));
            assert_eq!(found, expected, "{potential:?}");
            assert!((found.iter().sum::<f64>() + way.end(0.5, strength) - 1.0).abs() < 1e-12, "{potential:?}");
        }
    }

    #[test]
    fn the_strength_grows_to_all_of_it() {
        let tempering = Tempering::Increasing { gamma: 0.008 };
        let shares = [0.0, 0.2, 0.5, 0.8, 0.9, 1.0].map(|way| tempering.share(way));
        assert!(shares.is_sorted() && shares[0] == 0.0 && shares[4] == 1.0, "{shares:?}");
        // 1.008^50 − 1.
        assert!((shares[2] - 0.489_452).abs() < 1e-5, "{shares:?}");
    }
}
