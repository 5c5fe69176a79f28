//! The figures of a world, with what speaks for them.

/// The steps of one whole edit.
pub const STEPS: u32 = 50;

/// What a whole edit costs, in millionths: all prices are shares of an edit.
pub const EDIT_MICROS: u64 = 1_000_000;

/// A world. Scores and golds are in units of the mean spread of gold within a request.
///
/// Requests are unequal: the spread σ of gold within a request is lognormal. Published gains of best-of-32 or best-of-16 over
/// one draw differ by a factor of 3 to 4 between editors (0.2 points on `GEdit` for Qwen-Image-Edit, 0.6 to 0.75 for
/// FLUX.1 Kontext, Step1X-Edit and `OmniGen2`; arXiv:2603.00141, 2509.23909), and that gain is proportional to σ. A factor of
/// 3.5 between one standard deviation below and one above is a spread of ln σ of 0.6; requests for one editor are likely to
/// differ by more than editors do in their means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Setting {
    /// The standard deviation of requests' mean gold: some requests are easy for all candidates, which no search changes.
    pub level: f64,
    /// The standard deviation of ln σ, where σ is the spread of gold within a request; the mean of σ is 1.
    pub difficulty: f64,
    /// The typical standard deviation of the judge's error. It differs from candidate to candidate, by a lognormal factor of
    /// spread 0.5.
    pub noise: f64,
    /// The share of candidates that exploit the judge.
    pub hacks: f64,
    /// How much an exploit adds to its proxy beyond what it takes from gold: the mean of an exponential distribution, whose
    /// tail is heavier than a normal one's, so that among enough candidates an exploit comes first.
    pub bonus: f64,
    /// What an exploit loses of its gold.
    pub loss: f64,
    /// The share of candidates that look as odd as exploits do and are none: a judge that knows when it is unsure is unsure of
    /// them, too.
    pub odd: f64,
    /// The correlation, within a request, of a preview's score with the final one, at the first and at the last checkpoint.
    pub preview_correlation: [f64; 2],
    /// The steps at which previews are looked at, of [`STEPS`].
    pub checkpoints: [u32; 2],
    /// What a judgement costs, as a share of an edit.
    pub judge_price: f64,
}

impl Default for Setting {
    /// The world of the study: as the claim asks at most for previews, and at least for prices.
    fn default() -> Self {
        Self {
            level: 1.0,
            difficulty: 0.6,
            noise: 0.5,
            hacks: 0.006,
            bonus: 3.0,
            loss: 1.5,
            odd: 0.012,
            preview_correlation: [0.5, 0.8],
            checkpoints: [8, 16],
            judge_price: 0.05,
        }
    }
}

impl Setting {
    /// The correlation of a preview at `step` with the finished picture: straight between the checkpoints, up to 1 at the end
    /// and down to 0 at the beginning.
    pub fn correlation_at(&self, step: u32) -> f64 {
        let [first, last] = self.preview_correlation;
        let [early, late] = self.checkpoints;
        let knots = [(0, 0.0), (early, first), (late, last), (STEPS, 1.0)];
        let between = |pair: &[(u32, f64)]| {
            let [(from, low), (to, high)] = [pair[0], pair[1]];
            let share = f64::from(step.saturating_sub(from)) / f64::from((to - from).max(1));
            (step <= to).then_some(low + share * (high - low))
        };
        knots.windows(2).find_map(between).unwrap_or(1.0)
    }

    /// A judgement's price in millionths of an edit.
    pub fn judge_micros(&self) -> u64 {
        (self.judge_price * EDIT_MICROS as f64).round() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_studied_world_is_no_kinder_than_the_claim_allows() {
        let world = Setting::default();
        assert!(world.correlation_at(world.checkpoints[0]) <= 0.5 && world.correlation_at(world.checkpoints[1]) <= 0.8);
        assert!(f64::from(world.checkpoints[1]) / f64::from(STEPS) >= 0.3 && world.judge_price >= 0.05);
    }

    #[test]
    fn correlations_rise_to_one() {
        let world = Setting::default();
        assert_eq!((world.correlation_at(0), world.correlation_at(8), world.correlation_at(STEPS)), (0.0, 0.5, 1.0));
        assert!((world.correlation_at(12) - 0.65).abs() < 1e-12);
        assert!((1..=STEPS).all(|step| world.correlation_at(step) > world.correlation_at(step - 1)));
    }
}
