//! One shard of trajectories: a SafeTensors file with the tensors of many candidates, `<rollout id>/<candidate>/<name>`.
//!
//! The format wants all sizes at its beginning, and the shard is not to be held in memory: the tensors go to a file of their own
//! first. The header is written here, as the library's has its metadata in no fixed order.

use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::path::Path;

use safetensors::{Dtype, SafeTensors};

use super::ExportError;
use super::candidate::Entry;
use super::passing::{PassingFile, Written};

/// The format with its version.
const FORMAT: &str = "editscale-trajectories/1";

/// The tensors of a candidate, in the order in which they are written.
const TENSORS: [&str; 4] = ["latents", "log_probabilities", "sigmas", "timesteps"];

/// The longest header that readers of the format take.
const MOST_HEADER: usize = 100_000_000;

/// How much is copied at once.
const COPY: usize = 1 << 18;

/// The shard.
pub(super) struct TrajectoryFile {
    /// Where it is going to be, begun early so that a folder that cannot be written to is known early.
    file: PassingFile,
    tensors: PassingFile,
    header: String,
    bytes: u64,
    candidates: u64,
}

impl TrajectoryFile {
    pub(super) fn create(path: &Path) -> Result<Self, ExportError> {
        let tensors = PassingFile::create(&path.with_extension("tensors"))?;
        let header = format!("{{\"__metadata__\":{{\"format\":\"{FORMAT}\"}}");
        Ok(Self { file: PassingFile::create(path)?, tensors, header, bytes: 0, candidates: 0 })
    }

    /// Adds the candidate's trajectory, if it has one.
    pub(super) fn write(&mut self, entry: &Entry<'_>) -> Result<(), ExportError> {
        let Some(bytes) = entry.pack.trajectories.get(&entry.candidate.candidate) else { return Ok(()) };
        let (rollout_id, candidate) = (&entry.pack.group.rollout_id, entry.candidate.candidate);
        let failed = |reason: String| ExportError::Group {
            rollout_id: rollout_id.clone(),
            reason: format!("the trajectory of candidate {candidate}: {reason}"),
        };
        let tensors = SafeTensors::deserialize(bytes).map_err(|error| failed(error.to_string()))?;
        for name in TENSORS {
            let tensor = tensors.tensor(name).map_err(|error| failed(error.to_string()))?;
            if tensor.dtype() != Dtype::F32 {
                return Err(failed(format!("`{name}` is {:?}: expected F32", tensor.dtype())));
            }
            let key = format!("{rollout_id}/{candidate}/{name}");
            self.tensor(&key, tensor.shape(), tensor.data()).map_err(|source| self.tensors.error(source))?;
        }
        self.candidates += 1;
        if self.header.len() > MOST_HEADER {
            return Err(failed(format!(
                "its shard names more tensors than {MOST_HEADER} bytes hold: make shards smaller"
            )));
        }
        Ok(())
    }

    fn tensor(&mut self, key: &str, shape: &[usize], data: &[u8]) -> io::Result<()> {
        let (begin, end) = (self.bytes, self.bytes + data.len() as u64);
        let key = serde_json::to_string(key)?;
        let parts = format!("\"dtype\":\"F32\",\"shape\":{shape:?},\"data_offsets\":[{begin},{end}]");
        write!(self.header, ",{key}:{{{parts}}}").map_err(io::Error::other)?;
        self.bytes = end;
        self.tensors.write_all(data)
    }

    pub(super) fn candidates(&self) -> u64 {
        self.candidates
    }

    /// The whole shard; nothing where no candidate had a trajectory.
    pub(super) fn keep(mut self) -> Result<Option<Written>, ExportError> {
        if self.candidates == 0 {
            return Ok(None);
        }
        self.header.push('}');
        let padded = self.header.len().next_multiple_of(8);
        let header = format!("{:padded$}", self.header);
        let write = |this: &mut Self| {
            this.file.write_all(&(header.len() as u64).to_le_bytes())?;
            this.file.write_all(header.as_bytes())?;
            copy(this.tensors.reread()?, &mut this.file)
        };
        write(&mut self).map_err(|source| self.file.error(source))?;
        self.file.keep().map(Some)
    }
}

fn copy(from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    let mut buffer = vec![0; COPY];
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(()),
            read => to.write_all(buffer.get(..read).unwrap_or_default())?,
        }
    }
}
