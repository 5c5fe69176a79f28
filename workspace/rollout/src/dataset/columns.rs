//! Which column of a data set is which part of a row.

use std::path::Path;

use super::{DatasetError, edited};
use crate::{Columns, Edited};

/// Names that say of a picture that it is the one to edit.
pub(super) const CLEAR_SOURCE: [&str; 9] = [
    "source_image",
    "source_img",
    "src_image",
    "src_img",
    "input_image",
    "input_img",
    "original_image",
    "original_img",
    "before_image",
];
/// Usual names of the picture to edit. Names that say that it is the one before come first: a plain `image` beside one of them
/// tends to be the result, and a plain `source` beside `image` tends to say where the row comes from.
const OTHER_SOURCE: [&str; 19] = [
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
const INSTRUCTION: [&str; 11] = [
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
    "input_prompt",
];
const MASK: [&str; 4] = ["mask", "mask_image", "mask_file_name", "mask_path"];
const ID: [&str; 7] = ["id", "key", "uid", "uuid", "sample_id", "row_id", "__key__"];
const SEED: [&str; 1] = ["seed"];

/// The columns that are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chosen {
    pub(super) source: String,
    /// None where they are not wanted.
    pub(super) edited: Vec<String>,
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
        self.chosen(wanted).map_err(|reason| {
            let how = match wanted.edited {
                Edited::Unwanted => "rollout: {columns: {source: …, instruction: …}}",
                _ => "columns: {source: …, instruction: …, edited: [ … ]}",
            };
            let listed = listed(&self.names);
            let reason = format!("{reason}; the columns are {listed}. Say in the recipe which is which: {how}");
            DatasetError::Columns { path: self.path.to_owned(), reason }
        })
    }

    fn chosen(&self, wanted: &Columns) -> Result<Chosen, String> {
        let (source, edited) = self.pictures(wanted)?;
        if edited.contains(&source) {
            return Err(format!("columns.edited names `{source}`, which is the source"));
        }
        Ok(Chosen {
            source,
            edited,
            instruction: self.needed(wanted.instruction.as_ref(), &INSTRUCTION, "instruction")?,
            mask: self.perhaps(wanted.mask.as_ref(), &MASK, "mask")?,
            id: self.perhaps(wanted.id.as_ref(), &ID, "id")?,
            seed: self.perhaps(wanted.seed.as_ref(), &SEED, "seed")?,
            keep: wanted.keep.iter().map(|name| self.given(name, "keep")).collect::<Result<_, _>>()?,
        })
    }

    /// The picture to edit and the edited ones.
    fn pictures(&self, wanted: &Columns) -> Result<(String, Vec<String>), String> {
        match &wanted.edited {
            Edited::Unwanted => Ok((self.source(wanted, &[])?, Vec::new())),
            Edited::Named(names) => {
                let edited = self.named(names)?;
                Ok((self.source(wanted, &edited)?, edited))
            }
            Edited::Usual => self.usual(wanted),
        }
    }

    /// The picture to edit, which none of the edited ones is.
    fn source(&self, wanted: &Columns, edited: &[String]) -> Result<String, String> {
        let others = self.without(edited);
        let usual: Vec<&str> = CLEAR_SOURCE.iter().chain(&OTHER_SOURCE).copied().collect();
        let member = usual.iter().find_map(|name| spelt(&others.members, name)).or_else(|| others.picture.clone());
        match (&wanted.source, member) {
            (None, Some(member)) => Ok(member),
            (None, None) => others.needed(None, &usual, "source"),
            (given, _) => self.needed(given.as_ref(), &usual, "source"),
        }
    }

    /// The picture to edit and the edited ones by their usual names, which say more together than each alone.
    fn usual(&self, wanted: &Columns) -> Result<(String, Vec<String>), String> {
        let given = [&wanted.source, &wanted.instruction, &wanted.mask].into_iter().flatten();
        let free = self.without(&given.cloned().collect::<Vec<_>>());
        if let Some(found) = edited::usual(&free.members).or_else(|| edited::usual(&free.names)) {
            let before = found.first().and_then(|name| edited::counterpart(&free.names, name));
            let source = match (&wanted.source, before) {
                (None, Some(before)) => before,
                _ => self.source(wanted, &found)?,
            };
            return Ok((source, found));
        }
        let picture = free.picture.clone().map(|name| vec![name]);
        let plain = edited::plain(&free.members).or(picture).or_else(|| edited::plain(&free.names));
        let source = match &wanted.source {
            Some(_) => Some(self.source(wanted, &[])?),
            None => edited::before(&free.members).or_else(|| edited::before(&free.names)),
        };
        source.zip(plain).ok_or_else(|| "no column has a usual name of an edited picture (edited)".to_owned())
    }

    /// What is there beside these columns.
    fn without(&self, names: &[String]) -> Self {
        let taken: Vec<&str> = names.iter().flat_map(|name| name.split(';')).collect();
        let free = |names: &[String]| names.iter().filter(|name| !taken.contains(&name.as_str())).cloned().collect();
        let picture = |picture: &String| {
            let free: Vec<&str> = picture.split(';').filter(|name| !taken.contains(name)).collect();
            (!free.is_empty()).then(|| free.join(";"))
        };
        let picture = self.picture.as_ref().and_then(picture);
        Self { path: self.path, names: free(&self.names), members: free(&self.members), picture }
    }

    /// The edited pictures' columns as they are named.
    fn named(&self, names: &[String]) -> Result<Vec<String>, String> {
        if names.is_empty() {
            return Err("columns.edited names no column".to_owned());
        }
        let is_twice = |(at, name): (usize, &String)| names.iter().take(at).any(|before| before == name);
        if let Some(name) = names.iter().enumerate().find_map(|found| is_twice(found).then_some(found.1)) {
            return Err(format!("columns.edited names `{name}` twice"));
        }
        names.iter().map(|name| self.given(name, "edited")).collect()
    }

    fn needed(&self, given: Option<&String>, usual: &[&str], part: &str) -> Result<String, String> {
        let what = if part == "source" { "the picture to edit" } else { "what to do to the picture" };
        self.perhaps(given, usual, part)?.ok_or_else(|| format!("no column has a usual name of {what} ({part})"))
    }

    fn perhaps(&self, given: Option<&String>, usual: &[&str], part: &str) -> Result<Option<String>, String> {
        match given {
            // Said to be none, though there is a column with a usual name.
            Some(name) if name.is_empty() => Ok(None),
            Some(name) => self.given(name, part).map(Some),
            None => Ok(usual.iter().find_map(|name| spelt(&self.names, name))),
        }
    }

    fn given(&self, name: &str, part: &str) -> Result<String, String> {
        let is_there = |name: &str| self.names.iter().any(|known| known == name);
        let is_there = |name: &str| is_there(name) || name.split_once('.').is_some_and(|(outer, _)| is_there(outer));
        if name.split(';').any(is_there) {
            return Ok(name.to_owned());
        }
        Err(format!("columns.{part} names `{name}`, which is not a column"))
    }
}

