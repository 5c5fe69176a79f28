//! A desk: a data set, a scripted editor and reward, and a folder for what comes of them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};
use editscale_core::{EditBackend, Objective, RewardModel, Seed};
use editscale_engine::{Limits, Retry, StopSignal};
use editscale_fetch::Patience;
use editscale_rollout::advantage::AdvantageKind;
use editscale_rollout::dataset::{Dataset, Pictures};
use editscale_rollout::depot::Depot;
use editscale_rollout::drive::{
    Drive, DriveError, DriveRules, Folders, PolicyPlan, Progress, Reporter, Roles, Summary, drive,
};
use editscale_rollout::export::ExportRules;
use editscale_rollout::queue::{QueueRules, ShardQueue, Sharding, SqliteQueue, WorkQueue};
use editscale_rollout::{Columns, Measures, Rows, Workshop};
use editscale_search::{BestOfN, Rules, StopRule, Weighted};
use editscale_testkit::{FakeEditor, FakeReward, editor_card, reward_card};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// A picture of one pixel.
pub(crate) fn picture(shade: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 1, 1);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header().unwrap().write_image_data(&[shade, 1, 2]).unwrap();
    bytes
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
    pub(crate) folder: tempfile::TempDir,
    pub(crate) editor: FakeEditor,
    pub(crate) backend: Option<Arc<dyn EditBackend>>,
    pub(crate) reward: FakeReward,
    pub(crate) samples: u32,
    pub(crate) groups_at_once: usize,
    pub(crate) rules: QueueRules,
    pub(crate) resample: u32,
    pub(crate) sharding: Option<Sharding>,
    pub(crate) is_shipped: bool,
    pub(crate) most_usd_micros: Option<u64>,
    pub(crate) policy: Option<PolicyPlan>,
    pub(crate) heard: Arc<Heard>,
}

impl Desk {
    /// With so many rows over pictures of their own.
    pub(crate) fn new(rows: u8) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut lines = String::new();
        for row in 0..rows {
            fs::write(folder.path().join(format!("{row}.png")), picture(row)).unwrap();
            let id = format!("row-{row}");
            let line =
                serde_json::json!({"id": id, "source": format!("{row}.png"), "instruction": format!("make it {row}")});
            writeln!(lines, "{line}").unwrap();
        }
        fs::write(folder.path().join("rows.jsonl"), lines).unwrap();
        Self {
            folder,
            editor: FakeEditor::new(editor_card("fake")),
            backend: None,
            reward: FakeReward::new(reward_card("judge")),
            samples: 4,
            groups_at_once: 3,
            rules: QueueRules { lease: Duration::from_secs(60), deliveries: 10 },
            resample: 0,
            sharding: None,
            is_shipped: false,
            most_usd_micros: None,
            policy: None,
            heard: Arc::default(),
        }
    }

    pub(crate) fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    pub(crate) fn rows(&self) -> PathBuf {
        self.folder.path().join("rows.jsonl")
    }

    pub(crate) fn depot(&self) -> Depot {
        Depot::open(&self.out().join("depot").display().to_string()).unwrap()
    }

    fn workshop(&self) -> Workshop {
        let weights = vec![(self.reward.card.name.clone(), 1.0)];
        let objective: Arc<dyn Objective> = Arc::new(Weighted::new(weights).unwrap());
        let rules = Rules { objective: Arc::clone(&objective), stop: StopRule::default() };
        let retry = Retry { attempts: 2, base: Duration::from_millis(1), most: Duration::from_millis(2) };
        Workshop {
            editors: vec![self.backend.clone().unwrap_or_else(|| Arc::new(self.editor.clone()))],
            rewards: vec![Arc::new(self.reward.clone()) as Arc<dyn RewardModel>],
            critics: Vec::new(),
            search: Arc::new(BestOfN::new(self.samples, None, rules).unwrap()),
            objective,
            limits: Limits { retry, whole_rounds: true, ..Limits::default() },
            recipe: "a recipe".to_owned(),
            resolved_recipe: format!("best of {}", self.samples),
            program: "test".to_owned(),
        }
    }

    /// A drive of everything, called as it is by its own process.
    pub(crate) fn plan(&self) -> Drive {
        let out = self.out();
        let state = out.join("state");
        let work = out.join("work");
        [&state, &work].into_iter().for_each(|folder| fs::create_dir_all(folder).unwrap());
        let dataset = Arc::new(Dataset::open(&self.rows(), &Columns::default()).unwrap());
        let queue: Arc<dyn WorkQueue> = match self.sharding {
            None => Arc::new(SqliteQueue::open(&state.join("queue.sqlite"), self.rules, "test").unwrap()),
            Some(_) => Arc::new(ShardQueue::open(&state, self.rules, "test").unwrap()),
        };
        let advantage = AdvantageKind::Grpo { floor: 1e-4, clip: None };
        Drive {
            workshop: self.workshop(),
            rows: if self.is_shipped { Rows::Shipped(dataset) } else { Rows::Dataset(dataset) },
            pictures: Arc::new(Pictures::new(editscale_picture::Limits::default(), Patience::default())),
            queue,
            depot: Arc::new(self.depot()),
            rules: DriveRules {
                repeats: 1,
                seed: Seed::new(0).unwrap(),
                measures: Measures { advantage, flat_below: 1e-9, trajectories: true },
                resample: self.resample,
                sharding: self.sharding,
                roles: Roles { feed: true, work: true, export: true },
                groups_at_once: self.groups_at_once,
                grace: Duration::from_secs(60),
                lease: self.rules.lease,
                deliveries: self.rules.deliveries,
                is_shared_depot: false,
                most_usd_micros: self.most_usd_micros,
            },
            folders: Folders { work, state, progress: out.join("progress.json"), out },
            export: ExportRules { groups_per_shard: 2, ..ExportRules::default() },
            policy: self.policy.clone(),
            reporter: Arc::clone(&self.heard) as _,
            worker: "tester".to_owned(),
        }
    }

    pub(crate) async fn run(&self) -> Result<Summary, DriveError> {
        drive(self.plan(), StopSignal::never()).await
    }

    /// What was exported: rows by rollout and candidate, without what differs from run to run.
    pub(crate) fn exported(&self) -> BTreeMap<(String, i64), String> {
        exported(&self.out())
    }
}

