//! A particle search under way.

use editscale_core::{
    CandidateId, Cards, Decision, Draw, Edge, EditRequest, Ledger, Lineage, Noise, Proposal, Ranked, Remaining,
    ScoreCard, Search, Start, StopReason, Trial, Until, Verdict,
};

use super::potential::{Tempering, Way};
use super::weights::{divergence, effective_sample_size, normalised, spread};
use super::{Keep, ParticleSettings, Resampling, Strength};
use crate::archive::Archive;
use crate::policy::Rules;
use crate::proposals::{Ground, choice_seed};

/// One particle: a state, what it weighs, and how it got there.
#[derive(Debug, Clone, Copy)]
struct Particle {
    /// Whose paused state it goes on from; nothing at the beginning.
    parent: Option<CandidateId>,
    /// Whether another particle goes on from the same state before it.
    is_copy: bool,
    log_weight: f64,
    way: Way,
}

impl Particle {
    const FIRST: Self = Self { parent: None, is_copy: false, log_weight: 0.0, way: Way::START };
}

/// What scores are measured by.
#[derive(Debug, Clone, Copy)]
struct Measure {
    /// λ; 0 as long as no scores differed.
    strength: f64,
    /// Subtracted from every score, which changes no weight: it keeps products small.
    origin: f64,
}

pub(super) struct Swarm {
    settings: ParticleSettings,
    rules: Rules,
    ground: Ground,
    /// All proposals, and what came of those that were to be finished.
    archive: Archive,
    /// How many steps the editor takes, and where it stops among them; nothing where nobody knows.
    steps: Option<u32>,
    checkpoints: Vec<u32>,
    /// Checkpoints that were passed.
    passed: usize,
    /// Those that are on their way, in the order of their proposals.
    on_way: Vec<Particle>,
    /// λ, once a round had scores that say it.
    strength: Option<f64>,
    /// The first score that was seen.
    origin: Option<f64>,
    /// Whether the last proposals are of finished pictures.
    is_final: bool,
    /// Whether the budget allowed all that was planned.
    is_whole: bool,
}

impl Swarm {
    pub(super) fn new(
        settings: &ParticleSettings,
        rules: &Rules,
        steps: Option<u32>,
        (request, cards): (&EditRequest, &Cards),
    ) -> Self {
        Self {
            settings: settings.clone(),
            ground: Ground::new(request, cards),
            archive: Archive::new(rules.objective.clone()),
            rules: rules.clone(),
            steps,
            checkpoints: steps.map_or_else(Vec::new, |steps| settings.schedule.checkpoints(steps)),
            passed: 0,
            on_way: Vec::new(),
            strength: None,
            origin: None,
            is_final: false,
            is_whole: true,
        }
    }
}

impl Search for Swarm {
    fn decide(&mut self, trials: &[Trial], left: &Remaining) -> Decision {
        let planned = self.settings.particles;
        if self.archive.asked() == 0 {
            let allowed = self.allowed(left);
            if allowed > 0 && self.steps.is_none() {
                let why = "nobody says how many steps the editor takes: set `steps` in `particles`";
                return Decision::Stop(self.archive.verdict(StopReason::Stuck(why.into())));
            }
            return self.go_on(vec![Particle::FIRST; planned.min(allowed) as usize], allowed);
        }
        let utilities = self.utilities(trials);
        if self.is_final {
            self.archive.learn(trials);
            return Decision::Stop(self.verdict(&utilities));
        }
        let made = self.weighed(trials, &utilities);
        self.passed += 1;
        if made.is_empty() {
            return Decision::Stop(self.archive.verdict(StopReason::Finished));
        }
        let allowed = self.allowed(left);
        let chosen = self.resampled(made, planned.min(allowed));
        self.go_on(chosen, allowed)
    }
}

/// One leg and the other, together.
fn both(one: &Ledger, other: &Ledger) -> Ledger {
    let mut cost = one.cost;
    cost += other.cost;
    let (edits, reward_calls) = (one.edits + other.edits, one.reward_calls + other.reward_calls);
    Ledger { edits, reward_calls, cost, ..Ledger::default() }
}

impl Swarm {
    /// How many candidates the budget still has, up to twice the particles: at least so many where it has the leg to the next
    /// checkpoint and the end from there for all of them, as whoever is weighed must also be finished.
    fn allowed(&self, left: &Remaining) -> u32 {
        let planned = u64::from(self.settings.particles);
        if self.archive.asked() == 0 && self.ground.affordable(1, left) == 0 {
            return 0;
        }
        let from = self.standing();
        if let Some(next) = self.checkpoints.get(self.passed).copied() {
            let leg = self.ground.leg(from, Until::Step(next), self.parting(from));
            let end = self.ground.leg(Some(next), Until::Finished, self.parting(Some(next)));
            if left.pieces(&both(&leg, &end)) >= planned {
                return 2 * self.settings.particles;
            }
        }
        // Less than a leg and an end for all: whatever there is, ends.
        let ends = left.pieces(&self.ground.leg(from, Until::Finished, self.parting(from)));
        ends.min(2 * planned - 1) as u32
    }

