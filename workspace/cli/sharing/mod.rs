//! What the commands over whole data sets have in common: who does which share, where work waits, and what is written down so
//! that nobody mixes it with other work.

mod reporter;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use editscale_engine::digest_of;
use editscale_rollout::depot::{Depot, DepotError};
use editscale_rollout::drive::{DriveError, Roles};
use editscale_rollout::queue::{NatsQueue, QueueError, QueueRules, ShardQueue, Sharding, SqliteQueue, WorkQueue};
use editscale_rollout::{Defines, DefinitionError};

pub(crate) use self::reporter::Reports;
use crate::args::{RoleWord, Sharing};
use crate::failure::{Misuse, tell};

/// What to do where something else is going on already.
const BEGIN_ELSEWHERE: &str = "give another --out (and --depot), or what it was begun with";

/// Folders of a process.
pub(crate) struct Own {
    /// What processes of one queue agree by.
    pub(crate) state: PathBuf,
    /// Where it is told how far the queue is.
    pub(crate) progress: PathBuf,
}

impl Sharing {
    /// What this process takes part in.
    pub(crate) fn roles(&self) -> Roles {
        match self.role.unwrap_or(RoleWord::All) {
            RoleWord::All => Roles { feed: true, work: true, export: true },
            RoleWord::Feed => Roles { feed: true, work: false, export: false },
            RoleWord::Work => Roles { feed: false, work: true, export: false },
            RoleWord::Export => Roles { feed: false, work: false, export: true },
        }
    }

    /// Whether it works and does nothing else.
    pub(crate) fn is_worker_alone(&self) -> bool {
        self.role == Some(RoleWord::Work)
    }

    /// Whether work waits on a server.
    pub(crate) fn has_server(&self) -> bool {
        ["nats://", "tls://"].iter().any(|scheme| self.queue.starts_with(scheme))
    }

    /// Refuses a queue that cannot be one.
    pub(crate) fn check_queue(&self) -> Result<()> {
        if self.queue != "sqlite" && !self.has_server() {
            bail!(Misuse::new(format!("--queue {}: expected `sqlite` or nats://HOST:PORT", self.queue)));
        }
        if self.has_server()
            && let Err(reason) = NatsQueue::check_address(&self.queue)
        {
            bail!(Misuse::new(format!("--queue: {reason}")));
        }
        Ok(())
    }

    /// Which share of the items is this process's.
    pub(crate) fn share(&self) -> Result<Option<Sharding>> {
        let Some(text) = &self.shard else { return Ok(None) };
        if text != "auto" {
            return Ok(Some(
                text.parse::<Sharding>().map_err(|error| Misuse::new(format!("--shard {text}: {error}")))?,
            ));
        }
        let found = Sharding::from_environment(|name| std::env::var(name).ok());
        let found = found.map_err(|error| Misuse::new(format!("--shard auto: {error}")))?;
        let found = found.ok_or_else(|| {
            Misuse::new("--shard auto: no variable of Slurm, Kubernetes or SkyPilot tells this process's share")
                .hint("give it as I/N, such as --shard 0/8; docs/scale.md has the variables")
        })?;
        let variables: Vec<String> = found.from.iter().map(|(name, value)| format!("{name}={value}")).collect();
        tell(&format!("share {} of {}, by {}", found.sharding.index(), found.sharding.count(), variables.join(", ")));
        Ok(Some(found.sharding))
    }

    /// The depot that is named, or the usual one in `out`, which is made with it.
    pub(crate) fn open_depot(&self, out: &Path) -> Result<Depot> {
        let usual = || out.join("depot").display().to_string();
        let text = self.depot.clone().unwrap_or_else(usual);
        Depot::open(&text).map_err(|error| Misuse::new(format!("--depot: {error}")).into())
    }

    /// How patient the queue is.
    pub(crate) fn rules(&self) -> QueueRules {
        QueueRules { lease: Duration::from_secs(self.lease_secs), deliveries: self.deliveries }
    }

    /// The queue of this name.
    pub(crate) async fn open_queue(
        &self,
        share: Option<Sharding>,
        (state, depot): (&Path, &Depot),
        name: &str,
    ) -> Result<Arc<dyn WorkQueue>> {
        let rules = self.rules();
        Ok(match (share, self.queue.as_str()) {
            (Some(_), _) => Arc::new(ShardQueue::open(state, rules, name)?),
            (None, "sqlite") => Arc::new(SqliteQueue::open(&state.join("queue.sqlite"), rules, name)?),
            (None, address) => {
                let name = name_of_its_own(name, depot).await?;
                Arc::new(NatsQueue::connect(address, &name, rules).await?)
            }
        })
    }

