//! Search over paths: choose among half-made candidates again and again on the way from noise to picture (Ma et al.,
//! arXiv:2501.09732, "search over paths").
//!
//! Fresh candidates stop early and are judged by their previews. From each of the best, several go on: each takes some
//! steps back by adding noise of its own, then more steps forward than that, to the next stop, where the best are kept
//! again. Behind the last stop those that are left are finished, and the best of these wins; a preview never does.

mod recipe;

use std::ops::Range;

use editscale_core::{
    CandidateId, Cards, Decision, Digest, Edge, EditRequest, Extent, Lineage, Need, Noise, PauseSupport, Proposal,
    Remaining, Search, SearchFactory, Start, StopReason, Trial, Until,
};

use crate::archive::Archive;
use crate::policy::{MOST_CANDIDATES, PolicyError, Rules, check_count};
use crate::proposals::Ground;

pub use recipe::PathSearchRecipe;

/// The least share of the way from one stop to the next.
const LEAST_GAIN: f64 = 0.01;

/// How many paths are searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathSize {
    /// Paths that are kept at a stop, and finished at the end: from 1 to 1000.
    pub paths: u32,
    /// How many go on from each of them, from 1 to 1000. The first round has as many for each path to be kept.
    pub children: u32,
}

/// Where paths stop, as shares of the editor's steps: all above 0, below 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PathStops {
    /// Where fresh candidates stop.
    pub first: f64,
    /// What is taken back from a stop before going on.
    pub back: f64,
    /// What is gone on from there, at least 0.01 more than `back`.
    pub forward: f64,
}

impl PathStops {
    /// The stops as shares of the way.
    fn shares(self) -> impl Iterator<Item = f64> {
        let Self { first, back, forward } = self;
        // A stop that misses the end by a rounding is the end.
        (0u32..).map(move |n| first + f64::from(n) * (forward - back)).take_while(|share| *share < 1.0 - 1e-9)
    }

    /// The stops of an editor that takes so many steps: rising, each above 0 and before the end.
    fn steps(self, steps: u32) -> Vec<u32> {
        let mut stops: Vec<u32> = self.shares().map(|share| counted(share, steps)).collect();
        stops.retain(|stop| *stop < steps);
        stops.dedup();
        stops
    }
}

/// A share of so many steps, at least one.
fn counted(share: f64, steps: u32) -> u32 {
    ((share * f64::from(steps)).round() as u32).max(1)
}

/// The policy `path_search {paths, children, first, back, forward}`.
#[derive(Debug, Clone)]
pub struct PathSearch {
    size: PathSize,
    stops: PathStops,
    rules: Rules,
}

impl PathSearch {
    /// `paths × children` fresh candidates up to the first stop; from each stop to the next as many that go on from the best
    /// `paths`; then these are finished.
    pub fn new(size: PathSize, stops: PathStops, rules: Rules) -> Result<Self, PolicyError> {
        check_count("paths", size.paths, 1000)?;
        check_count("children", size.children, 1000)?;
        for (setting, found) in [("first", stops.first), ("back", stops.back), ("forward", stops.forward)] {
            if !(found > 0.0 && found < 1.0) {
                let expected = "a share of the steps, above 0 and below 1".to_owned();
                return Err(PolicyError { setting, expected, found: found.to_string() });
            }
        }
        if stops.forward - stops.back < LEAST_GAIN - 1e-9 {
            let expected = format!("at least {LEAST_GAIN} more than `back`, which is {}", stops.back);
            return Err(PolicyError { setting: "forward", expected, found: stops.forward.to_string() });
        }
        let policy = Self { size, stops, rules };
        if policy.largest_run() > MOST_CANDIDATES {
            let expected = format!("at most {MOST_CANDIDATES} candidates in all");
            let found = format!("{}, which makes {} candidates", size.children, policy.largest_run());
            return Err(PolicyError { setting: "children", expected, found });
        }
        Ok(policy)
    }

    fn round(&self) -> u32 {
        self.size.paths.saturating_mul(self.size.children)
    }

    /// What it comes to where no candidate fails, with how many paths are finished and what of an edit each of them has left
    /// then; nothing for an editor that has no stop.
    fn extent(&self, cards: &Cards, edits: u64) -> Option<(Extent, (u64, f64))> {
        let of = cards.editors.first().and_then(|card| card.steps)?;
        let stops = self.stops.steps(of);
        let (round, paths, last) = (u64::from(self.round()), u64::from(self.size.paths), *stops.last()?);
        let back = counted(self.stops.back, of);
        let legs = stops.windows(2).map(|pair| pair[1] - pair[0] + back.min(pair[0]));
        let (begun, legs) = (round.min(edits), legs.map(u64::from).sum::<u64>());
        let left = f64::from(of - last) / f64::from(of);
        let work = (begun * u64::from(stops[0]) + round * legs) as f64 / f64::from(of) + paths as f64 * left;
        let judged = begun + round * (stops.len() as u64 - 1) + paths;
        Some((Extent { edits: begun, judged, work }, (paths, left)))
    }
}

