//! Several servers with one model: who is asked, how fast, and who is left alone for a while.

pub(crate) mod breaker;
pub(crate) mod call;
pub(crate) mod jobs;
pub(crate) mod pace;
pub(crate) mod server;
mod wanted;

pub use breaker::BreakerRules;
pub use call::{Connection, ServerOptions};
pub use jobs::PollRules;
pub use pace::Rate;
