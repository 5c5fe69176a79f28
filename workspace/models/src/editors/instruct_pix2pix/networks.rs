//! The networks of InstructPix2Pix: what they make of an instruction, and what the UNet is given for a step.

use std::sync::Arc;

use candle_core::{Result, Tensor};
use editscale_core::{Failure, Knobs};

use crate::editors::clip::Clip;
use crate::editors::diffusion::Row;
use crate::editors::failure::failed;
use crate::editors::instruct_pix2pix::options::Options;
use crate::editors::instruct_pix2pix::unet::{PreparedText, UNet, UNetBatch};
use crate::editors::latent_space::LatentSpace;

/// The rows of the UNet that a candidate with guidance is.
pub(super) const MOST_BRANCHES: u64 = 3;

/// Which text a branch of guidance looks at: the instruction lies first.
const INSTRUCTION: usize = 0;
const EMPTY: usize = 1;

/// Everything with weights, and how it is used.
#[derive(Debug)]
pub(super) struct Networks {
    pub(super) options: Options,
    pub(super) clip: Clip,
    pub(super) latent_space: LatentSpace,
    pub(super) unet: UNet,
}

/// An instruction and the empty text, encoded.
#[derive(Debug)]
pub(super) struct Texts {
    pub(super) prepared: PreparedText,
    /// What was not read.
    pub(super) note: Option<Arc<str>>,
}

/// What the UNet is told of one candidate.
#[derive(Debug)]
pub struct Conditions {
    pub(super) texts: Arc<Texts>,
    /// The source's latents: [1, channels, rows, columns].
    pub(super) source: Arc<Tensor>,
    /// Scales of text and picture; none where the plain answer is used.
    pub(super) guidance: Option<(f32, f32)>,
}

impl Networks {
    /// The rows of an instruction beside those of the empty text, ready for every step.
    pub(super) fn encode(&self, instruction: &str, empty: Tensor) -> std::result::Result<Texts, Failure> {
        let read = self.clip.encode(instruction)?;
        let prepared = self.unet.prepare(&[read.states.hidden, empty]);
        let prepared = prepared.map_err(|error| failed("preparing the text", &error))?;
        let length = self.clip.length();
        let note = read.cut.map(|cut| format!("the model reads {length} tokens: it has not read `{cut}`").into());
        Ok(Texts { prepared, note })
    }

    /// The two scales; none where the reference compares no answers.
    pub(super) fn guidance(&self, knobs: &Knobs) -> Option<(f32, f32)> {
        let text = knobs.get("guidance").unwrap_or(self.options.guidance);
        let image = knobs.get("image_guidance").unwrap_or(self.options.image_guidance);
        (text > 1.0 && image >= 1.0).then_some((text as f32, image as f32))
    }

    /// Every row's branches in one batch: with guidance the instruction and the source, the source alone, and neither.
    pub(super) fn batch(&self, rows: &[Row<'_, Conditions>]) -> Result<UNetBatch> {
        let compute = &self.options.compute;
        let (mut latents, mut timesteps, mut of) = (Vec::new(), Vec::new(), Vec::new());
        for (at, row) in rows.iter().enumerate() {
            let noisy = row.geometry.batch(&[&row.input], &compute.device, compute.dtype)?;
            let source = &*row.conditions.source;
            let with_source = Tensor::cat(&[&noisy, source], 1)?;
            let text = |which: usize| 2 * at + which;
            if row.conditions.guidance.is_some() {
                let with_nothing = Tensor::cat(&[&noisy, &source.zeros_like()?], 1)?;
                latents.extend([with_source.clone(), with_source, with_nothing]);
                of.extend([text(INSTRUCTION), text(EMPTY), text(EMPTY)]);
                timesteps.extend([row.timestep; 3]);
            } else {
                latents.push(with_source);
                of.push(text(INSTRUCTION));
                timesteps.push(row.timestep);
            }
        }
        let (text, of) = joined(rows, of)?;
        Ok(UNetBatch { latents: Tensor::cat(&latents, 0)?, timesteps, text, of })
    }
}

/// All rows' texts as one, and which of them each branch looks at: most batches are of one instruction.
fn joined(rows: &[Row<'_, Conditions>], of: Vec<usize>) -> Result<(PreparedText, Vec<usize>)> {
    let first = &rows[0].conditions.texts;
    if rows.iter().all(|row| Arc::ptr_eq(&row.conditions.texts, first)) {
        return Ok((first.prepared.clone(), of.into_iter().map(|text| text % 2).collect()));
    }
    let parts: Vec<&PreparedText> = rows.iter().map(|row| &row.conditions.texts.prepared).collect();
    Ok((PreparedText::join(&parts)?, of))
}
