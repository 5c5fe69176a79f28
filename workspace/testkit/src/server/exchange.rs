//! One connection: a request, an answer, and what goes wrong between them.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::PoisonError;

use serde_json::Value;

use super::request::{Asked, read};
use super::{FakeServer, ServerFault, dialects};

/// Headers and a body under a status.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// JSON under a status.
    pub(super) fn json(status: u16, value: &Value) -> Self {
        Self::new(status, value.to_string().into_bytes())
    }

    /// Text of JSON under a status.
    pub(super) fn new(status: u16, body: Vec<u8>) -> Self {
        Self { status, ..Self::of("application/json", body) }
    }

    /// A success of another media type.
    pub(super) fn of(media: &str, body: Vec<u8>) -> Self {
        Self { status: 200, headers: vec![("Content-Type", media.to_owned())], body }
    }
}

pub(super) fn serve(server: &FakeServer, mut stream: TcpStream) {
    let Some(asked) = read(&stream) else { return };
    let deaths = server.state().deaths;
    let fault = begin(server, &asked);
    if fault.is_none() {
        let Some(kept) = dialects::comfyui::socket(server, stream, &asked) else { return };
        stream = kept;
    }
    match &fault {
        Some(ServerFault::Hold) => hold(server),
        Some(ServerFault::Hang) => wait_for_the_end(server, &mut stream),
        Some(ServerFault::Die) => {
            server.die();
            server.state().under_way -= 1;
            return;
        }
        _ => {}
    }
    let answer = answer(server, &asked, fault.as_ref());
    // The work is over before the client can know.
    server.state().under_way -= 1;
    server.shared.1.notify_all();
    if server.state().deaths > deaths {
        return;
    }
    // A client that is gone has seen enough.
    send(server, &mut stream, fault.as_ref(), &answer).ok();
}

/// Writes the request down and decides what goes wrong with it. Files go wrong by what is put there.
fn begin(server: &FakeServer, asked: &Asked) -> Option<ServerFault> {
    let mut state = server.state();
    let counts = |known: &&Asked| state.scripts_all || known.line.starts_with("POST");
    let number = state.asked.iter().filter(counts).count() as u64;
    state.asked.push(asked.clone());
    state.under_way += 1;
    state.most_under_way = state.most_under_way.max(state.under_way);
    server.shared.1.notify_all();
    let at = state.routed.iter().position(|(route, _)| asked.line.starts_with(route.as_str()));
    if let Some(at) = at {
        return state.routed.remove(at).map(|(_, fault)| fault);
    }
    if !asked.line.starts_with("POST") && !state.scripts_all {
        return None;
    }
    let queued = state.faults.pop_front();
    queued.or_else(|| state.script.as_ref().and_then(|script| script(number)))
}

fn hold(server: &FakeServer) {
    let state = server.state();
    let waited = server.shared.1.wait_while(state, |state| !state.is_open);
    drop(waited.unwrap_or_else(PoisonError::into_inner));
}

fn wait_for_the_end(server: &FakeServer, stream: &mut TcpStream) {
    let mut rest = [0];
    while matches!(stream.read(&mut rest), Ok(read) if read > 0) {}
    server.state().hung_up += 1;
    server.shared.1.notify_all();
}

fn answer(server: &FakeServer, asked: &Asked, fault: Option<&ServerFault>) -> Answer {
    let mut state = server.state();
    if let Some(ServerFault::Answer(status, headers, body)) = fault {
        return Answer { status: *status, headers: headers.clone(), body: body.clone().into_bytes() };
    }
    if let Some(ServerFault::Bytes(media, body)) = fault {
        return Answer::of(media, body.clone());
    }
    if let Some(ServerFault::Huge(bytes)) = fault {
        return Answer::new(200, vec![b' '; *bytes]);
    }
    let file = asked.line.strip_prefix("GET /files/").and_then(|name| state.files.get(name));
    if let Some((status, headers, body)) = file {
        return Answer { status: *status, headers: headers.clone(), body: body.clone() };
    }
    if let Some((status, body)) = state.replies.as_ref().and_then(|replies| replies(asked)) {
        return Answer::new(status, body);
    }
    let found = dialects::answer(&mut state, asked, fault);
    found.unwrap_or_else(|| Answer::new(404, br#"{"detail":"Not Found"}"#.to_vec()))
}

fn send(
    server: &FakeServer,
    stream: &mut TcpStream,
    fault: Option<&ServerFault>,
    answer: &Answer,
) -> std::io::Result<()> {
    if matches!(fault, Some(ServerFault::Lost | ServerFault::Hang)) {
        return Ok(());
    }
    let mut head = format!("HTTP/1.1 {} Said\r\n", answer.status);
    for (name, value) in &answer.headers {
        // Writing to a text cannot fail.
        _ = write!(head, "{name}: {value}\r\n");
    }
    write!(stream, "{head}Content-Length: {}\r\nConnection: close\r\n\r\n", answer.body.len())?;
    let most = match fault {
        Some(ServerFault::Cut(most) | ServerFault::Silent(most)) => (*most).min(answer.body.len()),
        _ => answer.body.len(),
    };
    stream.write_all(&answer.body[..most])?;
    stream.flush()?;
    if matches!(fault, Some(ServerFault::Silent(_))) {
        wait_for_the_end(server, stream);
    }
    Ok(())
}
