//! `editscale score --pairs FILE`: one line in, one line out, in order.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use editscale_core::{Image, RewardItem};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::appended::{Appended, Head, foreign, head_path};
use crate::args::Score;
use crate::commands::score::item;
use crate::commands::score::judges::{Judges, Said};
use crate::commands::score::results::{failed, scored, with_head};
use crate::failure::{Misuse, STOPPED, is_read, tell};
use crate::photograph::{handle, read};
use crate::signals::{StopWords, stop_on_signal};
use crate::writable::check_folder;

/// How many lines are judged together: enough to share sources and fill a batch, few enough to hold in memory.
const TOGETHER: usize = 32;

/// The longest line that is read.
const LONGEST: usize = 1 << 20;

/// A pair of a file, for whoever else judges pairs.
pub(crate) struct Pair {
    /// The two files, for what is said of them.
    pub(crate) names: String,
    /// What is to be judged; or why it cannot be read.
    pub(crate) item: Result<RewardItem, String>,
}

/// Hands out the pairs of a file, so many at a time.
pub(crate) struct Pairs {
    lines: Box<dyn BufRead>,
    folder: PathBuf,
    number: u64,
}

impl Pairs {
    pub(crate) fn open(file: &Path) -> Result<Self> {
        let folder = file.parent().unwrap_or(Path::new("")).to_owned();
        Ok(Self { lines: open(file, false)?, folder, number: 0 })
    }

    /// The next pairs; none behind the last.
    pub(crate) fn next(&mut self, most: usize) -> Result<Vec<Pair>> {
        let mut pairs = Vec::with_capacity(most);
        while pairs.len() < most
            && let Some(text) = next(&mut self.lines)?
        {
            self.number += 1;
            let Asked { number, names, item, .. } = asked(self.number, text, &self.folder);
            let names = if names.is_empty() { format!("line {number}") } else { names };
            pairs.push(Pair { names, item });
        }
        Ok(pairs)
    }
}

/// One line of the file. Other keys are left alone.
#[derive(Deserialize)]
struct Line {
    source: PathBuf,
    edited: PathBuf,
    instruction: String,
    /// Handed through to the answer.
    id: Option<Value>,
}

/// A line on its way.
struct Asked {
    number: u64,
    digest: String,
    id: Option<Value>,
    /// The two files, for what is said of them.
    names: String,
    item: Result<RewardItem, String>,
}

/// What an output file's lines were made with.
#[derive(Serialize, Deserialize, PartialEq)]
struct Heading {
    version: u32,
    rewards: Vec<(String, String)>,
}

impl Head for Heading {
    const CALL: &'static str = "score --pairs";

    fn differs(&self, found: &Self) -> Option<String> {
        (self != found).then(|| format!("expected {:?}, found {:?}", self.rewards, found.rewards))
    }
}

/// Judges all lines, from where an output file ends on.
pub(crate) fn run(arguments: &Score, pairs: &Path) -> Result<ExitCode> {
    if !arguments.words.is_empty() {
        return Err(Misuse::new("--pairs goes without SOURCE EDITED INSTRUCTION").into());
    }
    let is_stdin = pairs == Path::new("-");
    let mut lines = open(pairs, is_stdin)?;
    let folder = if is_stdin { Path::new("") } else { pairs.parent().unwrap_or(Path::new("")) };
    check_output(arguments.output.as_deref(), pairs)?;
    let judges = Judges::load(arguments)?;
    let (mut out, done) = Output::open(arguments.output.as_deref(), &judges)?;
    let mut number = 0;
    for digest in done {
        number += 1;
        skip(&mut lines, number, &digest, arguments)?;
    }
    if number > 0 {
        tell(&format!("{number} lines are done already"));
    }
    let stop = stop_on_signal(words(arguments));
    let (mut failures, mut is_over) = (0, false);
    while !is_over && !stop.is_stopped() {
        let mut together = Vec::with_capacity(TOGETHER);
        while together.len() < TOGETHER
            && let Some(text) = next(&mut lines)?
        {
            number += 1;
            together.push(asked(number, text, folder));
        }
        let answers = answers(&judges, &together);
        failures += answers.iter().filter(|answer| has_failure(answer)).count();
        is_over = !out.write(&answers)? || together.len() < TOGETHER;
    }
    if failures > 0 {
        tell(&format!("{failures} of {number} lines could not be scored: each says why"));
    }
    if !is_over {
        tell(&format!("stopped: {}", go_on(arguments)));
        return Ok(ExitCode::from(STOPPED));
    }
    Ok(ExitCode::SUCCESS)
}

