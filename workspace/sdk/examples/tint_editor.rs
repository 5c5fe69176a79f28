//! An editor in small that can do everything an editor can: seeds, knobs, masks, batches, progress, previews, cancelling,
//! stopping half way and going on in several ways, and the way it took.
//!
//! Its latent is a shift of red, green and blue. It begins at random and is led in `steps` steps to the colour that the
//! instruction names, with noise on each step but the last.
//!
//! In a recipe: `{plugin: {run: [./tint_editor], config: {steps: 8}}}`.

use std::collections::BTreeMap;
use std::f64::consts::TAU;
use std::io::Cursor;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use editscale_sdk::{
    About, Call, CancelRule, CostNumbers, Edit, EditCounters, EditProposal, Editor, EditorCard, Failed, Feature, Image,
    Knob, KnobScale, Made, NewImage, PauseSupport, PausedPlace, SamplerKind, Size, Start, Trajectory, Welcome,
    serve_editor,
};
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder, ImageReader};
use serde::Deserialize;

/// The most bytes that a picture may take in memory.
const MOST_BYTES: u64 = 1 << 30;

/// The part of the way to its colour that a step goes; what is left in the end depends on the seed.
const PULL: f64 = 0.25;

/// Words of an instruction, and where they lead.
const COLOURS: [(&str, [f64; 3]); 9] = [
    ("red", [0.5, -0.2, -0.2]),
    ("green", [-0.2, 0.5, -0.2]),
    ("blue", [-0.2, -0.2, 0.5]),
    ("yellow", [0.3, 0.3, -0.3]),
    ("warm", [0.25, 0.05, -0.2]),
    ("cool", [-0.2, 0.0, 0.25]),
    ("bright", [0.3, 0.3, 0.3]),
    ("dark", [-0.3, -0.3, -0.3]),
    ("grey", [0.0, 0.0, 0.0]),
];

/// What a recipe may set.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Steps to the finished picture.
    steps: u32,
    /// How many calls are worked on at a time.
    slots: u32,
    /// How long a step takes at least, to see progress and cancelling at work.
    step_millis: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { steps: 8, slots: 1, step_millis: 0 }
    }
}

/// How far an edit is: what has to be kept to go on.
#[derive(Debug, Clone, PartialEq)]
struct State {
    step: u32,
    shift: [f64; 3],
    latents: Vec<f32>,
    log_probabilities: Vec<Option<f32>>,
}

struct Tint {
    settings: Settings,
    paused: Mutex<BTreeMap<(String, u32), State>>,
}

impl Tint {
    fn load(welcome: &Welcome) -> Result<Self, Failed> {
        let settings: Settings = welcome.settings()?;
        if !(2..=1000).contains(&settings.steps) {
            return Err(Failed::invalid(format!("`steps` is {}: expected 2 to 1000", settings.steps)));
        }
        Ok(Self { settings, paused: Mutex::default() })
    }

    fn make(&self, item: usize, edit: &Edit, call: &Call) -> Result<Made, Failed> {
        let pixels = decode(&edit.start_picture)?;
        let mask = edit.mask.as_ref().map(decode).transpose()?;
        let canvas = Canvas::new(pixels, mask)?;
        let (mut state, before) = self.start(edit)?;
        let (end, strength) = (self.end(&edit.proposal, state.step)?, knob(&edit.proposal, "strength")?);
        while state.step < end {
            call.check()?;
            self.advance(&mut state, &edit.proposal)?;
            call.progress(item, state.step, self.settings.steps);
            if state.step == self.settings.steps / 2 {
                call.preview(item, &canvas.tinted(state.shift, strength)?);
            }
            std::thread::sleep(Duration::from_millis(self.settings.step_millis));
        }
        let image = canvas.tinted(state.shift, strength)?;
        let passes = u64::from(state.step - before);
        let mut made = Made::new(image);
        made.cost = CostNumbers { nfe: passes, ..CostNumbers::default() };
        let counted =
            EditCounters { image_encodes: 1, denoiser_passes: passes, image_decodes: 1, ..Default::default() };
        made.counters = EditCounters { text_encodes: 1, ..counted };
        made.notes = notes(edit, canvas.picture.size);
        if edit.proposal.until_step.is_some() {
            let mut paused = self.paused.lock().unwrap_or_else(PoisonError::into_inner);
            paused.insert((edit.run.clone(), edit.proposal.candidate), state);
        } else {
            made.trajectory = Some(self.trajectory(state));
        }
        Ok(made)
    }

