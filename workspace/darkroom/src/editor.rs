//! The darkroom behind the editor's port.

mod reading;
mod recipe;

use std::num::NonZeroU32;
use std::sync::Arc;

use editscale_core::{
    Candidate, EditBatch, EditItem, EditorCard, EditorName, EncodedImage, Failure, FailureKind, Image, ImageSize,
    KnobName, KnobScale, KnobSpec, LocalEditor, MediaType, NameError, Recovery, SeedRule, Start, Watch,
};
use editscale_picture::{DecodeCache, EncodeOptions, Metadata, Picture, Pixels, encode, luminance, srgb_from_linear};

use crate::decoded::decoded;
use crate::language::{VOCABULARY, advice, read};
use crate::mask::{Scene, doubt};
use crate::operations::{Choices, DevelopError, Job, KNOBS, develop, develop_parts};
use crate::plan::{Edit, Plan};
use crate::scenes::Scenes;

pub use recipe::DarkroomRecipe;

/// The version of everything that decides a candidate's pixels: language, masks, operations, encoding.
const REVISION: &str = "darkroom/4";

/// An editor that develops photographs as a darkroom does, from instructions in plain English.
#[derive(Debug)]
pub struct DarkroomEditor {
    card: EditorCard,
    partial: bool,
    pictures: Arc<DecodeCache>,
    scenes: Arc<Scenes>,
}

impl DarkroomEditor {
    /// A darkroom under a name.
    pub fn new(
        name: EditorName,
        recipe: &DarkroomRecipe,
        pictures: Arc<DecodeCache>,
        scenes: Arc<Scenes>,
    ) -> Result<Self, NameError> {
        Ok(Self { card: card(name, recipe.slots())?, partial: recipe.partial, pictures, scenes })
    }

    fn make(&self, item: &EditItem, watch: &dyn Watch) -> Result<Candidate, Failure> {
        let plan = self.plan(&item.proposal.instruction)?;
        let source = self.picture(&item.request.source)?;
        let start = self.picture(&item.start)?;
        let mask = item.request.mask.as_ref().map(|mask| self.mask(mask, &start.pixels)).transpose()?;
        let scene = self.scenes.of(*item.request.source.digest().as_bytes(), &source.pixels);
        let choices = Choices::draw(item.proposal.seed, &item.proposal.knobs);
        let is_refined = matches!(item.proposal.start, Start::Candidate(_));
        let job = Job {
            source: &source.pixels,
            scene: &scene,
            start: &start.pixels,
            plan: &plan,
            choices: &choices,
            mask: mask.as_deref(),
            touch_up: is_refined && *item.proposal.instruction == *item.request.instruction.as_str(),
            cancelled: &|| watch.cancelled(),
        };
        let mut impossible: Vec<String> = Vec::new();
        let leave_out = |edit: &Edit, why: &DevelopError| {
            let words = item.proposal.instruction.get(edit.words.clone()).unwrap_or_default();
            impossible.push(format!("left out `{words}`: {why}"));
        };
        let pixels = if self.partial { develop_parts(&job, leave_out) } else { develop(&job) };
        let pixels = pixels.map_err(|error| failure(&error))?;
        let image = encoded(pixels, &source.metadata, item.request.output_size)?;
        let warnings = source.metadata.warnings.iter().map(String::as_str);
        let doubts = doubts(&plan, &item.proposal.instruction, &scene);
        let said = notes(&plan);
        let said = said.iter().chain(&doubts).chain(&impossible).map(String::as_str);
        let notes = said.chain(warnings).map(Into::into).collect();
        Ok(Candidate { notes, ..Candidate::new(image) })
    }

    fn plan(&self, instruction: &str) -> Result<Plan, Failure> {
        check_plan(read(instruction), self.partial).map_err(|why| Failure::new(FailureKind::Refused, why))
    }

    fn picture(&self, image: &Image) -> Result<Arc<Picture>, Failure> {
        decoded(&self.pictures, image)
    }

    /// The mask as one value a pixel, 1 where it is white.
    fn mask(&self, mask: &Image, start: &Pixels) -> Result<Vec<f32>, Failure> {
        let picture = self.picture(mask)?;
        let pixels = picture.pixels.resized(start.width(), start.height());
        Ok(pixels.rgb().iter().map(|rgb| srgb_from_linear(luminance(*rgb)).clamp(0.0, 1.0)).collect())
    }
}

/// What is to be said of a plan beside doing it: what is left out, and which things are guessed at.
fn notes(plan: &Plan) -> Vec<String> {
    let left_out = plan.not_understood.iter().map(|fragment| format!("left out `{}`", fragment.text));
    left_out.chain(guesses(plan)).collect()
}

/// Which things are guessed at.
fn guesses(plan: &Plan) -> impl Iterator<Item = String> {
    plan.guessed.iter().map(|fragment| {
        let words = &fragment.text;
        format!(
            "in `{words}`, took what stands out for the thing: darkroom tells things by colour, as in \"the red cup\""
        )
    })
}

/// Which places were told by so little that they may be something else, an edit each.
fn doubts(plan: &Plan, instruction: &str, scene: &Scene) -> Vec<String> {
    let doubted = plan.edits.iter().filter_map(|edit| {
        let words = instruction.get(edit.words.clone())?;
        let doubt = doubt(scene, &edit.region)?;
        Some(format!("in `{words}`, {doubt}: darkroom tells it by colour and place alone"))
    });
    let mut doubts: Vec<String> = doubted.collect();
    doubts.dedup();
    doubts
}

