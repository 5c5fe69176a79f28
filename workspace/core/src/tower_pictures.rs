//! What was asked of vision towers that several models share.

use std::ops::{Add, AddAssign};

/// Pictures that were asked of vision towers which lie in memory once for all who use the same: an editor that reads its
/// instruction beside its source, and a judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TowerPictures {
    /// Those that went through a tower.
    pub computed: u64,
    /// Those whose features were there, whoever had asked for them first.
    pub found: u64,
}

impl TowerPictures {
    /// Whether none was asked for.
    pub fn is_none(self) -> bool {
        self == Self::default()
    }

    /// These less others, never below zero.
    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        Self { computed: self.computed.saturating_sub(other.computed), found: self.found.saturating_sub(other.found) }
    }
}

impl Add for TowerPictures {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { computed: self.computed.saturating_add(other.computed), found: self.found.saturating_add(other.found) }
    }
}

impl AddAssign for TowerPictures {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}
