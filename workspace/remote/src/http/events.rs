//! Server-sent events, as they come in.

use tokio::sync::mpsc::UnboundedSender;

/// Takes a stream of bytes apart into events and hands on the data of each.
///
/// Only `data` is kept, because the dialects write everything into it. The last event counts only with the empty line that
/// ends it, as the standard (WHATWG HTML, 9.2) has it.
#[derive(Debug, Default)]
pub(crate) struct Events {
    line: Vec<u8>,
    data: Vec<String>,
    /// How many events there were.
    count: usize,
}

/// The most events of one stream, and lines of one event: far more than any model writes, and little memory.
const MOST: usize = 1 << 18;

impl Events {
    /// The data of the events that these bytes complete.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut complete = Vec::new();
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                complete.extend(self.end_line());
            }
        }
        complete
    }

    fn end_line(&mut self) -> Option<String> {
        let line = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end_matches(['\r', '\n']);
        if line.is_empty() {
            let data = std::mem::take(&mut self.data);
            if data.is_empty() || self.count >= MOST {
                return None;
            }
            self.count += 1;
            return Some(data.join("\n"));
        }
        if let Some(value) = line.strip_prefix("data:").filter(|_| self.data.len() < MOST) {
            self.data.push(value.strip_prefix(' ').unwrap_or(value).to_owned());
        }
        None
    }

    /// The data of all events of a whole stream.
    pub(crate) fn all(bytes: &[u8]) -> Vec<String> {
        Self::default().push(bytes)
    }
}

/// Hands events on while an answer is still coming in.
#[derive(Debug)]
pub(crate) struct Listener {
    events: Events,
    to: UnboundedSender<String>,
}

impl Listener {
    pub(crate) fn new(to: UnboundedSender<String>) -> Self {
        Self { events: Events::default(), to }
    }

    pub(crate) fn hear(&mut self, bytes: &[u8]) {
        for event in self.events.push(bytes) {
            // Nobody listens any more; the answer is read to its end all the same.
            self.to.send(event).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_found_however_the_bytes_are_cut() {
        let stream =
            "event: a\r\ndata: one\r\n\r\n: ping\n\ndata:two\ndata:  lines\nid: 7\n\ndata: é\n\ndata: cut off\n";
        let expected = ["one", "two\n lines", "é"];
        assert_eq!(Events::all(stream.as_bytes()), expected);
        for size in 1..9 {
            let mut events = Events::default();
            let found: Vec<String> = stream.as_bytes().chunks(size).flat_map(|chunk| events.push(chunk)).collect();
            assert_eq!(found, expected, "in pieces of {size}");
        }
    }
}
