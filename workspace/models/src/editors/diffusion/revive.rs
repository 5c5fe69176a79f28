//! Paused states that a batch goes on from, made again where they were let go.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use editscale_core::{CandidateId, Cost, EditBatch, EditCounters, EditItem, Failure, Proposal, RunId, Start, Watch};

use crate::editors::diffusion::editor::DiffusionEditor;
use crate::editors::diffusion::paused::Paused;
use crate::editors::diffusion::pipeline::Pipeline;
use crate::editors::diffusion::track::{Track, cost};
use crate::editors::failure::{cancelled, invalid};

/// What a paused state is called.
type Key = (RunId, CandidateId);

/// A paused state, and what it took to make it again where it had been let go.
#[derive(Debug)]
pub(super) struct Revived {
    pub(super) paused: Arc<Paused>,
    pub(super) evaluations: u64,
    pub(super) counters: EditCounters,
}

impl Revived {
    fn found(paused: Arc<Paused>) -> Self {
        Self { paused, evaluations: 0, counters: EditCounters::default() }
    }
}

/// The paused states that a batch goes on from.
#[derive(Debug, Default)]
pub(super) struct Held(HashMap<Key, Result<Revived, Failure>>);

impl Held {
    /// A state. What making it again took, or what was spent in vain, is on the account of the first that goes on from it.
    pub(super) fn claim(&mut self, run: &RunId, id: CandidateId) -> Result<Revived, Failure> {
        match self.0.get_mut(&(run.clone(), id)) {
            Some(Ok(revived)) => {
                let again = Revived::found(Arc::clone(&revived.paused));
                Ok(std::mem::replace(revived, again))
            }
            Some(Err(failure)) => {
                let told = failure.clone();
                failure.cost = Cost::default();
                Err(told)
            }
            None => Err(never_paused(id)),
        }
    }

    /// The failure of a candidate that nobody waits for any more before it is begun.
    pub(super) fn let_go(&mut self, item: &EditItem) -> Failure {
        let Start::Paused(id) = item.proposal.start else { return cancelled() };
        match self.claim(&item.run, id) {
            Ok(revived) => Failure { cost: cost(revived.evaluations), ..cancelled() },
            Err(failure) => failure,
        }
    }
}

/// A state that is to be made again.
struct Lost {
    key: Key,
    item: EditItem,
    /// What is still to be gone of its path.
    legs: VecDeque<Proposal>,
    /// How far it has come.
    made: Result<Option<Revived>, Failure>,
}

/// Lets a cancellation through and nothing else: steps that are made again are no news.
struct Silenced<'a>(&'a dyn Watch);

impl Watch for Silenced<'_> {
    fn cancelled(&self) -> bool {
        self.0.cancelled()
    }
}

impl<P: Pipeline> DiffusionEditor<P> {
    /// The paused states that a batch goes on from, made again where they are not held any more.
    pub(super) fn revive(&mut self, batch: &EditBatch, watch: &dyn Watch) -> Held {
        let mut held = Held::default();
        let mut lost: Vec<Lost> = Vec::new();
        for item in &batch.items {
            let Start::Paused(id) = item.proposal.start else { continue };
            let key = (item.run.clone(), id);
            if held.0.contains_key(&key) || lost.iter().any(|lost| lost.key == key) {
                continue;
            }
            match self.paused.get(&item.run, id) {
                Some(paused) => drop(held.0.insert(key, Ok(Revived::found(paused)))),
                None => lost.push(self.lost(item, key)),
            }
        }
        while self.go_on(&mut lost, &Silenced(watch)) {}
        for Lost { key, made, .. } in lost {
            let made = made.and_then(|made| made.ok_or_else(|| never_paused(key.1)));
            if let Ok(made) = &made {
                self.paused.put(&key.0, key.1, Arc::clone(&made.paused));
            }
            held.0.insert(key, made);
        }
        held
    }

    /// A state that is not held, and the way to it: from the last state on its path that is held, else from the beginning.
    fn lost(&mut self, item: &EditItem, key: Key) -> Lost {
        let held = (0..item.path.len()).rev().find_map(|at| Some((at, self.paused.get(&item.run, item.path[at].id)?)));
        let (made, from) = match held {
            Some((at, paused)) => (Some(Revived::found(paused)), at + 1),
            None => (None, 0),
        };
        Lost { key, item: item.clone(), legs: item.path.iter().skip(from).cloned().collect(), made: Ok(made) }
    }

    /// Goes the next leg of the ways to lost states, all together, and says whether there was one. Nobody looks at previews on
    /// the way.
    fn go_on(&mut self, lost: &mut [Lost], watch: &dyn Watch) -> bool {
        let mut tracks = Vec::new();
        for (index, lost) in lost.iter_mut().enumerate() {
            let (Ok(before), Some(leg)) = (&mut lost.made, lost.legs.pop_front()) else { continue };
            let mut held = Held::default();
            if let (Start::Paused(id), Some(before)) = (leg.start, before.take()) {
                held.0.insert((lost.item.run.clone(), id), Ok(before));
            }
            lost.item.proposal = leg;
            match self.begin(index, &lost.item, &mut held) {
                Ok(track) => tracks.push(Track { previews: false, ..track }),
                Err(failure) => lost.made = Err(failure),
            }
        }
        self.driver().advance(&mut tracks, watch);
        let has_gone = !tracks.is_empty();
        for track in tracks {
            let lost = &mut lost[track.item];
            let spent = track.cost();
            let Track { state, evaluations, counters, failure, .. } = track;
            lost.made = match failure {
                Some(failure) => Err(Failure { cost: spent, ..failure }),
                None => Ok(Some(Revived {
                    paused: Arc::new(Paused::new(state, &lost.item.proposal)),
                    evaluations,
                    counters,
                })),
            };
        }
        has_gone
    }
}

fn never_paused(id: CandidateId) -> Failure {
    invalid(format!("candidate {id} was not paused by this editor"))
}
