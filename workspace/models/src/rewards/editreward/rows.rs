//! The rows of one pass through the decoder: what they hold, where they stand, and which keys they see.

use std::ops::Range;
use std::sync::Arc;

use crate::layers::Segment;
use crate::layers::qwen25_vl::plain_positions;
use crate::rewards::editreward::kept::{Encoded, Keys};
use crate::rewards::editreward::tree::Item;

/// Key rows that a row sees.
#[derive(Debug, Clone)]
pub(super) enum Seen {
    /// All rows of an earlier pass, by its place.
    Past(usize),
    /// Rows of this pass.
    Row(Range<usize>),
}

/// The rows of one pass, as they are put together.
#[derive(Default)]
pub(super) struct Rows {
    pub(super) items: Vec<Item>,
    pub(super) positions: Vec<[u32; 3]>,
    pub(super) pictures: Vec<Arc<Encoded>>,
    pub(super) past: Vec<Arc<Keys>>,
    spans: Vec<(Range<usize>, Vec<Seen>)>,
}

impl Rows {
    /// A picture's number in this pass.
    pub(super) fn picture(&mut self, picture: &Arc<Encoded>) -> usize {
        self.pictures.push(Arc::clone(picture));
        self.pictures.len() - 1
    }

    /// What rows see that stand behind a beginning; nothing where it is empty.
    pub(super) fn behind(&mut self, keys: &Arc<Keys>) -> Vec<Seen> {
        if keys.rows == 0 {
            return Vec::new();
        }
        let known = self.past.iter().position(|past| Arc::ptr_eq(past, keys));
        let place = known.unwrap_or_else(|| {
            self.past.push(Arc::clone(keys));
            self.past.len() - 1
        });
        vec![Seen::Past(place)]
    }

    /// Adds items that follow each other, the first at a position.
    pub(super) fn add(&mut self, items: &[Item], first: usize, seen: &[Seen]) -> Range<usize> {
        let span = self.items.len()..self.items.len() + items.len();
        if !items.is_empty() {
            self.items.extend_from_slice(items);
            self.positions.extend(plain_positions(first, items.len()));
            self.spans.push((span.clone(), seen.to_vec()));
        }
        span
    }

    /// Rows of all earlier passes.
    pub(super) fn past_rows(&self) -> usize {
        self.past.iter().map(|keys| keys.rows).sum()
    }

    /// What every span of rows sees. Keys count those of `past` earlier rows first.
    pub(super) fn segments(&self, past: usize) -> Vec<Segment> {
        let starts: Vec<usize> = self
            .past
            .iter()
            .scan(0, |next, keys| {
                *next += keys.rows;
                Some(*next - keys.rows)
            })
            .collect();
        let range = |seen: &Seen| match seen {
            Seen::Past(place) => starts[*place]..starts[*place] + self.past[*place].rows,
            Seen::Row(rows) => past + rows.start..past + rows.end,
        };
        let segment = |(span, seen): &(Range<usize>, Vec<Seen>)| Segment {
            queries: span.clone(),
            keys: joined(seen.iter().map(range).chain([past + span.start..past + span.end])),
            causal: true,
        };
        self.spans.iter().map(segment).collect()
    }
}

/// Ranges, the last of which stays by itself, with neighbours that touch made one.
fn joined(ranges: impl Iterator<Item = Range<usize>>) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = ranges.collect();
    let Some(own) = ranges.pop() else { return ranges };
    let mut joined: Vec<Range<usize>> = Vec::with_capacity(ranges.len() + 1);
    for range in ranges {
        match joined.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => joined.push(range),
        }
    }
    joined.push(own);
    joined
}
