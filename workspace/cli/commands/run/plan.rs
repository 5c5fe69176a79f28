//! Making a drive ready: recipe, data set, queue, depot.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use editscale_config::Rollout;
use editscale_core::{Seed, Silent};
use editscale_engine::{Limits, Manifest, Retry};
use editscale_fetch::Patience;
use editscale_picture::Limits as PictureLimits;
use editscale_rollout::dataset::{Dataset, Pictures};
use editscale_rollout::drive::{Drive, DriveRules, Folders};
use editscale_rollout::queue::Sharding;
use editscale_rollout::{Defines as _, Definition, Rows, Workshop};
use editscale_schema::House;

use super::rules::{columns, export, measures, policy};
use crate::args::Run;
use crate::failure::{Misuse, tell};
use crate::recipes::{self, Loaded};
use crate::sharing::{Own, Reports, check_revisions, make_folder, own_folders, program};
use crate::world::{build, check_needs};

/// The fewest attempts at work that fails in a way that may pass: nobody waits for a data set, and a server that is away for
/// a minute should cost nothing but that minute.
const LEAST_ATTEMPTS: u32 = 12;

/// All that a drive needs.
pub(super) async fn plan(arguments: &Run) -> Result<Drive> {
    // All that can be wrong with what was asked for is found before anything is written down.
    check(arguments)?;
    let (sharing, roles) = (&arguments.sharing, arguments.sharing.roles());
    let share = sharing.share()?;
    let is_nats = sharing.has_server();
    let (loaded, known) = recipe(arguments).await?;
    let rollout = loaded.recipe.rollout();
    // Whoever does not carry out runs needs no models, and no machine for them.
    let workshop = workshop(&loaded, roles.work)?;
    let policy = if roles.work { policy(&rollout, &workshop)? } else { None };
    let rows = rows(arguments, &rollout, is_nats)?;
    // The usual depot is a folder in `--out`, and stands or falls with it.
    let given = sharing.depot.is_some().then(|| sharing.open_depot(&arguments.out)).transpose()?;
    let folders = folders(arguments, share)?;
    let depot = given.map_or_else(|| sharing.open_depot(&arguments.out), Ok)?;
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
    if arguments.dataset.is_some() {
        sharing.begin(&definition, &arguments.out, &depot).await?;
    }
    if roles.work {
        check_revisions(&revisions(&workshop), "rollouts", &depot).await?;
    }
    let rules = sharing.rules();
    let queue = sharing.open_queue(share, (&folders.state, &depot), &definition.name()).await?;
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
            roles,
            groups_at_once,
            grace: Duration::from_secs(sharing.grace_secs),
            lease: rules.lease,
            deliveries: rules.deliveries,
            is_shared_depot: sharing.depot.is_some(),
            most_usd_micros: arguments.most_usd.map(|usd| usd.micros),
        },
        export: export(&rollout.export, share),
        folders,
        reporter: Arc::new(Reports::new(sharing.is_worker_alone(), ["groups", "candidates", "shards"])),
        worker: worker(),
        workshop,
    })
}

/// What a command line asks for that cannot be.
fn check(arguments: &Run) -> Result<()> {
    let sharing = &arguments.sharing;
    sharing.check_queue()?;
    if arguments.dataset.is_some() {
        return Ok(());
    }
    if sharing.roles().feed {
        bail!(Misuse::new("the data set is missing: somebody who is to list its rows has to be told where they are"));
    }
    if !sharing.has_server() || sharing.depot.is_none() {
        bail!(
            Misuse::new("whoever does not see the data set needs --queue nats://HOST:PORT and --depot")
                .hint("on one machine, run the same command line with the data set once more")
        );
    }
    Ok(())
}

/// The folders of a process, made where they are not there.
fn folders(arguments: &Run, share: Option<Sharding>) -> Result<Folders> {
    let out = arguments.out.clone();
    let Own { state, progress } = own_folders(&out, share)?;
    let work = arguments.work.clone().unwrap_or_else(|| out.join("work"));
    make_folder(&work)?;
    Ok(Folders { work, state, progress, out })
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
    let depot = arguments.sharing.open_depot(&arguments.out)?;
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
pub(crate) fn workshop(loaded: &Loaded, is_worker: bool) -> Result<Workshop> {
    let house = House::default();
    let recipe = &loaded.recipe;
    let (mut editors, mut rewards, mut critics) = (Vec::new(), Vec::new(), Vec::new());
    if is_worker {
        let ports = build(recipe, &house, Arc::new(Silent))?;
        check_needs(loaded, &ports)?;
        (editors, rewards, critics) = (ports.editors, ports.rewards, ports.critics);
    }
    let retry = recipe.settings().retry;
    let attempts = retry.attempts.max(LEAST_ATTEMPTS);
    Ok(Workshop {
        editors,
        rewards,
        critics,
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
pub(crate) fn usual_groups(workshop: &Workshop) -> usize {
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
        critics: workshop.critics.iter().map(|critic| critic.card().clone()).collect(),
    };
    let (editors, rewards) = Manifest::revisions(&cards);
    let editors = editors.into_iter().map(|editor| format!("editor {}: {}", editor.name, editor.revision));
    let rewards = rewards.into_iter().map(|reward| format!("reward {}: {}", reward.name, reward.revision));
    let critics = Manifest::critics(&cards).into_iter();
    let critics = critics.map(|critic| format!("critic {}: {}", critic.name, critic.revision));
    editors.chain(rewards).chain(critics).collect()
}

/// What this process is called in rows: by its machine and its number there.
fn worker() -> String {
    let host = std::env::var("HOSTNAME").ok().or_else(|| std::fs::read_to_string("/etc/hostname").ok());
    let host = host.map_or_else(|| "machine".to_owned(), |host| host.trim().to_owned());
    format!("{host}-{}", std::process::id())
}
