//! A document as a tree of values, each with the bytes that it came from. It knows nothing of recipes.

use crate::document::scalar::Scalar;
use crate::report::lines::Span;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub span: Span,
    pub value: Value,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<Entry>),
    /// Something that recipes may not hold. It has been reported, and is not to be reported again.
    Refused,
}

/// A key with its value. No key is twice in a map.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub key: String,
    pub key_span: Span,
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
