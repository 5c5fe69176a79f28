//! Every request from its head to the last byte of its answer: named, counted, logged, and caught when its handler panics.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http_body::{Frame, SizeHint};
use tracing::field::Empty;
use tracing::{Instrument, Span};

use super::App;
use super::caller::Caller;
use super::error::ApiError;
use super::intake::BodyBytes;
use crate::telemetry::{REQUEST_ID, TRACE_PARENT, Telemetry, TraceIds, within};

/// What stands for every path that there is no route for.
const UNMATCHED: &str = "unmatched";

/// Watches over a request.
pub(super) async fn watched(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let ids = TraceIds::of(request.headers());
    let mut visit = Visit::new(&app, &request, &ids);
    app.service.telemetry().adopt(&visit.span, &ids);
    let span = visit.span.clone();
    let handled = AssertUnwindSafe(within(ids.clone(), next.run(request))).catch_unwind().instrument(span.clone());
    let mut response = handled.await.unwrap_or_else(|panic| span.in_scope(|| panicked(&*panic)));
    for (name, value) in [(REQUEST_ID, ids.request.clone()), (TRACE_PARENT, ids.parent())] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    visit.answered(&response);
    response.map(|body| Body::new(Sent { body, visit }))
}

fn panicked(panic: &(dyn Any + Send)) -> Response {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!(panic = text.unwrap_or("of another kind"), "a handler panicked");
    let message = "the server failed; its log says more under this answer's x-request-id";
    ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "internal", message).into_response()
}

/// One request while it lasts.
struct Visit {
    telemetry: Arc<Telemetry>,
    span: Span,
    route: String,
    method: Method,
    began: Instant,
    caller: Option<String>,
    /// What was answered and after how long; nothing as long as there is no answer.
    answer: Option<(StatusCode, Duration)>,
    received: u64,
    sent: u64,
}

impl Visit {
    fn new(app: &App, request: &Request, ids: &TraceIds) -> Self {
        let telemetry = Arc::clone(app.service.telemetry());
        telemetry.requests.under_way.inc();
        let matched = request.extensions().get::<MatchedPath>();
        let route = matched.map_or(UNMATCHED, MatchedPath::as_str).to_owned();
        let method = request.method().clone();
        let span = tracing::info_span!(
            "request", %method, route, request_id = ids.request, trace_id = ids.trace, caller = Empty, status = Empty
        );
        Self { telemetry, span, route, method, began: Instant::now(), caller: None, answer: None, received: 0, sent: 0 }
    }

    fn answered(&mut self, response: &Response) {
        let took = self.began.elapsed();
        self.answer = Some((response.status(), took));
        let extensions = response.extensions();
        self.caller = extensions.get::<Caller>().map(|caller| caller.0.0.clone());
        self.received = extensions.get::<BodyBytes>().map_or(0, |bytes| bytes.0);
        self.span.record("status", response.status().as_u16());
        if let Some(caller) = &self.caller {
            self.span.record("caller", caller);
        }
        self.telemetry.requests.answered(&self.route, &self.method, Some(response.status()), took);
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.telemetry.requests.under_way.dec();
        if self.answer.is_none() {
            self.telemetry.requests.answered(&self.route, &self.method, None, self.began.elapsed());
        }
        let (status, began) = self.answer.map_or((None, None), |(status, took)| (Some(status.as_u16()), Some(took)));
        tracing::info!(
            parent: &self.span,
            method = %self.method,
            route = self.route,
            status,
            secs = self.began.elapsed().as_secs_f64(),
            secs_until_answer = began.map(|took| took.as_secs_f64()),
            caller = self.caller,
            bytes_received = self.received,
            bytes_sent = self.sent,
            "request"
        );
    }
}

/// An answer's body, counted.
struct Sent {
    body: Body,
    visit: Visit,
}

impl http_body::Body for Sent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if let Some(Ok(frame)) = &frame {
            self.visit.sent += frame.data_ref().map_or(0, |data| data.len() as u64);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
