//! The files of a study: a JSON file with everything, a CSV file a table, an SVG file a plot, and one page.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use editscale_page::plot::Drawn;
use editscale_page::{Alike, Column, Document, Table, document, section};
use serde_json::{Map, Value, json};

/// A table of a study.
#[derive(Debug, Clone)]
pub struct Sheet {
    /// The name of its file, without the ending; also the key in the JSON file.
    pub name: &'static str,
    /// What it shows, in a sentence.
    pub caption: String,
    /// The headings.
    pub columns: Vec<&'static str>,
    /// The cells: texts and numbers.
    pub rows: Vec<Vec<Value>>,
}

/// A plot of a study.
#[derive(Debug, Clone)]
pub struct Plot {
    /// The name of its file, without the ending.
    pub name: &'static str,
    /// The words under it.
    pub caption: String,
    /// The drawing.
    pub drawn: Drawn,
}

/// Everything that a study found.
#[derive(Debug, Clone)]
pub struct Findings {
    /// The study's name, which is that of its JSON file.
    pub study: &'static str,
    /// The title of its page.
    pub title: &'static str,
    /// The command that makes it again, and what it is about: some sentences.
    pub lead: String,
    /// Figures that stand alone, in their order.
    pub facts: Vec<(&'static str, Value)>,
    /// Tables.
    pub sheets: Vec<Sheet>,
    /// Plots.
    pub plots: Vec<Plot>,
}

impl Findings {
    /// Writes all files into a folder, which is made where it is missing.
    pub fn write(&self, folder: &Path) -> anyhow::Result<()> {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let put = |name: String, text: String| {
            let path = folder.join(name);
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
        };
        put(format!("{}.json", self.study), self.json())?;
        for sheet in &self.sheets {
            put(format!("{}.csv", sheet.name), sheet.csv())?;
        }
        for plot in &self.plots {
            put(format!("{}.svg", plot.name), plot.drawn.file())?;
        }
        put("index.html".to_owned(), self.page())
    }

    fn json(&self) -> String {
        let mut all = Map::new();
        all.insert("study".to_owned(), json!(self.study));
        all.insert("about".to_owned(), json!(self.lead));
        all.extend(self.facts.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        all.extend(self.sheets.iter().map(|sheet| (sheet.name.to_owned(), sheet.json())));
        // A map of texts and numbers can always be written.
        format!("{}\n", serde_json::to_string_pretty(&Value::Object(all)).unwrap_or_default())
    }

    fn page(&self) -> String {
        let plots =
            self.plots.iter().map(|plot| section(plot.name, &heading(plot.name), plot.drawn.figure(&plot.caption)));
        let sheets = self.sheets.iter().map(|sheet| {
            let id = format!("table-{}", sheet.name);
            section(&id, &format!("{}: the table", heading(sheet.name)), sheet.table())
        });
        document(&Document {
            title: self.title.to_owned(),
            lead: self.lead.clone(),
            sections: plots.chain(sheets).collect(),
        })
    }
}

/// `some-name` as words.
fn heading(name: &str) -> String {
    let mut words = name.replace('-', " ");
    if let Some(first) = words.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    words
}

impl Sheet {
    fn csv(&self) -> String {
        let mut text = format!("{}\n", self.columns.join(","));
        for row in &self.rows {
            let cells: Vec<String> = row.iter().map(cell).collect();
            let _infallible = writeln!(text, "{}", cells.join(","));
        }
        text
    }

    fn json(&self) -> Value {
        let row = |cells: &Vec<Value>| {
            let entries = self.columns.iter().zip(cells).map(|(column, cell)| ((*column).to_owned(), cell.clone()));
            Value::Object(entries.collect())
        };
        self.rows.iter().map(row).collect()
    }

    fn table(&self) -> Table {
        let is_number = |place: usize| self.rows.iter().any(|row| row.get(place).is_some_and(Value::is_number));
        let column = |(place, title): (usize, &&str)| {
            let title = title.replace('_', " ");
            if is_number(place) { Column::number(title) } else { Column::text(title) }
        };
        let mut table = Table::new(self.caption.clone(), self.columns.iter().enumerate().map(column).collect());
        let alike = |place: usize| Alike::of(self.rows.iter().filter_map(|row| row.get(place)?.as_f64()));
        let columns: Vec<Alike> = (0..self.columns.len()).map(alike).collect();
        for row in &self.rows {
            table.push(row.iter().zip(&columns).map(|(value, alike)| shown(value, *alike)));
        }
        table
    }
}

/// A cell of a CSV file.
fn cell(value: &Value) -> String {
    match value {
        Value::String(text) if text.contains([',', '"', '\n']) => format!("\"{}\"", text.replace('"', "\"\"")),
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// A cell of a page.
fn shown(value: &Value, alike: Alike) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.as_f64().map_or_else(String::new, |number| alike.show(number)),
        Value::Null => "–".to_owned(),
        other => other.to_string(),
    }
}

/// A number with four digits after the point: finer differences are not meant, and files stay small.
pub fn rounded(value: f64) -> Value {
    if value.is_finite() { json!((value * 1e4).round() / 1e4) } else { Value::Null }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        let sheet = Sheet {
            name: "a",
            caption: String::new(),
            columns: vec!["policy", "gold"],
            rows: vec![vec![json!("a, \"b\""), rounded(0.123_456)], vec![json!("c"), rounded(f64::NAN)]],
        };
        assert_eq!(sheet.csv(), "policy,gold\n\"a, \"\"b\"\"\",0.1235\nc,\n");
    }
}
