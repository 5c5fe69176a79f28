//! From the text of a YAML document to the tree in which every value knows its place.

pub(crate) mod reader;
mod syntax;
