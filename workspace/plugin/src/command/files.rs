//! What one command is given: a private folder with its pictures, and variables that say where they are.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use editscale_sdk::{Failed, Image, Welcome};
use tempfile::TempDir;

use super::line::{Line, Placeholder};

/// The longest value that every system takes as one variable.
const LONGEST_VARIABLE: usize = 100_000;

/// Where the folders of commands are made.
#[derive(Debug, Clone)]
pub(super) struct Workshop(Option<PathBuf>);

impl Workshop {
    /// The plugin's part of the spool, which the host removes whatever happens; the system's folder where there is none.
    pub(super) fn of(welcome: &Welcome) -> Self {
        Self(Some(Path::new(&welcome.spool).join("plugin")).filter(|folder| folder.is_dir()))
    }

    /// A folder that nobody else may look into, removed when it is dropped.
    pub(super) fn bench(&self) -> Result<Bench, Failed> {
        let mut builder = tempfile::Builder::new();
        let made = match builder.prefix("command-") {
            builder if self.0.is_some() => builder.tempdir_in(self.0.as_deref().unwrap_or(Path::new("."))),
            builder => builder.tempdir(),
        };
        let folder = made.map_err(|error| Failed::internal(format!("cannot make a folder for a command: {error}")))?;
        Ok(Bench { folder, variables: Vec::new() })
    }
}

/// The folder and the variables of one command.
pub(super) struct Bench {
    folder: TempDir,
    variables: Vec<(String, OsString)>,
}

impl Bench {
    /// A file below the folder.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn variables(&self) -> &[(String, OsString)] {
        &self.variables
    }

    pub(super) fn set(&mut self, placeholder: &Placeholder, value: impl Into<OsString>) {
        self.variables.push((placeholder.variable(), value.into()));
    }

    /// Writes a picture, and says where it is.
    pub(super) fn picture(&mut self, placeholder: &Placeholder, image: &Image) -> Result<(), Failed> {
        let path = self.path(&format!("{placeholder}.{}", extension(image.media())));
        write(&path, image.bytes()?)?;
        self.set(placeholder, path);
        Ok(())
    }

    /// The mask where there is one, and an empty word where there is none.
    pub(super) fn mask(&mut self, mask: Option<&Image>) -> Result<(), Failed> {
        if let Some(mask) = mask {
            return self.picture(&Placeholder::Mask, mask);
        }
        self.set(&Placeholder::Mask, "");
        Ok(())
    }

    /// The instruction, as a variable and as a file: what is too long for the one is not for the other.
    pub(super) fn instruction(&mut self, instruction: &str, line: &Line) -> Result<(), Failed> {
        let path = self.path("instruction.txt");
        write(&path, instruction.as_bytes())?;
        self.set(&Placeholder::InstructionFile, path);
        let fits = instruction.len() <= LONGEST_VARIABLE && !instruction.contains('\0');
        if fits {
            self.set(&Placeholder::Instruction, instruction);
        } else if line.uses(&Placeholder::Instruction) {
            let length = instruction.len();
            return Err(Failed::invalid(format!(
                "the instruction of {length} bytes cannot be a word of a command: expected at most {LONGEST_VARIABLE} \
                 bytes without zero bytes (`{{instruction_file}}` takes any)"
            )));
        }
        Ok(())
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failed> {
    fs::write(path, bytes).map_err(|error| Failed::internal(format!("cannot write {}: {error}", path.display())))
}

fn extension(media: &str) -> &str {
    match media {
        "image/jpeg" => "jpg",
        other => {
            other.strip_prefix("image/").filter(|rest| rest.bytes().all(|b| b.is_ascii_lowercase())).unwrap_or("bin")
        }
    }
}
