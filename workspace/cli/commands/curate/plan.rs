//! Making the scoring of a data set ready: rewards, data set, queue, depot.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use editscale_config::JudgeRecipe;
use editscale_config::curate::CurateColumns;
use editscale_curate::drive::{Curation, CurationDefinition, CurationRules};
use editscale_curate::judging::{Judges, Loader};
use editscale_curate::results::ChoiceFolder;
use editscale_curate::table::{Completion, ScoreFiles, Share, TableError};
use editscale_fetch::Patience;
use editscale_picture::Limits;
use editscale_rollout::dataset::{Dataset, Pictures};
use editscale_rollout::drive::Roles;
use editscale_rollout::{Columns, Defines as _, Edited};
use editscale_schema::House;

use super::Begun;
use crate::args::Curate;
use crate::failure::{Misuse, tell};
use crate::recipes::{Loaded, load_for_judging};
use crate::sharing::{Own, Reports, check_revisions, own_folders, program};
use crate::world;

/// All that scoring a data set needs.
pub(super) async fn plan(arguments: &Curate) -> Result<Begun<'_>> {
    // All that can be wrong with what was asked for is found before anything is written down.
    let (sharing, roles) = (&arguments.sharing, arguments.sharing.roles());
    sharing.check_queue()?;
    let share = sharing.share()?;
    check_apart(arguments)?;
    let loaded = load_for_judging(&arguments.recipe)?;
    let dataset = open(arguments, &loaded)?;
    let definition = CurationDefinition {
        version: CurationDefinition::VERSION,
        program: program(),
        dataset: arguments.dataset.display().to_string(),
        described: dataset.describe(),
        fingerprint: dataset.fingerprint(),
        rewards: loaded.recipe.judging_yaml(),
        rows_per_block: arguments.rows_together,
        shards: share.map(|share| u64::from(share.count())),
    };
    // Whoever does not judge needs no models, and no machine for them. What is scored is only chosen from.
    let is_scored = is_scored(&definition, arguments)?;
    let roles = Roles { work: roles.work && !is_scored, ..roles };
    let judges = if roles.work { Some(judges(&loaded)?) } else { None };
    let given = sharing.depot.is_some().then(|| sharing.open_depot(&arguments.out)).transpose()?;
    let Own { state, progress } = own_folders(&arguments.out, share)?;
    let depot = given.map_or_else(|| sharing.open_depot(&arguments.out), Ok)?;
    sharing.begin(&definition, &arguments.out, &depot).await?;
    if !is_scored {
        // Files that it promised are gone: their rows are scored again.
        Completion::remove_unless_there(&arguments.out, Share::new(share))?;
    }
    if let Some(judges) = &judges {
        check_revisions(&revisions(judges), "scores", &depot).await?;
    }
    let queue = sharing.open_queue(share, (&state, &depot), &definition.name()).await?;
    let rewards = loaded.recipe.rewards().iter().map(|reward| reward.name.to_string()).collect();
    let curation = Curation {
        rules: CurationRules {
            rows_per_block: arguments.rows_together,
            sharding: share,
            roles,
            blocks_at_once: blocks_at_once(arguments, judges.as_ref()),
            grace: Duration::from_secs(sharing.grace_secs),
            lease: sharing.rules().lease,
            deliveries: sharing.deliveries,
            is_shared_depot: sharing.depot.is_some(),
            ..CurationRules::default()
        },
        judges,
        rewards,
        dataset,
        loader: Loader::new(Pictures::new(Limits::default(), Patience::default())),
        queue,
        depot: Arc::new(depot),
        out: arguments.out.clone(),
        state,
        progress,
        name: definition.name(),
        reporter: Arc::new(Reports::new(sharing.is_worker_alone(), ["blocks of rows", "scores", "files"])),
    };
    Ok(Begun { arguments, loaded, curation, is_scored })
}

