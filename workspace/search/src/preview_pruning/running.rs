//! Preview pruning under way: a wave is begun, looked at, cut down and gone on with; what is left of it is finished.

use std::sync::Arc;

use editscale_core::{
    CandidateId, Cards, Decision, Edge, EditRequest, Knobs, Ledger, Lineage, Noise, Proposal, Remaining, Search, Start,
    StopReason, Trial, Until, Utility,
};

use super::PreviewPruning;
use super::boxes::{Boxed, Outlook, State};
use super::way::Way;
use crate::archive::Archive;
use crate::price::{Meter, Pieces, Price};
use crate::proposals::Ground;

pub(super) struct Running {
    policy: Arc<PreviewPruning>,
    way: Way,
    ground: Ground,
    meter: Meter,
    /// Finished candidates alone: what is not done is no candidate for the verdict.
    archive: Archive,
    boxes: Vec<Boxed>,
    /// The boxes of the last round, in ask order, with the number of its first proposal.
    asked: (u32, Vec<usize>),
    /// Last preview's score and utility of every finished candidate.
    pairs: Vec<(f64, f64)>,
    begun: u32,
}

/// What is to be asked for next.
enum Next {
    /// Boxes that are made as far as their next look.
    Look(Vec<usize>),
    /// Boxes that are finished.
    Finish(Vec<usize>),
    /// So many new ones that are looked at.
    Begin(u32),
    /// One new one that is not looked at: there is not enough left for more.
    Whole,
    Stop(StopReason),
}

impl Running {
    pub(super) fn new(policy: Arc<PreviewPruning>, way: Way, request: &EditRequest, cards: &Cards) -> Self {
        let price = policy.settings.price.unwrap_or(Price::Cost(Pieces::default()));
        Self {
            ground: Ground::new(request, cards),
            meter: Meter::new(price, cards),
            archive: Archive::new(policy.rules.objective.clone()),
            boxes: Vec::new(),
            asked: (0, Vec::new()),
            pairs: Vec::new(),
            begun: 0,
            policy,
            way,
        }
    }
}

impl Search for Running {
    fn decide(&mut self, trials: &[Trial], left: &Remaining) -> Decision {
        self.learn(trials);
        self.meter.read(left);
        let (best, without_gain) = self.archive.standing();
        let next = match self.policy.rules.stop.met(best, without_gain) {
            Some(reason) => Next::Stop(reason),
            None => self.next(left),
        };
        let proposals = match next {
            Next::Stop(reason) => return Decision::Stop(self.archive.verdict(reason)),
            Next::Look(who) => self.look(&who),
            Next::Finish(who) => self.finish(&who),
            Next::Begin(count) => self.begin(count),
            Next::Whole => self.whole(),
        };
        self.archive.ask(&proposals);
        Decision::Explore { keep: self.wanted(&proposals), proposals }
    }
}

/// Learning.
impl Running {
    fn learn(&mut self, trials: &[Trial]) {
        let mut finished = Vec::new();
        for trial in trials {
            let Some(place) = trial.id().and_then(|id| id.0.checked_sub(self.asked.0)) else { continue };
            let Some(index) = self.asked.1.get(place as usize).copied() else { continue };
            match (self.boxes[index].state, trial) {
                (State::Begun, Trial::Scored { card, .. }) => {
                    let rule = &self.policy.settings.preview;
                    let score = rule.score(card, &*self.policy.rules.objective);
                    let passes = rule.passes(card);
                    let one = &mut self.boxes[index];
                    one.scores.push(score);
                    (one.passes, one.state) = (passes, State::Seen);
                }
                (State::Finishing, Trial::Scored { card, .. }) => {
                    let utility = self.policy.rules.objective.utilities(&[card]).into_iter().next().flatten();
                    let pair = self.boxes[index].last_score().zip(utility);
                    self.pairs.extend(pair.map(|(score, utility)| (score, utility.get())));
                    self.boxes[index].state = State::Done;
                    finished.push(trial.clone());
                }
                _ => {
                    if self.boxes[index].state == State::Finishing {
                        finished.push(trial.clone());
                    }
                    self.boxes[index].state = State::Done;
                }
            }
        }
        self.archive.learn(&finished);
        self.asked.1.clear();
    }
}

