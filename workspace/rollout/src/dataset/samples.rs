//! `WebDataset`: tar archives in which members of one key, one after the other, are a row.

use std::cell::OnceCell;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::cell::{Cell, Cells, dig};
use super::columns::{Chosen, Found, listed};
use super::files::{Files, Stream};
use super::named::{Mention, mentions};
use super::place::{index, numbers, place};
use super::reader::{Reader, Rows, foreign};
use super::subset::samples::Members;
use super::subset::{Copier, CopyError};
use super::tar::{Archive, Forward, Kind, Member, TarError, Walk};
use super::{DatasetError, Listed};
use crate::{Columns, Place, RowProblem};

/// Members that are looked at in one sample.
const MOST_MEMBERS: usize = 1024;
/// The longest text or JSON.
const MOST_TEXT_BYTES: u64 = 16 << 20;
/// The largest picture.
const MOST_PICTURE_BYTES: u64 = 256 << 20;
/// Samples that are looked at to learn which columns there are.
const SAMPLES: usize = 64;
/// Archives that are looked at for it.
const SURVEYED_FILES: usize = 4;
/// What the key of a sample is called as a column.
const KEY: &str = "__key__";
/// Extensions of pictures.
const PICTURES: [&str; 10] = ["jpg", "jpeg", "png", "webp", "tif", "tiff", "bmp", "gif", "jpe", "jfif"];

/// A reader of tar archives.
#[derive(Debug)]
pub(super) struct Samples {
    files: Files,
    chosen: Chosen,
}

/// The members of one key.
#[derive(Debug, Default)]
pub(super) struct Sample {
    pub(super) key: String,
    /// Where its first header lies.
    offset: u64,
    /// Where the bytes of its last member end.
    pub(super) end: u64,
    /// With what comes after the key in their names, in lower case.
    members: Vec<(String, Member)>,
}

impl Samples {
    pub(super) fn open(path: &Path, files: Files, columns: &Columns) -> Result<Self, DatasetError> {
        let found = survey(path, &files)?;
        let chosen = found.choose(columns)?;
        Ok(Self { files, chosen })
    }

    /// What is wrong with a sample, as far as its headers tell.
    fn problem(&self, sample: &Sample) -> Option<String> {
        let mut needed = [&self.chosen.source, &self.chosen.instruction].into_iter().chain(&self.chosen.edited);
        needed.find_map(|name| match sample.member(name) {
            Ok(Some(member)) => check(member, name).err(),
            // It may be in the JSON, which is not read here.
            Ok(None) if sample.has_fields() => None,
            Ok(None) => Some(format!("expected a member `{name}`, found {}", sample.described())),
            Err(reason) => Some(reason),
        })
    }

    /// The sample at a place, if the archive does not break off within it.
    pub(super) fn whole(&self, file: usize, offset: u64) -> Result<Sample, String> {
        let mut groups = Groups::new(Archive { files: &self.files, file }, offset);
        match groups.next() {
            Some(Ok((sample, None))) => Ok(sample),
            Some(Ok((_, Some(reason)))) => Err(reason),
            Some(Err(error)) => Err(say(error)),
            None => Err(absent(offset)),
        }
    }

    /// The pictures that the JSON of a sample names; those that are members of their own need none.
    pub(super) fn mentions(&self, file: usize, sample: Sample) -> Vec<Mention> {
        let opened = Opened { files: &self.files, file, sample, fields: OnceCell::new() };
        let is_member = |name: &str| opened.sample.member(name).is_ok_and(|member| member.is_some());
        let cell = |name: &&str| opened.cell(name).ok().flatten();
        let cells = self.chosen.pictures().filter(|name| !is_member(name)).filter_map(|name| cell(&name));
        cells.flat_map(|cell| mentions(&cell)).collect()
    }

    fn sample(&self, file: usize, offset: u64) -> Result<Sample, String> {
        let mut groups = Groups::new(Archive { files: &self.files, file }, offset);
        match groups.next() {
            Some(Ok((sample, _))) => Ok(sample),
            Some(Err(error)) => Err(say(error)),
            None => Err(absent(offset)),
        }
    }
}

fn absent(offset: u64) -> String {
    format!("expected a member at byte {offset}, found the end of the archive")
}

/// A sample whose members are read as they are asked for.
struct Opened<'a> {
    files: &'a Files,
    file: usize,
    sample: Sample,
    /// What its JSON holds, once it is read.
    fields: OnceCell<Vec<Map<String, Value>>>,
}

