//! Embedded colour profiles: to linear sRGB and back.

use std::fmt;
use std::sync::Arc;

use moxcms::{ColorProfile, DataColorSpace, Matrix3d, ToneReprCurve};

/// Steps of a tone curve's table, one for each 16-bit value.
const STEPS: usize = 65_536;

/// A colour profile that is a matrix and three tone curves: nearly every profile that photographs carry. Others (lookup
/// tables, CMYK) are left aside when a picture is read.
#[derive(Clone)]
pub struct Profile {
    bytes: Arc<[u8]>,
    /// Linear light at each 16-bit value, a channel.
    linear: Arc<[Vec<f32>; 3]>,
    to_srgb: [[f32; 3]; 3],
    from_srgb: [[f32; 3]; 3],
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Profile({} bytes)", self.bytes.len())
    }
}

impl Profile {
    /// Reads a profile; says why where it cannot be used.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, String> {
        let profile = ColorProfile::new_from_slice(bytes).map_err(|error| format!("{error:?}"))?;
        if profile.color_space != DataColorSpace::Rgb {
            return Err(format!("it is a {:?} profile", profile.color_space));
        }
        let curves = [&profile.red_trc, &profile.green_trc, &profile.blue_trc];
        let table = |curve: &Option<ToneReprCurve>| {
            let curve = curve.as_ref().ok_or("it has no tone curves")?;
            let evaluator = curve.make_linear_evaluator().map_err(|error| format!("{error:?}"))?;
            let at = |step: usize| evaluator.evaluate_value(step as f32 / (STEPS - 1) as f32);
            let values: Vec<f32> = (0..STEPS).map(at).collect();
            let rises = values.windows(2).all(|pair| pair[0] <= pair[1]) && values[0].is_finite();
            // White is 1; a little more or less is the rounding of its makers.
            let ends_at_white = (0.5..2.0).contains(&values[STEPS - 1]);
            if rises && ends_at_white { Ok(values) } else { Err("its tone curve does not rise to white".to_owned()) }
        };
        let [red, green, blue] = curves.map(table);
        let matrix = profile.transform_matrix(&ColorProfile::new_srgb());
        let to_srgb = rows(&matrix);
        let from_srgb = inverse(to_srgb).ok_or("its colours do not span a space")?;
        Ok(Self { bytes: bytes.into(), linear: Arc::new([red?, green?, blue?]), to_srgb, from_srgb })
    }

    /// The profile as it was embedded.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes that it takes in memory, nearly all of them in its tables.
    pub(crate) fn bytes_held(&self) -> usize {
        self.bytes.len() + self.linear.iter().map(|table| size_of_val(&table[..])).sum::<usize>()
    }

    /// Linear light at each 16-bit value of a channel.
    pub(crate) fn linear(&self, channel: usize) -> &[f32] {
        &self.linear[channel]
    }

    /// The same colour with sRGB primaries.
    pub(crate) fn to_srgb(&self, rgb: [f32; 3]) -> [f32; 3] {
        apply(&self.to_srgb, rgb)
    }

    /// The same colour with the profile's primaries.
    pub(crate) fn in_profile(&self, rgb: [f32; 3]) -> [f32; 3] {
        apply(&self.from_srgb, rgb)
    }
}

fn rows(matrix: &Matrix3d) -> [[f32; 3]; 3] {
    matrix.v.map(|row| row.map(|value| value as f32))
}

fn apply(matrix: &[[f32; 3]; 3], [r, g, b]: [f32; 3]) -> [f32; 3] {
    matrix.map(|row| row[0] * r + row[1] * g + row[2] * b)
}

fn inverse(m: [[f32; 3]; 3]) -> Option<[[f32; 3]; 3]> {
    let minor = |r0: usize, c0: usize, r1: usize, c1: usize| m[r0][c0] * m[r1][c1] - m[r0][c1] * m[r1][c0];
    let determinant = m[0][0] * minor(1, 1, 2, 2) - m[0][1] * minor(1, 0, 2, 2) + m[0][2] * minor(1, 0, 2, 1);
    if !determinant.is_finite() || determinant.abs() < 1e-6 {
        return None;
    }
    let adjugate = [
        [minor(1, 1, 2, 2), -minor(0, 1, 2, 2), minor(0, 1, 1, 2)],
        [-minor(1, 0, 2, 2), minor(0, 0, 2, 2), -minor(0, 0, 1, 2)],
        [minor(1, 0, 2, 1), -minor(0, 0, 2, 1), minor(0, 0, 1, 1)],
    ];
    Some(adjugate.map(|row| row.map(|value| value / determinant)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_srgb_profile_changes_nothing() {
        let bytes = ColorProfile::new_srgb().encode().unwrap();
        let profile = Profile::read(&bytes).unwrap();
        let colour = [0.2, 0.5, 0.9];
        for (one, other) in profile.to_srgb(colour).iter().zip(colour) {
            assert!((one - other).abs() < 1e-3);
        }
    }

    #[test]
    fn matrices_are_inverted() {
        let bytes = ColorProfile::new_display_p3().encode().unwrap();
        let profile = Profile::read(&bytes).unwrap();
        let back = profile.in_profile(profile.to_srgb([0.1, 0.8, 0.3]));
        for (one, other) in back.iter().zip([0.1, 0.8, 0.3]) {
            assert!((one - other).abs() < 1e-4);
        }
        assert!(profile.to_srgb([0.0, 1.0, 0.0])[0] < -0.1, "P3 green lies outside sRGB");
    }

    #[test]
    fn nonsense_is_refused() {
        for bytes in [&b""[..], b"not a profile", &[0; 4096]] {
            assert!(Profile::read(bytes).is_err());
        }
    }
}
