//! From a recipe's words about devices and types to those of the models.

use editscale_config as config;
use editscale_models::device::{DeviceChoice, DtypeChoice};

/// Weights on the processor beyond this are kept as stored unless the recipe says otherwise: widened, a judge of seven billion
/// parameters would take 31 GB, and a transformer of twelve billion 48 GB.
pub(crate) const MOST_CONVERTED: u64 = 4 << 30;

pub(crate) fn device_choice(choice: config::DeviceChoice) -> DeviceChoice {
    match choice {
        config::DeviceChoice::Auto => DeviceChoice::Auto,
        config::DeviceChoice::Cpu => DeviceChoice::Cpu,
        config::DeviceChoice::Cuda => DeviceChoice::Cuda,
    }
}

pub(crate) fn dtype_choice(choice: config::DtypeChoice) -> DtypeChoice {
    match choice {
        config::DtypeChoice::Auto => DtypeChoice::Auto,
        config::DtypeChoice::F32 => DtypeChoice::F32,
        config::DtypeChoice::Bf16 => DtypeChoice::Bf16,
        config::DtypeChoice::F16 => DtypeChoice::F16,
    }
}
