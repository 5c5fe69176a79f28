//! When two candidates count as the same: near copies take places from what is different.
//!
//! Of near copies the one that comes first in the order of preference stays (as ADE-CoT does with features of a vision
//! model at a cosine of 0.98, arXiv:2603.00141).

pub(crate) mod recipe;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use editscale_core::{Digest, PerceptualHash, ScoreCard};

use crate::PolicyError;
use crate::archive::Entry;

/// When two candidates count as the same. Equal bytes always do; the default knows nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Likeness {
    bits: Option<u32>,
    cosine: Option<f64>,
}

impl Likeness {
    /// Near copies have perceptual hashes that differ in at most `bits` of 64 bits, and features in directions of a cosine of
    /// at least `cosine`. Where both are set, both must say so; a measure that one of the two candidates lacks says nothing.
    ///
    /// `bits` is from 0 to 32, where unrelated pictures are, and `cosine` above 0 and at most 1.
    pub fn new(bits: Option<u32>, cosine: Option<f64>) -> Result<Self, PolicyError> {
        let refused =
            |setting, expected: &str, found: String| Err(PolicyError { setting, expected: expected.to_owned(), found });
        match (bits, cosine) {
            (Some(bits), _) if bits > MOST_BITS => {
                refused("deduplicate.bits", "a whole number from 0 to 32", bits.to_string())
            }
            (_, Some(cosine)) if !(cosine > 0.0 && cosine <= 1.0) => {
                refused("deduplicate.cosine", "a number above 0 and at most 1", cosine.to_string())
            }
            _ => Ok(Self { bits, cosine }),
        }
    }

    /// Whether it goes by perceptual hashes.
    pub(crate) fn looks(&self) -> bool {
        self.bits.is_some()
    }

    /// Whether it goes by features.
    pub(crate) fn compares_features(&self) -> bool {
        self.cosine.is_some()
    }

    /// Whether it knows more than equal bytes.
    fn is_set(&self) -> bool {
        self.bits.is_some() || self.cosine.is_some()
    }

    /// The setting in words for a policy's revision; nothing for the default, which policies had before there was a setting.
    pub(crate) fn revision(&self) -> String {
        let mut text = String::new();
        if let Some(bits) = self.bits {
            let _infallible = write!(text, " deduplicate.bits={bits} of {}", PerceptualHash::REVISION);
        }
        if let Some(cosine) = self.cosine {
            let _infallible = write!(text, " deduplicate.cosine={cosine}");
        }
        text
    }

    /// Whether these differ too little to be told apart, equal bytes aside.
    fn is_near(&self, a: &Entry, b: &Entry) -> bool {
        let by_hash = self.bits.and_then(|bits| Some(a.hash?.distance(b.hash?) <= bits));
        let by_features = self.cosine.and_then(|least| {
            let points = shared_points(&[&a.card, &b.card])?;
            Some(cosine(points[0], points[1])? >= least)
        });
        (by_hash.is_some() || by_features.is_some()) && by_hash != Some(false) && by_features != Some(false)
    }
}

/// The most bits in which near copies can differ.
const MOST_BITS: u32 = 32;

/// Candidates of which no two are the same, in the order in which they came.
pub(crate) struct Distinct<'a> {
    likeness: Likeness,
    images: BTreeSet<Digest>,
    kept: Vec<&'a Entry>,
}

impl<'a> Distinct<'a> {
    pub(crate) fn new(likeness: Likeness) -> Self {
        Self { likeness, images: BTreeSet::new(), kept: Vec::new() }
    }

    /// Takes a candidate in, unless it is the same as one that is there.
    pub(crate) fn admit(&mut self, entry: &'a Entry) -> bool {
        let is_copy = self.images.contains(&entry.image)
            || self.likeness.is_set() && self.kept.iter().any(|kept| self.likeness.is_near(kept, entry));
        if !is_copy {
            self.images.insert(entry.image);
            self.kept.push(entry);
        }
        !is_copy
    }
}

/// What one reward saw of all these candidates, in their order: that of the first reward, in the order of names, that gave
/// each of them features of one length.
pub(crate) fn shared_points<'a>(cards: &[&'a ScoreCard]) -> Option<Vec<&'a [f32]>> {
    let (first, _) = cards.split_first()?;
    first.iter().find_map(|(reward, said)| {
        let length = said.as_ref().ok()?.features()?.len();
        let point = |card: &&'a ScoreCard| {
            let features: &'a [f32] = card.score(reward)?.features()?;
            (features.len() == length).then_some(features)
        };
        cards.iter().map(point).collect()
    })
}

/// The cosine of the angle between two points; nothing where one is at the origin.
pub(crate) fn cosine(a: &[f32], b: &[f32]) -> Option<f64> {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    let cosine = dot(a, b) / (dot(a, a) * dot(b, b)).sqrt();
    cosine.is_finite().then_some(cosine)
}
