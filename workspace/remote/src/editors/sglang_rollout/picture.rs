//! From a tensor of pixels to a file.

use editscale_core::{EncodedImage, ImageSize};
use png::{BitDepth, ColorType, Compression, Encoder};

use super::tensor::Packed;
use crate::picture::PictureLimits;
use crate::picture::received::received;

/// How far outside of 0 to 1 a value may be that is rounding.
const SLACK: f32 = 0.01;

/// A PNG of a tensor [channels, rows, columns], with one more dimension of 1 for time after the channels or none, whose values
/// are between 0 and 1. They become bytes as the server's own route for pictures makes them: times 255, cut off.
pub(super) fn encoded(packed: &Packed<'_>, limits: &PictureLimits) -> Result<EncodedImage, String> {
    let (channels, rows, columns) = geometry(packed.shape(), limits)?;
    let colour = match channels {
        1 => ColorType::Grayscale,
        3 => ColorType::Rgb,
        4 => ColorType::Rgba,
        _ => return Err(format!("expected a picture of 1, 3 or 4 channels, found {channels}")),
    };
    let values = packed.tensor("generated_output")?.values;
    if let Some(value) = values.iter().find(|value| !(-SLACK..=1.0 + SLACK).contains(*value)) {
        return Err(format!("expected pixels between 0 and 1, found {value}"));
    }
    let plane = rows * columns;
    let byte = |at: usize| (values.get(at).copied().unwrap_or_default() * 255.0).clamp(0.0, 255.0) as u8;
    let pixels: Vec<u8> =
        (0..plane).flat_map(|pixel| (0..channels).map(move |channel| channel * plane + pixel)).map(byte).collect();
    let size = ImageSize { width: columns as u32, height: rows as u32 };
    let file = write(&pixels, size, colour).map_err(|error| format!("the picture cannot be encoded: {error}"))?;
    received(file.into(), limits)
}

/// Channels, rows and columns, within the limits: they are checked before anything is unpacked.
fn geometry(shape: &[usize], limits: &PictureLimits) -> Result<(usize, usize, usize), String> {
    let ([channels, rows, columns] | [channels, 1, rows, columns]) = *shape else {
        return Err(format!("expected one picture [channels, rows, columns], found a tensor of {shape:?}"));
    };
    let most = limits.side as usize;
    let is_within = (1..=most).contains(&rows) && (1..=most).contains(&columns);
    if !is_within || (rows * columns) as u64 > limits.pixels {
        let PictureLimits { side, pixels, .. } = limits;
        return Err(format!("expected a picture of at most {pixels} pixels and {side} a side, found {columns}x{rows}"));
    }
    Ok((channels, rows, columns))
}

fn write(pixels: &[u8], size: ImageSize, colour: ColorType) -> Result<Vec<u8>, png::EncodingError> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, size.width, size.height);
    encoder.set_color(colour);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::Fast);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(file)
}
