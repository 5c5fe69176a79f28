//! Frames: a length of four bytes, least significant first, and that many bytes of `MessagePack`.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Write};

use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The longest frame that is sent or taken unless the two sides agree on less: 128 MiB. Larger pictures go through files.
pub const LONGEST_FRAME: u32 = 128 << 20;

const HEAD: usize = 4;

/// How deep a message may be nested. Each level costs kilobytes of the reader's stack, whose end is that of the process.
const DEEPEST: usize = 200;

/// Pieces of this many bytes are long.
const LONG: usize = 4096;

/// What is wrong with a frame. None of these can be mended: where the next frame begins is not known any more.
#[derive(Debug, Error)]
pub enum FrameError {
    /// A length that no honest sender gives, as when something else was printed to standard output.
    #[error("a frame says that it is {found} bytes long: expected at most {most}{}", printed(*found))]
    TooLong {
        /// What it says.
        found: u32,
        /// What is allowed.
        most: u32,
    },
    /// Nothing can be in a frame without bytes.
    #[error("a frame says that it is empty: expected a message")]
    Empty,
    /// The end in the middle of a frame.
    #[error("the stream ends within a frame: expected {expected} bytes, found {found}")]
    Cut {
        /// Bytes that were announced.
        expected: usize,
        /// Bytes that came.
        found: usize,
    },
    /// Bytes that are not this message.
    #[error("a frame of {length} bytes is no message: {reason}")]
    NotAMessage {
        /// The frame's length.
        length: usize,
        /// What the decoder says.
        reason: String,
    },
    /// A message that is too long for a frame, or cannot be encoded.
    #[error("a message cannot be sent: {0}")]
    CannotEncode(String),
}

/// The text that stands where a length should be, where it is one: the usual mistake of a plugin that prints.
fn printed(length: u32) -> String {
    let bytes = length.to_le_bytes();
    let is_readable = bytes.iter().all(|byte| (0x20..0x7f).contains(byte) || matches!(byte, b'\n' | b'\r' | b'\t'));
    match std::str::from_utf8(&bytes) {
        Ok(text) if is_readable => format!(
            " (read as text it begins with {text:?}: something prints to standard output, which is the protocol's)"
        ),
        _ => String::new(),
    }
}

/// A message as a frame.
pub fn encode<M: Serialize>(message: &M) -> Result<Vec<u8>, FrameError> {
    let mut grown = Grown(vec![0; HEAD]);
    let mut serializer = rmp_serde::Serializer::new(&mut grown).with_struct_map();
    message.serialize(&mut serializer).map_err(|error| FrameError::CannotEncode(error.to_string()))?;
    let mut frame = grown.0;
    let length = frame.len().saturating_sub(HEAD);
    let told = u32::try_from(length).ok().filter(|told| *told <= LONGEST_FRAME);
    let told = told.ok_or_else(|| {
        FrameError::CannotEncode(format!("it is {length} bytes long, expected at most {LONGEST_FRAME}"))
    })?;
    if let Some(head) = frame.first_chunk_mut() {
        *head = told.to_le_bytes();
    }
    Ok(frame)
}

/// Bytes that make room for what follows a long piece together with it, so that the piece need not be moved.
struct Grown(Vec<u8>);

impl Write for Grown {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() >= LONG {
            self.0.reserve(bytes.len() + LONG);
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The message in a frame's body. Bytes after it are a mistake of the sender.
pub fn decode<M: DeserializeOwned>(body: &[u8]) -> Result<M, FrameError> {
    let wrong = |reason: String| FrameError::NotAMessage { length: body.len(), reason };
    let mut deserializer = rmp_serde::Deserializer::from_read_ref(body);
    deserializer.set_max_depth(DEEPEST);
    let message = M::deserialize(&mut deserializer).map_err(|error| wrong(error.to_string()))?;
    // Nothing else tells what is left: one more value, for which not even a first byte is there.
    match <()>::deserialize(&mut deserializer) {
        Err(rmp_serde::decode::Error::InvalidMarkerRead(_)) => Ok(message),
        _ => Err(wrong("more bytes follow the message".into())),
    }
}

/// What the message in a frame's body is called, whatever is in it; none where it is no map with one key.
#[expect(clippy::zero_sized_map_values, reason = "the decoder takes a map for a map")]
pub fn name_in(body: &[u8]) -> Option<String> {
    let mut names = decode::<BTreeMap<String, IgnoredAny>>(body).ok()?.into_keys();
    names.next().filter(|_| names.next().is_none())
}

/// The most that is set aside for a frame before its bytes have come: a picture's, so that it need not be moved.
const SET_ASIDE: usize = 16 << 20;

/// Cuts a stream of bytes into the bodies of frames.
///
/// Memory grows with the bytes that came, never with the length that a frame claims. Each byte is put into its frame at
/// once, however long that is.
#[derive(Debug)]
pub struct Frames {
    most: u32,
    whole: VecDeque<Vec<u8>>,
    head: Vec<u8>,
    body: Vec<u8>,
    /// A length that no frame has: nothing after it can be understood.
    wrong: Option<u32>,
}

impl Frames {
    /// Takes frames of at most `most` bytes.
    pub fn new(most: u32) -> Self {
        Self { most, whole: VecDeque::new(), head: Vec::new(), body: Vec::new(), wrong: None }
    }

