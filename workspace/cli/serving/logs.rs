//! The log on stderr, and spans for a collector where the program was built with `otlp`.

use std::io::IsTerminal;

use anyhow::Result;
use editscale_server::Service;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

use crate::args::LogWord;
#[cfg(feature = "otlp")]
use crate::tracing_otlp::{Export, adopt};

/// What is logged where `RUST_LOG` says nothing.
const USUAL: &str = "warn,editscale_server=info";

/// The variables that name a collector.
#[cfg(feature = "otlp")]
const COLLECTORS: [&str; 2] = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];

/// What has to be kept as long as there is something to log.
#[derive(Debug)]
pub(crate) struct Log {
    #[cfg(feature = "otlp")]
    export: Option<Export>,
}

/// Begins to log. stdout stays free for data.
pub(crate) fn begin(how: LogWord) -> Result<Log> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(USUAL));
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    let lines = match how {
        LogWord::Text => lines.with_target(false).boxed(),
        LogWord::Json => lines.json().flatten_event(true).boxed(),
    };
    let registry = tracing_subscriber::registry().with(lines.with_filter(filter));
    #[cfg(feature = "otlp")]
    {
        let is_wanted = COLLECTORS.into_iter().any(|name| std::env::var_os(name).is_some());
        let export = is_wanted.then(Export::begin).transpose()?;
        registry.with(export.as_ref().map(Export::layer)).try_init()?;
        Ok(Log { export })
    }
    #[cfg(not(feature = "otlp"))]
    {
        registry.try_init()?;
        Ok(Log {})
    }
}

/// Has commands that log nothing by themselves show what `RUST_LOG` asks for, such as the lines that plugins write.
pub(crate) fn begin_where_asked() {
    if std::env::var_os(EnvFilter::DEFAULT_ENV).is_none_or(|asked| asked.is_empty()) {
        return;
    }
    // A filter that cannot be read is told by the commands that always log; here it is as if there were none.
    let Ok(filter) = EnvFilter::try_from_default_env() else { return };
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal()).with_target(false);
    tracing_subscriber::registry().with(lines.with_filter(filter)).try_init().ok();
}

impl Log {
    /// Makes the requests of a server parts of their callers' traces, where spans are exported.
    #[cfg_attr(not(feature = "otlp"), expect(clippy::unused_self, reason = "without exporter there are no traces"))]
    pub(crate) fn follow(&self, service: &Service) {
        #[cfg(feature = "otlp")]
        if self.export.is_some() {
            service.telemetry().set_adopter(adopt);
        }
        #[cfg(not(feature = "otlp"))]
        let _ = service;
    }
}
