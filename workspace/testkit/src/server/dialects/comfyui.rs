//! The routes of `ComfyUI`, as version 0.25 has them: files, a queue, a history, and a WebSocket that tells of both.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::TcpStream;

use editscale_core::ImageSize;
use serde_json::{Map, Value, json};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{Message, WebSocket};

use super::colour;
use crate::server::exchange::Answer;
use crate::server::png::png;
use crate::server::request::Asked;
use crate::server::{FakeServer, JobPlace, State};

/// What is special about this server.
#[derive(Debug, Clone, Default)]
pub struct ComfyRules {
    /// Where jobs stay; nowhere where they are done at once.
    pub holds: Option<JobPlace>,
    /// How jobs end, as the `status` in the history; well where nothing is said.
    pub ends: Option<Value>,
    /// Whether it has the newer route that cancels a job.
    pub cancels: bool,
    /// Whether it names jobs itself, as versions before 0.3.45.
    pub names_jobs: bool,
    /// What it tells of classes of nodes.
    pub classes: Map<String, Value>,
    /// `node_errors` beside the answer of success.
    pub node_errors: Value,
    /// Nodes that have no pictures in the history.
    pub silent: Vec<String>,
}

/// What it has.
#[derive(Default)]
pub(in crate::server) struct Comfy {
    rules: ComfyRules,
    inputs: BTreeMap<String, Vec<u8>>,
    outputs: BTreeMap<String, Vec<u8>>,
    queue: Vec<(JobPlace, Value)>,
    history: Map<String, Value>,
    sockets: BTreeMap<String, WebSocket<TcpStream>>,
}

impl FakeServer {
    /// Changes what is special about it as a `ComfyUI`.
    pub fn comfyui(&self, change: impl FnOnce(&mut ComfyRules)) {
        change(&mut self.state().comfy.rules);
    }

    /// Lets it forget its queue and its history, as when it starts again.
    pub fn comfyui_starts_again(&self) {
        let mut state = self.state();
        state.comfy.queue.clear();
        state.comfy.history.clear();
    }

    /// Lets it do everything that waits in its queue.
    pub fn comfyui_goes_on(&self) {
        let mut state = self.state();
        state.comfy.rules.holds = None;
        let waiting = std::mem::take(&mut state.comfy.queue);
        waiting.into_iter().for_each(|(_, job)| work(&mut state, &job));
    }
}

pub(super) fn answer(state: &mut State, asked: &Asked) -> Option<Answer> {
    let (line, query) = asked.line.split_once('?').unwrap_or((&asked.line, ""));
    let json = |value: &Value| Some(Answer::json(200, value));
    let nothing = || Some(Answer::of("application/octet-stream", Vec::new()));
    match line {
        "POST /v1/upload/image" => json(&upload(&mut state.comfy, asked)),
        "POST /v1/prompt" => Some(prompt(state, &asked.json())),
        "GET /v1/queue" => json(&queue(&state.comfy)),
        "POST /v1/queue" => {
            let gone = |id: &Value| asked.json()["delete"].as_array().is_some_and(|list| list.contains(id));
            state.comfy.queue.retain(|(place, job)| *place != JobPlace::Queued || !gone(&job[1]));
            nothing()
        }
        "POST /v1/interrupt" => {
            interrupt(state, &asked.json()["prompt_id"]);
            nothing()
        }
        "POST /v1/history" => {
            let list = asked.json()["delete"].as_array().cloned().unwrap_or_default();
            list.iter().filter_map(Value::as_str).for_each(|id| drop(state.comfy.history.remove(id)));
            nothing()
        }
        "GET /v1/view" => Some(view(&state.comfy, query)),
        _ => named(state, line),
    }
}

/// Routes that end in a name.
fn named(state: &mut State, line: &str) -> Option<Answer> {
    let comfy = &mut state.comfy;
    if let Some(id) = line.strip_prefix("GET /v1/history/") {
        let entry = comfy.history.get(id).map_or_else(|| json!({}), |entry| json!({id: entry}));
        return Some(Answer::json(200, &entry));
    }
    if let Some(class) = line.strip_prefix("GET /v1/object_info/") {
        let class = class.replace("%20", " ");
        let known = comfy.rules.classes.get(&class).map_or_else(|| json!({}), |known| json!({class: known}));
        return Some(Answer::json(200, &known));
    }
    let id = line.strip_prefix("POST /v1/api/jobs/")?.strip_suffix("/cancel")?;
    if !comfy.rules.cancels {
        return Some(Answer::new(405, b"405: Method Not Allowed".to_vec()));
    }
    let before = comfy.queue.len();
    comfy.queue.retain(|(place, job)| *place != JobPlace::Queued || job[1] != id);
    let cancelled = comfy.queue.len() < before || interrupt(state, &json!(id));
    Some(Answer::json(200, &json!({"cancelled": cancelled})))
}