/// Deciding.
impl Running {
    fn next(&mut self, left: &Remaining) -> Next {
        let wave: Vec<usize> = self.all(State::Seen);
        if let Some(next) = self.cut(&wave, left) {
            return next;
        }
        let open = self.all(State::Open);
        if !open.is_empty() {
            return self.finish_or_begin(&open, left);
        }
        if self.may_begin() && self.best().is_none_or(|best| self.outlook().is_worth_beginning(best)) {
            return self.begin_or_stop(left);
        }
        if self.best().is_none()
            && let Some(index) = self.last_resort()
        {
            self.boxes[index].state = State::Open;
            return self.finish_or_begin(&[index], left);
        }
        Next::Stop(if self.may_begin() { StopReason::Enough } else { StopReason::Finished })
    }

    /// What becomes of a wave that was looked at: the better part goes on to the next look, or waits to be finished.
    fn cut(&mut self, wave: &[usize], left: &Remaining) -> Option<Next> {
        let look = self.boxes[*wave.first()?].look();
        let survivors = self.survivors(wave, look);
        for index in wave {
            self.boxes[*index].state = if survivors.contains(index) { State::Open } else { State::Dropped };
        }
        if look + 1 >= self.way.looks() {
            return None;
        }
        // What finishing one of them takes from there is kept back.
        let leg = self.leg(Some(look), Until::Step(self.step(look + 1)));
        let room = left.less(1, &self.end(look + 1)).map_or(0, |left| left.pieces(&leg));
        let count = room.min(survivors.len() as u64) as usize;
        (count > 0).then(|| Next::Look(survivors[..count].to_vec()))
    }

    /// Those of a wave that go on, the best first.
    fn survivors(&self, wave: &[usize], look: usize) -> Vec<usize> {
        let settings = &self.policy.settings;
        let mut scored: Vec<(usize, f64)> = wave
            .iter()
            .filter(|index| self.boxes[**index].passes)
            .filter_map(|index| Some((*index, self.boxes[*index].last_score()?)))
            .collect();
        scored.sort_by(|(a, one), (b, other)| other.total_cmp(one).then(a.cmp(b)));
        let seen = self.boxes.iter().filter(|one| one.passes).filter_map(|one| one.scores.get(look).copied().flatten());
        let best = seen.fold(f64::NEG_INFINITY, f64::max);
        let most = settings.kept(wave.len());
        let is_near = |score: f64| settings.margin.is_none_or(|margin| score >= best - margin);
        scored.into_iter().take(most).filter(|(_, score)| is_near(*score)).map(|(index, _)| index).collect()
    }

    /// Finishes the open boxes with the highest indices, or begins others whose index is higher still.
    fn finish_or_begin(&self, open: &[usize], left: &Remaining) -> Next {
        let outlook = self.outlook();
        let mut ranked = open.to_vec();
        ranked.sort_by(|a, b| self.order(*a, *b));
        let affordable = self.affordable(&ranked, left);
        if affordable.is_empty() {
            return Next::Stop(StopReason::Budget);
        }
        let Some(best) = self.best() else { return Next::Finish(affordable) };
        let worthy: Vec<usize> =
            ranked.into_iter().filter(|index| self.is_worth_finishing(&outlook, *index, best)).collect();
        let top = worthy.iter().fold(best, |top, index| self.cap_above(&outlook, *index, top));
        if self.may_begin() && outlook.is_worth_beginning(top) {
            let begun = self.begin_or_stop(left);
            if !matches!(begun, Next::Stop(_)) {
                return begun;
            }
        }
        if worthy.is_empty() {
            return Next::Stop(StopReason::Enough);
        }
        match self.affordable(&worthy, left) {
            none if none.is_empty() => Next::Stop(StopReason::Budget),
            some => Next::Finish(some),
        }
    }

