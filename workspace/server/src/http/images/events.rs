//! The answer of the images API as a stream of events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use editscale_core::CandidateId;
use futures_util::stream::{self, Stream, StreamExt};
use serde::Serialize;

use super::super::error::{ApiError, ErrorForm};
use super::answer::{Album, SearchForm, UsageForm, over, size_word};
use super::pictures::{Display, ImageForm, Ready};
use super::tied::Tied;
use crate::refusal::Refusal;
use crate::runs::{State, Told};

/// What every event with a picture has.
#[derive(Debug, Serialize)]
struct PictureEvent {
    r#type: &'static str,
    #[serde(flatten)]
    picture: ImageForm,
    created_at: u64,
    size: String,
    /// The setting has no effect here, and clients expect one.
    quality: &'static str,
    background: &'static str,
    output_format: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    partial_image_index: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<UsageForm>,
    #[serde(skip_serializing_if = "Option::is_none")]
    editscale: Option<SearchForm>,
}

#[derive(Debug, Serialize)]
struct ErrorEvent {
    r#type: &'static str,
    error: ErrorForm,
}

/// The events of a run for its client, who gets at most so many partial pictures.
pub(super) fn stream(tied: Tied, display: Display, most: u64) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let teller = Teller { tied, display: Arc::new(display), from: 0, sent: 0, most, is_over: false };
    let batches = stream::unfold(teller, Teller::next);
    let events = batches.flat_map(|events| stream::iter(events.into_iter().map(Ok)));
    Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
}

/// Follows a run. Dropping it is the client's hanging up.
struct Teller {
    tied: Tied,
    display: Arc<Display>,
    /// The number of the run's next event.
    from: usize,
    /// Partial pictures that were sent.
    sent: u64,
    most: u64,
    is_over: bool,
}

impl Teller {
    async fn next(mut self) -> Option<(Vec<Event>, Self)> {
        if self.is_over {
            return None;
        }
        let told = if self.sent < self.most { self.tied.live().events().after(self.from).await } else { None };
        let events = match told {
            Some(told) => self.partials(&told).await,
            None => {
                self.is_over = true;
                self.last().await
            }
        };
        Some((events, self))
    }

    /// What a client gets to see of these events.
    async fn partials(&mut self, told: &[Told]) -> Vec<Event> {
        self.from = told.last().map_or(self.from, |last| last.number + 1);
        let bests = told.iter().filter(|told| told.name == "best");
        let ids = bests.filter_map(|told| told.data.get("candidate")?.as_u64()).map(|id| CandidateId(id as u32));
        let left = (self.most - self.sent) as usize;
        let mut events = Vec::new();
        for id in ids.take(left) {
            // A picture that the recipe does not keep may be gone: there will be a better one.
            if let Some(event) = self.partial(id).await {
                events.push(event);
                self.sent += 1;
            }
        }
        events
    }

    async fn partial(&self, id: CandidateId) -> Option<Event> {
        let (display, index) = (Arc::clone(&self.display), self.sent);
        let made = tokio::task::spawn_blocking(move || {
            let ready = display.preview(id).ok()?;
            let event = PictureEvent::new("image_edit.partial_image", &display, ready);
            PictureEvent { partial_image_index: Some(index), ..event }.sent()
        });
        made.await.ok()?
    }

    /// All that comes when the run has ended.
    async fn last(&self) -> Vec<Event> {
        let ended = over(self.tied.live().ended().await);
        match ended {
            Ok(state) => self.completed(state).await.unwrap_or_else(|refusal| vec![failed(&refusal.into())]),
            Err(error) => vec![failed(&error)],
        }
    }

    async fn completed(&self, state: State) -> Result<Vec<Event>, Refusal> {
        let display = Arc::clone(&self.display);
        let made = tokio::task::spawn_blocking(move || {
            let Album { pictures, usage, mut search } = Album::new(&display, &state)?;
            let events = pictures.into_iter().filter_map(|ready| {
                let event = PictureEvent::new("image_edit.completed", &display, ready);
                let event = PictureEvent { usage: Some(usage), editscale: Some(search.clone()), ..event };
                // Once is enough for what is long.
                search.trace = None;
                event.sent()
            });
            Ok(events.collect())
        });
        made.await.map_err(Refusal::broken)?
    }
}

impl PictureEvent {
    fn new(kind: &'static str, display: &Display, ready: Ready) -> Self {
        Self {
            r#type: kind,
            created_at: display.live.accepted(),
            size: size_word(ready.size),
            picture: ready.form,
            quality: "auto",
            background: "opaque",
            output_format: display.format_word(),
            partial_image_index: None,
            usage: None,
            editscale: None,
        }
    }

    /// It as it is sent. Texts and finite numbers are always JSON.
    fn sent(&self) -> Option<Event> {
        Some(Event::default().event(self.r#type).data(serde_json::to_string(self).ok()?))
    }
}

/// An error in the middle of a stream, which official clients raise.
fn failed(error: &ApiError) -> Event {
    let told = ErrorEvent { r#type: "error", error: error.error.clone() };
    Event::default().event("error").data(serde_json::to_string(&told).unwrap_or_default())
}
