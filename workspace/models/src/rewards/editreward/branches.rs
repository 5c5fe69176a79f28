//! The branches of a batch: all prompts behind their beginnings, each common part once.

use std::collections::{HashMap, HashSet};

use editscale_core::{Counters, Digest};

use crate::rewards::editreward::asked::Asked;
use crate::rewards::editreward::kept::{Beginning, Pictures, SourceKey, Unclaimed};
use crate::rewards::editreward::tree::{Item, Tree};
use crate::rewards::editreward::{JudgeError, Which};

/// Where a prompt ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct End {
    /// The node of the tree.
    pub(super) node: usize,
    /// Which part of the score the prompt asks for.
    pub(super) part: usize,
}

/// A pair whose branches are in the tree.
pub(super) struct Planned {
    /// Where its prompts end, by part of the score.
    pub(super) ends: [End; 2],
    pub(super) counters: Counters,
}

/// All branches of a batch behind their beginnings.
#[derive(Default)]
pub(super) struct Branches {
    pub(super) tree: Tree,
    pub(super) roots: Vec<Beginning>,
    root_of: HashMap<SourceKey, usize>,
    /// Edited pictures by their numbers in the tree.
    pub(super) pictures: Vec<Digest>,
    /// Where prompts end.
    pub(super) ends: HashSet<End>,
}

impl Branches {
    /// Adds a pair's two prompts, and puts on its account what it is the first to need.
    pub(super) fn add(
        &mut self,
        asked: &Asked<'_>,
        pictures: &Pictures,
        beginnings: &HashMap<SourceKey, Beginning>,
        unclaimed: &mut Unclaimed,
    ) -> Result<Planned, JudgeError> {
        let sources = asked.sources();
        let fault = |which: Which, digest: Digest| {
            let fault = pictures.get(&digest).and_then(|picture| picture.as_ref().err()).cloned();
            fault.map_or(Ok(()), |reason| Err(JudgeError::Picture { which, reason }))
        };
        let edited = asked.pair.edited.digest();
        if sources.iter().any(|key| !beginnings.contains_key(key)) {
            fault(Which::Source, asked.pair.source.digest())?;
        }
        fault(Which::Edited, edited)?;
        let lost = || JudgeError::Compute("a picture was not encoded".to_owned());
        let picture = pictures.get(&edited).and_then(|picture| picture.as_ref().ok()).ok_or_else(lost)?;
        let mut ends = [0, 1].map(|part| End { node: 0, part });
        let before = self.tree.size();
        for (part, key) in sources.iter().enumerate() {
            let beginning = beginnings.get(key).ok_or_else(lost)?;
            let root = self.root(key, beginning);
            let place = self.picture(edited);
            let items = (0..picture.len()).map(|at| Item::Picture { picture: place, at });
            let items: Vec<Item> = items.chain(asked.tokens[part].after.iter().copied().map(Item::Token)).collect();
            ends[part].node = self.tree.add(root, &items);
            self.ends.insert(ends[part]);
        }
        let mut counters = unclaimed.claim(&sources, [asked.pair.source.digest(), edited]);
        counters.decoder_tokens += (self.tree.size() - before) as u64;
        Ok(Planned { ends, counters })
    }

    fn root(&mut self, key: &SourceKey, beginning: &Beginning) -> usize {
        *self.root_of.entry(key.clone()).or_insert_with(|| {
            self.roots.push(beginning.clone());
            self.roots.len() - 1
        })
    }

    fn picture(&mut self, digest: Digest) -> usize {
        let known = self.pictures.iter().position(|known| *known == digest);
        known.unwrap_or_else(|| {
            self.pictures.push(digest);
            self.pictures.len() - 1
        })
    }

    /// Nodes, each behind those above it.
    pub(super) fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.tree.nodes().len()).collect();
        order.sort_by_key(|&node| self.tree.path(node).len());
        order
    }
}
