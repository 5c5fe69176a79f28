//! Spans for a collector, over OTLP: each request and run, as a part of its caller's trace where it has one.
//!
//! Where to and under which name is said as everywhere, by `OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_EXPORTER_OTLP_HEADERS`,
//! `OTEL_SERVICE_NAME` and `OTEL_TRACES_SAMPLER`.

use anyhow::{Context as _, Result};
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState, TracerProvider};
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{Metadata, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

/// What the program calls itself where its environment does not say.
const NAME: &str = "editscale";

/// Spans on their way out. What is not sent yet is sent when this is dropped.
#[derive(Debug)]
pub(crate) struct Export(SdkTracerProvider);

impl Export {
    /// Begins to export. Spans are sent in batches, from a thread of their own.
    pub(crate) fn begin() -> Result<Self> {
        // Where another part of the program chose first, its choice stands.
        rustls::crypto::ring::default_provider().install_default().ok();
        let exporter = SpanExporter::builder().with_http().build().context("cannot export spans")?;
        let resource = Resource::builder();
        let resource =
            if std::env::var_os("OTEL_SERVICE_NAME").is_some() { resource } else { resource.with_service_name(NAME) };
        Ok(Self(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource.build()).build()))
    }

    /// What hands the spans of this program, and of no library, to the exporter.
    pub(crate) fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        let is_ours = |metadata: &Metadata<'_>| metadata.target().starts_with(NAME);
        tracing_opentelemetry::layer().with_tracer(self.0.tracer(NAME)).with_filter(filter_fn(is_ours))
    }
}

impl Drop for Export {
    fn drop(&mut self) {
        if let Err(error) = self.0.shutdown() {
            tracing::warn!(%error, "spans were not exported");
        }
    }
}

/// Makes a request's span a part of the trace that its `traceparent` names. For the server's `Telemetry::set_adopter`.
pub(crate) fn adopt(span: &tracing::Span, traceparent: &str) {
    if let Some(parent) = parent(traceparent) {
        let context = opentelemetry::Context::new().with_remote_span_context(parent);
        // A span that began already keeps its parent.
        span.set_parent(context).ok();
    }
}

/// Reads `00-TRACE-SPAN-FLAGS`, which the server has checked.
fn parent(traceparent: &str) -> Option<SpanContext> {
    let mut parts = traceparent.split('-').skip(1);
    let trace = TraceId::from_hex(parts.next()?).ok()?;
    let span = SpanId::from_hex(parts.next()?).ok()?;
    let flags = TraceFlags::new(u8::from_str_radix(parts.next()?, 16).ok()?);
    Some(SpanContext::new(trace, span, flags, true, TraceState::default()))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use tracing_subscriber::prelude::*;

    use super::*;

    /// Takes one request and gives back its head and body.
    fn collect(listener: &TcpListener) -> (String, Vec<u8>) {
        let (mut stream, _) = listener.accept().unwrap();
        let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
        loop {
            let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
            if let Some(end) = end {
                let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_lowercase();
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
                if bytes.len() >= end + 4 + length.parse::<usize>().unwrap() {
                    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
                    return (head, bytes[end + 4..].to_vec());
                }
            }
            let read = stream.read(&mut buffer).unwrap();
            bytes.extend_from_slice(&buffer[..read]);
        }
    }

    #[test]
    fn a_span_arrives_in_its_callers_trace() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let collector = std::thread::spawn(move || collect(&listener));
        let exporter = opentelemetry_otlp::WithExportConfig::with_endpoint(
            SpanExporter::builder().with_http(),
            format!("{address}/v1/traces"),
        );
        rustls::crypto::ring::default_provider().install_default().ok();
        let export = Export(SdkTracerProvider::builder().with_batch_exporter(exporter.build().unwrap()).build());
        let subscriber = tracing_subscriber::registry().with(export.layer());
        let trace = [0x4b, 0xf9, 0x2f, 0x35, 0x77, 0xb3, 0x4d, 0xa6, 0xa3, 0xce, 0x92, 0x9d, 0x0e, 0x0e, 0x47, 0x36];
        tracing::subscriber::with_default(subscriber, || {
            let span = tracing::info_span!(target: "editscale_server", "request", route = "/v1/runs");
            adopt(&span, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
            span.in_scope(|| {});
            tracing::info_span!(target: "a_library", "noise").in_scope(|| {});
        });
        drop(export);
        let (head, body) = collector.join().unwrap();
        assert!(head.starts_with("post /v1/traces ") && head.contains("application/x-protobuf"), "{head}");
        let has = |wanted: &[u8]| body.windows(wanted.len()).any(|window| window == wanted);
        assert!(has(&trace) && has(b"request") && has(b"/v1/runs") && !has(b"noise"));
    }
}
