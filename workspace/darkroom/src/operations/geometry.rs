//! Geometry: rotation, straightening, mirroring, cropping. Alpha goes along.

use editscale_picture::Pixels;
use rayon::prelude::*;

use crate::plan::{Aspect, Axis};
use crate::planes::{gaussian, lightness_plane};

/// A picture of a new size whose every pixel is taken from a place in the old one.
fn gather(pixels: &Pixels, (width, height): (u32, u32), from: impl Fn(u32, u32) -> usize + Sync) -> Pixels {
    let take = |index: usize| from((index % width as usize) as u32, (index / width as usize) as u32);
    let count = width as usize * height as usize;
    let rgb = (0..count).into_par_iter().map(|index| pixels.rgb()[take(index)]).collect();
    let alpha = pixels.alpha().map(|alpha| (0..count).into_par_iter().map(|index| alpha[take(index)]).collect());
    Pixels::new(width, height, rgb).map_or_else(|| pixels.clone(), |new| new.with_alpha(alpha))
}

pub(crate) fn flip(pixels: &Pixels, axis: Axis) -> Pixels {
    let (width, height) = (pixels.width(), pixels.height());
    let place = |x: u32, y: u32| y as usize * width as usize + x as usize;
    gather(pixels, (width, height), |x, y| match axis {
        Axis::Horizontal => place(width - 1 - x, y),
        Axis::Vertical => place(x, height - 1 - y),
    })
}

/// Clockwise by `degrees`. Right angles are exact; others are resampled and cut to the largest upright rectangle of the
/// picture's own aspect ratio.
pub(crate) fn rotate(pixels: &Pixels, degrees: f32) -> Pixels {
    let quarter = (degrees / 90.0).round();
    if (degrees - quarter * 90.0).abs() < 1e-3 {
        return quarter_turns(pixels, (quarter as i32).rem_euclid(4));
    }
    let turned = quarter_turns(pixels, (quarter as i32).rem_euclid(4));
    small_turn(&turned, degrees - quarter * 90.0)
}

fn quarter_turns(pixels: &Pixels, turns: i32) -> Pixels {
    let (width, height) = (pixels.width(), pixels.height());
    let place = |x: u32, y: u32| y as usize * width as usize + x as usize;
    match turns {
        1 => gather(pixels, (height, width), |x, y| place(y, height - 1 - x)),
        2 => gather(pixels, (width, height), |x, y| place(width - 1 - x, height - 1 - y)),
        3 => gather(pixels, (height, width), |x, y| place(width - 1 - y, x)),
        _ => pixels.clone(),
    }
}

/// The share of each edge that is left of a rectangle of this aspect ratio when it is turned and cut to a rectangle of the same
/// ratio: `1 / (cos θ + max(aspect, 1/aspect) sin θ)`.
fn share_left(aspect: f32, degrees: f32) -> f32 {
    let (sine, cosine) = degrees.to_radians().abs().sin_cos();
    1.0 / (cosine + aspect.max(1.0 / aspect) * sine)
}

fn small_turn(pixels: &Pixels, degrees: f32) -> Pixels {
    let share = share_left(pixels.aspect(), degrees);
    let size = |edge: u32| ((edge as f32 * share).floor() as u32).max(1);
    let (width, height) = (size(pixels.width()), size(pixels.height()));
    let (sine, cosine) = degrees.to_radians().sin_cos();
    let centre = (pixels.width() as f32 / 2.0, pixels.height() as f32 / 2.0);
    let from = |index: usize| {
        let x = (index % width as usize) as f32 + 0.5 - width as f32 / 2.0;
        let y = (index / width as usize) as f32 + 0.5 - height as f32 / 2.0;
        (centre.0 + x * cosine + y * sine - 0.5, centre.1 - x * sine + y * cosine - 0.5)
    };
    let count = width as usize * height as usize;
    let rgb = (0..count).into_par_iter().map(|index| cubic(pixels, from(index))).collect();
    let alpha = pixels.alpha().map(|alpha| {
        let nearest = |(x, y): (f32, f32)| {
            let x = x.round().clamp(0.0, pixels.width() as f32 - 1.0) as usize;
            let y = y.round().clamp(0.0, pixels.height() as f32 - 1.0) as usize;
            alpha[y * pixels.width() as usize + x]
        };
        (0..count).into_par_iter().map(|index| nearest(from(index))).collect()
    });
    Pixels::new(width, height, rgb).map_or_else(|| pixels.clone(), |new| new.with_alpha(alpha))
}

/// Catmull–Rom weights of the four samples around a place that lies `t` after the second.
fn weights(t: f32) -> [f32; 4] {
    let (t2, t3) = (t * t, t * t * t);
    [-0.5 * t3 + t2 - 0.5 * t, 1.5 * t3 - 2.5 * t2 + 1.0, -1.5 * t3 + 2.0 * t2 + 0.5 * t, 0.5 * t3 - 0.5 * t2]
}

