//! From a recipe's options to a loaded judge.

use std::path::Path;

use anyhow::{Context, Result};
use editscale_config as config;
use editscale_config::EditRewardOptions;
use editscale_models::device;
use editscale_models::layers::RopeTables;
use editscale_models::rewards::editreward::{Directory, EditReward, Fusion, Options};
use editscale_models::weights::Storage;

use crate::compute::{MOST_CONVERTED, device_choice, dtype_choice};

/// Loads the judge that a recipe describes.
pub(crate) fn load(options: &EditRewardOptions) -> Result<EditReward> {
    let directory = Directory::of(Path::new(&options.dir))?;
    let mut compute = device::compute(device_choice(options.device), dtype_choice(options.dtype))?;
    let is_stored = match options.weights {
        config::WeightChoice::Converted => false,
        config::WeightChoice::Stored => true,
        config::WeightChoice::Auto => compute.device.is_cpu() && directory.weight_bytes() > MOST_CONVERTED,
    };
    if is_stored {
        compute.kept = Storage::Stored;
    }
    let mut chosen = Options::on(compute);
    chosen.rope_tables = match options.rope_tables {
        config::RopeTables::Official => RopeTables::Official,
        config::RopeTables::Exact => RopeTables::Exact,
    };
    chosen.fusion = match options.fusion {
        config::Fusion::Mean => Fusion::Mean,
        config::Fusion::Min => Fusion::Min,
        config::Fusion::Sum => Fusion::Sum,
    };
    chosen.cache_bytes = options.cache_mib << 20;
    if let Some(mib) = options.activation_mib {
        chosen.activation_bytes = mib << 20;
    }
    EditReward::load(&directory, chosen).with_context(|| format!("cannot load the judge in `{}`", options.dir))
}