impl SearchFactory for PathSearch {
    fn revision(&self) -> String {
        let (PathSize { paths, children }, PathStops { first, back, forward }) = (self.size, self.stops);
        format!(
            "path_search/2 paths={paths} children={children} first={first} back={back} forward={forward}{}",
            self.rules.revision()
        )
    }

    fn needs(&self) -> Vec<Need> {
        // What is compared with each other was made in one round.
        vec![Need::Together(self.round()), Need::Seeds, Need::Pause(PauseSupport::Resume), Need::Noise]
    }

    fn largest_run(&self) -> u64 {
        u64::from(self.round()) * self.stops.shares().count() as u64 + u64::from(self.size.paths)
    }

    fn most(&self, cards: &Cards, edits: u64) -> Extent {
        let whole = Extent::whole(self.largest_run().min(edits));
        // Where nothing comes of the first stage, other paths are begun in the place of all.
        let all = |planned: Extent, (paths, left): (u64, f64)| Extent {
            edits: (planned.edits + paths).min(edits),
            work: planned.work + paths as f64 * (1.0 - left),
            ..planned
        };
        self.extent(cards, edits).map_or(whole, |(planned, ends)| all(planned, ends))
    }

    fn planned(&self, cards: &Cards, edits: u64) -> Option<Extent> {
        self.extent(cards, edits).map(|(planned, _)| planned)
    }

    fn start(&self, request: &EditRequest, cards: &Cards) -> Box<dyn Search> {
        let steps = cards.editors.first().and_then(|card| card.steps);
        Box::new(Running {
            policy: self.clone(),
            ground: Ground::new(request, cards),
            archive: Archive::new(self.rules.objective.clone()),
            stops: steps.map(|steps| self.stops.steps(steps)),
            back: counted(self.stops.back, steps.unwrap_or(1)),
            stages: 0,
            round: 0..0,
            kept: Vec::new(),
            is_cut: false,
            is_closing: false,
        })
    }
}

struct Running {
    policy: PathSearch,
    ground: Ground,
    archive: Archive,
    /// Where paths stop; nothing where the editor does not say how many steps it takes.
    stops: Option<Vec<u32>>,
    /// Steps that are taken back from a stop.
    back: u32,
    /// Rounds of previews that were asked for.
    stages: usize,
    /// The candidates of the last of them.
    round: Range<u32>,
    /// The paths that are still followed, the best first.
    kept: Vec<CandidateId>,
    /// Whether the budget did not allow all that was planned.
    is_cut: bool,
    /// Whether the last round was asked for.
    is_closing: bool,
}

impl Search for Running {
    fn decide(&mut self, trials: &[Trial], left: &Remaining) -> Decision {
        self.archive.learn(trials);
        let next = self.next(left);
        if let Ok(proposals) = &next {
            let first = self.archive.asked();
            self.round = first..first + proposals.len() as u32;
        }
        self.archive.decision(next)
    }
}

impl Running {
    fn next(&mut self, left: &Remaining) -> Result<Vec<Proposal>, StopReason> {
        self.archive.go_on(&self.policy.rules.stop)?;
        if self.is_closing {
            return Err(if self.is_cut { StopReason::Budget } else { StopReason::Finished });
        }
        if self.stops.is_none() {
            let why = || StopReason::Stuck("the editor does not say how many steps it takes".into());
            return Err(if self.ground.affordable(1, left) == 0 { self.ground.shortage() } else { why() });
        }
        let is_alive = self.keep_best();
        let stop = self.stops.iter().flatten().nth(self.stages).copied().filter(|_| is_alive);
        let count = stop.map_or(0, |stop| self.previews(stop, left));
        match stop {
            Some(stop) if count > 0 => Ok(self.stage(stop, count)),
            _ => self.close(left),
        }
    }

    /// Keeps the best of the last round, equal pictures counted once. `false` where none of it is left: then those that were kept
    /// before are.
    fn keep_best(&mut self) -> bool {
        let (paths, round) = (self.policy.size.paths as usize, self.round.clone());
        let (mut best, mut pictures): (Vec<CandidateId>, Vec<Digest>) = (Vec::new(), Vec::new());
        for placed in self.archive.placed_among(|proposal| round.contains(&proposal.id.0)) {
            let entry = self.archive.entry(placed.entry);
            if best.len() < paths && !pictures.contains(&entry.image) {
                best.push(entry.proposal.id);
                pictures.push(entry.image);
            }
        }
        let is_alive = !best.is_empty();
        if is_alive {
            self.kept = best;
        }
        is_alive || self.stages == 0
    }

