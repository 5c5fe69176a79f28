//! Probing an editor: is it there, does a seed give the same picture twice, does another seed give another, is a mask kept to,
//! and how long does it take.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use editscale_config::Editor;
use editscale_core::{
    CancelRule, Candidate, CandidateId, Edge, EditBackend, EditBatch, EditItem, EditRequest, EditorCard, Image,
    Instruction, Knobs, Lineage, NobodyWatches, Noise, Proposal, Recovery, RunId, Seed, SeedRule, Start, Until, Usd,
};
use editscale_schema::House;
use editscale_schema::remote::RemoteSettings;
use serde_json::{Value, json};

use super::Money;
use super::found::Found;
use super::picture::{Likeness, change_by_halves, likeness, mask, source};
use super::reach::{alone_on, reached};
use crate::world::backend;

/// What the editor is asked to do: everything that edits photographs can.
const INSTRUCTION: &str = "make it darker";

/// The change outside of a mask, of 255, that an editor which keeps to it stays below.
const KEPT: f64 = 3.0;

/// Examines an editor on each of its servers.
pub(super) async fn examine(editor: &Editor, house: &House, money: &mut Money) -> Vec<Found> {
    let servers = editor.model.remote().map_or(1, |remote| remote.servers.len());
    let mut all = Vec::new();
    for place in 0..servers {
        let mut alone = editor.clone();
        let server = alone.model.remote_mut().and_then(|remote| alone_on(remote, place));
        let mut found = Found::new("editor", editor.name.as_str(), editor.model.kind(), server);
        if let Err(error) = one(&alone, house, money, &mut found).await {
            found.fails(format!("{error:#}"));
        }
        all.push(found);
    }
    all
}

async fn one(editor: &Editor, house: &House, money: &mut Money, found: &mut Found) -> Result<()> {
    if let Some(remote) = editor.model.remote() {
        let (path, model) = editor.model.free_question();
        if !reached(found, remote, &path, model).await {
            return Ok(());
        }
    }
    let backend = backend(editor, house)?;
    let card = backend.card();
    found.assume(assumed(card));
    if let Some(inspection) = editor.model.inspect(&editor.name)
        && !fits(found, &inspection.await.map_err(anyhow::Error::from_boxed)?)
    {
        return Ok(());
    }
    let probes = if card.masks { 4 } else { 3 };
    let most = Usd { micros: card.cost.usd.micros.saturating_mul(probes) };
    let is_paid = editor.model.remote().is_some_and(RemoteSettings::may_cost);
    if let Err(why) = money.take(most, is_paid) {
        found.fact("edits", format!("not tried: {why}"), json!(null));
        return Ok(());
    }
    Probe::new(backend)?.run(found).await
}

/// Whether a server has what a workflow needs. One that lacks something is not asked to edit.
fn fits(found: &mut Found, lacks: &[String]) -> bool {
    let shown = if lacks.is_empty() { "fits the server" } else { "does not fit the server" };
    found.fact("workflow", shown, json!(lacks.is_empty()));
    if lacks.is_empty() {
        return true;
    }
    found.fails(lacks.join("; "));
    false
}

/// What the card says, in the words of `docs/json.md`.
fn assumed(card: &EditorCard) -> Value {
    let bits = match card.seeds {
        SeedRule::Reproducible { bits } => Some(bits),
        SeedRule::Ignored => None,
    };
    json!({
        "revision": &*card.revision,
        "seed_bits": bits,
        "masks": card.masks,
        "cancel": match card.cancel {
            CancelRule::Promptly => "promptly",
            CancelRule::WithinStep => "within_step",
            CancelRule::WhenDone => "when_done",
        },
        "recovery": match card.recovery {
            Recovery::Repeat => "repeat",
            Recovery::Idempotent => "idempotent",
            Recovery::Query => "query",
            Recovery::Unknown => "unknown",
        },
        "largest_batch": card.largest_batch,
        "slots": card.slots,
        "knobs": card.knobs.iter().map(|knob| knob.name.as_str()).collect::<Vec<_>>(),
        "usd": card.cost.usd.dollars(),
    })
}

/// The requests that an editor is probed with.
struct Probe {
    backend: Arc<dyn EditBackend>,
    run: RunId,
    source: Image,
}

