//! YAML as a tree in which every value knows its place, and back to text. It knows nothing of recipes, and reads no files:
//! whoever parses a file makes the tree.

pub mod scalar;
pub mod tree;
pub(crate) mod yaml;