    /// The step at which the paths that are followed stand; nothing before there are any.
    fn standing(&self) -> Option<u32> {
        let paused = self.kept.first().and_then(|id| self.archive.proposal(*id))?;
        if let Until::Step(step) = paused.until { Some(step) } else { None }
    }

    /// How many candidates of the next stage the budget has, so that every path can still be finished from there: 0 where that
    /// is too few to choose among. Of fresh ones, there are at least as many as the paths that they leave to be finished.
    fn previews(&mut self, stop: u32, left: &Remaining) -> u32 {
        let PathSize { paths, children } = self.policy.size;
        let (from, kept) = (self.standing(), self.kept.len() as u32);
        let (wanted, ends, noise) = match from {
            None => (self.policy.round(), 1..=paths, Noise::Own),
            Some(_) => (kept.saturating_mul(children), kept..=kept, Noise::Back(self.back)),
        };
        let leg = self.ground.leg(from, Until::Step(stop), noise);
        let end = self.ground.leg(Some(stop), Until::Finished, Noise::Own);
        // A single path has nobody to be chosen over, and yet is a stage of one child where that is all that is asked for.
        let least = |ends: u32| if from.is_none() { ends.max(2) } else { ends }.min(wanted);
        let beside = |ends: u32| {
            let count = left.less(u64::from(ends), &end)?.pieces(&leg).min(u64::from(wanted)) as u32;
            (count >= least(ends)).then_some(count)
        };
        let count = ends.rev().find_map(beside).unwrap_or(0);
        self.is_cut |= count < wanted;
        count
    }

    /// Candidates up to a stop: fresh ones first, then such that go on from the kept ones, which take turns.
    fn stage(&mut self, stop: u32, count: u32) -> Vec<Proposal> {
        let first = self.archive.asked();
        self.stages += 1;
        let until = |proposal| Proposal { until: Until::Step(stop), ..proposal };
        if self.stages == 1 {
            return self.ground.all_fresh(first, count).into_iter().map(until).collect();
        }
        let child = |n: u32| self.on(first + n, self.kept[n as usize % self.kept.len()], Noise::Back(self.back));
        (0..count).filter_map(child).map(until).collect()
    }

    /// Finishes what is kept; makes fresh candidates where nothing is.
    fn close(&mut self, left: &Remaining) -> Result<Vec<Proposal>, StopReason> {
        let (first, paths) = (self.archive.asked(), self.policy.size.paths);
        let wanted = if self.kept.is_empty() { paths } else { self.kept.len() as u32 };
        let end = self.ground.leg(self.standing(), Until::Finished, Noise::Own);
        let count = left.pieces(&end).min(u64::from(wanted)) as u32;
        if count == 0 {
            return Err(self.ground.shortage());
        }
        self.is_closing = true;
        self.is_cut |= count < wanted;
        if self.kept.is_empty() {
            return Ok(self.ground.all_fresh(first, count));
        }
        let kept = (first..).zip(&self.kept).take(count as usize);
        Ok(kept.filter_map(|(id, from)| self.on(id, *from, Noise::Own)).collect())
    }

    /// A candidate that goes on from a paused one, to the end.
    fn on(&self, id: u32, from: CandidateId, noise: Noise) -> Option<Proposal> {
        let lineage = Lineage { parent: Some(from), edge: Edge::Resume };
        Some(Proposal { start: Start::Paused(from), noise, lineage, ..self.ground.fresh(id)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stops_rise_to_the_end() {
        let stops = |first, back, forward, steps| PathStops { first, back, forward }.steps(steps);
        assert_eq!(stops(0.3, 0.1, 0.3, 28), [8, 14, 20, 25]);
        assert_eq!(stops(0.25, 0.25, 0.5, 20), [5, 10, 15]);
        assert_eq!(stops(0.3, 0.1, 0.3, 3), [1, 2]);
        assert_eq!(stops(0.5, 0.1, 0.6, 20), [10], "the second would be the end");
        assert_eq!(stops(0.5, 0.1, 0.3, 1), [0; 0], "there is nothing between the beginning and the end");
        for steps in 1..200 {
            let found = stops(0.013, 0.5, 0.51, steps);
            assert!(found.windows(2).all(|pair| pair[0] < pair[1]), "{found:?}");
            assert!(found.iter().all(|stop| (1..steps).contains(stop)), "{found:?}");
        }
    }
}