/// The picture as a file, at the wanted size.
fn encoded(pixels: Pixels, metadata: &Metadata, size: Option<ImageSize>) -> Result<EncodedImage, Failure> {
    let pixels = match size {
        Some(size) => pixels.resized(size.width, size.height),
        None => pixels,
    };
    let size = ImageSize { width: pixels.width(), height: pixels.height() };
    let options = EncodeOptions { deep: metadata.is_deep, ..EncodeOptions::PNG };
    let bytes =
        encode(&pixels, metadata, options).map_err(|error| Failure::new(FailureKind::Malformed, error.to_string()))?;
    Ok(EncodedImage { media: MediaType::Png, size, bytes: bytes.into() })
}

/// A plan that can be carried out, or why it cannot: in words for people.
fn check_plan(plan: Plan, partial: bool) -> Result<Plan, String> {
    let missed: Vec<String> = plan.not_understood.iter().map(|fragment| format!("`{}`", fragment.text)).collect();
    let what = missed.join(", ");
    if plan.edits.is_empty() && missed.is_empty() {
        return Err(format!("the instruction asks for no edit that the darkroom knows: it does {VOCABULARY}"));
    }
    if plan.edits.is_empty() || !(missed.is_empty() || partial) {
        let part = if plan.edits.is_empty() { "" } else { ", or its option `partial` to do the rest alone" };
        let advice = plan.not_understood.iter().find_map(|fragment| advice(&fragment.text));
        let advice = advice.map_or_else(String::new, |advice| format!(" {advice};"));
        return Err(format!(
            "cannot do {what}:{advice} darkroom only does {VOCABULARY}; this takes an editing model{part}"
        ));
    }
    Ok(plan)
}

fn failure(error: &DevelopError) -> Failure {
    let kind = if *error == DevelopError::Cancelled { FailureKind::Cancelled } else { FailureKind::Refused };
    Failure::new(kind, error.to_string())
}

fn card(name: EditorName, workers: NonZeroU32) -> Result<EditorCard, NameError> {
    let knob = |range: &crate::operations::KnobRange| {
        let scale = if range.logarithmic { KnobScale::Logarithmic } else { KnobScale::Linear };
        let name = KnobName::new(range.name)?;
        Ok::<KnobSpec, NameError>(KnobSpec { name, low: range.low, high: range.high, default: range.default, scale })
    };
    Ok(EditorCard {
        seeds: SeedRule::Reproducible { bits: 53 },
        slots: workers,
        masks: true,
        knobs: KNOBS.iter().map(knob).collect::<Result<_, _>>()?,
        recovery: Recovery::Repeat,
        ..EditorCard::plain(name, REVISION)
    })
}

impl LocalEditor for DarkroomEditor {
    fn card(&self) -> &EditorCard {
        &self.card
    }

    fn edit(&mut self, batch: &EditBatch, watch: &dyn Watch) -> Vec<Result<Candidate, Failure>> {
        batch.each(watch, |item| self.make(item, watch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_that_may_be_something_else_are_noted() {
        let photo = include_bytes!("../../../tests/fixtures/photos/pagoda.jpg");
        let Ok(pagoda) = editscale_picture::decode(photo, &editscale_picture::Limits::default()) else {
            panic!("the photograph cannot be read")
        };
        let scene = Scene::analyse(&pagoda.pixels);
        let said = |instruction: &str| doubts(&read(instruction), instruction, &scene);
        let [skin] = &said("brighter, and soften the skin")[..] else { panic!("{:?}", said("soften the skin")) };
        let words = "in `soften the skin`, took all that has skin's colours for the skin: darkroom tells it by colour";
        assert!(skin.starts_with(words), "{skin}");
        assert!(said("darken the sky, and make the trees greener").is_empty(), "a blue sky is sure");
    }

    fn refusal(instruction: &str) -> String {
        check_plan(read(instruction), false).err().unwrap_or_default()
    }

    #[test]
    fn refusals_say_what_to_do_instead_where_that_is_known() {
        for (instruction, advice) in [
            ("make it 300x200", "is set beside the instruction; darkroom only does"),
            ("resize to 800 pixels wide", "a size in pixels is no edit"),
            ("warmer, 1200 by 800", "a size in pixels is no edit"),
            ("fix the white balance", "as in \"remove the blue cast\""),
            ("warmer, and remove the colour cast", "as in \"remove the blue cast\""),
            ("crop a bit off the top", "as in \"crop to 4:5\""),
            ("add a white border", "cannot do `add a white border`: darkroom only does"),
        ] {
            let why = refusal(instruction);
            assert!(why.contains(advice) && why.contains("instructions in English"), "{instruction}: {why}");
        }
    }

    /// It is behind services and plugins too, where there is no command line.
    #[test]
    fn refusals_name_no_flag_of_a_command_line() {
        for instruction in ["add a hat", "warmer, and add a hat", "make it 300x200", "make it better"] {
            let why = refusal(instruction);
            assert!(!why.is_empty() && !why.contains("--"), "{instruction}: {why}");
        }
        assert!(refusal("warmer, and add a hat").ends_with("or its option `partial` to do the rest alone"));
    }
}
