//! Reflection: a critic writes about a candidate, and the instruction that it writes makes the next one.
//!
//! After `samples` fresh candidates the best `width` different ones each head a chain. In a round the critic is asked about
//! every head, beside the best attempts so far (only the best: sequential reward filtering, Yu et al., PMLR 306), and the
//! editor carries out what it wrote: on the source (as `EditThinker` does) or on the head's picture (`ReflectionFlow`,
//! arXiv:2504.16080). The better of head and child heads the chain from then on, so that the best so far never drops. A chain
//! ends where the critic is satisfied; a critique that failed costs the chain a fresh draw and no more.
//!
//! Every candidate is scored against the request's own source and instruction, whatever its editor was told, and the verdict
//! is the best of all of them, not the last.
//!
//! With `rewrite_first` a critic is asked about the request before anything is made, as Step1X-Edit v1.2 thinks before it edits: what
//! it writes is what the editor is told for every fresh candidate. Where it fails the request's own instruction stands, and so it does
//! again after a round in which the editor refused every candidate that was told the critic's words. That they may be refused is why
//! the first of the samples is made alone then.

mod chains;
mod recipe;

use std::sync::Arc;

use editscale_core::{
    Canvas, Cards, Consulted, CriticCard, CriticName, Decision, EditRequest, FailureKind, Instruction, Need, Proposal,
    Remaining, Search, SearchFactory, StopReason, Trial,
};

use crate::archive::{Archive, Placed};
use crate::policy::{MOST_CANDIDATES, PolicyError, Rules, check_count};
use crate::proposals::Ground;

use chains::Chains;
pub use recipe::ReflectionRecipe;

/// How large a reflection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReflectionSize {
    /// Fresh candidates at the beginning, from 1 to 1000.
    pub samples: u32,
    /// Chains side by side, from 1 to `samples`.
    pub width: u32,
    /// Rounds in which a critic is asked and its instructions are carried out, from 1 to 1000.
    pub rounds: u32,
    /// How many of the best attempts the critic is shown beside the one that it writes about, from 0 to 16.
    pub show: u32,
}

/// What a critic's instructions are carried out on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Canvases {
    /// The source: nothing is lost on the way, and the instruction says all that is to be done.
    ReEdit,
    /// The candidate's picture: the instruction says what is left to be mended.
    EditOfEdit,
    /// Both in turn, so that each chain has this share of edits of edits, from 0 to 1, to within one.
    Mixed(f64),
}

impl Canvases {
    fn share(self) -> f64 {
        match self {
            Self::ReEdit => 0.0,
            Self::EditOfEdit => 1.0,
            Self::Mixed(share) => share,
        }
    }

    fn check(self) -> Result<(), PolicyError> {
        let share = self.share();
        if (0.0..=1.0).contains(&share) {
            return Ok(());
        }
        let expected = "a number from 0 to 1".to_owned();
        Err(PolicyError { setting: "edit_of_edit", expected, found: share.to_string() })
    }

    /// The canvas of the `n`-th instruction of a chain.
    fn nth(self, n: u32) -> Canvas {
        let due = |count: u32| (self.share() * f64::from(count) + 1e-9).floor();
        if due(n + 1) > due(n) { Canvas::Candidate } else { Canvas::Source }
    }

    fn revision(self) -> String {
        match self {
            Self::ReEdit => "re_edit".to_owned(),
            Self::EditOfEdit => "edit_of_edit".to_owned(),
            Self::Mixed(share) => format!("mixed:{share}"),
        }
    }
}

/// The policy `reflection {samples, width, rounds, start, edit_of_edit, show, rewrite_first, critic}`.
#[derive(Debug, Clone)]
pub struct Reflection {
    size: ReflectionSize,
    canvases: Canvases,
    rewrites_first: bool,
    critic: Option<CriticName>,
    rules: Rules,
}

impl Reflection {
    /// `samples` fresh candidates, then `rounds` rounds in which `width` chains go on by what `critic` writes: the first of
    /// the recipe where none is named.
    pub fn new(
        size: ReflectionSize,
        canvases: Canvases,
        critic: Option<CriticName>,
        rules: Rules,
    ) -> Result<Self, PolicyError> {
        let ReflectionSize { samples, width, rounds, show } = size;
        check_count("samples", samples, 1000)?;
        check_count("width", width, u64::from(samples))?;
        check_count("rounds", rounds, 1000)?;
        if show > recipe::MOST_SHOWN {
            let expected = format!("a whole number from 0 to {}", recipe::MOST_SHOWN);
            return Err(PolicyError { setting: "show", expected, found: show.to_string() });
        }
        canvases.check()?;
        let reflection = Self { size, canvases, rewrites_first: false, critic, rules };
        if reflection.largest_run() > MOST_CANDIDATES {
            let expected = format!("at most {MOST_CANDIDATES} candidates in all");
            let found = format!("{rounds}, which makes {} candidates", reflection.largest_run());
            return Err(PolicyError { setting: "rounds", expected, found });
        }
        Ok(reflection)
    }

