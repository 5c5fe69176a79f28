//! Colour spaces: the sRGB transfer curve, luminance, OKLab.

use std::sync::LazyLock;

/// The share of each linear sRGB component in luminance (IEC 61966-2-1, Rec. 709 primaries).
pub const LUMINANCE: [f32; 3] = [0.2126, 0.7152, 0.0722];

/// Relative luminance of a linear colour.
#[inline]
pub fn luminance(rgb: [f32; 3]) -> f32 {
    rgb[0] * LUMINANCE[0] + rgb[1] * LUMINANCE[1] + rgb[2] * LUMINANCE[2]
}

/// The exact sRGB decoding curve (IEC 61966-2-1), continued point-symmetrically below 0.
pub fn linear_from_srgb(encoded: f32) -> f32 {
    let size = encoded.abs();
    let linear = if size <= 0.04045 { size / 12.92 } else { ((size + 0.055) / 1.055).powf(2.4) };
    linear.copysign(encoded)
}

fn exact_srgb_from_linear(linear: f32) -> f32 {
    let size = linear.abs();
    let encoded = if size <= 0.003_130_8 { size * 12.92 } else { 1.055 * size.powf(1.0 / 2.4) - 0.055 };
    encoded.copysign(linear)
}

const TABLE: usize = 4096;

/// The curve at the squares of evenly spaced points: dense where it is steep.
static ENCODED: LazyLock<Vec<f32>> = LazyLock::new(|| {
    (0..=TABLE + 1).map(|index| exact_srgb_from_linear((index as f32 / TABLE as f32).powi(2))).collect()
});

/// The sRGB encoding curve: a table between 0 and 1, good to 2e-4, and exact outside.
#[inline]
pub fn srgb_from_linear(linear: f32) -> f32 {
    if !(0.0..=1.0).contains(&linear) {
        return exact_srgb_from_linear(linear);
    }
    let place = linear.sqrt() * TABLE as f32;
    let index = place as usize;
    let table = &*ENCODED;
    let (low, high) = (table[index], table[index + 1]);
    low + (high - low) * (place - index as f32)
}

/// Cube roots good to 2e-6 of their values: guesses from the bits of the floats and two steps of Halley's method.
///
/// All at once and without a branch, so that one division serves all lanes of a vector. Sizes below `LEAST` have the root 0; what is
/// computed for them is of `LEAST`, since the cube of a guess for 0 is subnormal, which costs a processor hundreds of cycles a step.
#[inline]
fn cube_roots(values: [f32; 4]) -> [f32; 4] {
    const LEAST: f32 = 1e-30;
    let sizes = values.map(f32::abs).map(|size| if size < LEAST { LEAST } else { size });
    let mut roots = sizes.map(|size| f32::from_bits(size.to_bits() / 3 + 0x2a51_4067));
    for _ in 0..2 {
        for (root, size) in roots.iter_mut().zip(sizes) {
            let cube = *root * *root * *root;
            *root *= (cube + 2.0 * size) / (2.0 * cube + size);
        }
    }
    std::array::from_fn(|lane| if values[lane].abs() < LEAST { 0.0 } else { roots[lane].copysign(values[lane]) })
}

/// OKLab of a linear sRGB colour: lightness (0 black, 1 white), a (green to red), b (blue to yellow).
///
/// Source: Björn Ottosson, "A perceptual color space for image processing" (2020).
#[inline]
pub fn oklab_from_linear([r, g, b]: [f32; 3]) -> [f32; 3] {
    // The fourth lane is idle.
    let [l, m, s, _] = cube_roots([
        0.412_221_46 * r + 0.536_332_55 * g + 0.051_445_995 * b,
        0.211_903_5 * r + 0.680_699_5 * g + 0.107_396_96 * b,
        0.088_302_46 * r + 0.281_718_85 * g + 0.629_978_7 * b,
        1.0,
    ]);
    [
        0.210_454_26 * l + 0.793_617_8 * m - 0.004_072_047 * s,
        1.977_998_5 * l - 2.428_592_2 * m + 0.450_593_7 * s,
        0.025_904_037 * l + 0.782_771_77 * m - 0.808_675_77 * s,
    ]
}

/// The linear sRGB colour of an OKLab colour.
#[inline]
pub fn linear_from_oklab([lightness, a, b]: [f32; 3]) -> [f32; 3] {
    let l = (lightness + 0.396_337_78 * a + 0.215_803_76 * b).powi(3);
    let m = (lightness - 0.105_561_346 * a - 0.063_854_17 * b).powi(3);
    let s = (lightness - 0.089_484_18 * a - 1.291_485_5 * b).powi(3);
    [
        4.076_741_7 * l - 3.307_711_6 * m + 0.230_969_94 * s,
        -1.268_438 * l + 2.609_757_4 * m - 0.341_319_38 * s,
        -0.004_196_086 * l - 0.703_418_6 * m + 1.707_614_7 * s,
    ]
}

/// Euclidean distance in OKLab, with a and b doubled (Ottosson's ΔEOK2): about 0.02 is just seen.
#[inline]
pub fn delta_e_ok(one: [f32; 3], other: [f32; 3]) -> f32 {
    let [l, a, b] = [one[0] - other[0], one[1] - other[1], one[2] - other[2]];
    (l * l + 4.0 * (a * a + b * b)).sqrt()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn curves_invert_each_other(value in 0.0f32..1.0) {
            prop_assert!((srgb_from_linear(value) - exact_srgb_from_linear(value)).abs() < 2e-4);
            prop_assert!((linear_from_srgb(exact_srgb_from_linear(value)) - value).abs() < 1e-5);
        }

        #[test]
        fn oklab_round_trips(rgb in prop::array::uniform3(0.0f32..1.0)) {
            let back = linear_from_oklab(oklab_from_linear(rgb));
            for (one, other) in rgb.iter().zip(back) {
                prop_assert!((one - other).abs() < 1e-4, "{:?} {:?}", rgb, back);
            }
        }
    }

    #[test]
    fn next_to_nothing_has_the_root_nothing() {
        assert_eq!(cube_roots([0.0, -0.0, 9e-31, -f32::MIN_POSITIVE]), [0.0; 4]);
        let roots = cube_roots([1e-30, -1e-30, 8e-30, 1e-27]).map(|root| root * 1e10);
        assert!(roots.iter().zip([1.0, -1.0, 2.0, 10.0]).all(|(root, expected)| (root / expected - 1.0).abs() < 2e-6));
    }

    #[test]
    fn oklab_matches_published_values() {
        // Ottosson's table of XYZ pairs, restated for sRGB: white, and pure red as given by CSS Color 4.
        let close = |found: [f32; 3], expected: [f32; 3]| {
            found.iter().zip(expected).all(|(one, other)| (one - other).abs() < 1e-3)
        };
        assert!(close(oklab_from_linear([1.0; 3]), [1.0, 0.0, 0.0]));
        assert!(close(oklab_from_linear([1.0, 0.0, 0.0]), [0.627_96, 0.224_86, 0.125_85]));
        assert!(close(oklab_from_linear([0.0; 3]), [0.0; 3]));
    }
}
