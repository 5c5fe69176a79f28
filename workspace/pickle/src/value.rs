//! What goes into a pickle and comes out of one: plain data.

/// Plain data of Python.
#[derive(Debug, Clone, PartialEq)]
pub enum Pickled {
    /// `None`.
    None,
    /// A `bool`.
    Bool(bool),
    /// An `int` of at most 64 bits.
    Int(i64),
    /// A `float`.
    Float(f64),
    /// A `str`.
    Text(String),
    /// `bytes`.
    Bytes(Vec<u8>),
    /// A `list`.
    List(Vec<Self>),
    /// A `tuple`.
    Tuple(Vec<Self>),
    /// A `dict`, in the order of the pickle. Where a key comes twice, the later one counts.
    Dict(Vec<(Self, Self)>),
}

impl Pickled {
    /// A `str`.
    pub fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    /// The value under a text.
    pub fn get(&self, key: &str) -> Option<&Self> {
        let Self::Dict(entries) = self else { return None };
        let is_it = |(name, _): &&(Self, Self)| matches!(name, Self::Text(name) if name == key);
        entries.iter().rev().find(is_it).map(|(_, value)| value)
    }

    /// The items of a list or a tuple.
    pub fn items(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) | Self::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// A number, as Python compares them: `True` is 1.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Int(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            Self::Bool(truth) => Some(f64::from(u8::from(*truth))),
            _ => None,
        }
    }

    /// What kind of thing it is, in Python's words.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Bool(_) => "a bool",
            Self::Int(_) => "an int",
            Self::Float(_) => "a float",
            Self::Text(_) => "a str",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "a list",
            Self::Tuple(_) => "a tuple",
            Self::Dict(_) => "a dict",
        }
    }
}
