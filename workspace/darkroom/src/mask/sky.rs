//! Where the sky is: by a sky's colours, by its smoothness, and by reaching down from the upper edge.

use editscale_picture::delta_e_ok;

use super::Scene;
use super::colours::hue_distance;
use crate::curve::rise;
use crate::planes::gaussian;

/// What is taken for the sky.
pub(super) struct Sky {
    /// How likely each pixel belongs to it, 0..=1; nothing anywhere where no sky is found.
    pub(super) evidence: Vec<f32>,
    /// Whether it is blue and fills the upper edge, which nothing else is likely to.
    pub(super) is_sure: bool,
}

/// Smooth, bright or blue areas that reach down from the upper edge, and what has their colour right beside them: there the texture
/// is that of the border.
pub(super) fn sky(scene: &Scene) -> Sky {
    let colours: Vec<Colours> = (0..scene.lab.len()).map(|index| Colours::of(scene, index)).collect();
    let like: Vec<f32> = colours
        .iter()
        .zip(&scene.texture)
        .map(|(colour, texture)| colour.sum() * rise(0.07, 0.025, *texture))
        .collect();
    let reached = connected_to_top(scene, &like);
    let found = Found::of(scene, &colours, &reached);
    if found.is_a_warm_thing() {
        return Sky { evidence: vec![0.0; like.len()], is_sure: false };
    }
    let filled: Vec<f32> = reached.iter().map(|reached| f32::from(u8::from(*reached))).collect();
    let joined = gaussian(&filled, scene.width, 1.2);
    let near = gaussian(&joined, scene.width, 3.0);
    let evidence =
        (0..joined.len()).map(|index| joined[index].max(colours[index].sum() * rise(0.02, 0.2, near[index])));
    Sky { evidence: evidence.collect(), is_sure: found.is_blue_above() }
}

/// How well a pixel has each of a sky's colours where it lies, 0..=1.
#[derive(Debug, Clone, Copy, Default)]
struct Colours {
    blue: f32,
    pale: f32,
    /// As at sunset, and as wood, clay and coffee.
    glowing: f32,
}

impl Colours {
    fn of(scene: &Scene, index: usize) -> Self {
        let [lightness, a, b] = scene.lab[index];
        let (chroma, hue) = (a.hypot(b), b.atan2(a).to_degrees());
        let low = rise(0.95, 0.6, scene.place(index).1);
        Self {
            blue: low * rise(60.0, 35.0, hue_distance(hue, 245.0)) * rise(0.01, 0.03, chroma),
            pale: low * rise(0.06, 0.03, chroma) * rise(0.6, 0.8, lightness),
            glowing: low * rise(60.0, 35.0, hue_distance(hue, 55.0)) * rise(0.55, 0.75, lightness),
        }
    }

    /// All of them together.
    fn sum(self) -> f32 {
        self.blue.max(self.pale).max(0.8 * self.glowing)
    }
}

/// What was reached from the upper edge.
struct Found {
    /// Its mean colours.
    colours: Colours,
    /// The share of the upper edge that it fills.
    of_the_edge: f32,
    /// The share that it fills of the upper edge and of the upper halves of the sides.
    of_the_frame: f32,
}

impl Found {
    fn of(scene: &Scene, colours: &[Colours], reached: &[bool]) -> Self {
        let count = reached.iter().filter(|reached| **reached).count().max(1) as f32;
        let mean = |part: fn(&Colours) -> f32| {
            colours.iter().zip(reached).filter(|(_, reached)| **reached).map(|(colour, _)| part(colour)).sum::<f32>()
                / count
        };
        let colours = Colours { blue: mean(|c| c.blue), pale: mean(|c| c.pale), glowing: mean(|c| c.glowing) };
        let share = |places: &[usize]| {
            places.iter().filter(|place| reached[**place]).count() as f32 / places.len().max(1) as f32
        };
        let edge: Vec<usize> = (0..scene.width.min(reached.len())).collect();
        let sides = (0..scene.height / 2).flat_map(|y| [y * scene.width, (y + 1) * scene.width - 1]);
        let frame: Vec<usize> = edge.iter().copied().chain(sides).collect();
        Self { colours, of_the_edge: share(&edge), of_the_frame: share(&frame) }
    }

