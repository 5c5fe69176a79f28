//! What recipes say of any flow transformer behind encoders of texts: what all diffusion models are told, where the encoders
//! compute, how weights lie in memory, and the keys that such models call alike.

use editscale_schema::{Absent, Fields, Key, Keys, MakeError, Mistake, Number, Text, Whole, Word, Yaml, joined};

use crate::device::{self, DeviceChoice, DtypeChoice};
use crate::layers::Compute;
use crate::load::LoadError;
use crate::recipe::compute::{WeightChoice, weights};
use crate::recipe::diffusion::{DiffusionSettings, cache};

/// The most memory for what is encoded where recipes do not say, in MiB.
const USUAL_CACHE: u64 = 512;

/// What any local flow transformer is told beside its own options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowSettings {
    /// What all diffusion models are told.
    pub diffusion: DiffusionSettings,
    /// Where the encoders of texts compute.
    pub text_device: TextDevice,
    /// In which type weights lie in memory.
    pub weights: WeightChoice,
    /// The most memory for encoded texts and sources, in MiB.
    pub cache_mib: u64,
}

/// Where encoders of texts compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TextDevice {
    /// Where everything else does.
    #[default]
    Same,
    /// On the processor.
    Cpu,
}

/// How the parts of a model compute.
#[derive(Debug, Clone)]
pub(crate) struct Computes {
    /// The transformer and the autoencoder.
    pub(crate) pictures: Compute,
    /// The encoders of texts.
    pub(crate) texts: Compute,
}

pub(crate) const ADAPTER: Key<Text> = Key {
    name: "adapter",
    rule: Text,
    absent: Absent::Unset("none"),
    meaning: "a low-rank adapter of the transformer (LoRA): a `.safetensors` file, or a folder, as diffusers or PEFT writes \
              it",
};

pub(crate) const ADAPTER_SCALE: Key<Number> = Key {
    name: "adapter_scale",
    rule: Number::from(-100.0, 100.0),
    absent: Absent::Default(1.0),
    meaning: "how strongly the adapter counts; 1 is as it was trained",
};

pub(crate) const ETA: Key<Number> = Key {
    name: "eta",
    rule: Number::from(0.0, 10.0),
    absent: Absent::Default(0.0),
    meaning: "noise of each step, as in Flow-GRPO; 0 is the plain sampler, with which a seed decides the start alone",
};

pub(crate) const MAX_PIXELS: Key<Whole> = Key {
    name: "max_pixels",
    rule: Whole { low: 1, high: 1 << 24 },
    absent: Absent::Default(1 << 20),
    meaning: "about how many pixels a result has; the model was trained on a million",
};

const TEXT_DEVICE: Key<Word<TextDevice>> = Key {
    name: "text_device",
    rule: Word(&[("same", TextDevice::Same), ("cpu", TextDevice::Cpu)]),
    absent: Absent::Default(TextDevice::Same),
    meaning: "where encoders of texts compute; `cpu` leaves a card to the transformer",
};

const WEIGHTS: Key<Word<WeightChoice>> = weights(
    "in which type weights lie in memory: that of computing, or that of the files, which is smaller and slower; `auto` is \
     `stored` on the processor where the files are larger than 4 GiB; pictures are the same",
);

const CACHE: Key<Whole> = cache(USUAL_CACHE);

impl Default for FlowSettings {
    fn default() -> Self {
        Self {
            diffusion: DiffusionSettings::default(),
            text_device: TextDevice::default(),
            weights: WeightChoice::default(),
            cache_mib: USUAL_CACHE,
        }
    }
}

impl FlowSettings {
    /// Their keys.
    pub(crate) const KEYS: Keys =
        &joined::<{ DiffusionSettings::KEYS.len() + 3 }>(DiffusionSettings::KEYS, &[&TEXT_DEVICE, &WEIGHTS, &CACHE]);

    /// Reads them among an editor's own options.
    pub(crate) fn read(fields: &Fields<'_>) -> Option<Self> {
        // All are read before any is missed, so that all mistakes are told.
        let (diffusion, text_device) = (DiffusionSettings::read(fields), fields.take(&TEXT_DEVICE));
        let (weights, cache_mib) = (fields.take(&WEIGHTS), fields.take(&CACHE));
        Some(Self { diffusion: diffusion?, text_device: text_device?, weights: weights?, cache_mib: cache_mib? })
    }

    pub(crate) fn write(&self) -> impl Iterator<Item = (String, Yaml)> + use<> {
        let own = [
            TEXT_DEVICE.write(Some(&self.text_device)),
            WEIGHTS.write(Some(&self.weights)),
            CACHE.write(Some(&self.cache_mib)),
        ];
        self.diffusion.write().chain(own.into_iter().flatten())
    }

    /// How the parts compute, with the weights as chosen; `stored_bytes` tells what all of them take in their files.
    pub(crate) fn computes(
        &self,
        stored_bytes: impl Fn(&Compute) -> Result<u64, LoadError>,
    ) -> Result<Computes, MakeError> {
        let pictures = self.diffusion.compute()?;
        let texts = match self.text_device {
            TextDevice::Same => pictures.clone(),
            TextDevice::Cpu => device::compute(DeviceChoice::Cpu, DtypeChoice::Auto)?,
        };
        let kept = |compute: Compute| {
            let bytes = || stored_bytes(&pictures);
            self.weights.applied(compute, bytes)
        };
        Ok(Computes { texts: kept(texts)?, pictures: kept(pictures.clone())? })
    }

    /// The most bytes that are kept of encoded texts and sources.
    pub(crate) fn cache_bytes(&self) -> u64 {
        self.cache_mib << 20
    }
}

/// Reports a file of the transformer that is called otherwise than the two kinds there are.
pub(crate) fn check_transformer(fields: &Fields<'_>, key: &Key<Text>, file: Option<&String>) {
    check_ending(fields, key, file, &["gguf", "safetensors"]);
}

/// Reports a file in place of one of `dir` that does not end as files of its kind do.
pub(crate) fn check_ending(fields: &Fields<'_>, key: &Key<Text>, file: Option<&String>, endings: &[&str]) {
    let ending = |file: &String| file.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    if file.is_some_and(|file| !ending(file).is_some_and(|ending| endings.contains(&ending.as_str()))) {
        let expected: Vec<String> = endings.iter().map(|ending| format!("`.{ending}`")).collect();
        let mistake = Mistake::new(format!("`{}` does not end in {}", key.name, expected.join(" or ")))
            .hint(format!("name a file; leave the key out to use the {} in `dir`", key.name));
        fields.error(&fields.span_of(key.name), mistake);
    }
}
