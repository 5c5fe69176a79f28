//! The editors that recipes can name. To add one, write its options in a file here and register them below; whoever
//! builds editors matches on the enum.

mod darkroom;
mod entries;

pub use darkroom::Darkroom;
pub(crate) use entries::{EDITOR, EDITORS, read_editors};

use crate::schema::options::alternatives;

alternatives! {
    /// Which editor, with its options.
    EditorModel, "an editor", "editor":
    /// The photographic editor that is built in.
    Darkroom(Darkroom),
}
