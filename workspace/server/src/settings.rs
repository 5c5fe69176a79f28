//! What a server is told when it is started.

use std::path::PathBuf;
use std::time::Duration;

use editscale_core::Budget;

/// Limits and places.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The folder that holds a folder for each run.
    pub runs_dir: PathBuf,
    /// How long runs are kept that have ended; for ever where it is not said.
    pub keep: Option<Duration>,
    /// Whether pictures that a recipe does not retain are removed at the end of a run. Else all are kept, so that any candidate can be
    /// looked at, picked and gone on from.
    pub retain: bool,
    /// Runs that are carried out at a time. Their editors and rewards are shared.
    pub running: usize,
    /// Runs that may wait; one more is refused until there is room.
    pub waiting: usize,
    /// The most edits that one run may ask for, whatever its recipe and its caller say.
    pub most_edits: u64,
    /// The most bytes of a request's body.
    pub body_bytes: usize,
    /// The most pixels of a picture that is taken in, and of one that is asked for.
    pub pixels: u64,
    /// The longest that a run may take, waiting included; callers may ask for less.
    pub deadline: Duration,
    /// The longest that a request's head may take to arrive.
    pub head_time: Duration,
    /// The longest that a request's body may take to arrive.
    pub body_time: Duration,
    /// The longest silence within a request's body.
    pub body_silence: Duration,
    /// The longest that an answer may wait for a client that does not read it.
    pub write_time: Duration,
    /// Free bytes on the disk of runs below which the server says that it cannot work.
    pub disk_room: u64,
    /// Connections at a time.
    pub connections: usize,
    /// How long requests under way are waited for when the server is told to end.
    pub drain: Duration,
    /// Scorings that may wait at one reward; those of runs are always let in.
    pub scorings: usize,
    /// Whether trainers may speak pickles at `POST /`.
    pub pickles: bool,
    /// The folders whose files agents may name.
    pub roots: Vec<PathBuf>,
    /// Other names of recipes, each with the recipe's own: for clients whose model is written into them.
    pub aliases: Vec<(String, String)>,
    /// What each conversation of an agent over HTTP may spend over all of its calls.
    pub agent_budget: Budget,
}

impl Settings {
    /// The usual limits, for runs in this folder.
    pub fn new(runs_dir: PathBuf) -> Self {
        Self {
            runs_dir,
            keep: None,
            retain: false,
            running: 2,
            waiting: 64,
            most_edits: 64,
            body_bytes: 64 << 20,
            pixels: 50_000_000,
            deadline: Duration::from_secs(600),
            head_time: Duration::from_secs(10),
            body_time: Duration::from_secs(60),
            body_silence: Duration::from_secs(10),
            write_time: Duration::from_secs(30),
            disk_room: 256 << 20,
            connections: 1024,
            drain: Duration::from_secs(30),
            scorings: 1024,
            pickles: false,
            roots: Vec::new(),
            aliases: Vec::new(),
            agent_budget: Budget::default(),
        }
    }
}
