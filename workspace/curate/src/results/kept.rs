//! The kept rows, in the data set's own format.

use std::path::Path;

use editscale_rollout::Place;
use editscale_rollout::dataset::{Dataset, SubsetSummary, SubsetWriter};
use editscale_study::curation::Side;

use super::{ResultsError, io};
use crate::choice::{Chosen, Fate};
use crate::table::ScoreFiles;

/// What was written of the data set.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Everything, or what is to train on.
    pub train: SubsetSummary,
    /// What is to measure on, where the choice is split.
    pub validation: Option<SubsetSummary>,
}

/// Writes the rows of which an edited picture was kept into a folder: into `kept`, or into `train` and `validation` where the
/// choice is split. Blocking.
pub fn write_kept(
    (dataset, files): (&Dataset, &ScoreFiles),
    (chosen, is_split): (&Chosen, bool),
    folder: &Path,
) -> Result<Kept, ResultsError> {
    let mut train = begin(dataset, &folder.join(if is_split { "train" } else { "kept" }))?;
    let mut validation = is_split.then(|| begin(dataset, &folder.join("validation"))).transpose()?;
    let mut found = 0;
    for (record, fated) in files.records().zip(&chosen.fated) {
        let record = record?;
        found += 1;
        let writer = match (&fated.fate, &mut validation) {
            (Fate::Dropped(_), _) => continue,
            (Fate::Kept(Side::Validation), Some(validation)) => validation,
            (Fate::Kept(_), _) => &mut train,
        };
        writer.keep(&Place(record.place))?;
    }
    if found != chosen.fated.len() {
        return Err(ResultsError::Changed { records: chosen.fated.len(), found });
    }
    Ok(Kept { train: train.finish()?, validation: validation.map(SubsetWriter::finish).transpose()? })
}

fn begin(dataset: &Dataset, folder: &Path) -> Result<SubsetWriter, ResultsError> {
    std::fs::create_dir_all(folder).map_err(io(folder))?;
    Ok(dataset.subset(folder)?)
}