    /// The step at which particles stand; nothing at the beginning.
    fn standing(&self) -> Option<u32> {
        self.checkpoints.get(self.passed.checked_sub(1)?).copied()
    }

    /// What is done to the noise of a copy that goes on from this step.
    fn parting(&self, from: Option<u32>) -> Noise {
        self.settings.renoise.zip(from).map_or(Noise::Own, |(back, made)| Noise::Back(back.min(made)))
    }

    /// Asks for the next stage of these: up to a checkpoint where the budget allows that and finishing, else to the end.
    fn go_on(&mut self, particles: Vec<Particle>, allowed: u32) -> Decision {
        if allowed == 0 {
            return Decision::Stop(self.archive.verdict(self.ground.shortage()));
        }
        let passes = allowed >= 2 * self.settings.particles;
        let next = self.checkpoints.get(self.passed).copied();
        self.is_whole &= next.is_none_or(|_| passes) && allowed >= self.settings.particles;
        self.is_final = next.is_none() || !passes;
        let until = next.filter(|_| passes).map_or(Until::Finished, Until::Step);
        let ids = self.archive.asked()..;
        let proposals: Vec<Proposal> =
            ids.zip(&particles).filter_map(|(id, particle)| self.proposal(id, particle, until)).collect();
        self.archive.ask(&proposals);
        self.on_way = particles;
        Decision::Explore { proposals, keep: Vec::new() }
    }

    /// The number of the first candidate of the last round.
    fn first(&self) -> u32 {
        self.archive.asked() - self.on_way.len() as u32
    }

    fn proposal(&self, id: u32, particle: &Particle, until: Until) -> Option<Proposal> {
        let fresh = Proposal { until, ..self.ground.fresh(id)? };
        let Some(parent) = particle.parent else { return Some(fresh) };
        let noise = if particle.is_copy { self.parting(self.standing()) } else { Noise::Own };
        let lineage = Lineage { parent: Some(parent), edge: Edge::Resume };
        Some(Proposal { start: Start::Paused(parent), noise, lineage, ..fresh })
    }

    /// What the last round is worth, in the order of its proposals; nothing for what failed or cannot be judged. Only what was
    /// made side by side is compared.
    fn utilities(&self, trials: &[Trial]) -> Vec<Option<f64>> {
        let mut cards: Vec<(usize, &ScoreCard)> = Vec::with_capacity(trials.len());
        for trial in trials {
            if let (Some(place), Trial::Scored { card, .. }) = (self.place(trial), trial) {
                cards.push((place, card));
            }
        }
        let only: Vec<&ScoreCard> = cards.iter().map(|(_, card)| *card).collect();
        let mut utilities = vec![None; self.on_way.len()];
        for ((place, _), utility) in cards.into_iter().zip(self.rules.objective.utilities(&only)) {
            utilities[place] = utility.map(editscale_core::Utility::get);
        }
        utilities
    }

    /// Which of the particles on their way a trial is about.
    fn place(&self, trial: &Trial) -> Option<usize> {
        let place = trial.id()?.0.checked_sub(self.first())? as usize;
        (place < self.on_way.len()).then_some(place)
    }

    /// The particles that can go on, with their weights after this checkpoint. Whoever has no utility has no weight, unless
    /// nobody has one.
    fn weighed(&mut self, trials: &[Trial], utilities: &[Option<f64>]) -> Vec<Particle> {
        let mut is_made = vec![false; self.on_way.len()];
        for trial in trials {
            if let (Some(place), Trial::Scored { .. }) = (self.place(trial), trial) {
                is_made[place] = true;
            }
        }
        let measure = self.measure(utilities);
        let nobody = utilities.iter().all(Option::is_none);
        let mut made = Vec::with_capacity(self.on_way.len());
        for (place, particle) in self.on_way.iter().enumerate().filter(|(place, _)| is_made[*place]) {
            let id = CandidateId(self.first() + place as u32);
            let gone = Particle { parent: Some(id), is_copy: false, ..*particle };
            match utilities[place] {
                Some(utility) => made.push(self.passed_by(gone, utility, measure)),
                None if nobody => made.push(gone),
                None => {}
            }
        }
        made
    }

    fn passed_by(&self, mut particle: Particle, utility: f64, measure: Measure) -> Particle {
        let method = &self.settings.method;
        let step = self.checkpoints.get(self.passed).copied().unwrap_or(0);
        let way = f64::from(step) / f64::from(self.steps.unwrap_or(1).max(1));
        let score = utility - measure.origin;
        if method.tempering == Tempering::Infinite {
            particle.log_weight = particle.way.pass(method.potential, score, 1.0);
        } else {
            let strength = measure.strength * method.tempering.share(way);
            particle.log_weight += particle.way.pass(method.potential, score, strength);
        }
        particle
    }

