//! What a call asks for.

use std::collections::HashMap;
use std::sync::Arc;

use editscale_core::Digest;

use crate::rewards::editreward::Pair;
use crate::rewards::editreward::kept::SourceKey;
use crate::rewards::editreward::tokens::Tokens;

/// A pair with the tokens of its prompts.
pub(super) struct Asked<'a> {
    /// Its place in the call.
    pub(super) at: usize,
    pub(super) pair: &'a Pair,
    pub(super) tokens: Arc<[Tokens; 2]>,
}

impl Asked<'_> {
    /// The beginnings of its two prompts, which are nearly always one.
    pub(super) fn sources(&self) -> [SourceKey; 2] {
        let key = |part: usize| {
            let tokens = &self.tokens[part];
            let (before, between) = (tokens.before.clone(), tokens.between.clone());
            SourceKey { before, picture: self.pair.source.digest(), between }
        };
        [key(0), key(1)]
    }
}

/// Pairs in the order of their sources' first appearance, then of their edited pictures', so that what is shared is near.
pub(super) fn in_shared_order(pairs: &[Pair]) -> Vec<usize> {
    fn firsts(digests: impl Iterator<Item = Digest>) -> Vec<usize> {
        let mut first = HashMap::new();
        digests.enumerate().map(|(at, digest)| *first.entry(digest).or_insert(at)).collect()
    }
    let sources = firsts(pairs.iter().map(|pair| pair.source.digest()));
    let edited = firsts(pairs.iter().map(|pair| pair.edited.digest()));
    let mut order: Vec<usize> = (0..pairs.len()).collect();
    order.sort_by_key(|&at| (sources[at], edited[at], at));
    order
}
