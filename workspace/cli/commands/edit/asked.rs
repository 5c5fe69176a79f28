//! What an edit is asked for on the command line: a picture and what to do to it.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use anyhow::Result;
use editscale_core::{EncodedImage, Instruction};

use super::origin::origin;
use crate::args::Edit;
use crate::failure::Misuse;
use crate::photograph::read;

/// What is edited, and what to do to it.
pub(super) struct Asked {
    pub(super) source: EncodedImage,
    pub(super) source_name: String,
    pub(super) instruction: Instruction,
    /// The candidate of an earlier run that it goes on from.
    pub(super) continues: Option<String>,
}

/// Reads the picture and the instruction.
pub(super) fn asked(arguments: &Edit) -> Result<Asked> {
    match (&arguments.from, arguments.words.as_slice()) {
        (None, [image, instruction]) => {
            // The cheap mistake is told before the dear one.
            let instruction = instruct(instruction)?;
            let path = Path::new(image);
            let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
            Ok(Asked { source: read(path)?, source_name: name, instruction, continues: None })
        }
        (Some(from), [instruction]) => {
            let instruction = instruct(instruction)?;
            let (source, source_name) = origin(from)?;
            Ok(Asked { source, source_name, instruction, continues: Some(from.clone()) })
        }
        (None, [image, words @ ..]) if words.len() > 1 => Err(unquoted(image, words).into()),
        (Some(_), words) if words.len() > 1 => Err(unquoted(OsStr::new("--from RUN:CANDIDATE"), words).into()),
        (None, _) => Err(Misuse::new("expected a picture and an instruction").hint(USE).into()),
        (Some(_), _) => Err(Misuse::new("expected an instruction alone: --from names the picture").hint(USE).into()),
    }
}

const USE: &str = "editscale edit photo.jpg \"make it warmer\"";

/// An instruction whose words the shell has taken apart. `picture` is what stands before it.
fn unquoted(picture: &OsStr, words: &[OsString]) -> Misuse {
    let (found, joined) = (words.len(), words.join(OsStr::new(" ")));
    let (picture, joined) = (picture.display(), joined.display());
    Misuse::new(format!("expected the instruction as one argument, found {found} after the picture"))
        .hint(format!("put the instruction in quotation marks: editscale edit {picture} \"{joined}\""))
}

fn instruct(text: &OsStr) -> Result<Instruction, Misuse> {
    let text = text.to_str().ok_or_else(|| Misuse::new("the instruction is not UTF-8 text"))?;
    Instruction::new(text).map_err(|error| Misuse::new(error.to_string()))
}
