//! The journal: `journal.jsonl`, one entry a line, appended and flushed as things happen.
//!
//! An entry that is in the journal has happened and is never done again; one that is torn by a crash has not.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use editscale_core::{CandidateId, CriticName, RewardName};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::book::{CritiqueKey, JudgementKey};
use crate::wire::{
    BudgetWire, CostWire, DecisionWire, FailureWire, ImageWire, SaidWire, TowerPicturesWire, WireError, WrittenWire,
    is_zero, seconds,
};

/// Why a journal cannot be read or written.
#[derive(Debug, Error)]
pub enum JournalError {
    /// The file cannot be opened, read or written.
    #[error("cannot {what} journal {path}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A line that is not the last is not an entry, or an entry holds a value that cannot be: the file was changed by
    /// something else.
    #[error("journal {path}, line {line}: not a journal entry: {reason}")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
}

/// One line: what happened, and when in active time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Line {
    /// Active seconds since the run began.
    at: f64,
    #[serde(flatten)]
    pub(crate) entry: Entry,
}

impl Line {
    pub(crate) fn at(&self) -> Duration {
        seconds(self.at)
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Entry {
    /// A search decided, with this much left.
    Decided { round: u32, left: BudgetWire, decision: DecisionWire },
    /// An edit is about to leave for a server, or is now known there.
    Submitted {
        id: u32,
        attempt: u32,
        key: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        remote_id: Option<String>,
    },
    /// An attempt failed and is tried again.
    Retried { id: u32, attempt: u32, failure: FailureWire },
    /// A candidate's picture is on disk.
    Edited {
        id: u32,
        image: ImageWire,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        perceptual_hash: Option<String>,
        #[serde(default, skip_serializing_if = "CostWire::is_nothing")]
        cost: CostWire,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        effective_seed: Option<u64>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        notes: Vec<String>,
        secs: f64,
        /// What loading networks took of it.
        #[serde(default, skip_serializing_if = "is_zero")]
        load_ms: u64,
        /// What it asked of a vision tower that others share.
        #[serde(default, skip_serializing_if = "TowerPicturesWire::is_nothing")]
        pictures: TowerPicturesWire,
    },
    /// A candidate will not come about.
    Failed { id: u32, failure: FailureWire },
    /// A judgement that money can be paid for is about to leave. It stands open until `judged` or `judging_failed`.
    Judging {
        #[serde(flatten)]
        judgement: JudgementWire,
        attempt: u32,
        most: CostWire,
    },
    /// A judgement was asked for in vain. It is asked for again where the search still needs it.
    JudgingFailed {
        #[serde(flatten)]
        judgement: JudgementWire,
        failure: FailureWire,
    },
    /// A reward spoke. Of several entries about one judgement the last holds.
    Judged {
        #[serde(flatten)]
        judgement: JudgementWire,
        #[serde(flatten)]
        said: SaidWire,
        #[serde(default, skip_serializing_if = "CostWire::is_nothing")]
        cost: CostWire,
        /// What it asked of a vision tower that others share.
        #[serde(default, skip_serializing_if = "TowerPicturesWire::is_nothing")]
        pictures: TowerPicturesWire,
    },
    /// A critique that money can be paid for is about to leave. It stands open until `critiqued` or `critiquing_failed`.
    Critiquing {
        #[serde(flatten)]
        critique: CritiqueKeyWire,
        attempt: u32,
        most: CostWire,
    },
    /// A critique was asked for in vain. It is asked for again where the search still needs it.
    CritiquingFailed {
        #[serde(flatten)]
        critique: CritiqueKeyWire,
        failure: FailureWire,
    },
    /// A critic wrote.
    Critiqued {
        #[serde(flatten)]
        critique: CritiqueKeyWire,
        #[serde(flatten)]
        written: WrittenWire,
        #[serde(default, skip_serializing_if = "CostWire::is_nothing")]
        cost: CostWire,
    },
}

impl Entry {
    /// The candidate that it speaks of; nothing for a decision, and for what a critic is asked about the request.
    pub(crate) fn candidate(&self) -> Option<u32> {
        match self {
            Self::Decided { .. } => None,
            Self::Submitted { id, .. }
            | Self::Retried { id, .. }
            | Self::Edited { id, .. }
            | Self::Failed { id, .. } => Some(*id),
            Self::Judging { judgement, .. }
            | Self::JudgingFailed { judgement, .. }
            | Self::Judged { judgement, .. } => Some(judgement.id),
            Self::Critiquing { critique, .. }
            | Self::CritiquingFailed { critique, .. }
            | Self::Critiqued { critique, .. } => critique.id,
        }
    }

    /// The round that had a critic rewrite the request's instruction, where it speaks of that.
    pub(crate) fn rewriting(&self) -> Option<u32> {
        match self {
            Self::Critiquing { critique, .. }
            | Self::CritiquingFailed { critique, .. }
            | Self::Critiqued { critique, .. } => critique.id.is_none().then_some(critique.round),
            _ => None,
        }
    }
}

/// Which critique an entry speaks of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct CritiqueKeyWire {
    /// Absent: it is about the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<u32>,
    round: u32,
    critic: String,
}

impl From<&CritiqueKey> for CritiqueKeyWire {
    fn from(key: &CritiqueKey) -> Self {
        Self { id: key.candidate.map(|id| id.0), round: key.round, critic: key.critic.to_string() }
    }
}

impl CritiqueKeyWire {
    pub(crate) fn key(&self) -> Result<CritiqueKey, WireError> {
        let critic = CriticName::new(&self.critic).map_err(|error| error.to_string())?;
        Ok(CritiqueKey { candidate: self.id.map(CandidateId), round: self.round, critic })
    }
}

/// Which judgement an entry speaks of; `round` and `vote` tell those of one candidate by one reward apart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct JudgementWire {
    id: u32,
    round: u32,
    #[serde(default, skip_serializing_if = "is_first")]
    vote: u32,
    reward: String,
}

