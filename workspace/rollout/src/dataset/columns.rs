//! Which column of a data set is which part of a row.

use std::path::Path;

use super::DatasetError;
use crate::Columns;

/// Usual names of the picture to edit. Names that say that it is the one before come first: a plain `image` beside one of them
/// tends to be the result, and a plain `source` beside `image` tends to say where the row comes from.
const SOURCE: [&str; 28] = [
    "source_image",
    "source_img",
    "src_image",
    "src_img",
    "input_image",
    "input_img",
    "original_image",
    "original_img",
    "before_image",
    "source_file_name",
    "input_file_name",
    "source_path",
    "image_file",
    "image",
    "img",
    "picture",
    "before",
    "source",
    "input",
    "original",
    "image_file_name",
    "file_name",
    "filename",
    "image_path",
    "file",
    "path",
    "image_url",
    "url",
];
/// Usual names of the instruction, the most exact first.
const INSTRUCTION: [&str; 10] = [
    "instruction",
    "edit_instruction",
    "editing_instruction",
    "edit_prompt",
    "editing_prompt",
    "edit",
    "prompt",
    "txt",
    "text",
    "caption",
];
const MASK: [&str; 5] = ["mask", "mask_image", "mask_img", "mask_file_name", "mask_path"];
const ID: [&str; 7] = ["id", "key", "uid", "uuid", "sample_id", "row_id", "__key__"];
const SEED: [&str; 1] = ["seed"];

/// The columns that are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chosen {
    pub(super) source: String,
    pub(super) instruction: String,
    pub(super) mask: Option<String>,
    pub(super) id: Option<String>,
    pub(super) seed: Option<String>,
    pub(super) keep: Vec<String>,
}

/// The names that a data set has, in its order.
pub(super) struct Found<'a> {
    /// What the data set is called in messages.
    pub(super) path: &'a Path,
    pub(super) names: Vec<String>,
    /// Those of them that are files of their own. The picture to edit is looked for there first.
    pub(super) members: Vec<String>,
    /// What stands for the picture to edit where no file of its own has a usual name: the one picture of each sample.
    pub(super) picture: Option<String>,
}

impl<'a> Found<'a> {
    /// The names of a table.
    pub(super) fn new(path: &'a Path, names: Vec<String>) -> Self {
        Self { path, names, members: Vec::new(), picture: None }
    }

    /// Finds the columns that are wanted.
    pub(super) fn choose(&self, wanted: &Columns) -> Result<Chosen, DatasetError> {
        let member = SOURCE.iter().find_map(|name| spelt(&self.members, name)).or_else(|| self.picture.clone());
        let source = match (&wanted.source, member) {
            (None, Some(member)) => member,
            _ => self.needed(wanted.source.as_ref(), &SOURCE, "source")?,
        };
        Ok(Chosen {
            source,
            instruction: self.needed(wanted.instruction.as_ref(), &INSTRUCTION, "instruction")?,
            mask: self.perhaps(wanted.mask.as_ref(), &MASK, "mask")?,
            id: self.perhaps(wanted.id.as_ref(), &ID, "id")?,
            seed: self.perhaps(wanted.seed.as_ref(), &SEED, "seed")?,
            keep: wanted.keep.iter().map(|name| self.given(name, "keep")).collect::<Result<_, _>>()?,
        })
    }

    fn needed(&self, given: Option<&String>, usual: &[&str], part: &str) -> Result<String, DatasetError> {
        let lacking = || {
            let what = if part == "source" { "the picture to edit" } else { "what to do to the picture" };
            self.refused(&format!("no column has a usual name of {what} ({part})"))
        };
        self.perhaps(given, usual, part)?.ok_or_else(lacking)
    }

    fn perhaps(&self, given: Option<&String>, usual: &[&str], part: &str) -> Result<Option<String>, DatasetError> {
        match given {
            Some(name) => self.given(name, part).map(Some),
            None => Ok(usual.iter().find_map(|name| spelt(&self.names, name))),
        }
    }

    fn given(&self, name: &str, part: &str) -> Result<String, DatasetError> {
        let is_there = |name: &str| self.names.iter().any(|known| known == name);
        let is_there = |name: &str| is_there(name) || name.split_once('.').is_some_and(|(outer, _)| is_there(outer));
        if name.split(';').any(is_there) {
            return Ok(name.to_owned());
        }
        Err(self.refused(&format!("columns.{part} names `{name}`, which is not a column")))
    }

    fn refused(&self, reason: &str) -> DatasetError {
        let listed = listed(&self.names);
        let how = "rollout: {columns: {source: …, instruction: …}}";
        let reason = format!("{reason}; the columns are {listed}. Say in the recipe which is which: {how}");
        DatasetError::Columns { path: self.path.to_owned(), reason }
    }
}

/// The name as it is spelt there.
fn spelt(names: &[String], name: &str) -> Option<String> {
    let exact = names.iter().find(|known| *known == name);
    exact.or_else(|| names.iter().find(|known| known.eq_ignore_ascii_case(name))).cloned()
}

/// Names for people, not all of them where there are very many.
pub(super) fn listed(names: &[String]) -> String {
    const MOST: usize = 40;
    if names.is_empty() {
        return "none".to_owned();
    }
    let short = |name: &String| format!("`{}`", name.chars().take(80).collect::<String>());
    let mut text = names.iter().take(MOST).map(short).collect::<Vec<_>>().join(", ");
    if names.len() > MOST {
        text.push_str(&format!(" and {} more", names.len() - MOST));
    }
    text
}

impl Chosen {
    /// For people.
    pub(super) fn describe(&self) -> String {
        let mut text = format!("source = `{}`, instruction = `{}`", self.source, self.instruction);
        for (part, name) in [("mask", &self.mask), ("id", &self.id), ("seed", &self.seed)] {
            if let Some(name) = name {
                text.push_str(&format!(", {part} = `{name}`"));
            }
        }
        if !self.keep.is_empty() {
            text.push_str(&format!(", kept: {}", listed(&self.keep)));
        }
        text
    }

    /// Every name once.
    pub(super) fn names(&self) -> Vec<&str> {
        let perhaps = [&self.mask, &self.id, &self.seed].into_iter().flatten();
        let mut names: Vec<&str> =
            [&self.source, &self.instruction].into_iter().chain(perhaps).map(String::as_str).collect();
        names.extend(self.keep.iter().map(String::as_str));
        names.sort_unstable();
        names.dedup();
        names
    }
}
