//! How far an edit is, as the server tells over a WebSocket. All of it is a hint: what became of an edit is in the history.

use std::sync::Arc;

use futures_util::StreamExt;
use serde_json::Value;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;

use crate::fleet::jobs::{Line, Teller};
use crate::http::socket::{Socket, open};
use crate::picture::PictureLimits;
use crate::picture::received::received;

/// The longest message that is read: previews are small, errors carry what nodes were given.
const MOST_BYTES: usize = 8 << 20;
/// A binary message that holds a preview.
const PREVIEW: u32 = 1;

/// Listens until it is dropped.
#[derive(Debug)]
pub(crate) struct Listener {
    task: JoinHandle<()>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Listens to what the server tells a client of this name about the job of the same name; `ended` hears that it ended. A
/// server that has no such thing, or a proxy that lets none through, is no failure.
pub(crate) async fn listen(line: &Line, id: &str, limits: PictureLimits, ended: Arc<Notify>) -> Option<Listener> {
    let mut url = line.endpoint().at("ws");
    url.query_pairs_mut().append_pair("clientId", id);
    let socket = open(line.http(), line.endpoint(), url, MOST_BYTES).await.ok()?;
    let heard = Heard { id: id.to_owned(), teller: line.teller(), limits, ended, last: None };
    Some(Listener { task: tokio::spawn(heard.all(socket)) })
}

struct Heard {
    id: String,
    teller: Teller,
    limits: PictureLimits,
    ended: Arc<Notify>,
    /// What was told last: the server says the same thing in two ways.
    last: Option<(u32, u32)>,
}

impl Heard {
    async fn all(mut self, mut socket: Socket) {
        while let Some(Ok(message)) = socket.next().await {
            match message {
                Message::Text(text) => {
                    if let Ok(message) = serde_json::from_str::<Value>(&text) {
                        self.text(&message);
                    }
                }
                Message::Binary(bytes) => self.preview(&bytes),
                _ => {}
            }
        }
    }

    fn text(&mut self, message: &Value) {
        let data = &message["data"];
        if data["prompt_id"] != self.id.as_str() {
            return;
        }
        match message["type"].as_str() {
            Some("progress") => self.step(data),
            Some("progress_state") => {
                let nodes = data["nodes"].as_object().into_iter().flatten();
                nodes.filter(|(_, node)| node["state"] == "running").for_each(|(_, node)| self.step(node));
            }
            Some("executing") if data["node"].is_null() => self.ended.notify_one(),
            Some("execution_success" | "execution_error" | "execution_interrupted") => self.ended.notify_one(),
            _ => {}
        }
    }

    /// A node without steps is at 1 of 1.
    fn step(&mut self, node: &Value) {
        let number =
            |name: &str| node[name].as_f64().filter(|number| (0.0..=1e9).contains(number)).map(|number| number as u32);
        let (Some(step), Some(steps)) = (number("value"), number("max")) else { return };
        if steps > 1 && step > 0 && self.last != Some((step, steps)) {
            self.last = Some((step, steps));
            self.teller.step(step.min(steps), steps);
        }
    }

    /// A picture of what there is so far, behind its kind and its format. One that is broken is not shown: the whole one is
    /// still to come.
    fn preview(&self, bytes: &[u8]) {
        let Some((head, file)) = bytes.split_at_checked(8) else { return };
        let is_preview = head.first_chunk().is_some_and(|kind| u32::from_be_bytes(*kind) == PREVIEW);
        if let (true, Ok(image)) = (is_preview, received(file.into(), &self.limits)) {
            self.teller.preview(image);
        }
    }
}
