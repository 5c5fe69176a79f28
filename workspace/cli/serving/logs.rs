//! The log on stderr.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::args::LogWord;

/// What is logged where `RUST_LOG` says nothing.
const USUAL: &str = "warn,editscale_server=info";

/// Begins to log. stdout stays free for data.
pub(crate) fn begin(how: LogWord) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(USUAL));
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    let lines = match how {
        LogWord::Text => lines.with_target(false).boxed(),
        LogWord::Json => lines.json().flatten_event(true).boxed(),
    };
    // A second call, as in a test of this process, changes nothing.
    tracing_subscriber::registry().with(filter).with(lines).try_init().ok();
}
