//! Linear values to 8-bit codes, by a table.

/// The 8-bit code of a linear value from 0 to 1, for any curve that rises.
#[derive(Debug, Clone)]
pub struct Quantiser {
    /// The least linear value of each code; beyond the last there is none.
    thresholds: [f32; 257],
    /// A code at or a little below the right one, by the upper bits of the value.
    start: Vec<u8>,
}

/// Values below 2^-13 all start at code 0.
const LOWEST_EXPONENT: u32 = 127 - 13;
const MANTISSA_BITS: u32 = 8;

impl Quantiser {
    /// The quantiser by the least value of each code but 0, none of them above 1 and none below the one before.
    pub fn new(least: impl Fn(u8) -> f32) -> Self {
        let mut thresholds = [f32::INFINITY; 257];
        thresholds[0] = f32::NEG_INFINITY;
        for code in 1..=u8::MAX {
            thresholds[usize::from(code)] = least(code);
        }
        let above_first = (1..=13 << MANTISSA_BITS).map(|slot| {
            let value = f32::from_bits((slot + (LOWEST_EXPONENT << MANTISSA_BITS)) << (23 - MANTISSA_BITS));
            (thresholds.partition_point(|threshold| *threshold <= value) - 1) as u8
        });
        Self { start: std::iter::once(0).chain(above_first).collect(), thresholds }
    }

    /// The code of a value; 0 below 0, 255 above 1.
    #[inline]
    pub fn code(&self, value: f32) -> u8 {
        if value >= 1.0 {
            return 255;
        }
        let slot = (value.max(0.0).to_bits() >> (23 - MANTISSA_BITS)).saturating_sub(LOWEST_EXPONENT << MANTISSA_BITS);
        let start = self.start[slot as usize];
        // Most slots hold one threshold at most, and whether a value lies above it is a guess that a processor often loses.
        let mut code = start + u8::from(self.is_above(start, value));
        while self.is_above(code, value) {
            code += 1;
        }
        code
    }

    /// Whether a value has a higher code than this.
    fn is_above(&self, code: u8, value: f32) -> bool {
        value >= self.thresholds[usize::from(code) + 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_begins_at_its_least_value() {
        for power in [1, 2, 3] {
            let least = |code: u8| (f32::from(code) / 255.0).powi(power);
            let quantiser = Quantiser::new(least);
            for code in 1..=255 {
                assert_eq!(quantiser.code(least(code)), code, "power {power}");
                assert_eq!(quantiser.code(least(code).next_down()), code - 1, "power {power}");
            }
        }
    }

    #[test]
    fn values_outside_have_the_codes_of_the_ends() {
        let quantiser = Quantiser::new(|code| f32::from(code) / 256.0);
        assert_eq!([-1.0, -0.0, 0.0, 1.0, 7.0].map(|value| quantiser.code(value)), [0, 0, 0, 255, 255]);
    }
}