/// Files of the same name and content are kept once; one of other content gets another name.
fn upload(comfy: &mut Comfy, asked: &Asked) -> Value {
    let bytes = asked.file("image").map(|file| file.bytes.clone()).unwrap_or_default();
    let file = asked.file("image").and_then(|field| field.file.clone()).unwrap_or_default().0;
    let folder = asked.text("subfolder").unwrap_or_default();
    let (stem, end) = file.rsplit_once('.').unwrap_or((&file, ""));
    let mut name = file.clone();
    let mut number = 1;
    while comfy.inputs.get(&format!("{folder}/{name}")).is_some_and(|known| *known != bytes) {
        name = format!("{stem} ({number}).{end}");
        number += 1;
    }
    comfy.inputs.insert(format!("{folder}/{name}"), bytes);
    json!({"name": name, "subfolder": folder, "type": "input"})
}

fn prompt(state: &mut State, body: &Value) -> Answer {
    let graph = &body["prompt"];
    let missing = graph.as_object().into_iter().flatten().find(|(_, node)| {
        let is_loader = node["class_type"].as_str().is_some_and(|class| class.starts_with("LoadImage"));
        is_loader && node["inputs"]["image"].as_str().is_none_or(|name| !state.comfy.inputs.contains_key(name))
    });
    if let Some((id, node)) = missing {
        let details = format!("image - Invalid image file: {}", node["inputs"]["image"].as_str().unwrap_or_default());
        let error = json!({"type": "custom_validation_failed", "message": "Custom validation failed for node",
            "details": details});
        let node = json!({"errors": [error], "dependent_outputs": ["9"], "class_type": node["class_type"]});
        let whole = json!({"type": "prompt_outputs_failed_validation", "message": "Prompt outputs failed validation",
            "details": details, "extra_info": {}});
        return Answer::json(400, &json!({"error": whole, "node_errors": {id: node}}));
    }
    let number = state.made.len();
    let own = format!("00000000-0000-4000-8000-{number:012}");
    let id = if state.comfy.rules.names_jobs { json!(own) } else { body["prompt_id"].clone() };
    let job = json!([number, id, graph, {"client_id": body["client_id"]}, body["partial_execution_targets"]]);
    let errors =
        if state.comfy.rules.node_errors.is_null() { json!({}) } else { state.comfy.rules.node_errors.clone() };
    match state.comfy.rules.holds {
        Some(place) => state.comfy.queue.push((place, job)),
        None => work(state, &job),
    }
    Answer::json(200, &json!({"prompt_id": id, "number": number, "node_errors": errors}))
}

fn queue(comfy: &Comfy) -> Value {
    let list = |of: JobPlace| -> Vec<&Value> {
        comfy.queue.iter().filter(|(place, _)| *place == of).map(|(_, job)| job).collect()
    };
    json!({"queue_running": list(JobPlace::Working), "queue_pending": list(JobPlace::Queued)})
}

/// Does a job, telling its client how far it is, and writes down how it ended.
fn work(state: &mut State, job: &Value) {
    let id = job[1].as_str().unwrap_or_default().to_owned();
    let client = job[3]["client_id"].as_str().unwrap_or_default().to_owned();
    state.made.push(id.clone());
    let file = png(ImageSize { width: 32, height: 16 }, colour(&job[2].to_string(), ""));
    let comfy = &mut state.comfy;
    let status = comfy.rules.ends.clone().unwrap_or_else(
        || json!({"status_str": "success", "completed": true, "messages": [["execution_success", {"prompt_id": id}]]}),
    );
    let mut outputs = Map::new();
    if status["status_str"] == "success" {
        let nodes = job[4].as_array().into_iter().flatten().filter_map(Value::as_str);
        for node in nodes.filter(|node| !comfy.rules.silent.iter().any(|silent| silent == node)) {
            let name = format!("edit_{:05}_.png", comfy.outputs.len());
            comfy.outputs.insert(format!("a folder/{name} output"), file.clone());
            let picture = json!({"filename": name, "subfolder": "a folder", "type": "output"});
            outputs.insert(node.to_owned(), json!({"images": [picture]}));
        }
    }
    tell(comfy, &client, &id, &file);
    comfy.history.insert(id.clone(), json!({"prompt": job, "outputs": outputs, "status": status}));
    send(comfy, &client, &json!({"type": "execution_success", "data": {"prompt_id": id}}));
}

