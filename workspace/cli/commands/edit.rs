//! `editscale edit IMAGE INSTRUCTION`: the main job.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Context, Result, bail};
use editscale_config::{Output, OutputFormat, Recipe, Retain};
use editscale_core::{CandidateId, Digest, EditRequest, EncodedImage, Ending, ImageSize, Instruction, Outcome, RunId};
use editscale_engine::{
    DirectoryError, Job, Limits, Manifest, Ports, Retry, RunDirectory, RunRecord, StopSignal, Stopper, digest_of,
    read_run, write_whole,
};
use editscale_picture::{DecodeCache, EncodeOptions, Format, Limits as PictureLimits, encode};
use editscale_schema::House;

use crate::args::Edit;
use crate::commands::report;
use crate::failure::{Misuse, STOPPED, print, tell};
use crate::forecast::{self, Forecast};
use crate::photograph::read;
use crate::progress::Progress;
use crate::recipes::{self, Loaded};
use crate::words::{RunJson, summary};
use crate::world::{build, check_needs};

/// Edits one picture, or goes on with a run that was stopped.
pub(crate) fn run(arguments: &Edit) -> Result<ExitCode> {
    check_output(arguments)?;
    let house = House::default();
    if arguments.dry_run {
        return foretell(arguments, &house);
    }
    let mut work = match &arguments.resume {
        Some(path) => resume(path, &house)?,
        None => begin(arguments, &house)?,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let outcome = runtime.block_on(async {
        let stop = stop_on_signal();
        editscale_engine::run(&work.job, &mut work.directory, stop).await
    });
    let outcome = outcome.with_context(|| format!("the run in {} ended early", work.directory.path().display()))?;
    let record = read_run(work.directory.path())?;
    finish(arguments, &work, &record, &outcome, &house.shared())
}

/// Says what a run would call and spend, after all that would keep it from beginning; sends nothing and leaves nothing.
fn foretell(arguments: &Edit, house: &House) -> Result<ExitCode> {
    let Prepared { loaded, ports, .. } = prepare(arguments, house)?;
    let runs = arguments.run_dir.as_deref().and_then(Path::parent).filter(|path| !path.as_os_str().is_empty());
    let cards = ports.cards();
    let pace = forecast::pace(runs.unwrap_or(Path::new("runs")), &cards);
    let forecast = Forecast::new(&loaded.recipe, &cards, pace);
    if arguments.json {
        print(&serde_json::to_string_pretty(&forecast.json())?)?;
    } else {
        forecast.lines().iter().try_for_each(|line| print(line))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A run made ready.
struct Work {
    job: Job,
    directory: RunDirectory,
    recipe: Recipe,
}

/// Ctrl-C and a polite kill ask the run to stop; a second one ends the program.
fn stop_on_signal() -> StopSignal {
    let (stopper, signal) = Stopper::new();
    tokio::spawn(async move {
        asked_to_stop().await;
        tell("stopping: the best so far will be written; once more to end at once");
        stopper.stop();
        asked_to_stop().await;
        std::process::exit(130);
    });
    signal
}

async fn asked_to_stop() {
    #[cfg(unix)]
    if let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        return;
    }
    tokio::signal::ctrl_c().await.ok();
}

/// What is edited, and what to do to it.
struct Asked {
    source: EncodedImage,
    source_name: String,
    instruction: Instruction,
    continues: Option<String>,
}

fn asked(arguments: &Edit) -> Result<Asked> {
    let instruct = |text: &str| Instruction::new(text).map_err(|error| Misuse::new(error.to_string()));
    match (&arguments.from, arguments.words.as_slice()) {
        (None, [image, instruction]) => {
            // The cheap mistake is told before the dear one.
            let instruction = instruct(instruction)?;
            let path = Path::new(image);
            let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
            Ok(Asked { source: read(path)?, source_name: name, instruction, continues: None })
        }
        (Some(from), [instruction]) => {
            let instruction = instruct(instruction)?;
            let (source, source_name) = candidate(from)?;
            Ok(Asked { source, source_name, instruction, continues: Some(from.clone()) })
        }
        (None, _) => Err(Misuse::new("expected a picture and an instruction").hint(USE).into()),
        (Some(_), _) => Err(Misuse::new("expected an instruction alone: --from names the picture").hint(USE).into()),
    }
}

const USE: &str = "editscale edit photo.jpg \"make it warmer\"";

/// The picture of a candidate of an earlier run, as `RUN:CANDIDATE`.
fn candidate(from: &str) -> Result<(EncodedImage, String)> {
    let shape = || Misuse::new(format!("--from `{from}`: expected RUN:CANDIDATE")).hint("--from runs/photo-1a2b3c4d:5");
    let (run, id) = from.rsplit_once(':').ok_or_else(shape)?;
    let id: u32 = id.parse().map_err(|_| shape())?;
    let record = read_run(Path::new(run)).with_context(|| format!("cannot continue from {from}"))?;
    let Some(known) = record.candidates.get(id as usize) else {
        bail!(Misuse::new(format!("--from {from}: the run has {} candidates", record.candidates.len())));
    };
    match &known.made {
        Some(Ok(made)) => {
            let bytes = made.image.read().with_context(|| format!("the picture of candidate {id} is not kept"))?;
            let image = EncodedImage { media: made.image.media(), size: made.image.size(), bytes };
            Ok((image, format!("{}:{id}", record.manifest.run)))
        }
        Some(Err(why)) => bail!("candidate {id} has no picture: {why}"),
        None => bail!("candidate {id} has no picture: the run is unfinished"),
    }
}

/// What a run needs before it has a folder.
struct Prepared {
    asked: Asked,
    mask: Option<EncodedImage>,
    loaded: Loaded,
    ports: Ports,
}

fn prepare(arguments: &Edit, house: &House) -> Result<Prepared> {
    check_size(arguments.size)?;
    let asked = asked(arguments)?;
    check_whole(&asked.source_name, &asked.source, house)?;
    let mask = arguments.mask.as_deref().map(|path| mask(path, &asked.source, house)).transpose()?;
    let mut loaded = recipes::load(&arguments.recipe)?;
    if arguments.partial {
        // A run is resumed by its resolved recipe alone.
        loaded.recipe = loaded.recipe.doing_parts();
    }
    if arguments.dry_run {
        loaded.recipe = loaded.recipe.without_secrets();
    }
    let ports = ports(&loaded, house)?;
    if mask.is_some() {
        check_masks(&ports)?;
    }
    Ok(Prepared { asked, mask, loaded, ports })
}

fn begin(arguments: &Edit, house: &House) -> Result<Work> {
    let Prepared { asked, mask, loaded, ports } = prepare(arguments, house)?;
    let directory = run_directory(arguments, &asked, &loaded)?;
    let run = run_id(directory.path());
    let images = directory.images();
    let request = EditRequest {
        source: images.put(&asked.source)?,
        instruction: asked.instruction,
        mask: mask.map(|mask| images.put(&mask)).transpose()?,
        output_size: arguments.size,
        seed: arguments.seed,
    };
    let manifest = manifest(run, request, &loaded, &ports, asked.source_name, asked.continues);
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

fn ports(loaded: &Loaded, house: &House) -> Result<Ports> {
    let most = loaded.recipe.search_factory().largest_run();
    let most = loaded.recipe.budget().edits.map_or(most, |edits| most.min(edits));
    let progress = Arc::new(Progress::new(most, loaded.recipe.objective()));
    let ports = build(&loaded.recipe, house, progress)?;
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
fn run_id(path: &Path) -> RunId {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let plain: String =
        name.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')).take(64).collect();
    let plain = plain.trim_start_matches(['-', '_', '.']);
    RunId::new(plain).or_else(|_| RunId::new("run")).unwrap_or_else(|_| unreachable!("`run` is a name"))
}

fn manifest(
    run: RunId,
    request: EditRequest,
    loaded: &Loaded,
    ports: &Ports,
    source_name: String,
    continues: Option<String>,
) -> Manifest {
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
        continues,
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
        limits: Limits { budget: recipe.budget(), retry },
    }
}

/// Opens a run that was begun earlier, under the recipe that it was begun with.
fn resume(path: &Path, house: &House) -> Result<Work> {
    let (directory, recorded) = RunDirectory::open(path).map_err(|error| Misuse::new(error.to_string()))?;
    let loaded = recipes::checked("the recipe in run.json", recorded.resolved_recipe.as_bytes())?;
    let ports = ports(&loaded, house)?;
    let present = manifest(
        recorded.run.clone(),
        recorded.request.clone(),
        &loaded,
        &ports,
        recorded.source_name.clone(),
        recorded.continues.clone(),
    );
    directory.check_same(&recorded, &present)?;
    recorded.request.source.read().context("the source picture of the run is gone")?;
    Ok(Work { job: job(present, &loaded.recipe, ports), directory, recipe: loaded.recipe })
}

/// Writes what the run has found, and says so.
fn finish(
    arguments: &Edit,
    work: &Work,
    record: &RunRecord,
    outcome: &Outcome,
    pictures: &DecodeCache,
) -> Result<ExitCode> {
    let run_dir = work.directory.path();
    let outputs = write_best(arguments, work, record, outcome, pictures)
        .with_context(|| format!("the run is kept in {}, its best pictures are not all written", run_dir.display()))?;
    let report = report::write(record, run_dir)?;
    retain(work, record, outcome)?;
    for line in summary(record, outcome) {
        tell(&line);
    }
    tell(&format!("report: {}", report.display()));
    if arguments.json {
        let object = RunJson::new(record, outcome, run_dir, &outputs);
        print(&serde_json::to_string_pretty(&object)?)?;
    } else {
        outputs.iter().try_for_each(|path| print(&path.display().to_string()))?;
    }
    Ok(match (outcome.ending, outcome.winner()) {
        (Ending::Cancelled, _) => ExitCode::from(STOPPED),
        (Ending::Search, Some(_)) => ExitCode::SUCCESS,
        (Ending::Search, None) => {
            tell("error: no candidate could be made and judged");
            ExitCode::FAILURE
        }
    })
}

/// Writes the best pictures: into the run's folder, and the first where `--output` says.
fn write_best(
    arguments: &Edit,
    work: &Work,
    record: &RunRecord,
    outcome: &Outcome,
    pictures: &DecodeCache,
) -> Result<Vec<PathBuf>> {
    let settings = work.recipe.settings().output;
    let mut outputs = Vec::new();
    let mut written: HashSet<Digest> = HashSet::new();
    let distinct = outcome.verdict.ranked.iter().filter_map(|ranked| {
        let digest = made_image(record, ranked.id)?.digest();
        written.insert(digest).then_some(ranked.id)
    });
    let best: Vec<CandidateId> = distinct.take(arguments.keep as usize).collect();
    for (place, id) in best.into_iter().enumerate() {
        let format = format_of(settings.format);
        let name = if place == 0 { "best".to_owned() } else { format!("best-{}", place + 1) };
        let beside = work.directory.path().join(format!("{name}.{}", settings.format.extension()));
        let bytes = rendered(arguments, settings, format, record, id, pictures)?;
        write_whole(&beside, &bytes)?;
        let Some(output) = arguments.output.as_ref() else {
            outputs.push(beside);
            continue;
        };
        let path = if place == 0 { output.clone() } else { numbered(output, place + 1) };
        let format = format_by_name(&path)?;
        let bytes = rendered(arguments, settings, format, record, id, pictures)?;
        write_whole(&path, &bytes)?;
        outputs.push(path);
    }
    Ok(outputs)
}

fn made_image(record: &RunRecord, id: CandidateId) -> Option<&editscale_core::Image> {
    record.candidates.get(id.0 as usize)?.made.as_ref()?.as_ref().ok().map(|made| &made.image)
}

/// A candidate's picture as it is handed out: in the wanted format, without private metadata unless it is asked for.
fn rendered(
    arguments: &Edit,
    settings: Output,
    format: Format,
    record: &RunRecord,
    id: CandidateId,
    pictures: &DecodeCache,
) -> Result<Vec<u8>> {
    let image = made_image(record, id).with_context(|| format!("candidate {id} has no picture"))?;
    let picture = pictures.get(*image.digest().as_bytes(), &image.read()?)?;
    let mut metadata = picture.metadata.clone();
    let keep_metadata = arguments.keep_metadata || settings.keep_metadata;
    if keep_metadata {
        let source = &record.manifest.request.source;
        metadata.exif.clone_from(&pictures.get(*source.digest().as_bytes(), &source.read()?)?.metadata.exif);
    }
    let deep = metadata.is_deep && format == Format::Png;
    let options = EncodeOptions { format, quality: settings.quality, deep, keep_metadata };
    Ok(encode(&picture.pixels, &metadata, options)?)
}

fn format_of(format: OutputFormat) -> Format {
    match format {
        OutputFormat::Png => Format::Png,
        OutputFormat::Jpeg => Format::Jpeg,
        OutputFormat::Webp => Format::WebP,
    }
}

fn format_by_name(path: &Path) -> Result<Format> {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let known = [Format::Png, Format::Jpeg, Format::WebP].into_iter().find(|format| format.has_extension(extension));
    known.ok_or_else(|| {
        Misuse::new(format!("cannot tell the format of output {}: expected .png, .jpg or .webp", path.display())).into()
    })
}

fn numbered(path: &Path, number: usize) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let extension = path.extension().unwrap_or_default().to_string_lossy().into_owned();
    path.with_file_name(format!("{stem}-{number}.{extension}"))
}

/// Looks at the output before anything is spent: a name with a format, a folder that is there, nothing in the way.
fn check_output(arguments: &Edit) -> Result<()> {
    let Some(path) = &arguments.output else { return Ok(()) };
    format_by_name(path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        bail!(Misuse::new(format!("cannot write output {}: there is no folder {}", path.display(), folder.display())));
    }
    for place in 1..=arguments.keep as usize {
        let path = if place == 1 { path.clone() } else { numbered(path, place) };
        if path.is_dir() {
            bail!(Misuse::new(format!("cannot write output {}: it is a folder", path.display())));
        }
        if path.exists() && !arguments.force {
            let misuse = Misuse::new(format!("output {} exists", path.display()));
            bail!(misuse.hint("give --force to overwrite it"));
        }
    }
    let probe = folder.join(format!(".editscale-{}.part", std::process::id()));
    let writable = fs::write(&probe, b"").and_then(|()| fs::remove_file(&probe));
    writable.map_err(|error| Misuse::new(format!("cannot write into folder {}: {error}", folder.display())))?;
    Ok(())
}

/// Removes the pictures that the recipe does not keep. The source and what was written for people stay; a run that was stopped
/// keeps all, because it may go on.
fn retain(work: &Work, record: &RunRecord, outcome: &Outcome) -> Result<()> {
    let most = match work.recipe.settings().retain {
        Retain::All(_) => return Ok(()),
        Retain::Best(best) => best.count as usize,
        Retain::Winner(_) => 1,
    };
    if outcome.ending == Ending::Cancelled {
        return Ok(());
    }
    let ranked = outcome.verdict.ranked.iter().take(most);
    let mut keep: HashSet<Digest> =
        ranked.filter_map(|ranked| made_image(record, ranked.id)).map(editscale_core::Image::digest).collect();
    keep.insert(record.manifest.request.source.digest());
    keep.extend(record.manifest.request.mask.as_ref().map(editscale_core::Image::digest));
    work.directory.images().retain(&keep).context("cannot remove pictures that the recipe does not keep")
}
