//! What editscale and a plugin say to each other, without IO.
//!
//! A plugin is a child process. Frames go over its standard input and output: a length of four bytes, least significant
//! first, then a `MessagePack` map with one key, which names the message. `docs/plugin-protocol.md` is the specification.

mod cards;
mod frame;
mod messages;
mod pictures;
mod version;
mod work;

pub use cards::{
    AdoptSupport, CancelRule, Card, CostNumbers, EditorCard, Knob, KnobScale, PauseSupport, Recovery, RewardCard,
    RewardKind, SamplerKind,
};
pub use frame::{FrameError, Frames, LONGEST_FRAME, decode, encode, name_in};
pub use messages::{
    Answer, Call, Feature, FromHost, FromPlugin, Hello, Method, PluginKind, Preview, Progress, Welcome,
};
pub use pictures::{Blob, FilePlace, Picture, PictureBody};
pub use version::{PROTOCOL, Version, VersionError};
pub use work::{
    AdoptParameters, Adopted, EditCounters, EditItem, EditParameters, EditProposal, Edited, ErrorClass, Failed, Judged,
    Outcome, Part, PausedPlace, RewardCounters, RewardItem, ScoreParameters, Size, Start, TrajectoryParts, WeightsKind,
};
