//! Clients that keep asking, and a server that is killed under them at any moment.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::call::{Client, Server, wish};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(600);

/// How often to look again.
const PAUSE: Duration = Duration::from_millis(10);

/// How hard it blows.
pub(crate) struct Storm<'a> {
    pub(crate) kills: u64,
    pub(crate) clients: u64,
    pub(crate) runs_each: u64,
    /// The server as a child over a folder.
    pub(crate) start: &'a dyn Fn(&Path) -> Command,
}

/// What became of all runs.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) accepted: u64,
    pub(crate) done: u64,
    pub(crate) failed: u64,
    /// Accepted, and unknown to a later server.
    pub(crate) lost: u64,
    /// Keys with more than one run, and runs that nobody asked for.
    pub(crate) twice: u64,
}

impl Storm<'_> {
    /// Lets it rage over a folder of runs. What it returns is counted by the last server, which is not killed.
    pub(crate) async fn rage(&self, runs: &Path) -> Result<Tally> {
        let mut server = Server::start(&mut (self.start)(runs))?;
        let (address, at) = watch::channel(server.address);
        let accepted = Arc::new(AtomicU64::new(0));
        let mut clients = JoinSet::new();
        for client in 0..self.clients {
            clients.spawn(asks(client, self.runs_each, at.clone(), Arc::clone(&accepted)));
        }
        let total = self.clients * self.runs_each;
        for kill in 1..=self.kills {
            // Spread over all of the work, each a little later than a round number of runs.
            let due = total * kill / (self.kills + 1);
            let reached = async {
                while accepted.load(Ordering::Relaxed) < due {
                    sleep(PAUSE).await;
                }
            };
            timeout(PATIENCE, reached).await?;
            sleep(Duration::from_micros(kill * 7919 % 13_000)).await;
            server.kill();
            server = Server::start(&mut (self.start)(runs))?;
            address.send_replace(server.address);
        }
        let mut known = HashMap::new();
        while let Some(asked) = timeout(PATIENCE, clients.join_next()).await? {
            known.extend(asked??);
        }
        let tally = Tally { accepted: known.len() as u64, ..Tally::default() };
        counted(server.address, known, runs, tally).await
    }
}

/// One client: each run under a key of its own, asked for until it is accepted.
async fn asks(
    client: u64,
    runs: u64,
    at: watch::Receiver<SocketAddr>,
    accepted: Arc<AtomicU64>,
) -> Result<HashMap<String, String>> {
    let body = wish("slow")?;
    let mut known = HashMap::new();
    for run in 0..runs {
        let key = format!("client-{client}-run-{run}");
        let id = loop {
            let address = *at.borrow();
            if let Some(id) = accept(address, &key, &body).await? {
                break id;
            }
            sleep(PAUSE).await;
        };
        known.insert(key, id);
        accepted.fetch_add(1, Ordering::Relaxed);
    }
    Ok(known)
}

/// The run under a key; nothing where the server is dead, dies, or has no room.
async fn accept(address: SocketAddr, key: &str, body: &str) -> Result<Option<String>> {
    let Ok(mut client) = Client::connect(address).await else { return Ok(None) };
    let headers = format!("idempotency-key: {key}\r\n");
    let Ok(answer) = client.ask("POST /v1/runs", &headers, body).await else { return Ok(None) };
    match answer.status {
        202 => Ok(answer.json()["id"].as_str().map(str::to_owned)),
        // No room, or the same key is just being accepted.
        429 | 409 => Ok(None),
        status => bail!("{status}: {}", String::from_utf8_lossy(&answer.body)),
    }
}

async fn counted(address: SocketAddr, known: HashMap<String, String>, runs: &Path, mut tally: Tally) -> Result<Tally> {
    let body = wish("slow")?;
    let mut client = Client::connect(address).await?;
    for (key, id) in &known {
        match ended(&mut client, id).await?.as_str() {
            "done" => tally.done += 1,
            "failed" => tally.failed += 1,
            "lost" => tally.lost += 1,
            other => bail!("{id} is {other}"),
        }
        if accept(address, key, &body).await?.as_ref() != Some(id) {
            tally.twice += 1;
        }
    }
    let is_run = |entry: &std::io::Result<std::fs::DirEntry>| entry.as_ref().is_ok_and(|entry| entry.path().is_dir());
    let folders = std::fs::read_dir(runs)?.filter(is_run).count() as u64;
    ensure!(folders >= tally.accepted, "{folders} folders of {} runs", tally.accepted);
    tally.twice += folders - tally.accepted;
    Ok(tally)
}

/// How a run ended.
async fn ended(client: &mut Client, id: &str) -> Result<String> {
    let looked = async {
        loop {
            let answer = client.ask(&format!("GET /v1/runs/{id}"), "", "").await?;
            let state = answer.json()["state"].as_str().unwrap_or_default().to_owned();
            match answer.status {
                404 => return Ok("lost".to_owned()),
                200 if !matches!(state.as_str(), "queued" | "running") => return Ok(state),
                200 => sleep(PAUSE).await,
                status => bail!("{status}: {}", String::from_utf8_lossy(&answer.body)),
            }
        }
    };
    timeout(PATIENCE, looked).await?
}
