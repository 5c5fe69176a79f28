//! A reward in one page: how much brighter a picture has become, from -1 (white to black) to 1 (black to white).
//!
//! In a recipe: `{plugin: {run: [./brightness_reward], config: {slots: 2}}}`.

use std::io::Cursor;
use std::process::ExitCode;

use editscale_sdk::{About, Call, Failed, Image, Judged, Pair, Reward, RewardCard, Welcome, serve_reward};
use image::ImageReader;
use serde::Deserialize;

/// The most bytes that a picture may take in memory.
const MOST_BYTES: u64 = 1 << 30;

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

/// A picture's colours, whatever format it comes in.
fn decode(image: &Image) -> Result<Vec<[u8; 3]>, Failed> {
    let wrong = |error: &dyn std::fmt::Display| Failed::invalid(format!("a picture cannot be read: {error}"));
    let mut reader =
        ImageReader::new(Cursor::new(image.bytes()?)).with_guessed_format().map_err(|error| wrong(&error))?;
    let mut limits = image::Limits::default();
    limits.max_alloc = Some(MOST_BYTES);
    reader.limits(limits);
    let pixels = reader.decode().map_err(|error| wrong(&error))?.to_rgb8();
    Ok(pixels.pixels().map(|pixel| pixel.0).collect())
}

/// The plugin, until its standard input ends.
pub(crate) fn main() -> ExitCode {
    serve_reward(About::new("brightness", env!("CARGO_PKG_VERSION")), Brightness::load)
}

#[cfg(test)]
mod tests {
    use editscale_sdk::NewImage;

    use super::*;

    /// A PNG of one grey.
    fn grey(value: u8) -> Image {
        let mut bytes = Vec::new();
        let encoder = image::codecs::png::PngEncoder::new(&mut bytes);
        let written = image::ImageEncoder::write_image(encoder, &[value; 4], 2, 2, image::ExtendedColorType::L8);
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
            judged.iter().all(|one| one.as_ref().is_err_and(|why| why.message.contains("cannot be read"))),
            "{judged:?}"
        );
    }
}
