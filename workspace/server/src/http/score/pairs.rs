//! What is to be scored, from what was sent: pictures are read once each, however often they are sent.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use editscale_core::{Digest, EditRequest, Failure, FailureKind, Image, ImageSize, Instruction, RewardItem, Seed};
use editscale_picture::{Limits, probe};

use crate::http::fields::bytes_of;

/// A picture as it was sent.
#[derive(Debug, Clone)]
pub(super) enum Sent<'a> {
    /// A data URL, or base64.
    Text(Cow<'a, str>),
    /// A file.
    File(&'a [u8]),
    /// Nothing, and why.
    Missing(String),
}

/// A candidate with what it is scored against.
#[derive(Debug, Clone)]
pub(super) struct Pair<'a> {
    pub(super) instruction: Cow<'a, str>,
    pub(super) source: Sent<'a>,
    pub(super) candidate: Sent<'a>,
}

/// An item to score, or why it cannot be scored.
pub(super) type Item = Result<RewardItem, Failure>;

/// Makes items of pairs. Computes: call it beside the runtime's threads.
pub(super) struct Desk<'a> {
    limits: &'a Limits,
    /// By the digest of what was sent.
    pictures: HashMap<blake3::Hash, Result<Image, String>>,
    /// Items of the same source and instruction share their request.
    requests: HashMap<(Digest, String), Arc<EditRequest>>,
}

impl<'a> Desk<'a> {
    /// Refuses pictures beyond these limits.
    pub(super) fn new(limits: &'a Limits) -> Self {
        Self { limits, pictures: HashMap::new(), requests: HashMap::new() }
    }

    /// One item a pair, in order.
    pub(super) fn items(&mut self, pairs: &[Pair<'_>]) -> Vec<Item> {
        pairs.iter().map(|pair| self.item(pair).map_err(|why| Failure::new(FailureKind::Invalid, why))).collect()
    }

    fn item(&mut self, pair: &Pair<'_>) -> Result<RewardItem, String> {
        let source = self.picture(&pair.source).map_err(|why| format!("the source: {why}"))?;
        let candidate = self.picture(&pair.candidate).map_err(|why| format!("the candidate: {why}"))?;
        Ok(RewardItem { request: self.request(source, &pair.instruction)?, candidate })
    }

    fn request(&mut self, source: Image, instruction: &str) -> Result<Arc<EditRequest>, String> {
        let key = (source.digest(), instruction.to_owned());
        if let Some(known) = self.requests.get(&key) {
            return Ok(Arc::clone(known));
        }
        let instruction = Instruction::new(instruction).map_err(|error| error.to_string())?;
        let seed = Seed::new(0).map_err(|error| error.to_string())?;
        let request = Arc::new(EditRequest { source, instruction, mask: None, output_size: None, seed });
        self.requests.insert(key, Arc::clone(&request));
        Ok(request)
    }

    fn picture(&mut self, sent: &Sent<'_>) -> Result<Image, String> {
        let raw = match sent {
            Sent::Text(text) => text.as_bytes(),
            Sent::File(bytes) => bytes,
            Sent::Missing(why) => return Err(why.clone()),
        };
        let key = blake3::hash(raw);
        if let Some(known) = self.pictures.get(&key) {
            return known.clone();
        }
        let picture = match sent {
            Sent::Text(text) => bytes_of(text).and_then(|bytes| image(bytes.into(), self.limits)),
            _ => image(raw.into(), self.limits),
        };
        self.pictures.insert(key, picture.clone());
        picture
    }
}

/// A picture by its digest, if its head is that of one within the limits.
fn image(bytes: Arc<[u8]>, limits: &Limits) -> Result<Image, String> {
    let facts = probe(&bytes, limits).map_err(|error| format!("cannot use the picture: {error}"))?;
    let digest = Digest::from_bytes(*blake3::hash(&bytes).as_bytes());
    let size = ImageSize { width: facts.width, height: facts.height };
    Ok(Image::new(digest, facts.format.into(), size, Arc::new(bytes)))
}
