//! A desk: a data set of tiny pictures, a scripted reward, and a folder for what comes of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use editscale_core::{Objective, RewardModel};
use editscale_curate::Record;
use editscale_curate::drive::{CurateError, Curation, CurationRules, Summary, judge_all};
use editscale_curate::judging::{Judges, Loader};
use editscale_curate::table::ScoreFiles;
use editscale_engine::StopSignal;
use editscale_fetch::Patience;
use editscale_picture::{Limits, Rgb8, encode_rgb8};
use editscale_rollout::dataset::{Dataset, Pictures};
use editscale_rollout::depot::Depot;
use editscale_rollout::drive::{Progress, Reporter};
use editscale_rollout::queue::{QueueRules, ShardQueue, SqliteQueue, WorkQueue};
use editscale_rollout::{Columns, Edited};
use editscale_search::Weighted;
use editscale_testkit::{FakeReward, reward_card};

/// A picture of four pixels.
pub(crate) fn picture(shade: u8) -> Vec<u8> {
    let data = (0..12).map(|value: u8| value.wrapping_mul(20).wrapping_add(shade)).collect();
    encode_rgb8(&Rgb8 { width: 2, height: 2, data }).unwrap()
}

/// What was told.
#[derive(Debug, Default)]
pub(crate) struct Heard(pub(crate) Mutex<Vec<String>>);

impl Reporter for Heard {
    fn tell(&self, line: &str) {
        self.0.lock().unwrap().push(line.to_owned());
    }

    fn progress(&self, _: &Progress) {}
}

/// A place for one data set.
pub(crate) struct Desk {
    pub(crate) folder: PathBuf,
    pub(crate) reward: FakeReward,
    pub(crate) rules: CurationRules,
    pub(crate) heard: Arc<Heard>,
    /// Items that the reward has been asked about.
    pub(crate) asked: Arc<AtomicU64>,
}

/// So many rows, each with two edited pictures, in a folder; of row 3 the second edited picture is none, row 5 has no source.
pub(crate) fn write_rows(folder: &Path, rows: u8) {
    let mut lines = String::new();
    for row in 0..rows {
        let names = [format!("s{row}.png"), format!("a{row}.png"), format!("b{row}.png")];
        for (name, shade) in names.iter().zip([row, row.wrapping_add(90), row.wrapping_add(180)]) {
            let bytes = if row == 3 && name.starts_with('b') { b"no picture".to_vec() } else { picture(shade) };
            fs::write(folder.join(name), bytes).unwrap();
        }
        if row == 5 {
            fs::remove_file(folder.join(&names[0])).unwrap();
        }
        let line = serde_json::json!({
            "id": format!("row-{row}"), "source": names[0], "edited": names[1..], "instruction": format!("make it {row}"),
            "licence": "CC0",
        });
        writeln!(lines, "{line}").unwrap();
    }
    fs::write(folder.join("rows.jsonl"), lines).unwrap();
}

impl Desk {
    /// With so many rows.
    pub(crate) fn new(folder: &Path, rows: u8) -> Self {
        write_rows(folder, rows);
        Self::over(folder)
    }

    /// Over rows that are there.
    pub(crate) fn over(folder: &Path) -> Self {
        let mut reward = FakeReward::new(reward_card("judge"));
        let asked = Arc::new(AtomicU64::new(0));
        let (count, by_digest) = (Arc::clone(&asked), Arc::clone(&reward.judges));
        reward.judges = Arc::new(move |item| {
            count.fetch_add(1, Ordering::SeqCst);
            by_digest(item)
        });
        let rules = CurationRules { rows_per_block: 2, blocks_per_file: 2, ..CurationRules::default() };
        Self { folder: folder.to_owned(), reward, rules, heard: Arc::default(), asked }
    }

    pub(crate) fn out(&self) -> PathBuf {
        self.folder.join("out")
    }

    pub(crate) fn judges(&self) -> Judges {
        let weights = vec![(self.reward.card.name.clone(), 1.0)];
        let objective: Arc<dyn Objective> = Arc::new(Weighted::new(weights.clone()).unwrap());
        Judges::new(vec![Arc::new(self.reward.clone()) as Arc<dyn RewardModel>], objective, weights).unwrap()
    }

    /// All that is needed to judge, called as it is by its own process.
    pub(crate) fn plan(&self) -> Curation {
        let (out, state) = (self.out(), self.out().join("state"));
        fs::create_dir_all(&state).unwrap();
        let columns = Columns { edited: Edited::Usual, keep: vec!["licence".to_owned()], ..Columns::default() };
        let rules = QueueRules { lease: self.rules.lease, deliveries: self.rules.deliveries };
        let queue: Arc<dyn WorkQueue> = match self.rules.sharding {
            None => Arc::new(SqliteQueue::open(&state.join("queue.sqlite"), rules, "test").unwrap()),
            Some(share) => {
                let own = state.join(share.index().to_string());
                fs::create_dir_all(&own).unwrap();
                Arc::new(ShardQueue::open(&own, rules, "test").unwrap())
            }
        };
        Curation {
            judges: Some(self.judges()),
            rewards: vec!["judge".to_owned()],
            dataset: Arc::new(Dataset::open(&self.folder.join("rows.jsonl"), &columns).unwrap()),
            loader: Loader::new(Pictures::new(Limits::default(), Patience::default())),
            queue,
            depot: Arc::new(Depot::open(&out.join("depot").display().to_string()).unwrap()),
            rules: self.rules.clone(),
            progress: out.join("progress.json"),
            out,
            state,
            name: "test".to_owned(),
            reporter: Arc::clone(&self.heard) as _,
        }
    }

    pub(crate) async fn run(&self) -> Result<Summary, CurateError> {
        judge_all(self.plan(), StopSignal::never()).await
    }

    pub(crate) fn records(&self) -> Vec<Record> {
        ScoreFiles::find(&self.out()).unwrap().records().collect::<Result<_, _>>().unwrap()
    }

    /// The bytes of all score files, by name.
    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        files(&self.out())
    }

    /// Files that are left in the depot.
    pub(crate) fn left(&self) -> usize {
        fn count(folder: &Path) -> usize {
            let Ok(entries) = fs::read_dir(folder) else { return 0 };
            entries.map(|entry| entry.unwrap().path()).map(|path| if path.is_dir() { count(&path) } else { 1 }).sum()
        }
        count(&self.out().join("depot"))
    }
}

/// The bytes of all files of scores of a folder, by name.
pub(crate) fn files(out: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(out.join("scores")).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(path).unwrap())).collect()
}

/// What the same rows come to when nothing happens.
pub(crate) async fn undisturbed(rows: u8) -> BTreeMap<String, Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::new(folder.path(), rows);
    let summary = desk.run().await.unwrap();
    assert!(summary.is_over && !summary.was_stopped, "{summary:?}");
    desk.files()
}

/// Long enough for any machine.
pub(crate) const LONG: Duration = Duration::from_secs(120);
