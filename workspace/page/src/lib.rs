//! Self-contained pages and vector plots, in light and in dark: text in, text out.
//!
//! Nothing here loads anything: no fonts, no scripts from elsewhere, no pictures but those given as data. Markup is made with
//! `maud`, which writes out whatever HTML could take for markup. Modules in reading order:
//!
//! 1. `document`: a whole page; `parts`: what stands on it; `table`: numbers in rows; `picture`: pictures, and two compared.
//! 2. `plot`: histograms, lines, intervals, points and bars as SVG that follows the page's colours.
//! 3. `words`: numbers as people read them, and texts with code in them.

mod document;
mod escape;
mod parts;
mod picture;
pub mod plot;
mod table;
mod words;

pub use document::{Document, SCRIPT, STYLE, document};
pub use escape::escape;
pub use parts::{fact, facts, figure, folded, note, section};
pub use picture::{Picture, compare, side_by_side};
pub use table::{Column, Table};
pub use words::{Alike, chance, count, marked, number, percent, shortened, three_digits};
