//! Pictures on the wire: looked at, never decoded or encoded again, with limits on everything.

pub(crate) mod declared;
pub(crate) mod lifted;
pub(crate) mod mask;
pub(crate) mod received;
pub(crate) mod results;

pub use received::PictureLimits;