impl Opened<'_> {
    fn cell(&self, name: &str) -> Result<Option<Cell>, String> {
        if name == KEY {
            return Ok(Some(Cell::Value(Value::String(self.sample.key.clone()))));
        }
        if let Some(member) = self.sample.member(name)? {
            return self.read(member, name).map(Some);
        }
        let found = self.fields()?.iter().find_map(|fields| name.split(';').find_map(|name| dig(fields, name)));
        Ok(found.cloned().map(Cell::Value))
    }

    fn fields(&self) -> Result<&[Map<String, Value>], String> {
        if let Some(fields) = self.fields.get() {
            return Ok(fields);
        }
        let json = self.sample.members.iter().filter(|(suffix, _)| is_json(suffix));
        let fields = json.map(|(_, member)| object(&self.bytes(member, "JSON")?, &member.name));
        let fields = fields.collect::<Result<Vec<_>, String>>()?;
        Ok(self.fields.get_or_init(|| fields))
    }

    fn read(&self, member: &Member, name: &str) -> Result<Cell, String> {
        let bytes = self.bytes(member, name)?;
        if is_picture(&member.name) {
            return Ok(Cell::Picture { bytes: Some(bytes), name: Some(base(&member.name).to_owned()) });
        }
        if is_json(&member.name) {
            let value = serde_json::from_slice(&bytes);
            return value.map(Cell::Value).map_err(|error| format!("`{}` is not JSON: {error}", member.name));
        }
        Ok(match String::from_utf8(bytes) {
            Ok(text) => Cell::Value(Value::String(text.trim_end_matches(['\n', '\r']).to_owned())),
            Err(error) => Cell::Bytes(error.into_bytes()),
        })
    }

    fn bytes(&self, member: &Member, name: &str) -> Result<Vec<u8>, String> {
        check(member, name)?;
        let bytes =
            self.files.read_at(self.file, member.data, index(member.size)).map_err(|error| error.to_string())?;
        if bytes.len() as u64 == member.size {
            return Ok(bytes);
        }
        Err(format!("`{}`: expected {} bytes, found {}: the archive is cut", member.name, member.size, bytes.len()))
    }
}

/// Whether a member can be read at all.
fn check(member: &Member, name: &str) -> Result<(), String> {
    let most = if is_picture(&member.name) { MOST_PICTURE_BYTES } else { MOST_TEXT_BYTES };
    match &member.kind {
        Kind::Link(to) => Err(format!(
            "expected a file for `{name}`, found `{}`, a link to `{to}`: write the file itself",
            member.name
        )),
        _ if member.size == 0 => Err(format!("`{}` ({name}) is empty", member.name)),
        _ if member.size > most => {
            Err(format!("`{}`: expected at most {most} bytes, found {}", member.name, member.size))
        }
        _ => Ok(()),
    }
}

fn object(bytes: &[u8], name: &str) -> Result<Map<String, Value>, String> {
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(format!("expected a JSON object in `{name}`, found another value")),
        Err(error) => Err(format!("expected a JSON object in `{name}`, found what is not JSON: {error}")),
    }
}

fn extension(name: &str) -> String {
    name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase()
}

fn is_picture(name: &str) -> bool {
    PICTURES.contains(&extension(name).as_str())
}

fn is_json(name: &str) -> bool {
    extension(name) == "json"
}

