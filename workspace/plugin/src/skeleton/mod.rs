//! Plugins to begin with: folders that work as they are, and are to be changed.
//!
//! What is in them is what is tested here: the examples of the SDKs, and copies of the SDKs beside them, so that a folder
//! needs nothing of this repository.

mod names;
mod sources;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use editscale_sdk::PluginKind;
use thiserror::Error;

use sources::{PYTHON_SDK, RUST_SDK};

/// The languages that there are skeletons in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Python.
    Python,
    /// Rust.
    Rust,
}

/// Why a plugin could not be begun.
#[derive(Debug, Error)]
pub enum SkeletonError {
    /// A name that a crate or a module cannot have.
    #[error(
        "`{0}` cannot be a plugin's name: expected a lower case letter, then lower case letters, digits, `-` or `_`, at \
         most 64 in all, and no word that Python or Rust keeps for itself, nor the name of a module or crate that it needs"
    )]
    Name(String),
    /// Something is there already.
    #[error("{0} is there already: nothing was written")]
    Exists(PathBuf),
    /// The system refused.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A plugin to begin with.
#[derive(Debug, Clone)]
pub struct Skeleton {
    language: Language,
    kind: PluginKind,
    name: String,
}

impl Skeleton {
    /// A plugin of this name, or what is wrong with the name.
    pub fn new(language: Language, kind: PluginKind, name: &str) -> Result<Self, SkeletonError> {
        let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
        let begins = name.starts_with(|first: char| first.is_ascii_lowercase());
        let fits = begins && name.len() <= 64 && name.bytes().all(is_letter);
        if !fits || names::is_kept(language, name) {
            return Err(SkeletonError::Name(name.chars().take(80).collect()));
        }
        Ok(Self { language, kind, name: name.to_owned() })
    }

    /// Writes the folder of its name below `parent`, where there is none yet, and tells its path.
    pub fn write(&self, parent: &Path) -> Result<PathBuf, SkeletonError> {
        let folder = parent.join(&self.name);
        match fs::create_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(SkeletonError::Exists(folder)),
            made => made.map_err(failed(&folder))?,
        }
        // Half a plugin would be in the way of the next try.
        self.put(&folder).inspect_err(|_| _ = fs::remove_dir_all(&folder))?;
        Ok(folder)
    }

    fn put(&self, folder: &Path) -> Result<(), SkeletonError> {
        for (name, text) in self.files() {
            let path = folder.join(name);
            let parent = path.parent().unwrap_or(folder);
            fs::create_dir_all(parent).map_err(failed(parent))?;
            fs::write(&path, text).map_err(failed(&path))?;
        }
        Ok(())
    }

    /// What to do next, a command a line, to be run in the folder.
    pub fn next_steps(&self) -> String {
        let name = &self.name;
        match self.language {
            Language::Rust => format!(
                "cargo build --release\ncargo test\neditscale plugin check -- target/release/{name}\n\
                 editscale check recipe.yaml\n"
            ),
            Language::Python => format!(
                "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt\n.venv/bin/python -m unittest\n\
                 editscale plugin check -- .venv/bin/python {}.py\neditscale check recipe.yaml\n",
                self.module()
            ),
        }
    }

    /// Its files: their paths below the folder, and what is in them.
    pub fn files(&self) -> Vec<(String, String)> {
        match self.language {
            Language::Rust => self.rust(),
            Language::Python => self.python(),
        }
    }

    fn rust(&self) -> Vec<(String, String)> {
        let example = match self.kind {
            PluginKind::Reward => sources::RUST_REWARD,
            PluginKind::Editor => sources::RUST_EDITOR,
        };
        let own = [
            ("Cargo.toml", self.fill(include_str!("templates/rust_cargo.toml"))),
            ("README.md", self.fill(include_str!("templates/rust_readme.md"))),
            ("recipe.yaml", self.recipe(&format!("target/release/{}", self.name))),
            (".gitignore", "/target\n".to_owned()),
            ("src/main.rs", self.renamed(example)),
            ("editscale-sdk/Cargo.toml", include_str!("templates/sdk_cargo.toml").to_owned()),
        ];
        let sdk = RUST_SDK.iter().map(|(path, text)| (format!("editscale-sdk/src/{path}"), (*text).to_owned()));
        own.into_iter().map(|(path, text)| (path.to_owned(), text)).chain(sdk).collect()
    }

    fn python(&self) -> Vec<(String, String)> {
        let (example, test) = match self.kind {
            PluginKind::Reward => (sources::PYTHON_REWARD, include_str!("templates/python_test_reward.py")),
            PluginKind::Editor => (sources::PYTHON_EDITOR, include_str!("templates/python_test_editor.py")),
        };
        let module = self.module();
        let own = [
            (format!("{module}.py"), self.renamed(example)),
            (format!("test_{module}.py"), self.fill(test)),
            ("README.md".to_owned(), self.fill(include_str!("templates/python_readme.md"))),
            ("recipe.yaml".to_owned(), self.recipe(&format!(".venv/bin/python, {module}.py"))),
            ("requirements.txt".to_owned(), "msgpack>=1.0\npillow>=10\n".to_owned()),
            (".gitignore".to_owned(), "/.venv\n__pycache__/\n".to_owned()),
        ];
        let sdk = PYTHON_SDK.iter().map(|(path, text)| (format!("editscale/{path}"), (*text).to_owned()));
        own.into_iter().chain(sdk).collect()
    }

    /// The name as a module of Python has it.
    fn module(&self) -> String {
        self.name.replace('-', "_")
    }

    fn recipe(&self, run: &str) -> String {
        let text = match self.kind {
            PluginKind::Reward => include_str!("templates/recipe_reward.yaml"),
            PluginKind::Editor => include_str!("templates/recipe_editor.yaml"),
        };
        text.replace("{{run}}", run)
    }

    fn fill(&self, text: &str) -> String {
        let (kind, class) = (self.kind.word(), sources::python_class(self.kind));
        let article = if self.kind == PluginKind::Editor { "an" } else { "a" };
        [
            ("name", self.name.as_str()),
            ("module", &self.module()),
            ("kind", kind),
            ("article", article),
            ("class", class),
        ]
        .iter()
        .fold(text.to_owned(), |text, (key, value)| text.replace(&format!("{{{{{key}}}}}"), value))
    }

    /// An example under the plugin's own name, wherever the example tells its own.
    fn renamed(&self, example: &str) -> String {
        let of = sources::example_name(self.language, self.kind);
        let name = &self.name;
        [
            (format!("About::new(\"{of}\""), format!("About::new(\"{name}\"")),
            (format!("(\"{of} 1,"), format!("(\"{name} 1,")),
            (format!("\"{of}/1,"), format!("\"{name}/1,")),
            (format!("[./{of}_{}]", self.kind.word()), format!("[target/release/{name}]")),
        ]
        .iter()
        .fold(example.to_owned(), |text, (from, to)| text.replace(from, to))
    }
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> SkeletonError {
    let path = path.to_owned();
    move |source| SkeletonError::Write { path, source }
}

#[cfg(test)]
mod tests;