    /// Writes down what is going on, or makes sure that it is the same as was begun: in `out`, and in a depot that others see.
    pub(crate) async fn begin<D: Defines>(&self, definition: &D, out: &Path, depot: &Depot) -> Result<()> {
        let misuse = |error: DefinitionError| Misuse::new(error.to_string()).hint(BEGIN_ELSEWHERE);
        definition.begin(out).map_err(misuse)?;
        if !self.has_server() && self.depot.is_none() {
            return Ok(());
        }
        if depot.put_if_absent(D::FILE, Bytes::from(definition.to_json())).await? {
            return Ok(());
        }
        let place = format!("{} in the depot", D::FILE);
        let recorded = depot.get(D::FILE).await?.with_context(|| format!("{} has gone from the depot", D::FILE))?;
        let recorded = D::from_json(&recorded, &place).map_err(misuse)?;
        Ok(definition.check_same(&recorded, &place).map_err(misuse)?)
    }
}

/// Folders of a process below `out`, made where they are not there: those of its share, where it has one.
pub(crate) fn own_folders(out: &Path, share: Option<Sharding>) -> Result<Own> {
    let own = share.map_or_else(String::new, |share| format!("-{}-of-{}", share.index(), share.count()));
    let own = Own { state: out.join(format!("state{own}")), progress: out.join(format!("progress{own}.json")) };
    make_folder(out)?;
    make_folder(&own.state)?;
    Ok(own)
}

/// Makes a folder where there is none.
pub(crate) fn make_folder(folder: &Path) -> Result<()> {
    let failed = |error| Misuse::new(format!("cannot create the folder {}: {error}", folder.display()));
    Ok(std::fs::create_dir_all(folder).map_err(failed)?)
}

/// The program's name and version.
pub(crate) fn program() -> String {
    format!("editscale {}", env!("CARGO_PKG_VERSION"))
}

/// A queue's name on a server that many runs share: the same for all who work with one depot, and another for whoever begins
/// the same run anew elsewhere, whose rows the server would otherwise take for done.
async fn name_of_its_own(name: &str, depot: &Depot) -> Result<String> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let chance = digest_of(format!("{name} {} {since:?}", std::process::id()).as_bytes()).to_string();
    depot.put_if_absent(RUN, Bytes::from(chance)).await?;
    let run = depot.get(RUN).await?.context("the name of the run has gone from the depot")?;
    Ok(digest_of(&[name.as_bytes(), &run].concat()).to_string())
}

/// What the depot calls the name by which its run differs from equal ones.
const RUN: &str = "run";

/// What the depot calls the editors and rewards of its rows.
const REVISIONS: &str = "revisions";

/// Makes sure that all workers edit and judge with the same, of which `present` has a line each: rows of two versions of a model in
/// one data set would be told apart by nobody. `what` was begun, in the plural.
pub(crate) async fn check_revisions(present: &[String], what: &str, depot: &Depot) -> Result<()> {
    let present = present.join("\n");
    if depot.put_if_absent(REVISIONS, Bytes::from(present.clone())).await? {
        return Ok(());
    }
    let recorded = depot.get(REVISIONS).await?.unwrap_or_default();
    let recorded = String::from_utf8_lossy(&recorded).into_owned();
    let differing = recorded.lines().zip(present.lines()).find(|(old, new)| old != new);
    match differing {
        None if recorded.lines().count() == present.lines().count() => Ok(()),
        other => {
            let (old, new) = other.unwrap_or((&recorded, &present));
            bail!(
                Misuse::new(format!("the {what} were begun with `{old}`, and this worker has `{new}`"))
                    .hint("give all workers the same program and weights, or begin another --out (and --depot)")
            )
        }
    }
}

/// What was recorded of editors and rewards, a line each; nothing where nobody worked yet.
pub(crate) async fn recorded_revisions(depot: &Depot) -> Result<Vec<String>> {
    let recorded = depot.get(REVISIONS).await?.unwrap_or_default();
    Ok(String::from_utf8_lossy(&recorded).lines().map(ToOwned::to_owned).collect())
}

/// Whether something could not be reached that may be there again later.
pub(crate) fn is_away(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        matches!(cause.downcast_ref(), Some(QueueError::Away { .. }))
            || matches!(cause.downcast_ref(), Some(DepotError::Away { .. }))
            || cause.downcast_ref().is_some_and(is_drive_away)
    })
}

/// The same of the error of a drive.
pub(crate) fn is_drive_away(error: &DriveError) -> bool {
    matches!(error, DriveError::Queue(QueueError::Away { .. }) | DriveError::Depot(DepotError::Away { .. }))
}
