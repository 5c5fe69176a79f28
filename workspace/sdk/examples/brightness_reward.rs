//! A reward in one page: how much brighter a picture has become, from -1 (white to black) to 1 (black to white).
//!
//! In a recipe: `{plugin: {run: [./brightness_reward], config: {slots: 2}}}`.

use std::io::Cursor;
use std::process::ExitCode;

use editscale_sdk::{About, Call, Failed, Image, Judged, Pair, Reward, RewardCard, Welcome, serve_reward};
use serde::Deserialize;

/// The most bytes that a picture may take in memory.
const MOST_BYTES: usize = 1 << 30;

/// What a recipe may set.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// How many calls are worked on at a time.
    slots: u32,
    /// How much red, green and blue count.
    weights: [f64; 3],
}

impl Default for Settings {
    fn default() -> Self {
        Self { slots: 1, weights: [0.2126, 0.7152, 0.0722] }
    }
}

struct Brightness(Settings);

impl Brightness {
    fn load(welcome: &Welcome) -> Result<Self, Failed> {
        let settings: Settings = welcome.settings()?;
        let sum: f64 = settings.weights.iter().sum();
        if (sum - 1.0).abs() > 1e-6 || settings.weights.iter().any(|weight| *weight < 0.0) {
            let found = settings.weights;
            return Err(Failed::invalid(format!("`weights` are {found:?}: expected three from 0 that add up to 1")));
        }
        Ok(Self(settings))
    }

    fn judge(&self, pair: &Pair) -> Result<Judged, Failed> {
        let (before, after) = (self.brightness(&pair.source)?, self.brightness(&pair.candidate)?);
        Ok(Judged::new(after - before).with_part("before", before).with_part("after", after))
    }

    /// From 0 for black to 1 for white.
    fn brightness(&self, image: &Image) -> Result<f64, Failed> {
        let pixels = decode(image)?;
        let of = |[red, green, blue]: &[u8; 3]| {
            let [r, g, b] = self.0.weights;
            r * f64::from(*red) + g * f64::from(*green) + b * f64::from(*blue)
        };
        Ok(pixels.iter().map(of).sum::<f64>() / (255.0 * pixels.len() as f64))
    }
}

impl Reward for Brightness {
    fn card(&self) -> RewardCard {
        let revision = format!("brightness 1, weights {:?}", self.0.weights);
        RewardCard { range: Some((-1.0, 1.0)), largest_batch: 16, slots: self.0.slots, ..RewardCard::new(revision) }
    }

    fn score(&self, pairs: &[Pair], call: &Call) -> Vec<Result<Judged, Failed>> {
        pairs.iter().map(|pair| call.check().and_then(|()| self.judge(pair))).collect()
    }
}

/// A PNG's colours. A real plugin may take a crate that reads more formats.
fn decode(image: &Image) -> Result<Vec<[u8; 3]>, Failed> {
    if image.media() != "image/png" {
        return Err(Failed::invalid(format!("a picture is {}: expected image/png", image.media())));
    }
    let wrong = |error: png::DecodingError| Failed::invalid(format!("a picture is no good PNG: {error}"));
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(image.bytes()?), png::Limits { bytes: MOST_BYTES });
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(wrong)?;
    let size = reader.output_buffer_size().filter(|size| *size <= MOST_BYTES);
    let mut bytes = vec![0; size.ok_or_else(|| Failed::invalid("a picture is too large"))?];
    let info = reader.next_frame(&mut bytes).map_err(wrong)?;
    bytes.truncate(info.buffer_size());
    let colour = |pixel: &[u8]| match *pixel {
        [grey] | [grey, _] => [grey; 3],
        [red, green, blue, ..] => [red, green, blue],
        [] => [0; 3],
    };
    Ok(bytes.chunks_exact(info.color_type.samples()).map(colour).collect())
}

fn main() -> ExitCode {
    serve_reward(About::new("brightness", env!("CARGO_PKG_VERSION")), Brightness::load)
}

#[cfg(test)]
mod tests {
    use editscale_sdk::NewImage;

    use super::*;

    /// A PNG of one grey.
    fn grey(value: u8) -> Image {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 2, 2);
        encoder.set_color(png::ColorType::Grayscale);
        let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(&[value; 4]));
        assert!(written.is_ok());
        Image::of(NewImage::png(bytes))
    }

    #[test]
    fn what_became_brighter_scores_higher() {
        let reward = Brightness(Settings::default());
        let pair = |after| Pair { source: grey(51), candidate: grey(after), instruction: String::new(), mask: None };
        let judged = reward.score(&[pair(51), pair(255), pair(0)], &Call::detached());
        let means: Vec<f64> = judged.into_iter().flatten().map(|judged| judged.mean).collect();
        assert!(means.iter().zip([0.0, 0.8, -0.2]).all(|(mean, expected)| (mean - expected).abs() < 1e-9), "{means:?}");
    }

    #[test]
    fn what_is_no_picture_is_a_failure() {
        let broken = Image::of(NewImage::png(b"no picture".to_vec()));
        let pair = Pair { source: grey(1), candidate: broken, instruction: String::new(), mask: None };
        let judged = Brightness(Settings::default()).score(&[pair], &Call::detached());
        assert!(
            judged.iter().all(|one| one.as_ref().is_err_and(|why| why.message.contains("no good PNG"))),
            "{judged:?}"
        );
    }
}
