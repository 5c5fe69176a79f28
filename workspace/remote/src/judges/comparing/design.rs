//! Which candidates are shown together, and in which orders.

use editscale_core::{Cost, Seed, Usd};

/// Turns the seed of the first questions into that of the last ones.
const FINALS: u64 = 1 << 32;

/// A way to compare a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) cut: Cut,
    /// In how many orders each block is shown; each of them backwards too.
    pub(crate) again: u32,
}

/// How a set is cut into those that are shown together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Every two.
    Pairs,
    /// Each with so many others, the nearest ones on a ring; every two of so many of the best in the end.
    Ring { neighbours: usize, finalists: usize },
    /// Blocks of so many, at least 2, that follow each other around a ring and overlap by half; one of the best in the end.
    Blocks { size: usize },
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
        let blocks = match self.cut {
            Cut::Pairs => pairs(&ring),
            Cut::Ring { neighbours, .. } => nearest(&ring, neighbours),
            Cut::Blocks { size } => blocks(&ring, size),
        };
        self.shown(&blocks, seed)
    }

    /// What is asked in the end about those that are best so far: the best one of a set whose candidates did not all meet has met
    /// only some of those that never lost. `standing` has the best first.
    pub(crate) fn finals(&self, count: usize, standing: &[usize], asked: &[Showing], seed: Seed) -> Vec<Showing> {
        let best = |most: usize| standing.get(..most.min(standing.len())).unwrap_or_default();
        let has_met = |pair: &Vec<usize>| asked.iter().any(|each| pair.iter().all(|one| each.order.contains(one)));
        let blocks = match self.cut {
            Cut::Ring { finalists, .. } => pairs(best(finalists)).into_iter().filter(|pair| !has_met(pair)).collect(),
            Cut::Blocks { size } if count > size && standing.len() > 1 => vec![best(size).to_vec()],
            Cut::Pairs | Cut::Blocks { .. } => Vec::new(),
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
        let blocks = match self.cut {
            _ if count < 2 => 0,
            Cut::Ring { neighbours, finalists } if neighbours < count - 1 => {
                pairs(count).min(count * neighbours / 2 + pairs(finalists.min(count)))
            }
            Cut::Pairs | Cut::Ring { .. } => pairs(count),
            Cut::Blocks { size } if count <= size => 1,
            Cut::Blocks { size } => count.div_ceil(size.div_ceil(2)) + 1,
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

/// Every two members.
fn pairs(members: &[usize]) -> Vec<Vec<usize>> {
    let apart = |step: usize| members.iter().zip(members.iter().skip(step)).map(|(one, other)| vec![*one, *other]);
    (1..members.len()).flat_map(apart).collect()
}

/// Each member with the nearest ones on the ring; every two where that is all of them.
fn nearest(ring: &[usize], neighbours: usize) -> Vec<Vec<usize>> {
    if neighbours >= ring.len().saturating_sub(1) {
        return pairs(ring);
    }
    let around = |step: usize| ring.iter().zip(ring.iter().cycle().skip(step)).map(|(one, other)| vec![*one, *other]);
    (1..=neighbours / 2).flat_map(around).collect()
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
        let ring = (1_usize..9, 0_usize..9).prop_map(|(half, finalists)| Cut::Ring { neighbours: 2 * half, finalists });
        let blocks = (2_usize..9).prop_map(|size| Cut::Blocks { size });
        (prop_oneof![ring, Just(Cut::Pairs), blocks], 1_u32..3).prop_map(|(cut, again)| Plan { cut, again })
    }

    /// The most that are shown at once, and how many of the best in the end.
    fn most(cut: Cut) -> (usize, usize) {
        match cut {
            Cut::Pairs => (2, 0),
            Cut::Ring { finalists, .. } => (2, finalists),
            Cut::Blocks { size } => (size, size),
        }
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
            let (block, finalists) = most(plan.cut);
            prop_assert!(finals.iter().all(|each| each.order.iter().all(|one| one + finalists >= count)));
            prop_assert!(2 * (first.len() + finals.len()) as u64 <= plan.calls(count));
            let mut seen = BTreeSet::new();
            for showing in first.iter().chain(&finals) {
                let members: BTreeSet<usize> = showing.order.iter().copied().collect();
                prop_assert!(members.len() == showing.order.len() && (2..=block).contains(&members.len()));
                if !matches!(plan.cut, Cut::Blocks { .. }) && plan.again == 1 {
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
        let of = |cut, count| Plan { cut, again: 1 }.showings(count, Seed::new(1).unwrap()).len();
        let ring = |neighbours, count| of(Cut::Ring { neighbours, finalists: 0 }, count);
        assert_eq!(
            (of(Cut::Pairs, 8), ring(6, 7), ring(6, 8), ring(2, 8), ring(2, 2), ring(2, 1)),
            (28, 21, 24, 8, 1, 0)
        );
    }

    #[test]
    fn the_order_of_questions_is_that_of_runs_in_journals() {
        let members = [4, 7, 2, 9];
        assert_eq!(pairs(&members), [[4, 7], [7, 2], [2, 9], [4, 2], [7, 9], [4, 9]]);
        assert_eq!(nearest(&members, 2), [[4, 7], [7, 2], [2, 9], [9, 4]]);
    }
}
