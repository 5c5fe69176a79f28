//! What the benchmarks have in common: a Python script that answers lines, and the medians of what is measured beside it.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::de::DeserializeOwned;

/// Names the Python that has what `tests/parity/requirements.txt` lists.
pub(crate) const PYTHON: &str = "EDITSCALE_PARITY_PYTHON";

/// The Python to compare with; where there is none, says how to give one.
pub(crate) fn python() -> Option<PathBuf> {
    let python = std::env::var_os(PYTHON).map(PathBuf::from);
    if python.is_none() {
        println!("Nothing was measured: set {PYTHON} to a Python with PyTorch (see tests/parity/README.md).");
    }
    python
}

/// A script of the parity suite.
pub(crate) fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/parity").join(name)
}

/// The threads of both sides: what candle uses, which `RAYON_NUM_THREADS` sets.
pub(crate) fn threads() -> usize {
    candle_core::utils::get_num_threads()
}

/// How often everything is measured: what `EDITSCALE_ROUNDS` says.
pub(crate) fn rounds(otherwise: usize) -> usize {
    std::env::var("EDITSCALE_ROUNDS").map_or(otherwise, |rounds| rounds.parse().unwrap())
}

/// A script at work.
pub(crate) struct Reference {
    child: Child,
    /// Closed to end the script.
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Reference {
    /// Starts a script.
    pub(crate) fn start(python: &Path, name: &str, arguments: &[&OsStr]) -> Self {
        let mut command = Command::new(python);
        command.arg(script(name)).args(arguments).args(["--threads", &threads().to_string()]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (questions, answers) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, questions, answers }
    }

    /// Its answer to a line.
    pub(crate) fn ask<T: DeserializeOwned>(&mut self, line: &str) -> T {
        writeln!(self.questions.as_mut().unwrap(), "{line}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("the script said {answer:?}: {error}"))
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        self.questions.take();
        self.child.wait().unwrap();
    }
}

/// The value in the middle; of an even number of values, the mean of both.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[half] } else { f64::midpoint(sorted[half - 1], sorted[half]) }
}
