//! A picture as the judge sees it: small, in CIE L\*a\*b\*, with its fine detail measured at full size.

use editscale_picture::Pixels;

/// Edge of the small picture that tones, colours and structure are measured in.
const EDGE: u32 = 96;

/// A channel at or beyond these, as linear light, is clipped.
const ENDS: [f32; 2] = [0.000_5, 0.995];

/// A picture as the judge sees it.
#[derive(Debug, Clone)]
pub struct View {
    /// Pixels from left to right of the small picture.
    pub width: usize,
    /// Pixels from top to bottom of the small picture.
    pub height: usize,
    /// Its colours: L\* from 0 to 100, a\* (green to red), b\* (blue to yellow).
    pub lab: Vec<[f64; 3]>,
    /// The root mean square of the finest gradients of L\*, at full size.
    pub fine: f64,
    /// The median size of the finest gradients of L\*, at full size: what noise there is in even parts.
    pub rough: f64,
    /// The share of pixels with a clipped channel.
    pub clipped: f64,
}

impl View {
    /// Looks at a picture.
    pub fn of(pixels: &Pixels) -> Self {
        let small = pixels.resized(EDGE.min(pixels.width()), EDGE.min(pixels.height()));
        let lightness: Vec<f64> = pixels.rgb().iter().map(|rgb| lab(*rgb)[0]).collect();
        let gradients = gradients(&lightness, pixels.width() as usize);
        let mut sizes: Vec<f64> = gradients.iter().map(|[across, down]| across.hypot(*down)).collect();
        sizes.sort_by(f64::total_cmp);
        let square = sizes.iter().map(|size| size * size).sum::<f64>() / sizes.len().max(1) as f64;
        let clipped = pixels.rgb().iter().filter(|rgb| rgb.iter().any(|value| *value <= ENDS[0] || *value >= ENDS[1]));
        Self {
            width: small.width() as usize,
            height: small.height() as usize,
            lab: small.rgb().iter().map(|rgb| lab(*rgb)).collect(),
            fine: square.sqrt(),
            rough: sizes.get(sizes.len() / 2).copied().unwrap_or(0.0),
            clipped: clipped.count() as f64 / pixels.rgb().len() as f64,
        }
    }

    /// The L\* below which this share of pixels lies.
    pub fn percentile(&self, share: f64) -> f64 {
        let mut lightness: Vec<f64> = self.lab.iter().map(|lab| lab[0]).collect();
        lightness.sort_by(f64::total_cmp);
        let place = (lightness.len().saturating_sub(1)) as f64 * share;
        lightness.get(place.round() as usize).copied().unwrap_or(0.0)
    }

    /// The mean of a number a pixel.
    pub fn mean(&self, of: impl Fn([f64; 3]) -> f64) -> f64 {
        self.lab.iter().map(|lab| of(*lab)).sum::<f64>() / self.lab.len().max(1) as f64
    }

    /// The mean of a number a pixel, over those whose place, as shares of width and height, is `inside`.
    pub fn mean_where(&self, inside: impl Fn(f64, f64) -> bool, of: impl Fn([f64; 3]) -> f64) -> f64 {
        let (mut sum, mut count) = (0.0, 0.0);
        for (place, lab) in self.lab.iter().enumerate() {
            let across = ((place % self.width) as f64 + 0.5) / self.width as f64;
            let down = ((place / self.width) as f64 + 0.5) / self.height as f64;
            if inside(across, down) {
                sum += of(*lab);
                count += 1.0;
            }
        }
        if count > 0.0 { sum / count } else { 0.0 }
    }

    /// Gradients of L\* after blurring by three pixels each way: structure, whatever grain or sharpness does.
    pub fn structure(&self) -> Vec<[f64; 2]> {
        let lightness: Vec<f64> = self.lab.iter().map(|lab| lab[0]).collect();
        gradients(&blurred(&lightness, self.width), self.width)
    }
}

/// Chroma: the distance from grey.
pub(super) fn chroma(lab: [f64; 3]) -> f64 {
    lab[1].hypot(lab[2])
}

/// CIE L\*a\*b\* (D65) of linear-light sRGB.
fn lab(rgb: [f32; 3]) -> [f64; 3] {
    let [r, g, b] = rgb.map(|value| f64::from(value).clamp(0.0, 1.0));
    let x = (0.412_456 * r + 0.357_576 * g + 0.180_438 * b) / 0.950_47;
    let y = 0.212_673 * r + 0.715_152 * g + 0.072_175 * b;
    let z = (0.019_334 * r + 0.119_192 * g + 0.950_304 * b) / 1.088_83;
    let [fx, fy, fz] = [x, y, z]
        .map(|value| if value > 216.0 / 24_389.0 { value.cbrt() } else { (24_389.0 / 27.0 * value + 16.0) / 116.0 });
    [116.0 * fy - 16.0, 500.0 * (fx - fy), 200.0 * (fy - fz)]
}

/// Differences to the next pixel to the right and below.
fn gradients(values: &[f64], width: usize) -> Vec<[f64; 2]> {
    let height = values.len() / width.max(1);
    let inner = (0..height.saturating_sub(1)).flat_map(|y| (0..width.saturating_sub(1)).map(move |x| y * width + x));
    inner.map(|at| [values[at + 1] - values[at], values[at + width] - values[at]]).collect()
}

/// The mean of the seven by seven pixels around each.
fn blurred(values: &[f64], width: usize) -> Vec<f64> {
    const REACH: usize = 3;
    let height = values.len() / width.max(1);
    let line = |at: usize, length: usize| at.saturating_sub(REACH)..(at + REACH + 1).min(length);
    let across: Vec<f64> = (0..values.len())
        .map(|place| {
            let (y, x) = (place / width, place % width);
            let near = line(x, width);
            let count = near.len() as f64;
            near.map(|x| values[y * width + x]).sum::<f64>() / count
        })
        .collect();
    (0..values.len())
        .map(|place| {
            let (y, x) = (place / width, place % width);
            let near = line(y, height);
            let count = near.len() as f64;
            near.map(|y| across[y * width + x]).sum::<f64>() / count
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_where_the_standard_has_them() {
        // White, black, and sRGB red in linear light, from the definition of the space.
        for (rgb, expected) in [
            ([1.0, 1.0, 1.0], [100.0, 0.0, 0.0]),
            ([0.0, 0.0, 0.0], [0.0, 0.0, 0.0]),
            ([1.0, 0.0, 0.0], [53.24, 80.09, 67.20]),
            ([0.0, 0.0, 1.0], [32.30, 79.19, -107.86]),
        ] {
            let found = lab(rgb);
            assert!(found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 0.05), "{found:?}");
        }
    }
}
