//! A document as a tree of values, each with the bytes that it came from. It knows nothing of recipes.

use crate::document::scalar::Scalar;
use crate::report::lines::Span;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) value: Value,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<Entry>),
    /// Something that recipes may not hold. It has been reported, and is not to be reported again.
    Refused,
}

/// A key with its value. No key is twice in a map.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_span: Span,
    pub(crate) node: Node,
}

impl Entry {
    /// Where to point when the value is meant: at the key where nothing is written.
    pub(crate) fn place(&self) -> &Span {
        if self.node.span.is_empty() { &self.key_span } else { &self.node.span }
    }
}

impl Node {
    /// Something that is not read, because it has been reported.
    pub(crate) fn refused(span: Span) -> Self {
        Self { span, value: Value::Refused }
    }
}