    /// The same, and the critic is first asked for better words than the request's own.
    #[must_use]
    pub fn rewriting_first(self) -> Self {
        Self { rewrites_first: true, ..self }
    }
}

impl SearchFactory for Reflection {
    fn revision(&self) -> String {
        let Self { size: ReflectionSize { samples, width, rounds, show }, canvases, rewrites_first, critic, rules } =
            self;
        let first = if *rewrites_first { " rewrite_first/2" } else { "" };
        let critic = critic.as_ref().map_or(String::new(), |critic| format!(" critic={critic}"));
        format!(
            "reflection/1 samples={samples} width={width} rounds={rounds} start={} show={show}{first}{critic}{}",
            canvases.revision(),
            rules.revision()
        )
    }

    fn needs(&self) -> Vec<Need> {
        let mut needs = vec![Need::Pointwise, Need::Critic];
        if self.canvases.share() > 0.0 {
            needs.push(Need::EditsCandidates);
        }
        if self.rewrites_first {
            needs.push(Need::Rewriting);
        }
        needs
    }

    fn largest_run(&self) -> u64 {
        let ReflectionSize { samples, width, rounds, .. } = self.size;
        u64::from(samples) + u64::from(width) * u64::from(rounds)
    }

    fn start(&self, request: &EditRequest, cards: &Cards) -> Box<dyn Search> {
        let named = |name: &CriticName| cards.critics.iter().find(|card| card.name == *name);
        let card = self.critic.as_ref().map_or_else(|| cards.critics.first(), named);
        Box::new(Running {
            policy: self.clone(),
            critic: card.cloned(),
            own: request.instruction.shared(),
            ground: Ground::new(request, cards),
            archive: Archive::new(self.rules.objective.clone()),
            probed: Vec::new(),
            chains: Chains::default(),
            at: At::Beginning,
            rounds: 0,
        })
    }
}

/// What was asked for last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Beginning,
    Rewriting,
    /// The first of the samples, by the critic's words.
    Probing,
    Sampling,
    Consulting,
    Making,
}

struct Running {
    policy: Reflection,
    /// Who is asked.
    critic: Option<CriticCard>,
    /// The request's own instruction.
    own: Arc<str>,
    ground: Ground,
    archive: Archive,
    /// What came of the sample that was made alone, until that of the others is known: for stop rules they are one round.
    probed: Vec<Trial>,
    chains: Chains,
    at: At,
    /// Rounds of children that were asked for.
    rounds: u32,
}

impl Search for Running {
    fn decide(&mut self, trials: &[Trial], left: &Remaining) -> Decision {
        self.heed(trials);
        let next = match self.at {
            At::Beginning => self.begin(left),
            At::Rewriting => {
                self.hear(trials);
                self.sample(left)
            }
            At::Probing => self.sample_others(trials, left),
            At::Sampling => self.begin_chains(trials, left),
            At::Making => {
                self.archive.learn(trials);
                let placed = self.archive.placed();
                self.chains.take_children(&placed, &self.archive);
                self.next_round(&placed, left)
            }
            At::Consulting => {
                self.chains.hear(trials);
                self.make(left)
            }
        };
        next.unwrap_or_else(|reason| Decision::Stop(self.archive.verdict(reason)))
    }
}

impl Running {
    /// Asks for better words where that is wanted and leaves the budget a candidate; else straight on with the request's own.
    fn begin(&mut self, left: &Remaining) -> Result<Decision, StopReason> {
        let asked = self.critic.as_ref().filter(|_| self.policy.rewrites_first);
        let Some(card) = asked else { return self.sample(left) };
        if !card.rewrites {
            return Err(StopReason::Stuck(format!("critic `{}` does not rewrite instructions", card.name).into()));
        }
        if self.ground.criticised(1, card.cost, left) == 0 {
            return self.sample(left);
        }
        self.at = At::Rewriting;
        Ok(Decision::Rewrite { critic: card.name.clone() })
    }

    /// Tells editors from here on what the critic wrote; the request's own instruction stands where it wrote none.
    fn hear(&mut self, trials: &[Trial]) {
        let written = trials.iter().find_map(|trial| match trial {
            Trial::Rewritten { written: Ok(critique), .. } => critique.instruction.as_ref(),
            _ => None,
        });
        if let Some(instruction) = written.map(Instruction::shared) {
            self.ground.instruction = instruction;
        }
    }

