//! What the checks found.

use std::time::Duration;

use editscale_sdk::protocol::{Card, Hello, PluginKind};

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The plugin does what is expected.
    Passed,
    /// It does not.
    Failed,
    /// It says that it does not do this at all, or nothing can be told because something else failed.
    NotApplicable,
}

impl Verdict {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "ok",
            Self::Failed => "failed",
            Self::NotApplicable => "not applicable",
        }
    }
}

/// What one check found.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The check's name.
    pub name: &'static str,
    /// What the plugin was, meanwhile.
    pub kind: PluginKind,
    /// How it came out.
    pub verdict: Verdict,
    /// What was expected.
    pub expected: &'static str,
    /// What was found; for a check that does not apply, why.
    pub found: String,
    /// What to do about it, where it failed.
    pub advice: Option<String>,
    /// The last lines of the plugin's log (stderr) by then, where it failed.
    pub log: Vec<String>,
    /// How long it took.
    pub took: Duration,
}

impl Finding {
    /// Why it was not tried at all, where something that it stands on had failed.
    pub fn not_tried(&self) -> Option<&str> {
        self.found.strip_prefix(NOT_TRIED).filter(|_| self.verdict == Verdict::NotApplicable)
    }
}

/// How the words begin about a check that was not tried.
pub(super) const NOT_TRIED: &str = "not tried, since ";

/// All findings about a plugin.
#[derive(Debug, Clone, Default)]
pub struct CheckReport {
    /// What it said of itself, where it did.
    pub hello: Option<Hello>,
    /// The cards of the kinds that got ready.
    pub cards: Vec<Card>,
    /// What was found, in order.
    pub findings: Vec<Finding>,
}

impl CheckReport {
    /// How many checks came out so.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.findings.iter().filter(|finding| finding.verdict == verdict).count()
    }

    /// Whether nothing failed.
    pub fn is_passed(&self) -> bool {
        self.count(Verdict::Failed) == 0
    }
}
