//! Photographs, and the sources that are cut from them.

use std::fs;
use std::path::{Path, PathBuf};

use editscale_darkroom::mask::{MaskChoice, Scene, find};
use editscale_darkroom::plan::{Amount, Change, Colour, Direction, Quantity, Region, Subject};
use editscale_picture::{EncodeOptions, Limits, Metadata, Pixels, decode, encode, srgb_from_linear};
use rayon::prelude::*;

use crate::Result;
use crate::draw::Draw;
use crate::edits::{Move, carry_out};
use crate::phrases::{COLOURS, PLACES, Place};

/// A photograph that sources are cut from.
pub(crate) struct Photo {
    /// Its path below the folder of photographs.
    pub(crate) name: String,
    pixels: Pixels,
    /// Whether it is kept for measuring.
    pub(crate) held_out: bool,
}

/// Larger photographs are reduced to this: sources are far smaller.
const LONGEST_EDGE: u32 = 1000;
/// Every so manyth photograph is held out.
const HELD_OUT_EVERY: usize = 5;

/// Reads every picture of a folder and what is below it, in the order of their paths; also what cannot be read, with the reason.
pub(crate) fn read_all(folder: &Path) -> Result<(Vec<Photo>, Vec<String>)> {
    let mut paths = Vec::new();
    collect(folder, &mut paths)?;
    paths.sort();
    let read: Vec<(String, Result<Pixels>)> = paths
        .par_iter()
        .map(|path| (path.strip_prefix(folder).unwrap_or(path).to_string_lossy().into_owned(), read_one(path)))
        .collect();
    let (mut photos, mut skipped) = (Vec::new(), Vec::new());
    for (name, pixels) in read {
        match pixels {
            Ok(pixels) => photos.push(Photo { name, pixels, held_out: false }),
            Err(why) => skipped.push(format!("skipped {name}: {why}")),
        }
    }
    hold_out(&mut photos);
    Ok((photos, skipped))
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).map_err(|error| format!("cannot read {}: {error}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() { collect(&path, paths)? } else { paths.push(path) }
    }
    Ok(())
}

fn read_one(path: &Path) -> Result<Pixels> {
    let pixels = decode(&fs::read(path)?, &Limits::default())?.pixels.reduced(LONGEST_EDGE).into_owned();
    if pixels.width().min(pixels.height()) < 64 {
        return Err(format!("it is {} x {} pixels: expected 64 at least", pixels.width(), pixels.height()).into());
    }
    Ok(pixels.with_alpha(None))
}

/// Of few photographs the last is held out.
fn hold_out(photos: &mut [Photo]) {
    let last = photos.len().saturating_sub(1);
    for (n, photo) in photos.iter_mut().enumerate() {
        photo.held_out = n % HELD_OUT_EVERY == HELD_OUT_EVERY - 1 || last > 0 && last < HELD_OUT_EVERY - 1 && n == last;
    }
}

/// What is edited: a crop of a photograph.
pub(crate) struct Source {
    pub(crate) photo: String,
    pub(crate) held_out: bool,
    pub(crate) pixels: Pixels,
    pub(crate) scene: Scene,
    /// The file's bytes.
    pub(crate) png: Vec<u8>,
    /// The colours that it has some of, but not all over.
    pub(crate) colours: Vec<Colour>,
    /// The places that can be told apart in it.
    pub(crate) places: Vec<&'static Place>,
    /// Mean lightness as sRGB value, 0..=1.
    pub(crate) lightness: f32,
    /// Mean of the largest less the least sRGB value of each pixel, 0..=1.
    pub(crate) colourfulness: f32,
}

/// Widths over heights, and how often each is cut.
const ASPECTS: [(f32, f32); 5] =
    [(1.0, 0.5), (4.0 / 3.0, 0.22), (3.0 / 4.0, 0.14), (16.0 / 9.0, 0.08), (9.0 / 16.0, 0.06)];
/// Pixels of a source, as the square root of their count, and how often. The judge sees about 112.
const EDGES: [(f32, f32); 4] = [(114.0, 0.12), (144.0, 0.38), (176.0, 0.3), (224.0, 0.2)];

impl Source {
    /// A crop of one of the photographs; nothing where no crop with anything on it was found.
    pub(crate) fn cut(photos: &[Photo], draw: &mut Draw) -> Result<Option<Self>> {
        for _ in 0..40 {
            let photo = &photos[(draw.seed().unit() * photos.len() as f64) as usize % photos.len()];
            let crop = crop(&photo.pixels, draw);
            let crop = if photo.held_out { crop } else { varied(&crop, draw)? };
            let source = Self::new(photo, &crop)?;
            if spread(&source.pixels) > 0.05 {
                return Ok(Some(source));
            }
        }
        Ok(None)
    }

