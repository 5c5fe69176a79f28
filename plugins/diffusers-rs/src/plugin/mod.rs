//! An editor of editscale as a plugin: what is asked for goes in as the editor's own words, and comes out as the protocol's.

mod asked;
mod told;

use std::sync::{Mutex, PoisonError};

use editscale_core::{EditBatch, EncodedImage, LocalEditor, Watch};
use editscale_sdk::protocol::{EditorCard, Failed, PausedPlace};
use editscale_sdk::serve::{Call, Edit, Editor, Made};

/// An editor of editscale in a plugin.
#[derive(Debug)]
pub struct Local<E> {
    card: EditorCard,
    editor: Mutex<E>,
}

impl<E: LocalEditor> Local<E> {
    /// The plugin's editor.
    pub fn new(editor: E) -> Self {
        Self { card: told::card(editor.card()), editor: Mutex::new(editor) }
    }

    /// The card has one slot, so that nobody waits here. A panic left the editor as it was before the call, but for what
    /// is kept of texts and pictures, which is only ever added whole.
    fn with<T>(&self, work: impl FnOnce(&mut E) -> T) -> T {
        work(&mut self.editor.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<E: LocalEditor + 'static> Editor for Local<E> {
    fn card(&self) -> EditorCard {
        self.card.clone()
    }

    fn edit(&self, edits: &[Edit], call: &Call) -> Vec<Result<Made, Failed>> {
        let read: Vec<_> = edits.iter().map(asked::item).collect();
        let places: Vec<usize> =
            read.iter().enumerate().filter(|(_, item)| item.is_ok()).map(|(place, _)| place).collect();
        let items: Vec<_> = read.iter().filter_map(|item| item.as_ref().ok().cloned()).collect();
        let watch = Watched { call, places };
        let made =
            if items.is_empty() { Vec::new() } else { self.with(|editor| editor.edit(&EditBatch { items }, &watch)) };
        let mut made = made.into_iter();
        let missing = || Failed::internal("the editor answered fewer edits than it was asked for");
        let answer = |item: Result<_, Failed>| {
            item.and_then(|_| made.next().map_or_else(|| Err(missing()), |made| told::made(made, call)))
        };
        read.into_iter().map(answer).collect()
    }

    fn release(&self, paused: &[PausedPlace]) {
        let places: Vec<_> = paused.iter().filter_map(asked::place).collect();
        self.with(|editor| editor.release(&places));
    }
}

/// A call as an editor watches it.
struct Watched<'a> {
    call: &'a Call,
    /// The place of each item in the call, where some of the call were no items.
    places: Vec<usize>,
}

impl Watch for Watched<'_> {
    fn cancelled(&self) -> bool {
        self.call.cancelled()
    }

    fn step(&self, item: usize, step: u32, steps: u32) {
        if let Some(place) = self.places.get(item) {
            self.call.progress(*place, step, steps);
        }
    }

    fn preview(&self, item: usize, image: &EncodedImage) {
        if let Some(place) = self.places.get(item) {
            self.call.preview(*place, &told::image(image));
        }
    }
}
