//! The forms of decisions: proposals, verdicts, and what else a search can ask for.

use std::collections::BTreeMap;

use editscale_core::{
    CandidateId, Canvas, Consulted, CriticName, Decision, Draw, Earlier, Edge, EditorName, KnobName, Knobs, Lineage,
    Noise, NoiseTurn, Proposal, Ranked, RewardName, RewardSet, Seed, Start, StopReason, Until, Utility, Verdict,
};
use serde::{Deserialize, Serialize};

use super::{WireError, bad};

/// What a proposal starts from: `"source"`, `{"candidate": 3}`, `{"paused": 3}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StartWire {
    Source,
    Candidate(u32),
    Paused(u32),
}

/// What is done to noise: nothing, `{"turned": [{"seed": 7, "cosine": 0.95}]}`, `{"back": 3}`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum NoiseWire {
    #[default]
    Own,
    Turned(Vec<TurnWire>),
    Back(u32),
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct TurnWire {
    seed: u64,
    cosine: f64,
}

impl NoiseWire {
    fn is_own(&self) -> bool {
        *self == Self::Own
    }

    fn noise(&self) -> Result<Noise, WireError> {
        let turn = |turn: &TurnWire| {
            let TurnWire { seed, cosine } = *turn;
            if !(0.0..=1.0).contains(&cosine) {
                return Err(format!("`cosine` is {cosine}: expected a number from 0 to 1"));
            }
            Ok(NoiseTurn { seed: Seed::new(seed).map_err(bad)?, cosine })
        };
        Ok(match self {
            Self::Own => Noise::Own,
            Self::Turned(turns) => Noise::Turned(turns.iter().map(turn).collect::<Result<_, _>>()?),
            Self::Back(steps) => Noise::Back(*steps),
        })
    }
}

impl From<&Noise> for NoiseWire {
    fn from(noise: &Noise) -> Self {
        let turn = |turn: &NoiseTurn| TurnWire { seed: turn.seed.get(), cosine: turn.cosine };
        match noise {
            Noise::Own => Self::Own,
            Noise::Turned(turns) => Self::Turned(turns.iter().map(turn).collect()),
            Noise::Back(steps) => Self::Back(*steps),
        }
    }
}

/// A proposal; the knobs by name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ProposalWire {
    pub(crate) id: u32,
    editor: String,
    start: StartWire,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until_step: Option<u32>,
    seed: u64,
    #[serde(default, skip_serializing_if = "NoiseWire::is_own")]
    noise: NoiseWire,
    /// Absent where it is the request's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    instruction: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    knobs: BTreeMap<String, f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parent: Option<u32>,
    edge: String,
}

impl ProposalWire {
    pub(crate) fn new(proposal: &Proposal, request_instruction: &str) -> Self {
        Self {
            id: proposal.id.0,
            editor: proposal.editor.to_string(),
            start: match proposal.start {
                Start::Source => StartWire::Source,
                Start::Candidate(id) => StartWire::Candidate(id.0),
                Start::Paused(id) => StartWire::Paused(id.0),
            },
            until_step: match proposal.until {
                Until::Finished => None,
                Until::Step(step) => Some(step),
            },
            seed: proposal.seed.get(),
            noise: (&proposal.noise).into(),
            instruction: (*proposal.instruction != *request_instruction).then(|| proposal.instruction.to_string()),
            knobs: proposal.knobs.iter().map(|(name, value)| (name.to_string(), value)).collect(),
            parent: proposal.lineage.parent.map(|id| id.0),
            edge: proposal.lineage.edge.word().to_owned(),
        }
    }

    pub(crate) fn proposal(&self, request_instruction: &str) -> Result<Proposal, WireError> {
        let edge = Edge::ALL
            .into_iter()
            .find(|edge| edge.word() == self.edge)
            .ok_or_else(|| format!("`edge` is `{}`: expected an edge", self.edge))?;
        let mut knobs = Knobs::default();
        for (name, value) in &self.knobs {
            knobs.set(KnobName::new(name).map_err(bad)?, *value).map_err(bad)?;
        }
        Ok(Proposal {
            id: CandidateId(self.id),
            editor: EditorName::new(&self.editor).map_err(bad)?,
            start: match self.start {
                StartWire::Source => Start::Source,
                StartWire::Candidate(id) => Start::Candidate(CandidateId(id)),
                StartWire::Paused(id) => Start::Paused(CandidateId(id)),
            },
            until: self.until_step.map_or(Until::Finished, Until::Step),
            seed: Seed::new(self.seed).map_err(bad)?,
            noise: self.noise.noise()?,
            instruction: self.instruction.as_deref().unwrap_or(request_instruction).into(),
            knobs,
            lineage: Lineage { parent: self.parent.map(CandidateId), edge },
        })
    }
}

