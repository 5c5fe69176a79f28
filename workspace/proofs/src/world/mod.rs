//! A simulated editor and judge of which the truth is known.
//!
//! Every candidate has a *gold* quality, which no policy sees, and a *proxy* score, which is what the judge says of it. The
//! proxy is gold plus the judge's error, and now and then a candidate exploits the judge: it scores high and is poor. Paused
//! candidates show previews whose scores foretell the final one only in part. All numbers are counted from seeds.
//!
//! * [`setting`]: the figures of a world, with what speaks for them.
//! * [`candidate`]: what comes of one noise: gold, proxy, previews.
//! * [`workshop`]: whoever makes and judges candidates for a search; [`simulation`] is the one over this world.
//! * [`mod@drive`]: the loop between a search and a workshop, with its ledger.

pub mod candidate;
pub mod drive;
pub mod normal;
pub mod setting;
pub mod simulation;
pub mod workshop;

pub use drive::{DriveError, Run, drive};
pub use setting::Setting;
pub use simulation::Simulation;
pub use workshop::{Again, Piece, Workshop};