    /// Warm colours alone, which do not fill the upper frame as an evening's sky does: a thing that the upper edge cuts.
    fn is_a_warm_thing(&self) -> bool {
        let Colours { blue, pale, glowing } = self.colours;
        0.8 * glowing > 2.0 * (blue + pale) && self.of_the_frame < 0.5
    }

    fn is_blue_above(&self) -> bool {
        self.colours.blue > 0.2 && self.of_the_edge > 0.5
    }
}

/// What of `like` is joined to the upper edge through pixels of at least half evidence and no sharp change of colour.
fn connected_to_top(scene: &Scene, like: &[f32]) -> Vec<bool> {
    let (width, height) = (scene.width, scene.height);
    let mut reached = vec![false; like.len()];
    let mut waiting: Vec<usize> = (0..width.min(like.len())).filter(|index| like[*index] > 0.35).collect();
    waiting.iter().for_each(|index| reached[*index] = true);
    while let Some(index) = waiting.pop() {
        let (x, y) = (index % width, index / width);
        let neighbours = [
            (x > 0).then(|| index - 1),
            (x + 1 < width).then(|| index + 1),
            (y > 0).then(|| index - width),
            (y + 1 < height).then(|| index + width),
        ];
        for next in neighbours.into_iter().flatten() {
            let step = delta_e_ok(scene.lab[index], scene.lab[next]);
            if !reached[next] && like[next] > 0.3 && step < 0.06 {
                reached[next] = true;
                waiting.push(next);
            }
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use editscale_picture::{Pixels, linear_from_oklab};

    use super::*;

    /// A dark picture with an area of one colour in it: from `left` to `right` and down from the upper edge, as shares.
    fn found(colour: [f32; 3], (left, right): (f32, f32)) -> (f32, bool) {
        let pixel = |index: usize| {
            let (x, y) = ((index % 96) as f32 / 96.0, (index / 96) as f32 / 64.0);
            let is_inside = (left..right).contains(&x) && y < 0.5;
            linear_from_oklab(if is_inside { colour } else { [0.25, 0.0, 0.02] })
        };
        let Some(pixels) = Pixels::new(96, 64, (0..96 * 64).map(pixel).collect()) else { panic!("no picture") };
        let Sky { evidence, is_sure } = sky(&Scene::analyse(&pixels));
        (evidence.iter().sum::<f32>() / evidence.len() as f32, is_sure)
    }

    const BLUE: [f32; 3] = [0.75, -0.03, -0.08];
    const ORANGE: [f32; 3] = [0.75, 0.06, 0.09];
    const PALE: [f32; 3] = [0.92, 0.0, -0.004];

    #[test]
    fn an_evening_sky_fills_the_upper_frame_and_a_warm_thing_does_not() {
        assert!(found(ORANGE, (0.0, 1.0)).0 > 0.3);
        assert!(found(ORANGE, (0.0, 0.8)).0 > 0.25);
        for (left, right) in [(0.2, 0.8), (0.4, 0.7), (0.7, 1.0)] {
            let (share, _) = found(ORANGE, (left, right));
            assert!(share < 1e-6, "{left} to {right}: {share}");
        }
        assert!(found(BLUE, (0.4, 0.7)).0 > 0.1, "between houses");
    }

    #[test]
    fn a_sky_is_sure_where_it_is_blue_and_fills_the_upper_edge() {
        assert!(found(BLUE, (0.0, 1.0)).1);
        assert!(!found(BLUE, (0.4, 0.7)).1 && !found(PALE, (0.0, 1.0)).1 && !found(ORANGE, (0.0, 1.0)).1);
    }
}