    /// Those of them that can be finished together, the first ones first, as many as a round has.
    fn affordable(&self, ranked: &[usize], left: &Remaining) -> Vec<usize> {
        let mut left = *left;
        let fits = |index: &&usize| {
            let after = left.less(1, &self.end(self.boxes[**index].look()));
            left = after.unwrap_or(left);
            after.is_some()
        };
        ranked.iter().filter(fits).copied().take(self.policy.settings.round as usize).collect()
    }

    fn begin_or_stop(&self, left: &Remaining) -> Next {
        let settings = &self.policy.settings;
        let wanted = u64::from(settings.samples.min(settings.most - self.begun));
        let leg = self.leg(None, Until::Step(self.step(0)));
        let count = left.less(1, &self.end(0)).map_or(0, |left| left.pieces(&leg)).min(wanted);
        // One alone is looked at for nothing, unless only one was wanted.
        if count >= 2 || (count == 1 && wanted == 1 && settings.most > 1) {
            return Next::Begin(count as u32);
        }
        match self.ground.affordable(1, left) {
            0 => Next::Stop(self.ground.shortage()),
            _ => Next::Whole,
        }
    }

    /// A candidate that was given up, where nothing else is left to finish: better than no picture at all.
    fn last_resort(&self) -> Option<usize> {
        let mut dropped = self.all(State::Dropped);
        dropped.sort_by(|a, b| self.order(*a, *b));
        dropped.first().copied()
    }

    /// Those further on first, then the better ones, then the earlier ones; those that nobody could judge last.
    fn order(&self, a: usize, b: usize) -> std::cmp::Ordering {
        let key = |index: usize| {
            let one = &self.boxes[index];
            (one.last_score().unwrap_or(f64::NEG_INFINITY), one.scores.len())
        };
        let ((score_a, looks_a), (score_b, looks_b)) = (key(a), key(b));
        looks_b.cmp(&looks_a).then(score_b.total_cmp(&score_a)).then(a.cmp(&b))
    }

    /// Whether a box's index is above what is had anyway.
    fn is_worth_finishing(&self, outlook: &Outlook<'_>, index: usize, best: f64) -> bool {
        let one = &self.boxes[index];
        let next = one.last_score().and_then(|score| outlook.finished(score));
        next.is_none_or(|next| next.excess(best) > outlook.finishing(one.look()) / self.success())
    }

    /// The higher of a box's index and `top`; `top` itself where its index is not known.
    fn cap_above(&self, outlook: &Outlook<'_>, index: usize, top: f64) -> f64 {
        let one = &self.boxes[index];
        let cost = outlook.finishing(one.look()) / self.success();
        let next = one.last_score().and_then(|score| outlook.finished(score));
        next.filter(|next| next.excess(top) > cost).map_or(top, |next| next.fair_cap(cost))
    }

    /// The share of finished candidates that came to something, with one more that does.
    fn success(&self) -> f64 {
        let done = self.boxes.iter().filter(|one| one.state == State::Done && !one.scores.is_empty()).count();
        (self.pairs.len() as f64 + 1.0) / (done as f64 + 1.0)
    }

    fn outlook(&self) -> Outlook<'_> {
        Outlook::new(&self.way, &self.boxes, &self.pairs, (self.meter.costs(), self.policy.settings.expected))
    }

    fn best(&self) -> Option<f64> {
        self.archive.standing().0.map(Utility::get)
    }

    fn may_begin(&self) -> bool {
        self.begun < self.policy.settings.most
    }

    fn all(&self, state: State) -> Vec<usize> {
        (0..self.boxes.len()).filter(|index| self.boxes[*index].state == state).collect()
    }
}

/// What work takes of a budget.
impl Running {
    /// Making a candidate as far as that and judging it, from its beginning or from a look.
    fn leg(&self, from: Option<usize>, until: Until) -> Ledger {
        match self.way {
            Way::Pause { .. } => self.ground.leg(from.map(|look| self.step(look)), until, Noise::Own),
            _ => self.ground.leg(None, Until::Finished, Noise::Own),
        }
    }