/// Rows of an export by row id and candidate, without timing and worker columns.
pub(crate) fn exported(out: &Path) -> BTreeMap<(String, i64), String> {
    let mut rows = BTreeMap::new();
    let mut files: Vec<PathBuf> = fs::read_dir(out.join("parquet"))
        .map(|files| files.map(|file| file.unwrap().path()).collect())
        .unwrap_or_default();
    files.sort();
    for file in files {
        let reader = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(file).unwrap()).unwrap().build().unwrap();
        for batch in reader {
            enter(&mut rows, &batch.unwrap());
        }
    }
    rows
}

fn enter(rows: &mut BTreeMap<(String, i64), String>, batch: &RecordBatch) {
    let schema = batch.schema();
    let kept: Vec<usize> = (0..batch.num_columns())
        .filter(|column| {
            let name = schema.field(*column).name();
            !name.starts_with("timing_") && name != "worker"
        })
        .collect();
    let kept = batch.project(&kept).unwrap();
    let ids = kept.column_by_name("row_id").unwrap();
    for row in 0..kept.num_rows() {
        let slice = kept.slice(row, 1);
        let id = text(ids.as_ref(), row);
        let candidate = number(kept.column_by_name("candidate").unwrap().as_ref(), row);
        let words: Vec<String> = slice.columns().iter().map(|column| format!("{column:?}")).collect();
        assert!(rows.insert((id, candidate), words.join("\n")).is_none(), "a row is there twice");
    }
}

fn text(array: &dyn Array, row: usize) -> String {
    array.as_string_opt::<i32>().unwrap().value(row).to_owned()
}

fn number(array: &dyn Array, row: usize) -> i64 {
    if let Some(array) = array.as_primitive_opt::<arrow_array::types::Int64Type>() {
        return array.value(row);
    }
    i64::from(array.as_primitive::<arrow_array::types::Int32Type>().value(row))
}

/// The column of this name over all rows, as text.
pub(crate) fn column(out: &Path, name: &str) -> Vec<String> {
    let mut values = Vec::new();
    let mut files: Vec<PathBuf> = fs::read_dir(out.join("parquet")).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    for file in files {
        let reader = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(file).unwrap()).unwrap().build().unwrap();
        for batch in reader {
            let batch = batch.unwrap();
            let array = batch.column_by_name(name).unwrap().clone();
            values.extend((0..array.len()).map(|row| text(array.as_ref(), row)));
        }
    }
    values
}

/// The lines of all `skipped/` files.
pub(crate) fn skipped(out: &Path) -> Vec<serde_json::Value> {
    let Ok(files) = fs::read_dir(out.join("skipped")) else { return Vec::new() };
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    let text: String = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
