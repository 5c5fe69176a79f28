//! Noise search: climb in the space of noise, from one pivot to the best of its neighbours (Ma et al., arXiv:2501.09732,
//! "zero-order search").
//!
//! A neighbour begins at its pivot's noise, turned by an angle: `u' = ‖u‖ (c·û + √(1 − c²)·ŵ)`. A round without anything
//! better than the pivot narrows the angle; a round that brings something better moves there and widens it again, at most
//! to where it began. After enough rounds in vain the search begins anew at the next best of the fresh draws.

mod recipe;

use std::collections::BTreeSet;

use editscale_core::{
    CandidateId, Cards, Decision, Digest, Edge, EditRequest, Lineage, Need, Noise, NoiseTurn, Proposal, Remaining,
    Search, SearchFactory, StopReason, Trial,
};

use crate::archive::{Archive, Entry, Placed};
use crate::policy::{MOST_CANDIDATES, PolicyError, Rules, check_count};
use crate::proposals::{Ground, choice_seed};

pub use recipe::NoiseSearchRecipe;

/// The most turns of a candidate's noise. A pivot that is as far from its draw has no neighbours, so that no proposal, and
/// no line of the journal, grows without end.
const MOST_TURNS: usize = 64;

/// 1 − cosine of the narrowest turn: less is hardly another picture.
const NARROWEST: f64 = 1e-4;

/// How large a noise search is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoiseSearchSize {
    /// Fresh draws before the first round, from 1 to 1000.
    pub pivots: u32,
    /// Candidates of a round, from 1 to 1000.
    pub neighbours: u32,
    /// Rounds, from 1 to 1000.
    pub rounds: u32,
}

/// How a noise search steps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NoiseSteps {
    /// Cosine between a pivot's noise and that of its neighbours, at first: from 0 up to, but not, 1.
    pub cosine: f64,
    /// What 1 − cosine is multiplied by after a round in vain, and divided by after one with a gain: above 0, at most 1.
    pub narrowing: f64,
    /// Rounds in vain at one pivot after which the search begins anew elsewhere, from 1 to 1000.
    pub restart_after: u32,
}

/// The policy `noise_search {pivots, neighbours, rounds, cosine, narrowing, restart_after}`.
#[derive(Debug, Clone)]
pub struct NoiseSearch {
    size: NoiseSearchSize,
    steps: NoiseSteps,
    rules: Rules,
}

impl NoiseSearch {
    /// `pivots` fresh candidates, then `rounds` of `neighbours` each.
    pub fn new(size: NoiseSearchSize, steps: NoiseSteps, rules: Rules) -> Result<Self, PolicyError> {
        check_count("pivots", size.pivots, 1000)?;
        check_count("neighbours", size.neighbours, 1000)?;
        check_count("rounds", size.rounds, 1000)?;
        check_count("restart_after", steps.restart_after, 1000)?;
        let refuse =
            |setting, expected: &str, found: String| Err(PolicyError { setting, expected: expected.to_owned(), found });
        if !(0.0..1.0).contains(&steps.cosine) {
            return refuse("cosine", "a number from 0 to below 1", steps.cosine.to_string());
        }
        if !(steps.narrowing > 0.0 && steps.narrowing <= 1.0) {
            return refuse("narrowing", "a number above 0, at most 1", steps.narrowing.to_string());
        }
        let policy = Self { size, steps, rules };
        if policy.largest_run() > MOST_CANDIDATES {
            let found = format!("{}, which makes {} candidates", size.rounds, policy.largest_run());
            return refuse("rounds", &format!("at most {MOST_CANDIDATES} candidates in all"), found);
        }
        Ok(policy)
    }
}

impl SearchFactory for NoiseSearch {
    fn revision(&self) -> String {
        let NoiseSearchSize { pivots, neighbours, rounds } = self.size;
        let NoiseSteps { cosine, narrowing, restart_after } = self.steps;
        format!(
            "noise_search/1 pivots={pivots} neighbours={neighbours} rounds={rounds} cosine={cosine} \
             narrowing={narrowing} restart_after={restart_after}{}",
            self.rules.revision()
        )
    }

    fn needs(&self) -> Vec<Need> {
        vec![Need::Pointwise, Need::Seeds, Need::Noise]
    }

    fn largest_run(&self) -> u64 {
        let NoiseSearchSize { pivots, neighbours, rounds } = self.size;
        u64::from(pivots) + u64::from(neighbours) * u64::from(rounds)
    }

    fn start(&self, request: &EditRequest, cards: &Cards) -> Box<dyn Search> {
        Box::new(Running {
            policy: self.clone(),
            ground: Ground::new(request, cards),
            archive: Archive::new(self.rules.objective.clone()),
            rounds: 0,
            pivot: None,
            been: BTreeSet::new(),
        })
    }
}

/// Where the search stands.
#[derive(Debug, Clone, Copy)]
struct Pivot {
    id: CandidateId,
    /// 1 − cosine of the next turn.
    width: f64,
    /// Rounds that brought nothing better than it, one after the other.
    in_vain: u32,
}

