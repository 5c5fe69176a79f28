//! The pictures of a run as the images API shows them.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use editscale_config::{Output, OutputFormat};
use editscale_core::{CandidateId, Image, ImageSize, MediaType, Outcome};
use editscale_engine::{CandidateRecord, RunRecord};
use editscale_picture::Format;
use serde::Serialize;
use utoipa::ToSchema;

use super::super::files::Shown;
use super::super::image::{self, has_transparency, rendered, rendered_on_white};
use crate::form::{CandidateForm, ScoreForm};
use crate::refusal::Refusal;
use crate::runs::Live;
use crate::service::Service;

/// What an answer is to look like.
#[derive(Debug)]
pub(super) struct Wanted {
    /// At most so many pictures.
    pub(super) count: usize,
    /// As the recipe says where it is not said.
    pub(super) format: Option<Format>,
    /// 1 to 100, for JPEG.
    pub(super) quality: Option<u8>,
    /// Whether what is transparent is laid on white.
    pub(super) opaque: bool,
    /// Addresses that begin so, in place of base64.
    pub(super) base: Option<Arc<str>>,
    /// Whether the run's trace goes along.
    pub(super) trace: bool,
    /// Fields that nobody read.
    pub(super) ignored: Vec<String>,
}

/// A run, and how its pictures are wanted.
#[derive(Debug)]
pub(super) struct Display {
    pub(super) service: Arc<Service>,
    pub(super) live: Arc<Live>,
    pub(super) wanted: Wanted,
}

/// One picture, with what the search knows of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct ImageForm {
    /// The picture in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    b64_json: Option<String>,
    /// Its address at this server, for an hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// Which candidate of the run it is.
    candidate: u32,
    /// What the objective makes of its scores, at the end.
    utility: Option<f64>,
    /// What the rewards said, by reward.
    scores: BTreeMap<String, ScoreForm>,
    /// The seed that it was made from.
    seed: u64,
}

/// A picture ready to be sent, with its size.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) form: ImageForm,
    pub(super) size: ImageSize,
    /// `opaque` or `transparent`.
    pub(super) background: &'static str,
}

impl Display {
    /// The best pictures that differ, the best first. Reads files and computes.
    pub(super) fn best(&self, record: &RunRecord) -> Result<Vec<Ready>, Refusal> {
        let Some(outcome) = &record.outcome else { return Ok(Vec::new()) };
        let mut seen = HashSet::new();
        let candidates = outcome.verdict.ranked.iter().filter_map(|ranked| candidate(record, ranked.id));
        let distinct = candidates.filter(|(_, image)| seen.insert(image.digest()));
        let (mut ready, mut gone) = (Vec::new(), None);
        for (candidate, image) in distinct {
            if ready.len() == self.wanted.count {
                break;
            }
            let mut form = described(candidate, Some(outcome));
            match self.show(&mut form, image) {
                Ok(background) => ready.push(Ready { form, size: image.size(), background }),
                // The recipe did not keep it.
                Err(refusal @ Refusal::Absent { .. }) => gone = Some(refusal),
                Err(refusal) => return Err(refusal),
            }
        }
        match gone {
            Some(refusal) if ready.is_empty() => Err(refusal),
            _ => Ok(ready),
        }
    }

    /// A candidate's picture before the end. Reads files and computes.
    pub(super) fn preview(&self, id: CandidateId) -> Result<Ready, Refusal> {
        let record = self.live.read().ok_or_else(|| Refusal::absent("record of the run", self.live.id().as_str()))?;
        let found = candidate(&record, id).ok_or_else(|| Refusal::absent("candidate", &id.to_string()));
        let (candidate, image) = found?;
        let mut form = described(candidate, None);
        let background = self.show(&mut form, image)?;
        Ok(Ready { form, size: image.size(), background })
    }

    /// Puts the picture in, or its address. Returns what is behind the picture.
    fn show(&self, form: &mut ImageForm, image: &Image) -> Result<&'static str, Refusal> {
        let wanted = self.wanted_of(image);
        let is_transparent = self.format() != Format::Jpeg && has_transparency(image, self.service.pictures())?;
        let on_white = is_transparent && self.wanted.opaque;
        if let Some(base) = &self.wanted.base {
            let shown = Shown { run: self.live.id().as_str(), candidate: form.candidate, wanted, on_white };
            form.url = Some(format!("{base}{}", shown.address(self.service.secret())));
        } else {
            let render = if on_white { rendered_on_white } else { rendered };
            let rendered = render(image, wanted, self.service.pictures())?;
            form.b64_json = Some(STANDARD.encode(&rendered.bytes));
        }
        Ok(if is_transparent && !on_white { "transparent" } else { "opaque" })
    }

    /// How a picture is written. What is in the format already is left as the editor made it, unless a quality is asked for.
    fn wanted_of(&self, image: &Image) -> image::Wanted {
        let (format, output) = (self.format(), self.output());
        let is_other = image.media() != MediaType::Jpeg;
        let quality = self.wanted.quality.or_else(|| is_other.then_some(output?.quality));
        image::Wanted { format: Some(format), quality: quality.filter(|_| format == Format::Jpeg) }
    }

    /// The format of all pictures.
    pub(super) fn format(&self) -> Format {
        self.wanted.format.unwrap_or_else(|| match self.output().map(|output| output.format) {
            Some(OutputFormat::Jpeg) => Format::Jpeg,
            Some(OutputFormat::Webp) => Format::WebP,
            Some(OutputFormat::Png) | None => Format::Png,
        })
    }

    /// The word that clients know it by.
    pub(super) fn format_word(&self) -> &'static str {
        match self.format() {
            Format::Jpeg => "jpeg",
            Format::WebP => "webp",
            _ => "png",
        }
    }

    /// What the recipe says of how results are written.
    fn output(&self) -> Option<Output> {
        let offer = self.service.checker().offer(Some(&self.live.recipe())).ok()?;
        Some(offer.recipe.settings().output)
    }
}

/// What the search knows of a candidate.
fn described(candidate: &CandidateRecord, outcome: Option<&Outcome>) -> ImageForm {
    let CandidateForm { id, seed, scores, utility, .. } = CandidateForm::new(candidate, outcome);
    let made = candidate.made.as_ref().and_then(|made| made.as_ref().ok());
    let seed = made.and_then(|made| made.effective_seed).unwrap_or(seed);
    ImageForm { b64_json: None, url: None, candidate: id, utility, scores, seed }
}

/// A candidate that has a picture.
fn candidate(record: &RunRecord, id: CandidateId) -> Option<(&CandidateRecord, &Image)> {
    let candidate = record.candidates.get(id.0 as usize)?;
    let made = candidate.made.as_ref()?.as_ref().ok()?;
    Some((candidate, &made.image))
}
