//! Runs that ended long ago are removed, where the settings say so: a server that is never stopped would fill its disk.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use editscale_core::RunId;

use super::registry::Runs;

/// How often is looked.
const EVERY: Duration = Duration::from_secs(600);

/// When a run was accepted, by its name; nothing where the name is not one that this server gives.
fn accepted(id: &RunId) -> Option<SystemTime> {
    let millis = id.as_str().strip_prefix('r')?.get(..12)?;
    UNIX_EPOCH.checked_add(Duration::from_millis(u64::from_str_radix(millis, 16).ok()?))
}

impl Runs {
    /// Removes what ended and was accepted before this. How many runs that were.
    pub(crate) fn remove_before(&self, time: SystemTime) -> usize {
        let old: Vec<RunId> = self.all().into_iter().filter(|id| accepted(id).is_some_and(|at| at < time)).collect();
        old.iter().filter(|id| self.remove(id)).count()
    }

    /// Removes from now on what was accepted longer ago than the settings keep it, for as long as there is a runtime.
    pub(crate) fn expire(&self) {
        let Some(keep) = self.settings().keep else { return };
        let runs = self.clone();
        tokio::spawn(async move {
            let mut looks = tokio::time::interval(EVERY);
            loop {
                looks.tick().await;
                let (runs, Some(time)) = (runs.clone(), SystemTime::now().checked_sub(keep)) else { continue };
                let removed = tokio::task::spawn_blocking(move || runs.remove_before(time)).await.unwrap_or_default();
                if removed > 0 {
                    tracing::info!(removed, "runs that ended long ago are removed");
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_when_a_run_was_accepted() {
        let at = accepted(&RunId::new("r01a21515df83d978e01abc7c").unwrap()).unwrap();
        assert_eq!(at.duration_since(UNIX_EPOCH).unwrap().as_millis(), 0x01a2_1515_df83);
        for other in ["coffee-12", "r12", "rzzzzzzzzzzzz"] {
            assert!(accepted(&RunId::new(other).unwrap()).is_none(), "{other}");
        }
    }
}
