//! Holds a queue of many machines to the cases that all work queues must pass: `queues nats://127.0.0.1:4222`.
//!
//! `queues ADDRESS enter RUN COUNT` and `queues ADDRESS work RUN` are the two halves of a test that kills the server in
//! between: the first enters items, the second does them all and says how many times each came to its first end.

#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::indexing_slicing, reason = "it is a test with an argument")]

#[path = "../tests/queues/cases.rs"]
mod cases;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use cases::{Bench, Case, done, work};
use editscale_core::BoxFuture;
use editscale_rollout::queue::{NatsQueue, QueueError, QueueRules, Recorded, WorkQueue};

struct Nats {
    address: String,
    run: String,
    rules: QueueRules,
}

impl Bench for Nats {
    fn open(&self) -> BoxFuture<'_, Result<Arc<dyn WorkQueue>>> {
        Box::pin(async {
            Ok(Arc::new(NatsQueue::connect(&self.address, &self.run, self.rules).await?) as Arc<dyn WorkQueue>)
        })
    }

    fn beside<'a>(&'a self, _first: &'a Arc<dyn WorkQueue>) -> BoxFuture<'a, Result<Arc<dyn WorkQueue>>> {
        self.open()
    }
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        [address] => conform(address).await,
        [address, "enter", run, count] => enter(address, run, count.parse()?).await,
        [address, "work", run] => do_all(address, run).await,
        _ => anyhow::bail!("usage: queues ADDRESS [enter RUN COUNT | work RUN]"),
    }
}

async fn conform(address: &str) -> Result<ExitCode> {
    let (mut passed, mut failed) = (0, 0);
    let begun = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_nanos();
    for Case { name, rules, run } in cases::all() {
        let bench = Nats { address: address.to_owned(), run: format!("{name} {begun}"), rules };
        let since = Instant::now();
        match run(&bench).await {
            Ok(()) => passed += 1,
            Err(error) => {
                failed += 1;
                println!("FAILED {name}: {error:#}");
            }
        }
        println!("{:6.2} s  {name}", since.elapsed().as_secs_f64());
    }
    println!("{passed} passed, {failed} failed");
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Tries for as long as the server is away, as the driver does.
async fn patiently<T>(mut call: impl AsyncFnMut() -> Result<T, QueueError>) -> Result<T> {
    let begun = Instant::now();
    loop {
        match call().await {
            Err(QueueError::Away { .. }) if begun.elapsed() < Duration::from_secs(60) => {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            other => return other.context("after a minute"),
        }
    }
}

const RULES: QueueRules = QueueRules { lease: Duration::from_secs(3), deliveries: 100 };

async fn enter(address: &str, run: &str, count: u64) -> Result<ExitCode> {
    let queue = patiently(|| NatsQueue::connect(address, run, RULES)).await?;
    for first in (0..count).step_by(100) {
        let entries = work(first..count.min(first + 100));
        patiently(|| queue.enter(&entries)).await?;
    }
    patiently(|| queue.complete_entering()).await?;
    println!("{count} entered");
    Ok(ExitCode::SUCCESS)
}

async fn do_all(address: &str, run: &str) -> Result<ExitCode> {
    let queue = patiently(|| NatsQueue::connect(address, run, RULES)).await?;
    let mut firsts = 0;
    let begun = Instant::now();
    while !patiently(|| queue.tallies()).await?.is_over() {
        let leases = patiently(|| queue.lease(16)).await?;
        let ends = leases.iter().map(|lease| patiently(|| queue.end(lease, done(lease.item.ordinal, 1))));
        for end in futures_util::future::join_all(ends).await {
            firsts += u64::from(end? == Recorded::First);
        }
        ensure!(begun.elapsed() < Duration::from_secs(300), "not over: {:?}", queue.tallies().await?);
    }
    let tallies = patiently(|| queue.tallies()).await?;
    println!("{firsts} first ends of this worker, {} of {} items done", tallies.done, tallies.entered);
    ensure!(tallies.done == tallies.entered && queue.ended(0, usize::MAX).await?.len() as u64 == tallies.entered);
    Ok(ExitCode::SUCCESS)
}