fn cubic(pixels: &Pixels, (x, y): (f32, f32)) -> [f32; 3] {
    let (left, top) = (x.floor(), y.floor());
    let (across, down) = (weights(x - left), weights(y - top));
    let (right_most, lowest) = (i64::from(pixels.width()) - 1, i64::from(pixels.height()) - 1);
    let mut sum = [0.0; 3];
    for (row, down) in down.into_iter().enumerate() {
        let y = (top as i64 + row as i64 - 1).clamp(0, lowest) as usize * pixels.width() as usize;
        for (column, across) in across.into_iter().enumerate() {
            let x = (left as i64 + column as i64 - 1).clamp(0, right_most) as usize;
            let colour = pixels.rgb()[y + x];
            (0..3).for_each(|channel| sum[channel] += down * across * colour[channel]);
        }
    }
    sum
}

/// Cut to an aspect ratio, keeping as much as possible. Where along the free axis is decided by where the most detail is, and
/// by `lean` (−1..=1) a little.
pub(super) fn crop(pixels: &Pixels, aspect: Aspect, lean: f32) -> Pixels {
    let wanted = f64::from(aspect.width) / f64::from(aspect.height);
    let (width, height) = (f64::from(pixels.width()), f64::from(pixels.height()));
    let (new_width, new_height) =
        if width / height > wanted { (height * wanted, height) } else { (width, width / wanted) };
    let size = |edge: f64, most: u32| (edge.round() as u32).clamp(1, most);
    let (new_width, new_height) = (size(new_width, pixels.width()), size(new_height, pixels.height()));
    let room = (pixels.width() - new_width, pixels.height() - new_height);
    let centre = interest(pixels);
    let place = |room: u32, whole: u32, part: u32, centre: f32| {
        let ideal = centre * whole as f32 - part as f32 / 2.0 + 0.08 * lean * room as f32;
        ideal.clamp(0.0, room as f32) as u32
    };
    let left = place(room.0, pixels.width(), new_width, centre.0);
    let top = place(room.1, pixels.height(), new_height, centre.1);
    let across = pixels.width() as usize;
    gather(pixels, (new_width, new_height), |x, y| (y + top) as usize * across + (x + left) as usize)
}

/// The centre of detail, as shares of width and height, drawn towards the middle.
fn interest(pixels: &Pixels) -> (f32, f32) {
    let small = pixels.reduced(128);
    let lightness = lightness_plane(&small);
    let (width, height) = (small.width() as usize, small.height() as usize);
    let (mut sum, mut at) = (1e-6_f32, (0.0_f32, 0.0_f32));
    for y in 0..height.saturating_sub(1) {
        for x in 0..width.saturating_sub(1) {
            let here = lightness[y * width + x];
            let detail = (lightness[y * width + x + 1] - here).abs() + (lightness[(y + 1) * width + x] - here).abs();
            sum += detail;
            at.0 += detail * (x as f32 + 0.5) / width as f32;
            at.1 += detail * (y as f32 + 0.5) / height as f32;
        }
    }
    let mean = |at: f32| 0.5 + 0.7 * (at / sum - 0.5);
    if sum < 1e-3 { (0.5, 0.5) } else { (mean(at.0), mean(at.1)) }
}

/// The angle by which the picture is to be turned clockwise to level it, in degrees within ±12; nothing where no direction stands
/// out.
///
/// Gradients near the horizontal and the vertical vote for the tilt that would align them, in steps of a quarter of a degree, by
/// their strength; the winner must stand clearly above the mean.
pub(super) fn tilt(pixels: &Pixels) -> Option<f32> {
    const STEPS: usize = 97;
    const REACH: f32 = 12.0;
    let small = pixels.reduced(640);
    let width = small.width() as usize;
    let lightness = gaussian(&lightness_plane(&small), width, 1.2);
    let mut votes = [0.0_f32; STEPS];
    for y in 1..(small.height() as usize).saturating_sub(1) {
        for x in 1..width.saturating_sub(1) {
            let at = |dx: isize, dy: isize| lightness[(y as isize + dy) as usize * width + (x as isize + dx) as usize];
            // Sobel gradients, whose direction is exact for straight edges.
            let across = at(1, -1) + 2.0 * at(1, 0) + at(1, 1) - at(-1, -1) - 2.0 * at(-1, 0) - at(-1, 1);
            let down = at(-1, 1) + 2.0 * at(0, 1) + at(1, 1) - at(-1, -1) - 2.0 * at(0, -1) - at(1, -1);
            let strength = across.hypot(down);
            if strength > 0.08 {
                let angle = down.atan2(across).to_degrees();
                let off = angle - (angle / 90.0).round() * 90.0;
                if off.abs() < REACH {
                    votes[((off + REACH) * 4.0).round() as usize] += strength.min(1.0);
                }
            }
        }
    }
    let smooth: Vec<f32> = (0..STEPS)
        .map(|step| {
            let near = step.saturating_sub(2)..(step + 3).min(STEPS);
            let count = near.len() as f32;
            votes[near].iter().sum::<f32>() / count
        })
        .collect();
    let best = (0..STEPS).max_by(|a, b| smooth[*a].total_cmp(&smooth[*b]))?;
    let mean = smooth.iter().sum::<f32>() / STEPS as f32;
    (smooth[best] > 2.2 * mean && mean > 0.0).then_some(-(best as f32 / 4.0 - REACH))
}
