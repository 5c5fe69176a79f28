//! Pictures as networks take and give them, from files and back into files.

use candle_core::{DType, Device, Result, Tensor};
use editscale_core::{EncodedImage, Failure, FailureKind, Image, ImageSize, MediaType};
use editscale_picture::{Limits, Rgb8, decode_rgb8, encode_rgb8};

use crate::pictures::{Filter, Size, resize};

/// A size as networks take it.
pub(super) fn size_of(size: ImageSize) -> Size {
    Size { height: size.height as usize, width: size.width as usize }
}

/// The plain bytes of a picture.
pub(super) fn read(image: &Image) -> std::result::Result<Rgb8, Failure> {
    let bytes = image.read().map_err(|error| Failure::new(FailureKind::Unavailable, error.to_string()))?;
    decode_rgb8(&bytes, &Limits::default()).map_err(|error| Failure::new(FailureKind::Invalid, error.to_string()))
}

/// A picture brought to a size and to values from −1 to 1: [1, 3, height, width].
pub(super) fn to_unit(picture: Rgb8, size: Size, device: &Device, dtype: DType) -> Result<Tensor> {
    let picture = resize(picture, size, Filter::Lanczos);
    let pixels = size.height * size.width;
    let mut planes = vec![0.0_f32; 3 * pixels];
    for (at, pixel) in picture.data.chunks_exact(3).enumerate() {
        for (channel, &value) in pixel.iter().enumerate() {
            planes[channel * pixels + at] = 2.0 * (f32::from(value) / 255.0) - 1.0;
        }
    }
    Tensor::from_vec(planes, (1, 3, size.height, size.width), &Device::Cpu)?.to_dtype(dtype)?.to_device(device)
}

/// The pictures of values from −1 to 1, [batch, 3, height, width]; halves are rounded to the even level. None where a value is
/// not finite: it has no level.
pub(super) fn from_unit(pictures: &Tensor) -> Result<Vec<Option<Rgb8>>> {
    let (batch, _, height, width) = pictures.dims4()?;
    let pictures = pictures.to_device(&Device::Cpu)?.to_dtype(DType::F32)?;
    let byte = |value: f32| ((value * 0.5 + 0.5).clamp(0.0, 1.0) * 255.0).round_ties_even() as u8;
    let picture = |at: usize| {
        let planes: Vec<Vec<f32>> =
            (0..3).map(|channel| pictures.get(at)?.get(channel)?.flatten_all()?.to_vec1()).collect::<Result<_>>()?;
        if planes.iter().flatten().any(|value| !value.is_finite()) {
            return Ok(None);
        }
        let data = (0..height * width).flat_map(|pixel| [0, 1, 2].map(|channel| byte(planes[channel][pixel])));
        Ok(Some(Rgb8 { width, height, data: data.collect() }))
    };
    (0..batch).map(picture).collect()
}

/// A picture as a PNG file, brought to a size.
pub(super) fn encoded(picture: Rgb8, size: ImageSize, filter: Filter) -> std::result::Result<EncodedImage, Failure> {
    let picture = resize(picture, size_of(size), filter);
    let bytes = encode_rgb8(&picture).map_err(|error| Failure::new(FailureKind::Malformed, error.to_string()))?;
    Ok(EncodedImage { media: MediaType::Png, size, bytes: bytes.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_without_a_level_is_no_picture() {
        let good = Tensor::new(&[-1.0_f32, 0.0, 2.0], &Device::Cpu).unwrap().reshape((1, 3, 1, 1)).unwrap();
        let bad = Tensor::new(&[0.0_f32, f32::NAN, 0.0], &Device::Cpu).unwrap().reshape((1, 3, 1, 1)).unwrap();
        let pictures = from_unit(&Tensor::cat(&[good, bad], 0).unwrap()).unwrap();
        assert_eq!(pictures, [Some(Rgb8 { width: 1, height: 1, data: vec![0, 128, 255] }), None]);
    }
}
