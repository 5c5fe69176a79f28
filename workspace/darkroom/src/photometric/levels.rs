//! The display levels of linear values.

use std::sync::LazyLock;

use editscale_picture::{Quantiser, srgb_from_linear};

static DISPLAY: LazyLock<Quantiser> = LazyLock::new(|| Quantiser::new(least));

/// What gives each linear value the level nearest to its sRGB value, of 256.
pub(super) fn display_levels() -> &'static Quantiser {
    &DISPLAY
}

/// The level as it is computed, which takes many times as long as to look it up: it never falls as the value rises.
fn level(linear: f32) -> u8 {
    (srgb_from_linear(linear) * 255.0).round() as u8
}

/// The least linear value of a level. The bits of floats from 0 to 1 rise as they do.
fn least(wanted: u8) -> f32 {
    let (mut below, mut reached) = (0, 1.0_f32.to_bits());
    while reached - below > 1 {
        let middle = below.midpoint(reached);
        if level(f32::from_bits(middle)) >= wanted { reached = middle } else { below = middle }
    }
    f32::from_bits(reached)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_those_that_are_computed() {
        for bits in (0..=1.0_f32.to_bits()).step_by(997) {
            let value = f32::from_bits(bits);
            assert_eq!(display_levels().code(value), level(value), "at {value}");
        }
        for wanted in 1..=255 {
            let least = least(wanted);
            assert_eq!([least.next_down(), least].map(level), [wanted - 1, wanted]);
            assert_eq!([least.next_down(), least].map(|value| display_levels().code(value)), [wanted - 1, wanted]);
        }
    }
}
