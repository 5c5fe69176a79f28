//! The denoiser: the connector before a transformer of FLUX.1's shape without guidance as an input.

mod config;
mod model;
#[cfg(test)]
mod released;
#[cfg(test)]
mod tests;

pub use config::DenoiserConfig;
pub(super) use config::open;
pub(super) use model::{Denoiser, Item, Prompted, Read};
