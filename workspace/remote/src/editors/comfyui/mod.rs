//! Editors that are a workflow of `ComfyUI`: a graph of nodes into which each edit is written at places that the user names.
//!
//! A picture is uploaded under a name that follows from its content, the graph is submitted under a name that follows from
//! the edit, and what became of it is read from the server's history. A WebSocket tells how far it is where one can be had.

mod answer;
mod check;
mod job;
mod options;
mod progress;
mod recipe;
mod template;
mod verdict;
mod workflow;

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use editscale_core::{
    BoxFuture, CancelRule, Candidate, EditBackend, EditBatch, EditItem, EditorCard, Failure, Image, ImageSize,
    MediaType, Recovery, SeedRule, Watch,
};
use sha2::{Digest, Sha256};
use tokio::sync::Notify;

pub use check::WorkflowFinding;
pub use options::{ComfyUiOptions, WorkflowBindings, WorkflowKnob};
pub use recipe::ComfyUiRecipe;

use self::job::{ComfyJob, Upload};
use self::options::USUAL_SEED_BITS;
use self::template::{Filling, Template};
use crate::SetupError;
use crate::editors::card::{plain, repeat_where_free, revised};
use crate::editors::item::{begin, each, file, invalid, key, sent};
use crate::editors::knobs::defaults;
use crate::editors::masks;
use crate::editors::openai_images::MaskRule;
use crate::editors::wish::Wish;
use crate::fingerprint::{fingerprint, hex};
use crate::fleet::call::{Ask, Fleet};
use crate::fleet::jobs::{Finished, Jobs, Order};
use crate::picture::mask::transparent_where_white;
use crate::price::{Counted, TokenBounds};
use crate::trouble::retry::Repeat;

/// The version of what this dialect sends; a part of every card's revision.
const VERSION: u32 = 1;
/// The most bytes of a picture that is sent: what the server takes unless it was told otherwise.
const MOST_BYTES: usize = 100 << 20;
/// Bits of a seed at most: what a JSON number holds exactly everywhere.
const MOST_SEED_BITS: u8 = 53;

/// An editor that is a workflow of `ComfyUI`.
#[derive(Debug)]
pub struct ComfyUi {
    pub(crate) options: ComfyUiOptions,
    template: Arc<Template>,
    card: EditorCard,
    fleet: Fleet,
    repeat: Repeat,
}

/// What is asked of the server for one edit.
struct Prepared {
    uploads: Vec<Upload>,
    seed: u64,
    wish: Wish,
}

impl ComfyUi {
    /// Checks the workflow and every pointer into it, and reads the secrets. No server is called.
    pub fn new(options: ComfyUiOptions) -> Result<Self, SetupError> {
        if !(1..=MOST_SEED_BITS).contains(&options.seed_bits) {
            return Err(SetupError::setting("seed_bits", "1 to 53", &options.seed_bits));
        }
        options.polls.check()?;
        options.sizes.check()?;
        options.prices.only(&[Counted::Call, Counted::Picture])?;
        let template = Arc::new(Template::new(&options)?);
        let repeat = repeat_where_free(&options.prices);
        let card = card(&options, &template);
        let fleet = Fleet::new(&options.connection)?;
        Ok(Self { options, template, card, fleet, repeat })
    }

    async fn make(&self, place: usize, item: EditItem, watch: &dyn Watch) -> Result<Candidate, Failure> {
        begin(&item, &self.options.name, watch)?;
        let prepared = self.prepared(&item)?;
        let key = key(&item, &self.card.revision);
        let id = self.id(&key, &item, &prepared);
        let jobs = self.job(id.clone(), &item, &prepared);
        let order = self.order(place, key, id, &item);
        let (item, prepared) = (&item, &prepared);
        let read = |finished: Finished| async move { self.candidate(&finished, item, prepared).await };
        // The server keeps its queue and its history in memory: a job of an earlier life that it does not know after a
        // restart of its own is not done by anybody. Where that may have cost something, nobody knows.
        let outcome = self.fleet.job(&order, &jobs, watch, read).await;
        outcome.map_err(|error| error.into_failure(self.repeat, self.card.cost))
    }

    fn prepared(&self, item: &EditItem) -> Result<Prepared, Failure> {
        let bytes = file(&item.start, MOST_BYTES, reads)?;
        let mut uploads = vec![upload(&item.start, item.start.media(), bytes)];
        uploads.extend(self.mask(item)?);
        let wished = item.request.output_size;
        let size = wished.unwrap_or_else(|| item.start.size());
        let size = self.template.has_sides().then(|| self.options.sizes.nearest(size));
        let seed = sent(item.proposal.seed, self.options.seed_bits);
        Ok(Prepared { uploads, seed, wish: Wish { wished, asked: size } })
    }

    /// The mask goes as a picture of its own.
    fn mask(&self, item: &EditItem) -> Result<Option<Upload>, Failure> {
        let (name, rule) = (&self.options.name, self.template.masks());
        let Some(mask) = masks::mask(item, name, rule.is_some())? else {
            return match rule {
                // What the file has there is a mask of another picture.
                Some(_) => {
                    Err(invalid(format!("the workflow of the editor `{name}` wants a mask, and the request has none")))
                }
                None => Ok(None),
            };
        };
        let bytes = file(mask, MOST_BYTES, reads)?;
        if rule == Some(MaskRule::White) {
            return Ok(Some(upload(mask, mask.media(), bytes)));
        }
        let turned = transparent_where_white(&bytes, mask.size()).map_err(invalid)?;
        Ok(Some(Upload { name: format!("mask-{}.png", short(mask)), mime: "image/png", bytes: turned.into() }))
    }

