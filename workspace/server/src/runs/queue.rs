//! A bounded queue that is fair between callers: each in turn, and within one caller in the order of arrival.

use std::collections::VecDeque;

/// What waits, by caller.
#[derive(Debug)]
pub(crate) struct FairQueue<K, T> {
    most: usize,
    /// The most of one caller, so that one alone cannot keep others out.
    share: usize,
    /// Callers that wait, the next one first; none is without anything.
    turns: VecDeque<(K, VecDeque<T>)>,
}

/// There is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full;

impl<K: PartialEq, T> FairQueue<K, T> {
    /// For at most `most` in all, and `share` of one caller.
    pub(crate) fn new(most: usize, share: usize) -> Self {
        Self { most, share, turns: VecDeque::new() }
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.turns.iter().map(|(_, waiting)| waiting.len()).sum()
    }

    /// Whether another of this caller would be taken.
    pub(crate) fn has_room(&self, caller: &K) -> bool {
        let own = self.turns.iter().find(|(key, _)| key == caller).map_or(0, |(_, waiting)| waiting.len());
        own < self.share && self.len() < self.most
    }

    /// Puts something behind what this caller has waiting.
    pub(crate) fn push(&mut self, caller: K, item: T) -> Result<(), Full> {
        if !self.has_room(&caller) {
            return Err(Full);
        }
        self.push_anyway(caller, item);
        Ok(())
    }

    /// The same for what was promised earlier, whether there is room or not.
    pub(crate) fn push_anyway(&mut self, caller: K, item: T) {
        match self.turns.iter_mut().find(|(key, _)| *key == caller) {
            Some((_, waiting)) => waiting.push_back(item),
            None => self.turns.push_back((caller, VecDeque::from([item]))),
        }
    }

    /// Takes the next one; its caller goes to the end of the turns.
    pub(crate) fn pop(&mut self) -> Option<T> {
        let (caller, mut waiting) = self.turns.pop_front()?;
        let item = waiting.pop_front();
        if !waiting.is_empty() {
            self.turns.push_back((caller, waiting));
        }
        item
    }

    /// Takes out everything that this is true of.
    pub(crate) fn remove(&mut self, mut is_meant: impl FnMut(&T) -> bool) -> Vec<T> {
        let mut removed = Vec::new();
        for (_, waiting) in &mut self.turns {
            let (gone, kept): (VecDeque<T>, VecDeque<T>) = std::mem::take(waiting).into_iter().partition(&mut is_meant);
            removed.extend(gone);
            *waiting = kept;
        }
        self.turns.retain(|(_, waiting)| !waiting.is_empty());
        removed
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn callers_take_turns() {
        let mut queue = FairQueue::new(10, 10);
        for (caller, item) in [("a", 1), ("a", 2), ("a", 3), ("b", 4), ("c", 5), ("b", 6)] {
            queue.push(caller, item).unwrap();
        }
        let order: Vec<i32> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(order, [1, 4, 5, 2, 6, 3]);
    }

    #[test]
    fn one_caller_cannot_fill_it() {
        let mut queue = FairQueue::new(4, 2);
        assert!(queue.push("a", 1).is_ok() && queue.push("a", 2).is_ok());
        assert_eq!(queue.push("a", 3), Err(Full));
        assert!(queue.push("b", 4).is_ok());
        assert_eq!(queue.remove(|item| *item == 1), [1]);
        assert!(queue.push("a", 5).is_ok());
    }

    proptest! {
        #[test]
        fn nobody_waits_longer_than_a_turn_of_all(callers in proptest::collection::vec(0_u8..5, 1..60)) {
            let mut queue = FairQueue::new(100, 100);
            for (place, caller) in callers.iter().enumerate() {
                queue.push(*caller, (*caller, place)).unwrap();
            }
            let mut taken: Vec<(u8, usize)> = Vec::new();
            while let Some(item) = queue.pop() {
                taken.push(item);
            }
            prop_assert_eq!(taken.len(), callers.len());
            for caller in 0..5 {
                let mine: Vec<usize> = taken.iter().filter(|(key, _)| *key == caller).map(|(_, place)| *place).collect();
                prop_assert!(mine.is_sorted());
                for (nth, place) in taken.iter().enumerate().filter(|(_, (key, _))| *key == caller).map(|(at, _)| at).enumerate() {
                    // Before somebody's nth come at most n + 1 of each other caller.
                    prop_assert!(place < (nth + 1) * 5, "{nth} of {caller} at {place}");
                }
            }
        }
    }
}
