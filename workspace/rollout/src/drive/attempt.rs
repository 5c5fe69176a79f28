//! One item carried out: its row fetched, its run made or gone on with, and its group put into the depot.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use editscale_core::{
    EditRequest, EncodedImage, Ending, Failure, FailureKind, Instruction, Outcome, RunId, Seed, Until,
};
use editscale_engine::{EngineError, RunDirectory, RunRecord, StopSignal, read_run};

use super::trouble::{Remedy, io, remedy};
use super::{Drive, DriveError};
use crate::dataset::PictureProblem;
use crate::group::{MadeBy, PolicyStamp};
use crate::identity::{Asked, group_id, resampled_seed, rollout_id, row_seed};
use crate::pack::Pack;
use crate::queue::{Done, End, GiveBack, Lease, Spent};
use crate::row::Row;
use crate::rows::{Rows, Unfetched, check_mask, fetch, source_name};
use crate::written::{About, WriteDownError, pack, rewards, spent};

/// What came of an attempt.
#[derive(Debug)]
pub(super) enum Came {
    /// The item has ended.
    Ended {
        /// How.
        end: End,
        /// The folder of its runs, which nobody needs any more.
        work: Option<PathBuf>,
    },
    /// It goes back into the queue.
    Back(GiveBack),
}

impl Came {
    fn skipped(reason: String) -> Self {
        Self::Ended { end: End::Skipped { reason }, work: None }
    }
}

/// How long an item waits whose run is in somebody else's hands, such as those of a worker that is just dying.
const IN_USE: Duration = Duration::from_secs(2);

/// How often an item is handed out whose picture's server or disk does not answer.
const PICTURE_DELIVERIES: u32 = 3;

/// How often a group is made anew whose candidates were all lost on their way to or from a server, such as by a kill.
const LOST: u32 = 2;

/// The longest that an item waits to be tried again.
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// A row with its pictures, checked.
struct Ready {
    row: Row,
    instruction: Instruction,
    source: EncodedImage,
    mask: Option<EncodedImage>,
    seed: Seed,
}

/// Carries an item out.
pub(super) async fn attempt(
    drive: &Drive,
    lease: &Lease,
    stamp: &PolicyStamp,
    stop: StopSignal,
) -> Result<Came, DriveError> {
    let mut asked_to_stop = stop.clone();
    let ready = tokio::select! {
        ready = ready(drive, lease) => ready?,
        // A server of pictures may take its time; nothing has been done that could be lost.
        () = asked_to_stop.stopped() => return Ok(Came::Back(GiveBack::Stopping)),
    };
    let ready = match ready {
        Ok(ready) => ready,
        Err(came) => return Ok(came),
    };
    Attempt { drive, lease, stamp, stop, ready: &ready }.carry_out().await
}

/// A row with its pictures, or what comes of an item without.
async fn ready(drive: &Drive, lease: &Lease) -> Result<Result<Ready, Came>, DriveError> {
    let row = match fetch(&drive.rows, &drive.depot, &lease.item.place, lease.item.row).await {
        Ok(row) => row,
        Err(Unfetched::Row(problem)) => return Ok(Err(Came::skipped(problem.to_string()))),
        Err(Unfetched::Depot(error)) => return Err(error.into()),
    };
    Ok(match make_ready(drive, row, lease).await {
        Ok(ready) => Ok(ready),
        Err(PictureProblem::Unusable(reason)) => Err(Came::skipped(format!("{}: {reason}", shown(drive, lease)))),
        // It was asked for several times already each time: a picture is not worth holding a shard up for long.
        Err(PictureProblem::Away(reason)) if lease.delivery >= PICTURE_DELIVERIES => {
            let (reason, deliveries) = (format!("{}: {reason}", shown(drive, lease)), lease.delivery);
            Err(Came::Ended { end: End::Dead { reason, deliveries, spent: Spent::default() }, work: None })
        }
        Err(PictureProblem::Away(reason)) => Err(later(drive, lease, (reason, Spent::default()))),
    })
}

/// Where a row stands, for people. A row that travels is told by its number.
fn shown(drive: &Drive, lease: &Lease) -> String {
    match &drive.rows {
        Rows::Dataset(dataset) => dataset.spot(&lease.item.place),
        _ => format!("row {}", lease.item.row),
    }
}

