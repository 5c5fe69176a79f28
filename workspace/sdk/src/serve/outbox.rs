//! What goes to the host: whole frames, one after the other, and large things as files of the spool.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use super::picture::NewImage;
use crate::protocol::{
    Answer, Blob, ErrorClass, Failed, FilePlace, FromPlugin, LONGEST_FRAME, Picture, PictureBody, Welcome, encode,
};

/// The way to the host. Frames of several threads do not mix.
pub(super) struct Outbox {
    out: Mutex<Box<dyn Write + Send>>,
    agreed: OnceLock<Agreed>,
    files: AtomicU64,
}

/// What the host said of frames and files.
struct Agreed {
    frame_bytes: u64,
    inline_bytes: u64,
    folder: PathBuf,
    session: String,
}

impl Outbox {
    pub(super) fn new(out: impl Write + Send + 'static) -> Self {
        Self { out: Mutex::new(Box::new(out)), agreed: OnceLock::new(), files: AtomicU64::new(0) }
    }

    /// Takes the limits and the spool of the host's `welcome`.
    pub(super) fn agree(&self, welcome: &Welcome) {
        let is_plain = |letter: &char| letter.is_ascii_alphanumeric() || *letter == '-';
        let agreed = Agreed {
            frame_bytes: welcome.frame_bytes.min(LONGEST_FRAME).into(),
            inline_bytes: welcome.inline_bytes.into(),
            folder: PathBuf::from(&welcome.spool).join("plugin"),
            session: welcome.session.chars().filter(is_plain).take(64).collect(),
        };
        drop(self.agreed.set(agreed));
    }

    /// Sends a message. What is too long, or cannot be encoded, is not sent at all.
    pub(super) fn send(&self, message: &FromPlugin) -> io::Result<()> {
        let frame = encode(message).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        let most = self.agreed.get().map_or(LONGEST_FRAME.into(), |agreed| agreed.frame_bytes);
        if frame.len() as u64 > most.saturating_add(4) {
            let reason = format!("a message is {} bytes long: the host takes at most {most}", frame.len());
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        }
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        out.write_all(&frame)?;
        out.flush()
    }

    /// Sends the end of a call; where that cannot be sent, why.
    pub(super) fn answer(&self, answer: Answer) {
        let id = answer.id();
        let Err(error) = self.send(&FromPlugin::Answer(answer)) else { return };
        let why = Failed::new(ErrorClass::Internal, format!("the answer cannot be sent: {error}"));
        drop(self.send(&FromPlugin::Answer(Answer::Failed { id, why })));
    }

    /// Packs the pictures of one message.
    pub(super) fn pack(&self) -> Pack<'_> {
        let left = self.agreed.get().map_or(0, |agreed| agreed.frame_bytes / 2);
        Pack { outbox: self, left }
    }
}

/// Decides for the parts of one message which go along and which go through the spool: large ones, and those that the
/// frame has no room for.
pub(super) struct Pack<'a> {
    outbox: &'a Outbox,
    left: u64,
}

impl Pack<'_> {
    /// A picture of the message.
    pub(super) fn picture(&mut self, image: &NewImage) -> Result<Picture, Failed> {
        let body = if self.fits(image.bytes.len()) {
            PictureBody::Inline(image.bytes.clone().into())
        } else {
            PictureBody::File(self.store(image.extension(), &image.bytes)?)
        };
        Ok(Picture { media: image.media.clone(), width: None, height: None, body })
    }

    /// Numbers of the message.
    pub(super) fn numbers(&mut self, numbers: &[f32]) -> Result<Blob, Failed> {
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        if self.fits(bytes.len()) { Ok(Blob::Inline(bytes.into())) } else { Ok(Blob::File(self.store("f32", &bytes)?)) }
    }

    fn fits(&mut self, bytes: usize) -> bool {
        let Some(agreed) = self.outbox.agreed.get() else { return true };
        let bytes = bytes as u64;
        let fits = bytes <= agreed.inline_bytes && bytes <= self.left;
        self.left -= if fits { bytes } else { 0 };
        fits
    }

    /// Writes under another name and renames, so that nobody ever finds half a file.
    fn store(&self, extension: &str, bytes: &[u8]) -> Result<FilePlace, Failed> {
        let Some(agreed) = self.outbox.agreed.get() else {
            return Err(Failed::internal("there is no spool before the host's `welcome`"));
        };
        let number = self.outbox.files.fetch_add(1, Ordering::Relaxed);
        let path = agreed.folder.join(format!("{}-{number}.{extension}", agreed.session));
        let unfinished = path.with_extension("part");
        let written = fs::create_dir_all(&agreed.folder)
            .and_then(|()| fs::write(&unfinished, bytes))
            .and_then(|()| fs::rename(&unfinished, &path));
        if let Err(error) = written {
            drop(fs::remove_file(&unfinished));
            return Err(Failed::internal(format!("cannot write {} into the spool: {error}", path.display())));
        }
        let path = path.to_str().ok_or_else(|| Failed::internal("the spool's path is not UTF-8"))?;
        Ok(FilePlace::of(path, bytes))
    }
}
