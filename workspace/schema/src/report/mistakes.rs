//! Where mistakes are collected while a recipe is read.

use std::cell::{Cell, RefCell};

use crate::report::lines::{Lines, Span};
use crate::{Diagnostic, Report, Severity};

/// The mistakes found so far. Shared by everything that reads one file.
#[derive(Debug)]
pub struct Mistakes<'t> {
    lines: Lines<'t>,
    found: RefCell<Vec<Found>>,
    left_out: Cell<usize>,
    /// Where something stands that is shown to nobody.
    secrets: RefCell<Vec<Span>>,
    errors: Cell<usize>,
}

#[derive(Debug)]
struct Found {
    severity: Severity,
    span: Span,
    mistake: Mistake,
}

/// A mistake without its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// What is wrong: a sentence without a full stop, names in backticks.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Whether what stands there is shown to nobody: it looks like a secret.
    pub is_secret: bool,
}

impl Mistake {
    /// A mistake without a hint.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, is_secret: false }
    }

    /// The same with what to do about it.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

impl<'t> Mistakes<'t> {
    /// Enough to fill a report after sorting; a file of a million mistakes costs no more than this.
    const MOST: usize = 10 * Report::MOST;

    /// None yet, in this text.
    pub fn new(text: &'t str) -> Self {
        Self {
            lines: Lines::new(text),
            found: RefCell::default(),
            left_out: Cell::default(),
            secrets: RefCell::default(),
            errors: Cell::default(),
        }
    }

    /// The lines of the text.
    pub fn lines(&self) -> &Lines<'t> {
        &self.lines
    }

    /// Something that makes the recipe unusable.
    pub fn error(&self, span: &Span, mistake: Mistake) {
        self.errors.set(self.errors.get() + 1);
        self.push(Severity::Error, span, mistake);
    }

    /// Something that its author hardly wants.
    pub fn warn(&self, span: &Span, mistake: Mistake) {
        self.push(Severity::Warning, span, mistake);
    }

    /// How many errors there are so far: equal before and after a step means that the step went well.
    pub fn errors(&self) -> usize {
        self.errors.get()
    }

    /// Whether further mistakes are only counted, so that nothing need be made up to say about them.
    pub fn is_full(&self) -> bool {
        self.found.borrow().len() == Self::MOST
    }

    /// Shows to nobody what stands there.
    pub fn hide(&self, span: &Span) {
        self.secrets.borrow_mut().push(span.clone());
    }

    fn push(&self, severity: Severity, span: &Span, mistake: Mistake) {
        if mistake.is_secret {
            self.hide(span);
        }
        if self.is_full() {
            self.left_out.set(self.left_out.get() + 1);
        } else {
            self.found.borrow_mut().push(Found { severity, span: span.clone(), mistake });
        }
    }

    /// All that was found, in the order of the places.
    pub fn into_report(self) -> Report {
        let Self { lines, found, left_out, secrets, .. } = self;
        let mut found = found.into_inner();
        found.sort_by_key(|found| found.span.start);
        let shown = found.len().min(Report::MOST);
        let left_out = left_out.get() + found.len() - shown;
        let secrets = secrets.into_inner();
        let diagnostics = found.into_iter().take(shown).map(|Found { severity, span, mistake }| {
            let Mistake { message, hint, .. } = mistake;
            Diagnostic { severity, message, place: lines.place(&span), hint }
        });
        Report::new(diagnostics.collect()).and_left_out(left_out).hiding(secrets)
    }
}
