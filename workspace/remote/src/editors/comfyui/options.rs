//! What an editor that is a workflow of `ComfyUI` is told.

use std::collections::BTreeMap;

use editscale_core::EditorName;
use serde_json::Value;

use crate::editors::knobs::FieldKnob;
use crate::editors::openai_images::MaskRule;
use crate::editors::size::SizeRule;
use crate::fleet::{Connection, PollRules};
use crate::picture::PictureLimits;
use crate::price::Prices;

/// Bits of a seed that are sent where nothing else is said.
pub(super) const USUAL_SEED_BITS: u8 = 32;

/// Where an edit is written into a workflow: JSON pointers such as `/6/inputs/text`, each to an input of a node that holds a
/// value of its own, not one that another node makes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WorkflowBindings {
    /// The picture's name: the `image` of a node `LoadImage`.
    pub image: String,
    /// The instruction.
    pub instruction: String,
    /// The seed. It cannot be left out: the server does not make the same graph twice.
    pub seed: String,
    /// The mask's name: the `image` of a node `LoadImageMask` or `LoadImage` of its own.
    pub mask: Option<String>,
    /// The width of the result. Either both sides are bound or none.
    pub width: Option<String>,
    /// Its height.
    pub height: Option<String>,
}

/// A number of the workflow that a search may turn.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkflowKnob {
    /// What the search calls it, its range and where it stands.
    pub knob: FieldKnob,
    /// Where it is written.
    pub pointer: String,
}

/// What an editor that is a workflow of `ComfyUI` is told.
#[derive(Debug, Clone, PartialEq)]
pub struct ComfyUiOptions {
    /// Its name among the editors of a recipe.
    pub name: EditorName,
    /// The text of the workflow's file, in API format.
    pub workflow: String,
    /// Where an edit is written into it.
    pub bindings: WorkflowBindings,
    /// The nodes whose pictures are the result, such as that of a `SaveImage`; at least one. The first picture of the first
    /// of them that has one is kept.
    pub outputs: Vec<String>,
    /// The servers, with addresses such as `http://127.0.0.1:8188`, and how they are spoken to.
    pub connection: Connection,
    /// What else tells one revision of the answers from another, such as the commit of the weights.
    pub revision: Option<String>,
    /// Values that take the place of those in the file, by pointer.
    pub fixed: BTreeMap<String, Value>,
    /// Numbers that a search may turn.
    pub knobs: Vec<WorkflowKnob>,
    /// Bits of a seed that are sent, from 1 to 53. A `KSampler` takes all of them, other nodes fewer.
    pub seed_bits: u8,
    /// How a mask is sent; where nothing is said, as the bound node reads it.
    pub masks: Option<MaskRule>,
    /// Which sizes can be asked for, where the sides are bound.
    pub sizes: SizeRule,
    /// How an edit is asked about until it ends.
    pub polls: PollRules,
    /// Whether progress and previews are listened for. Without it an edit is only asked about now and then.
    pub progress: bool,
    /// What edits cost.
    pub prices: Prices,
    /// Denoiser evaluations that one edit counts as.
    pub nfe: u64,
    /// Limits on what comes back.
    pub limits: PictureLimits,
}

impl ComfyUiOptions {
    /// A workflow on these servers, with nothing special about it. Its outputs are still to be named.
    pub fn new(name: EditorName, workflow: &str, bindings: WorkflowBindings, connection: Connection) -> Self {
        Self {
            name,
            workflow: workflow.to_owned(),
            bindings,
            outputs: Vec::new(),
            connection,
            revision: None,
            fixed: BTreeMap::new(),
            knobs: Vec::new(),
            seed_bits: USUAL_SEED_BITS,
            masks: None,
            sizes: SizeRule::MultipleOf(16),
            polls: PollRules::default(),
            progress: true,
            prices: Prices::default(),
            nfe: 0,
            limits: PictureLimits::default(),
        }
    }
}
