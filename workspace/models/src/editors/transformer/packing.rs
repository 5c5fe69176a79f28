//! How rows of many items lie in one batch: all text rows, then all picture rows; of each item its latent picture, then its
//! references.

use std::ops::Range;

use candle_core::{Result, Tensor, bail};

use crate::editors::transformer::Owners;
use crate::layers::Segment;

/// How many rows an item has of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::editors) struct ItemRows {
    pub(in crate::editors) text: usize,
    pub(in crate::editors) latents: usize,
    /// Of all its reference pictures.
    pub(in crate::editors) references: usize,
}

impl ItemRows {
    fn pictures(self) -> usize {
        self.latents + self.references
    }
}

/// The rows of a batch.
#[derive(Debug)]
pub(in crate::editors) struct Packing(Vec<ItemRows>);

impl Packing {
    pub(in crate::editors) fn new(items: impl Iterator<Item = ItemRows>) -> Self {
        Self(items.collect())
    }

    /// All text rows.
    pub(in crate::editors) fn text(&self) -> usize {
        self.0.iter().map(|item| item.text).sum()
    }

    /// Which item each row belongs to.
    pub(in crate::editors) fn owners(&self) -> Owners {
        let texts = self.0.iter().map(|item| item.text).enumerate();
        Owners::new(texts.chain(self.0.iter().map(|item| item.pictures()).enumerate()))
    }

    /// Which item each text row belongs to.
    pub(in crate::editors) fn text_owners(&self) -> Owners {
        Owners::new(self.0.iter().map(|item| item.text).enumerate())
    }

    /// Which item each picture row belongs to. Rows of references belong to `others` where it is given.
    pub(in crate::editors) fn picture_owners(&self, others: Option<usize>) -> Owners {
        let runs = |(at, item): (usize, &ItemRows)| [(at, item.latents), (others.unwrap_or(at), item.references)];
        Owners::new(self.0.iter().enumerate().flat_map(runs))
    }

    /// Which item each row of a latent picture belongs to, references left out.
    pub(in crate::editors) fn latent_owners(&self) -> Owners {
        Owners::new(self.0.iter().map(|item| item.latents).enumerate())
    }

    /// Text and pictures of an item see both, and nothing of other items.
    pub(in crate::editors) fn segments(&self) -> Vec<Segment> {
        let texts = ranges(0, self.0.iter().map(|item| item.text));
        let pictures = ranges(self.text(), self.0.iter().map(|item| item.pictures()));
        let seen = |at: usize| vec![texts[at].clone(), pictures[at].clone()];
        let segment =
            |(at, queries): (usize, &Range<usize>)| Segment { queries: queries.clone(), keys: seen(at), causal: false };
        texts.iter().enumerate().chain(pictures.iter().enumerate()).map(segment).collect()
    }

    /// The rows of latent pictures among picture rows, one below the other.
    pub(in crate::editors) fn latents_of(&self, pictures: &Tensor) -> Result<Tensor> {
        let starts = ranges(0, self.0.iter().map(|item| item.pictures()));
        cat(self.0.iter().zip(starts).map(|(item, range)| pictures.narrow(0, range.start, item.latents)))
    }

    /// Rows of latent pictures, an item each.
    pub(in crate::editors) fn apart(&self, latents: &Tensor) -> Result<Vec<Tensor>> {
        let parts = ranges(0, self.0.iter().map(|item| item.latents));
        parts.into_iter().map(|part| latents.narrow(0, part.start, part.len())).collect()
    }
}

/// Refuses what is not tokens [rows · columns, channels] of a picture, at least one.
pub(in crate::editors) fn check_tokens(tokens: &Tensor, grid: (usize, usize), channels: usize) -> Result<()> {
    match grid.0.checked_mul(grid.1) {
        Some(count) if count > 0 && tokens.dims() == [count, channels] => Ok(()),
        _ => bail!("tokens have shape {:?}: expected {} · {} of {channels} numbers", tokens.dims(), grid.0, grid.1),
    }
}

/// One below the other; one alone is not copied.
pub(in crate::editors) fn cat(parts: impl Iterator<Item = Result<Tensor>>) -> Result<Tensor> {
    Tensor::cat(&parts.collect::<Result<Vec<_>>>()?, 0)
}

/// Ranges of these lengths, each from where the one before ends.
fn ranges(start: usize, lengths: impl Iterator<Item = usize>) -> Vec<Range<usize>> {
    let next = |end: &mut usize, length: usize| {
        *end += length;
        Some(*end - length..*end)
    };
    lengths.scan(start, next).collect()
}
