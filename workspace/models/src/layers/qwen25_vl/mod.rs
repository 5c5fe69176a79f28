//! Qwen2.5-VL (Bai et al., 2025): vision tower and decoder, of any size.
//!
//! Names and behaviour follow `transformers` 4.57.1, `models/qwen2_5_vl/modeling_qwen2_5_vl.py`. Several models share it:
//! EditReward judges with it, Qwen-Image-Edit and Step1X-Edit read instructions with it.

mod config;
mod decoder;
mod names;
mod positions;
mod vision;
mod windows;

pub use config::{Config, ConfigError, TextConfig, VisionConfig};
pub use decoder::{Decoder, LayerKeys, Pass, Passed};
pub use names::canonical;
pub use positions::{Grid, axes, multimodal_positions, plain_positions};
pub use vision::VisionTower;
pub use windows::{Windows, windows};
