//! The trajectories of a run's candidates: `trajectories/<candidate>.safetensors`, for training on them.
//!
//! Each file holds F32 tensors: `latents` `[steps + 1, …]`, `timesteps` `[steps]`, `sigmas` `[steps + 1]` and
//! `log_probabilities` `[steps]`, NaN where a step added no noise; its metadata say `format: editscale-trajectory/1`.
//! Equal trajectories give equal bytes.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use editscale_core::{CandidateId, Trajectory};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use thiserror::Error;

use crate::files::{WriteError, write_whole};

/// The format with its version: one entry, as several would be written in no fixed order.
const FORMAT: &str = "editscale-trajectory/1";

/// The folder, in that of the run.
const TRAJECTORIES: &str = "trajectories";

/// A trajectory could not be read.
#[derive(Debug, Error)]
#[error("cannot read trajectory {path}: {reason}")]
pub struct TrajectoryError {
    path: PathBuf,
    reason: String,
}

/// The folder `trajectories/` of a run, made when the first is put there.
#[derive(Debug)]
pub(crate) struct TrajectoryStore {
    folder: PathBuf,
}

impl TrajectoryStore {
    /// That of the run at `run`.
    pub(crate) fn new(run: &Path) -> Self {
        Self { folder: run.join(TRAJECTORIES) }
    }

    /// Writes a candidate's trajectory, whole or not at all.
    pub(crate) fn put(&self, id: CandidateId, trajectory: &Trajectory) -> Result<(), WriteError> {
        let path = file(&self.folder, id);
        let failed = |source: io::Error| WriteError { path: path.clone(), source };
        let bytes = encode(trajectory).map_err(|error| failed(io::Error::other(error)))?;
        fs::create_dir_all(&self.folder).map_err(failed)?;
        write_whole(&path, &bytes)
    }
}

/// Where the trajectory of a candidate of the run at `run` lies, where one was kept.
pub fn trajectory_file(run: &Path, id: CandidateId) -> PathBuf {
    file(&run.join(TRAJECTORIES), id)
}

fn file(folder: &Path, id: CandidateId) -> PathBuf {
    folder.join(format!("{id}.safetensors"))
}

fn encode(trajectory: &Trajectory) -> Result<Vec<u8>, safetensors::SafeTensorError> {
    let bytes = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let log_probabilities: Vec<f32> =
        trajectory.log_probabilities.iter().map(|value| value.unwrap_or(f32::NAN)).collect();
    let instants = [&[trajectory.steps() + 1], trajectory.shape.as_slice()].concat();
    let parts = [
        ("latents", instants, bytes(&trajectory.latents)),
        ("log_probabilities", vec![trajectory.steps()], bytes(&log_probabilities)),
        ("sigmas", vec![trajectory.sigmas.len()], bytes(&trajectory.sigmas)),
        ("timesteps", vec![trajectory.steps()], bytes(&trajectory.timesteps)),
    ];
    let views = parts.iter().map(|(name, shape, data)| Ok((*name, TensorView::new(Dtype::F32, shape.clone(), data)?)));
    let views = views.collect::<Result<Vec<_>, safetensors::SafeTensorError>>()?;
    safetensors::serialize(views, Some(HashMap::from([("format".to_owned(), FORMAT.to_owned())])))
}

/// Reads the trajectory of a candidate of the run at `run`; nothing where none was kept.
pub fn read_trajectory(run: &Path, id: CandidateId) -> Result<Option<Trajectory>, TrajectoryError> {
    let path = trajectory_file(run, id);
    let error = |reason: String| TrajectoryError { path: path.clone(), reason };
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(other) => return Err(error(other.to_string())),
    };
    decode(&bytes).map(Some).map_err(error)
}

fn decode(bytes: &[u8]) -> Result<Trajectory, String> {
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| error.to_string())?;
    let said = header.metadata().as_ref().and_then(|all| all.get("format")).map(String::as_str);
    if said != Some(FORMAT) {
        return Err(format!("its format is `{}`: expected `{FORMAT}`", said.unwrap_or("none")));
    }
    let tensors = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
    let read = |name: &str| {
        let tensor = tensors.tensor(name).map_err(|error| error.to_string())?;
        if tensor.dtype() != Dtype::F32 {
            return Err(format!("`{name}` is {:?}: expected F32", tensor.dtype()));
        }
        let values = tensor.data().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        Ok::<(Vec<usize>, Vec<f32>), String>((tensor.shape().to_vec(), values))
    };
    let (extents, latents) = read("latents")?;
    let ((_, timesteps), (_, sigmas), (_, log_probabilities)) =
        (read("timesteps")?, read("sigmas")?, read("log_probabilities")?);
    let log_probabilities = log_probabilities.into_iter().map(|value| (!value.is_nan()).then_some(value)).collect();
    let shape = extents.get(1..).unwrap_or_default().to_vec();
    let trajectory = Trajectory { shape, latents, timesteps, sigmas, log_probabilities };
    let steps = trajectory.steps();
    if extents.first() == Some(&(steps + 1)) && trajectory.is_whole() {
        Ok(trajectory)
    } else {
        Err(format!("its tensors do not belong to the same {steps} steps"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trajectories_come_back_as_they_were_put() {
        let folder = tempfile::tempdir().unwrap();
        let store = TrajectoryStore::new(folder.path());
        let trajectory = Trajectory {
            shape: vec![1, 2],
            latents: vec![0.5, -1.0, 0.25, 2.0, 1e-30, 3.0],
            timesteps: vec![999.0, 500.0],
            sigmas: vec![1.0, 0.5, 0.0],
            log_probabilities: vec![Some(-0.75), None],
        };
        store.put(CandidateId(7), &trajectory).unwrap();
        assert_eq!(read_trajectory(folder.path(), CandidateId(7)).unwrap(), Some(trajectory));
        assert_eq!(read_trajectory(folder.path(), CandidateId(8)).unwrap(), None);
        std::fs::write(folder.path().join("trajectories/9.safetensors"), b"no such thing").unwrap();
        assert!(read_trajectory(folder.path(), CandidateId(9)).is_err());
    }
}
