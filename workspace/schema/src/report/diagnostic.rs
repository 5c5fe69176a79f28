//! What is wrong with a recipe, and where. Data only: how it looks is in `render.rs`.

use std::ops::Range;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The recipe cannot be used.
    Error,
    /// The recipe can be used, but hardly does what its author wants.
    Warning,
    /// Nothing is wrong: how it works with what there is.
    Note,
}

impl Severity {
    /// The word before a message.
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// Where in a file something stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    /// Counted from 1. A line ends at a line feed, a carriage return, or both together.
    pub line: usize,
    /// Counted from 1, in characters; a byte order mark does not count.
    pub column: usize,
    /// The bytes of the file that it covers, possibly none.
    pub span: Range<usize>,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong: one sentence without a full stop, names in backticks.
    pub message: String,
    /// Where.
    pub place: Place,
    /// What to do about it.
    pub hint: Option<String>,
}

/// All findings about one file, in the order of their places.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    diagnostics: Vec<Diagnostic>,
    left_out: usize,
    /// The bytes of the file that are shown to nobody.
    secrets: Vec<Range<usize>>,
}

impl Report {
    /// The most findings that one report holds; further ones are only counted.
    pub const MOST: usize = 100;

    /// A report of these findings, sorted by place.
    pub fn new(mut diagnostics: Vec<Diagnostic>) -> Self {
        diagnostics.sort_by_key(|found| found.place.span.start);
        let left_out = diagnostics.len().saturating_sub(Self::MOST);
        diagnostics.truncate(Self::MOST);
        Self { diagnostics, left_out, secrets: Vec::new() }
    }

    /// The same report, which shows nobody these bytes of the file.
    pub(crate) fn hiding(self, secrets: Vec<Range<usize>>) -> Self {
        Self { secrets, ..self }
    }

    pub(crate) fn secrets(&self) -> &[Range<usize>] {
        &self.secrets
    }

    /// The same report, with a number of findings that were counted but not kept.
    pub(crate) fn and_left_out(self, more: usize) -> Self {
        Self { left_out: self.left_out + more, ..self }
    }

    /// The findings, in the order of their places.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// How many findings there are beyond [`Self::diagnostics`].
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.diagnostics.is_empty()
    }

    /// Whether anything makes the recipe unusable.
    pub fn has_errors(&self) -> bool {
        self.count(Severity::Error) > 0
    }

    /// How many findings of one severity are in [`Self::diagnostics`].
    pub fn count(&self, severity: Severity) -> usize {
        self.diagnostics.iter().filter(|found| found.severity == severity).count()
    }
}
