//! How much preview pruning comes to: at most, and where no candidate fails.

use editscale_core::{Cards, Extent};

use super::Pruning;
use super::way::Way;

impl Pruning {
    /// The most that it comes to with at most so many edits, and the most where no candidate fails.
    ///
    /// Of a wave of n candidates ⌈keep·n⌉ go on from each look, and as many from the last one are finished. Those that were
    /// given up are finished only where nothing came of the others; then all of them may be, and from their beginning, as
    /// nobody kept what was made of them.
    pub(super) fn extent(&self, cards: &Cards, edits: u64) -> (Extent, Option<Extent>) {
        let way = Way::of(&self.checkpoints, cards);
        let most = u64::from(self.most).min(edits);
        let looked: Vec<u64> = (0..=way.looks()).map(|look| self.reached(look, most)).collect();
        let Some((finished, looked)) = looked.split_last().filter(|(_, looked)| !looked.is_empty()) else {
            return (Extent::whole(most), None);
        };
        let seen: u64 = looked.iter().sum();
        let part = |look: usize| way.share(look) - look.checked_sub(1).map_or(0.0, |before| way.share(before));
        let early: f64 = looked.iter().enumerate().map(|(look, count)| part(look) * *count as f64).sum();
        let last = *finished as f64 * way.rest(looked.len() - 1);
        let planned = Extent { edits: most, judged: seen + finished, work: early + last };
        let all = Extent { edits: most, judged: seen + most, work: early + most as f64 };
        if way.pauses() {
            return (all, Some(planned));
        }
        // A draft is an edit of its own, and can cost as much as any.
        let twice = |count: u64| (most + count).min(edits);
        let all = Extent { edits: twice(most), work: 2.0 * most as f64, ..all };
        (all, Some(Extent { edits: twice(*finished), ..planned }))
    }

    /// How many candidates of all waves are looked at for this time, from 0, where so many are begun; after the last look,
    /// how many are finished.
    fn reached(&self, look: usize, begun: u64) -> u64 {
        let samples = u64::from(self.samples);
        let kept = |count: u64| (0..look).fold(count, |count, _| self.kept(count as usize) as u64);
        begun / samples * kept(samples) + if begun.is_multiple_of(samples) { 0 } else { kept(begun % samples) }
    }

    /// How many of so many go on from a look.
    pub(super) fn kept(&self, of: usize) -> usize {
        ((of as f64 * self.keep).ceil() as usize).max(1)
    }
}
