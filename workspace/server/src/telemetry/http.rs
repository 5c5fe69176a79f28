//! Figures of requests.

use std::sync::atomic::AtomicI64;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

/// Requests by route, method and class of answer.
#[derive(Debug)]
pub(crate) struct Requests {
    ended: Family<Labels, Counter>,
    seconds: Family<RouteLabels, Histogram>,
    pub(crate) under_way: Gauge<i64, AtomicI64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    route: String,
    method: &'static str,
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

impl Requests {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let requests = Self {
            ended: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(exponential_buckets(0.0005, 2.5, 14))),
            under_way: Gauge::default(),
        };
        registry.register("http_requests", "Requests by class of answer", requests.ended.clone());
        registry.register("http_request_seconds", "Time until an answer begins", requests.seconds.clone());
        registry.register("http_requests_in_flight", "Requests without an end yet", requests.under_way.clone());
        requests
    }

    /// A request at this route was answered so; nothing where its client hung up before.
    pub(crate) fn answered(&self, route: &str, method: &Method, status: Option<StatusCode>, took: Duration) {
        let labels = Labels { route: route.to_owned(), method: plain(method), status: class(status) };
        self.ended.get_or_create(&labels).inc();
        self.seconds.get_or_create(&RouteLabels { route: route.to_owned() }).observe(took.as_secs_f64());
    }
}

/// A method that HTTP knows; callers can send any word.
fn plain(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::PATCH => "PATCH",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

fn class(status: Option<StatusCode>) -> &'static str {
    match status.map(|status| status.as_u16() / 100) {
        Some(1) => "1xx",
        Some(2) => "2xx",
        Some(3) => "3xx",
        Some(4) => "4xx",
        Some(_) => "5xx",
        None => "gone",
    }
}
