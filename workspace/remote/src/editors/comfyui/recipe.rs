//! How recipes set such an editor.

use std::path::Path;
use std::sync::Arc;

use editscale_core::{BoxFuture, EditorName, KnobName};
use editscale_schema::remote::{
    CALLS, FieldValue, KNOBS, KnobSetting, POLLS, PRICES, PollSettings, REVISION, RemoteSettings, SERVERS, read_fields,
    read_knobs, write_fields, write_knobs,
};
use editscale_schema::{
    Absent, EditorChoice, Fields, Flag, FreeQuestion, House, Key, Keys, MOST_ITEMS, MadeEditor, MakeError, Mistake,
    Options, Scalar, Section, Text, Value, Whole, Word, Yaml, quote,
};

use super::options::USUAL_SEED_BITS;
use super::{ComfyUi, ComfyUiOptions, WorkflowBindings, WorkflowKnob};
use crate::editors::keys::{NFE, read_sizes, write_sizes};
use crate::editors::knobs::FieldKnob;
use crate::editors::openai_images::MaskRule;
use crate::editors::size::SizeRule;
use crate::files;
use crate::recipe::{connection, knobs, polls, prices};

/// The most bytes of a workflow's file.
const LARGEST_WORKFLOW: u64 = 16 << 20;

/// A workflow of `ComfyUI`.
#[derive(Debug, Clone, PartialEq)]
pub struct ComfyUiRecipe {
    /// The file of the workflow, in API format.
    pub workflow: String,
    /// The nodes whose pictures are the result.
    pub outputs: Vec<String>,
    /// Where an edit is written into it.
    pub bindings: WorkflowBindings,
    /// Values that take the place of those in the file, by pointer.
    pub fixed: Vec<(String, FieldValue)>,
    /// Numbers of the workflow that a search may turn.
    pub knobs: Vec<KnobSetting>,
    /// Where each knob is written.
    pub places: Vec<(KnobName, String)>,
    /// Bits of a seed that are sent.
    pub seed_bits: u8,
    /// How a mask is sent.
    pub masks: Option<MaskRule>,
    /// Which sizes can be asked for.
    pub sizes: Option<SizeRule>,
    /// Whether progress and previews are listened for.
    pub progress: bool,
    /// How an edit is asked about until it ends.
    pub polls: PollSettings,
    /// Denoiser evaluations that one edit counts as.
    pub nfe: u64,
    /// The servers and what is told of them.
    pub remote: RemoteSettings,
}

const WORKFLOW: Key<Text> = Key {
    name: "workflow",
    rule: Text,
    absent: Absent::Refused,
    meaning: "the file of the workflow in API format, from the folder in which the program runs",
};

const OUTPUTS: Section = Section {
    name: "outputs",
    allowed: "a list of ids of nodes",
    default: "required",
    meaning: "the nodes whose pictures are the result, such as that of a `SaveImage`; the first picture is kept",
};

const fn pointer(name: &'static str, meaning: &'static str) -> Key<Text> {
    Key { name, rule: Text, absent: Absent::Refused, meaning }
}

const fn optional(name: &'static str, meaning: &'static str) -> Key<Text> {
    Key { name, rule: Text, absent: Absent::Unset("none"), meaning }
}

const IMAGE: Key<Text> = pointer("image", "where the picture's name is written, such as `/1/inputs/image`");
const INSTRUCTION: Key<Text> = pointer("instruction", "where the instruction is written, such as `/7/inputs/text`");
const SEED: Key<Text> = pointer(
    "seed",
    "where the seed is written, such as `/11/inputs/seed`; a server does not make the same graph twice",
);
const MASK: Key<Text> = optional("mask", "where the mask's name is written, in a loader of its own");
const WIDTH: Key<Text> = optional("width", "where the width of the result is written; goes with `height`");
const HEIGHT: Key<Text> = optional("height", "where the height of the result is written; goes with `width`");

const FIXED: Section = Section {
    name: "fixed",
    allowed: "a map from pointers to values",
    default: "`{}`",
    meaning: "values that take the place of those in the file, such as `/11/inputs/steps: 28`",
};

const PLACES: Section = Section {
    name: "knob_places",
    allowed: "a map from names of knobs to pointers",
    default: "`{}`",
    meaning: "where each of `knobs` is written, such as `guidance: /9/inputs/guidance`",
};

const SEED_BITS: Key<Whole> = Key {
    name: "seed_bits",
    rule: Whole { low: 1, high: 53 },
    absent: Absent::Default(USUAL_SEED_BITS as u64),
    meaning: "bits of a seed that are sent; a `KSampler` takes all of them, some nodes fewer",
};

