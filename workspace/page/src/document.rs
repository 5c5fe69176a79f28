//! A whole page: head, style, heading, sections.

use maud::{DOCTYPE, Markup, html};

/// What a page shows.
#[derive(Debug)]
pub struct Document {
    /// The title, in the tab and above the text.
    pub title: String,
    /// A sentence under the title.
    pub lead: String,
    /// Sections with headings of their own (`h2`), in their order.
    pub sections: Vec<Markup>,
}

/// The page's text: one file that needs no other.
pub fn document(page: &Document) -> String {
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head { meta charset="utf-8"; title { (page.title) } }
            body { main { h1 { (page.title) } p { (page.lead) } @for section in &page.sections { (section) } } }
        }
    };
    markup.into_string()
}