    /// Finishing a candidate after a look.
    fn end(&self, look: usize) -> Ledger {
        self.leg(Some(look), Until::Finished)
    }

    fn step(&self, look: usize) -> u32 {
        match &self.way {
            Way::Pause { at, of } => at.get(look).copied().unwrap_or(*of),
            _ => 1,
        }
    }
}

/// Asking.
impl Running {
    fn begin(&mut self, count: u32) -> Vec<Proposal> {
        let first = self.archive.asked();
        let way = &self.way;
        let step = self.step(0);
        let early = |fresh: Proposal| match way {
            Way::Draft { knob, steps, .. } => {
                let mut knobs = Knobs::default();
                // A card's range is finite, so a number of steps within it is.
                knobs.set(knob.clone(), *steps).ok();
                Proposal { knobs, ..fresh }
            }
            _ => Proposal { until: Until::Step(step), ..fresh },
        };
        let proposals: Vec<Proposal> = self.ground.all_fresh(first, count).into_iter().map(early).collect();
        self.meter.ask(f64::from(count) * self.way.share(0));
        self.enter_new(first, &proposals, State::Begun);
        proposals
    }

    fn whole(&mut self) -> Vec<Proposal> {
        let first = self.archive.asked();
        let proposals = self.ground.all_fresh(first, 1);
        self.meter.ask(1.0);
        self.enter_new(first, &proposals, State::Finishing);
        proposals
    }

    fn enter_new(&mut self, first: u32, proposals: &[Proposal], state: State) {
        self.asked = (first, (self.boxes.len()..self.boxes.len() + proposals.len()).collect());
        self.boxes.extend(proposals.iter().map(|proposal| Boxed { state, ..Boxed::new(proposal.clone()) }));
        self.begun += proposals.len() as u32;
    }

    fn look(&mut self, who: &[usize]) -> Vec<Proposal> {
        let look = self.boxes[who[0]].scores.len();
        let part = self.way.share(look) - self.way.share(look - 1);
        self.meter.ask(who.len() as f64 * part);
        let until = Until::Step(self.step(look));
        self.go_on(who, until, State::Begun)
    }

    fn finish(&mut self, who: &[usize]) -> Vec<Proposal> {
        let part: f64 = who.iter().map(|index| self.way.rest(self.boxes[*index].look())).sum();
        self.meter.ask(part);
        self.go_on(who, Until::Finished, State::Finishing)
    }

    fn go_on(&mut self, who: &[usize], until: Until, state: State) -> Vec<Proposal> {
        let first = self.archive.asked();
        self.asked = (first, who.to_vec());
        let pauses = matches!(self.way, Way::Pause { .. });
        let mut proposals = Vec::with_capacity(who.len());
        for (index, id) in who.iter().zip(first..) {
            let one = &mut self.boxes[*index];
            let parent = one.id();
            let (start, edge) =
                if pauses { (Start::Paused(parent), Edge::Resume) } else { (Start::Source, Edge::ReEdit) };
            let lineage = Lineage { parent: Some(parent), edge };
            // Its own seed: it becomes what it would have been without the stop.
            let before = one.proposal.clone();
            let proposal = Proposal { id: CandidateId(id), start, until, lineage, knobs: Knobs::default(), ..before };
            (one.proposal, one.state) = (proposal.clone(), state);
            proposals.push(proposal);
        }
        proposals
    }

    /// Paused states that are wanted after this round. What the round goes on from is not let go anyway.
    fn wanted(&self, proposals: &[Proposal]) -> Vec<CandidateId> {
        if !matches!(self.way, Way::Pause { .. }) {
            return Vec::new();
        }
        // Until a candidate is finished, the best of those given up is held in case all others fail.
        let spare = if self.best().is_none() { self.last_resort() } else { None };
        let waits = |index: &usize| self.boxes[*index].state == State::Open || spare == Some(*index);
        let waiting = (0..self.boxes.len()).filter(waits).map(|index| self.boxes[index].id());
        waiting.filter(|id| proposals.iter().all(|proposal| proposal.id != *id)).collect()
    }
}
