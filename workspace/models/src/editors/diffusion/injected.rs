//! Noise from a file, in place of that of the seeds: for parity, and for searches in the space of noise.

use std::path::{Path, PathBuf};

use candle_core::{DType, Device};
use editscale_core::{CandidateId, Failure, FailureKind};

use crate::editors::diffusion::latents::Geometry;
use crate::load::LoadError;
use crate::weights::{Checkpoint, Storage};

/// What a file of noise holds: `latents` [candidates, channels, rows, columns], standard normal, a row a candidate in ask
/// order; and, for samplers that add noise, `noise` [candidates, steps, channels, rows, columns] where it is not to be that of
/// the seeds.
#[derive(Debug)]
pub struct Injected {
    file: PathBuf,
    latents: Numbers,
    noise: Option<Numbers>,
    /// Tells these numbers from others.
    pub digest: [u8; 32],
}

#[derive(Debug)]
struct Numbers {
    dims: Vec<usize>,
    values: Vec<f32>,
}

impl Injected {
    /// Reads a safetensors file.
    pub fn load(file: &Path) -> Result<Self, LoadError> {
        let checkpoint = Checkpoint::open_file(file, str::to_owned)?;
        let read = |name: &str, dims: usize| {
            let Some(fact) = checkpoint.fact(name) else { return Ok(None) };
            if fact.shape.len() != dims || fact.shape.contains(&0) {
                let reason = format!("tensor `{name}` has shape {:?}: expected {dims} dimensions, none 0", fact.shape);
                return Err(LoadError::content(file, reason));
            }
            let tensor = checkpoint.tensor(name, &fact.shape, Storage::As(DType::F32), &Device::Cpu)?;
            let values = tensor.flatten_all().and_then(|flat| flat.to_vec1());
            let values = values.map_err(|error| LoadError::content(file, error.to_string()))?;
            Ok(Some(Numbers { dims: fact.shape, values }))
        };
        let missing =
            || LoadError::content(file, "holds no tensor `latents`: expected [candidates, channels, rows, columns]");
        let latents = read("latents", 4)?.ok_or_else(missing)?;
        let noise = read("noise", 5)?;
        let mut hasher = blake3::Hasher::new();
        for numbers in std::iter::once(&latents).chain(&noise) {
            hasher.update(format!("{:?}", numbers.dims).as_bytes());
            hasher.update(bytemuck::cast_slice(&numbers.values));
        }
        Ok(Self { noise, latents, file: file.to_owned(), digest: *hasher.finalize().as_bytes() })
    }

    /// The noise that a candidate starts from.
    pub(super) fn start(&self, id: CandidateId, geometry: Geometry) -> Result<Vec<f32>, Failure> {
        self.row(&self.latents, "latents", &[id.0 as usize], geometry)
    }

    /// The noise of a candidate's step, where the file has any.
    pub(super) fn step(&self, id: CandidateId, step: usize, geometry: Geometry) -> Option<Result<Vec<f32>, Failure>> {
        self.noise.as_ref().map(|noise| self.row(noise, "noise", &[id.0 as usize, step], geometry))
    }

    /// The row at a place, whose first number is the candidate's.
    fn row(&self, numbers: &Numbers, name: &str, place: &[usize], geometry: Geometry) -> Result<Vec<f32>, Failure> {
        let (outer, inner) = numbers.dims.split_at(place.len());
        let shown = self.file.display();
        let refuse = |why: String| Err(Failure::new(FailureKind::Invalid, format!("{shown}: tensor `{name}` {why}")));
        if inner != geometry.dims() {
            return refuse(format!(
                "has {inner:?} numbers a candidate: expected {:?} for this picture",
                geometry.dims()
            ));
        }
        if place.iter().zip(outer).any(|(at, count)| at >= count) {
            return refuse(format!("has {outer:?} rows: expected one at {place:?}, candidate and step"));
        }
        let at = place.iter().zip(outer).fold(0, |index, (at, count)| index * count + at);
        Ok(numbers.values[at * geometry.count()..][..geometry.count()].to_vec())
    }
}
