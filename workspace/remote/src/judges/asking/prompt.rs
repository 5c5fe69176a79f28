//! Prompts with named places, such as `{{instruction}}`.

use std::path::Path;

use crate::SetupError;
use crate::files::text;

/// The most bytes of a prompt.
const MOST_BYTES: usize = 64 * 1024;

/// A prompt, cut at its places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Prompt(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Place(String),
}

impl Prompt {
    /// Cuts a text. A place that is not among the known ones is refused; single braces are text.
    pub(crate) fn new(text: &str, known: &[&str]) -> Result<Self, String> {
        if text.len() > MOST_BYTES {
            return Err(format!("is longer than {MOST_BYTES} bytes"));
        }
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after.split_once("}}").ok_or("has a `{{` that no `}}` closes")?;
            if !known.contains(&name.trim()) {
                let shown: String = name.trim().chars().take(40).collect();
                return Err(format!("has a place `{{{{{shown}}}}}`: expected {}", known.join(", ")));
            }
            pieces.extend([Piece::Text(before.to_owned()), Piece::Place(name.trim().to_owned())]);
            rest = after;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        if text.trim().is_empty() {
            return Err("is empty".to_owned());
        }
        Ok(Self(pieces))
    }

    /// Fills the places, once: what is filled in is not looked at again.
    pub(crate) fn fill(&self, filling: &[(&str, &str)]) -> String {
        let value = |name: &str| filling.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| *value);
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Place(name) => value(name).to_owned(),
        };
        self.0.iter().map(piece).collect()
    }
}

/// A prompt's text out of a file.
pub(crate) fn prompt_file(aspect: &str, file: &Path) -> Result<String, SetupError> {
    text(file, MOST_BYTES as u64).map_err(|error| SetupError::Prompt {
        aspect: aspect.to_owned(),
        reason: format!("cannot be read from {}: {error}", file.display()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 3] = ["instruction", "low", "high"];

    #[test]
    fn places_are_filled_once() {
        let prompt = Prompt::new("{{ instruction }}: {\"a\": 1} {{low}}-{{high}}", &KNOWN).unwrap();
        let filling = [("instruction", "say {{low}}"), ("low", "0"), ("high", "10")];
        assert_eq!(prompt.fill(&filling), "say {{low}}: {\"a\": 1} 0-10");
    }

    #[test]
    fn what_is_no_file_or_too_long_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let long = folder.path().join("long");
        std::fs::write(&long, "x".repeat(MOST_BYTES + 1)).unwrap();
        for (path, words) in
            [(folder.path(), "not a file"), (Path::new("/dev/zero"), "not a file"), (&*long, "at most 65536 bytes")]
        {
            assert!(prompt_file("an aspect", path).unwrap_err().to_string().contains(words), "{}", path.display());
        }
        std::fs::write(&long, "good").unwrap();
        assert_eq!(prompt_file("an aspect", &long).unwrap(), "good");
    }

    #[test]
    fn unknown_places_are_refused() {
        let long = "x".repeat(MOST_BYTES + 1);
        for (text, words) in [
            ("{{prompt}}", "`{{prompt}}`: expected instruction, low, high"),
            ("{{instruction", "no `}}` closes"),
            (" \n", "is empty"),
            (&long, "is longer than"),
        ] {
            assert!(Prompt::new(text, &KNOWN).unwrap_err().contains(words), "{text:.40}");
        }
    }
}
