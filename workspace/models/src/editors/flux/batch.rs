//! What a batch of the transformer consists of.

use candle_core::{Result, Tensor, bail};

use crate::cache::bytes;
use crate::editors::flux::blocks::Rows;
use crate::editors::transformer::{Grid, ItemRows, Packing, Positions, cat, check_tokens};

/// Where the first token of the latent picture lies, and that of the reference where nobody says. Text is not turned, unless
/// it was given places.
const LATENTS: [i32; 3] = [0, 0, 0];
pub(super) const REFERENCE: [i32; 3] = [1, 0, 0];

/// An instruction, as far as it does not depend on the step. Made by
/// [`prepare_text`](super::FluxTransformer::prepare_text); cheap to clone.
#[derive(Debug, Clone)]
pub struct FluxText {
    /// Tokens in the transformer's width: [text tokens, width].
    pub(super) context: Tensor,
    /// The text as a whole: [1, width].
    pub(super) pooled: Tensor,
    /// What turns tokens that have places: [text tokens, head width].
    pub(super) tables: Option<Tensor>,
}

impl FluxText {
    /// How many tokens it has.
    pub fn tokens(&self) -> usize {
        self.context.dims().first().copied().unwrap_or_default()
    }

    /// The same with tokens that lie somewhere, each turned by a row of tables.
    #[must_use]
    pub(crate) fn placed(self, tables: Tensor) -> Self {
        Self { tables: Some(tables), ..self }
    }

    /// What it takes in memory.
    pub fn bytes(&self) -> u64 {
        bytes(&self.context) + bytes(&self.pooled) + self.tables.as_ref().map_or(0, bytes)
    }
}

/// A reference picture, as far as it does not depend on the step. Made by
/// [`prepare_reference`](super::FluxTransformer::prepare_reference); cheap to clone.
#[derive(Debug, Clone)]
pub struct FluxReference {
    /// Tokens in the transformer's width: [tokens, width].
    pub(super) rows: Tensor,
    /// Rows and columns of tokens.
    pub(super) grid: (usize, usize),
    /// Where the first of them lies: picture, row, column.
    pub(super) first: [i32; 3],
}

impl FluxReference {
    /// The same with its first token elsewhere: picture, row, column.
    #[must_use]
    pub(crate) fn at(self, first: [i32; 3]) -> Self {
        Self { first, ..self }
    }

    /// How many tokens it has.
    pub fn tokens(&self) -> usize {
        self.grid.0 * self.grid.1
    }

    /// What it takes in memory.
    pub fn bytes(&self) -> u64 {
        bytes(&self.rows)
    }
}

/// One picture of a batch at one step.
#[derive(Debug, Clone)]
pub struct FluxItem {
    /// The noisy latent picture: [rows · columns, `in_channels`], in the type of computing.
    pub latents: Tensor,
    /// Rows and columns of its tokens.
    pub grid: (usize, usize),
    /// The picture that is edited, of any size.
    pub reference: Option<FluxReference>,
    /// The instruction.
    pub text: FluxText,
    /// How much of the latent picture is noise, 0 to 1 (σ of flow matching).
    pub timestep: f32,
    /// The strength of guidance, for example 2.5, for models that have it as an input.
    pub guidance: Option<f32>,
}

impl FluxItem {
    fn latent_tokens(&self) -> usize {
        self.grid.0 * self.grid.1
    }

    /// How its rows lie in a batch.
    pub(super) fn rows(&self) -> ItemRows {
        ItemRows {
            text: self.text.tokens(),
            latents: self.latent_tokens(),
            references: self.reference.as_ref().map_or(0, FluxReference::tokens),
        }
    }

    pub(super) fn check(&self, channels: usize) -> Result<()> {
        check_tokens(&self.latents, self.grid, channels)?;
        if !self.timestep.is_finite() || self.guidance.is_some_and(|guidance| !guidance.is_finite()) {
            bail!("time {} and guidance {:?} have to be finite", self.timestep, self.guidance);
        }
        Ok(())
    }
}

/// What blocks need to know of a batch of this packing.
pub(super) fn rows(items: &[FluxItem], packing: &Packing, positions: &Positions) -> Result<Rows> {
    let grids = items.iter().flat_map(|item| {
        let reference = item.reference.as_ref().map(|it| Grid { first: it.first, sides: it.grid });
        std::iter::once(Grid { first: LATENTS, sides: item.grid }).chain(reference)
    });
    let tables = cat(grids.map(|grid| positions.tables(grid)))?;
    Ok(Rows {
        placed: placed(items, positions, &tables)?,
        text_owners: packing.text_owners(),
        picture_owners: packing.picture_owners(None),
        owners: packing.owners(),
        text: packing.text(),
        segments: packing.segments(),
        tables,
    })
}

/// What turns text rows and all rows, where any text has places: what has none lies at 0, which turns nothing.
fn placed(items: &[FluxItem], positions: &Positions, pictures: &Tensor) -> Result<Option<[Tensor; 2]>> {
    if items.iter().all(|item| item.text.tables.is_none()) {
        return Ok(None);
    }
    let own = |item: &FluxItem| match &item.text.tables {
        Some(tables) if tables.dim(0)? == item.text.tokens() => Ok(tables.clone()),
        Some(tables) => bail!("{} places for {} text tokens", tables.dim(0)?, item.text.tokens()),
        None => positions.tables_at(&vec![[0.0; 3]; item.text.tokens()]),
    };
    let text = cat(items.iter().map(own))?;
    let all = Tensor::cat(&[&text, pictures], 0)?;
    Ok(Some([text, all]))
}

/// Rows of all picture tokens: embedded latents of all items, with references in between.
pub(super) fn with_references(latents: &Tensor, items: &[FluxItem]) -> Result<Tensor> {
    if items.iter().all(|item| item.reference.is_none()) {
        return Ok(latents.clone());
    }
    let (mut parts, mut start) = (Vec::new(), 0);
    for item in items {
        parts.push(latents.narrow(0, start, item.latent_tokens()));
        parts.extend(item.reference.as_ref().map(|reference| Ok(reference.rows.clone())));
        start += item.latent_tokens();
    }
    cat(parts.into_iter())
}
