//! Versions of the protocol, and which go together.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The protocol's name, in every `hello`.
pub const PROTOCOL: &str = "editscale-plugin";

/// A version: two sides with the same major number understand each other. A greater minor number means more messages,
/// keys and features, which the other side does not know and leaves aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Changes where the two sides could misunderstand each other.
    pub major: u16,
    /// Changes where something is added.
    pub minor: u16,
}

/// Why two sides cannot work together, or what is not a version.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VersionError {
    /// Not two numbers.
    #[error("`{0}` is not a version: expected two numbers, as in `1.0`")]
    NotAVersion(String),
    /// Another protocol altogether.
    #[error("expected the protocol `{PROTOCOL}`, found `{0}`")]
    OtherProtocol(String),
    /// Another major number.
    #[error("this editscale speaks version {ours} of the plugin protocol, the plugin speaks {theirs}: {}", advice(*ours, *theirs))]
    Apart {
        /// What this side speaks.
        ours: Version,
        /// What the other side speaks.
        theirs: Version,
    },
}

fn advice(ours: Version, theirs: Version) -> &'static str {
    if theirs > ours {
        "update editscale, or use an earlier plugin"
    } else {
        "update the plugin, or use an earlier editscale"
    }
}

impl Version {
    /// The version that this crate speaks.
    pub const OURS: Self = Self { major: 1, minor: 0 };

    /// Whether a side of `self` can work with the protocol and version that the other side named.
    pub fn meet(self, protocol: &str, theirs: Self) -> Result<(), VersionError> {
        if protocol != PROTOCOL {
            return Err(VersionError::OtherProtocol(protocol.chars().take(80).collect()));
        }
        if self.major != theirs.major {
            return Err(VersionError::Apart { ours: self, theirs });
        }
        Ok(())
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let numbers = text.split_once('.').and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
        let (major, minor) = numbers.ok_or_else(|| VersionError::NotAVersion(text.chars().take(80).collect()))?;
        Ok(Self { major, minor })
    }
}

impl Serialize for Version {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
mod tests {
    use super::*;

    #[test]
    fn the_same_major_number_meets() {
        let ours = Version { major: 1, minor: 2 };
        assert_eq!(ours.meet(PROTOCOL, "1.0".parse().unwrap()), Ok(()));
        assert_eq!(ours.meet(PROTOCOL, "1.9".parse().unwrap()), Ok(()));
        let said = |theirs: &str| ours.meet(PROTOCOL, theirs.parse().unwrap()).unwrap_err().to_string();
        assert!(said("2.0").ends_with("update editscale, or use an earlier plugin"), "{}", said("2.0"));
        assert!(said("0.9").ends_with("update the plugin, or use an earlier editscale"));
        assert!(ours.meet("grpc", ours).unwrap_err().to_string().contains("found `grpc`"));
        for bad in ["", "1", "1.", "1.x", "-1.0", "1.0.0", "70000.0"] {
            assert!(bad.parse::<Version>().is_err(), "{bad}");
        }
    }
}
