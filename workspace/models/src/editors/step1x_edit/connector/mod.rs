//! From the encoder's states to what the denoiser reads as text: a refiner of two blocks that knows the time.
//!
//! Facts are those of the authors' `modules/connector_edit.py`, `Qwen2Connector`.

mod config;
mod model;
mod refiner;
#[cfg(test)]
mod tests;

pub use config::ConnectorConfig;
pub use model::{Connector, ConnectorText};
