//! The parts of a case that columns hold.

use std::collections::BTreeMap;
use std::fmt;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// The picture before.
    Source,
    /// What was asked for.
    Instruction,
    /// The picture after, or a list of such pictures.
    Edited,
    /// The first of two.
    EditedA,
    /// The second of two.
    EditedB,
    /// Which of two people prefer.
    Preference,
    /// The order in which people put all of a list, or two of a group.
    Ranking,
    /// Which two of a group a row compares, such as `AvsC`.
    Comparison,
    /// What people gave the picture after.
    Rating,
    /// What people gave the first of two.
    RatingA,
    /// What people gave the second of two.
    RatingB,
    /// Who made the picture after.
    Model,
    /// Who made the first of two.
    ModelA,
    /// Who made the second of two.
    ModelB,
    /// Who made each of a list.
    Models,
    /// What belongs together: rows of one group are no independent witnesses.
    Group,
    /// What the row is called.
    Id,
    /// Which collection the source comes from.
    Dataset,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::Source,
        Self::Instruction,
        Self::Edited,
        Self::EditedA,
        Self::EditedB,
        Self::Preference,
        Self::Ranking,
        Self::Comparison,
        Self::Rating,
        Self::RatingA,
        Self::RatingB,
        Self::Model,
        Self::ModelA,
        Self::ModelB,
        Self::Models,
        Self::Group,
        Self::Id,
        Self::Dataset,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Instruction => "instruction",
            Self::Edited => "edited",
            Self::EditedA => "edited_a",
            Self::EditedB => "edited_b",
            Self::Preference => "preference",
            Self::Ranking => "ranking",
            Self::Comparison => "comparison",
            Self::Rating => "rating",
            Self::RatingA => "rating_a",
            Self::RatingB => "rating_b",
            Self::Model => "model",
            Self::ModelA => "model_a",
            Self::ModelB => "model_b",
            Self::Models => "models",
            Self::Group => "group",
            Self::Id => "id",
            Self::Dataset => "dataset",
        }
    }

    /// The part of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.name() == name)
    }

    /// Whether the data set reader itself reads the column, not as one that is handed on.
    pub(super) fn is_read(self) -> bool {
        matches!(self, Self::Source | Self::Instruction | Self::Edited | Self::EditedA | Self::EditedB | Self::Id)
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which column holds which part.
pub type Named = BTreeMap<Part, String>;