/// What is done of a file that is not at its end.
fn go_on(arguments: &Score) -> &'static str {
    match arguments.output {
        Some(_) => "the same command goes on from here",
        None => "with --output the same command would go on from here",
    }
}

fn words(arguments: &Score) -> StopWords {
    StopWords {
        first: format!("stopping: up to {TOGETHER} lines under way are finished; once more to end at once"),
        last: format!("ended: {}", go_on(arguments)),
    }
}

/// Whether a reward, or all, could not score a line.
fn has_failure(answer: &Value) -> bool {
    let scores = answer.get("scores").and_then(Value::as_object).into_iter().flatten();
    answer.get("error").is_some() || scores.into_iter().any(|(_, score)| score.get("failure").is_some())
}

fn open(pairs: &Path, is_stdin: bool) -> Result<Box<dyn BufRead>> {
    if is_stdin {
        return Ok(Box::new(BufReader::new(io::stdin())));
    }
    let file = File::open(pairs).map_err(|error| Misuse::new(format!("cannot read {}: {error}", pairs.display())))?;
    Ok(Box::new(BufReader::new(file)))
}

/// A line of the pairs.
struct Text {
    /// Its bytes without the line's end, no more than [`LONGEST`] and one.
    bytes: Vec<u8>,
    digest: String,
}

/// The next line; nothing behind the last. Of a line that is too long only the beginning is held.
fn next(lines: &mut dyn BufRead) -> Result<Option<Text>> {
    let mut bytes = Vec::new();
    let read = lines.take(LONGEST as u64 + 1).read_until(b'\n', &mut bytes).context("cannot read the pairs")?;
    if read == 0 {
        return Ok(None);
    }
    if bytes.len() > LONGEST && bytes.last() != Some(&b'\n') {
        pass_over(lines)?;
    } else {
        while bytes.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
            bytes.pop();
        }
    }
    let digest = digest_of(&bytes);
    Ok(Some(Text { bytes, digest }))
}

/// Reads to the end of a line without keeping it.
fn pass_over(lines: &mut dyn BufRead) -> Result<()> {
    loop {
        let held = lines.fill_buf().context("cannot read the pairs")?;
        let end = held.iter().position(|byte| *byte == b'\n');
        let (used, is_over) = (end.map_or(held.len(), |at| at + 1), end.is_some() || held.is_empty());
        lines.consume(used);
        if is_over {
            return Ok(());
        }
    }
}

/// Passes a line over that has its answer already.
fn skip(lines: &mut dyn BufRead, number: u64, digest: &str, arguments: &Score) -> Result<()> {
    let out = arguments.output.as_deref().unwrap_or(Path::new("")).display();
    match next(lines)? {
        Some(text) if text.digest == digest => Ok(()),
        Some(_) => bail!(Misuse::new(format!(
            "line {number} of {out} answers another line than line {number} of the pairs: expected the file that it was begun with"
        ))),
        None => {
            bail!(Misuse::new(format!("{out} has more lines than the pairs: expected the file that it was begun with")))
        }
    }
}

fn digest_of(text: &[u8]) -> String {
    editscale_engine::digest_of(text).to_string()[..16].to_owned()
}

fn asked(number: u64, text: Text, folder: &Path) -> Asked {
    let Text { bytes, digest } = text;
    if bytes.len() > LONGEST {
        let item = Err(format!("the line is too long: expected at most {LONGEST} bytes"));
        return Asked { number, digest, id: None, names: String::new(), item };
    }
    match serde_json::from_slice::<Line>(&bytes) {
        Ok(line) => {
            let names = format!("{} → {}", line.source.display(), line.edited.display());
            Asked { number, digest, id: line.id.clone(), names, item: item_of(&line, folder) }
        }
        Err(error) => {
            let item = Err(format!("the line is not an object with `source`, `edited` and `instruction`: {error}"));
            Asked { number, digest, id: None, names: String::new(), item }
        }
    }
}

