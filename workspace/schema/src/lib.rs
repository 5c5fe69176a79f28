//! What recipes can say, as data: keys with their ranges, defaults and documentation; choices among kinds, each with options of
//! its own; mistakes with their places.
//!
//! Whatever a recipe can name says here how a recipe sets it, in the file in which it is itself: a remote editor beside its
//! dialect, a policy beside its rules. Nothing here opens a file, parses YAML, or knows any of them by name.
//!
//! * [`Key`] and [`Section`] say what stands in a map; a [`Rule`] says what a value may be, reads it and shows it.
//! * [`Fields`] reads a map of such keys and reports what is wrong to [`Mistakes`].
//! * [`Options`] is a map of keys under a name: one alternative. [`Kinds`] reads a choice among several.
//! * [`EditorChoice`], [`RewardChoice`] and [`CriticChoice`] say what is made of such a choice; a [`House`] holds what the made things share.
//! * [`remote`] has what everything behind HTTP is told: servers, prices, patience.

mod alternative;
mod document;
mod fields;
mod house;
mod key;
mod kinds;
mod options;
pub mod remote;
mod report;
mod rule;

pub use alternative::{Choice, Kinds, Named};
pub use document::scalar::{self, Scalar};
pub use document::tree::{self, Entry, Node, Value};
pub use document::yaml::Yaml;
pub use fields::{Fields, MOST_ITEMS, Map};
pub use house::House;
pub use key::{Absent, Documented, Key, KeyDoc, Keys, Section, Table, example, joined, table};
pub use kinds::{
    Chosen, CriticChoice, CriticKind, EditorChoice, EditorKind, FreeQuestion, Kind, Load, Made, MadeCritic, MadeEditor,
    MadeReward, MakeError, Reading, RewardChoice, RewardKind,
};
pub use options::{Options, Subtable};
pub use report::lines::{Lines, Span};
pub use report::mistakes::{Mistake, Mistakes};
pub use report::quote::{list, quote};
pub use report::suggest::nearest;
pub use report::{Diagnostic, Place, Report, Severity};
pub use rule::{Complaint, Flag, Name, Number, Rule, Text, Whole, Word};
