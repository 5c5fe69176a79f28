//! Python's pickles read and written as plain data: what reward servers and trainers speak over HTTP.
//!
//! Nothing in a pickle is ever imported, built or called; whatever is not plain data, or one of the exact shapes in which
//! `NumPy` writes floating-point numbers, is refused by the opcode's name and place.

mod codes;
mod error;
mod numpy;
mod read;
mod value;
mod write;

#[cfg(test)]
mod tests;

pub use error::PickleError;
pub use read::read;
pub use value::Pickled;
pub use write::write;
