//! Pictures given as data, and two of them compared.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, Render, html};

/// A picture, with its pixels in the address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// A `data:` address: a page loads no other.
    pub url: String,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// What it shows, for people who do not see it.
    pub alt: String,
}

impl Picture {
    /// A picture of a JPEG file's bytes.
    pub fn of_jpeg(bytes: &[u8], (width, height): (u32, u32), alt: impl Into<String>) -> Self {
        Self { url: format!("data:image/jpeg;base64,{}", STANDARD.encode(bytes)), width, height, alt: alt.into() }
    }

    fn is_framed_as(&self, other: &Self) -> bool {
        self.width.abs_diff(other.width) <= 1 && self.height.abs_diff(other.height) <= 1
    }
}

impl Render for Picture {
    fn render(&self) -> Markup {
        html! { img src=(self.url) width=(self.width) height=(self.height) alt=(self.alt); }
    }
}

/// Two pictures beside each other, each with words under it.
pub fn side_by_side(before: (&Picture, &str), after: (&Picture, &str)) -> Markup {
    html! {
        div.pair {
            @for (picture, caption) in [before, after] {
                figure { (picture) @if !caption.is_empty() { figcaption { (caption) } } }
            }
        }
    }
}

/// Two pictures of one size under a slider, or beside each other where their sizes differ. The captions say which is which.
pub fn compare(before: (&Picture, &str), after: (&Picture, &str)) -> Markup {
    let ((source, left), (edited, right)) = (before, after);
    if !source.is_framed_as(edited) {
        return side_by_side(before, after);
    }
    html! {
        div.slider style={ "aspect-ratio:" (source.width) "/" (source.height) ";--at:50%" } {
            (edited)
            div.before { (source) }
            input type="range" min="0" max="100" value="50" aria-label="How much of the source is shown, from the left";
        }
        p.legend { span { (left) } span { (right) } }
    }
}