    /// The state to go on from, and at which step the work of this call begins.
    fn start(&self, edit: &Edit) -> Result<(State, u32), Failed> {
        let Start::Paused(candidate) = edit.proposal.start else { return Ok((begin(edit.proposal.seed), 0)) };
        let kept = {
            let paused = self.paused.lock().unwrap_or_else(PoisonError::into_inner);
            paused.get(&(edit.run.clone(), candidate)).cloned()
        };
        if let Some(state) = kept {
            let step = state.step;
            return Ok((state, step));
        }
        let first = edit.path.first().ok_or_else(|| {
            Failed::invalid(format!("there is no state of candidate {candidate} and no path to make it again"))
        })?;
        let mut state = begin(first.seed);
        for proposal in &edit.path {
            let end = self.end(proposal, state.step)?;
            while state.step < end {
                self.advance(&mut state, proposal)?;
            }
        }
        Ok((state, 0))
    }

    /// The step that a proposal leads to.
    fn end(&self, proposal: &EditProposal, from: u32) -> Result<u32, Failed> {
        let steps = self.settings.steps;
        let Some(until) = proposal.until_step else { return Ok(steps) };
        let fits = until > from && until < steps;
        fits.then_some(until)
            .ok_or_else(|| Failed::invalid(format!("`until_step` is {until}: expected {} to {}", from + 1, steps - 1)))
    }

    /// One step: towards the colour, with noise that depends on the proposal's seed and the step alone.
    fn advance(&self, state: &mut State, proposal: &EditProposal) -> Result<(), Failed> {
        let target = target(&proposal.instruction).unwrap_or_else(|| begin(proposal.seed).shift);
        let left = self.settings.steps - state.step;
        let sigma = knob(proposal, "noise")? * f64::from(left - 1) / f64::from(self.settings.steps);
        let mut density = 0.0;
        for (channel, (value, target)) in (0_u64..).zip(state.shift.iter_mut().zip(target)) {
            let noise = normal(proposal.seed, u64::from(state.step) * 3 + channel);
            *value += PULL * (target - *value) + sigma * noise;
            density -= (noise * noise / 2.0 + sigma.ln() + TAU.ln() / 2.0) / 3.0;
        }
        state.step += 1;
        state.latents.extend(state.shift.map(|value| value as f32));
        state.log_probabilities.push((sigma > 0.0).then_some(density as f32));
        Ok(())
    }

    fn trajectory(&self, state: State) -> Trajectory {
        let steps = self.settings.steps;
        let level = |step: u32| 1.0 - step as f32 / steps as f32;
        let State { latents, log_probabilities, .. } = state;
        let (timesteps, sigmas) = ((0..steps).map(level).collect(), (0..=steps).map(level).collect());
        Trajectory { shape: vec![3], latents, timesteps, sigmas, log_probabilities }
    }
}

impl Editor for Tint {
    fn card(&self) -> EditorCard {
        let steps = self.settings.steps;
        EditorCard {
            seed_bits: Some(53),
            largest_batch: 8,
            slots: self.settings.slots,
            edits_candidates: true,
            pause: PauseSupport::Fork,
            sampler: SamplerKind::Stochastic,
            cancel: CancelRule::WithinStep,
            masks: true,
            knobs: knobs(),
            cost: CostNumbers { nfe: steps.into(), ..CostNumbers::default() },
            ..EditorCard::new(format!("tint 1, {steps} steps"))
        }
    }

    fn edit(&self, edits: &[Edit], call: &Call) -> Vec<Result<Made, Failed>> {
        edits.iter().enumerate().map(|(item, edit)| self.make(item, edit, call)).collect()
    }

    fn release(&self, paused: &[PausedPlace]) {
        let mut kept = self.paused.lock().unwrap_or_else(PoisonError::into_inner);
        for place in paused {
            kept.remove(&(place.run.clone(), place.candidate));
        }
    }
}

fn knobs() -> Vec<Knob> {
    let knob =
        |name: &str, high, default| Knob { name: name.into(), low: 0.0, high, default, scale: KnobScale::Linear };
    vec![knob("strength", 1.0, 0.5), knob("noise", 0.5, 0.2)]
}