fn base(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// The key of a member and what comes after it. Members that have none, or are hidden, belong to no sample.
fn split(name: &str) -> Option<(&str, String)> {
    let name = name.strip_prefix("./").unwrap_or(name);
    let base = base(name);
    let dot = base.find('.').filter(|dot| *dot > 0)?;
    let at = name.len() - base.len() + dot;
    let is_note = base.starts_with("__") && base.ends_with("__");
    let suffix = name.get(at + 1..).filter(|suffix| !suffix.is_empty() && !is_note)?;
    Some((name.get(..at)?, suffix.to_ascii_lowercase()))
}

/// A suffix without the extension of its format, where it has both.
fn stem(suffix: &str) -> Option<&str> {
    suffix.rsplit_once('.').map(|(stem, _)| stem)
}

impl Sample {
    /// The member that a name means: by its whole suffix, or without the extension. Alternatives stand between semicolons.
    fn member(&self, name: &str) -> Result<Option<&Member>, String> {
        for name in name.split(';') {
            let whole = |suffix: &str| suffix.eq_ignore_ascii_case(name);
            let mut found = self.members.iter().filter(|(suffix, _)| whole(suffix));
            let by_stem = |suffix: &str| stem(suffix).is_some_and(|stem| stem.eq_ignore_ascii_case(name));
            let mut others = self.members.iter().filter(|(suffix, _)| by_stem(suffix));
            let (first, second) = match found.next() {
                Some(first) => (Some(first), found.next()),
                None => (others.next(), others.next()),
            };
            match (first, second) {
                (Some(_), Some((_, second))) => {
                    return Err(format!("expected one member `{name}`, found a second: `{}`", second.name));
                }
                (Some((_, member)), None) => return Ok(Some(member)),
                (None, _) => {}
            }
        }
        Ok(None)
    }

    fn has_fields(&self) -> bool {
        self.members.iter().any(|(suffix, _)| is_json(suffix))
    }

    fn described(&self) -> String {
        listed(&self.members.iter().map(|(suffix, _)| suffix.clone()).collect::<Vec<_>>())
    }
}

/// A walk over the samples of an archive.
struct Groups<F> {
    walk: Walk<F>,
    /// The sample whose members are being gathered.
    open: Option<Sample>,
    is_over: bool,
}

impl<F: Forward> Groups<F> {
    fn new(archive: F, offset: u64) -> Self {
        Self { walk: Walk::new(archive, offset), open: None, is_over: false }
    }

    /// The next sample; with what is wrong where the archive breaks off within it.
    fn next(&mut self) -> Option<Result<(Sample, Option<String>), TarError>> {
        while !self.is_over {
            match self.walk.next() {
                Ok(Some(member)) => {
                    if let Some(whole) = self.add(member) {
                        return Some(Ok((whole, None)));
                    }
                }
                Ok(None) => self.is_over = true,
                Err(error) => {
                    self.is_over = true;
                    return Some(match (self.open.take(), error) {
                        (Some(sample), TarError::Broken(reason)) => Ok((sample, Some(reason))),
                        (_, error) => Err(error),
                    });
                }
            }
        }
        self.open.take().map(|sample| Ok((sample, None)))
    }

    /// Adds a member to the open sample. With a member of another key that sample is whole.
    fn add(&mut self, member: Member) -> Option<Sample> {
        let (key, suffix) = split(&member.name).filter(|_| member.kind != Kind::Other)?;
        match &mut self.open {
            Some(sample) if sample.key == key => {
                sample.end = member.data.saturating_add(member.size);
                if sample.members.len() < MOST_MEMBERS {
                    sample.members.push((suffix, member));
                }
                None
            }
            open => {
                let (key, offset, end) = (key.to_owned(), member.header, member.data.saturating_add(member.size));
                open.replace(Sample { key, offset, end, members: vec![(suffix, member)] })
            }
        }
    }
}

fn say(error: TarError) -> String {
    match error {
        TarError::Read(error) => error.to_string(),
        TarError::Broken(reason) => reason,
    }
}

/// The columns of the first samples: suffixes, suffixes without their extension, and the fields of JSON.
pub(super) fn survey<'a>(path: &'a Path, files: &Files) -> Result<Found<'a>, DatasetError> {
    let (mut survey, mut broken) = (Survey::default(), None);
    for file in 0..files.count().min(SURVEYED_FILES) {
        match survey.look_through(files, file) {
            Ok(()) => {}
            Err(TarError::Read(error)) => return Err(DatasetError::reading(files.path(file))(error)),
            // The samples before it are enough; its rows are told where they are listed.
            Err(TarError::Broken(reason)) => {
                broken.get_or_insert(DatasetError::Broken { path: files.path(file).to_owned(), reason });
            }
        }
    }
    if survey.samples == 0 {
        return Err(broken.unwrap_or_else(|| DatasetError::Empty { path: path.to_owned() }));
    }
    let picture = survey.has_plain_picture.then(|| PICTURES.join(";"));
    let names = survey.members.iter().chain(&survey.fields).cloned().chain([KEY.to_owned()]).collect();
    Ok(Found { path, names, members: survey.members, picture })
}

#[derive(Default)]
struct Survey {
    samples: usize,
    members: Vec<String>,
    fields: Vec<String>,
    has_plain_picture: bool,
}

impl Survey {
    fn look_through(&mut self, files: &Files, file: usize) -> Result<(), TarError> {
        let mut groups = Groups::new(files.stream(file)?, 0);
        while self.samples < SAMPLES {
            let Some(found) = groups.next() else { break };
            self.look(files, file, &found?.0)?;
        }
        Ok(())
    }

