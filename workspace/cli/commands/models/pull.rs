//! `editscale models pull NAME|OWNER/REPO`

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Error, Result, bail};
use editscale_fetch::{Client, FetchError, Hub, HubSettings, Patience, RepoId, Snapshot};
use editscale_models::rewards::editreward::verify;
use editscale_models::verify::{Problem, VerifyError};

use crate::args::ModelsPull;
use crate::commands::models::catalogue::{Wanted, WantedKind, wanted};
use crate::commands::models::fetching::Fetching;
use crate::commands::models::prompts::{self, Origin};
use crate::commands::models::record::Record;
use crate::commands::models::verify::verify_headers;
use crate::commands::models::{licences, pipelines, place, side_files, weights};
use crate::failure::{print, tell};

/// Assembles one model directory, verifies it and prints where it is. What an interrupted pull brought is kept and gone on
/// with.
pub(super) fn run(arguments: &ModelsPull) -> Result<ExitCode> {
    let wanted = wanted(arguments)?;
    let folder = arguments.dir.clone().map_or_else(|| place::root().map(|root| root.join(&wanted.name)), Ok)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(pull(arguments, &wanted, &folder))?;
    // What was fetched has been compared with the hub's checksums: its values need no further look.
    let verified = verify_headers(&folder)?;
    verified.notes.iter().for_each(|note| tell(&format!("note: {note}")));
    tell(&format!("{}: {} tensors, {} parameters", wanted.repo, verified.tensors, verified.parameters));
    print(&folder.display().to_string())?;
    Ok(ExitCode::SUCCESS)
}

async fn pull(arguments: &ModelsPull, wanted: &Wanted, folder: &Path) -> Result<()> {
    let client = Client::new(Patience::default())?;
    let hub = Hub::new(client.clone(), HubSettings::from_env())?;
    let snapshot = hub.snapshot(&wanted.repo, &arguments.revision).await;
    let snapshot = snapshot.map_err(|error| match error {
        FetchError::Denied { ref code, .. } if code == GATED => with_gate(error.into(), &hub),
        error => Error::from(error).context(help(&hub, wanted)),
    })?;
    let pull = Pull { arguments, client: &client, hub: &hub, snapshot: &snapshot, folder };
    let done = match &wanted.kind {
        WantedKind::Open if !pipelines::is_one(&snapshot) => pull.judge(None).await,
        WantedKind::Judge { base } => pull.judge(Some(base)).await,
        WantedKind::Editor { .. } | WantedKind::Open => pipelines::bring(&pull, wanted).await,
    };
    done.map_err(|error| with_gate(error, &hub))
}

/// What is pulled, and where to.
pub(super) struct Pull<'a> {
    pub(super) arguments: &'a ModelsPull,
    client: &'a Client,
    hub: &'a Hub,
    pub(super) snapshot: &'a Snapshot,
    pub(super) folder: &'a Path,
}

impl<'a> Pull<'a> {
    /// Has the licences accepted, and takes the folder over.
    pub(super) fn begin(&self, base: Option<&Snapshot>, licences: Vec<String>) -> Result<Fetching<'a>> {
        let Self { arguments, hub, snapshot: from, folder, .. } = *self;
        let earlier = Record::read(folder).map(|record| record.licences);
        licences::accept(&licences, earlier.as_deref(), arguments.accept_license)?;
        let base = base.map(|base| (base.repo.to_string(), base.commit.clone()));
        let record = Record::new(from.repo.to_string(), from.commit.clone(), base, licences).take_over(folder)?;
        let shown = folder.display();
        tell(&format!(
            "pulling {} at {} into {shown}; the same command goes on with a pull that is interrupted",
            from.repo, from.commit
        ));
        Ok(Fetching { hub, from, folder, record })
    }

    /// Brings a judge.
    async fn judge(&self, base: Option<&RepoId>) -> Result<()> {
        let Self { arguments, client, hub, snapshot: judge, folder } = *self;
        let base = match base {
            Some(base) => Some(hub.snapshot(base, "main").await?),
            None => None,
        };
        weights::check(judge)?;
        let origin = Origin::of(arguments.prompts.as_deref(), judge, base.is_some());
        let mut fetching = self.begin(base.as_ref(), licences_of(judge, base.as_ref(), origin))?;
        side_files::bring(hub, base.as_ref().unwrap_or(judge), base.is_some(), folder).await?;
        prompts::bring(hub, client, origin, folder).await?;
        check_side_files(folder)?;
        weights::bring(&mut fetching).await
    }
}

/// What the judge and the rest are given under.
fn licences_of(judge: &Snapshot, base: Option<&Snapshot>, origin: Origin<'_>) -> Vec<String> {
    let of = |snapshot: &Snapshot| format!("{}: {}", snapshot.repo, snapshot.licence);
    let prompts = matches!(origin, Origin::Released).then(|| prompts::LICENCE.to_owned());
    std::iter::once(of(judge)).chain(base.map(of)).chain(prompts).collect()
}

/// What is wrong with the small files shows before the large ones are fetched.
fn check_side_files(folder: &Path) -> Result<()> {
    let Err(error) = verify(folder) else { return Ok(()) };
    let is_small = |problem: &Problem| {
        let name = problem.file.file_name().unwrap_or_default().to_string_lossy();
        !name.starts_with("model") && problem.file != folder
    };
    // Weights of an earlier commit may not go with these files: they are about to be replaced.
    let is_about_weights = |problem: &Problem| problem.reason.contains("embeddings");
    let problems: Vec<Problem> =
        error.problems.into_iter().filter(|problem| is_small(problem) && !is_about_weights(problem)).collect();
    if !problems.is_empty() {
        bail!(VerifyError { folder: folder.to_owned(), problems });
    }
    Ok(())
}

/// Where to look when the hub does not give it.
fn help(hub: &Hub, wanted: &Wanted) -> String {
    format!("cannot pull {} (its page is {}; a token is taken from HF_TOKEN)", wanted.repo, hub.page(&wanted.repo))
}

/// What the hub calls it when a repository's terms have to be accepted.
const GATED: &str = "GatedRepo";

/// What the hub calls it when there is no such repository, for all that may be told.
const UNKNOWN: &str = "RepoNotFound";

/// Says how to get through, where the hub has kept a file of a repository that it shows.
fn with_gate(error: Error, hub: &Hub) -> Error {
    let denied = error.chain().find_map(|cause| match cause.downcast_ref::<FetchError>() {
        Some(FetchError::Denied { repo, code, .. }) if code != UNKNOWN => RepoId::new(repo).ok(),
        _ => None,
    });
    let Some(repo) = denied else { return error };
    error.context(format!(
        "cannot pull {repo}: log in to the hub, accept the licence on {}, and give a token of the same account, which is \
         taken from HF_TOKEN or from the token file (HF_TOKEN_PATH, or what `hf auth login` writes)",
        hub.page(&repo)
    ))
}
