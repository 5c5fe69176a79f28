//! From a checked wish to a run on disk, and from what is on disk to a run again.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use editscale_config::{Catalogue, Recipe};
use editscale_core::{EditRequest, Ending, RunId};
use editscale_engine::{Job, Limits, Manifest, Retry, RunDirectory, read_outcome};

use super::carry::reasons;
use super::live::{Live, State};
use super::record::{self, EndedBy, ServiceRecord};
use super::registry::{Ready, Runs};
use crate::offer::Offer;
use crate::refusal::Refusal;
use crate::telemetry::Meter;
use crate::wish::Asked;

impl Runs {
    /// Puts a run on disk and into the queue. Whoever asks again under the same key gets the same run. Writes files.
    pub(crate) fn accept(&self, asked: Asked) -> Result<Arc<Live>, Refusal> {
        let owner = asked.owner.clone();
        let claim = match &asked.idempotency {
            None => None,
            Some(key) => {
                if let Some(live) = self.earlier(&owner, key)? {
                    return Ok(live);
                }
                let claim = self.claim(&owner, key)?;
                // Whoever held the key until a moment ago may have put a run under it.
                if let Some(live) = self.earlier(&owner, key)? {
                    return Ok(live);
                }
                Some(claim)
            }
        };
        self.check_room(&owner)?;
        let ready = self.begin(asked)?;
        let (live, path) = (Arc::clone(&ready.live), ready.live.path().to_owned());
        let entered = self.enter(ready, false);
        drop(claim);
        if let Err(refusal) = entered {
            // It was never promised to anybody.
            discard(&path);
            return Err(refusal);
        }
        self.expire_in_time(&live);
        Ok(live)
    }

    /// Ends a run at its deadline, waiting or not.
    fn expire_in_time(&self, live: &Arc<Live>) {
        let (runs, live) = (self.clone(), Arc::clone(live));
        tokio::spawn(async move {
            let left = live.record().deadline();
            tokio::select! {
                _ = live.ended() => {}
                () = tokio::time::sleep(left) => {
                    let stop = move || runs.stop(&live, EndedBy::Deadline, State::Expired);
                    // It writes a file, which no thread of the runtime should wait for.
                    drop(tokio::task::spawn_blocking(stop));
                }
            }
        });
    }

    fn begin(&self, asked: Asked) -> Result<Ready, Refusal> {
        let id = new_id()?;
        let path = self.settings().runs_dir.join(id.as_str());
        let directory = RunDirectory::create(&path).map_err(Refusal::broken)?;
        let begun = self.fill(asked, id, directory);
        if begun.is_err() {
            discard(&path);
        }
        begun
    }

    fn fill(&self, asked: Asked, id: RunId, directory: RunDirectory) -> Result<Ready, Refusal> {
        let Asked { offer, recipe, source, mask, instruction, .. } = asked;
        let images = directory.images();
        let request = EditRequest {
            source: images.put(&source).map_err(Refusal::broken)?,
            instruction,
            mask: mask.map(|mask| images.put(&mask)).transpose().map_err(Refusal::broken)?,
            output_size: asked.size,
            seed: asked.seed,
        };
        let begun = Begun { run: id.clone(), request, source_name: asked.source_name, continues: asked.continues };
        let live = |record| Arc::new(Live::new(id, directory.path().to_owned(), record, State::Queued));
        let mut record = ServiceRecord::new(&offer.name, &asked.owner, asked.deadline);
        record.tied = asked.tied && asked.idempotency.is_none();
        record.idempotency = asked.idempotency;
        record.instruction = begun.request.instruction.to_string();
        record.continues.clone_from(&begun.continues);
        record.write(directory.path()).map_err(Refusal::broken)?;
        let live = live(record);
        live.events().set_meter(self.meter(&live));
        let (manifest, job) = begun.job(&offer, &recipe, &live);
        // From here on it is a run that outlives a kill.
        directory.begin(&manifest).map_err(Refusal::broken)?;
        let span = Ready::span_of(&live);
        Ok(Ready { live, job, directory, retain: recipe.settings().retain, span })
    }

