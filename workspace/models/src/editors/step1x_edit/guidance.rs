//! How the answers with and without the instruction are put together.

/// The rules that the authors' codes follow. With w and o for the velocities with and without the instruction, s for the
/// scale, and n for the length of w − o over a token's numbers:
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GuidanceRule {
    /// `o + s (w − o)`: `inference.py` of v1.0.
    Plain,
    /// `o + s (w − o) / n^0.4` of tokens with n above 1 while the noise level is above 0.93, then plain: `inference.py` since v1.1.
    DampedEarly,
    /// The same at every step: the authors' fork of diffusers, which compares 0.93 with a thousand times the noise level.
    Damped,
}

/// Above this noise level answers are damped.
const EARLY: f32 = 0.93;

/// The power of the length that is divided by.
const POWER: f64 = 0.4;

impl GuidanceRule {
    /// Puts velocities [tokens, `width`] together at a noise level.
    pub(super) fn combined(self, sigma: f32, scale: f32, [with, without]: [&[f32]; 2], width: usize) -> Vec<f32> {
        let is_damped = match self {
            Self::Plain => false,
            Self::DampedEarly => sigma > EARLY,
            Self::Damped => sigma * 1000.0 > EARLY,
        };
        let token = |(with, without): (&[f32], &[f32])| {
            let factor = if is_damped { scale / damping(with, without) } else { scale };
            with.iter().zip(without).map(|(w, o)| o + factor * (w - o)).collect::<Vec<_>>()
        };
        with.chunks(width.max(1)).zip(without.chunks(width.max(1))).flat_map(token).collect()
    }
}

/// What a token's difference is divided by: nothing less than 1.
fn damping(with: &[f32], without: &[f32]) -> f32 {
    let squares: f64 = with.iter().zip(without).map(|(w, o)| f64::from(w - o).powi(2)).sum();
    let length = squares.sqrt();
    if length > 1.0 { length.powf(POWER) as f32 } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_differ_where_the_authors_codes_do() {
        // The first token's difference is 5 long, the second's 0.5.
        let (with, without) = ([4.0, 5.0, 1.3, 1.4], [1.0, 1.0, 1.0, 1.0]);
        let made = |rule: GuidanceRule, sigma: f32| rule.combined(sigma, 2.0, [&with, &without], 2);
        let plain = vec![7.0, 9.0, 1.6, 1.8];
        let factor = 2.0 / 5_f32.powf(0.4);
        let damped = vec![1.0 + factor * 3.0, 1.0 + factor * 4.0, 1.6, 1.8];
        let near = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6);
        for (rule, early, late) in [
            (GuidanceRule::Plain, &plain, &plain),
            (GuidanceRule::DampedEarly, &damped, &plain),
            (GuidanceRule::Damped, &damped, &damped),
        ] {
            assert!(near(&made(rule, 0.94), early), "{rule:?}");
            assert!(near(&made(rule, 0.93), late), "{rule:?}");
        }
        assert!(near(&made(GuidanceRule::Damped, 0.0009), &plain));
    }
}
