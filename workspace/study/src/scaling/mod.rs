//! What more candidates would bring: scaling curves from pools of independent candidates, without running each size.
//!
//! A pool of n candidates of one request tells of the best of k for every k up to n at once, averaged over all ways to pick k of
//! them. The proxy is what a policy chooses by, the gold what is wanted; where the proxy goes on rising and the gold does not,
//! choice among more candidates has begun to cheat.

mod hacking;
mod peak;
mod points;
mod pools;

pub use hacking::Gap;
pub use peak::Peak;
pub use points::{Estimate, Point};
pub use pools::{Candidate, Pools};
