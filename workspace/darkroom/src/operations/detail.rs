//! Detail: sharpening, blur, denoising, grain, vignette.

use editscale_picture::{Pixels, linear_from_oklab, oklab_from_linear};
use rayon::prelude::*;

use super::step::Step;
use crate::planes::{GuidedFilter, gaussian, lightness_plane, noise_level};

fn longer(pixels: &Pixels) -> f32 {
    pixels.width().max(pixels.height()) as f32
}

/// Fine detail of lightness multiplied by `1 + amount` (unsharp masking). Detail no larger than the picture's noise is
/// left alone, and what an edge may overshoot is bounded, so that no halos stand out.
pub(super) fn sharpen<'a>(amount: f32) -> Step<'a> {
    Step::Whole(Box::new(move |pixels: Pixels| {
        let width = pixels.width() as usize;
        let lightness = lightness_plane(&pixels);
        let sigma = (longer(&pixels) * 0.0009).clamp(0.8, 3.0);
        let smooth = gaussian(&lightness, width, sigma);
        let noise = 1.5 * noise_level(&lightness, width);
        let most = 0.12;
        let change = Step::lab(|[l, a, b], index| {
            let detail = lightness[index] - smooth[index];
            let heard = detail.signum() * (detail.abs() - noise).max(0.0);
            [l + (amount * heard).clamp(-most, most), a, b]
        });
        super::step::apply(pixels, change)
    }))
}

/// A Gaussian blur in linear light; `sigma` in thousandths of the longer edge.
pub(super) fn blur<'a>(sigma: f32) -> Step<'a> {
    Step::Whole(Box::new(move |pixels: Pixels| {
        let sigma = (sigma / 1000.0 * longer(&pixels)).max(0.5);
        let width = pixels.width() as usize;
        let channel = |channel: usize| {
            let plane: Vec<f32> = pixels.rgb().par_iter().map(|rgb| rgb[channel]).collect();
            gaussian(&plane, width, sigma)
        };
        let (red, green, blue) = (channel(0), channel(1), channel(2));
        let mut blurred = pixels;
        blurred.rgb_mut().par_iter_mut().enumerate().for_each(|(index, rgb)| {
            *rgb = [red[index], green[index], blue[index]];
        });
        blurred
    }))
}

/// Noise taken out, `strength` times what is measured: lightness by a guided filter whose edge threshold is the noise, colour more
/// strongly, guided by the cleaned lightness.
pub(super) fn denoise<'a>(strength: f32) -> Step<'a> {
    Step::Whole(Box::new(move |pixels: Pixels| {
        let width = pixels.width() as usize;
        let lab: Vec<[f32; 3]> = pixels.rgb().par_iter().map(|rgb| oklab_from_linear(*rgb)).collect();
        let plane = |channel: usize| lab.par_iter().map(|lab| lab[channel]).collect::<Vec<f32>>();
        let lightness = plane(0);
        let noise = noise_level(&lightness, width).max(0.002) * strength;
        let radius = (longer(&pixels) * 0.002).clamp(2.0, 6.0) as usize;
        let fine = GuidedFilter { width, radius, epsilon: 2.0 * noise * noise };
        let clean = fine.smooth(&lightness, &lightness);
        let coarse = GuidedFilter { width, radius: 2 * radius, epsilon: 4.0 * noise * noise };
        let colour = |channel: usize| coarse.smooth(&clean, &plane(channel));
        let (a, b) = (colour(1), colour(2));
        let mut cleaned = pixels;
        cleaned.rgb_mut().par_iter_mut().enumerate().for_each(|(index, rgb)| {
            *rgb = linear_from_oklab([clean[index], a[index], b[index]]);
        });
        cleaned
    }))
}

/// A well-mixed 64-bit number of a counter (`SplitMix64`'s output function).
fn hash(counter: u64) -> u64 {
    let mut z = counter.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Film grain: noise in lightness, a little coarser than a pixel, strongest in the middle tones. `deviation` in hundredths of
/// OKLab lightness.
pub(super) fn grain<'a>(deviation: f32, seed: u64) -> Step<'a> {
    Step::Whole(Box::new(move |pixels: Pixels| {
        let width = pixels.width() as usize;
        let sigma = (longer(&pixels) * 0.0005).clamp(0.5, 2.2);
        let field: Vec<f32> = (0..pixels.rgb().len())
            .into_par_iter()
            .map(|index| {
                // The sum of four uniform numbers is near enough to normal for grain.
                let bits = hash(seed ^ (index as u64).wrapping_mul(0xd134_2543_de82_ef95));
                let sum: u32 = (0..4).map(|part| (bits >> (16 * part)) as u16).map(u32::from).sum();
                (sum as f32 / 65_536.0 - 2.0) * 1.732
            })
            .collect();
        let smooth = gaussian(&field, width, sigma);
        let scale = deviation / 100.0 / root_mean_square(&smooth).max(1e-6);
        let step = Step::lab(|[lightness, a, b], index| {
            let middle = (4.0 * lightness * (1.0 - lightness)).clamp(0.15, 1.0);
            [lightness + smooth[index] * scale * middle, a, b]
        });
        super::step::apply(pixels, step)
    }))
}

/// Summed in chunks of fixed size, so that the result does not depend on the number of threads.
fn root_mean_square(plane: &[f32]) -> f32 {
    let chunks: Vec<f64> = plane
        .par_chunks(65_536)
        .map(|chunk| chunk.iter().map(|value| f64::from(*value) * f64::from(*value)).sum())
        .collect();
    (chunks.iter().sum::<f64>() / plane.len().max(1) as f64).sqrt() as f32
}

/// Light falling off towards the corners by `stops` (negative: rising). `shape` moves where it begins.
pub(super) fn vignette<'a>(stops: f32, shape: f32) -> Step<'a> {
    Step::Whole(Box::new(move |pixels: Pixels| {
        let (width, height) = (pixels.width() as f32, pixels.height() as f32);
        let across = pixels.width() as usize;
        let begin = 0.35 + 0.1 * shape;
        let step = Step::linear(move |rgb, index| {
            let x = ((index % across) as f32 + 0.5) / width - 0.5;
            let y = ((index / across) as f32 + 0.5) / height - 0.5;
            // 1 in the corners, 0.71 in the middle of the edges.
            let distance = (2.0 * (x * x + y * y)).sqrt();
            let share = ((distance - begin) / (1.0 - begin)).clamp(0.0, 1.0);
            let gain = (-stops * share * share * (3.0 - 2.0 * share)).exp2();
            if gain <= 1.0 {
                return rgb.map(|value| value * gain);
            }
            let high = rgb[0].max(rgb[1]).max(rgb[2]).clamp(0.0, 1.0);
            let factor = gain / (1.0 + (gain - 1.0) * high * high);
            rgb.map(|value| value * factor)
        });
        super::step::apply(pixels, step)
    }))
}