/// What a knob is turned to, or its default.
fn knob(proposal: &EditProposal, name: &str) -> Result<f64, Failed> {
    let knobs = knobs();
    if let Some(strange) = proposal.knobs.keys().find(|turned| knobs.iter().all(|knob| knob.name != **turned)) {
        return Err(Failed::invalid(format!("there is no knob `{strange}`: expected strength or noise")));
    }
    let knob = knobs.into_iter().find(|knob| knob.name == name);
    let knob = knob.ok_or_else(|| Failed::internal(format!("there is no knob `{name}`")))?;
    let value = proposal.knobs.get(name).copied().unwrap_or(knob.default);
    let fits = (knob.low..=knob.high).contains(&value);
    fits.then_some(value)
        .ok_or_else(|| Failed::invalid(format!("the knob `{name}` is {value}: expected {} to {}", knob.low, knob.high)))
}

fn target(instruction: &str) -> Option<[f64; 3]> {
    let instruction = instruction.to_lowercase();
    COLOURS.iter().find(|(word, _)| instruction.contains(word)).map(|(_, colour)| *colour)
}

fn notes(edit: &Edit, size: Size) -> Vec<String> {
    let mut notes = Vec::new();
    if target(edit.instruction()).is_none() {
        notes.push("the instruction names no colour that this editor knows: the seed chose one".to_owned());
    }
    if edit.output_size.is_some_and(|asked| asked != size) {
        notes.push("the size that was asked for is not to be had: the picture keeps its own".to_owned());
    }
    notes
}

fn begin(seed: u64) -> State {
    let shift = std::array::from_fn(|channel| 0.3 * normal(!seed, channel as u64));
    State { step: 0, shift, latents: shift.iter().map(|value| *value as f32).collect(), log_probabilities: Vec::new() }
}

