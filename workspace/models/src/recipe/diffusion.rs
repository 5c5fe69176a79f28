//! What recipes say of any diffusion model: results, noise, device, memory.

use std::num::NonZeroU32;
use std::path::Path;

use editscale_schema::{Absent, Fields, Flag, Key, Keys, Text, Whole, Word, Yaml};

use crate::device::{self, DeviceChoice, DeviceError, DtypeChoice};
use crate::editors::diffusion::{DiffusionOptions, Injected, ResultSize};
use crate::editors::residency::Residency;
use crate::layers::Compute;
use crate::load::LoadError;
use crate::recipe::compute::{DEVICE, check_dtype, dtype};

/// What any local diffusion model is told beside its own options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffusionSettings {
    /// The size of pictures where the request does not say.
    pub result_size: ResultSize,
    /// A file with the noise of candidates; that of their seeds where absent.
    pub latents: Option<String>,
    /// Whether candidates carry their trajectories.
    pub trajectory: bool,
    /// Where it computes.
    pub device: DeviceChoice,
    /// In which type it computes.
    pub dtype: DtypeChoice,
    /// The most memory for activations, in MiB.
    pub activation_mib: Option<u64>,
    /// The most memory for paused candidates, in MiB.
    pub paused_mib: u64,
    /// The most candidates of one call.
    pub batch: NonZeroU32,
}

pub(crate) const DIR: Key<Text> = Key {
    name: "dir",
    rule: Text,
    absent: Absent::Refused,
    meaning: "the pipeline's folder as diffusers writes it, from the folder in which the program runs; \
              `editscale models pull` makes one",
};

pub(crate) const RESIDENCY: Key<Word<Residency>> = Key {
    name: "residency",
    rule: Word(&[("together", Residency::Together), ("in_turn", Residency::InTurn)]),
    absent: Absent::Default(Residency::Together),
    meaning: "whether the encoder of texts and pictures and the transformer are loaded together, or in turn, once a batch each, \
              which takes less memory and more time",
};

const RESULT_SIZE: Key<Word<ResultSize>> = Key {
    name: "result_size",
    rule: Word(&[("model", ResultSize::Model), ("source", ResultSize::Source)]),
    absent: Absent::Default(ResultSize::Model),
    meaning: "the size of pictures where `--size` does not say: as the model makes them, or brought to that of the source",
};

pub(crate) const LATENTS: Key<Text> = Key {
    name: "latents",
    rule: Text,
    absent: Absent::Unset("from the seeds"),
    meaning: "a safetensors file with the noise that candidates start from, from the folder in which the program runs",
};

const TRAJECTORY: Key<Flag> = Key {
    name: "trajectory",
    rule: Flag,
    absent: Absent::Default(false),
    meaning: "whether the latents of every step are written to the run's folder, for training on them",
};

pub(crate) const TILE: Key<Whole> = Key {
    name: "tile",
    rule: Whole { low: 64, high: 1 << 14 },
    absent: Absent::Unset("at once"),
    meaning: "the side of tiles, in pixels, in which larger pictures are decoded, to save memory; neighbours share a quarter. The \
              published code takes 256",
};

const DTYPE: Key<Word<DtypeChoice>> = dtype(&[
    ("auto", DtypeChoice::Auto),
    ("f32", DtypeChoice::F32),
    ("bf16", DtypeChoice::Bf16),
    ("f16", DtypeChoice::F16),
]);

const ACTIVATIONS: Key<Whole> = Key {
    name: "activation_mib",
    rule: Whole { low: 1, high: 1 << 20 },
    absent: Absent::Unset("2048 on the processor, 8192 on a card"),
    meaning: "the most memory for the activations of one pass, in MiB, by an estimate; candidates are denoised in as few \
              passes as fit, one at a time if need be",
};

