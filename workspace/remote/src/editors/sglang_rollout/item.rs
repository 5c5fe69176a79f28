//! The answer's `MessagePack`, read without a copy of what is large and without trust in what it says of its lengths.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, SeqAccess, Visitor};

use super::tensor::Packed;

/// The deepest that values may lie within each other.
const MOST_DEPTH: usize = 64;
/// The most dimensions of a tensor.
const MOST_DIMENSIONS: usize = 8;

/// What is read of one sample; everything else is skipped.
#[derive(Debug, Deserialize)]
pub(super) struct Item<'a> {
    pub(super) seed: Option<u64>,
    #[serde(borrow)]
    pub(super) generated_output: Option<Packed<'a>>,
    #[serde(borrow)]
    pub(super) rollout_log_probs: Option<Packed<'a>>,
    #[serde(borrow)]
    pub(super) dit_trajectory: Option<Steps<'a>>,
}

/// What is read of a trajectory.
#[derive(Debug, Deserialize)]
pub(super) struct Steps<'a> {
    #[serde(borrow)]
    pub(super) latents: Option<Packed<'a>>,
    #[serde(borrow)]
    pub(super) timesteps: Option<Packed<'a>>,
    #[serde(borrow)]
    pub(super) sigmas: Option<Packed<'a>>,
}

/// The first sample of an answer, and how many there are.
#[derive(Debug)]
pub(super) struct Items<'a> {
    pub(super) first: Option<Item<'a>>,
    pub(super) count: usize,
}

impl<'a> Items<'a> {
    /// Reads a body.
    pub(super) fn read(body: &'a [u8]) -> Result<Self, String> {
        let mut reader = rmp_serde::Deserializer::from_read_ref(body);
        reader.set_max_depth(MOST_DEPTH);
        Self::deserialize(&mut reader).map_err(|error| error.to_string())
    }
}

impl<'de> Deserialize<'de> for Items<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ItemsVisitor)
    }
}

struct ItemsVisitor;

impl<'de> Visitor<'de> for ItemsVisitor {
    type Value = Items<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of samples")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut samples: A) -> Result<Self::Value, A::Error> {
        let first: Option<Item<'de>> = samples.next_element()?;
        let mut count = usize::from(first.is_some());
        while samples.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(Items { first, count })
    }
}

/// The dimensions of a tensor, a few at most.
pub(super) fn dimensions<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<usize>, D::Error> {
    deserializer.deserialize_seq(Dimensions)
}

struct Dimensions;

impl<'de> Visitor<'de> for Dimensions {
    type Value = Vec<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {MOST_DIMENSIONS} dimensions")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut dimensions = Vec::new();
        while let Some(dimension) = list.next_element()? {
            if dimensions.len() == MOST_DIMENSIONS {
                return Err(A::Error::custom(format!("expected at most {MOST_DIMENSIONS} dimensions, found more")));
            }
            dimensions.push(dimension);
        }
        Ok(dimensions)
    }
}
