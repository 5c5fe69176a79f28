//! Round values along an axis.

/// A smaller range of scores than this is drawn as this.
const LEAST_SCORES: f64 = 0.004;

/// How many steps an axis has, more or less.
const STEPS: f64 = 5.0;

/// Round values that span a range, in ascending order.
#[derive(Debug, Clone, PartialEq)]
pub struct Ticks {
    values: Vec<f64>,
    /// How many digits after the point tell them apart; nothing where each is written by itself.
    digits: Option<usize>,
}

impl Ticks {
    /// Ticks for scores. Where every value lies between 0 and 1, no tick goes beyond: no score could.
    pub fn over_scores(low: f64, high: f64) -> Self {
        let lack = ((LEAST_SCORES - (high - low)) / 2.0).max(0.0);
        if low >= 0.0 && high <= 1.0 {
            Self::spanning((low - lack).max(0.0), (high + lack).min(1.0))
        } else {
            Self::spanning(low - lack, high + lack)
        }
    }

    /// Ticks for any values: both ends lie between the first tick and the last. Ends that are nearly the same are set apart.
    pub fn over(low: f64, high: f64) -> Self {
        let least = low.abs().max(high.abs()).max(1e-280) * 1e-8;
        if high - low >= least {
            return Self::spanning(low, high);
        }
        let middle = f64::midpoint(low, high);
        if middle.abs() < 1e-280 {
            return Self::spanning(-1.0, 1.0);
        }
        let apart = middle.abs() * 0.1;
        Self::spanning(middle - apart, middle + apart)
    }

    fn spanning(low: f64, high: f64) -> Self {
        let step = round_step((high - low) / STEPS);
        // A little play, for a value that is round itself up to the last bits.
        let (first, last) = ((low / step + 1e-6).floor(), (high / step - 1e-6).ceil());
        let count = (last - first).clamp(1.0, 12.0) as u32;
        let digits = (-step.log10()).ceil().clamp(0.0, 12.0) as usize;
        let values: Vec<f64> = (0..=count).map(|place| (first + f64::from(place)) * step).collect();
        let largest = values.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
        Self { values, digits: (step >= 1e-6 && largest < 1e5).then_some(digits) }
    }

    /// Ticks of a logarithmic axis: powers of ten, with 2 and 5 between them where there are few, from the last tick at or
    /// below `low` to the first at or above `high`. Both ends must be above 0.
    pub fn over_decades(low: f64, high: f64) -> Self {
        let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
        let every = (last - first) / 8 + 1;
        let factors: &[f64] = if last - first <= 2 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let powers = (0..=((last - first + every - 1) / every).max(1)).map(|step| first + step * every);
        let mut values: Vec<f64> =
            powers.flat_map(|power| factors.iter().map(move |factor| factor * 10f64.powi(power))).collect();
        values.sort_by(f64::total_cmp);
        values.dedup();
        let from = values.iter().rposition(|value| *value <= low * (1.0 + 1e-9)).unwrap_or(0);
        let to = values.iter().position(|value| *value >= high * (1.0 - 1e-9)).unwrap_or(values.len() - 1);
        let to = to.max(from + 1).min(values.len() - 1);
        Self { values: values.get(from..=to).unwrap_or_default().to_vec(), digits: None }
    }

    /// The values, the least first.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The first and the last value.
    pub fn ends(&self) -> [f64; 2] {
        let end = |value: Option<&f64>| value.copied().unwrap_or_default();
        [end(self.values.first()), end(self.values.last())]
    }

    /// A tick's value as it is written beside the axis.
    pub fn label(&self, value: f64) -> String {
        match self.digits {
            Some(digits) => format!("{value:.digits$}"),
            None => by_itself(value),
        }
    }
}

/// A round number, as short as it can be.
fn by_itself(value: f64) -> String {
    let size = value.abs();
    let shown = |value: f64, unit: &str| format!("{}{unit}", (value * 1e6).round() / 1e6);
    match size {
        0.0 => "0".to_owned(),
        1e-4..1e4 => shown(value, ""),
        1e4..1e6 => shown(value / 1e3, "k"),
        1e6..1e9 => shown(value / 1e6, "M"),
        _ => format!("{value:.2e}").replace(".00e", "e").replace("0e", "e"),
    }
}

/// The least of 1, 2, 5, 10 and so on, and of their tenths, that is no smaller than this.
pub fn round_step(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0].map(|factor| factor * power).into_iter().find(|step| *step >= least).unwrap_or(10.0 * power)
}
