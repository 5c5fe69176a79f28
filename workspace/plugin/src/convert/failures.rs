//! Failures that a plugin tells, and costs.

use editscale_core::{Cost, Failure, FailureKind, Usd};
use editscale_sdk::protocol::{CostNumbers, ErrorClass, Failed};

use super::readable;

/// The longest message that is kept of a plugin, in characters.
const LONGEST_MESSAGE: usize = 2000;

pub(crate) fn cost(said: CostNumbers) -> Cost {
    Cost { nfe: said.nfe, tokens: said.tokens, usd: Usd { micros: said.usd_micros } }
}

/// The cost of one item, which is at most what the card promises; otherwise what is wrong with it.
pub(crate) fn checked_cost(said: CostNumbers, most: Cost) -> Result<Cost, String> {
    let found = cost(said);
    let pairs = [
        ("denoiser evaluations", found.nfe, most.nfe),
        ("tokens", found.tokens, most.tokens),
        ("millionths of a dollar", found.usd.micros, most.usd.micros),
    ];
    match pairs.into_iter().find(|(_, found, most)| found > most) {
        Some((what, found, most)) => {
            Err(format!("it says that it spent {found} {what}: its card promises at most {most}"))
        }
        None => Ok(found),
    }
}

/// What failed, as a failure. Nobody is charged more than the card promises.
pub(crate) fn failure(said: &Failed, most: Cost) -> Failure {
    let kind = match said.class {
        ErrorClass::Refused => FailureKind::Refused,
        ErrorClass::Invalid => FailureKind::Invalid,
        ErrorClass::Unavailable => FailureKind::Unavailable,
        ErrorClass::TimedOut => FailureKind::TimedOut,
        ErrorClass::Cancelled => FailureKind::Cancelled,
        ErrorClass::Internal => FailureKind::Crashed,
        ErrorClass::Ambiguous => FailureKind::Ambiguous,
    };
    let message = match readable(&said.message, LONGEST_MESSAGE) {
        message if message.is_empty() => "the plugin gave no reason".to_owned(),
        message => message,
    };
    Failure { cost: checked_cost(said.cost, most).unwrap_or(most), ..Failure::new(kind, message) }
}

/// A lie, as a failure of the item that it was told of.
pub(crate) fn lie(plugin: &str, what: &str) -> Failure {
    Failure::new(
        FailureKind::Malformed,
        format!("the plugin `{plugin}` answered with something that is no answer: {what}"),
    )
}