    /// More bytes of the stream.
    pub fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && self.wrong.is_none() {
            let taken = match self.told() {
                None => self.push_head(bytes),
                Some(told) => self.push_body(bytes, told as usize),
            };
            bytes = bytes.get(taken..).unwrap_or_default();
        }
    }

    /// The length that the frame under way claims, once it is known.
    fn told(&self) -> Option<u32> {
        self.head.first_chunk().map(|head| u32::from_le_bytes(*head))
    }

    fn push_head(&mut self, bytes: &[u8]) -> usize {
        let taken = bytes.len().min(HEAD - self.head.len());
        self.head.extend_from_slice(bytes.get(..taken).unwrap_or_default());
        match self.told() {
            Some(told) if told == 0 || told > self.most => self.wrong = Some(told),
            Some(told) => self.body.reserve_exact(SET_ASIDE.min(told as usize)),
            None => {}
        }
        taken
    }

    fn push_body(&mut self, bytes: &[u8], told: usize) -> usize {
        let taken = bytes.len().min(told - self.body.len());
        self.body.extend_from_slice(bytes.get(..taken).unwrap_or_default());
        if self.body.len() == told {
            self.whole.push_back(std::mem::take(&mut self.body));
            self.head.clear();
        }
        taken
    }

    /// The body of the next frame, where it is whole.
    pub fn next_body(&mut self) -> Result<Option<Vec<u8>>, FrameError> {
        if let Some(body) = self.whole.pop_front() {
            return Ok(Some(body));
        }
        match self.wrong {
            None => Ok(None),
            Some(0) => Err(FrameError::Empty),
            Some(found) => Err(FrameError::TooLong { found, most: self.most }),
        }
    }

    /// To be asked at the end of the stream: whether it ended between frames.
    pub fn end(&self) -> Result<(), FrameError> {
        if self.head.is_empty() {
            return Ok(());
        }
        let expected = self.told().map_or(HEAD, |told| HEAD + told as usize);
        Err(FrameError::Cut { expected, found: self.head.len() + self.body.len() })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Message = BTreeMap<String, Vec<u32>>;

    proptest! {
        #[test]
        fn frames_survive_however_the_stream_is_cut(
            messages in prop::collection::vec(prop::collection::btree_map("[a-z]{0,5}", prop::collection::vec(any::<u32>(), 0..5), 0..5), 0..6),
            cuts in prop::collection::vec(1_usize..9, 1..40),
        ) {
            let stream: Vec<u8> = messages.iter().flat_map(|message: &Message| encode(message).unwrap()).collect();
            let (mut frames, mut got, mut rest) = (Frames::new(LONGEST_FRAME), Vec::new(), stream.as_slice());
            for cut in cuts.iter().cycle() {
                let (now, later) = rest.split_at((*cut).min(rest.len()));
                frames.push(now);
                rest = later;
                while let Some(body) = frames.next_body().unwrap() {
                    got.push(decode::<Message>(&body).unwrap());
                }
                if rest.is_empty() {
                    break;
                }
            }
            prop_assert_eq!(got, messages);
            prop_assert!(frames.end().is_ok());
        }
    }

    #[test]
    fn what_is_printed_is_told_as_such() {
        let mut frames = Frames::new(LONGEST_FRAME);
        frames.push(b"Loading weights");
        let said = frames.next_body().unwrap_err().to_string();
        assert!(said.contains("\"Load\"") && said.contains("prints to standard output"), "{said}");
    }

    #[test]
    fn bad_frames_are_named() {
        let mut empty = Frames::new(9);
        empty.push(&[0; 4]);
        assert!(matches!(empty.next_body(), Err(FrameError::Empty)));
        let mut cut = Frames::new(9);
        cut.push(&[5, 0, 0, 0, 1]);
        assert!(cut.next_body().unwrap().is_none());
        assert!(matches!(cut.end(), Err(FrameError::Cut { expected: 9, found: 5 })));
        // One more value, the beginning of one, or what is none.
        for more in [0xc0, 0x00, 0x91, 0x81, 0xa1, 0xc4, 0xc1, 0xdd] {
            let said = decode::<Message>(&[0x80, more]).unwrap_err();
            assert!(matches!(said, FrameError::NotAMessage { length: 2, .. }), "{more}: {said}");
        }
        assert!(matches!(decode::<Message>(&[]), Err(FrameError::NotAMessage { length: 0, .. })));
    }

    #[test]
    fn deep_frames_do_not_end_the_process() {
        fn deep<M: DeserializeOwned>(levels: usize) -> Option<String> {
            let body = [vec![0x91; levels], vec![0xc0]].concat();
            decode::<M>(&body).err().map(|error| error.to_string())
        }
        let all = || {
            assert_eq!((deep::<Vec<IgnoredAny>>(100), deep::<serde_json::Value>(100)), (None, None));
            for levels in [1000, 1 << 20] {
                for said in [deep::<Vec<IgnoredAny>>(levels), deep::<serde_json::Value>(levels)] {
                    assert!(said.as_ref().is_some_and(|said| said.contains("depth")), "{said:?}");
                }
            }
        };
        // Half of what a thread has.
        std::thread::Builder::new().stack_size(1 << 20).spawn(all).unwrap().join().unwrap();
    }
}
