//! An editor that is a plugin.

use std::sync::Arc;
use std::time::Instant;

use editscale_core::{
    AdoptedPolicy, BoxFuture, Candidate, CandidateId, Cost, EditBackend, EditBatch, EditItem, EditorCard, EditorName,
    Failure, FailureKind, PauseSupport, PolicySupport, PolicyWeights, Recovery, RunId, Watch,
};
use editscale_sdk::protocol::{Answer, Card, EditParameters, Edited, Feature, FromHost, Method, Outcome, PluginKind};

use crate::calls::{Held, Hook};
use crate::convert::cards::{editor_card, support};
use crate::convert::edits;
use crate::convert::failures::{failure, lie};
use crate::convert::pictures::Outgoing;
use crate::opening::{Plugin, Role};
use crate::quarantine::{Key, edit_key};
use crate::session::{NotSent, Session};
use crate::supervise::{Health, Host, InForce, Phase, PluginError, lock};
use crate::work::{Desk, Trade, up};

/// An editor in a process of its own.
#[derive(Debug)]
pub struct PluginEditor {
    host: Host,
    adopts: PolicySupport,
    trade: Arc<Edits>,
}

/// What edits are, to a plugin.
#[derive(Debug)]
struct Edits {
    card: EditorCard,
}

impl Trade for Edits {
    type Item = EditItem;
    type Said = Edited;
    type Made = Candidate;

    fn most(&self) -> Cost {
        self.card.cost
    }

    fn may_repeat(&self) -> bool {
        self.card.recovery == Recovery::Repeat
    }

    fn key(&self, item: &EditItem) -> Key {
        edit_key(item)
    }

    fn units(&self, items: &[EditItem]) -> Vec<Vec<usize>> {
        (0..items.len()).map(|place| vec![place]).collect()
    }

    fn method(&self, items: &[EditItem], pictures: &mut Outgoing<'_>) -> Result<Method, Failure> {
        let items = items.iter().map(|item| edits::item(item, pictures)).collect::<Result<_, _>>()?;
        Ok(Method::Edit(EditParameters { images: Vec::new(), items }))
    }

    fn outcomes(&self, answer: Answer) -> Option<Vec<Outcome<Edited>>> {
        match answer {
            Answer::Edited { items, .. } => Some(items),
            _ => None,
        }
    }

    fn read(&self, said: Edited, session: &Session) -> Result<Candidate, String> {
        if said.trajectory.is_some() && !session.can(Feature::Trajectories) {
            return Err("it told a trajectory without the feature `trajectories`".into());
        }
        edits::candidate(said, &self.card, &session.spool)
    }
}

impl PluginEditor {
    /// Starts the plugin and waits until it has loaded what it needs. Dropping the editor ends it.
    pub fn start(name: &EditorName, plugin: Plugin) -> Result<Self, PluginError> {
        let role = Role { kind: PluginKind::Editor, name: name.to_string() };
        let mut found = None;
        let host = Host::start(plugin, role, |said| {
            let Card::Editor(said) = said else {
                return Err("it is that of a reward: expected that of an editor".into());
            };
            let card = editor_card(name, said)?;
            let slots = card.slots.get();
            found = Some((card, support(said.adopts)));
            Ok(slots)
        })?;
        // The host is there only if the card was read.
        let Some((card, adopts)) = found else { return Err(PluginError::new(name.to_string(), "has no card")) };
        Ok(Self { host, adopts, trade: Arc::new(Edits { card }) })
    }

    /// How the plugin has done since it was first ready.
    pub fn health(&self) -> Health {
        self.host.shared.health()
    }

    /// The number of its process while it is up.
    pub fn process(&self) -> Option<i32> {
        self.host.shared.process()
    }

    async fn take_up(&self, weights: &PolicyWeights) -> Result<AdoptedPolicy, Failure> {
        if let Some(refusal) = self.adopts.refusal(&self.trade.card.name, weights) {
            return Err(refusal);
        }
        let shared = &self.host.shared;
        let crashed = |words: String| Failure::new(FailureKind::Crashed, words);
        let credits = Arc::clone(&shared.credits).acquire_many_owned(shared.slots);
        let permit = credits.await.map_err(|error| crashed(error.to_string()))?;
        let session = up(shared).await?;
        let asked = edits::weights(weights);
        let deadline = Instant::now() + session.limits.call;
        let held = Held { items: 1, unit: None, deadline, permit, files: Vec::new(), hook: Some(self.hook(weights)) };
        let line = session.call(Method::Adopt(asked), held).map_err(|not_sent| match not_sent {
            NotSent::Over => crashed(format!("the plugin `{}` died before it took up {weights}", shared.name())),
            NotSent::Unfit(error) => Failure::new(FailureKind::Invalid, error.to_string()),
        })?;
        let died =
            |reason: &str| crashed(format!("the plugin `{}` died while it took up {weights}: {reason}", shared.name()));
        let reply = line.reply.await.map_err(|_| died("its session ended"))?;
        match reply.map_err(|death| died(&death.reason))?.answer {
            Answer::Adopted { weights: said, .. } => {
                edits::adopted(&said, &weights.version).map_err(|what| lie(shared.name(), &what))
            }
            Answer::Failed { why, .. } => Err(failure(&why, Cost::default())),
            _ => Err(lie(shared.name(), "it is the answer to another kind of call")),
        }
    }

    /// Keeps what is in force before anybody hears of it, so that a plugin that is started again at once takes it up.
    fn hook(&self, weights: &PolicyWeights) -> Hook {
        let (in_force, asked) = (Arc::clone(&self.host.shared.in_force), edits::weights(weights));
        Box::new(move |answer| {
            if let Answer::Adopted { weights, .. } = answer
                && let Ok(taken) = edits::adopted(weights, &asked.version)
            {
                *lock(&in_force) = Some(InForce { asked, taken });
            }
        })
    }
}

impl EditBackend for PluginEditor {
    fn card(&self) -> &EditorCard {
        &self.trade.card
    }

    fn edit<'a>(&'a self, batch: EditBatch, watch: &'a dyn Watch) -> BoxFuture<'a, Vec<Result<Candidate, Failure>>> {
        Box::pin(async move { Desk { shared: &self.host.shared, trade: &self.trade, watch }.work(&batch.items).await })
    }

    fn release(&self, paused: &[(RunId, CandidateId)]) {
        let can_pause = self.trade.card.pause != PauseSupport::None;
        // A plugin that is being started again has lost them all.
        if let Phase::Up(session) = &*self.host.shared.phase.borrow()
            && can_pause
            && !paused.is_empty()
        {
            session.say(&FromHost::Release(edits::paused(paused)));
        }
    }

    fn adopts(&self) -> PolicySupport {
        self.adopts
    }

    fn adopt<'a>(&'a self, weights: &'a PolicyWeights) -> BoxFuture<'a, Result<AdoptedPolicy, Failure>> {
        Box::pin(self.take_up(weights))
    }

    fn trouble(&self) -> Option<String> {
        self.host.shared.trouble()
    }
}
