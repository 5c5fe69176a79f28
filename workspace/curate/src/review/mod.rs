//! People's verdicts on a choice: a page in the browser, a file of verdicts, and preference data made of them.
//!
//! 1. `verdict`: what a person said of an edited picture, or of two; `log`: the file of verdicts, appended to.
//! 2. `item`: what is shown of a record, and which records are looked at first.
//! 3. `pictures`: pictures of records, fetched from their data set as they are asked for.
//! 4. `serve`: the page and what it asks for, on this machine alone.
//! 5. `preferences`: pairs and labels, as trainers read them, and how people agree with the rewards.

/// The file of people's verdicts, in the folder of a curation.
pub const FILE: &str = "review.jsonl";

mod item;
mod log;
mod pictures;
mod preferences;
mod serve;
mod verdict;

pub use item::{Fates, Item, Looked, Selection, fate_words, select};
pub use log::{Log, ReviewError};
pub(crate) use pictures::small;
pub use pictures::{OfDataset, Pictures, Which};
pub use preferences::{Agreement, Agrees, Known, Label, Pair, PairedBy, Preference, preferences};
pub use serve::{Desk, Settings, serve};
pub use verdict::{Reviews, Said, Verdict};
