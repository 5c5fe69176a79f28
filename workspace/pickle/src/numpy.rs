//! The few names that a pickle may hold: those under which `NumPy` puts numbers, and old protocols put bytes.
//!
//! They are recognised as data and never called. What stands here follows `numpy/_core/src/multiarray/methods.c` and
//! `scalartypes.c.src` (`__reduce__` of arrays, scalars and data types), and pickles that `NumPy` 2.4 wrote.

use crate::read::{Node, Place};

/// A name that stands for a shape of data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    /// `_codecs.encode`: bytes as protocols before 3 write them.
    Encode,
    /// `bytes`: no bytes, as protocols before 3 write them.
    NoBytes,
    /// `numpy.dtype`: a type of numbers.
    Type,
    /// `numpy.ndarray`.
    Array,
    /// `numpy._core.multiarray.scalar`: one number.
    Scalar,
    /// `numpy._core.multiarray._reconstruct`: an array, empty as yet.
    Reconstruct,
}

/// A type of floating-point numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Float {
    bytes: usize,
    /// Known once the type is built.
    is_little: Option<bool>,
}

impl Name {
    /// The name; nothing where it is not one of these few.
    pub(super) fn of(module: &str, name: &str) -> Option<Self> {
        match (module, name) {
            ("_codecs", "encode") => Some(Self::Encode),
            ("__builtin__", "bytes") => Some(Self::NoBytes),
            ("numpy", "dtype") => Some(Self::Type),
            ("numpy", "ndarray") => Some(Self::Array),
            ("numpy.core.multiarray" | "numpy._core.multiarray", "scalar") => Some(Self::Scalar),
            ("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct") => Some(Self::Reconstruct),
            _ => None,
        }
    }

    /// What the name stands for with these arguments; nothing where they are not the ones that `NumPy` writes.
    pub(super) fn with(self, arguments: &[&Node]) -> Option<Node> {
        match (self, arguments) {
            (Self::Encode, [Node::Text(text), Node::Text(code)]) if code == "latin1" => {
                let byte = |letter: char| u8::try_from(u32::from(letter)).ok();
                Some(Node::Bytes(text.chars().map(byte).collect::<Option<_>>()?))
            }
            (Self::NoBytes, []) => Some(Node::Bytes(Vec::new())),
            (Self::Type, [Node::Text(code), Node::Bool(false), Node::Bool(true)]) => {
                let bytes = match code.as_str() {
                    "f4" => 4,
                    "f8" => 8,
                    _ => return None,
                };
                Some(Node::Type(Float { bytes, is_little: None }))
            }
            (Self::Scalar, [Node::Type(float), Node::Bytes(bytes)]) if bytes.len() == float.bytes => {
                float.number(bytes).map(Node::Float)
            }
            (Self::Reconstruct, [Node::Name(Self::Array), Node::Tuple(_), Node::Bytes(code)]) if code == b"b" => {
                Some(Node::Empty)
            }
            _ => None,
        }
    }
}

impl Float {
    /// The type with the order of bytes that its state names.
    pub(super) fn built(self, state: &[&Node]) -> Option<Self> {
        let [Node::Int(3), Node::Text(order), ..] = state else { return None };
        let is_little = match order.as_str() {
            "<" => true,
            ">" => false,
            _ => return None,
        };
        Some(Self { is_little: Some(is_little), ..self })
    }

    fn number(self, bytes: &[u8]) -> Option<f64> {
        let is_little = self.is_little?;
        if let Ok(four) = <[u8; 4]>::try_from(bytes) {
            return Some(f64::from(if is_little { f32::from_le_bytes(four) } else { f32::from_be_bytes(four) }));
        }
        let eight = <[u8; 8]>::try_from(bytes).ok()?;
        Some(if is_little { f64::from_le_bytes(eight) } else { f64::from_be_bytes(eight) })
    }
}

/// The numbers of an array of one axis, from its state: version, shape, type, Fortran order, bytes. The shape is a node of
/// its own, whose items `look` finds.
pub(super) fn numbers<'a>(state: &[&'a Node], look: impl Fn(&'a Node) -> Option<Vec<&'a Node>>) -> Option<Vec<f64>> {
    let [Node::Int(1), shape, Node::Type(float), Node::Bool(false), Node::Bytes(bytes)] = state else { return None };
    let shape = look(shape)?;
    let [Node::Int(length)] = shape.as_slice() else { return None };
    let is_whole = usize::try_from(*length).ok()?.checked_mul(float.bytes) == Some(bytes.len());
    is_whole.then(|| bytes.chunks_exact(float.bytes).map(|number| float.number(number)).collect())?
}

/// The places of a node's items.
pub(super) fn places(node: &Node) -> Option<&[Place]> {
    if let Node::Tuple(items) = node { Some(items) } else { None }
}
