//! The reward `photometric`: how well an edit was done, measured from the source, the edited picture and the instruction alone.
//!
//! It does not know how the edited picture was made: it has no part in the operations but the geometry of turns and mirrors, and
//! looks for what any competent hand would have brought about. Everything is measured on copies of one size, so that large and small
//! pictures are judged alike.

mod assess;
mod comparison;
mod damage;
mod descriptor;
mod follow;
mod levels;
mod measures;
mod register;
mod view;

pub use assess::{Assessment, EditAssessment, assess, assess_and_describe};
pub use view::SourceView;