const PAUSED: Key<Whole> = Key {
    name: "paused_mib",
    rule: Whole { low: 0, high: 1 << 20 },
    absent: Absent::Default(1024),
    meaning: "the most memory for candidates that wait half-way, in MiB; those let go are made again when they are needed",
};

const BATCH: Key<Whole> = Key {
    name: "batch",
    rule: Whole { low: 1, high: 1024 },
    absent: Absent::Default(32),
    meaning: "the most candidates of one call",
};

/// The key `cache_mib`. Sizes of what is encoded differ between models.
pub(crate) const fn cache(default: u64) -> Key<Whole> {
    Key {
        name: "cache_mib",
        rule: Whole { low: 0, high: 1 << 20 },
        absent: Absent::Default(default),
        meaning: "the most memory for encoded texts and sources that are kept for later calls, in MiB",
    }
}

impl Default for DiffusionSettings {
    fn default() -> Self {
        Self {
            result_size: ResultSize::default(),
            latents: None,
            trajectory: false,
            device: DeviceChoice::default(),
            dtype: DtypeChoice::default(),
            activation_mib: None,
            paused_mib: 1024,
            batch: NonZeroU32::new(32).unwrap_or(NonZeroU32::MIN),
        }
    }
}

impl DiffusionSettings {
    /// Their keys.
    pub(crate) const KEYS: Keys =
        &[&RESULT_SIZE, &LATENTS, &TRAJECTORY, &DEVICE, &DTYPE, &ACTIVATIONS, &PAUSED, &BATCH];

    /// Reads them among an editor's own options.
    pub(crate) fn read(fields: &Fields<'_>) -> Option<Self> {
        // All are read before any is missed, so that all mistakes are told.
        let (result_size, latents) = (fields.take(&RESULT_SIZE), fields.take(&LATENTS));
        let (trajectory, device, dtype) = (fields.take(&TRAJECTORY), fields.take(&DEVICE), fields.take(&DTYPE));
        let (activation_mib, paused_mib) = (fields.take(&ACTIVATIONS), fields.take(&PAUSED));
        let batch = fields.take(&BATCH).and_then(|batch| NonZeroU32::new(batch as u32));
        check_dtype(fields, device, dtype);
        Some(Self {
            result_size: result_size?,
            latents,
            trajectory: trajectory?,
            device: device?,
            dtype: dtype?,
            activation_mib,
            paused_mib: paused_mib?,
            batch: batch?,
        })
    }

    pub(crate) fn write(&self) -> impl Iterator<Item = (String, Yaml)> + use<> {
        let written = [
            RESULT_SIZE.write(Some(&self.result_size)),
            LATENTS.write(self.latents.as_ref()),
            TRAJECTORY.write(Some(&self.trajectory)),
            DEVICE.write(Some(&self.device)),
            DTYPE.write(Some(&self.dtype)),
            ACTIVATIONS.write(self.activation_mib.as_ref()),
            PAUSED.write(Some(&self.paused_mib)),
            BATCH.write(Some(&u64::from(self.batch.get()))),
        ];
        written.into_iter().flatten()
    }

    /// The way to compute that is asked for, with weights kept in the type of computing.
    pub(crate) fn compute(&self) -> Result<Compute, DeviceError> {
        device::compute(self.device, self.dtype)
    }

    /// What the loop that all diffusion models share is told. Reads the file with the noise.
    pub(crate) fn options(&self, compute: &Compute) -> Result<DiffusionOptions, LoadError> {
        let defaults = DiffusionOptions::new(!compute.device.is_cpu());
        Ok(DiffusionOptions {
            injected: self.latents.as_ref().map(|file| Injected::load(Path::new(file))).transpose()?,
            keeps_trajectory: self.trajectory,
            result_size: self.result_size,
            activation_bytes: self.activation_mib.map_or(defaults.activation_bytes, |mib| mib << 20),
            paused_bytes: self.paused_mib << 20,
            largest_batch: self.batch,
        })
    }
}
