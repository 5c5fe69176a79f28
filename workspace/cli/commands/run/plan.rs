//! Making a drive ready: recipe, data set, queue, depot.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use editscale_config::Rollout;
use editscale_core::{Seed, Silent};
use editscale_engine::{Limits, Manifest, Retry, digest_of};
use editscale_fetch::Patience;
use editscale_picture::Limits as PictureLimits;
use editscale_rollout::dataset::{Dataset, Pictures};
use editscale_rollout::depot::Depot;
use editscale_rollout::drive::{Drive, DriveRules, Folders, Roles};
use editscale_rollout::queue::{NatsQueue, QueueRules, ShardQueue, Sharding, SqliteQueue, WorkQueue};
use editscale_rollout::{Definition, Rows, Workshop};
use editscale_schema::House;

use super::reporter::Reports;
use super::rules::{columns, export, measures, policy};
use crate::args::{RoleWord, Run};
use crate::failure::{Misuse, tell};
use crate::recipes::{self, Loaded};
use crate::world::{build, check_needs};

/// The fewest attempts at work that fails in a way that may pass: nobody waits for a data set, and a server that is away for
/// a minute should cost nothing but that minute.
const LEAST_ATTEMPTS: u32 = 12;

/// All that a drive needs.
pub(super) async fn plan(arguments: &Run) -> Result<Drive> {
    // All that can be wrong with what was asked for is found before anything is written down.
    check(arguments)?;
    let share = share(arguments)?;
    let is_nats = arguments.queue != "sqlite" && share.is_none();
    let (loaded, known) = recipe(arguments).await?;
    let rollout = loaded.recipe.rollout();
    // Whoever does not carry out runs needs no models, and no machine for them.
    let workshop = workshop(&loaded, roles(arguments).work)?;
    let policy = if roles(arguments).work { policy(&rollout, &workshop)? } else { None };
    let rows = rows(arguments, &rollout, is_nats)?;
    // The usual depot is a folder in `--out`, and stands or falls with it.
    let given = arguments.depot.is_some().then(|| open_depot(arguments)).transpose()?;
    let folders = folders(arguments, share)?;
    let depot = given.map_or_else(|| open_depot(arguments), Ok)?;
    let seed = known.as_ref().map_or(Ok(arguments.seed), |known| Seed::new(known.seed))?;
    let repeats = known.as_ref().map_or(arguments.repeats.unwrap_or(rollout.repeats), |known| known.repeats);
    let definition = match known {
        Some(known) => known,
        None => Definition {
            version: Definition::VERSION,
            program: program(),
            dataset: arguments.dataset.as_deref().unwrap_or(Path::new("")).display().to_string(),
            described: described(&rows),
            fingerprint: fingerprint(&rows),
            recipe: loaded.text.clone(),
            resolved_recipe: loaded.recipe.to_yaml(),
            seed: seed.get(),
            repeats,
            shards: share.map(|share| u64::from(share.count())),
            is_shipped: is_nats,
        },
    };
    begin(&definition, arguments, &depot, is_nats).await?;
    if roles(arguments).work {
        check_revisions(&workshop, &depot).await?;
    }
    let rules = QueueRules { lease: Duration::from_secs(arguments.lease_secs), deliveries: arguments.deliveries };
    let queue = queue(arguments, share, (&folders, &depot), (rules, &definition.name())).await?;
    let groups_at_once = arguments.groups_at_once.map_or_else(|| usual_groups(&workshop), |groups| groups as usize);
    Ok(Drive {
        policy,
        rows,
        pictures: Arc::new(Pictures::new(PictureLimits::default(), Patience::default())),
        queue,
        depot: Arc::new(depot),
        rules: DriveRules {
            repeats,
            seed,
            measures: measures(&rollout),
            resample: rollout.resample,
            sharding: share,
            roles: roles(arguments),
            groups_at_once,
            grace: Duration::from_secs(arguments.grace_secs),
            lease: rules.lease,
            deliveries: rules.deliveries,
            is_shared_depot: arguments.depot.is_some(),
            most_usd_micros: arguments.most_usd.map(|usd| usd.micros),
        },
        export: export(&rollout.export, share),
        folders,
        reporter: Arc::new(Reports::new(is_worker_alone(arguments))),
        worker: worker(),
        workshop,
    })
}

fn program() -> String {
    format!("editscale {}", env!("CARGO_PKG_VERSION"))
}

fn is_worker_alone(arguments: &Run) -> bool {
    arguments.role == Some(RoleWord::Work)
}