impl From<&JudgementKey> for JudgementWire {
    fn from(key: &JudgementKey) -> Self {
        Self { id: key.candidate.0, round: key.round, vote: key.vote, reward: key.reward.to_string() }
    }
}

impl JudgementWire {
    pub(crate) fn key(&self) -> Result<JudgementKey, WireError> {
        let reward = RewardName::new(&self.reward).map_err(|error| error.to_string())?;
        Ok(JudgementKey { candidate: CandidateId(self.id), round: self.round, reward, vote: self.vote })
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_first(vote: &u32) -> bool {
    *vote == 0
}

/// A journal open for appending.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    /// How much of the file is whole lines.
    length: u64,
    /// Lines are put together here and written in one call.
    lines: Vec<u8>,
}

impl Journal {
    /// Opens the journal at `path`, making it where it is not there, and reads what it holds. A torn last line is cut
    /// off.
    pub(crate) fn open(path: &Path) -> Result<(Self, Vec<Line>), JournalError> {
        let io = |what| move |source| JournalError::Io { what, path: path.to_owned(), source };
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(io("open"))?;
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(io("read"))?;
        let (lines, whole) = parse(path, &text)?;
        if whole < text.len() {
            file.set_len(whole as u64).map_err(io("repair"))?;
            file.seek(SeekFrom::End(0)).map_err(io("repair"))?;
        }
        Ok((Self { path: path.to_owned(), file, length: whole as u64, lines: Vec::new() }, lines))
    }

    /// Appends an entry. When this returns, a crash of the program does not lose it. Answers with the time as it was
    /// entered.
    pub(crate) fn append(&mut self, at: Duration, entry: Entry) -> Result<Duration, JournalError> {
        self.write(at, [entry])?;
        Ok(seconds(at.as_secs_f64()))
    }

    /// Appends entries. When this returns, a crash of the machine does not lose them either.
    pub(crate) fn append_durably(
        &mut self,
        at: Duration,
        entries: impl IntoIterator<Item = Entry>,
    ) -> Result<(), JournalError> {
        self.write(at, entries)?;
        self.file.sync_data().map_err(|error| self.failed("flush", error))
    }

    fn write(&mut self, at: Duration, entries: impl IntoIterator<Item = Entry>) -> Result<(), JournalError> {
        self.lines.clear();
        for entry in entries {
            let line = Line { at: at.as_secs_f64(), entry };
            serde_json::to_writer(&mut self.lines, &line)
                .map_err(|error| self.failed("write to", io::Error::other(error)))?;
            self.lines.push(b'\n');
        }
        match self.file.write_all(&self.lines) {
            Ok(()) => {
                self.length += self.lines.len() as u64;
                Ok(())
            }
            Err(error) => {
                self.cut_torn();
                Err(self.failed("write to", error))
            }
        }
    }

