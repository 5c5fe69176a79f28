//! What stands on a page: sections, figures, facts, notes.

use maud::{Markup, Render, html};

use crate::words::marked;

/// A section under a heading. `id` is its anchor: letters, digits and dashes, unique on the page.
pub fn section(id: &str, title: &str, content: impl Render) -> Markup {
    html! { section aria-labelledby=(id) { h2 id=(id) { (title) } (content) } }
}

/// Anything with words under it, in which what stands between backticks is code.
pub fn figure(content: impl Render, caption: &str) -> Markup {
    html! { figure { (content) @if !caption.is_empty() { figcaption { (marked(caption)) } } } }
}

/// One fact: its name, and its value as plain text.
pub fn fact(name: &str, value: impl Into<String>) -> (String, String) {
    (name.to_owned(), value.into())
}

/// Short facts as tiles, in their order. Long values wrap.
pub fn facts(facts: &[(String, String)]) -> Markup {
    html! {
        dl.ledger {
            @for (name, value) in facts {
                div class=[(value.chars().count() > 24).then_some("wide")] { dt { (name) } dd { (value) } }
            }
        }
    }
}

/// A remark, set softer than the text.
pub fn note(words: impl Render) -> Markup {
    html! { p.remark { (words) } }
}

/// Something that is shown when it is asked for.
pub fn folded(summary: &str, content: impl Render) -> Markup {
    html! { details { summary { (summary) } (content) } }
}
