//! `pool.html`: what each request got of a pool, and what came of it.

use editscale_core::Image;
use editscale_engine::RunRecord;
use editscale_page::{Column, Document, Picture, Table, document, fact, facts, number, section, shortened};
use editscale_picture::thumbnail;
use maud::{Markup, html};

use super::requests::{Ended, mean};

/// The longer edge of a picture on the page.
const EDGE: u32 = 128;

/// The bytes that all pictures of the page may take together; requests after that go without.
const BOUND: usize = 4_000_000;

/// An instruction with more characters than this is cut.
const LONG: usize = 160;

/// A row of the data set, and what came of it.
#[derive(Debug, Default)]
pub(super) struct Line {
    pub(super) row: u64,
    id: String,
    instruction: String,
    /// Why the row could not be used.
    pub(super) skipped: Option<String>,
    /// Why nothing came of it.
    pub(super) why: Option<String>,
    /// Its run directory, from the pool's folder.
    pub(super) run: String,
    pub(super) edits: u64,
    pub(super) utility: Option<f64>,
    /// The chosen picture as it was made, from the run directory.
    pub(super) image: Option<String>,
    /// The chosen picture as it is handed out, from the run directory.
    best: Option<String>,
    source: Option<Image>,
    edited: Option<Image>,
}

impl Line {
    /// A row that cannot be used.
    pub(super) fn skipped(row: u64, reason: &str) -> Self {
        Self { row, skipped: Some(reason.to_owned()), ..Self::default() }
    }

    /// A request whose run has ended, in this directory, with its best picture in this file, or with nothing for this reason.
    pub(super) fn of(
        (ended, record): (&Ended, &RunRecord),
        run: String,
        best: Option<String>,
        why: Option<String>,
    ) -> Self {
        let chosen = ended.chosen.and_then(|chosen| record.candidates.get(chosen.0 as usize));
        let edited = chosen.and_then(|candidate| Some(candidate.made.as_ref()?.as_ref().ok()?.image.clone()));
        let request = &record.manifest.request;
        Self {
            row: ended.row,
            id: ended.id.clone(),
            instruction: request.instruction.as_str().to_owned(),
            edits: ended.edits,
            utility: ended.utilities.first().copied(),
            image: edited.as_ref().map(|image| format!("images/{}.{}", image.digest(), image.media().extension())),
            source: Some(request.source.clone()),
            skipped: None,
            edited,
            run,
            best,
            why,
        }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }
}

/// The page of a pool of so many edits.
pub(super) fn page(pool: u64, lines: &[Line]) -> String {
    let ended: Vec<&Line> = lines.iter().filter(|line| line.skipped.is_none()).collect();
    let skipped: Vec<&Line> = lines.iter().filter(|line| line.skipped.is_some()).collect();
    let mut sections = vec![section("requests", "Requests", html! { (told(pool, &ended)) (table(&ended)) })];
    if !skipped.is_empty() {
        let list = html! { ul { @for line in &skipped { li { (line.skipped.as_deref().unwrap_or_default()) } } } };
        sections.push(section("skipped", "Rows that could not be used", list));
    }
    let lead = format!("{} requests edited from one budget of {pool} edits.", ended.len());
    document(&Document { title: "Pool".to_owned(), lead, sections })
}

fn told(pool: u64, ended: &[&Line]) -> Markup {
    let edits: u64 = ended.iter().map(|line| line.edits).sum();
    let scores: Vec<f64> = ended.iter().filter_map(|line| line.utility).collect();
    let mut told = vec![
        fact("Edits", format!("{edits} of {pool}")),
        fact("Requests", ended.len().to_string()),
        fact("Came to nothing", ended.iter().filter(|line| line.why.is_some()).count().to_string()),
    ];
    told.extend(mean(&scores).map(|mean| fact("Mean score", number(mean))));
    facts(&told)
}

fn table(ended: &[&Line]) -> Markup {
    let columns = vec![
        Column::text("Request"),
        Column::text("Instruction"),
        Column::number("Edits"),
        Column::number("Score"),
        Column::text("Source"),
        Column::text("Chosen"),
    ];
    let mut table = Table::new("What each request got, and what came of it", columns);
    let mut room = Room(BOUND);
    table.rows = ended.iter().map(|line| row(line, &mut room)).collect();
    html! { (table) }
}

fn row(line: &Line, room: &mut Room) -> Vec<Markup> {
    let report = format!("{}/report.html", line.run);
    let came = match (&line.why, &line.best) {
        (Some(why), _) => html! { "nothing: " (shortened(why, LONG)) },
        (None, Some(best)) => {
            let picture = line.edited.as_ref().and_then(|image| room.picture(image, "The chosen picture"));
            html! { a href=(format!("{}/{best}", line.run)) { @if let Some(picture) = picture { (picture) } @else { (best) } } }
        }
        (None, None) => html! {},
    };
    let source = line.source.as_ref().and_then(|image| room.picture(image, "The source"));
    vec![
        html! { a href=(report) { (line.id) } },
        html! { (shortened(&line.instruction, LONG)) },
        html! { (line.edits) },
        html! { (line.utility.map_or_else(|| "–".to_owned(), |utility| format!("{utility:.3}"))) },
        html! { @if let Some(source) = source { (source) } },
        came,
    ]
}

/// The bytes that further pictures of the page may take.
struct Room(usize);

impl Room {
    /// A small copy of a picture; nothing where it cannot be read or the page is full.
    fn picture(&mut self, image: &Image, alt: &str) -> Option<Picture> {
        if self.0 == 0 {
            return None;
        }
        let copy = thumbnail(&image.read().ok()?, EDGE)?;
        let picture = Picture::of_jpeg(&copy.jpeg, (copy.width, copy.height), alt);
        self.0 = self.0.saturating_sub(picture.url.len());
        Some(picture)
    }
}
