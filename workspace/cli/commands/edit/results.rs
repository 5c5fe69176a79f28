//! What a run has found: written for people, told, and kept as the recipe wants it.

use std::collections::HashSet;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use editscale_config::Retain;
use editscale_core::{Digest, Ending, Image, Outcome};
use editscale_engine::{RunRecord, write_whole};
use editscale_picture::DecodeCache;

use super::Work;
use super::again::again;
use super::output::{format_by_name, numbered};
use crate::args::Edit;
use crate::commands::best::Best;
use crate::failure::{STOPPED, print, tell};
use crate::report;
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
        let report = report::write(record, run_dir, self.pictures)?;
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
                tell(&format!("go on with: {}", again(arguments, run_dir)));
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
        let (best, mut outputs) = (self.best(), Vec::new());
        for (place, id) in (1..).zip(best.first(self.arguments.keep as usize)) {
            let bytes = best.rendered(id, best.format())?;
            let beside = numbered(&self.work.directory.path().join(best.file_name()), place);
            write_whole(&beside, &bytes)?;
            let Some(output) = &self.arguments.output else {
                outputs.push(beside);
                continue;
            };
            let path = numbered(output, place);
            let wanted = format_by_name(&path)?;
            let bytes = if wanted == best.format() { bytes } else { best.rendered(id, wanted)? };
            write_whole(&path, &bytes)?;
            outputs.push(path);
        }
        Ok(outputs)
    }

    fn best(&self) -> Best<'_> {
        let (output, keep_metadata) = (self.work.recipe.settings().output, self.arguments.keep_metadata);
        Best { record: self.record, pictures: self.pictures, output, keep_metadata }
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
        let (ranked, best) = (self.outcome.verdict.ranked.iter().take(most), self.best());
        let mut keep: HashSet<Digest> = ranked.filter_map(|ranked| best.made(ranked.id)).map(Image::digest).collect();
        let request = &self.record.manifest.request;
        keep.insert(request.source.digest());
        keep.extend(request.mask.as_ref().map(Image::digest));
        self.work.directory.images().retain(&keep).context("cannot remove pictures that the recipe does not keep")
    }
}
