//! A whole page: head, style, heading, sections.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::words::marked;

/// The style of every page: colours in light and in dark, text, tables, figures, plots, print.
pub const STYLE: &str = concat!(include_str!("style.css"), include_str!("plot/plot.css"));

/// The script of every page: the slider of two compared pictures follows its handle.
pub const SCRIPT: &str = include_str!("script.js");

/// What a page may do: nothing is loaded, whatever found its way into the text.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; \
                      base-uri 'none'; form-action 'none'";

/// What a page shows.
#[derive(Debug)]
pub struct Document {
    /// The title, in the tab and above the text.
    pub title: String,
    /// A sentence under the title. What stands between backticks is code.
    pub lead: String,
    /// Sections with headings of their own (`h2`), in their order: see [`crate::section`].
    pub sections: Vec<Markup>,
}

/// The page's text: one file that needs no other.
pub fn document(page: &Document) -> String {
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                title { (page.title) " · editscale" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    header { h1 { (page.title) } p.lead { (marked(&page.lead)) } }
                    @for section in &page.sections { (section) "\n" }
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    markup.into_string()
}
