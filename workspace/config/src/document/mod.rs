//! YAML as a tree in which every value knows its place, and back to text. It knows nothing of recipes.

pub(crate) mod reader;
pub(crate) mod scalar;
mod syntax;
pub(crate) mod tree;
pub(crate) mod yaml;
