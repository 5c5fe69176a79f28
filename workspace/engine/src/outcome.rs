//! `outcome.json`: how a run ended.

use editscale_core::{Ending, Outcome};
use serde::{Deserialize, Serialize};

use crate::wire::{FORMAT_VERSION, LedgerWire, VerdictWire};

/// The form of `outcome.json`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct OutcomeWire {
    version: u32,
    ending: EndingWire,
    #[serde(skip_serializing_if = "Option::is_none")]
    winner: Option<u32>,
    verdict: VerdictWire,
    rounds: u32,
    asked: u32,
    failed: u32,
    ledger: LedgerWire,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum EndingWire {
    Search,
    Cancelled,
}

impl From<&Outcome> for OutcomeWire {
    fn from(outcome: &Outcome) -> Self {
        Self {
            version: FORMAT_VERSION,
            ending: match outcome.ending {
                Ending::Search => EndingWire::Search,
                Ending::Cancelled => EndingWire::Cancelled,
            },
            winner: outcome.winner().map(|id| id.0),
            verdict: (&outcome.verdict).into(),
            rounds: outcome.rounds,
            asked: outcome.asked,
            failed: outcome.failed,
            ledger: (&outcome.ledger).into(),
        }
    }
}

impl OutcomeWire {
    pub(crate) fn outcome(&self) -> Result<Outcome, String> {
        let verdict = self.verdict.verdict()?;
        let first = verdict.ranked.first().map(|ranked| ranked.id.0);
        if self.winner != first {
            let told = |id: Option<u32>| id.map_or_else(|| "nobody".to_owned(), |id| id.to_string());
            return Err(format!("`winner` is {}: expected {}, as `ranked` has it", told(self.winner), told(first)));
        }
        Ok(Outcome {
            verdict,
            ending: match self.ending {
                EndingWire::Search => Ending::Search,
                EndingWire::Cancelled => Ending::Cancelled,
            },
            ledger: self.ledger.ledger()?,
            rounds: self.rounds,
            asked: self.asked,
            failed: self.failed,
        })
    }
}