    /// Takes back what a write that failed has left, such as on a full disk: a later line behind it would be none.
    fn cut_torn(&self) {
        // Where that fails too, the line is torn for whoever opens the journal next, and is cut off there.
        self.file.set_len(self.length).ok();
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn failed(&self, what: &'static str, source: io::Error) -> JournalError {
        JournalError::Io { what, path: self.path.clone(), source }
    }
}

/// That the entry at this index, from 0, is none or holds something that cannot be.
pub(crate) fn corrupt(path: &Path, index: usize, reason: WireError) -> JournalError {
    JournalError::Corrupt { path: path.to_owned(), line: index + 1, reason }
}

/// The entries as a journal has them.
pub(crate) fn text(lines: &[Line]) -> serde_json::Result<Vec<u8>> {
    let mut text = Vec::new();
    for line in lines {
        serde_json::to_writer(&mut text, line)?;
        text.push(b'\n');
    }
    Ok(text)
}

/// The entries of a journal that is not written to.
pub(crate) fn read(path: &Path) -> Result<Vec<Line>, JournalError> {
    let text =
        std::fs::read(path).map_err(|source| JournalError::Io { what: "read", path: path.to_owned(), source })?;
    parse(path, &text).map(|(lines, _)| lines)
}

/// The whole entries, and the length of the text that holds them.
fn parse(path: &Path, text: &[u8]) -> Result<(Vec<Line>, usize), JournalError> {
    let mut lines = Vec::new();
    let mut whole = 0;
    for (index, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let is_last = whole + line.len() == text.len();
        match serde_json::from_slice(line) {
            // Without its line break even a well-formed last line may be the start of a longer one.
            Ok(_) if !line.ends_with(b"\n") => break,
            Ok(entry) => lines.push(entry),
            Err(_) if is_last => break,
            Err(error) => return Err(corrupt(path, index, error.to_string())),
        }
        whole += line.len();
    }
    Ok((lines, whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: u32) -> Entry {
        Entry::Submitted { id, attempt: 0, key: "k".to_owned(), remote_id: None }
    }

    #[test]
    fn a_journal_cut_anywhere_keeps_its_whole_entries() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let (mut journal, _) = Journal::open(&path).unwrap();
        for id in 0..3 {
            journal.append(Duration::from_millis(u64::from(id)), entry(id)).unwrap();
        }
        let text = std::fs::read(&path).unwrap();
        for length in 0..=text.len() {
            std::fs::write(&path, &text[..length]).unwrap();
            let (mut journal, lines) = Journal::open(&path).unwrap();
            let whole =
                text[..length].split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n")).count();
            assert_eq!(lines.len(), whole, "cut at {length}");
            journal.append(Duration::ZERO, entry(9)).unwrap();
            assert_eq!(read(&path).unwrap().len(), whole + 1, "cut at {length}");
        }
    }

    #[test]
    fn what_a_failed_write_has_left_is_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let (mut journal, _) = Journal::open(&path).unwrap();
        journal.append(Duration::ZERO, entry(0)).unwrap();
        journal.file.write_all(b"{\"at\":0.0,\"event\":\"subm").unwrap();
        journal.cut_torn();
        journal.append(Duration::ZERO, entry(1)).unwrap();
        assert_eq!(read(&path).unwrap().len(), 2);
    }

    #[test]
    fn a_bad_line_in_the_middle_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let (mut journal, _) = Journal::open(&path).unwrap();
        journal.append(Duration::ZERO, entry(0)).unwrap();
        journal.file.write_all(b"{\"at\": 1}\n").unwrap();
        journal.append(Duration::ZERO, entry(1)).unwrap();
        let error = Journal::open(&path).unwrap_err().to_string();
        assert!(error.contains("line 2"), "{error}");
    }

