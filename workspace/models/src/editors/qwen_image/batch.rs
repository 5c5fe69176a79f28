//! What a batch of the transformer consists of.

use candle_core::{Result, Tensor, bail};

use crate::editors::transformer::{Grid, ItemRows, Positions, cat, check_tokens};

/// An instruction, as far as it does not depend on the step. Made by [`prepare_text`](super::QwenTransformer::prepare_text);
/// cheap to clone.
#[derive(Debug, Clone)]
pub struct QwenText {
    /// Tokens in the transformer's width: [text tokens, width].
    pub(super) context: Tensor,
}

impl QwenText {
    /// How many tokens it has.
    pub fn tokens(&self) -> usize {
        self.context.dims().first().copied().unwrap_or_default()
    }
}

/// A reference picture, as far as it does not depend on the step. Made by
/// [`prepare_reference`](super::QwenTransformer::prepare_reference); cheap to clone.
#[derive(Debug, Clone)]
pub struct QwenReference {
    /// Tokens in the transformer's width: [tokens, width].
    pub(super) rows: Tensor,
    /// Rows and columns of tokens.
    pub(super) grid: (usize, usize),
}

impl QwenReference {
    /// How many tokens it has.
    pub fn tokens(&self) -> usize {
        self.grid.0 * self.grid.1
    }
}

/// One picture of a batch at one step.
#[derive(Debug, Clone)]
pub struct QwenItem {
    /// The noisy latent picture: [rows · columns, `in_channels`], in the type of computing.
    pub latents: Tensor,
    /// Rows and columns of its tokens.
    pub grid: (usize, usize),
    /// The pictures that are edited, each of any size.
    pub references: Vec<QwenReference>,
    /// The instruction.
    pub text: QwenText,
    /// How much of the latent picture is noise, 0 to 1 (σ of flow matching).
    pub timestep: f32,
}

impl QwenItem {
    pub(super) fn check(&self, channels: usize) -> Result<()> {
        check_tokens(&self.latents, self.grid, channels)?;
        if !self.timestep.is_finite() || self.text.tokens() == 0 {
            bail!("time {} has to be finite, and {} text tokens at least one", self.timestep, self.text.tokens());
        }
        Ok(())
    }

    /// How its rows lie in a batch.
    pub(super) fn rows(&self) -> ItemRows {
        ItemRows {
            text: self.text.tokens(),
            latents: self.grid.0 * self.grid.1,
            references: self.references.iter().map(QwenReference::tokens).sum(),
        }
    }

    /// The grids of its pictures: latents, then references.
    fn grids(&self) -> impl Iterator<Item = (usize, usize)> {
        std::iter::once(self.grid).chain(self.references.iter().map(|reference| reference.grid))
    }

    /// What turns its picture tokens: [picture tokens, head width]. The pictures are counted from 0, and the middle of each lies
    /// at row 0 and column 0.
    pub(super) fn picture_tables(&self, positions: &Positions) -> Result<Tensor> {
        let centred = |(at, (rows, columns)): (usize, (usize, usize))| {
            let before = |side: usize| (side / 2) as i32 - side as i32;
            let first = [at as i32, before(rows), before(columns)];
            positions.tables(Grid { first, sides: (rows, columns) })
        };
        cat(self.grids().enumerate().map(centred))
    }

    /// What turns its text tokens: [text tokens, head width]. They lie on the diagonal behind all pictures.
    pub(super) fn text_tables(&self, positions: &Positions) -> Result<Tensor> {
        let behind = self.grids().map(|(rows, columns)| rows.max(columns) / 2).max().unwrap_or_default();
        let places: Vec<[f32; 3]> = (behind..behind + self.text.tokens()).map(|at| [at as f32; 3]).collect();
        positions.tables_at(&places)
    }
}
