//! The editors that recipes can name. To add one, write its options in a file here and register them below; whoever
//! builds editors matches on the enum.

mod darkroom;

pub use darkroom::Darkroom;

use crate::options::alternatives;

alternatives! {
    /// Which editor, with its options.
    EditorModel, "an editor", "editor":
    /// The photographic editor that is built in.
    Darkroom(Darkroom),
}
