//! A document as a tree of values, each with the bytes that it came from. It knows nothing of recipes.

use crate::document::scalar::Scalar;
use crate::report::lines::Span;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The bytes that it was written in, none where nothing is written.
    pub span: Span,
    /// What it is.
    pub value: Value,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A single value.
    Scalar(Scalar),
    /// Several values in order.
    List(Vec<Node>),
    /// Several values under keys, in the order of the file.
    Map(Vec<Entry>),
    /// Something that recipes may not hold. It has been reported, and is not to be reported again.
    Refused,
}

/// A key with its value. No key is twice in a map.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The bytes of the key.
    pub key_span: Span,
    /// The value.
    pub node: Node,
}

impl Entry {
    /// Where to point when the value is meant: at the key where nothing is written.
    pub fn place(&self) -> &Span {
        if self.node.span.is_empty() { &self.key_span } else { &self.node.span }
    }
}

impl Node {
    /// Something that is not read, because it has been reported.
    pub fn refused(span: Span) -> Self {
        Self { span, value: Value::Refused }
    }
}
