//! Plots as SVG that follows the page's colours.
//!
//! Each kind of plot is plain data with a `draw` that gives a [`Drawn`]: markup for a page (figure, legend, and all figures as
//! a table), or a file of its own. What is not finite is left out of a drawing and said to be; no drawing leaves its frame.

mod axis;
mod bars;
mod canvas;
mod drawn;
mod forest;
mod histogram;
mod lines;
mod scatter;
mod ticks;

pub use axis::{Axis, Mark, Scale};
pub use bars::{Counts, StackedBars};
pub use drawn::Drawn;
pub use forest::{Estimate, Forest};
pub use histogram::Histogram;
pub use lines::{Line, LinePoint, Lines};
pub use scatter::{Cloud, Scatter};
pub use ticks::{Ticks, round_step};
