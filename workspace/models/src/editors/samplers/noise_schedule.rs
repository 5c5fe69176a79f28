//! How much of a picture is left at each timestep that a diffusion model was trained with, and which of them are visited.

/// What the denoiser predicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prediction {
    /// The noise.
    Epsilon,
    /// The velocity `sqrt(ᾱ) ε − sqrt(1 − ᾱ) x₀` (Salimans and Ho 2022, "Progressive distillation").
    Velocity,
}

/// How the visited timesteps are spaced among those of the training (Lin et al. 2023, "Common diffusion noise schedules
/// and sample steps are flawed", table 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spacing {
    /// From the first to the last.
    Linspace,
    /// Every k-th from the first on.
    Leading,
    /// Every k-th back from the last.
    Trailing,
}

/// How the betas rise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BetaSchedule {
    /// Linearly.
    Linear,
    /// Linearly in their square roots.
    ScaledLinear,
    /// So that the share of the picture falls as a squared cosine (Nichol and Dhariwal 2021).
    SquaredCosine,
}

/// The share of the picture, ᾱ, at each timestep of the training.
#[derive(Debug, Clone, PartialEq)]
pub struct NoiseSchedule {
    /// ᾱ at timesteps 0, 1, …: falling, in (0, 1).
    pub alphas: Vec<f32>,
}

impl NoiseSchedule {
    /// Of `count` timesteps whose betas go from `start` to `end`.
    ///
    /// Numbers are rounded as the reference rounds them: betas, their complements and each product to single precision.
    pub fn new(schedule: BetaSchedule, start: f64, end: f64, count: usize) -> Self {
        let even = |from: f64, to: f64, at: usize| {
            let share = if count > 1 { at as f64 / (count - 1) as f64 } else { 0.0 };
            (from + (to - from) * share) as f32
        };
        let beta = |at: usize| match schedule {
            BetaSchedule::Linear => even(start, end, at),
            BetaSchedule::ScaledLinear => even(start.sqrt(), end.sqrt(), at).powi(2),
            BetaSchedule::SquaredCosine => {
                let share = |at: usize| {
                    ((at as f64 / count as f64 + 0.008) / 1.008 * std::f64::consts::FRAC_PI_2).cos().powi(2)
                };
                (1.0 - share(at + 1) / share(at)).min(0.999) as f32
            }
        };
        let mut product = 1.0_f64;
        let alphas = (0..count).map(|at| {
            product *= f64::from(1.0 - beta(at));
            product as f32
        });
        Self { alphas: alphas.collect() }
    }

    /// How many timesteps it has.
    pub fn count(&self) -> usize {
        self.alphas.len()
    }

    /// The noise level `sqrt((1 − ᾱ) / ᾱ)` at a timestep, between two whole ones as a straight line between theirs.
    pub fn sigma(&self, timestep: f64) -> f64 {
        let last = self.count().saturating_sub(1);
        let at = |index: usize| {
            let alpha = f64::from(self.alphas.get(index).copied().unwrap_or(1.0));
            f64::from((((1.0 - alpha) as f32) / alpha as f32).sqrt())
        };
        let timestep = timestep.clamp(0.0, last as f64);
        let below = timestep.floor() as usize;
        let share = timestep - below as f64;
        at(below) + (at((below + 1).min(last)) - at(below)) * share
    }
}

impl Spacing {
    /// The timesteps that `steps` steps visit, first the noisiest, as numbers that may lie between whole ones.
    ///
    /// `offset` is added where the spacing is leading. `steps` is at least 1 and at most `count`.
    pub fn timesteps(self, steps: usize, count: usize, offset: usize) -> Vec<f64> {
        let (n, all) = (steps as f64, count as f64);
        let at = |index: usize| match self {
            Self::Linspace if steps == 1 => 0.0,
            Self::Linspace => (all - 1.0) * (steps - 1 - index) as f64 / (n - 1.0),
            Self::Leading => ((steps - 1 - index) * (count / steps) + offset) as f64,
            Self::Trailing => (all - index as f64 * (all / n)).round_ties_even() - 1.0,
        };
        (0..steps).map(at).collect()
    }
}