/// A candidate that a critic is asked about: `{"id": 3}`, `{"id": 3, "canvas": "candidate"}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ConsultedWire {
    id: u32,
    /// Absent: the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    canvas: Option<String>,
}

impl From<&Consulted> for ConsultedWire {
    fn from(Consulted { id, canvas }: &Consulted) -> Self {
        Self { id: id.0, canvas: (*canvas != Canvas::Source).then(|| canvas.word().to_owned()) }
    }
}

impl ConsultedWire {
    fn consulted(&self) -> Result<Consulted, WireError> {
        let word = self.canvas.as_deref().unwrap_or(Canvas::Source.word());
        let known = Canvas::ALL.into_iter().find(|canvas| canvas.word() == word);
        let canvas = known.ok_or_else(|| format!("`canvas` is `{word}`: expected source or candidate"))?;
        Ok(Consulted { id: CandidateId(self.id), canvas })
    }
}

/// A candidate that a critic is shown beside others: `{"id": 1, "utility": 0.5}`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct EarlierWire {
    id: u32,
    utility: f64,
}

impl From<&Earlier> for EarlierWire {
    fn from(Earlier { id, utility }: &Earlier) -> Self {
        Self { id: id.0, utility: utility.get() }
    }
}

impl EarlierWire {
    fn earlier(&self) -> Result<Earlier, WireError> {
        let utility = Utility::new(self.utility).ok_or("`utility` is not finite")?;
        Ok(Earlier { id: CandidateId(self.id), utility })
    }
}

/// A decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DecisionWire {
    Explore {
        proposals: Vec<ProposalWire>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        keep: Vec<u32>,
    },
    Judge {
        who: Vec<u32>,
        /// Absent: all rewards of the recipe.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rewards: Option<Vec<String>>,
        votes: u32,
    },
    Rewrite {
        critic: String,
    },
    Consult {
        who: Vec<ConsultedWire>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        earlier: Vec<EarlierWire>,
        critic: String,
    },
    Stop(VerdictWire),
}

impl DecisionWire {
    pub(crate) fn new(decision: &Decision, instruction: &str) -> Self {
        match decision {
            Decision::Explore { proposals, keep } => Self::Explore {
                proposals: proposals.iter().map(|proposal| ProposalWire::new(proposal, instruction)).collect(),
                keep: keep.iter().map(|id| id.0).collect(),
            },
            Decision::Judge { who, rewards, votes } => Self::Judge {
                who: who.iter().map(|id| id.0).collect(),
                rewards: match rewards {
                    RewardSet::All => None,
                    RewardSet::Only(names) => Some(names.iter().map(ToString::to_string).collect()),
                },
                votes: *votes,
            },
            Decision::Rewrite { critic } => Self::Rewrite { critic: critic.to_string() },
            Decision::Consult { who, earlier, critic } => Self::Consult {
                who: who.iter().map(Into::into).collect(),
                earlier: earlier.iter().map(Into::into).collect(),
                critic: critic.to_string(),
            },
            Decision::Stop(verdict) => Self::Stop(verdict.into()),
        }
    }

    /// The candidates that are asked for.
    pub(crate) fn asked_for(&self) -> Vec<u32> {
        let Self::Explore { proposals, .. } = self else { return Vec::new() };
        proposals.iter().map(|proposal| proposal.id).collect()
    }

    /// Whether a critic is asked about the request.
    pub(crate) fn is_rewriting(&self) -> bool {
        matches!(self, Self::Rewrite { .. })
    }

    /// The proposals that go on from a paused state.
    pub(crate) fn going_on(&self) -> Vec<u32> {
        let Self::Explore { proposals, .. } = self else { return Vec::new() };
        let parts = proposals.iter().filter(|proposal| matches!(proposal.start, StartWire::Paused(_)));
        parts.map(|proposal| proposal.id).collect()
    }

