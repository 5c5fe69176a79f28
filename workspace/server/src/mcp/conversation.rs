//! Conversations: each has a budget over all of its calls, and a tree of edits. Over a connection that has sessions one is meant
//! without being named; others name it, as the results of tools do.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use editscale_core::Budget;

use super::purse::Purse;
use super::tree::Tree;
use super::trouble::Trouble;
use crate::runs::Owner;

/// So many of one caller are remembered; those that were used last.
const MOST: usize = 64;

/// One conversation. Shared by its calls.
#[derive(Debug)]
pub(crate) struct Conversation {
    pub(crate) id: String,
    pub(crate) owner: Owner,
    pub(crate) purse: Purse,
    tree: Mutex<Tree>,
    used: Mutex<Instant>,
}

impl Conversation {
    /// A new one, which nobody can find by its name yet.
    pub(crate) fn begin(owner: Owner, budget: Budget) -> Result<Arc<Self>, Trouble> {
        let chance = || getrandom::u64().map_err(|error| Trouble::new("server_failed", format!("no chance: {error}")));
        let id = format!("c{:016x}{:016x}", chance()?, chance()?);
        let (tree, used) = (Mutex::default(), Mutex::new(Instant::now()));
        Ok(Arc::new(Self { id, owner, purse: Purse::new(budget), tree, used }))
    }

    pub(crate) fn tree(&self) -> MutexGuard<'_, Tree> {
        self.tree.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn touch(&self) {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn used(&self) -> Instant {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The conversations that can be found by their names.
#[derive(Debug, Default)]
pub(crate) struct Conversations(Mutex<HashMap<String, Arc<Conversation>>>);

impl Conversations {
    fn book(&self) -> MutexGuard<'_, HashMap<String, Arc<Conversation>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers one, and forgets the one of the same caller that was not used for the longest time, where there are too many.
    pub(crate) fn keep(&self, conversation: &Arc<Conversation>) {
        conversation.touch();
        let mut book = self.book();
        book.insert(conversation.id.clone(), Arc::clone(conversation));
        let own = book.values().filter(|other| other.owner == conversation.owner);
        if own.clone().count() > MOST {
            let idle = own.filter(|other| other.id != conversation.id && !other.purse.is_busy());
            if let Some(oldest) = idle.min_by_key(|other| other.used()).map(|oldest| oldest.id.clone()) {
                book.remove(&oldest);
            }
        }
    }

    /// A conversation of this caller.
    pub(crate) fn find(&self, id: &str, owner: &Owner) -> Result<Arc<Conversation>, Trouble> {
        let found = self.book().get(id).filter(|found| found.owner == *owner).cloned();
        let found = found.ok_or_else(|| {
            let id: String = id.chars().take(80).collect();
            Trouble::absent(format!("there is no conversation `{id}`, or not any more: leave it out to begin one"))
        })?;
        found.touch();
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun(owner: &str) -> Arc<Conversation> {
        Conversation::begin(Owner(owner.to_owned()), Budget::default()).unwrap()
    }

    #[test]
    fn conversations_are_found_by_their_owner_alone() {
        let (all, mine) = (Conversations::default(), begun("me"));
        assert!(all.find(&mine.id, &mine.owner).is_err());
        all.keep(&mine);
        assert_eq!(all.find(&mine.id, &mine.owner).unwrap().id, mine.id);
        assert!(all.find(&mine.id, &Owner("you".to_owned())).is_err());
    }

    #[tokio::test]
    async fn those_that_are_used_are_remembered() {
        let (all, busy, first, other) = (Conversations::default(), begun("me"), begun("me"), begun("you"));
        [&other, &busy, &first].into_iter().for_each(|conversation| all.keep(conversation));
        let turn = busy.purse.turn().await;
        (0..MOST - 1).for_each(|_| all.keep(&begun("me")));
        assert!(all.find(&first.id, &first.owner).is_err(), "the oldest that nobody spends from");
        assert!(all.find(&busy.id, &busy.owner).is_ok() && all.find(&other.id, &other.owner).is_ok());
        drop(turn);
    }
}
