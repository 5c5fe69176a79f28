//! The released versions, and what differs between them beside weights.

use std::fmt;

use crate::editors::step1x_edit::guidance::GuidanceRule;

/// A released version. Facts are those of the authors' code (github.com/stepfun-ai/Step1X-Edit at 570eba6 for v1.0, and after July
/// 2025 for v1.1) and of their fork of diffusers (github.com/Peyton-Chen/diffusers, `step1xedit` and `step1xedit_v1p2`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Version {
    /// April 2025: the reference lies where the result does.
    V1_0,
    /// July 2025: the reference lies one step aside on every axis.
    V1_1,
    /// November 2025, and its preview: another prompt with marked quotes, text that has places, and an encoder of its own.
    V1_2,
}

/// Pixels of a token in what the encoder sees, 28 by 28: bounds are counted in them.
const CELL: usize = 28 * 28;

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::V1_0 => "v1.0",
            Self::V1_1 => "v1.1",
            Self::V1_2 => "v1.2",
        })
    }
}

impl Version {
    /// Where the first token of the reference lies: picture, row, column. That of the result lies at 0, 0, 0.
    pub(super) fn reference_place(self) -> [i32; 3] {
        match self {
            Self::V1_0 => [0, 0, 0],
            Self::V1_1 => [1, 1, 1],
            Self::V1_2 => [1, 0, 0],
        }
    }

    /// How many of the first states of a prompt are dropped: almost all of what does not depend on the instruction.
    pub(super) fn dropped(self) -> usize {
        match self {
            Self::V1_0 | Self::V1_1 => 217,
            Self::V1_2 => 90,
        }
    }

    /// The most states that the denoiser is given.
    pub(super) fn most_tokens(self) -> usize {
        match self {
            Self::V1_0 | Self::V1_1 => 640,
            Self::V1_2 => 2048,
        }
    }

    /// Whether states are filled up with zeros to [`Self::most_tokens`]. The denoiser attends to those as to others.
    pub(super) fn is_padded(self) -> bool {
        self != Self::V1_2
    }

    /// The least and the most pixels that the encoder sees of a picture.
    pub(super) fn seen_pixels(self) -> [usize; 2] {
        match self {
            Self::V1_0 | Self::V1_1 => [256 * CELL, 324 * CELL],
            Self::V1_2 => [256 * CELL, 400 * CELL],
        }
    }

    /// How answers with and without the instruction are put together where nobody says: for authors' single files and for
    /// folders of their fork of diffusers.
    pub(super) fn default_rule(self, is_folder: bool) -> GuidanceRule {
        match (self, is_folder) {
            (Self::V1_2, _) | (_, true) => GuidanceRule::Damped,
            _ => GuidanceRule::DampedEarly,
        }
    }
}