impl Probe {
    /// Under a name of its own, so that a server that knows keys does not answer with what it made earlier.
    fn new(backend: Arc<dyn EditBackend>) -> Result<Self> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
        Ok(Self { backend, run: RunId::new(&format!("doctor-{now}"))?, source: source()? })
    }

    async fn run(&self, found: &mut Found) -> Result<()> {
        let Some((first, took)) = self.edit(found, 0, 1, None).await? else { return Ok(()) };
        let image = &first.image;
        let shown = format!("{} of {} after {:.1} s", image.size, image.media.mime(), took.as_secs_f64());
        found.fact("picture", shown, json!({"size": image.size.to_string(), "media": image.media.mime()}));
        found.fact("latency", format!("{:.2} s", took.as_secs_f64()), json!({"secs": took.as_secs_f64()}));
        counted(found, &first.notes);
        let Some((again, _)) = self.edit(found, 1, 1, None).await? else { return Ok(()) };
        let Some((other, _)) = self.edit(found, 2, 2, None).await? else { return Ok(()) };
        seeds(found, self.backend.card(), likeness(image, &again.image), likeness(image, &other.image));
        self.masked(found).await
    }

    async fn masked(&self, found: &mut Found) -> Result<()> {
        if !self.backend.card().masks {
            found.fact("mask", "not tried: the card has none", json!(null));
            return Ok(());
        }
        let Some((result, _)) = self.edit(found, 3, 1, Some(mask()?)).await? else { return Ok(()) };
        match change_by_halves(&self.source, &result.image) {
            None => found.fact("mask", "taken; the result has another size, so nobody can tell more", json!(null)),
            Some((outside, inside)) => {
                let is_kept = outside < KEPT.min(inside.max(1.0));
                let words = if is_kept { "honoured" } else { "not honoured" };
                let shown = format!("{words}: {outside:.1} of 255 changed outside, {inside:.1} inside");
                found.fact("mask", shown, json!({"honoured": is_kept, "outside": outside, "inside": inside}));
                if !is_kept {
                    found
                        .differs("the recipe assumes that masks are honoured: the picture changed outside of the mask");
                }
            }
        }
        Ok(())
    }

    /// One edit and how long it took; a failure goes to what was found.
    async fn edit(
        &self,
        found: &mut Found,
        id: u32,
        seed: u64,
        mask: Option<Image>,
    ) -> Result<Option<(Candidate, Duration)>> {
        let before = Instant::now();
        let items = vec![self.item(id, seed, mask)?];
        let mut made = self.backend.edit(EditBatch { items }, &NobodyWatches).await;
        match made.pop() {
            Some(Ok(candidate)) => Ok(Some((candidate, before.elapsed()))),
            Some(Err(failure)) => {
                found.fails(format!("an edit failed: {failure}"));
                Ok(None)
            }
            None => {
                found.fails("an edit came back without a result");
                Ok(None)
            }
        }
    }

    fn item(&self, id: u32, seed: u64, mask: Option<Image>) -> Result<EditItem> {
        let request = Arc::new(EditRequest {
            source: self.source.clone(),
            instruction: Instruction::new(INSTRUCTION)?,
            mask,
            output_size: None,
            seed: Seed::new(seed)?,
        });
        let proposal = Proposal {
            id: CandidateId(id),
            editor: self.backend.card().name.clone(),
            start: Start::Source,
            until: Until::Finished,
            seed: Seed::new(seed)?,
            noise: Noise::Own,
            instruction: request.instruction.shared(),
            knobs: Knobs::default(),
            lineage: Lineage { parent: None, edge: Edge::Fresh },
        };
        let (run, start) = (self.run.clone(), self.source.clone());
        Ok(EditItem { run, request, proposal, start, path: Vec::new(), earlier: None })
    }
}

/// How many pictures came where one was asked for, and what else the editor wants people to know.
fn counted(found: &mut Found, notes: &[Arc<str>]) {
    let more = notes.iter().find(|note| note.starts_with("the server sent"));
    match more {
        Some(more) => {
            found.fact("n", "more than one picture where one was asked for", json!(false));
            found.differs(format!("one picture is asked for at a time: {more}"));
        }
        None => found.fact("n", "one picture where one was asked for", json!(true)),
    }
    if !notes.is_empty() {
        let notes: Vec<&str> = notes.iter().map(|note| &**note).collect();
        found.fact("notes", notes.join("; "), json!(notes));
    }
}

/// What the same seed twice and another seed say of seeds, beside what the card says.
fn seeds(found: &mut Found, card: &EditorCard, again: Likeness, other: Likeness) {
    let is_same = |likeness| matches!(likeness, Likeness::Bytes | Likeness::Pixels);
    let words = |likeness| match likeness {
        Likeness::Bytes => "the same bytes".to_owned(),
        Likeness::Pixels => "the same pixels".to_owned(),
        Likeness::Other(most) => format!("pixels that differ by up to {most} of 255"),
        Likeness::Unlike => "another picture".to_owned(),
    };
    let (again_words, other_words) = (words(again), words(other));
    let shown = format!("the same seed gave {again_words}, another seed {other_words}");
    let value = json!({"same_seed_same_picture": is_same(again), "other_seed_other_picture": !is_same(other)});
    found.fact("seeds", shown, value);
    match card.seeds {
        SeedRule::Reproducible { .. } if !is_same(again) => {
            found.differs(format!("the recipe assumes reproducible seeds: the same seed gave {again_words}"));
        }
        // Nothing random is in an editor such as the darkroom: only its knobs and its seed's choices part candidates.
        SeedRule::Reproducible { .. } if is_same(other) && again == other => {
            let advice = "seeds may change nothing here: candidates of one instruction are copies";
            found.fact("advice", advice, json!(advice));
        }
        SeedRule::Ignored if is_same(again) && is_same(other) => {
            found.differs("every edit gave the same picture: candidates would be copies");
        }
        _ => {}
    }
}