async fn make_ready(drive: &Drive, row: Row, lease: &Lease) -> Result<Ready, PictureProblem> {
    let unusable = PictureProblem::Unusable;
    let instruction = Instruction::new(&row.instruction).map_err(|error| unusable(error.to_string()))?;
    let own = row.seed.map(Seed::new).transpose().map_err(|error| unusable(error.to_string()))?;
    let source = drive.pictures.load(&row.source).await?;
    let mask = match &row.mask {
        None => None,
        Some(mask) => Some(drive.pictures.load(mask).await.map_err(of_the_mask)?),
    };
    if let Some(mask) = &mask {
        check_mask(mask, source.size).map_err(unusable)?;
        if let Some(editor) = drive.workshop.editors.iter().find(|editor| !editor.card().masks) {
            let name = &editor.card().name;
            return Err(unusable(format!("the row has a mask, and editor `{name}` does not honour masks")));
        }
    }
    let seed = row_seed(own, drive.rules.seed, &row.id, lease.item.repeat);
    Ok(Ready { row, instruction, source, mask, seed })
}

fn of_the_mask(problem: PictureProblem) -> PictureProblem {
    match problem {
        PictureProblem::Unusable(reason) => PictureProblem::Unusable(format!("the mask: {reason}")),
        PictureProblem::Away(reason) => PictureProblem::Away(format!("the mask: {reason}")),
    }
}

/// What comes of an item whose trouble may pass: it waits, longer each time, until it has been tried as often as it may be.
fn later(drive: &Drive, lease: &Lease, (reason, spent): (String, Spent)) -> Came {
    let deliveries = lease.delivery;
    if deliveries >= drive.rules.deliveries {
        let reason = format!("{}: {reason}", shown(drive, lease));
        return Came::Ended { end: End::Dead { reason, deliveries, spent }, work: None };
    }
    let after = Duration::from_secs(5).saturating_mul(1 << deliveries.min(7)).min(LONGEST_WAIT);
    drive.reporter.trouble(&format!("{}: {reason}: tried again later", shown(drive, lease)));
    // What was spent is in the run's journal, with which the next delivery goes on.
    Came::Back(GiveBack::Again { after, reason, spent: Spent::default() })
}

struct Attempt<'a> {
    drive: &'a Drive,
    lease: &'a Lease,
    stamp: &'a PolicyStamp,
    stop: StopSignal,
    ready: &'a Ready,
}

/// A run that has come to its end, in its folder.
struct Ran {
    path: PathBuf,
    record: RunRecord,
    outcome: Outcome,
}

