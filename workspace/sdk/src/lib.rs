//! Editors and rewards as programs of their own: the protocol between editscale and its plugins, and a main for plugins
//! that are written in Rust.
//!
//! | module | what it holds |
//! |---|---|
//! | [`protocol`] | frames and messages, without IO; the host speaks it too |
//! | [`serve`] | traits for editors and rewards, and the main of a plugin |
//!
//! What a plugin needs is also here, at the root. `docs/plugins.md` says how to write a plugin, `docs/plugin-protocol.md`
//! what goes over the wire.

pub mod protocol;
pub mod serve;

pub use protocol::{
    AdoptParameters, AdoptSupport, Adopted, CancelRule, CostNumbers, EditCounters, EditProposal, EditorCard,
    ErrorClass, Failed, Feature, Judged, Knob, KnobScale, Part, PauseSupport, PausedPlace, PluginKind, Recovery,
    RewardCard, RewardCounters, RewardKind, SamplerKind, Size, Start, WeightsKind, Welcome,
};
pub use serve::{
    About, Call, Edit, Editor, Image, Made, NewImage, Pair, Plugin, Reward, Trajectory, serve_editor, serve_reward,
};
