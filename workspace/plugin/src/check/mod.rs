//! What a plugin must do, as checks with names: the conformance suite behind `editscale plugin check`.
//!
//! The suite is a host of its own. It speaks the protocol as editscale does, and now and then as a broken host would; it
//! looks at every byte that comes back, and measures. One start of the plugin serves as many checks as possible, since
//! starting may mean loading gigabytes: a plugin that passes is loaded four times for each of its kinds.

mod bench;
mod cases;
mod link;
mod pictures;
mod processes;
mod report;
mod session;
mod spool;
mod work;

use std::time::Duration;

use editscale_sdk::protocol::PluginKind;
use serde_json::{Map, Value};
use thiserror::Error;

pub use report::{CheckReport, Finding, Verdict};

use crate::launch::{Launch, LaunchError};
use bench::Bench;
use cases::{Level, cases};

/// What is checked, and how long it may take.
#[derive(Debug, Clone)]
pub struct CheckOptions {
    /// The program, its arguments, and what it sees of the environment.
    pub launch: Launch,
    /// As what it is checked; as everything that it says it can be where this is absent.
    pub kind: Option<PluginKind>,
    /// What a recipe would set.
    pub config: Map<String, Value>,
    /// How long getting ready may take, and each call.
    pub timeout: Duration,
    /// Names of the checks to make; all where there are none.
    pub only: Vec<String>,
}

impl CheckOptions {
    /// All checks of a program, with the usual limits.
    pub fn new(launch: Launch) -> Self {
        Self { launch, kind: None, config: Map::new(), timeout: Duration::from_secs(120), only: Vec::new() }
    }
}

/// Why nothing could be checked.
#[derive(Debug, Error)]
pub enum CheckError {
    /// A name that no check has.
    #[error("there is no check `{name}`: expected one of {}", check_names().join(", "))]
    NoSuchCheck {
        /// The name.
        name: String,
    },
    /// The program could not be started.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// This side could not do its part.
    #[error("cannot prepare the checks: {0}")]
    Prepare(String),
}

/// The names of all checks, in their order.
pub fn check_names() -> Vec<&'static str> {
    cases().map(|case| case.name).collect()
}

/// Checks a plugin, telling each finding as it comes. It takes as long as the plugin does, on the calling thread.
pub fn check(options: &CheckOptions, told: &mut dyn FnMut(&Finding)) -> Result<CheckReport, CheckError> {
    let names = check_names();
    if let Some(name) = options.only.iter().find(|name| !names.contains(&name.as_str())) {
        return Err(CheckError::NoSuchCheck { name: name.clone() });
    }
    let hello = bench::hello_of(options)?;
    let mut report = CheckReport { hello: hello.as_ref().ok().cloned(), ..CheckReport::default() };
    let kinds = match (options.kind, &hello) {
        (Some(kind), _) => vec![kind],
        (None, Ok(hello)) if !hello.kinds.is_empty() => hello.kinds.clone(),
        _ => vec![PluginKind::Reward],
    };
    for kind in kinds {
        let mut bench = Bench::new(options, kind, hello.clone())?;
        check_as(&mut bench, &mut report, told);
        report.cards.extend(bench.card().cloned());
    }
    Ok(report)
}

fn check_as(bench: &mut Bench<'_>, report: &mut CheckReport, told: &mut dyn FnMut(&Finding)) {
    let wanted = bench.options().only.clone();
    for case in cases() {
        let is_wanted = wanted.is_empty() || wanted.iter().any(|name| name == case.name);
        // What others stand on is tried also where it is not asked for.
        if !is_wanted && case.gives == Level::Nothing {
            continue;
        }
        let finding = bench.carry_out(case);
        if is_wanted || finding.verdict == Verdict::Failed {
            told(&finding);
            report.findings.push(finding);
        }
    }
    bench.end();
}
