//! Other weights for all models of an editor: every one takes them up, or none does.
//!
//! A model that has taken them up waits until it is known whether the others have, too; no work begins before that.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use editscale_core::{AdoptedPolicy, CandidateId, Failure, FailureKind, LocalEditor, PolicyWeights, RunId};
use tokio::sync::mpsc;

use super::{lock, words_of};

/// What all models of an editor work with, where that is not what they began with. A model made anew takes it up again.
pub(super) type InForce = Arc<Mutex<Option<Policy>>>;

/// Weights and what they answered to once.
#[derive(Debug, Clone)]
pub(super) struct Policy {
    pub(super) weights: PolicyWeights,
    pub(super) adopted: AdoptedPolicy,
}

impl Policy {
    /// Takes the weights up once more; they have to be the same still.
    fn again(&self, model: &mut dyn LocalEditor) -> Result<(), String> {
        let found = model.adopt(&self.weights).map_err(|failure| failure.to_string())?;
        if found.checksum == self.adopted.checksum {
            return Ok(());
        }
        let (weights, expected, found) = (&self.weights, &self.adopted.checksum, &found.checksum);
        Err(format!("{weights} is not what it was: expected the checksum {expected}, found {found}"))
    }
}

/// An order to an editor's model.
#[derive(Clone)]
pub(super) enum EditorOrder {
    Release(Vec<(RunId, CandidateId)>),
    Adopt(Adoption),
}

/// An order to take weights up, which every model answers.
#[derive(Clone)]
pub(super) struct Adoption {
    pub(super) weights: PolicyWeights,
    /// What is put back where another model fails.
    pub(super) earlier: Option<Policy>,
    pub(super) replies: mpsc::UnboundedSender<Reply>,
}

/// What a model answers, and how it is told that all others have taken the weights up. A verdict that is dropped means
/// that they have not.
pub(super) struct Reply {
    result: Result<AdoptedPolicy, Failure>,
    verdict: std::sync::mpsc::Sender<()>,
}

impl Adoption {
    /// Whether the model is to be trusted afterwards.
    pub(super) fn carry_out(self, model: &mut dyn LocalEditor) -> bool {
        let Self { weights, earlier, replies } = self;
        let result = catch_unwind(AssertUnwindSafe(|| model.adopt(&weights)));
        let has_panicked = result.is_err();
        let crashed = |message: &str| Failure::new(FailureKind::Crashed, format!("the model panicked: {message}"));
        let result = result.unwrap_or_else(|panic| Err(crashed(words_of(&*panic))));
        let has_adopted = result.is_ok();
        let (verdict, wait) = std::sync::mpsc::channel();
        let sent = replies.send(Reply { result, verdict });
        // The caller has heard all once nobody can answer any more.
        drop(replies);
        let is_kept = sent.is_ok() && wait.recv().is_ok();
        !has_panicked && (is_kept || !has_adopted || put_back(earlier, model))
    }
}

fn put_back(earlier: Option<Policy>, model: &mut dyn LocalEditor) -> bool {
    let put_back = || match earlier {
        Some(policy) => policy.again(model).is_ok(),
        None => model.adopt(&PolicyWeights::base("base")).is_ok(),
    };
    catch_unwind(AssertUnwindSafe(put_back)).unwrap_or(false)
}

/// A model that has just been made takes up what is in force.
pub(super) fn take_up(in_force: &InForce, model: &mut dyn LocalEditor) -> Result<(), String> {
    let policy = lock(in_force).clone();
    policy.map_or(Ok(()), |policy| policy.again(model))
}

/// The answers of all models, while they wait for the verdict.
pub(super) struct Poll {
    verdicts: Vec<std::sync::mpsc::Sender<()>>,
    result: Option<Result<AdoptedPolicy, Failure>>,
}

impl Poll {
    pub(super) async fn take(mut replies: mpsc::UnboundedReceiver<Reply>) -> Self {
        let mut poll = Self { verdicts: Vec::new(), result: None };
        while let Some(Reply { result, verdict }) = replies.recv().await {
            poll.verdicts.push(verdict);
            poll.result = Some(match poll.result.take() {
                None => result,
                Some(earlier) => earlier.and_then(|earlier| same(earlier, &result?)),
            });
        }
        poll
    }

    /// What all have taken up, or the first failure; none where no model is left. Models are told to keep the weights
    /// once they are written down as in force.
    pub(super) fn settle(self, weights: &PolicyWeights, in_force: &InForce) -> Option<Result<AdoptedPolicy, Failure>> {
        let result = self.result?;
        if let Ok(adopted) = &result {
            *lock(in_force) = Some(Policy { weights: weights.clone(), adopted: adopted.clone() });
            for verdict in self.verdicts {
                // A thread that is gone needs no verdict.
                verdict.send(()).ok();
            }
        }
        Some(result)
    }
}

fn same(earlier: AdoptedPolicy, later: &AdoptedPolicy) -> Result<AdoptedPolicy, Failure> {
    if earlier == *later {
        return Ok(earlier);
    }
    let (version, one, other) = (&earlier.version, &earlier.checksum, &later.checksum);
    let message = format!("the models took up different weights as policy `{version}`: checksums {one} and {other}");
    Err(Failure::new(FailureKind::Malformed, message))
}