fn roles(arguments: &Run) -> Roles {
    match arguments.role.unwrap_or(RoleWord::All) {
        RoleWord::All => Roles { feed: true, work: true, export: true },
        RoleWord::Feed => Roles { feed: true, work: false, export: false },
        RoleWord::Work => Roles { feed: false, work: true, export: false },
        RoleWord::Export => Roles { feed: false, work: false, export: true },
    }
}

/// What a command line asks for that cannot be.
fn check(arguments: &Run) -> Result<()> {
    let is_server = ["nats://", "tls://"].iter().any(|scheme| arguments.queue.starts_with(scheme));
    if arguments.queue != "sqlite" && !is_server {
        bail!(Misuse::new(format!("--queue {}: expected `sqlite` or nats://HOST:PORT", arguments.queue)));
    }
    if is_server && let Err(reason) = NatsQueue::check_address(&arguments.queue) {
        bail!(Misuse::new(format!("--queue: {reason}")));
    }
    if arguments.dataset.is_some() {
        return Ok(());
    }
    if roles(arguments).feed {
        bail!(Misuse::new("the data set is missing: somebody who is to list its rows has to be told where they are"));
    }
    if !is_server || arguments.depot.is_none() {
        bail!(
            Misuse::new("whoever does not see the data set needs --queue nats://HOST:PORT and --depot")
                .hint("on one machine, run the same command line with the data set once more")
        );
    }
    Ok(())
}