    fn meter(&self, live: &Live) -> Meter {
        Meter::new(Arc::clone(self.telemetry()), live.recipe())
    }

    /// Takes up what an earlier life of the server left: runs that were accepted and have not ended go on, or are reported
    /// as failed. Returns how many go on.
    pub(crate) fn recover(&self, offers: &[Arc<Offer>], catalogue: &Catalogue) -> Result<usize, Refusal> {
        let folder = &self.settings().runs_dir;
        fs::create_dir_all(folder).map_err(|error| Refusal::broken(format!("{}: {error}", folder.display())))?;
        let entries =
            fs::read_dir(folder).map_err(|error| Refusal::broken(format!("{}: {error}", folder.display())))?;
        let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        // Names begin with the time at which a run was accepted.
        paths.sort();
        Ok(paths.iter().filter(|path| self.recover_one(path, offers, catalogue)).count())
    }

    /// Whether the run in this folder goes on.
    fn recover_one(&self, path: &Path, offers: &[Arc<Offer>], catalogue: &Catalogue) -> bool {
        let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| RunId::new(name).ok());
        let Some(id) = name else { return false };
        if is_ours(&id) && is_no_run(path) {
            // The server died before it had accepted this, or while it removed it.
            discard(path);
            return false;
        }
        let Some(record) = ServiceRecord::read(path) else {
            if is_ours(&id) {
                tracing::warn!(run = %id, "the service.json of a run cannot be read: the run is left alone");
            }
            return false;
        };
        if let Some(state) = ended_state(path, &record) {
            self.remember(&Live::new(id, path.to_owned(), record, state));
            return false;
        }
        let live = Arc::new(Live::new(id, path.to_owned(), record, State::Queued));
        live.events().set_meter(self.meter(&live));
        let resumed = if live.record().tied { Err(UNWANTED.to_owned()) } else { resume(&live, offers, catalogue) };
        match resumed.and_then(|ready| self.enter(ready, true).map_err(|refusal| refusal.to_string())) {
            Ok(()) => {
                self.expire_in_time(&live);
                true
            }
            Err(why) => {
                let why = format!("the run cannot go on: {why}");
                tracing::warn!(run = %live.id(), why, "run lost");
                live.end_by(EndedBy::Failure(why.clone()));
                self.end_idle(&live, State::Failed(why));
                self.remember(&live);
                false
            }
        }
    }
}

/// How a run ended in an earlier life, if it did.
pub(crate) fn ended_state(path: &Path, record: &ServiceRecord) -> Option<State> {
    let outcome = read_outcome(path).ok().flatten();
    if let Some(outcome) = outcome.filter(|outcome| outcome.ending == Ending::Search) {
        return Some(if outcome.winner().is_some() { State::Done } else { State::Failed(reasons(path)) });
    }
    match record.ended.clone()? {
        EndedBy::Caller => Some(State::Cancelled),
        EndedBy::Deadline => Some(State::Expired),
        EndedBy::Failure(why) => Some(State::Failed(why)),
    }
}

/// A run made ready to go on, under the recipe that it was begun with.
fn resume(live: &Arc<Live>, offers: &[Arc<Offer>], catalogue: &Catalogue) -> Result<Ready, String> {
    let name = live.recipe();
    let offer = offers.iter().find(|offer| offer.name == name);
    let offer = offer.ok_or_else(|| format!("its recipe `{name}` is not served any more"))?;
    let (directory, recorded) = RunDirectory::open(live.path()).map_err(|error| error.to_string())?;
    let parsed = Recipe::parse(recorded.resolved_recipe.as_bytes(), catalogue);
    let (recipe, _) = parsed.map_err(|_| "the recipe in run.json cannot be read".to_owned())?;
    let begun = Begun {
        run: recorded.run.clone(),
        request: recorded.request.clone(),
        source_name: recorded.source_name.clone(),
        continues: recorded.continues.clone(),
    };
    let (present, job) = begun.job(offer, &recipe, live);
    directory.check_same(&recorded, &present).map_err(|error| error.to_string())?;
    let (span, retain) = (Ready::span_of(live), recipe.settings().retain);
    Ok(Ready { live: Arc::clone(live), job, directory, retain, span })
}

