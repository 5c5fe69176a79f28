//! Answers that stream.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, Stream, StreamExt};
use utoipa::ToSchema;

use crate::runs::{Live, Runs, Told};

/// The events of a run from this number on, as they happen.
///
/// They end when the server closes: a client that reconnects goes on where it was.
pub(super) fn events(runs: Runs, live: Arc<Live>, from: usize) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let batches = stream::unfold(Some((runs, live, from)), |state| async move {
        let (runs, live, number) = state?;
        tokio::select! {
            biased;
            told = live.events().after(number) => {
                let told = told?;
                let next = told.last().map_or(number, |last| last.number + 1);
                Some((told.iter().map(event).collect(), Some((runs, live, next))))
            }
            () = runs.closing() => Some((vec![goodbye()], None)),
        }
    });
    let events = batches.flat_map(|told: Vec<Event>| stream::iter(told.into_iter().map(Ok)));
    Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
}

/// One event of a stream.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it describes what is sent, which is written line by line")]
pub(super) struct StreamEvent {
    /// The number of the event, which `Last-Event-ID` takes.
    id: Option<String>,
    /// What kind it is.
    event: Option<String>,
    /// A JSON object.
    data: Option<String>,
}

/// When a client that was cut off is to come again.
fn goodbye() -> Event {
    Event::default().retry(Duration::from_secs(5)).comment("the server is shutting down")
}

fn event(told: &Told) -> Event {
    Event::default().id(told.number.to_string()).event(told.name).data(told.data.to_string())
}
