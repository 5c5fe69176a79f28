//! Which candidates are shown together, and in which orders.

use editscale_core::{Cost, Seed, Usd};

/// Turns the seed of the first questions into that of the last ones.
const FINALS: u64 = 1 << 32;

/// A way to compare a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The most candidates that are shown at once, at least 2.
    pub(crate) block: usize,
    /// For blocks of two: with how many others each candidate is compared. Otherwise blocks follow each other around a ring and
    /// overlap by half.
    pub(crate) neighbours: Option<usize>,
    /// How many of the best are compared with each other in the end, where not all of the set were.
    pub(crate) finalists: usize,
    /// In how many orders each block is shown; each of them backwards too.
    pub(crate) again: u32,
}

/// Candidates to be shown in this order and backwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Showing {
    pub(crate) order: Vec<usize>,
    pub(crate) seed: Seed,
}

impl Plan {
    /// What is asked about a set of so many first. The same seed gives the same questions.
    pub(crate) fn showings(&self, count: usize, seed: Seed) -> Vec<Showing> {
        let ring = shuffled((0..count).collect(), seed);
        let blocks = match self.neighbours {
            Some(neighbours) => pairs(&ring, neighbours),
            None => blocks(&ring, self.block),
        };
        self.shown(&blocks, seed)
    }

    /// What is asked in the end about those that are best so far: the best one of a set whose candidates did not all meet has met
    /// only some of those that never lost. `standing` has the best first.
    pub(crate) fn finals(&self, count: usize, standing: &[usize], asked: &[Showing], seed: Seed) -> Vec<Showing> {
        let best: Vec<usize> = standing.iter().copied().take(self.finalists).collect();
        let blocks = if self.neighbours.is_some() {
            let has_met = |pair: &Vec<usize>| asked.iter().any(|each| pair.iter().all(|one| each.order.contains(one)));
            pairs(&best, usize::MAX).into_iter().filter(|pair| !has_met(pair)).collect()
        } else if count > self.block && best.len() > 1 {
            vec![best]
        } else {
            Vec::new()
        };
        self.shown(&blocks, seed.mix(FINALS))
    }

    fn shown(&self, blocks: &[Vec<usize>], seed: Seed) -> Vec<Showing> {
        let showing = |(block, again): (&Vec<usize>, u32)| {
            let members = block.iter().fold(seed.mix(u64::from(again)), |seed, member| seed.mix(*member as u64));
            Showing { order: shuffled(block.clone(), members), seed: members.mix(0) }
        };
        blocks.iter().flat_map(|block| (0..self.again).map(move |again| (block, again))).map(showing).collect()
    }

    /// The most questions about a set of so many.
    pub(crate) fn calls(&self, count: usize) -> u64 {
        let pairs = |count: usize| count * count.saturating_sub(1) / 2;
        let blocks = match self.neighbours {
            _ if count < 2 => 0,
            Some(neighbours) if neighbours >= count - 1 => pairs(count),
            Some(neighbours) => pairs(count).min(count * neighbours / 2 + pairs(self.finalists.min(count))),
            None if count <= self.block => 1,
            None => count.div_ceil(self.block.div_ceil(2)) + 1,
        };
        2 * blocks as u64 * u64::from(self.again)
    }

    /// The most that one candidate's share can be in any set of up to so many.
    pub(crate) fn bound(&self, most: usize, each: Cost) -> Cost {
        let share =
            |count: usize, part: u64| (u128::from(part) * u128::from(self.calls(count))).div_ceil(count as u128);
        let most = |part: u64| (1..=most).map(|count| share(count, part)).max().unwrap_or_default();
        let most = |part: u64| u64::try_from(most(part)).unwrap_or(u64::MAX);
        Cost { nfe: most(each.nfe), tokens: most(each.tokens), usd: Usd { micros: most(each.usd.micros) } }
    }
}

