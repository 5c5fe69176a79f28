//! Measures for people: one page that needs no other file, and the same in short for a terminal.
//!
//! Each part writes itself twice: `measured`, `agreement`, `position` and `calibration` make sections of a page and lines of
//! text; `lines` puts text into columns.

mod agreement;
mod calibration;
mod lines;
mod measured;
mod position;
mod tables;

use editscale_page::{Document, document, facts, section};
use maud::{Markup, html};

use crate::measures::{Agreement, Calibration, Measured, Position};

/// What a report is about.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    /// Its title.
    pub title: String,
    /// What it is about, in a sentence.
    pub lead: String,
    /// Facts by name: who judged, which files, when.
    pub facts: Vec<(String, String)>,
}

/// A part of a report.
#[derive(Debug, Clone, Copy)]
pub enum Part<'a> {
    /// A judge held against people.
    Measured(&'a Measured),
    /// Two judges, and what they are called.
    Agreement(&'a Agreement, [&'a str; 2]),
    /// A judge of pairs, asked in both orders.
    Position(&'a Position),
    /// Scores to what people would say.
    Calibration(&'a Calibration),
    /// Remarks under a heading.
    Remarks(&'a str, &'a [String]),
}

/// The page: HTML with everything in it, what was found first and what it is about last.
pub fn page(subject: &Subject, parts: &[Part<'_>]) -> String {
    let about = (!subject.facts.is_empty()).then(|| section("about", "About", facts(&subject.facts)));
    let sections = parts.iter().enumerate().flat_map(|(place, part)| match part {
        Part::Measured(measured) => measured::sections(measured),
        Part::Agreement(agreement, names) => vec![agreement::section(agreement, *names)],
        Part::Position(position) => vec![position::section(position)],
        Part::Calibration(calibration) => vec![calibration::section(calibration)],
        Part::Remarks(title, remarks) => vec![section(&format!("remarks-{place}"), title, list(remarks))],
    });
    let sections = sections.chain(about).collect();
    document(&Document { title: subject.title.clone(), lead: subject.lead.clone(), sections })
}

/// The same in short, in lines of at most 120 characters where names allow it.
pub fn render(parts: &[Part<'_>]) -> String {
    let texts = parts.iter().map(|part| match part {
        Part::Measured(measured) => measured::text(measured),
        Part::Agreement(agreement, names) => agreement::text(agreement, *names),
        Part::Position(position) => position::text(position),
        Part::Calibration(calibration) => calibration::text(calibration),
        Part::Remarks(title, remarks) => {
            let lines = remarks.iter().map(|remark| format!("  {remark}\n"));
            format!("{title}\n{}", lines.collect::<String>())
        }
    });
    texts.collect::<Vec<String>>().join("\n")
}

fn list(items: &[String]) -> Markup {
    html! { ul { @for item in items { li { (item) } } } }
}