/// Whether all scores of the same are there already.
fn is_scored(definition: &CurationDefinition, arguments: &Curate) -> Result<bool> {
    let out = &arguments.out;
    let recorded = CurationDefinition::read(out).map_err(|error| Misuse::new(error.to_string()))?;
    let files = ScoreFiles::find(out)?;
    if recorded.is_none() && files.paths().next().is_some() {
        let words = format!(
            "{}/scores holds scores, and no curate.json says of what: perhaps scores of another data set or of other rewards",
            out.display()
        );
        return Err(Misuse::new(words).hint("give another --out").into());
    }
    let is_same = recorded.is_some_and(|recorded| definition.check_same(&recorded, "").is_ok());
    let complete = |error: TableError| Misuse::new(error.to_string()).hint("give another --out");
    Ok(is_same && files.are_complete(definition.shards, &definition.name()).map_err(complete)?)
}

/// Refuses a data set that lies where choices are put: they are replaced as a whole.
fn check_apart(arguments: &Curate) -> Result<()> {
    let Ok(dataset) = arguments.dataset.canonicalize() else { return Ok(()) };
    let choice = arguments.out.canonicalize().map(|out| ChoiceFolder::of(&out));
    if choice.is_ok_and(|choice| dataset.starts_with(choice)) {
        let words = format!(
            "{} lies where the choice of --out {} is put: give another --out",
            arguments.dataset.display(),
            arguments.out.display()
        );
        return Err(Misuse::new(words).into());
    }
    ChoiceFolder::check(&arguments.out).map_err(|error| Misuse::new(error.to_string()).into())
}

fn open(arguments: &Curate, loaded: &Loaded<JudgeRecipe>) -> Result<Arc<Dataset>> {
    let columns = columns(&loaded.recipe.curate().columns);
    let dataset = Dataset::open(&arguments.dataset, &columns).map_err(|error| Misuse::new(error.to_string()))?;
    tell(&dataset.describe());
    Ok(Arc::new(dataset))
}

/// Where the data set has what, in the words of the crate that reads it. The category is handed on like all else.
pub(super) fn columns(columns: &CurateColumns) -> Columns {
    let mut keep = columns.keep.clone();
    keep.extend(columns.category.clone().filter(|category| !columns.keep.contains(category)));
    Columns {
        source: columns.source.clone(),
        instruction: columns.instruction.clone(),
        edited: if columns.edited.is_empty() { Edited::Usual } else { Edited::Named(columns.edited.clone()) },
        id: columns.id.clone(),
        keep,
        ..Columns::default()
    }
}

fn judges(loaded: &Loaded<JudgeRecipe>) -> Result<Judges> {
    let named = loaded.recipe.rewards();
    let rewards = world::rewards(named, &House::default())?;
    let weights = named.iter().map(|reward| (reward.name.clone(), reward.weight)).collect();
    let refused = |reason: String| Misuse::new(format!("recipe `{}` cannot score a data set: {reason}", loaded.name));
    let judges =
        Judges::new(rewards, loaded.recipe.objective(), weights).map_err(|error| refused(error.to_string()))?;
    judges.check_pointwise().map_err(|error| refused(error.to_string()))?;
    Ok(judges)
}

fn revisions(judges: &Judges) -> Vec<String> {
    judges.rewards().map(|reward| format!("reward {}: {}", reward.card().name, reward.card().revision)).collect()
}

/// Enough blocks that every call of every reward can be full, and some that are being loaded.
fn blocks_at_once(arguments: &Curate, judges: Option<&Judges>) -> usize {
    if let Some(blocks) = arguments.blocks_at_once {
        return blocks as usize;
    }
    let most = |judges: &Judges| {
        let items = judges.rewards().map(|reward| {
            let card = reward.card();
            u64::from(card.slots.get()) * u64::from(card.largest_batch.get())
        });
        items.max().unwrap_or(1)
    };
    let items = judges.map_or(1, most);
    let blocks = items.div_ceil(arguments.rows_together.max(1)).saturating_add(2);
    usize::try_from(blocks.clamp(4, 64)).unwrap_or(64)
}
