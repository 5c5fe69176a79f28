//! What a run has found: written for people, told, and kept as the recipe wants it.

use std::collections::HashSet;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use editscale_config::Retain;
use editscale_core::{CandidateId, Digest, Ending, Image, Outcome};
use editscale_engine::{RunRecord, write_whole};
use editscale_picture::{DecodeCache, EncodeOptions, Format, encode};

use super::Work;
use super::output::{format_by_name, format_of, numbered};
use crate::args::Edit;
use crate::commands::report;
use crate::failure::{STOPPED, print, tell};
use crate::words::{RunJson, in_vain, summary};

/// A run that has ended, and what is wanted of it.
pub(super) struct Results<'a> {
    pub(super) arguments: &'a Edit,
    pub(super) work: &'a Work,
    pub(super) record: &'a RunRecord,
    pub(super) outcome: &'a Outcome,
    pub(super) pictures: &'a DecodeCache,
}

impl Results<'_> {
    /// Writes what the run has found, and says so.
    pub(super) fn finish(&self) -> Result<ExitCode> {
        let Self { arguments, work, record, outcome, .. } = *self;
        let run_dir = work.directory.path();
        let outputs = self.write_best().with_context(|| {
            format!("the run is kept in {}, its best pictures are not all written", run_dir.display())
        })?;
        let report = report::write(record, run_dir)?;
        self.retain()?;
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
            (Ending::Cancelled, _) => {
                tell(&format!("go on with: editscale edit --resume {}", run_dir.display()));
                ExitCode::from(STOPPED)
            }
            (Ending::Search, Some(_)) => ExitCode::SUCCESS,
            (Ending::Search, None) => {
                tell(&format!("error: {}", in_vain(record, &work.recipe.settings().gates)));
                ExitCode::FAILURE
            }
        })
    }

    /// Writes the best pictures: into the run's folder, and the first where `--output` says.
    fn write_best(&self) -> Result<Vec<PathBuf>> {
        let settings = self.work.recipe.settings().output;
        let mut outputs = Vec::new();
        for (place, id) in (1..).zip(self.best()) {
            let format = format_of(settings.format);
            let bytes = self.rendered(id, format)?;
            let plain = format!("best.{}", settings.format.extension());
            let beside = numbered(&self.work.directory.path().join(plain), place);
            write_whole(&beside, &bytes)?;
            let Some(output) = &self.arguments.output else {
                outputs.push(beside);
                continue;
            };
            let path = numbered(output, place);
            let wanted = format_by_name(&path)?;
            let bytes = if wanted == format { bytes } else { self.rendered(id, wanted)? };
            write_whole(&path, &bytes)?;
            outputs.push(path);
        }
        Ok(outputs)
    }

    /// The best candidates with different pictures, as many as are wanted.
    fn best(&self) -> Vec<CandidateId> {
        let mut seen: HashSet<Digest> = HashSet::new();
        let ranked = self.outcome.verdict.ranked.iter().map(|ranked| ranked.id);
        let distinct = ranked.filter(|id| self.made(*id).is_some_and(|image| seen.insert(image.digest())));
        distinct.take(self.arguments.keep as usize).collect()
    }

    /// The picture of a candidate that could be made.
    fn made(&self, id: CandidateId) -> Option<&Image> {
        self.record.candidates.get(id.0 as usize)?.made.as_ref()?.as_ref().ok().map(|made| &made.image)
    }

    /// A candidate's picture as it is handed out: in the wanted format, without private metadata unless it is asked for.
    fn rendered(&self, id: CandidateId, format: Format) -> Result<Vec<u8>> {
        let settings = self.work.recipe.settings().output;
        let decoded =
            |image: &Image| Ok::<_, anyhow::Error>(self.pictures.get(*image.digest().as_bytes(), &image.read()?)?);
        let picture = decoded(self.made(id).with_context(|| format!("candidate {id} has no picture"))?)?;
        let mut metadata = picture.metadata.clone();
        let keep_metadata = self.arguments.keep_metadata || settings.keep_metadata;
        if keep_metadata {
            metadata.exif.clone_from(&decoded(&self.record.manifest.request.source)?.metadata.exif);
        }
        let deep = metadata.is_deep && format == Format::Png;
        let options = EncodeOptions { format, quality: settings.quality, deep, keep_metadata };
        Ok(encode(&picture.pixels, &metadata, options)?)
    }

    /// Removes the pictures that the recipe does not keep. The source and what was written for people stay; a run that was
    /// stopped keeps all, because it may go on.
    fn retain(&self) -> Result<()> {
        let most = match self.work.recipe.settings().retain {
            Retain::All(_) => return Ok(()),
            Retain::Best(best) => best.count as usize,
            Retain::Winner(_) => 1,
        };
        if self.outcome.ending == Ending::Cancelled {
            return Ok(());
        }
        let ranked = self.outcome.verdict.ranked.iter().take(most);
        let mut keep: HashSet<Digest> = ranked.filter_map(|ranked| self.made(ranked.id)).map(Image::digest).collect();
        let request = &self.record.manifest.request;
        keep.insert(request.source.digest());
        keep.extend(request.mask.as_ref().map(Image::digest));
        self.work.directory.images().retain(&keep).context("cannot remove pictures that the recipe does not keep")
    }
}
