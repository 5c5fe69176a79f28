//! One edit as a job of the server: its files, its graph, how it stands, and how it is stopped.

use std::sync::{Arc, Mutex};

use editscale_core::BoxFuture;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::progress::{Listener, listen};
use super::verdict::{failure, refused_outputs};
use crate::fleet::jobs::{Jobs, Line, Standing, Stopped, is_name};
use crate::fleet::server::lock;
use crate::http::client::Reply;
use crate::http::multipart::{Multipart, Payload};
use crate::picture::PictureLimits;
use crate::trouble::error::RemoteError;

/// The folder among the server's inputs that pictures are put into.
const FOLDER: &str = "editscale";

/// A file that has to be on the server.
#[derive(Debug, Clone)]
pub(crate) struct Upload {
    /// Its name, which follows from what is in it.
    pub(crate) name: String,
    pub(crate) mime: &'static str,
    pub(crate) bytes: Arc<[u8]>,
}

/// Writes the names that the server gave the files into the graph.
pub(crate) type Fill = Box<dyn Fn(&[String]) -> Value + Send + Sync>;

/// One edit.
pub(crate) struct ComfyJob {
    /// The name that we choose for it.
    pub(crate) id: String,
    pub(crate) uploads: Vec<Upload>,
    pub(crate) fill: Fill,
    pub(crate) outputs: Vec<String>,
    pub(crate) limits: PictureLimits,
    pub(crate) listens: bool,
    pub(crate) ended: Arc<Notify>,
    pub(crate) listener: Mutex<Option<Listener>>,
}

impl ComfyJob {
    /// Sends a file. The server keeps one of the same name and content once, and calls one of other content differently.
    async fn upload(&self, upload: &Upload, line: &Line) -> Result<String, RemoteError> {
        let mut form = Multipart::default();
        form.text("type", "input");
        form.text("subfolder", FOLDER);
        form.file("image", upload.name.clone(), upload.mime, &*upload.bytes);
        let reply = line.ask(Method::POST, "upload/image", Some(form.finish())).await?;
        let answer = line.json(&reply)?;
        let Some(name) = answer["name"].as_str().filter(|name| !name.is_empty()) else {
            return Err(line.malformed("expected the name of the file that was sent, found none"));
        };
        let name = match answer["subfolder"].as_str().unwrap_or_default() {
            "" => name.to_owned(),
            folder => format!("{folder}/{name}"),
        };
        Ok(match answer["type"].as_str() {
            None | Some("input") => name,
            Some(kind) => format!("{name} [{kind}]"),
        })
    }

    async fn body(&self, line: &Line) -> Result<Option<Payload>, RemoteError> {
        if self.listens {
            let listener = listen(line, &self.id, self.limits, Arc::clone(&self.ended)).await;
            *lock(&self.listener) = listener;
        }
        let mut names = Vec::new();
        for upload in &self.uploads {
            names.push(self.upload(upload, line).await?);
        }
        // What the history says of an earlier attempt would be taken for the end of this one.
        let forget = Payload::json(&json!({"delete": [self.id]}));
        line.ask(Method::POST, "history", Some(forget)).await?;
        let body = json!({
            "prompt": (self.fill)(&names),
            "prompt_id": self.id,
            "client_id": self.id,
            "partial_execution_targets": self.outputs,
        });
        Ok(Some(Payload::json(&body)))
    }

    async fn stands(&self, id: &str, line: &Line) -> Result<Standing, RemoteError> {
        if let Some(standing) = self.history(id, line).await? {
            return Ok(standing);
        }
        if Queue::of(line).await?.place(id).is_some() {
            return Ok(Standing::Waiting);
        }
        // It may have ended between the two answers.
        Ok(self.history(id, line).await?.unwrap_or(Standing::Unknown))
    }

    async fn history(&self, id: &str, line: &Line) -> Result<Option<Standing>, RemoteError> {
        let reply = line.ask(Method::GET, &format!("history/{id}"), None).await?;
        let mut answer = line.json(&reply)?;
        if !answer.is_object() {
            return Err(line.malformed("expected what the history has of the edit, found something else"));
        }
        let entry = answer[id].take();
        if !entry.is_object() {
            return Ok(None);
        }
        Ok(Some(failure(&entry, line).map_or(Standing::Done(entry), Standing::Failed)))
    }

    /// Servers before 0.33 have no route for this: they are asked to strike the job from the queue, or to interrupt it where
    /// it is the one at work. Interrupting without a name would stop whatever is at work, so that is never asked for.
    async fn stop(&self, id: &str, line: &Line) -> Result<Stopped, RemoteError> {
        let is_old = match line.ask(Method::POST, &format!("api/jobs/{id}/cancel"), None).await {
            Ok(_) => false,
            Err(error) if matches!(error.status, Some(404 | 405 | 501)) => true,
            Err(error) => return Err(error),
        };
        if is_old {
            line.ask(Method::POST, "queue", Some(Payload::json(&json!({"delete": [id]})))).await?;
        }
        let place = Queue::of(line).await?.place(id);
        if is_old && place == Some(InQueue::AtWork) {
            line.ask(Method::POST, "interrupt", Some(Payload::json(&json!({"prompt_id": id})))).await?;
        }
        // One that ran is at work still, or in the history.
        let has_run = place.is_some() || self.history(id, line).await?.is_some();
        Ok(if has_run { Stopped::AtWork } else { Stopped::BeforeWork })
    }
}

impl Jobs for ComfyJob {
    fn admitted(&self, reply: &Reply, line: &Line) -> Result<String, RemoteError> {
        let answer = line.json(reply)?;
        if let Some(error) = refused_outputs(&answer, &self.outputs, line) {
            return Err(error);
        }
        // Servers before 0.3.45 choose a name of their own.
        let id = answer["prompt_id"].as_str().filter(|id| is_name(id));
        id.map(str::to_owned).ok_or_else(|| line.malformed("expected a `prompt_id`, found none"))
    }

    fn look<'a>(&'a self, id: &'a str, line: &'a Line) -> BoxFuture<'a, Result<Standing, RemoteError>> {
        Box::pin(self.stands(id, line))
    }

    fn prepare<'a>(&'a self, line: &'a Line) -> BoxFuture<'a, Result<Option<Payload>, RemoteError>> {
        Box::pin(self.body(line))
    }

    fn woken(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.ended.notified())
    }

    fn cancels(&self) -> bool {
        true
    }

    fn cancel<'a>(&'a self, id: &'a str, line: &'a Line) -> BoxFuture<'a, Result<Stopped, RemoteError>> {
        Box::pin(self.stop(id, line))
    }
}

/// Where a job is in the server's queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum InQueue {
    Waiting,
    AtWork,
}

/// The queue: lists whose items are a number, the job's name, its graph, and more.
struct Queue(Value);

impl Queue {
    async fn of(line: &Line) -> Result<Self, RemoteError> {
        let reply = line.ask(Method::GET, "queue", None).await?;
        let queue = line.json(&reply)?;
        if queue["queue_running"].is_array() && queue["queue_pending"].is_array() {
            return Ok(Self(queue));
        }
        Err(line.malformed("expected the queue, found something else"))
    }

    fn place(&self, id: &str) -> Option<InQueue> {
        let has = |list: &str| self.0[list].as_array().is_some_and(|items| items.iter().any(|item| item[1] == id));
        if has("queue_running") {
            return Some(InQueue::AtWork);
        }
        has("queue_pending").then_some(InQueue::Waiting)
    }
}