fn tell(comfy: &mut Comfy, client: &str, id: &str, file: &[u8]) {
    send(comfy, client, &json!({"type": "status", "data": {"status": {"exec_info": {"queue_remaining": 1}}}}));
    send(comfy, client, &json!({"type": "progress", "data": {"prompt_id": "another", "value": 9, "max": 9}}));
    for step in 0..=3 {
        let loader = json!({"value": 1.0, "max": 1.0, "state": "finished"});
        let sampler = json!({"value": f64::from(step), "max": 3.0, "state": "running"});
        let nodes = json!({"4": loader, "3": sampler});
        send(comfy, client, &json!({"type": "progress_state", "data": {"prompt_id": id, "nodes": nodes}}));
        let older = json!({"value": step, "max": 3, "prompt_id": id, "node": "3"});
        send(comfy, client, &json!({"type": "progress", "data": older}));
    }
    let preview = |kind: u32, file: &[u8]| [&kind.to_be_bytes()[..], &2_u32.to_be_bytes(), file].concat();
    for message in [preview(1, file), preview(1, b"broken"), preview(3, file), b"short".to_vec()] {
        if let Some(socket) = comfy.sockets.get_mut(client) {
            socket.send(Message::Binary(message.into())).ok();
        }
    }
}

fn send(comfy: &mut Comfy, client: &str, message: &Value) {
    if let Some(socket) = comfy.sockets.get_mut(client) {
        socket.send(Message::Text(message.to_string().into())).ok();
    }
}

/// The job of this name where it is at work, or whatever is at work where there is no name.
fn interrupt(state: &mut State, id: &Value) -> bool {
    let is_it = |(place, job): &(JobPlace, Value)| *place == JobPlace::Working && (id.is_null() || job[1] == *id);
    let Some(at) = state.comfy.queue.iter().position(is_it) else { return false };
    let (_, job) = state.comfy.queue.remove(at);
    let id = job[1].as_str().unwrap_or_default().to_owned();
    let status = json!({"status_str": "error", "completed": false,
        "messages": [["execution_interrupted", {"prompt_id": id, "node_id": "3"}]]});
    state.comfy.history.insert(id, json!({"prompt": job, "outputs": {}, "status": status}));
    true
}

fn view(comfy: &Comfy, query: &str) -> Answer {
    let fields: BTreeMap<&str, String> = query
        .split('&')
        .filter_map(|field| field.split_once('='))
        .map(|(name, value)| (name, value.replace(['+'], " ").replace("%20", " ")))
        .collect();
    let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
    let name = format!("{}/{} {}", field("subfolder"), field("filename"), field("type"));
    match comfy.outputs.get(&name) {
        Some(file) => Answer::of("image/png", file.clone()),
        None => Answer { status: 404, ..Answer::of("application/octet-stream", Vec::new()) },
    }
}

/// Takes a connection over as a WebSocket; gives it back where the request is for something else.
pub(in crate::server) fn socket(server: &FakeServer, stream: TcpStream, asked: &Asked) -> Option<TcpStream> {
    let client = asked.line.strip_prefix("GET /v1/ws?clientId=").map(str::to_owned);
    let (Some(client), Some(key)) = (client, asked.header("sec-websocket-key")) else { return Some(stream) };
    let accept = derive_accept_key(key.as_bytes());
    let Ok(mut handshake) = stream.try_clone() else { return None };
    let socket = WebSocket::from_raw_socket(stream, Role::Server, None);
    let mut state = server.state();
    state.comfy.sockets.insert(client, socket);
    state.under_way -= 1;
    drop(state);
    server.shared.1.notify_all();
    let head = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket";
    write!(handshake, "{head}\r\nSec-WebSocket-Accept: {accept}\r\n\r\n").ok()?;
    None
}
