//! The port of the pure side: a search is a state machine without IO, clock, randomness or async.

use std::fmt;

use crate::{
    Cards, Decision, EditRequest, EditorCard, Extent, PauseSupport, Remaining, RewardCard, RewardKind, RewardName,
    Sampler, SeedRule, Trial,
};

/// Which rewards a decision speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RewardSet {
    /// All of the recipe.
    All,
    /// These.
    Only(Vec<RewardName>),
}

/// Starts searches of one policy.
///
/// A factory is the checked policy of a recipe. It is shared by all runs of the recipe and has no state of its own.
pub trait SearchFactory: Send + Sync + fmt::Debug {
    /// The policy's name and the version of its rules. Replaying a journal under another revision is a named error,
    /// so it changes whenever equal trials could lead to another decision.
    fn revision(&self) -> String;

    /// What the policy needs of editors and rewards; checked against their cards before anything runs.
    fn needs(&self) -> Vec<Need>;

    /// The most candidates that a run can ask for with no limit but its own plan; a forecast for people.
    fn largest_run(&self) -> u64;

    /// The most that a run comes to with these editors, by the same plan and with at most so many edits.
    fn most(&self, _: &Cards, edits: u64) -> Extent {
        Extent::whole(self.largest_run().min(edits))
    }

    /// The most that it comes to where no candidate fails and none is barred, for a policy in which that is less.
    fn planned(&self, _: &Cards, _edits: u64) -> Option<Extent> {
        None
    }

    /// Whether its searches decide by how pictures look. Only then are perceptual hashes computed and entered in trials,
    /// because a large picture has to be decoded for one.
    fn looks(&self) -> bool {
        false
    }

    /// A search at its beginning. Equal arguments give searches that decide equally.
    fn start(&self, request: &EditRequest, cards: &Cards) -> Box<dyn Search>;
}

/// One search under way.
///
/// The caller alternates: `decide` with no trials, then, for each decision but [`Decision::Stop`], `decide` again with
/// what came of it: one trial for each thing asked, in ask order, whole rounds at a time, never a trial twice. After
/// `Stop`, `decide` is not called again.
///
/// A search never asks for more than `left` allows ([`Remaining::candidates`]); when it allows nothing, or not enough
/// to be of use, it stops. It never panics on any trials that keep this contract, failures included.
pub trait Search: Send {
    /// Learns `trials` and says what to do next, with `left` to spend.
    fn decide(&mut self, trials: &[Trial], left: &Remaining) -> Decision;
}

/// One thing that a policy needs of the editors and rewards it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Another seed gives another picture, and the same seed the same.
    Seeds,
    /// The editor can start from a candidate's picture.
    EditsCandidates,
    /// The editor has at least one knob.
    Knobs,
    /// The editor can pause at least this well.
    Pause(PauseSupport),
    /// The sampler adds noise after the start.
    Stochastic,
    /// The editor steers noise.
    Noise,
    /// At least one reward says how sure it is.
    Sigma,
    /// There is a critic.
    Critic,
    /// The critic rewrites instructions before anything is made.
    Rewriting,
    /// Scores of different rounds compare.
    Pointwise,
    /// So many candidates are made in one round, and their scores compare with each other.
    Together(u32),
}

/// Something that a policy needs and a card does not offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// The name on the card.
    pub who: String,
    /// What the card lacks, as the end of "editor `x` …".
    pub what: &'static str,
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.who, self.what)
    }
}

impl Need {
    /// Every editor, reward and critic that does not offer this, in card order.
    pub fn lacking(self, cards: &Cards) -> Vec<Lack> {
        if self == Self::Critic {
            let who = "the recipe".to_owned();
            let is_lacking = cards.critics.is_empty();
            return is_lacking.then(|| Lack { who, what: self.absence() }).into_iter().collect();
        }
        if self == Self::Rewriting {
            let lacking = cards.critics.iter().filter(|card| !card.rewrites);
            return lacking.map(|card| Lack { who: card.name.to_string(), what: self.absence() }).collect();
        }
        if self == Self::Sigma && cards.rewards.iter().any(|card| card.gives_sigma) {
            return Vec::new();
        }
        let editors = cards.editors.iter().filter(|card| !self.met_by_editor(card)).map(|card| card.name.to_string());
        let rewards = cards.rewards.iter().filter(|card| !self.met_by_reward(card)).map(|card| card.name.to_string());
        editors.chain(rewards).map(|who| Lack { who, what: self.absence() }).collect()
    }

