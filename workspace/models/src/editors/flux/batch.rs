//! What a batch of the transformer consists of, and how its rows lie.

use std::ops::Range;

use candle_core::{Result, Tensor, bail};

use crate::cache::bytes;
use crate::editors::flux::blocks::Rows;
use crate::editors::transformer::{Grid, Owners, Positions};
use crate::layers::Segment;

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
    fn text_tokens(&self) -> Result<usize> {
        self.text.context.dim(0)
    }

    fn latent_tokens(&self) -> usize {
        self.grid.0 * self.grid.1
    }

    fn picture_tokens(&self) -> usize {
        self.latent_tokens() + self.reference.as_ref().map_or(0, FluxReference::tokens)
    }

    pub(super) fn check(&self, channels: usize) -> Result<()> {
        check_tokens(&self.latents, self.grid, channels)?;
        if !self.timestep.is_finite() || self.guidance.is_some_and(|guidance| !guidance.is_finite()) {
            bail!("time {} and guidance {:?} have to be finite", self.timestep, self.guidance);
        }
        Ok(())
    }
}

/// Tokens [rows · columns, channels] of a picture, at least one.
pub(super) fn check_tokens(tokens: &Tensor, grid: (usize, usize), channels: usize) -> Result<()> {
    match grid.0.checked_mul(grid.1) {
        Some(count) if count > 0 && tokens.dims() == [count, channels] => Ok(()),
        _ => bail!("tokens have shape {:?}: expected {} · {} of {channels} numbers", tokens.dims(), grid.0, grid.1),
    }
}

/// How the rows of a batch lie: all text rows, then all picture rows; of each item its latent picture, then its reference.
pub(super) fn rows(items: &[FluxItem], positions: &Positions) -> Result<Rows> {
    let texts = items.iter().map(FluxItem::text_tokens).collect::<Result<Vec<_>>>()?;
    let pictures: Vec<usize> = items.iter().map(FluxItem::picture_tokens).collect();
    let text = texts.iter().sum();
    let runs = |counts: &[usize]| counts.iter().copied().enumerate().collect::<Vec<_>>();
    let grids = items.iter().flat_map(|item| {
        let reference = item.reference.as_ref().map(|it| Grid { first: it.first, sides: it.grid });
        std::iter::once(Grid { first: LATENTS, sides: item.grid }).chain(reference)
    });
    let tables = joined(grids.map(|grid| positions.tables(grid)).collect::<Result<Vec<_>>>()?)?;
    Ok(Rows {
        placed: placed(items, positions, &tables)?,
        text_owners: Owners::new(runs(&texts)),
        picture_owners: Owners::new(runs(&pictures)),
        owners: Owners::new(runs(&texts).into_iter().chain(runs(&pictures))),
        text,
        segments: segments(&texts, &pictures, text),
        tables,
    })
}

/// What turns text rows and all rows, where any text has places: what has none lies at 0, which turns nothing.
fn placed(items: &[FluxItem], positions: &Positions, pictures: &Tensor) -> Result<Option<[Tensor; 2]>> {
    if items.iter().all(|item| item.text.tables.is_none()) {
        return Ok(None);
    }
    let own = |item: &FluxItem| match &item.text.tables {
        Some(tables) if tables.dim(0)? == item.text_tokens()? => Ok(tables.clone()),
        Some(tables) => bail!("{} places for {} text tokens", tables.dim(0)?, item.text_tokens()?),
        None => positions.tables_at(&vec![[0.0; 3]; item.text_tokens()?]),
    };
    let text = joined(items.iter().map(own).collect::<Result<Vec<_>>>()?)?;
    let all = Tensor::cat(&[&text, pictures], 0)?;
    Ok(Some([text, all]))
}

/// Text and picture of an item see both, and nothing of other items.
fn segments(texts: &[usize], pictures: &[usize], text: usize) -> Vec<Segment> {
    let ranges = |counts: &[usize], mut start: usize| {
        let range = |&count: &usize| {
            start += count;
            start - count..start
        };
        counts.iter().map(range).collect::<Vec<_>>()
    };
    let (texts, pictures) = (ranges(texts, 0), ranges(pictures, text));
    let segment = |at: usize, queries: &Range<usize>| {
        let keys = vec![texts[at].clone(), pictures[at].clone()];
        Segment { queries: queries.clone(), keys, causal: false }
    };
    let of = |queries: &[Range<usize>]| {
        queries.iter().enumerate().map(|(at, queries)| segment(at, queries)).collect::<Vec<_>>()
    };
    [of(&texts), of(&pictures)].concat()
}

/// Rows of all picture tokens: embedded latents of all items, with references in between.
pub(super) fn with_references(latents: &Tensor, items: &[FluxItem]) -> Result<Tensor> {
    if items.iter().all(|item| item.reference.is_none()) {
        return Ok(latents.clone());
    }
    let (mut parts, mut start) = (Vec::new(), 0);
    for item in items {
        parts.push(latents.narrow(0, start, item.latent_tokens())?);
        parts.extend(item.reference.as_ref().map(|reference| reference.rows.clone()));
        start += item.latent_tokens();
    }
    joined(parts)
}

/// The rows of latent pictures among all rows, and which item they belong to.
pub(super) fn latents_of(all: &Tensor, items: &[FluxItem], text: usize) -> Result<(Tensor, Owners)> {
    let (mut parts, mut start) = (Vec::new(), text);
    for item in items {
        parts.push(all.narrow(0, start, item.latent_tokens())?);
        start += item.picture_tokens();
    }
    let owners = Owners::new(items.iter().map(FluxItem::latent_tokens).enumerate());
    Ok((joined(parts)?, owners))
}

/// Rows apart again, of each item those of its latent picture.
pub(super) fn apart(latents: &Tensor, items: &[FluxItem]) -> Result<Vec<Tensor>> {
    let mut start = 0;
    let part = |item: &FluxItem| {
        start += item.latent_tokens();
        latents.narrow(0, start - item.latent_tokens(), item.latent_tokens())
    };
    items.iter().map(part).collect()
}

/// One below the other; one alone is not copied.
pub(super) fn joined(mut parts: Vec<Tensor>) -> Result<Tensor> {
    match parts.len() {
        1 => Ok(parts.remove(0)),
        _ => Tensor::cat(&parts, 0),
    }
}