impl Attempt<'_> {
    async fn carry_out(&self) -> Result<Came, DriveError> {
        let ready = self.ready;
        let identity = self.drive.workshop.identity();
        let asked = Asked {
            source: editscale_engine::digest_of(&ready.source.bytes),
            mask: ready.mask.as_ref().map(|mask| editscale_engine::digest_of(&mask.bytes)),
            instruction: &ready.instruction,
            row: self.lease.item.row,
            row_id: &ready.row.id,
            repeat: self.lease.item.repeat,
            seed: ready.seed,
        };
        let id = rollout_id(&asked, &identity, self.stamp).to_string();
        let key = format!("packs/{}/{id}", id.get(..2).unwrap_or_default());
        let work = self.drive.folders.work.join(&id);
        if let Some(done) = self.found(&key).await? {
            return Ok(Came::Ended { end: End::Done(done), work: Some(work) });
        }
        let about = About {
            group_id: group_id(&asked, &identity).to_string(),
            row: self.lease.item.row,
            row_id: ready.row.id.clone(),
            repeat: self.lease.item.repeat,
            resampled: 0,
            recipe: identity.recipe.to_string(),
            policy: self.stamp.clone(),
            mask_name: ready.row.mask.as_ref().and_then(crate::row::RowPicture::name),
            spent_before: Spent::default(),
            extra: ready.row.extra.clone(),
            made: MadeBy { worker: self.drive.worker.clone(), delivery: self.lease.delivery, ..MadeBy::default() },
            rollout_id: id,
        };
        self.sample(about, key, work).await
    }

    /// What was made of this item before, by a worker that died before it could say so.
    async fn found(&self, key: &str) -> Result<Option<Done>, DriveError> {
        let Some(bytes) = self.drive.depot.get(key).await? else { return Ok(None) };
        match Pack::decode(bytes) {
            Ok(pack) => Ok(Some(done(key, &pack))),
            Err(error) => {
                self.drive.reporter.tell(&format!("the pack {key} is damaged and is made anew: {error}"));
                self.drive.depot.delete(key).await?;
                Ok(None)
            }
        }
    }

    /// Makes the group, again with other seeds while its rewards do not differ.
    async fn sample(&self, mut about: About, key: String, work: PathBuf) -> Result<Came, DriveError> {
        let mut was_begun_anew = false;
        loop {
            let ran = match self.run(&about, &work).await? {
                Run::Ended(ran) => ran,
                Run::Stopped => return Ok(Came::Back(GiveBack::Stopping)),
                // A worker that was thought dead and only slept: however long that takes, it is not the row's fault.
                Run::InUse => return Ok(Came::Back(GiveBack::InUse { after: IN_USE })),
            };
            if let Some(Vain::Lost(_)) = vain(&ran.record)
                && about.resampled < self.drive.rules.resample + LOST
            {
                about.spent_before += spent(&ran.outcome.ledger);
                about.resampled += 1;
                continue;
            }
            if let Some(vain) = vain(&ran.record) {
                return Ok(self.in_vain(vain, &about, &ran.outcome));
            }
            if about.resampled < self.drive.rules.resample && self.is_flat(&ran.record) {
                about.spent_before += spent(&ran.outcome.ledger);
                about.resampled += 1;
                continue;
            }
            let pack = match self.pack(&ran, about.clone())? {
                Ok(pack) => pack,
                // What cannot be written down twice would be made and paid for ever.
                Err(error) if was_begun_anew => return Err(error.into()),
                Err(error) => {
                    was_begun_anew = true;
                    self.begin_anew(&ran.path, &error.to_string())?;
                    continue;
                }
            };
            if let Some(reason) = unjudged(&ran.record) {
                let row = shown(self.drive, self.lease);
                self.drive.reporter.trouble(&format!("{row}: no candidate has a score: {reason}"));
            }
            let done = done(&key, &pack);
            let bytes = tokio::task::spawn_blocking(move || pack.encode()).await;
            let bytes = bytes.map_err(|panic| DriveError::Task(panic.to_string()))??;
            self.drive.depot.put_if_absent(&key, Bytes::from(bytes)).await?;
            return Ok(Came::Ended { end: End::Done(done), work: Some(work) });
        }
    }

    fn pack(&self, ran: &Ran, mut about: About) -> Result<Result<Pack, WriteDownError>, DriveError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        about.made.finished_unix_secs = now.as_secs_f64();
        let objective = &self.drive.workshop.objective;
        // A few files of one group: shorter than handing it to another thread would be worth.
        let packed = pack(&ran.path, (&ran.record, &ran.outcome), (objective, &self.drive.rules.measures), about);
        match packed {
            Err(error @ WriteDownError::Trajectory { .. }) => Err(error.into()),
            other => Ok(other),
        }
    }

    /// Whether at least two rewards are known and they do not differ.
    fn is_flat(&self, record: &RunRecord) -> bool {
        let rewards = rewards(record, &*self.drive.workshop.objective);
        rewards.iter().flatten().count() >= 2
            && crate::advantage::is_flat(&rewards, self.drive.rules.measures.flat_below)
    }

    fn in_vain(&self, vain: Vain, about: &About, outcome: &Outcome) -> Came {
        let mut all = about.spent_before;
        all += spent(&outcome.ledger);
        let deliveries = self.lease.delivery;
        match vain {
            Vain::MayPass(reason) => later(self.drive, self.lease, (reason, all)),
            Vain::Lost(reason) | Vain::Final(reason) => {
                let reason = format!("{}: {reason}", shown(self.drive, self.lease));
                Came::Ended { end: End::Dead { reason, deliveries, spent: all }, work: None }
            }
        }
    }

    /// Carries out the run of this sampling, from its beginning or from where its journal ends.
    async fn run(&self, about: &About, work: &std::path::Path) -> Result<Run, DriveError> {
        let path = work.join(about.resampled.to_string());
        let mut was_begun_anew = false;
        loop {
            let error = match self.run_once(about, &path).await {
                Ok(run) => return Ok(run),
                Err(error) => error,
            };
            match remedy(&error) {
                Remedy::Wait => return Ok(Run::InUse),
                Remedy::BeginAnew if !was_begun_anew => {
                    was_begun_anew = true;
                    self.begin_anew(&path, &error.to_string())?;
                }
                Remedy::BeginAnew | Remedy::GiveUp => return Err(error.into()),
            }
        }
    }

    fn begin_anew(&self, path: &std::path::Path, why: &str) -> Result<(), DriveError> {
        self.drive.reporter.tell(&format!("a run under way is of no use any more and is begun anew: {why}"));
        match std::fs::remove_dir_all(path) {
            // Whoever else was at it has ended the item meanwhile.
            Err(gone) if gone.kind() == std::io::ErrorKind::NotFound => Ok(()),
            other => other.map_err(io("remove", path)),
        }
    }

    async fn run_once(&self, about: &About, path: &std::path::Path) -> Result<Run, EngineError> {
        let (mut directory, job) = self.open(about, path)?;
        let outcome = editscale_engine::run(&job, &mut directory, self.stop.clone()).await?;
        drop(directory);
        if outcome.ending == Ending::Cancelled {
            return Ok(Run::Stopped);
        }
        Ok(Run::Ended(Box::new(Ran { path: path.to_owned(), record: read_run(path)?, outcome })))
    }

    fn open(
        &self,
        about: &About,
        path: &std::path::Path,
    ) -> Result<(RunDirectory, editscale_engine::Job), EngineError> {
        let is_begun = path.join("run.json").is_file();
        let (directory, recorded) = if is_begun {
            let (directory, recorded) = RunDirectory::open(path)?;
            (directory, Some(recorded))
        } else {
            (RunDirectory::create(path)?, None)
        };
        let ready = self.ready;
        let images = directory.images();
        let request = EditRequest {
            source: images.put(&ready.source)?,
            instruction: ready.instruction.clone(),
            mask: ready.mask.as_ref().map(|mask| images.put(mask)).transpose()?,
            output_size: None,
            seed: resampled_seed(ready.seed, about.resampled),
        };
        let name = source_name(&ready.row, ready.source.media);
        let (manifest, job) = self.drive.workshop.job(run_id(about), request, name);
        match recorded {
            Some(recorded) => directory.check_same(&recorded, &manifest)?,
            None => directory.begin(&manifest)?,
        }
        Ok((directory, job))
    }
}