/// The name as it is spelt there.
pub(super) fn spelt(names: &[String], name: &str) -> Option<String> {
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
    let text = names.iter().take(MOST).map(short).collect::<Vec<_>>().join(", ");
    if names.len() > MOST { format!("{text} and {} more", names.len() - MOST) } else { text }
}

impl Chosen {
    /// For people.
    pub(super) fn describe(&self) -> String {
        let all = [
            ("source", Some(&self.source)),
            ("instruction", Some(&self.instruction)),
            ("mask", self.mask.as_ref()),
            ("id", self.id.as_ref()),
            ("seed", self.seed.as_ref()),
        ];
        let told = all.into_iter().filter_map(|(part, name)| Some(format!("{part} = `{}`", name?)));
        let edited = (!self.edited.is_empty()).then(|| format!("edited = {}", listed(&self.edited)));
        let kept = (!self.keep.is_empty()).then(|| format!("kept: {}", listed(&self.keep)));
        told.chain(edited).chain(kept).collect::<Vec<_>>().join(", ")
    }

    /// The names of what may be pictures.
    pub(super) fn pictures(&self) -> impl Iterator<Item = &str> {
        [&self.source].into_iter().chain(&self.mask).chain(&self.edited).map(String::as_str)
    }

    /// Every name once.
    pub(super) fn names(&self) -> Vec<&str> {
        let perhaps = [&self.mask, &self.id, &self.seed].into_iter().flatten();
        let mut names: Vec<&str> =
            [&self.source, &self.instruction].into_iter().chain(perhaps).map(String::as_str).collect();
        names.extend(self.edited.iter().chain(&self.keep).map(String::as_str));
        names.sort_unstable();
        names.dedup();
        names
    }
}
