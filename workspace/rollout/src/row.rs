//! One row of a data set: a picture and what to do to it.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Which columns, keys or members of a data set hold what. A name that is not given is looked for under its usual names; an
/// empty one says that there is no such column. `OUTER.INNER` is a field of an object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Columns {
    /// The picture to edit: a path, an address, base64, bytes, or the image struct of `datasets`.
    pub source: Option<String>,
    /// What to do to it.
    pub instruction: Option<String>,
    /// The pictures that were made of it, where they are wanted.
    pub edited: Edited,
    /// A mask of the source's size: white = edit here.
    pub mask: Option<String>,
    /// What the row is called; its number, from 0, where there is no such column.
    pub id: Option<String>,
    /// The root seed of the row's runs; made of the data set's root seed where there is no such column.
    pub seed: Option<String>,
    /// Columns that are handed on to the rollouts as they are.
    pub keep: Vec<String>,
}

/// Which columns hold the pictures that were made of the source.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Edited {
    /// None are read.
    #[default]
    Unwanted,
    /// Those with a usual name.
    Usual,
    /// These: a picture each, or a list of pictures. In this order.
    Named(Vec<String>),
}

/// Where a row lies in its data set, in words of its reader: short, and good for any process that opens the same data set.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Place(pub String);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A row fetched from its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What the data set calls it, or its number.
    pub id: String,
    /// The picture to edit.
    pub source: RowPicture,
    /// What was made of it, in the order of the columns; empty where [`Columns::edited`] wants none.
    pub edited: Vec<RowPicture>,
    /// What to do to it, as it stands there; whether it is an instruction is found out when it is used.
    pub instruction: String,
    /// Where editing is allowed.
    pub mask: Option<RowPicture>,
    /// The root seed that the data set gives it.
    pub seed: Option<u64>,
    /// The columns that are handed on.
    pub extra: serde_json::Map<String, serde_json::Value>,
}

/// A picture as a row names or holds it.
#[derive(Clone, PartialEq, Eq)]
pub enum RowPicture {
    /// The encoded file itself, and what the data set calls it.
    Bytes {
        /// A file name or path, where the data set has one.
        name: Option<String>,
        /// The file.
        bytes: Vec<u8>,
    },
    /// A file, found beside the data set.
    File(PathBuf),
    /// `http://` or `https://`.
    Address(String),
}

impl RowPicture {
    /// What people call it: the last part of its path or address.
    pub fn name(&self) -> Option<String> {
        let path = match self {
            Self::Bytes { name, .. } => name.clone()?,
            Self::File(path) => path.to_string_lossy().into_owned(),
            Self::Address(address) => address.split(['?', '#']).next().unwrap_or_default().to_owned(),
        };
        path.rsplit(['/', '\\']).next().filter(|name| !name.is_empty()).map(str::to_owned)
    }
}

impl fmt::Debug for RowPicture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes { name, bytes } => write!(f, "Bytes({name:?}, {} bytes)", bytes.len()),
            Self::File(path) => write!(f, "File({})", path.display()),
            Self::Address(address) => write!(f, "Address({address})"),
        }
    }
}

/// Why one row cannot be used. The data set goes on with the next.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{place}: {reason}")]
pub struct RowProblem {
    /// File and line, record or member, for people.
    pub place: String,
    /// What was expected and what was found.
    pub reason: String,
}
