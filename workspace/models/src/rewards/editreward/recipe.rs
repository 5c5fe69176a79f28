//! How a recipe sets the reward `editreward`.

use std::path::Path;

use editscale_core::{LocalReward, RewardName};
use editscale_schema::{
    Absent, Fields, House, Key, Keys, Made, MadeReward, MakeError, Options, RewardChoice, Text, Whole, Word, Yaml,
};

use crate::device::{self, DeviceChoice, DtypeChoice};
use crate::layers::RopeTables;
use crate::recipe::CannotLoad;
use crate::recipe::compute::{DEVICE, WeightChoice, check_dtype, dtype, weights};
use crate::rewards::editreward::{self, Directory, EditReward, EditRewardModel, Fusion};

/// A judge with the architecture of EditReward, from a model directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditRewardRecipe {
    /// The model directory; `builtin` is the small judge that is part of the program.
    pub dir: String,
    /// Where it computes.
    pub device: DeviceChoice,
    /// In which type it computes.
    pub dtype: DtypeChoice,
    /// In which type its weights lie in memory.
    pub weights: WeightChoice,
    /// How rotation tables are rounded.
    pub rope_tables: RopeTables,
    /// How the two heads' answers become one.
    pub fusion: Fusion,
    /// The most memory for activations, in MiB.
    pub activation_mib: Option<u64>,
    /// The most memory for what is kept between calls, in MiB.
    pub cache_mib: u64,
}

const DIR: Key<Text> = Key {
    name: "dir",
    rule: Text,
    absent: Absent::Refused,
    meaning: "the model directory, from the folder in which the program runs; `builtin` is the small judge of photometric \
              edits that is part of the program",
};

const DTYPE: Key<Word<DtypeChoice>> =
    dtype(&[("auto", DtypeChoice::Auto), ("f32", DtypeChoice::F32), ("bf16", DtypeChoice::Bf16)]);

const WEIGHTS: Key<Word<WeightChoice>> = weights(
    "in which type weights lie in memory: that of computing, or that of the files, which is smaller and slower; `auto` is \
     `stored` on the processor where the files are larger than 4 GiB; scores are the same",
);

const ROPE_TABLES: Key<Word<RopeTables>> = Key {
    name: "rope_tables",
    rule: Word(&[("official", RopeTables::Official), ("exact", RopeTables::Exact)]),
    absent: Absent::Default(RopeTables::Official),
    meaning: "how rotation tables are rounded: as the released code does, with which released checkpoints were trained, \
              or not at all",
};

const FUSION: Key<Word<Fusion>> = Key {
    name: "fusion",
    rule: Word(&[("mean", Fusion::Mean), ("min", Fusion::Min), ("sum", Fusion::Sum)]),
    absent: Absent::Default(Fusion::Mean),
    meaning: "how the two heads' answers become one; released checkpoints were trained with `mean`",
};

const ACTIVATIONS: Key<Whole> = Key {
    name: "activation_mib",
    rule: Whole { low: 1, high: 1 << 20 },
    absent: Absent::Unset("1024 on the processor, 6144 on a card"),
    meaning: "the most memory for the activations of one pass, in MiB; candidates are judged in as few passes as fit",
};

const CACHE: Key<Whole> = Key {
    name: "cache_mib",
    rule: Whole { low: 0, high: 1 << 20 },
    absent: Absent::Default(512),
    meaning: "the most memory for what is kept of sources and pictures for later rounds, in MiB",
};

impl EditRewardRecipe {
    /// A judge with everything else as where it is left out.
    pub fn of(dir: &str) -> Self {
        Self {
            dir: dir.to_owned(),
            device: DeviceChoice::default(),
            dtype: DtypeChoice::default(),
            weights: WeightChoice::default(),
            rope_tables: RopeTables::default(),
            fusion: Fusion::default(),
            activation_mib: None,
            cache_mib: 512,
        }
    }

    fn load(&self) -> Result<EditReward, MakeError> {
        let directory = Directory::of(Path::new(&self.dir))?;
        let compute = device::compute(self.device, self.dtype)?;
        let compute = self.weights.applied(compute, || Ok(directory.weight_bytes()))?;
        let defaults = editreward::Options::on(compute);
        let options = editreward::Options {
            rope_tables: self.rope_tables,
            fusion: self.fusion,
            activation_bytes: self.activation_mib.map_or(defaults.activation_bytes, |mib| mib << 20),
            cache_bytes: self.cache_mib << 20,
            // The judge of the program is like no other.
            shares: self.dir != Directory::BUILTIN,
            ..defaults
        };
        EditReward::load(&directory, options)
            .map_err(|source| CannotLoad { model: "the judge in", dir: self.dir.clone(), source: source.into() }.into())
    }
}

impl Options for EditRewardRecipe {
    const NAME: &'static str = "editreward";
    const ABOUT: &'static str = "EditReward, or another judge of its architecture: a vision language model with two \
                                 heads, `instruction_following` and `visual_quality`. Scores are unbounded and compare \
                                 only within one checkpoint; each has a sigma.";
    const KEYS: Keys = &[&DIR, &DEVICE, &DTYPE, &WEIGHTS, &ROPE_TABLES, &FUSION, &ACTIVATIONS, &CACHE];

    fn read(fields: &Fields<'_>) -> Option<Self> {
        // All are read before any is missed, so that all mistakes are told.
        let (dir, device, dtype) = (fields.take(&DIR), fields.take(&DEVICE), fields.take(&DTYPE));
        let (weights, rope_tables, fusion) = (fields.take(&WEIGHTS), fields.take(&ROPE_TABLES), fields.take(&FUSION));
        let (activation_mib, cache_mib) = (fields.take(&ACTIVATIONS), fields.take(&CACHE));
        check_dtype(fields, device, dtype);
        Some(Self {
            dir: dir?,
            device: device?,
            dtype: dtype?,
            weights: weights?,
            rope_tables: rope_tables?,
            fusion: fusion?,
            activation_mib,
            cache_mib: cache_mib?,
        })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        let written = [
            DIR.write(Some(&self.dir)),
            DEVICE.write(Some(&self.device)),
            DTYPE.write(Some(&self.dtype)),
            WEIGHTS.write(Some(&self.weights)),
            ROPE_TABLES.write(Some(&self.rope_tables)),
            FUSION.write(Some(&self.fusion)),
            ACTIVATIONS.write(self.activation_mib.as_ref()),
            CACHE.write(Some(&self.cache_mib)),
        ];
        written.into_iter().flatten().collect()
    }
}

impl RewardChoice for EditRewardRecipe {
    fn repeats_itself(&self) -> bool {
        true
    }

    fn make(&self, name: &RewardName, _: &House) -> Result<MadeReward, MakeError> {
        let (recipe, name) = (self.clone(), name.clone());
        Ok(Made::local(
            move || Ok(Box::new(EditRewardModel::new(name.clone(), recipe.load()?)) as Box<dyn LocalReward>),
        ))
    }
}
