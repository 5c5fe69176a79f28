//! Pictures as the networks take and give them.

use editscale_core::{Failure, FailureKind, Image};
use editscale_models::pictures::{Filter, Size, resize};
use editscale_picture::{Limits, Rgb8, decode_rgb8};

/// A picture brought to a size, as planes of values from −1 to 1: [3, height, width].
pub(crate) fn planes(image: &Image, size: Size) -> Result<Vec<f32>, Failure> {
    let bytes = image.read().map_err(|error| Failure::new(FailureKind::Unavailable, error.to_string()))?;
    let picture = decode_rgb8(&bytes, &Limits::default());
    let picture = picture.map_err(|error| Failure::new(FailureKind::Invalid, error.to_string()))?;
    let picture = resize(picture, size, Filter::Lanczos);
    let unit = |value: u8| 2.0 * (f32::from(value) / 255.0) - 1.0;
    let plane = |channel: usize| picture.data.iter().skip(channel).step_by(3).map(|value| unit(*value));
    Ok((0..3).flat_map(plane).collect())
}

/// The picture of planes of values from −1 to 1; halves are rounded to the even level. None where a value is not finite,
/// or where the planes have another size.
pub(crate) fn picture(planes: &[f32], size: Size) -> Option<Rgb8> {
    let pixels = size.height * size.width;
    if planes.len() != 3 * pixels || planes.iter().any(|value| !value.is_finite()) {
        return None;
    }
    let byte = |value: f32| ((value * 0.5 + 0.5).clamp(0.0, 1.0) * 255.0).round_ties_even() as u8;
    let mut data = vec![0; planes.len()];
    for (channel, plane) in planes.chunks_exact(pixels.max(1)).enumerate() {
        data.iter_mut().skip(channel).step_by(3).zip(plane).for_each(|(level, value)| *level = byte(*value));
    }
    Some(Rgb8 { width: size.width, height: size.height, data })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_levels_and_no_value_is_no_picture() {
        let size = Size { height: 1, width: 2 };
        let levels = picture(&[-1.0, 0.0, 2.0, 1.0, -3.0, 0.5], size).map(|picture| picture.data);
        assert_eq!(levels, Some(vec![0, 255, 0, 128, 255, 191]));
        assert_eq!(picture(&[0.0, f32::NAN, 0.0, 0.0, 0.0, 0.0], size), None);
        assert_eq!(picture(&[0.0], size), None);
    }
}