    fn met_by_editor(self, card: &EditorCard) -> bool {
        match self {
            Self::Seeds => card.seeds != SeedRule::Ignored,
            Self::EditsCandidates => card.edits_candidates,
            Self::Knobs => !card.knobs.is_empty(),
            Self::Pause(least) => card.pause >= least,
            Self::Stochastic => card.sampler == Sampler::Stochastic,
            Self::Noise => card.steers_noise,
            Self::Pointwise | Self::Together(_) | Self::Sigma | Self::Critic | Self::Rewriting => true,
        }
    }

    fn met_by_reward(self, card: &RewardCard) -> bool {
        let is_pointwise = card.kind == RewardKind::Pointwise;
        match self {
            Self::Pointwise => is_pointwise,
            Self::Sigma => card.gives_sigma,
            Self::Together(count) => is_pointwise || card.largest_batch.get() >= count,
            _ => true,
        }
    }

    fn absence(self) -> &'static str {
        match self {
            Self::Seeds => "ignores seeds",
            Self::EditsCandidates => "cannot start from a candidate's picture",
            Self::Knobs => "offers no knobs to turn",
            Self::Pause(PauseSupport::Fork) => "cannot go on from one paused state several times",
            Self::Pause(_) => "cannot pause and go on",
            Self::Stochastic => "has a deterministic sampler",
            Self::Noise => "does not let its noise be steered",
            Self::Sigma => "does not say how sure it is",
            Self::Critic => "has no critic",
            Self::Rewriting => "does not rewrite instructions before the first edit",
            Self::Pointwise => "gives listwise scores, which do not compare between rounds",
            Self::Together(_) => "does not compare as many candidates with each other as a round makes",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::{CancelRule, Cost, CriticCard, CriticName, EditorName, Recovery};

    /// An editor that offers nothing, before a reward that compares three at a time.
    fn poor() -> Cards {
        let editor = EditorCard {
            name: EditorName::new("poor").unwrap(),
            revision: "1".into(),
            seeds: SeedRule::Ignored,
            largest_batch: NonZeroU32::MIN,
            slots: NonZeroU32::MIN,
            edits_candidates: false,
            pause: PauseSupport::None,
            sampler: Sampler::Deterministic,
            cancel: CancelRule::WhenDone,
            masks: false,
            steers_noise: false,
            steps: None,
            knobs: Vec::new(),
            cost: Cost::default(),
            recovery: Recovery::Unknown,
        };
        let reward = RewardCard {
            name: RewardName::new("list").unwrap(),
            revision: "1".into(),
            range: None,
            kind: RewardKind::Listwise,
            gives_sigma: false,
            pixel_budget: None,
            largest_batch: NonZeroU32::new(3).unwrap(),
            slots: NonZeroU32::MIN,
            cost: Cost::default(),
        };
        Cards { editors: vec![editor], rewards: vec![reward], critics: Vec::new() }
    }

    #[test]
    fn only_a_critic_that_rewrites_is_asked_to() {
        let critic = |name, rewrites| CriticCard {
            name: CriticName::new(name).unwrap(),
            revision: "1".into(),
            rewrites,
            slots: NonZeroU32::MIN,
            cost: Cost::default(),
        };
        let cards = Cards { critics: vec![critic("able", true), critic("mute", false)], ..poor() };
        let found: Vec<String> = Need::Rewriting.lacking(&cards).iter().map(Lack::to_string).collect();
        assert_eq!(found, ["`mute` does not rewrite instructions before the first edit"]);
        assert!(Need::Critic.lacking(&cards).is_empty());
    }

    #[test]
    fn what_a_card_lacks_is_named() {
        for (need, lacks) in [
            (Need::Seeds, "`poor` ignores seeds"),
            (Need::EditsCandidates, "`poor` cannot start from a candidate's picture"),
            (Need::Knobs, "`poor` offers no knobs to turn"),
            (Need::Pause(PauseSupport::Resume), "`poor` cannot pause and go on"),
            (Need::Pause(PauseSupport::Fork), "`poor` cannot go on from one paused state several times"),
            (Need::Pause(PauseSupport::None), ""),
            (Need::Stochastic, "`poor` has a deterministic sampler"),
            (Need::Noise, "`poor` does not let its noise be steered"),
            (Need::Sigma, "`list` does not say how sure it is"),
            (Need::Critic, "`the recipe` has no critic"),
            (Need::Pointwise, "`list` gives listwise scores, which do not compare between rounds"),
            (Need::Together(4), "`list` does not compare as many candidates with each other as a round makes"),
            (Need::Together(3), ""),
        ] {
            let found: Vec<String> = need.lacking(&poor()).iter().map(Lack::to_string).collect();
            assert_eq!(found.join(", "), lacks, "{need:?}");
        }
    }
}