/// Paths are taken from the folder of the pairs.
fn item_of(line: &Line, folder: &Path) -> Result<RewardItem, String> {
    let picture = |path: &Path| -> Result<Image, String> {
        let encoded = read(&folder.join(path)).map_err(|error| format!("{error:#}"))?;
        Ok(handle(&encoded))
    };
    item(picture(&line.source)?, picture(&line.edited)?, &line.instruction)
}

fn answers(judges: &Judges, asked: &[Asked]) -> Vec<Value> {
    let items: Vec<RewardItem> = asked.iter().filter_map(|asked| asked.item.as_ref().ok()).cloned().collect();
    let said = if items.is_empty() { Vec::new() } else { judges.score(&items) };
    let mut place = 0;
    let answer = |asked: &Asked| {
        let body = if let Err(message) = &asked.item {
            json!({"error": {"kind": "invalid", "message": message}})
        } else {
            place += 1;
            body(judges, &said, place - 1, &asked.names)
        };
        let id = asked.id.iter().map(|id| ("id", id.clone()));
        let head: Vec<(&str, Value)> =
            [("line", json!(asked.number)), ("pair", json!(asked.digest))].into_iter().chain(id).collect();
        with_head(&head, &body)
    };
    asked.iter().map(answer).collect()
}

/// What all rewards said of one item: the only one's score by itself, else scores by name.
fn body(judges: &Judges, said: &[Said], place: usize, names: &str) -> Value {
    if judges.is_single() {
        return match said.first().and_then(|(_, answers)| answers.get(place)) {
            Some(Ok(judgement)) => scored(judgement),
            Some(Err(failure)) => json!({"error": failed(failure, names)}),
            None => json!({"error": {"kind": "malformed", "message": "the reward gave no answer"}}),
        };
    }
    let of = |(name, answers): &Said| {
        let value = match answers.get(place) {
            Some(Ok(judgement)) => scored(judgement),
            Some(Err(failure)) => json!({"failure": failed(failure, names)}),
            None => json!({"failure": {"kind": "malformed", "message": "the reward gave no answer"}}),
        };
        (name.to_string(), value)
    };
    json!({"scores": said.iter().map(of).collect::<Map<_, _>>()})
}

/// Looks at where answers go before weights are loaded.
fn check_output(path: Option<&Path>, pairs: &Path) -> Result<()> {
    let Some(path) = path else { return Ok(()) };
    if is_same(&head_path(path), pairs) || is_same(path, pairs) {
        let message = format!("{} would overwrite the pairs: expected another output", path.display());
        return Err(Misuse::new(message).into());
    }
    check_folder(path)
}

/// Where answers go.
enum Output {
    Stdout,
    /// A file that may hold the first of them already.
    File(Appended),
}

impl Output {
    /// With the digests of the lines that are answered.
    fn open(path: Option<&Path>, judges: &Judges) -> Result<(Self, Vec<String>)> {
        let Some(path) = path else { return Ok((Self::Stdout, Vec::new())) };
        let (file, lines) = Appended::open(path, &Heading { version: 1, rewards: judges.revisions() })?;
        Ok((Self::File(file), digests(&lines, path)?))
    }

    /// Writes answers, a line each; whether anybody wants more of them.
    fn write(&mut self, answers: &[Value]) -> Result<bool> {
        match self {
            Self::Stdout => {
                let mut stdout = io::stdout();
                is_read(answers.iter().try_for_each(|answer| writeln!(stdout, "{answer}")))
            }
            Self::File(file) => {
                answers.iter().try_for_each(|answer| file.write(answer))?;
                file.flush().map(|()| true)
            }
        }
    }
}

/// Whether two paths lead to one file.
fn is_same(one: &Path, other: &Path) -> bool {
    matches!((fs::canonicalize(one), fs::canonicalize(other)), (Ok(one), Ok(other)) if one == other)
}

fn digests(bytes: &[u8], path: &Path) -> Result<Vec<String>> {
    let digest = |(at, line): (usize, &[u8])| {
        let value: Option<Value> = serde_json::from_slice(line).ok();
        let digest = value.as_ref().and_then(|value| value.get("pair")).and_then(Value::as_str).map(ToOwned::to_owned);
        digest.ok_or_else(|| foreign::<Heading>(path, at + 1).into())
    };
    bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).enumerate().map(digest).collect()
}