/// A number of the normal distribution that depends on nothing but these two.
fn normal(seed: u64, place: u64) -> f64 {
    let uniform = |number: u64| ((scramble(scramble(seed) ^ number) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
    let (radius, angle) = (uniform(2 * place), uniform(2 * place + 1));
    (-2.0 * radius.ln()).sqrt() * (TAU * angle).cos()
}

/// The finalizer of `SplitMix64`: near inputs give far outputs.
fn scramble(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// The pixels of a picture.
struct Pixels {
    size: Size,
    colours: Vec<[u8; 3]>,
}

/// A picture, and where it may be painted on.
struct Canvas {
    picture: Pixels,
    mask: Option<Pixels>,
}

impl Canvas {
    fn new(picture: Pixels, mask: Option<Pixels>) -> Result<Self, Failed> {
        if let Some(mask) = mask.as_ref().filter(|mask| mask.size != picture.size) {
            let (found, expected) = (mask.size, picture.size);
            return Err(Failed::invalid(format!(
                "the mask is {}x{}: expected {}x{}, as the picture",
                found.width, found.height, expected.width, expected.height
            )));
        }
        Ok(Self { picture, mask })
    }

    fn tinted(&self, shift: [f64; 3], strength: f64) -> Result<NewImage, Failed> {
        let paint = |colour: [u8; 3]| {
            let mut painted = colour;
            for (value, shift) in painted.iter_mut().zip(shift) {
                *value = (f64::from(*value) + 255.0 * strength * shift).round().clamp(0.0, 255.0) as u8;
            }
            painted
        };
        let is_open = |place: usize| {
            let mask = self.mask.as_ref().and_then(|mask| mask.colours.get(place));
            mask.is_none_or(|colour| colour[0] >= 128)
        };
        let colours = self.picture.colours.iter().enumerate();
        let bytes: Vec<u8> =
            colours.flat_map(|(place, colour)| if is_open(place) { paint(*colour) } else { *colour }).collect();
        encode(self.picture.size, &bytes)
    }
}

fn encode(size: Size, bytes: &[u8]) -> Result<NewImage, Failed> {
    let mut file = Vec::new();
    let encoder = PngEncoder::new(&mut file);
    let written = encoder.write_image(bytes, size.width, size.height, ExtendedColorType::Rgb8);
    written.map_err(|error| Failed::internal(format!("the picture cannot be written: {error}")))?;
    Ok(NewImage::png(file))
}

/// A picture's colours, whatever format it comes in.
fn decode(image: &Image) -> Result<Pixels, Failed> {
    let wrong = |error: &dyn std::fmt::Display| Failed::invalid(format!("a picture cannot be read: {error}"));
    let mut reader =
        ImageReader::new(Cursor::new(image.bytes()?)).with_guessed_format().map_err(|error| wrong(&error))?;
    let mut limits = image::Limits::default();
    limits.max_alloc = Some(MOST_BYTES);
    reader.limits(limits);
    let pixels = reader.decode().map_err(|error| wrong(&error))?.to_rgb8();
    let size = Size { width: pixels.width(), height: pixels.height() };
    Ok(Pixels { size, colours: pixels.pixels().map(|pixel| pixel.0).collect() })
}

/// The plugin, until its standard input ends.
pub(crate) fn main() -> ExitCode {
    let features = [Feature::Cancel, Feature::Progress, Feature::Preview, Feature::Pause, Feature::Trajectories];
    let about = features.into_iter().fold(About::new("tint", env!("CARGO_PKG_VERSION")), About::with);
    serve_editor(about, Tint::load)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn editor() -> Tint {
        Tint { settings: Settings::default(), paused: Mutex::default() }
    }

    fn proposal(candidate: u32, seed: u64, start: Start, until_step: Option<u32>) -> EditProposal {
        let (instruction, knobs) = ("make it red".to_owned(), BTreeMap::new());
        EditProposal { candidate, start, until_step, seed, instruction, knobs }
    }

    fn edit(proposal: EditProposal, path: Vec<EditProposal>) -> Edit {
        let picture = encode(Size { width: 4, height: 3 }, &[100; 36]).map(Image::of);
        let Ok(picture) = picture else { unreachable!("a picture can be written") };
        Edit {
            run: "run".into(),
            source: picture.clone(),
            mask: None,
            request_instruction: "make it red".into(),
            output_size: None,
            start_picture: picture,
            proposal,
            path,
        }
    }

    fn made(editor: &Tint, edit: Edit) -> Result<Made, Failed> {
        editor.edit(&[edit], &Call::detached()).swap_remove(0)
    }

    #[test]
    fn equal_seeds_give_equal_pictures_and_others_do_not() {
        let whole = |seed| made(&editor(), edit(proposal(1, seed, Start::Source, None), Vec::new()));
        assert_eq!(whole(1), whole(1));
        assert_ne!(whole(1).map(|made| made.image), whole(2).map(|made| made.image));
    }

    #[test]
    fn a_state_that_was_lost_is_made_again_from_its_path() {
        let kept = editor();
        let first = proposal(1, 5, Start::Source, Some(3));
        assert!(made(&kept, edit(first.clone(), Vec::new())).is_ok_and(|made| made.trajectory.is_none()));
        let later = |seed| edit(proposal(2, seed, Start::Paused(1), None), vec![first.clone()]);
        let (from_state, from_path) = (made(&kept, later(6)), made(&editor(), later(6)));
        assert_ne!(made(&kept, later(7)).map(|made| made.image), from_state.clone().map(|made| made.image));
        assert_eq!(
            from_state.map(|made| (made.image, made.trajectory)),
            from_path.map(|made| (made.image, made.trajectory))
        );
        kept.release(&[PausedPlace { run: "run".into(), candidate: 1 }]);
        let lost = made(&kept, edit(proposal(2, 6, Start::Paused(1), None), Vec::new()));
        assert!(lost.is_err_and(|why| why.message.contains("no state of candidate 1")));
    }

    #[test]
    fn going_on_with_the_same_seed_is_as_if_it_had_not_stopped() {
        let editor = editor();
        let whole = made(&editor, edit(proposal(1, 5, Start::Source, None), Vec::new()));
        let half = made(&editor, edit(proposal(2, 5, Start::Source, Some(4)), Vec::new()));
        let rest = made(&editor, edit(proposal(3, 5, Start::Paused(2), None), Vec::new()));
        assert_eq!(half.map(|made| made.cost.nfe), Ok(4));
        assert_eq!(whole.map(|made| (made.image, made.trajectory)), rest.map(|made| (made.image, made.trajectory)));
    }
}