    fn order(&self, place: usize, key: String, id: String, item: &EditItem) -> Order {
        Order {
            ask: Ask { works_on: true, ..Ask::post("prompt", None, self.repeat, item.proposal.seed) },
            place,
            expected: Some(id),
            key,
            earlier: item.earlier.clone(),
            rules: self.options.polls,
        }
    }

    /// The job's name: the same for the same edit, and another for another graph, so that runs that happen to be called the
    /// same do not take each other's results.
    fn id(&self, key: &str, item: &EditItem, prepared: &Prepared) -> String {
        let names: Vec<String> = prepared.uploads.iter().map(|upload| upload.name.clone()).collect();
        let graph = filled(&self.template, item, (prepared.seed, prepared.wish.asked), &names);
        uuid(&format!("{key}\n{graph}"))
    }

    fn job(&self, id: String, item: &EditItem, prepared: &Prepared) -> Arc<dyn Jobs> {
        let (template, item_of_graph) = (Arc::clone(&self.template), item.clone());
        let (seed, size) = (prepared.seed, prepared.wish.asked);
        Arc::new(ComfyJob {
            id,
            uploads: prepared.uploads.clone(),
            fill: Box::new(move |names| filled(&template, &item_of_graph, (seed, size), names)),
            outputs: self.template.outputs.clone(),
            limits: self.options.limits,
            listens: self.options.progress,
            ended: Arc::new(Notify::new()),
            listener: Mutex::new(None),
        })
    }
}

/// The graph of an item with its seed and size, and the names under which the server has the files.
fn filled(
    template: &Template,
    item: &EditItem,
    (seed, size): (u64, Option<ImageSize>),
    names: &[String],
) -> serde_json::Value {
    let image = names.first().map(String::as_str).unwrap_or_default();
    let mask = names.get(1).map(String::as_str);
    template.filled(Filling { image, mask, seed, size, proposal: &item.proposal })
}

impl EditBackend for ComfyUi {
    fn card(&self) -> &EditorCard {
        &self.card
    }

    fn edit<'a>(&'a self, batch: EditBatch, watch: &'a dyn Watch) -> BoxFuture<'a, Vec<Result<Candidate, Failure>>> {
        each(batch, move |place, item| self.make(place, item, watch))
    }
}

fn card(options: &ComfyUiOptions, template: &Template) -> EditorCard {
    let cost = options.prices.bound(TokenBounds::default(), options.outputs.len() as u64, options.nfe);
    EditorCard {
        seeds: SeedRule::Reproducible { bits: options.seed_bits },
        // The server looks between nodes and between steps.
        cancel: CancelRule::WithinStep,
        masks: template.masks().is_some(),
        steers_noise: false,
        steps: None,
        knobs: options.knobs.iter().map(|knob| knob.knob.spec.clone()).collect(),
        recovery: Recovery::Query,
        ..plain(&options.name, &options.connection, revision(options, template), cost)
    }
}

/// Everything that changes a picture and is not in a proposal: the graph with its fixed values, and where it is written to.
fn revision(options: &ComfyUiOptions, template: &Template) -> String {
    let knobs = defaults(options.knobs.iter().map(|knob| &knob.knob.spec));
    let (bindings, outputs, sizes) = (&options.bindings, &options.outputs, &options.sizes);
    let mut all = format!("{}\n{bindings:?}\n{outputs:?}\n{sizes:?}\n{knobs}", template.workflow.to_json());
    // What is as usual adds nothing. Writing to a text cannot fail.
    if options.seed_bits != USUAL_SEED_BITS {
        _ = write!(all, "\nseed_bits={}", options.seed_bits);
    }
    if let Some(masks) = options.masks {
        _ = write!(all, "\nmasks={masks:?}");
    }
    revised(format!("comfyui/{VERSION} {}", fingerprint(&all)), options.revision.as_ref())
}

/// Formats that the server's `LoadImage` reads.
fn reads(media: MediaType) -> bool {
    matches!(media, MediaType::Png | MediaType::Jpeg | MediaType::WebP | MediaType::Bmp)
}

fn upload(image: &Image, media: MediaType, bytes: Arc<[u8]>) -> Upload {
    Upload { name: format!("{}.{}", short(image), media.extension()), mime: media.mime(), bytes }
}

fn short(image: &Image) -> String {
    hex(image.digest().as_bytes().get(..16).unwrap_or_default())
}

/// A UUID of version 8 (RFC 9562) that follows from a text.
fn uuid(text: &str) -> String {
    let mut digits = [0_u8; 16];
    digits.iter_mut().zip(Sha256::digest(text)).for_each(|(digit, byte)| *digit = byte);
    digits[6] = digits[6] & 0x0f | 0x80;
    digits[8] = digits[8] & 0x3f | 0x80;
    let text = hex(&digits);
    let part = |range: std::ops::Range<usize>| text.get(range).unwrap_or_default();
    [part(0..8), part(8..12), part(12..16), part(16..20), part(20..32)].join("-")
}

#[cfg(test)]
mod tests {
    use super::uuid;

    #[test]
    fn names_of_jobs_are_canonical_and_follow_from_the_edit() {
        let name = uuid("editscale-run-1-0");
        assert_eq!(name, uuid("editscale-run-1-0"));
        assert_ne!(name, uuid("editscale-run-1-1"));
        let lengths: Vec<usize> = name.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert!(name.chars().all(|digit| digit == '-' || matches!(digit, '0'..='9' | 'a'..='f')));
        assert_eq!((name.as_bytes()[14], matches!(name.as_bytes()[19], b'8'..=b'b')), (b'8', true));
    }
}
