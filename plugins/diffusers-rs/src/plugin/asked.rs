//! From what the host asks for to what an editor is given.

use std::sync::Arc;

use editscale_core::{
    CandidateId, Digest, Edge, EditItem, EditRequest, EditorName, Image, ImageSize, Instruction, KnobName, Knobs,
    Lineage, MediaType, Noise, Proposal, RunId, Seed, Start, Until,
};
use editscale_picture::{Limits, probe};
use editscale_sdk::protocol::{self, EditProposal, Failed, PausedPlace};
use editscale_sdk::serve::{self, Edit};

/// The name that editors have within this plugin; proposals are for it alone.
const NAME: &str = "plugin";

/// One edit.
pub(super) fn item(edit: &Edit) -> Result<EditItem, Failed> {
    let proposal = proposal(&edit.proposal)?;
    let request = EditRequest {
        source: image(&edit.source)?,
        instruction: Instruction::new(&edit.request_instruction).map_err(invalid)?,
        mask: edit.mask.as_ref().map(image).transpose()?,
        output_size: edit.output_size.map(|size| ImageSize { width: size.width, height: size.height }),
        seed: proposal.seed,
    };
    Ok(EditItem {
        run: RunId::new(&edit.run).map_err(invalid)?,
        request: Arc::new(request),
        start: image(&edit.start_picture)?,
        path: edit.path.iter().map(self::proposal).collect::<Result<_, _>>()?,
        proposal,
        earlier: None,
    })
}

/// A paused state; none where no editor can have such a one.
pub(super) fn place(paused: &PausedPlace) -> Option<(RunId, CandidateId)> {
    Some((RunId::new(&paused.run).ok()?, CandidateId(paused.candidate)))
}

fn proposal(asked: &EditProposal) -> Result<Proposal, Failed> {
    let start = match asked.start {
        protocol::Start::Source => Start::Source,
        protocol::Start::Candidate(id) => Start::Candidate(CandidateId(id)),
        protocol::Start::Paused(id) => Start::Paused(CandidateId(id)),
    };
    let mut knobs = Knobs::default();
    for (name, value) in &asked.knobs {
        knobs.set(KnobName::new(name).map_err(invalid)?, *value).map_err(invalid)?;
    }
    Ok(Proposal {
        id: CandidateId(asked.candidate),
        editor: EditorName::new(NAME).map_err(invalid)?,
        start,
        until: asked.until_step.map_or(Until::Finished, Until::Step),
        seed: Seed::new(asked.seed).map_err(invalid)?,
        // The protocol has no steered noise, and cards of plugins promise none.
        noise: Noise::Own,
        instruction: asked.instruction.as_str().into(),
        knobs,
        // Editors do not look at it, and the protocol does not tell.
        lineage: Lineage { parent: None, edge: Edge::Fresh },
    })
}

/// A picture under the digest of its bytes, with its size as it stands upright.
fn image(given: &serve::Image) -> Result<Image, Failed> {
    let bytes: Arc<[u8]> = given.bytes()?.into();
    let facts = probe(&bytes, &Limits::default()).map_err(|error| Failed::invalid(error.to_string()))?;
    let media = MediaType::ALL.into_iter().find(|media| media.mime() == given.media());
    let media = media.ok_or_else(|| {
        let known = MediaType::ALL.map(MediaType::mime).join(", ");
        Failed::invalid(format!("a picture is `{}`: expected one of {known}", given.media()))
    })?;
    let size = ImageSize { width: facts.width, height: facts.height };
    let digest = Digest::from_bytes(*blake3::hash(&bytes).as_bytes());
    Ok(Image::new(digest, media, size, Arc::new(bytes)))
}

fn invalid(error: impl std::fmt::Display) -> Failed {
    Failed::invalid(error.to_string())
}
