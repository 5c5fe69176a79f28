//! Bodies of requests: cut when they are too large or too slow, whoever reads them.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use http_body::{Body as _, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use super::App;
use super::error::ApiError;
use crate::settings::Settings;

/// What is read of a body that nobody wants, so that a client that is still sending hears the answer.
const LINGER_BYTES: u64 = 16 << 20;

/// The longest that it is read for.
const LINGER_TIME: Duration = Duration::from_secs(2);

/// How much of a body came, and whether it was cut. Shared by the body and whoever answers.
#[derive(Debug, Default)]
pub(super) struct Received {
    bytes: AtomicU64,
    fault: AtomicU8,
}

/// Bytes of a request's body, left with its answer for the log.
#[derive(Debug, Clone, Copy)]
pub(super) struct BodyBytes(pub(super) u64);

const TOO_LARGE: u8 = 1;
const TOO_SLOW: u8 = 2;

impl Received {
    fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    fn cut(&self, fault: u8) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.fault.store(fault, Ordering::Relaxed);
        let why = if fault == TOO_LARGE { "the body is too large" } else { "the body does not arrive" };
        Poll::Ready(Some(Err(axum::Error::new(why))))
    }
}

/// Lets no body through that is larger, slower or more silent than the settings allow.
pub(super) async fn bounded(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let settings = app.service.settings();
    let sent = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let waits = request.headers().contains_key(header::EXPECT);
    let received = Arc::new(Received::default());
    let (parts, body) = request.into_parts();
    let body = Intake::new(body, settings, Arc::clone(&received));
    if sent.is_some_and(|sent| sent > body.most) {
        // Whoever waits for leave to send needs none of it read.
        if waits {
            drop(body.forget());
        }
        return refused(TOO_LARGE, settings);
    }
    let body = if body.is_end_stream() { body.forget() } else { Body::new(body) };
    let mut response = next.run(Request::from_parts(parts, body)).await;
    let fault = received.fault.load(Ordering::Relaxed);
    if fault != 0 {
        response = refused(fault, settings);
    }
    response.extensions_mut().insert(BodyBytes(received.bytes()));
    response
}

/// The answer to a body that was cut. The connection cannot be used again: the rest of the body is not read.
fn refused(fault: u8, settings: &Settings) -> Response {
    let error = if fault == TOO_LARGE {
        let message = format!("the request is too large: expected at most {} bytes", settings.body_bytes);
        ApiError::unreadable(StatusCode::PAYLOAD_TOO_LARGE, message)
    } else {
        let (whole, silence) = (settings.body_time.as_secs_f64(), settings.body_silence.as_secs_f64());
        let message =
            format!("the body did not arrive: expected all of it within {whole} s, and no silence of {silence} s");
        ApiError::new(StatusCode::REQUEST_TIMEOUT, "invalid_request_error", "too_slow", message)
    };
    let mut response = error.into_response();
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// A body under limits.
struct Intake {
    /// Nothing once it is read to its end, cut, or given away.
    body: Option<Body>,
    received: Arc<Received>,
    most: u64,
    ends: Instant,
    longest_silence: Duration,
    whole: Option<Pin<Box<Sleep>>>,
    silence: Option<Pin<Box<Sleep>>>,
}

impl Intake {
    fn new(body: Body, settings: &Settings, received: Arc<Received>) -> Self {
        Self {
            body: Some(body),
            received,
            most: settings.body_bytes as u64,
            ends: Instant::now() + settings.body_time,
            longest_silence: settings.body_silence,
            whole: None,
            silence: None,
        }
    }

    /// The body without limits.
    fn forget(mut self) -> Body {
        self.body.take().unwrap_or_default()
    }

    fn came(&mut self, frame: Frame<Bytes>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.silence = None;
        let length = frame.data_ref().map_or(0, |data| data.len() as u64);
        let before = self.received.bytes.fetch_add(length, Ordering::Relaxed);
        if before + length <= self.most {
            return Poll::Ready(Some(Ok(frame)));
        }
        linger(self.body.take());
        self.received.cut(TOO_LARGE)
    }

    fn wait(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let (ends, longest) = (self.ends, self.longest_silence);
        let whole = self.whole.get_or_insert_with(|| Box::pin(sleep_until(ends)));
        let silence = self.silence.get_or_insert_with(|| Box::pin(sleep(longest)));
        if whole.as_mut().poll(context).is_pending() && silence.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        self.body = None;
        self.received.cut(TOO_SLOW)
    }
}

impl http_body::Body for Intake {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        match Pin::new(body).poll_frame(context) {
            Poll::Pending => self.wait(context),
            Poll::Ready(Some(Ok(frame))) => self.came(frame),
            Poll::Ready(ended) => {
                self.body = None;
                Poll::Ready(ended)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(http_body::Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::default, http_body::Body::size_hint)
    }
}

impl Drop for Intake {
    fn drop(&mut self) {
        linger(self.body.take());
    }
}

/// Reads on for a little while. A connection that is closed over bytes that nobody read is reset, and its client may then never see
/// the answer.
fn linger(body: Option<Body>) {
    let (Some(body), Ok(runtime)) = (body, tokio::runtime::Handle::try_current()) else { return };
    if body.is_end_stream() {
        return;
    }
    runtime.spawn(tokio::time::timeout(LINGER_TIME, async move {
        let (mut stream, mut left) = (body.into_data_stream(), LINGER_BYTES);
        while let Some(Ok(data)) = stream.next().await {
            left = left.saturating_sub(data.len() as u64);
            if left == 0 {
                return;
            }
        }
    }));
}
