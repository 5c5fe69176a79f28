//! What can go wrong with a judge and with one judgement.

use editscale_core::ImageReadError;
use editscale_picture::PictureError;
use thiserror::Error;

use crate::layers::qwen25_vl::SizeError;

/// Which picture of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The one before the edit.
    Source,
    /// The one after it.
    Edited,
}

impl std::fmt::Display for Which {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Source => "the source",
            Self::Edited => "the edited picture",
        })
    }
}

/// What is wrong with a picture.
#[derive(Debug, Clone, Error)]
pub enum PictureFault {
    /// Its bytes could not be had.
    #[error(transparent)]
    Unreadable(#[from] ImageReadError),
    /// It cannot be decoded.
    #[error(transparent)]
    Broken(#[from] PictureError),
    /// It has a shape that the model is not made for.
    #[error(transparent)]
    Shape(#[from] SizeError),
}

/// Why one pair was not judged.
#[derive(Debug, Clone, Error)]
pub enum JudgeError {
    /// A picture cannot be used.
    #[error("{which}: {reason}")]
    Picture {
        /// Which of the two.
        which: Which,
        /// What is wrong with it.
        reason: PictureFault,
    },
    /// The instruction holds a text that steers the model instead of telling what to edit.
    #[error("the instruction holds `{token}`, which is a special token of this judge: expected plain words")]
    SpecialToken {
        /// The token.
        token: String,
    },
    /// The prompt did not come out as the model needs it.
    #[error("the prompt `{part}` is not usable: {reason}")]
    Prompt {
        /// Which prompt.
        part: &'static str,
        /// What was expected and what was found.
        reason: String,
    },
    /// The device failed.
    #[error("the judge could not compute: {0}")]
    Compute(String),
    /// The model answered with something that is not a number.
    #[error("the judge answered with a value that is not finite for `{part}`")]
    NotFinite {
        /// Which head.
        part: &'static str,
    },
    /// The caller does not want the answer any more.
    #[error("the judgement was cancelled")]
    Cancelled,
}

impl From<candle_core::Error> for JudgeError {
    fn from(error: candle_core::Error) -> Self {
        Self::Compute(error.to_string())
    }
}
