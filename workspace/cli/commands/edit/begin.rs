//! Making a run ready: a new one, or one that was stopped.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Context, Result, bail};
use editscale_config::Recipe;
use editscale_core::{EditRequest, EncodedImage, Image, ImageSize, Observer, RunId, Silent};
use editscale_engine::{DirectoryError, Job, Limits, Manifest, Ports, Retry, RunDirectory, digest_of};
use editscale_picture::{DecodeCache, Limits as PictureLimits};
use editscale_schema::House;

use super::Work;
use super::asked::{Asked, asked};
use super::understood::Understood;
use crate::args::Edit;
use crate::failure::Misuse;
use crate::lock::when_free;
use crate::photograph::read;
use crate::progress::Progress;
use crate::recipes::{self, Loaded};
use crate::world::{build, check_needs};

/// What a run needs before it has a folder.
pub(super) struct Prepared {
    asked: Asked,
    mask: Option<EncodedImage>,
    pub(super) loaded: Loaded,
    pub(super) ports: Ports,
    /// What the editors make of the instruction, as far as they can tell.
    pub(super) understood: Understood,
}

/// Looks at all that would keep a run from beginning.
pub(super) fn prepare(arguments: &Edit, house: &House) -> Result<Prepared> {
    check_size(arguments.size)?;
    let asked = asked(arguments)?;
    check_whole(&asked.source_name, &asked.source, house)?;
    let mask = arguments.mask.as_deref().map(|path| mask(path, &asked.source, house)).transpose()?;
    let mut loaded = recipes::load(&arguments.recipe, "`editscale edit`")?;
    if arguments.partial {
        // A run is resumed by its resolved recipe alone.
        loaded.recipe = loaded.recipe.doing_parts();
    }
    if arguments.dry_run {
        loaded.recipe = loaded.recipe.without_secrets();
    }
    let understood = Understood::of(&loaded.recipe, asked.instruction.as_str())?;
    // What is only foretold is under no way that could be shown.
    let observer: Arc<dyn Observer> = if arguments.dry_run { Arc::new(Silent) } else { progress(&loaded) };
    let ports = ports(&loaded, house, observer)?;
    if mask.is_some() {
        check_masks(&ports)?;
    }
    Ok(Prepared { asked, mask, loaded, ports, understood })
}

/// Begins a run: gives it a folder, and puts into it what it is asked for.
pub(super) fn begin(arguments: &Edit, house: &House) -> Result<Work> {
    let Prepared { asked, mask, loaded, ports, .. } = prepare(arguments, house)?;
    let directory = run_directory(arguments, &asked, &loaded)?;
    let images = directory.images();
    let request = EditRequest {
        source: images.put(&asked.source)?,
        instruction: asked.instruction,
        mask: mask.map(|mask| images.put(&mask)).transpose()?,
        output_size: arguments.size,
        seed: arguments.seed,
    };
    let (source_name, continues) = (asked.source_name, asked.continues);
    let begun = Begun { run: run_id(directory.path())?, request, source_name, continues };
    let manifest = begun.manifest(&loaded, &ports);
    directory.begin(&manifest)?;
    Ok(Work { job: job(manifest, &loaded.recipe, ports), directory, recipe: loaded.recipe })
}

/// A result may be as large as a picture that is read, and no larger.
fn check_size(size: Option<ImageSize>) -> Result<()> {
    let most = PictureLimits::default().pixels;
    if let Some(size) = size.filter(|size| u64::from(size.width) * u64::from(size.height) > most) {
        bail!(Misuse::new(format!("--size {size}: expected at most {} megapixels", most / 1_000_000)));
    }
    Ok(())
}

/// Looks at a picture's pixels before anything is spent: only they tell that a file is damaged.
fn check_whole(name: &str, image: &EncodedImage, house: &House) -> Result<()> {
    let decoded = house.shared::<DecodeCache>().get(*digest_of(&image.bytes).as_bytes(), &image.bytes);
    decoded.map_err(|error| Misuse::new(format!("cannot use picture {name}: {error}")))?;
    Ok(())
}

/// Reads a mask, which must have the source's size.
fn mask(path: &Path, source: &EncodedImage, house: &House) -> Result<EncodedImage> {
    let mask = read(path)?;
    check_whole(&path.display().to_string(), &mask, house)?;
    if mask.size != source.size {
        let (found, expected) = (mask.size, source.size);
        bail!(Misuse::new(format!("mask {} is {found}: expected the source's {expected}", path.display())));
    }
    Ok(mask)
}

/// Refuses a mask that an editor would not honour, before a run begins.
fn check_masks(ports: &Ports) -> Result<()> {
    let cards = ports.cards();
    if let Some(card) = cards.editors.iter().find(|card| !card.masks) {
        let misuse = Misuse::new(format!("editor `{}` does not honour a mask", card.name));
        return Err(misuse.hint("leave --mask out, or use an editor that does: `darkroom`").into());
    }
    Ok(())
}

fn progress(loaded: &Loaded) -> Arc<dyn Observer> {
    let most = loaded.recipe.search_factory().largest_run();
    let most = loaded.recipe.budget().edits.map_or(most, |edits| most.min(edits));
    Arc::new(Progress::new(most, loaded.recipe.objective()))
}