struct Running {
    policy: NoiseSearch,
    ground: Ground,
    archive: Archive,
    /// Rounds that were asked for, the draws before the first not counted.
    rounds: u32,
    pivot: Option<Pivot>,
    /// The pictures of all pivots so far.
    been: BTreeSet<Digest>,
}

impl Search for Running {
    fn decide(&mut self, trials: &[Trial], left: &Remaining) -> Decision {
        self.archive.learn(trials);
        match self.next(left) {
            Ok(proposals) => {
                self.archive.ask(&proposals);
                Decision::Explore { proposals, keep: Vec::new() }
            }
            Err(reason) => Decision::Stop(self.archive.verdict(reason)),
        }
    }
}

impl Running {
    fn next(&mut self, left: &Remaining) -> Result<Vec<Proposal>, StopReason> {
        let (best, without_gain) = self.archive.standing();
        if let Some(reason) = self.policy.rules.stop.met(best, without_gain) {
            return Err(reason);
        }
        let NoiseSearchSize { pivots, neighbours, rounds } = self.policy.size;
        let is_begun = self.archive.asked() > 0;
        if is_begun && self.rounds >= rounds {
            return Err(StopReason::Finished);
        }
        let wanted = if is_begun { neighbours } else { pivots };
        let count = self.ground.affordable(u64::from(wanted), left);
        if count == 0 {
            return Err(self.ground.shortage());
        }
        self.rounds += u32::from(is_begun);
        self.stand();
        Ok(self.round(count))
    }

    /// The pivot's neighbours; fresh draws where there is nothing to stand on.
    fn round(&self, count: u32) -> Vec<Proposal> {
        let first = self.archive.asked();
        let Some((pivot, made)) = self.pivot.and_then(|pivot| Some((pivot, self.archive.entry_of(pivot.id)?))) else {
            return self.ground.all_fresh(first, count);
        };
        (first..first + count).filter_map(|id| self.neighbour(id, &made.proposal, pivot.width)).collect()
    }

    /// A pivot's neighbour: as the pivot was made, its noise turned once more.
    fn neighbour(&self, id: u32, pivot: &Proposal, width: f64) -> Option<Proposal> {
        let seed = choice_seed(self.ground.root, 1 + u64::from(id));
        let mut turns = turns(pivot).to_vec();
        turns.push(NoiseTurn { seed, cosine: 1.0 - width });
        Some(Proposal {
            seed: pivot.seed,
            noise: Noise::Turned(turns),
            lineage: Lineage { parent: Some(pivot.id), edge: Edge::Neighbour },
            ..self.ground.fresh(id)?
        })
    }

    /// Where the next round starts from, now that the last one is known.
    fn stand(&mut self) {
        let placed = self.archive.placed();
        if let Some(pivot) = self.pivot {
            self.pivot = Some(self.moved(pivot, &placed)).filter(|pivot| self.has_neighbours(pivot));
        }
        if self.pivot.is_none() {
            self.pivot = self.draw(&placed).map(|id| Pivot { id, width: self.widest(), in_vain: 0 });
        }
        let picture = self.pivot.and_then(|pivot| self.archive.entry_of(pivot.id)).map(|entry| entry.image);
        self.been.extend(picture);
    }

    /// The best neighbour of a pivot that is better than it; else the pivot itself, with a narrower angle.
    fn moved(&self, pivot: Pivot, placed: &[Placed]) -> Pivot {
        let Pivot { id, width, in_vain } = pivot;
        let narrowing = self.policy.steps.narrowing;
        let own = placed.iter().find(|placed| self.archive.id(**placed) == id).map(|placed| placed.utility);
        let is_neighbour = |entry: &Entry| entry.proposal.lineage.parent == Some(id);
        let better = placed.iter().take_while(|placed| own.is_none_or(|own| placed.utility > own));
        match better.map(|placed| self.archive.entry(placed.entry)).find(|entry| is_neighbour(entry)) {
            Some(found) => {
                let width = (width / narrowing).min(self.widest());
                Pivot { id: found.proposal.id, width, in_vain: 0 }
            }
            None => Pivot { width: (width * narrowing).max(NARROWEST.min(width)), in_vain: in_vain + 1, id },
        }
    }

    /// Whether it is worth to ask for a pivot's neighbours.
    fn has_neighbours(&self, pivot: &Pivot) -> bool {
        let is_far = self.archive.entry_of(pivot.id).is_none_or(|entry| turns(&entry.proposal).len() >= MOST_TURNS);
        pivot.in_vain < self.policy.steps.restart_after && !is_far
    }

    /// The best of the fresh draws whose picture was no pivot yet.
    fn draw(&self, placed: &[Placed]) -> Option<CandidateId> {
        let entries = placed.iter().map(|placed| self.archive.entry(placed.entry));
        let is_new = |entry: &&Entry| entry.proposal.lineage.edge == Edge::Fresh && !self.been.contains(&entry.image);
        entries.filter(is_new).map(|entry| entry.proposal.id).next()
    }

    fn widest(&self) -> f64 {
        1.0 - self.policy.steps.cosine
    }
}

/// The way from a candidate's draw to its noise.
fn turns(proposal: &Proposal) -> &[NoiseTurn] {
    match &proposal.noise {
        Noise::Turned(turns) => turns,
        Noise::Own | Noise::Back(_) => &[],
    }
}
