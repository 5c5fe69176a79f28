//! How far a run is, for clients that asked to be told.

use std::collections::HashMap;
use std::sync::Arc;

use rmcp::model::{ProgressNotificationParam, ProgressToken};
use rmcp::service::{Peer, RoleServer};
use serde_json::Value;

use crate::runs::{Live, Told};

/// Smaller headway than this, in candidates, is not worth a message.
const LEAST: f64 = 0.1;

/// Where a client wants to be told.
#[derive(Debug, Clone)]
pub(crate) struct Progress {
    token: ProgressToken,
    peer: Peer<RoleServer>,
}

impl Progress {
    pub(crate) fn new(token: ProgressToken, peer: Peer<RoleServer>) -> Self {
        Self { token, peer }
    }

    /// Tells of a run until it ends.
    pub(crate) async fn follow(&self, live: Arc<Live>) {
        let (mut headway, mut next) = (Headway::default(), 0);
        while let Some(told) = live.events().after(next).await {
            next = told.last().map_or(next, |last| last.number + 1);
            told.iter().for_each(|told| headway.note(told));
            if let Some(news) = headway.news() {
                self.tell(news).await;
            }
        }
    }

    async fn tell(&self, news: News) {
        let param = ProgressNotificationParam::new(self.token.clone(), news.progress)
            .with_total(f64::from(news.asked))
            .with_message(news.message);
        // A client that hung up hears nothing.
        self.peer.notify_progress(param).await.ok();
    }
}

/// What a client is told. It has no words of others.
#[derive(Debug, Clone, PartialEq)]
struct News {
    progress: f64,
    asked: u32,
    message: String,
}

/// How far a run is, by its events.
#[derive(Debug, Default)]
struct Headway {
    asked: u32,
    tried: u32,
    best: Option<f64>,
    /// How far candidates under way are, from 0 to 1.
    steps: HashMap<u64, f64>,
    /// What was told last.
    told: Option<f64>,
}

impl Headway {
    fn note(&mut self, told: &Told) {
        let data = &*told.data;
        let candidate = data.get("candidate").and_then(Value::as_u64);
        match told.name {
            "proposed" => self.asked += data.get("candidates").and_then(Value::as_array).map_or(0, Vec::len) as u32,
            "step" => self.step(candidate, data),
            "scored" if data.get("again").is_none() => self.end(candidate),
            "failed" => self.end(candidate),
            "best" => self.best = data.get("utility").and_then(Value::as_f64),
            _ => {}
        }
    }

    fn step(&mut self, candidate: Option<u64>, data: &Value) {
        let number = |name| data.get(name).and_then(Value::as_f64);
        if let (Some(candidate), Some(step), Some(steps)) = (candidate, number("step"), number("steps")) {
            self.steps.insert(candidate, (step / steps.max(1.0)).clamp(0.0, 1.0));
        }
    }

    fn end(&mut self, candidate: Option<u64>) {
        // A candidate of which only the judging failed is told of twice.
        self.tried = (self.tried + 1).min(self.asked);
        candidate.map(|candidate| self.steps.remove(&candidate));
    }

    /// What is worth telling. It only ever grows.
    fn news(&mut self) -> Option<News> {
        let progress = f64::from(self.tried) + self.steps.values().sum::<f64>();
        let progress = progress.min(f64::from(self.asked));
        if self.told.is_some_and(|told| progress < told + LEAST) {
            return None;
        }
        self.told = Some(progress);
        let best = self.best.map_or(String::new(), |best| format!(", best utility {best:.4}"));
        let message = format!("{} of {} candidates tried{best}", self.tried, self.asked);
        Some(News { progress, asked: self.asked, message })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn told(name: &'static str, data: Value) -> Told {
        Told { number: 0, name, data: Arc::new(data) }
    }

    #[test]
    fn candidates_and_steps_are_counted() {
        let mut headway = Headway::default();
        headway.note(&told("proposed", json!({"candidates": [{}, {}]})));
        headway.note(&told("step", json!({"candidate": 0, "step": 5, "steps": 10})));
        assert_eq!(headway.news().unwrap().progress, 0.5);
        headway.note(&told("step", json!({"candidate": 0, "step": 5, "steps": 10})));
        assert_eq!(headway.news(), None);
        headway.note(&told("scored", json!({"candidate": 0, "failure": {"message": "call me"}})));
        headway.note(&told("best", json!({"candidate": 0, "utility": 0.25})));
        let news = headway.news().unwrap();
        assert_eq!((news.progress, news.asked), (1.0, 2));
        assert_eq!(news.message, "1 of 2 candidates tried, best utility 0.2500");
    }

    proptest! {
        #[test]
        fn it_only_grows_and_stays_within(events in proptest::collection::vec((0_u8..4, 0_u64..6, 0_u32..12), 0..60)) {
            let (mut headway, mut last) = (Headway::default(), -1.0);
            for (kind, candidate, step) in events {
                headway.note(&match kind {
                    0 => told("proposed", json!({"candidates": [{}, {}]})),
                    1 => told("step", json!({"candidate": candidate, "step": step, "steps": 10})),
                    2 => told("scored", json!({"candidate": candidate})),
                    _ => told("failed", json!({"candidate": candidate})),
                });
                if let Some(news) = headway.news() {
                    prop_assert!(news.progress > last && news.progress <= f64::from(news.asked));
                    last = news.progress;
                }
            }
        }
    }
}
