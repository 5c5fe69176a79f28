//! The chains of a reflection: who heads each of them, and what the critic wrote about it.

use std::collections::BTreeMap;

use editscale_core::{
    CandidateId, Canvas, Consulted, Digest, Earlier, Edge, Instruction, Lineage, Proposal, Start, Trial,
};

use super::Canvases;
use crate::archive::{Archive, Placed};
use crate::proposals::Ground;

/// All chains, those with the best heads first.
#[derive(Debug, Default)]
pub(super) struct Chains(Vec<Chain>);

#[derive(Debug, Clone)]
struct Chain {
    /// Its number from the beginning: chains differ in which canvas is first.
    number: u32,
    /// The best candidate of the chain; nothing where none was made yet.
    head: Option<CandidateId>,
    /// The candidate made last, until it is known what became of it.
    child: Option<CandidateId>,
    /// What the critic wrote about the head.
    advice: Option<Advice>,
    /// Whether the critic was asked about the head in this round.
    is_asked: bool,
    /// How often it was asked in all.
    asked: u32,
    /// Whether the critic was satisfied with the head.
    has_ended: bool,
}

/// An instruction that a critic wrote.
#[derive(Debug, Clone)]
struct Advice {
    canvas: Canvas,
    instruction: Option<Instruction>,
    /// How often it was carried out.
    uses: u32,
}

impl Chain {
    fn new(number: u32, head: Option<CandidateId>) -> Self {
        Self { number, head, child: None, advice: None, is_asked: false, asked: 0, has_ended: false }
    }

    /// Whether something is written about its head that can be carried out.
    fn is_advised(&self) -> bool {
        self.advice.as_ref().is_some_and(|advice| advice.instruction.is_some())
    }

    fn needs_advice(&self) -> bool {
        !self.has_ended && self.head.is_some() && !self.is_advised()
    }

    /// Whether it is known how to go on: by what was written, or afresh where nothing is there to write about, or the
    /// critic was asked in vain.
    fn is_ready(&self) -> bool {
        !self.has_ended && (self.is_advised() || self.is_asked || self.head.is_none())
    }

    /// Takes in what became of its child: the better of it and the head goes on.
    fn take_child(&mut self, places: &BTreeMap<CandidateId, usize>) {
        self.is_asked = false;
        let Some(child) = self.child.take() else { return };
        let place = |id: Option<CandidateId>| id.and_then(|id| places.get(&id)).copied().unwrap_or(usize::MAX);
        if place(Some(child)) < place(self.head) {
            self.head = Some(child);
            self.advice = None;
        }
    }

    fn hear(&mut self, trial: &Trial) {
        if let (Trial::Critique { written: Ok(critique), .. }, Some(advice)) = (trial, &mut self.advice) {
            self.has_ended = critique.satisfied;
            advice.instruction.clone_from(&critique.instruction);
        }
    }

    /// Made by what was written about the head, else afresh.
    fn child(&mut self, fresh: Proposal, archive: &Archive) -> Proposal {
        self.child = Some(fresh.id);
        let (Some(head), Some(advice)) = (self.head.and_then(|id| archive.proposal(id)), &mut self.advice) else {
            return fresh;
        };
        let Some(instruction) = advice.instruction.as_ref().map(Instruction::shared) else { return fresh };
        advice.uses += 1;
        let lineage = |edge| Lineage { parent: Some(head.id), edge };
        match advice.canvas {
            Canvas::Candidate => {
                Proposal { start: Start::Candidate(head.id), instruction, lineage: lineage(Edge::EditOfEdit), ..fresh }
            }
            Canvas::Source => {
                // What was written is about the picture that this seed made: under the same seed nothing but the
                // instruction differs. A second try, and an instruction that is the old one, need another seed.
                let is_first = advice.uses == 1 && head.start == Start::Source && *head.instruction != *instruction;
                let seed = if is_first { head.seed } else { fresh.seed };
                Proposal { seed, instruction, lineage: lineage(Edge::ReEdit), ..fresh }
            }
        }
    }
}

impl Chains {
    /// `width` chains, headed by the best candidates with different pictures; those that are too many have no head yet.
    pub(super) fn of_best(width: u32, placed: &[Placed], archive: &Archive) -> Self {
        let mut heads = different(placed, archive).map(|placed| archive.id(placed));
        Self((0..width).map(|number| Chain::new(number, heads.next())).collect())
    }

    /// Takes in what became of the children, and puts the chains in the order of their heads.
    pub(super) fn take_children(&mut self, placed: &[Placed], archive: &Archive) {
        let places: BTreeMap<CandidateId, usize> =
            placed.iter().enumerate().map(|(place, placed)| (archive.id(*placed), place)).collect();
        self.0.iter_mut().for_each(|chain| chain.take_child(&places));
        let place = |chain: &Chain| chain.head.and_then(|head| places.get(&head)).copied().unwrap_or(usize::MAX);
        self.0.sort_by_key(|chain| (place(chain), chain.number));
    }

    /// How many heads the critic is to be asked about.
    pub(super) fn without_advice(&self) -> u64 {
        self.0.iter().filter(|chain| chain.needs_advice()).count() as u64
    }

    /// Asks about the first `count` of these.
    pub(super) fn consult(&mut self, count: u32, canvases: Canvases) -> Vec<Consulted> {
        let asked = self.0.iter_mut().filter(|chain| chain.needs_advice()).take(count as usize);
        let ask = |chain: &mut Chain| {
            let id = chain.head?;
            let canvas = canvases.nth(chain.number + chain.asked);
            chain.advice = Some(Advice { canvas, instruction: None, uses: 0 });
            (chain.is_asked, chain.asked) = (true, chain.asked + 1);
            Some(Consulted { id, canvas })
        };
        asked.filter_map(ask).collect()
    }

    /// Takes in what the critic wrote.
    pub(super) fn hear(&mut self, trials: &[Trial]) {
        for trial in trials {
            let about = |chain: &&mut Chain| chain.is_asked && chain.head.is_some() && chain.head == trial.id();
            self.0.iter_mut().filter(about).for_each(|chain| chain.hear(trial));
        }
    }

    /// How many chains can have a child.
    pub(super) fn ready(&self) -> u64 {
        self.0.iter().filter(|chain| chain.is_ready()).count() as u64
    }

    /// Whether the critic was satisfied with all heads.
    pub(super) fn all_ended(&self) -> bool {
        self.0.iter().all(|chain| chain.has_ended)
    }

    /// A child each of the first `count` of them.
    pub(super) fn children(&mut self, count: u32, ground: &Ground, archive: &Archive) -> Vec<Proposal> {
        let ready = self.0.iter_mut().filter(|chain| chain.is_ready()).take(count as usize);
        let next = archive.asked();
        (next..).zip(ready).filter_map(|(id, chain)| Some(chain.child(ground.fresh(id)?, archive))).collect()
    }
}

/// The best attempts with different pictures, for a critic to learn from.
pub(super) fn best_attempts(count: u32, placed: &[Placed], archive: &Archive) -> Vec<Earlier> {
    let best = different(placed, archive).take(count as usize);
    best.map(|placed| Earlier { id: archive.id(placed), utility: placed.utility }).collect()
}

/// Every candidate in order of preference, equal pictures once.
fn different<'a>(placed: &'a [Placed], archive: &'a Archive) -> impl Iterator<Item = Placed> + 'a {
    let mut seen: Vec<Digest> = Vec::new();
    placed.iter().copied().filter(move |placed| {
        let image = archive.entry(placed.entry).image;
        let is_new = !seen.contains(&image);
        if is_new {
            seen.push(image);
        }
        is_new
    })
}