/// What a run has from its beginning.
struct Begun {
    run: RunId,
    request: EditRequest,
    source_name: String,
    continues: Option<String>,
}

impl Begun {
    /// The run's record, and what the engine needs to carry it out.
    fn job(self, offer: &Offer, recipe: &Recipe, live: &Live) -> (Manifest, Job) {
        live.events().set_objective(recipe.objective());
        let ports = offer.ports(Arc::clone(live.events()) as _);
        let (editors, rewards) = Manifest::revisions(&ports.cards());
        let critics = Manifest::critics(&ports.cards());
        let retry = recipe.settings().retry;
        let retry = Retry { attempts: retry.attempts, base: retry.base_delay, most: retry.max_delay };
        let job = Job {
            run: self.run.clone(),
            request: Arc::new(self.request.clone()),
            search: recipe.search_factory(),
            ports,
            limits: Limits { budget: recipe.budget(), retry, whole_rounds: false },
        };
        let manifest = Manifest {
            run: self.run,
            program: format!("editscale {}", env!("CARGO_PKG_VERSION")),
            created: SystemTime::now(),
            request: self.request,
            source_name: self.source_name,
            recipe: offer.text.clone(),
            resolved_recipe: recipe.to_yaml(),
            search: recipe.search_factory().revision(),
            objective: recipe.objective().revision(),
            budget: recipe.budget(),
            editors,
            rewards,
            critics,
            continues: self.continues,
        };
        (manifest, job)
    }
}

/// Why a run does not go on whose caller waited for it and had no other way to it.
const UNWANTED: &str = "the server ended before it, and with that the connection of the client that waited for it";

/// Whether a folder has neither what was to be done nor anything to tell of it.
fn is_no_run(path: &Path) -> bool {
    let is_without = |file: &str| is_absent(&path.join(file));
    let is_untold = || ["journal.jsonl", "outcome.json"].into_iter().all(is_without);
    is_without("run.json") && (is_without(record::FILE) || is_untold())
}

/// Whether a file is surely not there.
fn is_absent(path: &Path) -> bool {
    matches!(path.try_exists(), Ok(false))
}

/// Removes a run's folder; whether all of it is gone. Without its `run.json` it is no run that could go on, should the server die
/// before the rest is gone: with the rest in whatever order, it could be taken for one that was promised and is to be made yet.
pub(super) fn discard(path: &Path) -> bool {
    fs::remove_file(path.join("run.json")).ok();
    fs::remove_dir_all(path).is_ok()
}

/// Whether a name can be one that [`new_id`] gave.
pub(crate) fn is_ours(id: &RunId) -> bool {
    let digits = id.as_str().strip_prefix('r').unwrap_or_default();
    digits.len() == 24 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// A name that no other run has: the time, so that names sort as runs were accepted, and chance.
fn new_id() -> Result<RunId, Refusal> {
    let chance = getrandom::u64().map_err(|error| Refusal::broken(format!("no random numbers: {error}")))?;
    let millis = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    RunId::new(&format!("r{millis:012x}{:012x}", chance >> 16)).map_err(Refusal::broken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_half_removed_cannot_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let (run, link) = (folder.path().join("run"), folder.path().join("link"));
        fs::create_dir(&run).unwrap();
        for file in ["journal.jsonl", "outcome.json", "run.json", "service.json"] {
            fs::write(run.join(file), "{}").unwrap();
        }
        // Of a link only the link goes with the folder: what is behind it is left as by a kill after the first step.
        std::os::unix::fs::symlink(&run, &link).unwrap();
        assert!(discard(&link));
        assert_eq!((run.join("run.json").exists(), run.join("service.json").exists()), (false, true));
        assert!(discard(&run) && !run.exists());
    }
}
