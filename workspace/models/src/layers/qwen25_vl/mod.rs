//! Qwen2.5-VL (Bai et al., 2025): vision tower and decoder, of any size, and the preparation of pictures.
//!
//! Names and behaviour follow `transformers` 4.57.1, `models/qwen2_5_vl/modeling_qwen2_5_vl.py`. What tokens there are,
//! where they stand and which of them are read is up to who uses the parts: EditReward asks for something else than a
//! conversation does.

mod config;
mod decoder;
mod names;
mod patches;
mod positions;
mod processor;
mod size;
mod tensors;
mod vision;
mod windows;

pub use config::{Config, ConfigError, TextConfig, VisionConfig};
pub use decoder::{Decoder, LayerKeys, Pass, Passed};
pub use names::{canonical, canonical_of_gguf};
pub use patches::Patching;
pub use positions::{Grid, multimodal_positions, plain_positions};
pub use processor::{Processor, ProcessorFile};
pub use size::{SizeError, target_size};
pub(crate) use tensors::affine;
pub use tensors::{EMBEDDINGS, expected_tensors};
pub use vision::VisionTower;
