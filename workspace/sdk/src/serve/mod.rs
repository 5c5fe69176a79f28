//! A main for plugins in Rust: implement [`Editor`] or [`Reward`], and call [`serve_editor`] or [`serve_reward`].
//!
//! * Standard output is the protocol's: the first thing that `serve_…` does is to take it and to point what others print
//!   at standard error, which is the plugin's log.
//! * A thread of its own hears the host, so that pings and cancels are seen to while work is under way. Calls run on as
//!   many threads as the card has `slots`.
//! * A panic in a call is a failure of that call. A panic while loading is the reason why the plugin is not ready.
//! * The end of standard input ends the process: nothing outlives the host.
//! * Pictures come as [`Image`], whose bytes are read when they are asked for, and go as [`NewImage`]; large ones travel
//!   as files.

mod call;
mod config;
mod desk;
mod editor;
mod failed;
mod incoming;
mod outbox;
mod picture;
mod plugin;
mod process;
mod reward;
mod session;
#[cfg(test)]
mod tests;
mod work;

pub use call::Call;
pub use desk::Ending;
pub use editor::{Edit, Editor, Made, Trajectory};
pub use picture::{Image, NewImage};
pub use plugin::{About, Plugin, serve_editor, serve_reward};
pub use reward::{Pair, Reward};
