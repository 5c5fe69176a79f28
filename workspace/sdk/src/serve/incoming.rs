//! What comes from the host.

use std::io::{self, Read};

use serde::Deserialize;
use thiserror::Error;

use crate::protocol::{FrameError, Frames, FromHost, LONGEST_FRAME, decode, name_in};

/// Why nothing more can be heard from the host.
#[derive(Debug, Error)]
pub(super) enum HearError {
    #[error("cannot read from the host: {0}")]
    Read(#[from] io::Error),
    #[error("what came from the host is not right: {0}")]
    Frame(#[from] FrameError),
}

/// What was heard.
#[derive(Debug)]
pub(super) enum Heard {
    Message(FromHost),
    /// A message of a later version, to be left aside.
    Unknown(String),
    /// A call that this version does not understand, to be answered all the same.
    StrangeCall(u64, FrameError),
}

/// The messages of a stream.
pub(super) struct Incoming<R> {
    stream: R,
    frames: Frames,
    buffer: Vec<u8>,
}

impl<R: Read> Incoming<R> {
    pub(super) fn new(stream: R) -> Self {
        Self { stream, frames: Frames::new(LONGEST_FRAME), buffer: vec![0; 64 << 10] }
    }

    /// The next message; none at the end of the stream.
    pub(super) fn next(&mut self) -> Result<Option<Heard>, HearError> {
        loop {
            if let Some(body) = self.frames.next_body()? {
                return Ok(Some(understand(&body)?));
            }
            match self.stream.read(&mut self.buffer) {
                Ok(0) => return Ok(self.frames.end().map(|()| None)?),
                Ok(length) => self.frames.push(self.buffer.get(..length).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn understand(body: &[u8]) -> Result<Heard, FrameError> {
    let error = match decode(body) {
        Ok(message) => return Ok(Heard::Message(message)),
        Err(error) => error,
    };
    if let Ok(StrangeCall { call }) = decode(body) {
        return Ok(Heard::StrangeCall(call.id, error));
    }
    match name_in(body) {
        Some(name) if !FromHost::NAMES.contains(&name.as_str()) => Ok(Heard::Unknown(name)),
        _ => Err(error),
    }
}

#[derive(Deserialize)]
struct StrangeCall {
    call: Numbered,
}

#[derive(Deserialize)]
struct Numbered {
    id: u64,
}
