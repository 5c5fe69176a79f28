//! Numbers in rows.

use maud::{Markup, Render, html};

use crate::words::{marked, unmarked};

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its heading.
    pub title: String,
    /// Whether it holds numbers, which stand under each other at the right.
    pub is_number: bool,
}

impl Column {
    /// A column of words.
    pub fn text(title: impl Into<String>) -> Self {
        Self { title: title.into(), is_number: false }
    }

    /// A column of numbers.
    pub fn number(title: impl Into<String>) -> Self {
        Self { title: title.into(), is_number: true }
    }

    fn class(&self) -> Option<&'static str> {
        self.is_number.then_some("n")
    }
}

/// A table. The first cell of a row names the row. Where it is wider than the page, it scrolls by itself.
#[derive(Debug, Clone)]
pub struct Table {
    /// What it shows: read out before it, and shown above it. What stands between backticks is code.
    pub caption: String,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows, one cell a column; see [`crate::number`] and [`crate::count`] for numbers.
    pub rows: Vec<Vec<Markup>>,
}

impl Table {
    /// A table without rows.
    pub fn new(caption: impl Into<String>, columns: Vec<Column>) -> Self {
        Self { caption: caption.into(), columns, rows: Vec::new() }
    }

    /// One more row, of plain text.
    pub fn push(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(|cell| html! { (cell) }).collect());
    }

    fn cell(&self, place: usize, cell: &Markup) -> Markup {
        let class = self.columns.get(place).and_then(Column::class);
        html! {
            @if place == 0 { th class=[class] scope="row" { (cell) } } @else { td class=[class] { (cell) } }
        }
    }
}

impl Render for Table {
    fn render(&self) -> Markup {
        // A caption in the table would be as wide as the table, and run off the page with it.
        html! {
            p.caption { (marked(&self.caption)) }
            div.scroll tabindex="0" role="region" aria-label=(unmarked(&self.caption)) {
                table {
                    thead { tr { @for column in &self.columns { th class=[column.class()] scope="col" { (column.title) } } } }
                    tbody {
                        @for row in &self.rows {
                            tr { @for (place, cell) in row.iter().enumerate() { (self.cell(place, cell)) } } "\n"
                        }
                    }
                }
            }
        }
    }
}
