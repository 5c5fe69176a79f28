//! What checks plugins, checked: it passes good ones, those of the SDK's examples among them, and finds each misbehaviour and says what it is.
//!
//! This program is the peers as well: `--peer NAME` makes it one.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::default_trait_access,
    clippy::panic,
    clippy::needless_pass_by_value,
    clippy::struct_excessive_bools,
    clippy::unused_self,
    clippy::zero_sized_map_values,
    clippy::zombie_processes,
    reason = "a test that cannot go on fails, and a misbehaving peer prints"
)]

#[allow(dead_code, unused_imports, reason = "tests of its own are not run here")]
#[path = "../../workspace/sdk/examples/brightness_reward.rs"]
mod brightness_reward;
mod misbehaviours;
mod peer;
mod program;
mod scripts;
#[allow(dead_code, unused_imports, reason = "tests of its own are not run here")]
#[path = "../../workspace/sdk/examples/tint_editor.rs"]
mod tint_editor;
mod work;

use std::env;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use editscale_plugin::Launch;
use editscale_plugin::check::{CheckOptions, CheckReport, Finding, Verdict, check};
use libtest_mimic::{Arguments, Failed, Trial};

use crate::misbehaviours::{ALL, MORE, Misbehaviour};
use crate::peer::Peer;

/// Well behaved peers.
const GOOD: [(&str, fn() -> !); 5] = [
    ("good_reward", || Peer::reward().serve(Peer::answer)),
    ("talkative_reward", || {
        eprintln!("the weights are being read");
        Peer::reward().serve(Peer::answer)
    }),
    ("good_editor", || Peer::editor().serve(Peer::answer)),
    ("brightness_reward", || be_example(brightness_reward::main)),
    ("tint_editor", || be_example(tint_editor::main)),
];

/// Is an example of the SDK, which ends by itself.
fn be_example(main: fn() -> ExitCode) -> ! {
    let code = main();
    // An exit code cannot be looked into; what is not success is a failure.
    std::process::exit(i32::from(code != ExitCode::SUCCESS))
}

fn main() {
    let words: Vec<String> = env::args().collect();
    if let [_, flag, name] = words.as_slice()
        && flag == "--peer"
    {
        be(name);
    }
    let good = GOOD.iter().map(|(name, _)| Trial::test(format!("passes::{name}"), || passes(name)));
    let bad = all().map(|peer| Trial::test(format!("fails::{}", peer.name), || is_found(peer)));
    let trials = good.chain(bad).chain(scripts::trials()).chain(program::trials()).collect();
    let mut arguments = Arguments::from_args();
    // Many a peer shows in nothing happening for some seconds, which others need not wait for.
    let cores = thread::available_parallelism().map_or(1, usize::from);
    arguments.test_threads.get_or_insert(3 * cores);
    libtest_mimic::run(&arguments, trials).exit();
}

fn all() -> impl Iterator<Item = &'static Misbehaviour> {
    ALL.iter().chain(&MORE)
}

/// Becomes the peer of this name.
fn be(name: &str) -> ! {
    let good = GOOD.iter().find(|(good, _)| *good == name).map(|(_, run)| *run);
    let run = good.or_else(|| all().find(|peer| peer.name == name).map(|peer| peer.run));
    run.unwrap_or_else(|| panic!("there is no peer {name}"))()
}

/// The command line of a peer.
fn peer(name: &str) -> Vec<String> {
    vec![env::current_exe().unwrap().display().to_string(), "--peer".to_owned(), name.to_owned()]
}

/// All findings in a few lines, for a test that fails.
fn told(report: &CheckReport) -> String {
    let line = |finding: &Finding| {
        format!(
            "{} {}: {} ({:.2} s)\n",
            finding.verdict.word(),
            finding.name,
            finding.found,
            finding.took.as_secs_f64()
        )
    };
    report.findings.iter().map(line).collect()
}

/// Whether a well behaved plugin passes everything.
fn passes(name: &str) -> Result<(), Failed> {
    let options = CheckOptions { timeout: Duration::from_secs(60), ..CheckOptions::new(Launch::of(peer(name))) };
    let report = check(&options, &mut |_| {})?;
    if !report.is_passed() || report.count(Verdict::Passed) < 25 {
        return Err(told(&report).into());
    }
    Ok(())
}

/// Whether a misbehaviour is found, and said in so many words.
fn is_found(peer: &Misbehaviour) -> Result<(), Failed> {
    let options = CheckOptions {
        timeout: Duration::from_secs(peer.timeout_secs),
        only: vec![peer.check.to_owned()],
        ..CheckOptions::new(Launch::of(self::peer(peer.name)))
    };
    let report = check(&options, &mut |_| {})?;
    finds(&report, peer.check, peer.says)
}

/// Whether a report has this failure, with advice.
fn finds(report: &CheckReport, check: &str, says: &str) -> Result<(), Failed> {
    let is_it = |finding: &&Finding| finding.name == check && finding.verdict == Verdict::Failed;
    let Some(finding) = report.findings.iter().find(is_it) else {
        return Err(format!("`{check}` did not fail:\n{}", told(report)).into());
    };
    if !finding.found.contains(says) {
        return Err(format!("expected {says:?} in {:?}", finding.found).into());
    }
    if finding.advice.as_deref().unwrap_or_default().is_empty() {
        return Err(format!("`{check}` gives no advice").into());
    }
    Ok(())
}