    /// What scores are measured by: the first round whose scores say it settles it.
    fn measure(&mut self, utilities: &[Option<f64>]) -> Measure {
        let known: Vec<f64> = utilities.iter().flatten().copied().collect();
        self.origin = self.origin.or(known.first().copied());
        self.strength = self.strength.or_else(|| match self.settings.strength {
            Strength::Absolute(strength) => Some(strength),
            Strength::PerDeviation(share) => spread(&known).map(|spread| (share / spread).min(f64::MAX)),
        });
        Measure { strength: self.strength.unwrap_or(0.0), origin: self.origin.unwrap_or(0.0) }
    }

    /// Those who go on, at most `count`: copies where the weights have become too uneven or where they are too many.
    fn resampled(&self, particles: Vec<Particle>, count: u32) -> Vec<Particle> {
        let method = &self.settings.method;
        let weights = self.weights(&particles);
        let enough = method.ess * f64::from(self.settings.particles) * (1.0 - 1e-12);
        let is_infinite = method.tempering == Tempering::Infinite;
        let is_even = !is_infinite && effective_sample_size(&weights) >= enough;
        if count == 0 || (is_even && particles.len() <= count as usize) {
            let weighing = particles.into_iter().zip(weights).filter(|(_, weight)| *weight > 0.0);
            return weighing.map(|(particle, _)| particle).collect();
        }
        let choice = choice_seed(self.ground.root, self.passed as u64);
        let copies = method.resampling.copies(&weights, count, choice);
        let mut chosen = Vec::with_capacity(count as usize);
        for (particle, copies) in particles.iter().zip(copies) {
            chosen.extend((0..copies).map(|n| Particle { log_weight: 0.0, is_copy: n > 0, ..*particle }));
        }
        chosen
    }

    /// Weights that sum to 1.
    fn weights(&self, particles: &[Particle]) -> Vec<f64> {
        let logarithms: Vec<f64> = particles.iter().map(|particle| particle.log_weight).collect();
        if self.settings.method.tempering != Tempering::Infinite {
            return normalised(&logarithms);
        }
        greedy(&logarithms)
    }

    fn verdict(&mut self, utilities: &[Option<f64>]) -> Verdict {
        let (best, _) = self.archive.standing();
        let reason = match self.rules.stop.met(best, 0) {
            Some(reason) => reason,
            None if self.is_whole => StopReason::Finished,
            None => StopReason::Budget,
        };
        let verdict = self.archive.verdict(reason);
        if self.settings.keep == Keep::Best || verdict.ranked.is_empty() {
            return verdict;
        }
        self.drawn(verdict, utilities)
    }

    /// The drawn one first, the others in order of preference, each with its share of the final weight.
    fn drawn(&mut self, verdict: Verdict, utilities: &[Option<f64>]) -> Verdict {
        let measure = self.measure(utilities);
        let place = |ranked: &Ranked| (ranked.id.0 - self.first()) as usize;
        let is_infinite = self.settings.method.tempering == Tempering::Infinite;
        let logarithm = |ranked: &Ranked| {
            let (particle, score) = (&self.on_way[place(ranked)], ranked.utility.get() - measure.origin);
            if is_infinite { score } else { particle.log_weight + particle.way.end(score, measure.strength) }
        };
        let logarithms: Vec<f64> = verdict.ranked.iter().map(logarithm).collect();
        let weights = if is_infinite { greedy(&logarithms) } else { normalised(&logarithms) };
        // Choices after checkpoints are counted from 1.
        let drawn = Resampling::Systematic.copies(&weights, 1, choice_seed(self.ground.root, 0));
        let mut ranked: Vec<Ranked> = verdict.ranked;
        for (ranked, weight) in ranked.iter_mut().zip(&weights) {
            ranked.selection_probability = Some(*weight);
        }
        if let Some(at) = drawn.iter().position(|copies| *copies > 0) {
            ranked[..=at].rotate_right(1);
        }
        let temperature = match (is_infinite, measure.strength) {
            (true, _) => 0.0,
            // Equal scores weigh the same at any temperature.
            (_, 0.0) => 1.0,
            (_, strength) => strength.recip().min(f64::MAX),
        };
        let effective_sample_size = effective_sample_size(&weights);
        let draw = Draw { temperature, effective_sample_size, kl: divergence(&weights), drawn: Some(1) };
        Verdict { ranked, draw: Some(draw), ..verdict }
    }
}

/// All weight on the highest; shared where several are.
fn greedy(scores: &[f64]) -> Vec<f64> {
    let high = scores.iter().copied().filter(|score| !score.is_nan()).fold(f64::NEG_INFINITY, f64::max);
    let logarithms: Vec<f64> =
        scores.iter().map(|score| if *score >= high { 0.0 } else { f64::NEG_INFINITY }).collect();
    normalised(&logarithms)
}