fn ports(loaded: &Loaded, house: &House, observer: Arc<dyn Observer>) -> Result<Ports> {
    let ports = build(&loaded.recipe, house, observer)?;
    check_needs(loaded, &ports)?;
    Ok(ports)
}

/// The folder that was asked for, or the first free one under `runs/`.
fn run_directory(arguments: &Edit, asked: &Asked, loaded: &Loaded) -> Result<RunDirectory> {
    if let Some(path) = &arguments.run_dir {
        let hint = "give another --run-dir, or --resume it if it is a run";
        return RunDirectory::create(path).map_err(|error| match error {
            DirectoryError::NotEmpty(_) => Misuse::new(error.to_string()).hint(hint).into(),
            error => error.into(),
        });
    }
    for path in new_run_dirs(arguments, asked, loaded).filter(|path| !path.exists()) {
        match RunDirectory::create(&path) {
            // Another process was quicker.
            Err(DirectoryError::NotEmpty(_) | DirectoryError::InUse(_)) => {}
            made => return Ok(made?),
        }
    }
    bail!("every name for the run's folder under runs/ is taken: give one with --run-dir");
}

/// `runs/<source>-<what is asked>`, then the same with a number.
fn new_run_dirs(arguments: &Edit, asked: &Asked, loaded: &Loaded) -> impl Iterator<Item = PathBuf> {
    let key = format!(
        "{}\0{}\0{}\0{}",
        digest_of(&asked.source.bytes),
        asked.instruction,
        arguments.seed,
        loaded.recipe.to_yaml()
    );
    let digest = digest_of(key.as_bytes()).to_string();
    let is_plain = |character: &char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_');
    let stem = Path::new(&asked.source_name).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let stem: String = stem.chars().filter(is_plain).take(32).collect();
    let stem = if stem.is_empty() { "picture".to_owned() } else { stem };
    let name = format!("{stem}-{}", &digest[..8]);
    (1..100_000_u32).map(move |number| match number {
        1 => Path::new("runs").join(&name),
        number => Path::new("runs").join(format!("{name}-{number}")),
    })
}

/// A run is called as its folder is, where that can be a name.
fn run_id(path: &Path) -> Result<RunId> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let is_plain = |character: &char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.');
    let plain: String = name.chars().filter(is_plain).take(64).collect();
    let plain = plain.trim_start_matches(['-', '_', '.']);
    Ok(RunId::new(plain).or_else(|_| RunId::new("run"))?)
}

/// What a run has from its beginning, whoever carries it out.
struct Begun {
    run: RunId,
    request: EditRequest,
    source_name: String,
    continues: Option<String>,
}

impl Begun {
    /// The record of a run that this program begins at this moment.
    fn manifest(self, loaded: &Loaded, ports: &Ports) -> Manifest {
        let Self { run, request, source_name, continues } = self;
        let (editors, rewards) = Manifest::revisions(&ports.cards());
        Manifest {
            run,
            program: format!("editscale {}", env!("CARGO_PKG_VERSION")),
            created: SystemTime::now(),
            request,
            source_name,
            recipe: loaded.text.clone(),
            resolved_recipe: loaded.recipe.to_yaml(),
            search: loaded.recipe.search_factory().revision(),
            objective: loaded.recipe.objective().revision(),
            budget: loaded.recipe.budget(),
            editors,
            rewards,
            critics: Manifest::critics(&ports.cards()),
            continues,
        }
    }
}

fn job(manifest: Manifest, recipe: &Recipe, ports: Ports) -> Job {
    let retry = recipe.settings().retry;
    let retry = Retry { attempts: retry.attempts, base: retry.base_delay, most: retry.max_delay };
    Job {
        run: manifest.run,
        request: Arc::new(manifest.request),
        search: recipe.search_factory(),
        ports,
        limits: Limits { budget: recipe.budget(), retry, whole_rounds: false },
    }
}

/// What may be behind it when a run that could begin cannot be gone on with.
const ELSEWHERE: &str =
    "cannot go on with the run (relative paths of its recipe are taken from the folder in which the program runs)";

/// Opens a run that was begun earlier, under the recipe that it was begun with.
pub(super) fn resume(path: &Path, house: &House) -> Result<Work> {
    let (directory, recorded) =
        when_free(|| RunDirectory::open(path)).map_err(|error| Misuse::new(error.to_string()))?;
    recorded.request.source.read().context("the source picture of the run is gone")?;
    recorded.request.mask.as_ref().map(Image::read).transpose().context("the mask of the run is gone")?;
    let loaded = recipes::checked("the recipe in run.json", recorded.resolved_recipe.as_bytes())?;
    let ports = ports(&loaded, house, progress(&loaded)).context(ELSEWHERE)?;
    let begun = Begun {
        run: recorded.run.clone(),
        request: recorded.request.clone(),
        source_name: recorded.source_name.clone(),
        continues: recorded.continues.clone(),
    };
    let present = begun.manifest(&loaded, &ports);
    directory.check_same(&recorded, &present)?;
    Ok(Work { job: job(present, &loaded.recipe, ports), directory, recipe: loaded.recipe })
}