    /// Goes back to the request's own instruction where nothing that was told the critic's words was accepted by the editor.
    fn heed(&mut self, trials: &[Trial]) {
        let is_told = |trial: &&Trial| {
            let proposal = trial.id().and_then(|id| self.archive.proposal(id));
            proposal.is_some_and(|proposal| proposal.instruction == self.ground.instruction)
        };
        let mut told = trials.iter().filter(is_told).peekable();
        if told.peek().is_some() && told.all(is_refused) {
            self.ground.instruction = Arc::clone(&self.own);
        }
    }

    /// The samples; of those that are told the critic's words only the first, for the editor may refuse them.
    fn sample(&mut self, left: &Remaining) -> Result<Decision, StopReason> {
        let is_rewritten = self.ground.instruction != self.own;
        let (wanted, at) = if is_rewritten { (1, At::Probing) } else { (self.policy.size.samples, At::Sampling) };
        let count = self.ground.affordable(wanted.into(), left);
        if count == 0 {
            return Err(self.ground.shortage());
        }
        if self.critic.is_none() {
            return Err(StopReason::Stuck("the run has no critic".into()));
        }
        Ok(self.explore(self.ground.all_fresh(0, count), at))
    }

    /// The samples beside the one that was made alone; straight on where there are none.
    fn sample_others(&mut self, trials: &[Trial], left: &Remaining) -> Result<Decision, StopReason> {
        let asked = self.archive.asked();
        let count = self.ground.affordable(self.policy.size.samples.saturating_sub(asked).into(), left);
        if count == 0 {
            return self.begin_chains(trials, left);
        }
        self.probed = trials.to_vec();
        Ok(self.explore(self.ground.all_fresh(asked, count), At::Sampling))
    }

    fn begin_chains(&mut self, trials: &[Trial], left: &Remaining) -> Result<Decision, StopReason> {
        let mut samples = std::mem::take(&mut self.probed);
        samples.extend_from_slice(trials);
        self.archive.learn(&samples);
        let placed = self.archive.placed();
        self.chains = Chains::of_best(self.policy.size.width, &placed, &self.archive);
        self.next_round(&placed, left)
    }

    fn explore(&mut self, proposals: Vec<Proposal>, at: At) -> Decision {
        self.archive.ask(&proposals);
        self.at = at;
        Decision::Explore { proposals, keep: Vec::new() }
    }

    /// Asks about the heads that nothing was written about yet; straight on to the children where there is none.
    fn next_round(&mut self, placed: &[Placed], left: &Remaining) -> Result<Decision, StopReason> {
        let (best, without_gain) = self.archive.standing();
        if let Some(reason) = self.policy.rules.stop.met(best, without_gain) {
            return Err(reason);
        }
        if self.rounds >= self.policy.size.rounds {
            return Err(StopReason::Finished);
        }
        let Some(CriticCard { name: critic, cost, .. }) = self.critic.clone() else { return Err(StopReason::Finished) };
        let wanted = self.chains.without_advice();
        let afforded = self.ground.criticised(wanted, cost, left);
        let who: Vec<Consulted> = self.chains.consult(afforded, self.policy.canvases);
        if who.is_empty() {
            return self.make(left);
        }
        self.at = At::Consulting;
        let earlier = chains::best_attempts(self.policy.size.show, placed, &self.archive);
        Ok(Decision::Consult { who, earlier, critic })
    }

    /// A child of every chain that knows what to do; the chains stand in the order of their heads, so that a round cut short
    /// by the budget favours the best.
    fn make(&mut self, left: &Remaining) -> Result<Decision, StopReason> {
        let wanted = self.chains.ready();
        if wanted == 0 {
            // Satisfied chains are the end of the plan; others could not be asked about.
            return Err(if self.chains.all_ended() { StopReason::Finished } else { StopReason::Budget });
        }
        let count = self.ground.affordable(wanted, left);
        if count == 0 {
            return Err(self.ground.shortage());
        }
        let proposals = self.chains.children(count, &self.ground, &self.archive);
        self.rounds += 1;
        Ok(self.explore(proposals, At::Making))
    }
}

/// Whether the editor would not, or could not, do what it was told: it will not under another seed.
fn is_refused(trial: &Trial) -> bool {
    let kind = if let Trial::Failed { why, .. } = trial { Some(why.kind) } else { None };
    matches!(kind, Some(FailureKind::Invalid | FailureKind::Refused))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_of_edits_keep_their_share() {
        for (canvases, share) in [
            (Canvases::ReEdit, 0.0),
            (Canvases::EditOfEdit, 1.0),
            (Canvases::Mixed(0.5), 0.5),
            (Canvases::Mixed(0.3), 0.3),
        ] {
            let mut repairs = 0.0;
            for n in 0..100 {
                repairs += f64::from(u8::from(canvases.nth(n) == Canvas::Candidate));
                assert!((repairs - share * f64::from(n + 1)).abs() < 1.0 + 1e-6, "{canvases:?} after {n}");
            }
        }
    }
}