    fn look(&mut self, files: &Files, file: usize, sample: &Sample) -> std::io::Result<()> {
        self.samples += 1;
        for (suffix, member) in &sample.members {
            add(&mut self.members, suffix);
            if let Some(stem) = stem(suffix) {
                add(&mut self.members, stem);
            }
            self.has_plain_picture |= PICTURES.contains(&suffix.as_str());
            if is_json(suffix) && member.kind == Kind::File && member.size <= MOST_TEXT_BYTES {
                let bytes = files.read_at(file, member.data, index(member.size))?;
                let fields = object(&bytes, &member.name).unwrap_or_default();
                fields.keys().for_each(|key| add(&mut self.fields, key));
            }
        }
        Ok(())
    }
}

fn add(names: &mut Vec<String>, name: &str) {
    if !names.iter().any(|known| known == name) {
        names.push(name.to_owned());
    }
}

impl Reader for Samples {
    fn format(&self) -> &'static str {
        "WebDataset"
    }

    fn files(&self) -> &Files {
        &self.files
    }

    fn chosen(&self) -> &Chosen {
        &self.chosen
    }

    fn list(self: Arc<Self>) -> Rows {
        let mut walk = Shards { file: 0, groups: None };
        Box::new(std::iter::from_fn(move || walk.next(&self)))
    }

    fn spot(&self, place: &Place) -> String {
        let Some([file, offset]) = numbers(place) else { return place.to_string() };
        let name = self.files.name(index(file));
        match self.sample(index(file), offset) {
            Ok(sample) => format!("{name}, sample {}", sample.key),
            Err(_) => format!("{name}, byte {offset}"),
        }
    }

    fn cells(&self, place: &Place) -> Result<Cells, String> {
        let [file, offset] = numbers(place).ok_or_else(|| foreign(place))?;
        let file = index(file);
        let sample = self.sample(file, offset)?;
        let opened = Opened { files: &self.files, file, sample, fields: OnceCell::new() };
        let cells = Cells::gather(&self.chosen, |name| opened.cell(name));
        cells.map_err(|reason| format!("{reason}; the sample has {}", opened.sample.described()))
    }

    fn copier(self: Arc<Self>, file: usize, created: File) -> Result<Box<dyn Copier>, CopyError> {
        Ok(Box::new(Members::new(self, file, created)?))
    }
}

/// A walk over the samples of all archives.
struct Shards {
    file: usize,
    groups: Option<Groups<Stream>>,
}

impl Shards {
    fn next(&mut self, samples: &Samples) -> Option<Result<Listed, DatasetError>> {
        while self.file < samples.files.count() {
            let groups = match &mut self.groups {
                Some(groups) => groups,
                None => match samples.files.stream(self.file) {
                    Ok(stream) => self.groups.insert(Groups::new(stream, 0)),
                    Err(error) => return Some(Err(self.stop(samples, error))),
                },
            };
            match groups.next() {
                Some(Ok((sample, broken))) => return Some(Ok(self.listed(samples, &sample, broken))),
                Some(Err(TarError::Read(error))) => return Some(Err(self.stop(samples, error))),
                // Between two samples: told as a row of its own, or nobody would hear of the samples that are lost.
                Some(Err(TarError::Broken(reason))) => {
                    let name = samples.files.name(self.file);
                    let listed = listed_problem(place([self.file as u64, u64::MAX]), name, reason);
                    return Some(Ok(listed));
                }
                None => (self.file, self.groups) = (self.file + 1, None),
            }
        }
        None
    }

    fn listed(&self, samples: &Samples, sample: &Sample, broken: Option<String>) -> Listed {
        let place = place([self.file as u64, sample.offset]);
        match broken.or_else(|| samples.problem(sample)) {
            Some(reason) => {
                let spot = format!("{}, sample {}", samples.files.name(self.file), sample.key);
                listed_problem(place, spot, reason)
            }
            None => Listed { place, problem: None },
        }
    }

    fn stop(&mut self, samples: &Samples, error: std::io::Error) -> DatasetError {
        let file = std::mem::replace(&mut self.file, samples.files.count());
        DatasetError::reading(samples.files.path(file))(error)
    }
}

fn listed_problem(place: Place, spot: String, reason: String) -> Listed {
    Listed { place, problem: Some(RowProblem { place: spot, reason }) }
}
