//! Where mistakes are collected while a recipe is read.

use std::cell::{Cell, RefCell};

use crate::lines::{Lines, Span};
use crate::{Diagnostic, Report, Severity};

/// The mistakes found so far. Shared by everything that reads one file.
#[derive(Debug)]
pub(crate) struct Mistakes<'t> {
    lines: Lines<'t>,
    found: RefCell<Vec<Diagnostic>>,
    left_out: Cell<usize>,
    errors: Cell<usize>,
}

/// A mistake without its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mistake {
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl Mistake {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

impl<'t> Mistakes<'t> {
    /// Enough to fill a report after sorting; a file of a million mistakes costs no more than this.
    const MOST: usize = 10 * Report::MOST;

    pub(crate) fn new(text: &'t str) -> Self {
        Self {
            lines: Lines::new(text),
            found: RefCell::default(),
            left_out: Cell::default(),
            errors: Cell::default(),
        }
    }

    pub(crate) fn lines(&self) -> &Lines<'t> {
        &self.lines
    }

    pub(crate) fn error(&self, span: &Span, mistake: Mistake) {
        self.errors.set(self.errors.get() + 1);
        self.push(Severity::Error, span, mistake);
    }

    pub(crate) fn warn(&self, span: &Span, mistake: Mistake) {
        self.push(Severity::Warning, span, mistake);
    }

    /// How many errors there are so far: equal before and after a step means that the step went well.
    pub(crate) fn errors(&self) -> usize {
        self.errors.get()
    }

    fn push(&self, severity: Severity, span: &Span, mistake: Mistake) {
        let mut found = self.found.borrow_mut();
        if found.len() == Self::MOST {
            self.left_out.set(self.left_out.get() + 1);
            return;
        }
        let Mistake { message, hint } = mistake;
        found.push(Diagnostic { severity, message, place: self.lines.place(span), hint });
    }

    pub(crate) fn into_report(self) -> Report {
        Report::new(self.found.into_inner()).and_left_out(self.left_out.get())
    }
}
