//! Calibrations as files: a reward's scores to people's scale, as knots, with what they were fitted on.

use editscale_study::calibration::{Between, Knot, MonotoneMap};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::digest_of;

/// Why a text is no calibration.
#[derive(Debug, Error)]
pub enum CalibrationError {
    /// Not JSON, or not of this form.
    #[error("not a calibration: {0}")]
    Form(#[from] serde_json::Error),
    /// Of a version that this program does not read.
    #[error("a calibration of version {found}: expected version {}", Calibration::VERSION)]
    Version {
        /// The version that the file names.
        found: u64,
    },
    /// A map needs two ends, and a recipe holds only so many knots.
    #[error("{0} knots: expected 2 to {most}", most = Calibration::MOST_KNOTS)]
    Count(usize),
    /// A revision that no recipe could hold.
    #[error("the revision is not a text on one line of at most 4096 bytes")]
    Revision,
    /// Knots that make no map.
    #[error("{0}")]
    Knots(#[from] editscale_study::StudyError),
}

/// What a calibration was fitted on, and how well it does there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fitted {
    /// What people's verdicts came from, such as `genai-bench`.
    pub benchmark: String,
    /// How many scores there were.
    pub items: u64,
    /// The root of the mean squared error on items that the map was not fitted on, on people's scale.
    pub held_out_error: f64,
    /// In how many folds items were held out; none are cut through a source picture.
    pub folds: u64,
}

/// A monotone map from a reward's scores to people's scale, and what it is for.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// The reward's name, for people.
    pub reward: String,
    /// The revision of the reward whose scores it was fitted to.
    pub revision: String,
    /// The map, of at least two knots.
    pub map: MonotoneMap,
    /// How it was come by, where that is known.
    pub fitted: Option<Fitted>,
}

/// The file's form. Keys that a later program adds are passed over; what they change in meaning raises the version.
#[derive(Serialize, Deserialize)]
struct Form {
    version: u64,
    reward: String,
    revision: String,
    between: Word,
    knots: Vec<(f64, f64)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fitted: Option<Fitted>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    Line,
    Step,
}

#[derive(Deserialize)]
struct Versioned {
    version: u64,
}

impl Calibration {
    /// The version of the form that is read and written.
    pub const VERSION: u64 = 1;

    /// The most bytes that a file has.
    pub const LARGEST: u64 = 1 << 20;

    /// The most knots that a file has.
    pub const MOST_KNOTS: usize = 4096;

    /// Reads the text of a file. Fails on what is not JSON of this form, on another version, on fewer than two or too many
    /// knots, on a revision that is not one line, on numbers that are not finite, where scores do not rise and where
    /// values fall.
    pub fn from_json(text: &[u8]) -> Result<Self, CalibrationError> {
        let Versioned { version } = serde_json::from_slice(text)?;
        if version != Self::VERSION {
            return Err(CalibrationError::Version { found: version });
        }
        let Form { reward, revision, between, knots, fitted, .. } = serde_json::from_slice(text)?;
        if !(2..=Self::MOST_KNOTS).contains(&knots.len()) {
            return Err(CalibrationError::Count(knots.len()));
        }
        if revision.trim().is_empty() || revision.len() > 4096 || revision.contains(char::is_control) {
            return Err(CalibrationError::Revision);
        }
        let between = match between {
            Word::Line => Between::Lines,
            Word::Step => Between::Steps,
        };
        let knots = knots.into_iter().map(|(score, value)| Knot { score, value }).collect();
        Ok(Self { reward, revision, map: MonotoneMap::new(knots, between)?, fitted })
    }

    /// The text of a file, which reads back equal.
    pub fn to_json(&self) -> String {
        let form = Form {
            version: Self::VERSION,
            reward: self.reward.clone(),
            revision: self.revision.clone(),
            between: match self.map.between() {
                Between::Lines => Word::Line,
                Between::Steps => Word::Step,
            },
            knots: self.map.knots().iter().map(|knot| (knot.score, knot.value)).collect(),
            fitted: self.fitted.clone(),
        };
        // Numbers of a map are finite, and text is text: nothing here cannot be written.
        serde_json::to_string_pretty(&form).unwrap_or_default() + "\n"
    }
}

/// The digest of all that decides what a map does, in hexadecimal.
pub(crate) fn digest(map: &MonotoneMap) -> String {
    let mut bytes = vec![u8::from(map.between() == Between::Steps)];
    for knot in map.knots() {
        // Adding zero makes −0 and +0 the same.
        bytes.extend((knot.score + 0.0).to_bits().to_le_bytes());
        bytes.extend((knot.value + 0.0).to_bits().to_le_bytes());
    }
    digest_of(&bytes).to_string()
}
