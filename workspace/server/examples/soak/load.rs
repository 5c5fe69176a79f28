//! Many clients at a time, for a while.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::call::{Client, Server, wish};

/// The longest that a client heeds when it is told to come again later; it has to try often to be a load.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Memory may be this much more at the end than after the first quarter.
const GROWTH: f64 = 1.1;

/// Beside that, megabytes for each run: its name, owner and end are remembered.
const A_RUN: f64 = 0.001;

/// What was seen.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    secs: f64,
    clients: u64,
    /// Answers by status; 0 is none.
    statuses: BTreeMap<u16, u64>,
    errors: Vec<String>,
    /// Seconds until an answer, by what was asked.
    took: BTreeMap<&'static str, Vec<f64>>,
    done: u64,
    /// Megabytes in RAM, a sample a second.
    memory: Vec<f64>,
}

impl Figures {
    fn note(&mut self, what: &'static str, began: Instant, status: u16) {
        *self.statuses.entry(status).or_default() += 1;
        self.took.entry(what).or_default().push(began.elapsed().as_secs_f64());
    }

    fn add(&mut self, other: Self) {
        other.statuses.into_iter().for_each(|(status, count)| *self.statuses.entry(status).or_default() += count);
        other.took.into_iter().for_each(|(what, took)| self.took.entry(what).or_default().extend(took));
        self.errors.extend(other.errors);
        self.done += other.done;
    }

    /// The memory after a quarter of the time, and at the end.
    fn growth(&self) -> Option<(f64, f64)> {
        Some((*self.memory.get(self.memory.len() / 4)?, *self.memory.last()?))
    }

    /// What must hold.
    pub(crate) fn check(&self) -> Result<()> {
        let errors = self.errors.first();
        ensure!(errors.is_none(), "{} errors, the first: {errors:?}", self.errors.len());
        if let Some((early, late)) = self.growth() {
            let allowed = early * GROWTH + self.done as f64 * A_RUN * 0.75;
            ensure!(late <= allowed, "memory grew from {early:.0} to {late:.0} MB, allowed were {allowed:.0}");
        }
        Ok(())
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let asked: u64 = self.statuses.values().sum();
        writeln!(
            f,
            "{} clients for {:.0} s: {asked} requests, {:.0} a second",
            self.clients,
            self.secs,
            asked as f64 / self.secs
        )?;
        writeln!(f, "runs done: {}, {:.0} a second", self.done, self.done as f64 / self.secs)?;
        writeln!(f, "answers by status: {:?}; errors: {}", self.statuses, self.errors.len())?;
        for (what, took) in &self.took {
            let mut took = took.clone();
            took.sort_by(f64::total_cmp);
            let at = |share: f64| took.get((took.len() as f64 * share) as usize).copied().unwrap_or_default() * 1e3;
            writeln!(f, "{what}: p50 {:.1} ms, p99 {:.1} ms, p99.9 {:.1} ms", at(0.5), at(0.99), at(0.999))?;
        }
        let shown = self.memory.iter().step_by((self.memory.len() / 12).max(1)).map(|megabytes| megabytes.round());
        write!(f, "memory in MB: {:?}", shown.collect::<Vec<_>>())
    }
}

/// Lets clients at a server that is started for them.
pub(crate) async fn load(command: &mut Command, clients: u64, secs: u64) -> Result<Figures> {
    let server = Server::start(command)?;
    let (began, ends) = (Instant::now(), Instant::now() + Duration::from_secs(secs));
    let body = wish("none")?;
    let mut all = JoinSet::new();
    for _ in 0..clients {
        all.spawn(client(server.address, body.clone(), ends));
    }
    let mut figures = Figures { clients, ..Figures::default() };
    while Instant::now() < ends {
        sleep(Duration::from_secs(1)).await;
        figures.memory.extend(server.resident().map(|bytes| bytes as f64 / 1e6));
    }
    while let Some(seen) = all.join_next().await {
        figures.add(seen?);
    }
    figures.secs = began.elapsed().as_secs_f64();
    Ok(figures)
}

/// One client: asks for a run, waits for it, looks at its picture, and asks for another.
async fn client(address: SocketAddr, body: String, ends: Instant) -> Figures {
    let mut figures = Figures::default();
    while Instant::now() < ends {
        if let Err(error) = connected(address, &body, ends, &mut figures).await {
            figures.errors.push(error.to_string());
            sleep(LONGEST_PAUSE).await;
        }
    }
    figures
}

async fn connected(address: SocketAddr, body: &str, ends: Instant, figures: &mut Figures) -> Result<()> {
    let mut client = Client::connect(address).await?;
    while Instant::now() < ends {
        let began = Instant::now();
        let answer = client.ask("POST /v1/runs", "", body).await?;
        figures.note("POST /v1/runs", began, answer.status);
        if answer.status == 429 {
            sleep(LONGEST_PAUSE.min(Duration::from_secs(answer.retry_after.unwrap_or(1)))).await;
            continue;
        }
        ensure!(answer.status == 202, "{}: {}", answer.status, String::from_utf8_lossy(&answer.body));
        let id = answer.json()["id"].as_str().unwrap_or_default().to_owned();
        waited(&mut client, &id, figures).await?;
        let began = Instant::now();
        let answer = client.ask(&format!("GET /v1/runs/{id}/candidates/best/image"), "", "").await?;
        figures.note("GET image", began, answer.status);
        ensure!(answer.status == 200, "{}: {}", answer.status, String::from_utf8_lossy(&answer.body));
        figures.done += 1;
    }
    Ok(())
}

async fn waited(client: &mut Client, id: &str, figures: &mut Figures) -> Result<()> {
    loop {
        let began = Instant::now();
        let answer = client.ask(&format!("GET /v1/runs/{id}"), "", "").await?;
        figures.note("GET /v1/runs/{id}", began, answer.status);
        let state = answer.json()["state"].as_str().unwrap_or_default().to_owned();
        match state.as_str() {
            "done" => return Ok(()),
            "queued" | "running" => sleep(Duration::from_millis(50)).await,
            other => ensure!(false, "{}: {other}", answer.status),
        }
    }
}
