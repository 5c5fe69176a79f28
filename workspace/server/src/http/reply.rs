//! Answers that stream.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, Stream};

use crate::runs::{Live, Told};

/// The events of a run from this number on, as they happen.
pub(super) fn events(live: Arc<Live>, from: usize) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let from = live.events().resumed_at(from);
    let batches = stream::unfold((live, from), |(live, number)| async move {
        let told = live.events().after(number).await?;
        let next = told.last().map_or(number, |last| last.number + 1);
        Some((told, (live, next)))
    });
    let events = futures_util::StreamExt::flat_map(batches, |told| stream::iter(told.into_iter().map(event)));
    Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
}

fn event(told: Told) -> Result<Event, Infallible> {
    Ok(Event::default().id(told.number.to_string()).event(told.name).data(told.data.to_string()))
}