const MASKS: Key<Word<MaskRule>> = Key {
    name: "masks",
    rule: Word(&[("transparent", MaskRule::Transparent), ("white", MaskRule::White)]),
    absent: Absent::Unset("as the node reads it"),
    meaning: "how the bound node marks where editing is allowed: transparent in a PNG, or white",
};

const SIZES: Section = Section {
    name: "sizes",
    allowed: "`any`, a whole number from 1 to 4096, or a list of sizes such as `1024x1536`",
    default: "`16`",
    meaning: "which sizes can be asked for where the sides are bound: any, sides that are multiples of a number, or these \
              alone; a wish for another size becomes the nearest",
};

const PROGRESS: Key<Flag> = Key {
    name: "progress",
    rule: Flag,
    absent: Absent::Default(true),
    meaning: "whether progress and previews are listened for over a WebSocket",
};

impl Options for ComfyUiRecipe {
    const NAME: &'static str = "comfyui";
    const ABOUT: &'static str = "A workflow of ComfyUI, into which each edit is written at the places named here; see \
                                 `docs/remote.md`.";
    const KEYS: Keys = &[
        &WORKFLOW,
        &OUTPUTS,
        &IMAGE,
        &INSTRUCTION,
        &SEED,
        &MASK,
        &WIDTH,
        &HEIGHT,
        &FIXED,
        &KNOBS,
        &PLACES,
        &SEED_BITS,
        &MASKS,
        &SIZES,
        &PROGRESS,
        &POLLS,
        &NFE,
        &SERVERS,
        &CALLS,
        &PRICES,
        &REVISION,
    ];

    fn read(fields: &Fields<'_>) -> Option<Self> {
        // All are read before any is missed, so that all mistakes are told.
        let (workflow, outputs) = (fields.take(&WORKFLOW), read_outputs(fields));
        let bindings = read_bindings(fields);
        let (fixed, knobs) = (read_fields(fields, &FIXED), read_knobs(fields));
        let places = read_fields(fields, &PLACES);
        let places = knobs.as_deref().zip(places).and_then(|(knobs, places)| places_of(fields, knobs, &places));
        let (seed_bits, masks) = (fields.take(&SEED_BITS), fields.take(&MASKS));
        let sizes = read_sizes(fields, &SIZES);
        let (progress, polls, nfe) = (fields.take(&PROGRESS), PollSettings::read(fields), fields.take(&NFE));
        let remote = RemoteSettings::read(fields);
        Some(Self {
            workflow: workflow?,
            outputs: outputs?,
            bindings: bindings?,
            fixed: fixed?,
            knobs: knobs?,
            places: places?,
            seed_bits: seed_bits? as u8,
            masks,
            sizes,
            progress: progress?,
            polls: polls?,
            nfe: nfe?,
            remote: remote?,
        })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        let outputs = Yaml::List(self.outputs.iter().map(|node| Yaml::text(node)).collect());
        let place = |(name, pointer): &(KnobName, String)| (name.to_string(), FieldValue::Text(pointer.clone()));
        let places: Vec<(String, FieldValue)> = self.places.iter().map(place).collect();
        let bindings = &self.bindings;
        let own = [
            WORKFLOW.write(Some(&self.workflow)),
            Some((OUTPUTS.name.to_owned(), outputs)),
            IMAGE.write(Some(&bindings.image)),
            INSTRUCTION.write(Some(&bindings.instruction)),
            SEED.write(Some(&bindings.seed)),
            MASK.write(bindings.mask.as_ref()),
            WIDTH.write(bindings.width.as_ref()),
            HEIGHT.write(bindings.height.as_ref()),
            write_fields(&FIXED, &self.fixed),
            write_knobs(&self.knobs),
            write_fields(&PLACES, &places),
            SEED_BITS.write(Some(&self.seed_bits.into())),
            MASKS.write(self.masks.as_ref()),
            write_sizes(&SIZES, self.sizes.as_ref()),
            PROGRESS.write(Some(&self.progress)),
            Some(self.polls.write()),
            NFE.write(Some(&self.nfe)),
        ];
        own.into_iter().flatten().chain(self.remote.write()).collect()
    }
}

impl EditorChoice for ComfyUiRecipe {
    fn make(&self, name: &EditorName, _: &House) -> Result<MadeEditor, MakeError> {
        Ok(MadeEditor::Ready(Arc::new(self.editor(name)?)))
    }

    fn remote(&self) -> Option<&RemoteSettings> {
        Some(&self.remote)
    }

    fn remote_mut(&mut self) -> Option<&mut RemoteSettings> {
        Some(&mut self.remote)
    }

    fn free_question(&self) -> FreeQuestion<'_> {
        ("system_stats".into(), None)
    }

    /// Whether its server has what the workflow needs.
    fn inspect<'a>(&'a self, name: &'a EditorName) -> Option<BoxFuture<'a, Result<Vec<String>, MakeError>>> {
        Some(Box::pin(async move {
            let lacks = self.editor(name)?.inspect().await;
            Ok(lacks.into_iter().map(|lack| lack.message).collect())
        }))
    }
}

