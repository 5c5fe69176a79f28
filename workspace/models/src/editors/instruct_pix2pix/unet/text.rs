//! Texts, prepared for all steps: keys and values of the layers that look at them do not depend on the step.

use std::ops::Range;

use candle_core::{Result, Tensor, bail};

use crate::cache::bytes;

/// The keys and values of some texts at every layer that looks at them.
#[derive(Debug, Clone)]
pub struct PreparedText {
    /// For each layer, in the order in which the network comes to them.
    pub(super) layers: Vec<KeysValues>,
    /// Where each text's rows lie.
    pub(super) texts: Vec<Range<usize>>,
}

/// Keys and values of one layer, both [rows of all texts, heads, width].
#[derive(Debug, Clone)]
pub(super) struct KeysValues {
    pub(super) keys: Tensor,
    pub(super) values: Tensor,
}

impl PreparedText {
    /// How many texts there are.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// What they take in memory.
    pub fn bytes(&self) -> u64 {
        self.layers.iter().map(|layer| bytes(&layer.keys) + bytes(&layer.values)).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// The texts of several in one, in their order, so that one batch may look at all of them.
    pub fn join(parts: &[&Self]) -> Result<Self> {
        let Some(first) = parts.first() else { bail!("unet: no texts to join") };
        if parts.iter().any(|part| part.layers.len() != first.layers.len()) {
            bail!("unet: texts of different models cannot be joined");
        }
        let layer = |at: usize| {
            let all = |of: fn(&KeysValues) -> &Tensor| {
                Tensor::cat(&parts.iter().map(|part| of(&part.layers[at])).collect::<Vec<_>>(), 0)
            };
            Ok(KeysValues { keys: all(|layer| &layer.keys)?, values: all(|layer| &layer.values)? })
        };
        let layers = (0..first.layers.len()).map(layer).collect::<Result<_>>()?;
        Ok(Self { layers, texts: ranges(parts.iter().flat_map(|part| &part.texts).map(ExactSizeIterator::len)) })
    }
}

/// Ranges of the given lengths that follow each other.
pub(super) fn ranges(lengths: impl Iterator<Item = usize>) -> Vec<Range<usize>> {
    let next = |start: &mut usize, length: usize| {
        let range = *start..*start + length;
        *start = range.end;
        Some(range)
    };
    lengths.scan(0, next).collect()
}

/// What one step of the network has beside its pictures.
#[derive(Debug)]
pub(super) struct Pass<'a> {
    /// The embedded timestep of every picture: [batch, width].
    pub(super) time: Tensor,
    text: &'a PreparedText,
    /// Which text each picture looks at.
    of: &'a [usize],
    /// The layer that comes next.
    next: usize,
}

impl<'a> Pass<'a> {
    pub(super) fn new(time: Tensor, text: &'a PreparedText, of: &'a [usize]) -> Self {
        Self { time, text, of, next: 0 }
    }

    /// Keys and values of the layer that the network has come to.
    pub(super) fn keys_values(&mut self) -> Result<&'a KeysValues> {
        let Some(layer) = self.text.layers.get(self.next) else {
            bail!("unet: the text was prepared by a model of {} layers", self.text.layers.len())
        };
        self.next += 1;
        Ok(layer)
    }

    /// The rows of the text that each picture looks at.
    pub(super) fn texts(&self) -> impl Iterator<Item = Range<usize>> + 'a {
        let texts = &self.text.texts;
        self.of.iter().map(|&text| texts[text].clone())
    }
}
