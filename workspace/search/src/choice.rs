//! What recipes say of policies and objectives.

use std::sync::Arc;

use editscale_core::{Budget, Cards, CriticName, Need, Objective, RewardName, Scale, SearchFactory};
use editscale_schema::{Chosen, Kind, Options};

use crate::{PolicyError, Rules};

/// A kind of policy.
pub type PolicyKind = Kind<dyn PolicyChoice>;

/// A kind of objective.
pub type ObjectiveKind = Kind<dyn ObjectiveChoice>;

/// The kind of these options.
pub(crate) const fn policy<O: Options + PolicyChoice>() -> PolicyKind {
    Kind::new::<O>(|fields| Some(Box::new(O::read(fields)?)))
}

/// The kind of these options.
pub(crate) const fn objective<O: Options + ObjectiveChoice>() -> ObjectiveKind {
    Kind::new::<O>(|fields| Some(Box::new(O::read(fields)?)))
}

/// What a recipe says of a policy.
pub trait PolicyChoice: Chosen {
    /// The policy at work under these rules.
    fn factory(&self, rules: Rules) -> Result<Arc<dyn SearchFactory>, PolicyError>;

    /// How many candidates a first round has to have for the search to do what it is for. Where the budget allows fewer, people
    /// are warned.
    fn first_round(&self, has_stop_rule: bool) -> u64;

    /// The critic that it names, where it names one.
    fn critic(&self) -> Option<&CriticName> {
        None
    }

    /// How often it asks a critic at most.
    fn critiques(&self) -> u64 {
        0
    }

    /// How many of these are before the first candidate. Each is a reward call that no candidate has then; where the budget would
    /// have no candidate after them, they are left out.
    fn critiques_first(&self) -> u64 {
        0
    }

    /// Whether its verdict is drawn already, so that no other selection can be laid over it.
    fn draws(&self) -> bool {
        false
    }

    /// Which of its settings is behind a need that nobody meets, and what can be done about it.
    fn reason(&self, need: Need) -> Reason {
        Reason::usual(need)
    }

    /// Whether it chooses among the editors of a recipe. One that does not uses the first only.
    fn routes(&self) -> bool {
        false
    }

    /// What else the recipe says that it cannot be used with.
    fn clashes(&self, _: &Surroundings<'_>) -> Vec<Clash> {
        Vec::new()
    }

    /// Which of its settings mean nothing with these editors and rewards under this budget.
    fn misfits(&self, _: &Cards, _: &Budget) -> Vec<Clash> {
        Vec::new()
    }

    /// How many trees it grows beside each other, where it grows trees: the candidates of its first round are dealt to them in turn.
    fn trees(&self) -> Option<u32> {
        None
    }

    /// In figures, why another candidate was not worth it to a search that ended so: by the utilities of its candidates, the best
    /// first, out of so many that it asked for, each judged by so many rewards. Half a sentence about that candidate.
    fn why_enough(&self, _utilities: &[f64], _asked: u32, _rewards: u32) -> Option<String> {
        None
    }

    /// What it does by features of candidates that rewards give, and how it does it where none gives any.
    fn wants_features(&self) -> Option<WantsFeatures> {
        None
    }

    /// What people should know of how it works with these editors and rewards, a sentence each.
    fn notes(&self, _: &Cards) -> Vec<String> {
        Vec::new()
    }
}

/// Something that a policy does by features.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WantsFeatures {
    /// The setting, as a path below the policy.
    pub setting: &'static str,
    /// How it is done without, as a clause.
    pub otherwise: &'static str,
}

/// What else a recipe says that a policy may depend on.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'r> {
    /// What utilities can be compared with.
    pub scale: Scale,
    /// Whether the budget limits the run's active time.
    pub limits_time: bool,
    /// The rewards that there are.
    pub rewards: &'r [RewardName],
}

/// Something in a policy that cannot be used with the rest of its recipe, or with what the recipe names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clash {
    /// The setting, as a path below the policy; nothing where it is the policy as a whole.
    pub setting: Option<&'static str>,
    /// What is wrong.
    pub message: String,
    /// What to do: half a sentence that begins with a verb.
    pub hint: String,
}

/// What a recipe says of an objective.
pub trait ObjectiveChoice: Chosen {
    /// The objective over rewards with these weights, of which there is at least one.
    fn objective(&self, rewards: Vec<(RewardName, f64)>) -> Result<Arc<dyn Objective>, PolicyError>;

    /// Whether the weights mean something to it.
    fn uses_weights(&self) -> bool;

    /// What its utilities can be compared with.
    fn scale(&self) -> Scale;

    /// The setting that says how sure rewards are that do not say it themselves, where it is set.
    fn assumed_doubt(&self) -> Option<&'static str> {
        None
    }

    /// What it needs of each reward that counts.
    fn needs(&self) -> Vec<Need> {
        Vec::new()
    }

    /// Which of its settings is behind a need that a reward does not meet, and what can be done about it.
    fn reason(&self, need: Need) -> Reason {
        Reason::usual(need)
    }
}

dyn_clone::clone_trait_object!(PolicyChoice);
dyn_clone::clone_trait_object!(ObjectiveChoice);

/// Why a policy needs something, and what can be done where nobody offers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reason {
    /// The setting behind it, as a path below the policy such as `edges.re_edit`, where it is one setting.
    pub setting: Option<&'static str>,
    /// What to do: half a sentence that begins with a verb.
    pub hint: &'static str,
}

impl Reason {
    /// A need of the policy as a whole.
    pub fn usual(need: Need) -> Self {
        let hint = match need {
            Need::Pointwise => "choose a reward that scores each candidate by itself",
            Need::Sigma => "choose a reward that says how sure it is",
            Need::Together(_) => "make fewer candidates, or choose a reward that compares more at once",
            _ => "choose another editor or another policy",
        };
        Self { setting: None, hint }
    }
}