impl ComfyUiRecipe {
    fn editor(&self, name: &EditorName) -> Result<ComfyUi, MakeError> {
        let path = &self.workflow;
        let workflow = files::text(Path::new(path), LARGEST_WORKFLOW).map_err(|error| {
            format!("cannot read the workflow `{path}`, a path from the folder in which the program runs: {error}")
        })?;
        let options = self.options(name, &workflow);
        Ok(ComfyUi::new(options).map_err(|error| format!("with the workflow `{path}`: {error}"))?)
    }

    fn options(&self, name: &EditorName, workflow: &str) -> ComfyUiOptions {
        let remote = &self.remote;
        let usual = ComfyUiOptions::new(name.clone(), workflow, self.bindings.clone(), connection(remote));
        let placed = |knob: FieldKnob| {
            let place = self.places.iter().find(|(name, _)| *name == knob.spec.name);
            place.map(|(_, pointer)| WorkflowKnob { knob, pointer: pointer.clone() })
        };
        ComfyUiOptions {
            outputs: self.outputs.clone(),
            revision: remote.revision.clone(),
            fixed: self.fixed.iter().map(|(pointer, value)| (pointer.clone(), value.to_tree())).collect(),
            knobs: knobs(&self.knobs).into_iter().filter_map(placed).collect(),
            seed_bits: self.seed_bits,
            masks: self.masks,
            sizes: self.sizes.clone().unwrap_or(usual.sizes),
            polls: polls(self.polls),
            progress: self.progress,
            prices: prices(&remote.prices),
            nfe: self.nfe,
            ..usual
        }
    }
}

/// Where an edit is written; nothing where a place lacks, which has been reported then.
fn read_bindings(fields: &Fields<'_>) -> Option<WorkflowBindings> {
    let (image, instruction, seed) = (fields.take(&IMAGE), fields.take(&INSTRUCTION), fields.take(&SEED));
    let (mask, width, height) = (fields.take(&MASK), fields.take(&WIDTH), fields.take(&HEIGHT));
    if let Some(entry) = fields.entry(if width.is_some() { WIDTH.name } else { HEIGHT.name })
        && width.is_some() != height.is_some()
    {
        fields.error(entry.place(), Mistake::new("`width` and `height` go together: expected both or neither"));
        return None;
    }
    Some(WorkflowBindings { image: image?, instruction: instruction?, seed: seed?, mask, width, height })
}

/// The ids of nodes, which look like numbers and are none.
fn read_outputs(fields: &Fields<'_>) -> Option<Vec<String>> {
    let Some(entry) = fields.entry(OUTPUTS.name) else {
        return fields.lacking(OUTPUTS.name, &format!("add `{}: […]` ({})", OUTPUTS.name, OUTPUTS.meaning));
    };
    let id = |value: &Value| match value {
        Value::Scalar(Scalar::Text(text)) if !text.is_empty() => Some(text.clone()),
        Value::Scalar(Scalar::Whole(whole)) => Some(whole.to_string()),
        _ => None,
    };
    let found: Option<Vec<String>> = match &entry.node.value {
        Value::Refused => return None,
        Value::List(items) if !items.is_empty() && items.len() <= MOST_ITEMS => {
            items.iter().map(|item| id(&item.value)).collect()
        }
        _ => None,
    };
    if found.is_none() {
        fields.error(
            entry.place(),
            Mistake::new("`outputs` must be a list of ids of nodes").hint("write `outputs: [9]`"),
        );
    }
    found
}

/// Each knob has a place, and each place a knob.
fn places_of(
    fields: &Fields<'_>,
    knobs: &[KnobSetting],
    places: &[(String, FieldValue)],
) -> Option<Vec<(KnobName, String)>> {
    let refuse = |section: &Section, message: String| {
        if let Some(entry) = fields.entry(section.name) {
            fields.error(entry.place(), Mistake::new(message));
        }
        None
    };
    if let Some((name, _)) = places.iter().find(|(name, _)| knobs.iter().all(|knob| knob.name.as_str() != name)) {
        return refuse(&PLACES, format!("{} in `knob_places` is none of `knobs`", quote(name)));
    }
    let mut found = Vec::new();
    for knob in knobs {
        match places.iter().find(|(name, _)| name == knob.name.as_str()) {
            Some((_, FieldValue::Text(pointer))) => found.push((knob.name.clone(), pointer.clone())),
            Some(_) => return refuse(&PLACES, format!("the place of knob `{}` must be a pointer", knob.name)),
            None => return refuse(&KNOBS, format!("knob `{}` has no place: name one in `knob_places`", knob.name)),
        }
    }
    Some(found)
}