/// A run's name: unique, for states that editors keep by it.
fn run_id(about: &About) -> RunId {
    let short = about.rollout_id.get(..40).unwrap_or(&about.rollout_id);
    let name = format!("{short}-{}", about.resampled);
    RunId::new(&name).unwrap_or_else(|_| unreachable!("hexadecimal digits, a dash and a number are a name"))
}

/// How a run came out.
enum Run {
    Ended(Box<Ran>),
    /// It was asked to stop, and can be gone on with.
    Stopped,
    /// Another process has its folder.
    InUse,
}

/// Why nothing came of a run.
enum Vain {
    /// Something was away that may come back.
    MayPass(String),
    /// What was made is lost between here and a server, paid or not: other candidates may fare better.
    Lost(String),
    /// The same would come of it again.
    Final(String),
}

/// Why a run has nothing to show; nothing where it has a picture and all was judged that could be.
fn vain(record: &RunRecord) -> Option<Vain> {
    let finished = || record.candidates.iter().filter(|candidate| candidate.proposal.until == Until::Finished);
    let is_judged = |card: &editscale_core::ScoreCard| card.iter().any(|(_, said)| said.is_ok());
    if finished().any(|candidate| is_judged(&candidate.card)) {
        return None;
    }
    let edits = record.candidates.iter().filter_map(|candidate| candidate.made.as_ref()?.as_ref().err());
    let judged = record.candidates.iter().flat_map(|candidate| candidate.card.iter());
    let failures: Vec<&Failure> = edits.chain(judged.filter_map(|(_, said)| said.as_ref().err())).collect();
    let may_pass = failures.iter().find(|failure| failure.kind.may_pass());
    if let Some(failure) = may_pass {
        return Some(Vain::MayPass(failure.to_string()));
    }
    if let Some(lost) = failures.iter().find(|failure| failure.kind == FailureKind::Ambiguous) {
        return Some(Vain::Lost(lost.to_string()));
    }
    let has_picture = finished().any(|candidate| matches!(candidate.made, Some(Ok(_))));
    if has_picture {
        return None;
    }
    let why = failures.first().map_or_else(|| "the search asked for nothing".to_owned(), ToString::to_string);
    Some(Vain::Final(format!("no candidate could be made: {why}")))
}

/// Why none of a run's pictures has a score; nothing where one has, or where nothing was asked of rewards.
fn unjudged(record: &RunRecord) -> Option<String> {
    let said = || record.candidates.iter().flat_map(|candidate| candidate.card.iter());
    let failure = said().find_map(|(name, said)| said.as_ref().err().map(|why| format!("reward `{name}`: {why}")));
    failure.filter(|_| said().all(|(_, said)| said.is_err()))
}

fn done(key: &str, pack: &Pack) -> Done {
    let candidates = pack.group.candidates.iter().filter(|candidate| candidate.reward.is_some()).count() as u32;
    Done { pack: key.to_owned(), candidates, spent: pack.group.spent }
}