    pub(crate) fn decision(&self, instruction: &str) -> Result<Decision, WireError> {
        let ids = |ids: &[u32]| ids.iter().copied().map(CandidateId).collect();
        Ok(match self {
            Self::Explore { proposals, keep } => Decision::Explore {
                proposals: proposals.iter().map(|proposal| proposal.proposal(instruction)).collect::<Result<_, _>>()?,
                keep: ids(keep),
            },
            Self::Judge { who, rewards, votes } => Decision::Judge {
                who: ids(who),
                rewards: match rewards {
                    None => RewardSet::All,
                    Some(names) => {
                        let names = names.iter().map(|name| RewardName::new(name).map_err(bad));
                        RewardSet::Only(names.collect::<Result<_, _>>()?)
                    }
                },
                votes: *votes,
            },
            Self::Rewrite { critic } => Decision::Rewrite { critic: CriticName::new(critic).map_err(bad)? },
            Self::Consult { who, earlier, critic } => Decision::Consult {
                who: who.iter().map(ConsultedWire::consulted).collect::<Result<_, _>>()?,
                earlier: earlier.iter().map(EarlierWire::earlier).collect::<Result<_, _>>()?,
                critic: CriticName::new(critic).map_err(bad)?,
            },
            Self::Stop(verdict) => Decision::Stop(verdict.verdict()?),
        })
    }
}

/// A verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct VerdictWire {
    reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    explanation: Option<String>,
    ranked: Vec<RankedWire>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    draw: Option<DrawWire>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct RankedWire {
    id: u32,
    utility: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    selection_probability: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct DrawWire {
    temperature: f64,
    effective_sample_size: f64,
    kl: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    drawn: Option<u32>,
}

impl From<&Verdict> for VerdictWire {
    fn from(verdict: &Verdict) -> Self {
        let ranked = |ranked: &Ranked| RankedWire {
            id: ranked.id.0,
            utility: ranked.utility.get(),
            selection_probability: ranked.selection_probability,
        };
        Self {
            reason: verdict.reason.word().to_owned(),
            explanation: match &verdict.reason {
                StopReason::Stuck(why) => Some(why.to_string()),
                _ => None,
            },
            ranked: verdict.ranked.iter().map(ranked).collect(),
            draw: verdict.draw.map(|draw| DrawWire {
                temperature: draw.temperature,
                effective_sample_size: draw.effective_sample_size,
                kl: draw.kl,
                drawn: draw.drawn,
            }),
        }
    }
}

impl VerdictWire {
    /// Whether nobody was chosen.
    pub(crate) fn is_empty(&self) -> bool {
        self.ranked.is_empty()
    }

    /// Whether the search stopped because nothing more could be paid.
    pub(crate) fn is_for_want_of_budget(&self) -> bool {
        self.reason == StopReason::Budget.word()
    }

    pub(crate) fn verdict(&self) -> Result<Verdict, WireError> {
        let ranked = |ranked: &RankedWire| {
            let utility = Utility::new(ranked.utility).ok_or("`utility` is not finite")?;
            Ok::<_, WireError>(Ranked {
                id: CandidateId(ranked.id),
                utility,
                selection_probability: ranked.selection_probability,
            })
        };
        Ok(Verdict {
            ranked: self.ranked.iter().map(ranked).collect::<Result<_, _>>()?,
            reason: self.reason()?,
            draw: self.draw.map(|draw| Draw {
                temperature: draw.temperature,
                effective_sample_size: draw.effective_sample_size,
                kl: draw.kl,
                drawn: draw.drawn,
            }),
        })
    }

    fn reason(&self) -> Result<StopReason, WireError> {
        let known =
            [StopReason::Target, StopReason::Patience, StopReason::Finished, StopReason::Budget, StopReason::Enough];
        if self.reason == "stuck" {
            return Ok(StopReason::Stuck(self.explanation.as_deref().unwrap_or_default().into()));
        }
        known
            .into_iter()
            .find(|reason| reason.word() == self.reason)
            .ok_or_else(|| format!("`reason` is `{}`: expected a reason to stop", self.reason))
    }
}
