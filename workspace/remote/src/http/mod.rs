//! One exchange with one server: what is sent, what comes back, and what can break on the way.

pub(crate) mod client;
pub(crate) mod endpoint;
mod escapes;
pub(crate) mod events;
pub(crate) mod multipart;
pub(crate) mod pieces;
pub(crate) mod secret;
pub(crate) mod socket;
pub(crate) mod way;

pub use client::Timeouts;
pub use secret::SecretSource;
