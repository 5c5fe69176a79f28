//! How a drive tells how far it is: a bar on a terminal, a line now and then elsewhere.

use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use editscale_rollout::drive::{Progress, Reporter};
use indicatif::{HumanDuration, ProgressBar, ProgressStyle};

use crate::failure::tell;
use crate::progress::{show_bar, tell_beside_bar};

/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(15);

/// How often trouble is told that many rows may have.
const TROUBLE_EVERY: Duration = Duration::from_secs(10);

/// A bar, or lines.
#[derive(Debug)]
pub(crate) struct Reports {
    bar: Option<ProgressBar>,
    told: Mutex<Option<Instant>>,
    troubled: Mutex<Option<Instant>>,
    /// Whether the counts are of more than this process does: then it says so.
    is_worker: bool,
    /// What items, what comes of them, and files are called, in the plural.
    words: [&'static str; 3],
}

impl Reports {
    pub(crate) fn new(is_worker: bool, words: [&'static str; 3]) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(0);
            let style = ProgressStyle::with_template("{bar:10} {pos}/{len} {wide_msg} {elapsed}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.enable_steady_tick(Duration::from_millis(250));
            show_bar(&bar);
            bar
        });
        Self { bar, told: Mutex::new(None), troubled: Mutex::new(None), is_worker, words }
    }

    fn is_due(told: &Mutex<Option<Instant>>, every: Duration) -> bool {
        let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = told.is_none_or(|at| at.elapsed() >= every);
        if is_due {
            *told = Some(Instant::now());
        }
        is_due
    }
}

/// What a bar or a line says beside the counts.
fn words(progress: &Progress, [_, results, files]: [&str; 3]) -> String {
    let tallies = &progress.tallies;
    let mut words = vec![format!("{:.1} {results}/s", progress.candidates_per_sec)];
    let mut count = |number: u64, what: &str| {
        if number > 0 {
            words.push(format!("{number} {what}"));
        }
    };
    count(tallies.leased, "under way");
    count(tallies.skipped, "skipped");
    count(tallies.dead, "given up");
    count(progress.shards, files);
    if tallies.spent.usd_micros > 0 {
        words.push(format!("${:.2}", tallies.spent.usd_micros as f64 / 1e6));
    }
    if let Some(left) = progress.left {
        words.push(format!("{} left", HumanDuration(left)));
    }
    words.join(" · ")
}

impl Reporter for Reports {
    fn tell(&self, line: &str) {
        tell_beside_bar(line);
    }

    fn trouble(&self, line: &str) {
        if Self::is_due(&self.troubled, TROUBLE_EVERY) {
            tell_beside_bar(line);
        }
    }

    fn progress(&self, progress: &Progress) {
        let (ended, entered) = (progress.tallies.ended(), progress.tallies.entered);
        if let Some(bar) = &self.bar {
            bar.set_length(entered);
            bar.set_position(ended);
            bar.set_message(words(progress, self.words));
        } else if entered > 0 && Self::is_due(&self.told, LINE_EVERY) {
            let whose = if self.is_worker { "all workers: " } else { "" };
            let items = self.words[0];
            tell(&format!("{whose}{ended} of {entered} {items} · {}", words(progress, self.words)));
        }
    }
}