/// Which share of the items is this process's.
fn share(arguments: &Run) -> Result<Option<Sharding>> {
    let Some(text) = &arguments.shard else { return Ok(None) };
    if text != "auto" {
        return Ok(Some(text.parse::<Sharding>().map_err(|error| Misuse::new(format!("--shard {text}: {error}")))?));
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

/// The folders of a process, made where they are not there.
fn folders(arguments: &Run, share: Option<Sharding>) -> Result<Folders> {
    let out = arguments.out.clone();
    let own = share.map_or_else(String::new, |share| format!("-{}-of-{}", share.index(), share.count()));
    let folders = Folders {
        work: arguments.work.clone().unwrap_or_else(|| out.join("work")),
        state: out.join(format!("state{own}")),
        progress: out.join(format!("progress{own}.json")),
        out,
    };
    for folder in [&folders.out, &folders.work, &folders.state] {
        std::fs::create_dir_all(folder)
            .map_err(|error| Misuse::new(format!("cannot create the folder {}: {error}", folder.display())))?;
    }
    Ok(folders)
}

fn open_depot(arguments: &Run) -> Result<Depot> {
    let usual = || arguments.out.join("depot").display().to_string();
    let text = arguments.depot.clone().unwrap_or_else(usual);
    Depot::open(&text).map_err(|error| Misuse::new(format!("--depot: {error}")).into())
}

/// The recipe, and what the depot says is going on, for a worker that does not see the data set.
async fn recipe(arguments: &Run) -> Result<(Loaded, Option<Definition>)> {
    if arguments.dataset.is_some() {
        let mut loaded = recipes::load(&arguments.recipe, "`editscale run`")?;
        if arguments.partial {
            loaded.recipe = loaded.recipe.doing_parts();
        }
        return Ok((loaded, None));
    }
    if arguments.recipe != "quickstart" {
        tell("the recipe is the one that the rollouts were begun with: --recipe is not looked at");
    }
    let depot = open_depot(arguments)?;
    // Whoever has the data set may begin a moment later.
    let mut was_told = false;
    let text = loop {
        if let Some(text) = depot.get(Definition::FILE).await? {
            break text;
        }
        if !was_told {
            tell("waiting for somebody to begin with the data set: the depot says nothing yet");
            was_told = true;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    };
    let definition = Definition::from_json(&text, "rollout.json in the depot")?;
    let loaded = recipes::checked("the recipe in the depot", definition.resolved_recipe.as_bytes())?;
    Ok((loaded, Some(definition)))
}

/// Puts the recipe to work.
fn workshop(loaded: &Loaded, is_worker: bool) -> Result<Workshop> {
    let house = House::default();
    let recipe = &loaded.recipe;
    let (mut editors, mut rewards) = (Vec::new(), Vec::new());
    if is_worker {
        let ports = build(recipe, &house, Arc::new(Silent))?;
        check_needs(loaded, &ports)?;
        (editors, rewards) = (ports.editors, ports.rewards);
    }
    let retry = recipe.settings().retry;
    let attempts = retry.attempts.max(LEAST_ATTEMPTS);
    Ok(Workshop {
        editors,
        rewards,
        search: recipe.search_factory(),
        objective: recipe.objective(),
        limits: Limits {
            budget: recipe.budget(),
            retry: Retry { attempts, base: retry.base_delay, most: retry.max_delay },
            // Several runs are under way, so that editors have work while a round is judged as a whole.
            whole_rounds: true,
        },
        recipe: loaded.text.clone(),
        resolved_recipe: recipe.clone().for_single_runs().to_yaml(),
        program: program(),
    })
}

/// Enough groups for every editor to have its next edit ready: one for each slot, and some that are being judged.
fn usual_groups(workshop: &Workshop) -> usize {
    (workshop.editor_slots() + 2).min(256)
}

fn rows(arguments: &Run, rollout: &Rollout, is_nats: bool) -> Result<Rows> {
    let Some(path) = &arguments.dataset else { return Ok(Rows::Depot) };
    let columns = columns(&rollout.columns);
    let dataset = Arc::new(Dataset::open(path, &columns).map_err(|error| Misuse::new(error.to_string()))?);
    tell(&dataset.describe());
    Ok(if is_nats { Rows::Shipped(dataset) } else { Rows::Dataset(dataset) })
}

fn described(rows: &Rows) -> String {
    match rows {
        Rows::Dataset(dataset) | Rows::Shipped(dataset) => dataset.describe(),
        Rows::Depot => String::new(),
    }
}

fn fingerprint(rows: &Rows) -> String {
    match rows {
        Rows::Dataset(dataset) | Rows::Shipped(dataset) => dataset.fingerprint(),
        Rows::Depot => String::new(),
    }
}

fn revisions(workshop: &Workshop) -> Vec<String> {
    let cards = editscale_core::Cards {
        editors: workshop.editors.iter().map(|editor| editor.card().clone()).collect(),
        rewards: workshop.rewards.iter().map(|reward| reward.card().clone()).collect(),
    };
    let (editors, rewards) = Manifest::revisions(&cards);
    let editors = editors.into_iter().map(|editor| format!("editor {}: {}", editor.name, editor.revision));
    let rewards = rewards.into_iter().map(|reward| format!("reward {}: {}", reward.name, reward.revision));
    editors.chain(rewards).collect()
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

/// Makes sure that all workers edit and judge with the same: rows of two versions of a model in one data set would be told apart
/// by nobody.
async fn check_revisions(workshop: &Workshop, depot: &Depot) -> Result<()> {
    let present = revisions(workshop).join("\n");
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
                Misuse::new(format!("the rollouts were begun with `{old}`, and this worker has `{new}`"))
                    .hint("give all workers the same program and weights, or begin another --out (and --depot)")
            )
        }
    }
}

/// Writes down what is going on, or makes sure that it is the same as was begun.
async fn begin(definition: &Definition, arguments: &Run, depot: &Depot, is_nats: bool) -> Result<()> {
    if arguments.dataset.is_none() {
        return Ok(());
    }
    let misuse = |error: editscale_rollout::DefinitionError| {
        Misuse::new(error.to_string()).hint("give another --out (and --depot), or what it was begun with")
    };
    definition.begin(&arguments.out).map_err(misuse)?;
    if !is_nats && arguments.depot.is_none() {
        return Ok(());
    }
    if depot.put_if_absent(Definition::FILE, Bytes::from(definition.to_json())).await? {
        return Ok(());
    }
    let recorded = depot.get(Definition::FILE).await?.context("rollout.json has gone from the depot")?;
    let place = "rollout.json in the depot";
    let recorded = Definition::from_json(&recorded, place).map_err(misuse)?;
    Ok(definition.check_same(&recorded, place).map_err(misuse)?)
}

async fn queue(
    arguments: &Run,
    share: Option<Sharding>,
    (folders, depot): (&Folders, &Depot),
    (rules, name): (QueueRules, &str),
) -> Result<Arc<dyn WorkQueue>> {
    Ok(match (share, arguments.queue.as_str()) {
        (Some(_), _) => Arc::new(ShardQueue::open(&folders.state, rules, name)?),
        (None, "sqlite") => Arc::new(SqliteQueue::open(&folders.state.join("queue.sqlite"), rules, name)?),
        (None, address) => {
            let name = name_of_its_own(name, depot).await?;
            Arc::new(NatsQueue::connect(address, &name, rules).await?)
        }
    })
}

/// What this process is called in rows: machine, process and chance.
fn worker() -> String {
    let host = std::env::var("HOSTNAME").ok().or_else(|| std::fs::read_to_string("/etc/hostname").ok());
    let host = host.map_or_else(|| "machine".to_owned(), |host| host.trim().to_owned());
    format!("{host}-{}", std::process::id())
}
