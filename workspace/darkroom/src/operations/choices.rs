//! What a seed decides where an instruction leaves it open, and how knobs move that.

use editscale_core::{Knobs, Seed};

/// A knob of the darkroom and its range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KnobRange {
    /// What it is called.
    pub name: &'static str,
    /// The least value.
    pub low: f64,
    /// The greatest value.
    pub high: f64,
    /// The value that leaves the seed's choice alone.
    pub default: f64,
    /// Whether equal ratios matter equally.
    pub logarithmic: bool,
}

impl KnobRange {
    const fn multiple(name: &'static str) -> Self {
        Self { name, low: 0.25, high: 4.0, default: 1.0, logarithmic: true }
    }

    const fn shift(name: &'static str) -> Self {
        Self { name, low: -1.0, high: 1.0, default: 0.0, logarithmic: false }
    }

    fn of(&self, knobs: &Knobs) -> f64 {
        knobs.get(self.name).unwrap_or(self.default).clamp(self.low, self.high)
    }
}

const STRENGTH_KNOB: KnobRange = KnobRange::multiple("strength");
const CURVE_KNOB: KnobRange = KnobRange::shift("curve");
const MASK_THRESHOLD_KNOB: KnobRange = KnobRange::shift("mask_threshold");
const MASK_SOFTNESS_KNOB: KnobRange = KnobRange::multiple("mask_softness");

/// The darkroom's knobs: each multiplies or shifts what the seed chose.
pub const KNOBS: [KnobRange; 4] = [STRENGTH_KNOB, CURVE_KNOB, MASK_THRESHOLD_KNOB, MASK_SOFTNESS_KNOB];

/// The standard deviation of the logarithm of an edit's strength: of ten candidates, about two are clearly too weak or
/// overdone, which is what a search lives on.
const STRENGTH_SPREAD: f64 = 0.35;

/// Everything that an instruction leaves open, decided.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Choices {
    seed: Seed,
    strength: f64,
    /// The shape of tone curves, −1 (all in the middle tones) to 1 (towards the ends).
    pub(crate) curve: f32,
    /// How much evidence makes a pixel part of a region: −1 (little) to 1 (much).
    pub(crate) mask_threshold: f32,
    /// The width of a region's edge, as a multiple.
    pub(crate) mask_softness: f32,
}

/// The streams of a seed's choices.
const CURVE: u64 = 1;
const MASK_THRESHOLD: u64 = 2;
const MASK_SOFTNESS: u64 = 3;
const TOUCH_UP: u64 = 4;
const STRENGTHS: u64 = 1000;
const ORDER: u64 = 2000;
const DETAILS: u64 = 3000;

impl Choices {
    /// What the seed decides, moved by the knobs.
    pub fn draw(seed: Seed, knobs: &Knobs) -> Self {
        let normal = |stream| normal(seed, stream);
        Self {
            seed,
            strength: STRENGTH_KNOB.of(knobs),
            curve: (0.5 * normal(CURVE) + CURVE_KNOB.of(knobs)).clamp(-1.0, 1.0) as f32,
            mask_threshold: (0.3 * normal(MASK_THRESHOLD) + MASK_THRESHOLD_KNOB.of(knobs)).clamp(-1.0, 1.0) as f32,
            mask_softness: ((0.3 * normal(MASK_SOFTNESS)).exp() * MASK_SOFTNESS_KNOB.of(knobs)).clamp(0.25, 4.0) as f32,
        }
    }

    /// The multiple of the asked amount that the `edit`-th edit of a plan gets.
    pub fn strength(&self, edit: usize) -> f32 {
        ((STRENGTH_SPREAD * normal(self.seed, STRENGTHS + edit as u64)).exp() * self.strength) as f32
    }

    /// The share of the asked amount by which the `edit`-th edit is corrected when a candidate is touched up.
    pub(crate) fn touch_up(&self, edit: usize) -> f32 {
        let unit = self.seed.mix(STRENGTHS + edit as u64).mix(TOUCH_UP).unit();
        ((unit * 0.85 - 0.35) * self.strength) as f32
    }

    /// A key that puts the edits of a plan in order where the order is open.
    pub(crate) fn order(&self, edit: usize) -> u64 {
        self.seed.mix(ORDER + edit as u64).get()
    }

    /// A number in −1..=1 for a detail of the `edit`-th edit.
    pub(crate) fn detail(&self, edit: usize) -> f32 {
        (2.0 * self.seed.mix(DETAILS + edit as u64).unit() - 1.0) as f32
    }

    /// The seed of the `edit`-th edit's noise.
    pub(crate) fn noise(&self, edit: usize) -> u64 {
        self.seed.mix(DETAILS + edit as u64).mix(1).get()
    }
}

/// A standard normal number of a stream (Box–Muller on two counted uniform numbers), kept within ±2.5.
fn normal(seed: Seed, stream: u64) -> f64 {
    let one = seed.mix(stream).mix(0).unit();
    let other = seed.mix(stream).mix(1).unit();
    let radius = (-2.0 * (1.0 - one).ln()).sqrt();
    (radius * (std::f64::consts::TAU * other).cos()).clamp(-2.5, 2.5)
}
