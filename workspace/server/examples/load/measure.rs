//! What is measured, and how it is told.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use futures_util::future::try_join_all;
use tokio::sync::Mutex;

use crate::ask::{Line, Target};

/// How many scorers share a source, and the most of one call.
const CROWD: usize = 16;

/// Calls that are not counted: connections open, and models warm up.
const FIRST: usize = 3;

pub(crate) struct Plan {
    pub(crate) target: Target,
    pub(crate) source: Vec<u8>,
    pub(crate) candidates: Vec<Vec<u8>>,
    pub(crate) items: usize,
    pub(crate) clients: usize,
    pub(crate) time: Duration,
}

/// What came of many requests.
#[derive(Default)]
pub(crate) struct Outcome {
    took: Vec<Duration>,
    by_status: BTreeMap<u16, usize>,
    elapsed: Duration,
    items: usize,
}

impl Outcome {
    fn note(&mut self, took: Duration, status: u16) {
        self.took.push(took);
        *self.by_status.entry(status).or_default() += 1;
    }

    fn join(mut self, other: Self) -> Self {
        self.took.extend(other.took);
        for (status, count) in other.by_status {
            *self.by_status.entry(status).or_default() += count;
        }
        self
    }

    fn at(&self, part: f64) -> f64 {
        let place = ((self.took.len() as f64 * part) as usize).min(self.took.len().saturating_sub(1));
        self.took.get(place).map_or(0.0, |took| took.as_secs_f64() * 1e3)
    }

    fn per_second(&self) -> f64 {
        self.took.len() as f64 / self.elapsed.as_secs_f64()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let statuses: Vec<String> = self.by_status.iter().map(|(status, count)| format!("{status}: {count}")).collect();
        write!(
            f,
            "{:.0} requests/s ({:.0} items/s) in {:.1} s; ms: p50 {:.2}, p90 {:.2}, p99 {:.2}, p99.9 {:.2}, most {:.2}; {}",
            self.per_second(),
            self.per_second() * self.items as f64,
            self.elapsed.as_secs_f64(),
            self.at(0.5),
            self.at(0.9),
            self.at(0.99),
            self.at(0.999),
            self.at(1.0),
            statuses.join(", ")
        )
    }
}

impl Plan {
    fn candidate(&self, number: usize) -> &[u8] {
        self.candidates.get(number % self.candidates.len()).map_or(&[], Vec::as_slice)
    }

    /// A request about so many candidates from this one on.
    fn question(&self, first: usize, items: usize) -> Result<Vec<u8>> {
        let candidates: Vec<&[u8]> = (first..first + items).map(|number| self.candidate(number)).collect();
        self.target.question(&self.source, &candidates)
    }

    fn gathered(&self, outcomes: Vec<Outcome>, elapsed: Duration) -> Outcome {
        let all = outcomes.into_iter().fold(Outcome::default(), Outcome::join);
        let mut all = Outcome { elapsed, items: self.items, ..all };
        all.took.sort_unstable();
        all
    }

    /// Clients that ask again as soon as they are answered.
    pub(crate) async fn most(&self) -> Result<Outcome> {
        let began = Instant::now();
        let clients = (0..self.clients).map(async |client| {
            let (question, mut line) = (self.question(client, self.items)?, self.target.connect().await?);
            let end = began + self.time;
            let asking = tokio::spawn(async move {
                let mut outcome = Outcome::default();
                while Instant::now() < end {
                    let began = Instant::now();
                    let status = line.ask(&question).await?;
                    outcome.note(began.elapsed(), status);
                }
                anyhow::Ok(outcome)
            });
            asking.await?
        });
        let outcomes = try_join_all(clients).await?;
        Ok(self.gathered(outcomes, began.elapsed()))
    }

    /// So many requests a second, each over a connection that is free.
    pub(crate) async fn steady(&self, rate: u64) -> Result<Outcome> {
        let question: Arc<[u8]> = self.question(0, self.items)?.into();
        let lines = try_join_all((0..self.clients).map(|_| self.target.connect())).await?;
        let free: Arc<Mutex<Vec<Line>>> = Arc::new(Mutex::new(lines));
        let (began, pause) = (Instant::now(), Duration::from_secs(1) / u32::try_from(rate)?);
        let mut asked = Vec::new();
        for number in 0..(self.time.as_secs_f64() * rate as f64) as u32 {
            let due = began + pause * number;
            tokio::time::sleep_until(due.into()).await;
            let (free, question, target) = (Arc::clone(&free), Arc::clone(&question), self.target.clone());
            asked.push(tokio::spawn(async move {
                let kept = free.lock().await.pop();
                let mut line = match kept {
                    Some(line) => line,
                    None => target.connect().await?,
                };
                let status = line.ask(&question).await?;
                let mut outcome = Outcome::default();
                outcome.note(due.elapsed(), status);
                free.lock().await.push(line);
                anyhow::Ok(outcome)
            }));
        }
        let mut outcomes = Vec::with_capacity(asked.len());
        for asked in asked {
            outcomes.push(asked.await??);
        }
        Ok(self.gathered(outcomes, began.elapsed()))
    }

    /// Scorers of one candidate each, against one that asks about all of them; in turn, so that both see the same machine.
    pub(crate) async fn share(&self) -> Result<Shared> {
        let whole = self.question(0, CROWD)?;
        let single = (0..CROWD).map(|number| self.question(number, 1)).collect::<Result<Vec<_>>>()?;
        let mut lines = try_join_all((0..CROWD).map(|_| self.target.connect())).await?;
        let (mut together, mut apart) = (Outcome::default(), Outcome::default());
        let part = self.time / 6;
        let began = Instant::now();
        while began.elapsed() < self.time {
            let line = lines.first_mut().ok_or_else(|| anyhow::anyhow!("no connection"))?;
            together = together.join(repeat(line, &whole, part).await?);
            let crowd = lines.iter_mut().zip(&single).map(|(line, question)| repeat(line, question, part));
            for outcome in try_join_all(crowd).await? {
                apart = apart.join(outcome);
            }
        }
        let per_second = |outcome: &Outcome, items: usize| {
            let calls: f64 = outcome.took.iter().map(Duration::as_secs_f64).sum();
            outcome.took.len() as f64 * items as f64 / calls
        };
        let scores = (per_second(&together, CROWD), per_second(&apart, 1) * CROWD as f64);
        Ok(Shared { together: scores.0, apart: scores.1, statuses: together.join(apart).by_status })
    }
}

/// Asks the same again and again over one connection.
async fn repeat(line: &mut Line, question: &[u8], time: Duration) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    for _ in 0..FIRST {
        line.ask(question).await?;
    }
    let began = Instant::now();
    while began.elapsed() < time {
        let began = Instant::now();
        let status = line.ask(question).await?;
        outcome.note(began.elapsed(), status);
    }
    Ok(outcome)
}

/// Scores a second of 16 scorers together and apart.
pub(crate) struct Shared {
    together: f64,
    apart: f64,
    statuses: BTreeMap<u16, usize>,
}

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { together, apart, statuses } = self;
        write!(
            f,
            "one caller with {CROWD}: {together:.1} scores/s; {CROWD} callers with one: {apart:.1} scores/s; ratio {:.3}; {statuses:?}",
            apart / together
        )
    }
}