    fn new(photo: &Photo, crop: &Pixels) -> Result<Self> {
        let png = encode(crop, &Metadata::default(), EncodeOptions::PNG)?;
        // What is edited is what the file holds.
        let pixels = decode(&png, &Limits::default())?.pixels;
        let scene = Scene::analyse(&pixels);
        let covered = |region: &Region| find(&scene, region, MaskChoice::PLAIN).map_or(0.0, |mask| mask.coverage());
        let colours = COLOURS.iter().map(|(colour, _)| *colour);
        let colours = colours.filter(|colour| (0.06..0.75).contains(&covered(&of_colour(*colour)))).collect();
        let is_told = |place: &&Place| (0.12..0.88).contains(&covered(&place.region()));
        Ok(Self {
            photo: photo.name.clone(),
            held_out: photo.held_out,
            png,
            colours,
            places: PLACES.iter().filter(is_told).collect(),
            lightness: mean(&pixels, |rgb| (rgb[0] + rgb[1] + rgb[2]) / 3.0),
            colourfulness: mean(&pixels, |rgb| rgb[0].max(rgb[1]).max(rgb[2]) - rgb[0].min(rgb[1]).min(rgb[2])),
            scene,
            pixels,
        })
    }
}

/// The region that "the red things" is read as.
pub(crate) fn of_colour(colour: Colour) -> Region {
    Region { subject: Some(Subject::Object), colour: Some(colour), ..Region::default() }
}

/// A random part of a picture, at a random size, mirrored half of the time.
fn crop(pixels: &Pixels, draw: &mut Draw) -> Pixels {
    let aspect = draw.weighted(&ASPECTS, |(_, weight)| *weight).0;
    let edge = draw.weighted(&EDGES, |(_, weight)| *weight).0;
    let (across, down) = (pixels.width() as f32, pixels.height() as f32);
    let width = (across.min(down * aspect) * draw.between(0.1, 1.0).sqrt()).max(48.0).min(across);
    let height = (width / aspect).min(down);
    let left = (draw.unit() * (across - width)) as usize;
    let top = (draw.unit() * (down - height)) as usize;
    let mirrored = draw.chance(0.5);
    let cut = part(pixels, (left, top), (width as usize, height as usize), mirrored);
    cut.resized((edge * aspect.sqrt()).round() as u32, (edge / aspect.sqrt()).round() as u32)
}

fn part(pixels: &Pixels, (left, top): (usize, usize), (width, height): (usize, usize), mirrored: bool) -> Pixels {
    let across = pixels.width() as usize;
    let mut rgb = Vec::with_capacity(width * height);
    for row in pixels.rgb().chunks_exact(across).skip(top).take(height) {
        let row = &row[left..left + width];
        if mirrored { rgb.extend(row.iter().rev()) } else { rgb.extend(row) }
    }
    Pixels::new(width as u32, height as u32, rgb).unwrap_or_else(|| pixels.clone())
}

/// The same in other light and colours, so that few photographs make many sources.
fn varied(pixels: &Pixels, draw: &mut Draw) -> Result<Pixels> {
    let mut moves = Vec::new();
    for quantity in [Quantity::Exposure, Quantity::Contrast, Quantity::Saturation, Quantity::Warmth] {
        if draw.chance(0.35) {
            let direction = draw.one(&[Direction::More, Direction::Less]);
            let change = Change::Adjust { quantity, direction, amount: Amount::Plain };
            moves.push(Move { change, region: Region::default(), factor: draw.between(0.15, 1.0) });
        }
    }
    if draw.chance(0.4) {
        let change = Change::Hue { degrees: Some(draw.between(-180.0, 180.0)) };
        moves.push(Move { change, region: Region::default(), factor: 1.0 });
    }
    carry_out(pixels, &Scene::analyse(pixels), &moves, draw.seed())
}

fn mean(pixels: &Pixels, of: impl Fn([f32; 3]) -> f32) -> f32 {
    let srgb = |rgb: &[f32; 3]| rgb.map(|value| srgb_from_linear(value.clamp(0.0, 1.0)));
    pixels.rgb().iter().map(|rgb| of(srgb(rgb))).sum::<f32>() / pixels.rgb().len() as f32
}

/// The standard deviation of lightness, in sRGB values of 0..=1.
fn spread(pixels: &Pixels) -> f32 {
    let grey = |rgb: [f32; 3]| (rgb[0] + rgb[1] + rgb[2]) / 3.0;
    let middle = mean(pixels, grey);
    mean(pixels, |rgb| (grey(rgb) - middle).powi(2)).sqrt()
}
