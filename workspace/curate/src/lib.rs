//! Whole data sets of edits judged, and what is kept of them.
//!
//! A **row** of a data set is a source picture, an instruction, and one or more edited pictures. One edited picture of a row,
//! judged, is a **record**. Modules in reading order:
//!
//! 1. `judging`: edits to score cards, in batches that share sources.
//! 2. `record`: what is known of one edited picture; `table`: records as Parquet.
//! 3. `drive`: a whole data set judged, by any number of processes, through the work queue of crate `rollout`.
//! 4. `choice`: records to what is kept, and why the rest is not.
//! 5. `results`: the kept rows in the data set's own format, the fate of every record, and preferences; `report`: the same for people.
//! 6. `review`: people's verdicts on the choice.

pub mod choice;
pub mod drive;
pub mod judging;
mod record;
pub mod report;
pub mod review;
pub mod results;
pub mod table;

pub use record::{PictureFacts, Record, Value};