/// Each member with the nearest ones on the ring.
fn pairs(ring: &[usize], neighbours: usize) -> Vec<Vec<usize>> {
    let count = ring.len();
    let all = neighbours >= count.saturating_sub(1);
    let reach = if all { count.saturating_sub(1) } else { neighbours / 2 };
    let pair = |from: usize, step: usize| {
        let to = if all { ring.get(from + step) } else { ring.get((from + step) % count) };
        Some(vec![*ring.get(from)?, *to?])
    };
    (1..=reach).flat_map(|step| (0..count).filter_map(move |from| pair(from, step))).collect()
}

/// Blocks around the ring. Each begins in the middle of the one before.
fn blocks(ring: &[usize], block: usize) -> Vec<Vec<usize>> {
    match ring.len() {
        0 | 1 => Vec::new(),
        count if count <= block => vec![ring.to_vec()],
        count => {
            let around = || ring.iter().copied().cycle();
            (0..count).step_by(block.div_ceil(2)).map(|from| around().skip(from).take(block).collect()).collect()
        }
    }
}

/// The shuffle of Fisher and Yates, by counted seeds.
fn shuffled(mut members: Vec<usize>, seed: Seed) -> Vec<usize> {
    for last in (1..members.len()).rev() {
        let drawn = (seed.mix(last as u64).unit() * (last + 1) as f64) as usize;
        members.swap(last, drawn.min(last));
    }
    members
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::judges::comparing::strengths::largest_group;

    fn plans() -> impl Strategy<Value = Plan> {
        let pairs = (1_usize..9, 1_u32..3, 0_usize..9).prop_map(|(half, again, finalists)| Plan {
            block: 2,
            neighbours: Some(2 * half),
            again,
            finalists,
        });
        let all = Just(Plan { block: 2, neighbours: Some(usize::MAX), again: 1, finalists: 0 });
        let lists =
            (2_usize..9, 1_u32..3).prop_map(|(block, again)| Plan { block, neighbours: None, again, finalists: block });
        prop_oneof![pairs, all, lists]
    }

    proptest! {
        #[test]
        fn every_set_is_connected_by_no_more_questions_than_are_counted(
            plan in plans(), count in 0_usize..40, seed in 0_u64..1000,
        ) {
            let seed = Seed::new(seed).unwrap();
            let first = plan.showings(count, seed);
            prop_assert_eq!(&first, &plan.showings(count, seed));
            let links: Vec<(usize, usize)> =
                first.iter().flat_map(|each| each.order.windows(2)).map(|pair| (pair[0], pair[1])).collect();
            if count > 1 {
                prop_assert_eq!(largest_group(count, &links).len(), count);
            }
            let finals = plan.finals(count, &(0..count).rev().collect::<Vec<_>>(), &first, seed);
            prop_assert!(finals.iter().all(|each| each.order.iter().all(|one| one + plan.finalists >= count)));
            prop_assert!(2 * (first.len() + finals.len()) as u64 <= plan.calls(count));
            let mut seen = BTreeSet::new();
            for showing in first.iter().chain(&finals) {
                let members: BTreeSet<usize> = showing.order.iter().copied().collect();
                prop_assert!(members.len() == showing.order.len() && (2..=plan.block).contains(&members.len()));
                if plan.neighbours.is_some() && plan.again == 1 {
                    prop_assert!(seen.insert(members), "a pair is asked twice");
                }
            }
        }

        #[test]
        fn no_share_is_above_its_bound(plan in plans(), most in 1_usize..40, tokens in 0_u64..5000) {
            let each = Cost { tokens, ..Cost::default() };
            let bound = plan.bound(most, each);
            for count in 1..=most {
                prop_assert!(plan.calls(count) * tokens <= bound.tokens * count as u64);
            }
        }
    }

    #[test]
    fn pairs_are_all_of_them_or_a_ring() {
        let seed = Seed::new(1).unwrap();
        let of = |neighbours, count| {
            Plan { block: 2, neighbours: Some(neighbours), again: 1, finalists: 0 }.showings(count, seed).len()
        };
        assert_eq!((of(usize::MAX, 8), of(6, 7), of(6, 8), of(2, 8), of(2, 2), of(2, 1)), (28, 21, 24, 8, 1, 0));
    }
}
