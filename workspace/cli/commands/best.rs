//! The best pictures of a run, as they are handed out: in the format that its recipe wants, without private metadata unless it is
//! asked for.

use std::collections::HashSet;

use anyhow::{Context, Result};
use editscale_config::{Output, OutputFormat};
use editscale_core::{CandidateId, Digest, Image};
use editscale_engine::RunRecord;
use editscale_picture::{DecodeCache, EncodeOptions, Format, encode};

/// A run, and how its pictures are wanted.
pub(crate) struct Best<'a> {
    pub(crate) record: &'a RunRecord,
    pub(crate) pictures: &'a DecodeCache,
    pub(crate) output: Output,
    pub(crate) keep_metadata: bool,
}

impl Best<'_> {
    /// The best candidates with different pictures, so many of them.
    pub(crate) fn first(&self, most: usize) -> Vec<CandidateId> {
        let mut seen: HashSet<Digest> = HashSet::new();
        let ranked = self.record.outcome.iter().flat_map(|outcome| &outcome.verdict.ranked).map(|ranked| ranked.id);
        let distinct = ranked.filter(|id| self.made(*id).is_some_and(|image| seen.insert(image.digest())));
        distinct.take(most).collect()
    }

    /// The picture of a candidate that could be made.
    pub(crate) fn made(&self, id: CandidateId) -> Option<&Image> {
        self.record.candidates.get(id.0 as usize)?.made.as_ref()?.as_ref().ok().map(|made| &made.image)
    }

    /// The format that the recipe names.
    pub(crate) fn format(&self) -> Format {
        match self.output.format {
            OutputFormat::Png => Format::Png,
            OutputFormat::Jpeg => Format::Jpeg,
            OutputFormat::Webp => Format::WebP,
        }
    }

    /// What the file of the best picture is called in the run's folder.
    pub(crate) fn file_name(&self) -> String {
        format!("best.{}", self.output.format.extension())
    }

    /// A candidate's picture in a format.
    pub(crate) fn rendered(&self, id: CandidateId, format: Format) -> Result<Vec<u8>> {
        let decoded =
            |image: &Image| Ok::<_, anyhow::Error>(self.pictures.get(*image.digest().as_bytes(), &image.read()?)?);
        let picture = decoded(self.made(id).with_context(|| format!("candidate {id} has no picture"))?)?;
        let mut metadata = picture.metadata.clone();
        let keep_metadata = self.keep_metadata || self.output.keep_metadata;
        if keep_metadata {
            metadata.exif.clone_from(&decoded(&self.record.manifest.request.source)?.metadata.exif);
        }
        let deep = metadata.is_deep && format == Format::Png;
        let options = EncodeOptions { format, quality: self.output.quality, deep, keep_metadata };
        Ok(encode(&picture.pixels, &metadata, options)?)
    }
}