    /// I10: what journals hold is read, and written as it was.
    #[test]
    fn every_entry_has_the_form_that_journals_have() {
        let lines = [
            r#"{"at":0.0,"event":"decided","round":0,"left":{"edits":3,"wall_nanos":7},"decision":{"explore":{"proposals":[{"id":0,"editor":"fake","start":"source","seed":5,"edge":"fresh"},{"id":1,"editor":"fake","start":{"paused":0},"until_step":4,"seed":6,"instruction":"warmer","knobs":{"strength":0.5},"parent":0,"edge":"resume"}],"keep":[0]}}}"#,
            r#"{"at":0.5,"event":"decided","round":1,"left":{},"decision":{"judge":{"who":[0],"rewards":["judge"],"votes":2}}}"#,
            r#"{"at":0.5,"event":"decided","round":2,"left":{},"decision":{"consult":{"who":[{"id":0},{"id":2,"canvas":"candidate"}],"earlier":[{"id":1,"utility":0.5}],"critic":"editor"}}}"#,
            r#"{"at":0.5,"event":"decided","round":0,"left":{},"decision":{"rewrite":{"critic":"editor"}}}"#,
            r#"{"at":0.5,"event":"decided","round":3,"left":{"usd_micros":4},"decision":{"stop":{"reason":"stuck","explanation":"no way","ranked":[{"id":0,"utility":0.5,"selection_probability":0.25}],"draw":{"temperature":1.0,"effective_sample_size":1.0,"kl":0.0}}}}"#,
            r#"{"at":0.5,"event":"decided","round":3,"left":{},"decision":{"stop":{"reason":"finished","ranked":[],"draw":{"temperature":1.0,"effective_sample_size":1.0,"kl":0.0,"drawn":1}}}}"#,
            r#"{"at":1.0,"event":"submitted","id":0,"attempt":1,"key":"k","remote_id":"r"}"#,
            r#"{"at":1.0,"event":"retried","id":0,"attempt":1,"failure":{"kind":"unavailable","message":"no"}}"#,
            r#"{"at":1.0,"event":"edited","id":0,"image":{"digest":"00","format":"png","width":1,"height":2},"cost":{"nfe":3},"effective_seed":9,"notes":["n"],"secs":0.25}"#,
            r#"{"at":1.0,"event":"edited","id":1,"image":{"digest":"00","format":"png","width":1,"height":2},"secs":0.25,"load_ms":1700,"pictures":{"computed":1,"found":2}}"#,
            r#"{"at":1.0,"event":"edited","id":1,"image":{"digest":"01","format":"png","width":1,"height":2},"perceptual_hash":"00ff00000000a001","secs":0.25}"#,
            r#"{"at":1.0,"event":"failed","id":0,"failure":{"kind":"refused","message":"no","cost":{"tokens":1,"usd_micros":2}}}"#,
            r#"{"at":1.0,"event":"judging","id":0,"round":0,"vote":1,"reward":"judge","attempt":1,"most":{"usd_micros":2}}"#,
            r#"{"at":1.0,"event":"judging_failed","id":0,"round":0,"reward":"judge","failure":{"kind":"ambiguous","message":"?"}}"#,
            r#"{"at":1.0,"event":"judged","id":0,"round":0,"reward":"judge","score":{"mean":0.5,"sigma":0.1,"parts":[{"name":"likeness","mean":1.0}]},"cost":{"tokens":1},"pictures":{"computed":3,"found":1}}"#,
            r#"{"at":1.0,"event":"critiquing","id":0,"round":1,"critic":"editor","attempt":1,"most":{"usd_micros":2}}"#,
            r#"{"at":1.0,"event":"critiquing_failed","id":0,"round":1,"critic":"editor","failure":{"kind":"ambiguous","message":"?"}}"#,
            r#"{"at":1.0,"event":"critiqued","id":0,"round":1,"critic":"editor","critique":{"text":"too dark","instruction":"brighter"},"cost":{"tokens":1}}"#,
            r#"{"at":1.0,"event":"critiqued","id":0,"round":1,"critic":"editor","critique":{"text":"as asked","satisfied":true}}"#,
            r#"{"at":1.0,"event":"critiquing","round":0,"critic":"editor","attempt":1,"most":{"usd_micros":2}}"#,
            r#"{"at":1.0,"event":"critiquing_failed","round":0,"critic":"editor","failure":{"kind":"ambiguous","message":"?"}}"#,
            r#"{"at":1.0,"event":"critiqued","round":0,"critic":"editor","critique":{"text":"a night","instruction":"make the sky black"}}"#,
            r#"{"at":1.0,"event":"critiqued","id":0,"round":1,"critic":"editor","failed":{"kind":"malformed","message":"no JSON"}}"#,
            r#"{"at":1.0,"event":"judged","id":1,"round":0,"reward":"judge","score":{"mean":0.5,"features":[0.1,-0.000034,16777216.0]}}"#,
            r#"{"at":1.0,"event":"judged","id":0,"round":0,"vote":2,"reward":"judge","failed":{"kind":"timed_out","message":"late"}}"#,
        ];
        for line in lines {
            let entry: Line = serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
            assert_eq!(String::from_utf8(text(&[entry]).unwrap()).unwrap(), format!("{line}\n"));
        }
    }
}
