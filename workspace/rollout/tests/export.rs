//! What is exported reads back as it was put; equal groups give equal bytes; kills and full disks lose nothing.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod sample;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::process::Command;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, Int64Type};
use arrow_array::{Array, RecordBatch};
use editscale_rollout::export::{
    BestWorstRules, ExportError, ExportRules, Exporter, SftRules, ShardSummary, read_summary,
};
use editscale_rollout::pack::Pack;
use editscale_rollout::pairs::{PairChoice, PairRules};
use editscale_rollout::queue::{End, Item};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::metadata::RowGroupMetaData;
use sample::Traits;

type Items = Vec<Result<Pack, (Item, End)>>;

fn all_rules() -> ExportRules {
    ExportRules {
        groups_per_shard: 5,
        rows_per_row_group: 10,
        webdataset: true,
        pairs: Some(PairRules { margin: 0.05, ..PairRules::default() }),
        best_worst: Some(BestWorstRules { k: 2 }),
        sft: Some(SftRules { temperature: 0.2, most: None }),
        ..ExportRules::default()
    }
}

fn export(out: &Path, rules: &ExportRules, items: &Items) -> Vec<ShardSummary> {
    let mut exporter = Exporter::open(out, rules.clone()).unwrap();
    let per_shard = rules.groups_per_shard as usize;
    let mut summaries = Vec::new();
    for items in items.chunks(per_shard).skip(exporter.next_shard() as usize) {
        let mut shard = exporter.begin().unwrap();
        for item in items {
            match item {
                Ok(pack) => shard.group(pack).unwrap(),
                Err((item, end)) => shard.missing(item, end).unwrap(),
            }
        }
        summaries.push(shard.finish().unwrap());
    }
    summaries
}

fn exported() -> (tempfile::TempDir, Vec<ShardSummary>, Vec<Pack>) {
    let folder = tempfile::tempdir().unwrap();
    let summaries = export(folder.path(), &all_rules(), &sample::dataset());
    (folder, summaries, sample::dataset().into_iter().filter_map(Result::ok).collect())
}

/// All files with what is in them.
fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(each) = folders.pop() {
        for entry in fs::read_dir(&each).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                let name = entry.path().strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                files.insert(name, fs::read(entry.path()).unwrap());
            }
        }
    }
    files
}

fn table(path: &Path) -> Vec<RecordBatch> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    reader.build().unwrap().map(Result::unwrap).collect()
}

/// The tables of a folder, in the order of the shards.
fn tables(folder: &Path) -> Vec<RecordBatch> {
    let names: BTreeSet<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.iter().flat_map(|path| table(path)).collect()
}

fn texts(batches: &[RecordBatch], name: &str) -> Vec<Option<String>> {
    let of =
        |batch: &RecordBatch| batch[name].as_string::<i32>().iter().map(|text| text.map(ToOwned::to_owned)).collect();
    batches.iter().flat_map(|batch| -> Vec<_> { of(batch) }).collect()
}

fn ints(batches: &[RecordBatch], name: &str) -> Vec<Option<i64>> {
    batches.iter().flat_map(|batch| batch[name].as_primitive::<Int64Type>().iter().collect::<Vec<_>>()).collect()
}

fn floats(batches: &[RecordBatch], name: &str) -> Vec<Option<f64>> {
    batches.iter().flat_map(|batch| batch[name].as_primitive::<Float64Type>().iter().collect::<Vec<_>>()).collect()
}

/// The digests of the bytes of a column of pictures.
fn pictures(batches: &[RecordBatch], name: &str) -> Vec<Option<String>> {
    let of = |batch: &RecordBatch| -> Vec<Option<String>> {
        let column = batch[name].as_struct();
        let bytes = column.column_by_name("bytes").unwrap().as_binary::<i32>();
        let digest = |at| column.is_valid(at).then(|| blake3::hash(bytes.value(at)).to_hex().to_string());
        (0..column.len()).map(digest).collect()
    };
    batches.iter().flat_map(of).collect()
}

#[test]
fn candidates_read_back_as_they_were_put() {
    let (folder, _, packs) = exported();
    let batches = tables(&folder.path().join("parquet"));
    let rows: Vec<_> =
        packs.iter().flat_map(|pack| pack.group.candidates.iter().map(move |each| (pack, each))).collect();
    let texts = |name: &str| texts(&batches, name);
    let of = |name: &str, value: &dyn Fn(usize) -> Option<String>| {
        assert_eq!(texts(name), (0..rows.len()).map(value).collect::<Vec<_>>(), "{name}");
    };
    of("rollout_id", &|at| Some(rows[at].0.group.rollout_id.clone()));
    of("instruction", &|at| Some(rows[at].0.group.instruction.clone()));
    of("failure", &|at| rows[at].1.failure.as_ref().map(|note| note.message.clone()));
    of("knobs", &|at| Some(serde_json::to_string(&rows[at].1.knobs).unwrap()));
    of("extra", &|at| Some(serde_json::to_string(&rows[at].0.group.extra).unwrap()));
    of("image_digest", &|at| rows[at].1.image.as_ref().map(|image| image.digest.clone()));
    let digests = |name: &str, value: &dyn Fn(usize) -> Option<String>| {
        assert_eq!(pictures(&batches, name), (0..rows.len()).map(value).collect::<Vec<_>>(), "{name}");
    };
    digests("source", &|at| Some(rows[at].0.group.source.digest.clone()));
    digests("image", &|at| rows[at].1.image.as_ref().map(|image| image.digest.clone()));
    digests("mask", &|at| rows[at].0.group.mask.as_ref().map(|mask| mask.digest.clone()));
    assert_eq!(floats(&batches, "reward"), rows.iter().map(|(_, each)| each.reward).collect::<Vec<_>>());
    assert_eq!(floats(&batches, "advantage"), rows.iter().map(|(_, each)| each.advantage).collect::<Vec<_>>());
    assert_eq!(ints(&batches, "seed"), rows.iter().map(|(_, each)| Some(each.seed as i64)).collect::<Vec<_>>());
    let status: BTreeSet<_> = texts("status").into_iter().flatten().collect();
    assert_eq!(status, BTreeSet::from(["failed", "scored", "unscored"].map(ToOwned::to_owned)));
}

#[test]
fn lists_read_back_as_they_were_put() {
    let (folder, _, packs) = exported();
    let candidates: Vec<_> = packs.iter().flat_map(|pack| &pack.group.candidates).collect();
    let mut at = 0;
    for batch in tables(&folder.path().join("parquet")) {
        for row in 0..batch.num_rows() {
            let parents = batch["parents"].as_list::<i32>().value(row);
            let parents: Vec<u32> =
                parents.as_primitive::<Int32Type>().values().iter().map(|each| *each as u32).collect();
            assert_eq!(parents, candidates[at].parents);
            let scores = batch["scores"].as_list::<i32>().value(row);
            let scores = scores.as_struct();
            let names = scores.column_by_name("reward").unwrap().as_string::<i32>();
            assert!(names.iter().flatten().eq(candidates[at].scores.keys().map(String::as_str)));
            let parts = scores.column_by_name("parts").unwrap().as_list::<i32>();
            let failures = scores.column_by_name("failure_kind").unwrap();
            for (score, said) in candidates[at].scores.values().enumerate() {
                use editscale_rollout::group::Said::{Failed, Score};
                match said {
                    Failed(_) => assert!(failures.is_valid(score)),
                    Score { parts: expected, .. } => assert_eq!(parts.value(score).len(), expected.len()),
                }
            }
            at += 1;
        }
    }
    assert_eq!(at, candidates.len());
}

#[test]
fn files_tell_datasets_what_is_in_them_and_can_be_streamed() {
    let (folder, _, _) = exported();
    for name in ["parquet", "views/pairs", "views/best_worst", "views/sft"] {
        let file = File::open(folder.path().join(name).join("rollouts-00001.parquet")).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        let metadata = reader.metadata();
        let said = metadata.file_metadata().key_value_metadata().unwrap().iter().find(|each| each.key == "huggingface");
        let text = said.unwrap().value.clone().unwrap();
        let features: serde_json::Value = serde_json::from_str(&text).unwrap();
        let features = features["info"]["features"].as_object().unwrap();
        let fields = reader.schema().fields();
        assert_eq!(features.len(), fields.len());
        for field in fields {
            assert!(features.contains_key(field.name()));
            assert_eq!(
                features[field.name()]["_type"] == "Image",
                field.data_type().is_nested()
                    && field.name() != "parents"
                    && field.name() != "scores"
                    && field.name() != "notes"
            );
        }
        assert!(metadata.row_groups().iter().all(|group| group.num_rows() <= 10));
        let mut columns = metadata.row_groups().iter().flat_map(RowGroupMetaData::columns);
        assert!(columns.all(|column| column.offset_index_offset().is_some()));
    }
}

#[test]
fn summaries_count_what_is_there() {
    let (folder, summaries, packs) = exported();
    assert_eq!(summaries.len(), 3);
    let sum = |count: fn(&ShardSummary) -> u64| summaries.iter().map(count).sum::<u64>();
    let candidates = || packs.iter().flat_map(|pack| &pack.group.candidates);
    assert_eq!(sum(|each| each.groups), packs.len() as u64);
    assert_eq!((sum(|each| each.skipped), sum(|each| each.dead), sum(|each| each.items)), (1, 1, 12));
    assert_eq!(sum(|each| each.candidates), candidates().count() as u64);
    assert_eq!(sum(|each| each.scored), candidates().filter(|each| each.reward.is_some()).count() as u64);
    assert_eq!(sum(|each| each.failed), candidates().filter(|each| each.image.is_none()).count() as u64);
    assert_eq!(sum(|each| each.spent.edits), candidates().count() as u64 + 8);
    assert_eq!(summaries.iter().map(|each| each.first).collect::<Vec<_>>(), [0, 5, 10]);
    for summary in &summaries {
        let path = folder.path().join(format!("shards/rollouts-{:05}.json", summary.shard));
        assert_eq!(read_summary(&path).unwrap(), *summary);
        for file in &summary.files {
            let bytes = fs::read(folder.path().join(&file.path)).unwrap();
            assert_eq!(
                (file.bytes, file.blake3.as_str()),
                (bytes.len() as u64, blake3::hash(&bytes).to_hex().as_str())
            );
        }
    }
    let listed: usize = summaries.iter().map(|each| each.files.len() + 1).sum();
    assert_eq!(tree(folder.path()).len(), listed, "no file that no summary names");
}

#[test]
fn samples_of_webdataset_have_their_members() {
    let (folder, summaries, packs) = exported();
    let mut found = BTreeMap::new();
    for summary in &summaries {
        let file = File::open(folder.path().join(format!("webdataset/rollouts-{:05}.tar", summary.shard))).unwrap();
        for entry in tar::Archive::new(file).entries().unwrap() {
            let mut entry = entry.unwrap();
            let name = entry.path().unwrap().to_str().unwrap().to_owned();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            found.insert(name, bytes);
        }
    }
    let mut expected = 0;
    for pack in &packs {
        for each in &pack.group.candidates {
            let key = format!("{}-{}", pack.group.rollout_id, each.candidate);
            let Some(image) = &each.image else { continue };
            assert_eq!(found[&format!("{key}.source.png")], pack.image(&pack.group.source).unwrap().as_ref());
            assert_eq!(found[&format!("{key}.txt")], pack.group.instruction.as_bytes());
            let row: serde_json::Value = serde_json::from_slice(&found[&format!("{key}.json")]).unwrap();
            assert_eq!((row["candidate"].as_u64(), row["reward"].as_f64()), (Some(each.candidate.into()), each.reward));
            assert_eq!(row["knobs"]["guidance"], 2.5);
            assert_eq!(found[&format!("{key}.edited.png")], pack.image(image).unwrap().as_ref());
            expected += 4 + usize::from(pack.group.mask.is_some());
        }
    }
    assert_eq!(found.len(), expected);
}

#[test]
fn trajectories_are_found_where_rows_say() {
    let (folder, _, packs) = exported();
    let batches = tables(&folder.path().join("parquet"));
    let mut places = texts(&batches, "trajectory").into_iter();
    for pack in &packs {
        for each in &pack.group.candidates {
            let place = places.next().unwrap();
            assert_eq!(place.is_some(), each.has_trajectory);
            let Some(place) = place else { continue };
            let (file, key) = place.split_once('#').unwrap();
            let bytes = fs::read(folder.path().join(file)).unwrap();
            let shard = safetensors::SafeTensors::deserialize(&bytes).unwrap();
            let own = safetensors::SafeTensors::deserialize(&pack.trajectories[&each.candidate]).unwrap();
            for (name, tensor) in own.tensors() {
                let found = shard.tensor(&format!("{key}/{name}")).unwrap();
                assert_eq!((found.shape(), found.data()), (tensor.shape(), tensor.data()));
            }
            let (_, metadata) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
            assert_eq!(metadata.metadata().as_ref().unwrap()["format"], "editscale-trajectories/1");
        }
    }
}

#[test]
fn views_hold_what_their_rules_say() {
    let (folder, _, packs) = exported();
    let pairs = tables(&folder.path().join("views/pairs"));
    let margins = floats(&pairs, "margin");
    let rewards = floats(&pairs, "chosen_reward").into_iter().zip(floats(&pairs, "rejected_reward"));
    for (margin, (chosen, rejected)) in margins.iter().zip(rewards) {
        assert!(margin.unwrap() >= 0.05 && *margin == Some(chosen.unwrap() - rejected.unwrap()));
    }
    let (chosen, rejected) = (pictures(&pairs, "chosen"), pictures(&pairs, "rejected"));
    assert!(chosen.iter().zip(&rejected).all(|(one, other)| one.is_some() && other.is_some() && one != other));
    let flat = packs.iter().find(|pack| pack.group.is_flat && pack.group.candidates.len() == 4).unwrap();
    assert!(!texts(&pairs, "rollout_id").contains(&Some(flat.group.rollout_id.clone())));
    let sft = tables(&folder.path().join("views/sft"));
    let mut weights: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for (id, weight) in texts(&sft, "rollout_id").into_iter().zip(floats(&sft, "weight")) {
        weights.entry(id.unwrap()).or_default().push(weight.unwrap());
    }
    assert!(weights.values().all(|each| (each.iter().sum::<f64>() / each.len() as f64 - 1.0).abs() < 1e-9));
    let ends = tables(&folder.path().join("views/best_worst"));
    let count = |side: &str| texts(&ends, "side").iter().filter(|each| each.as_deref() == Some(side)).count();
    assert!(count("best") > 0 && count("best") == count("worst"));
}

#[test]
fn rows_that_came_to_nothing_are_told() {
    let (folder, _, _) = exported();
    let lines = ["00000", "00001"].map(|shard| {
        let path = folder.path().join(format!("skipped/rollouts-{shard}.jsonl"));
        serde_json::from_str::<serde_json::Value>(&fs::read_to_string(path).unwrap()).unwrap()
    });
    assert_eq!((&lines[0]["outcome"], &lines[0]["row"]), (&"skipped".into(), &3.into()));
    assert_eq!((&lines[1]["outcome"], &lines[1]["deliveries"]), (&"dead".into(), &10.into()));
    assert_eq!((&lines[1]["reason"], &lines[1]["nfe"]), (&"the editor is away".into(), &224.into()));
    assert!(!folder.path().join("skipped/rollouts-00002.jsonl").exists());
}

#[test]
fn equal_groups_give_equal_bytes() {
    let (one, _, _) = exported();
    let (other, _, _) = exported();
    assert!(tree(one.path()) == tree(other.path()));
}

#[test]
fn a_killed_export_goes_on_to_the_same_bytes() {
    let (whole, _, _) = exported();
    let folder = tempfile::tempdir().unwrap();
    let items = sample::dataset();
    export(folder.path(), &all_rules(), &items[..5].to_vec());
    let mut exporter = Exporter::open(folder.path(), all_rules()).unwrap();
    let mut shard = exporter.begin().unwrap();
    shard.group(items[5].as_ref().unwrap()).unwrap();
    // A kill leaves passing files, and can fall between the renaming of files and that of the summary.
    std::mem::forget(shard);
    fs::create_dir_all(folder.path().join("skipped")).unwrap();
    for left in ["parquet/rollouts-00001.parquet", "skipped/rollouts-00001.jsonl", "webdataset/rollouts-00001.tar"] {
        fs::write(folder.path().join(left), b"torn").unwrap();
    }
    assert!(tree(folder.path()).keys().any(|name| name.contains(".parquet.part")));
    assert_eq!(Exporter::open(folder.path(), all_rules()).unwrap().next_shard(), 1);
    export(folder.path(), &all_rules(), &items);
    assert!(tree(folder.path()) == tree(whole.path()));
}

#[test]
fn a_shard_that_is_given_up_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut exporter = Exporter::open(folder.path(), all_rules()).unwrap();
    let mut shard = exporter.begin().unwrap();
    shard.group(sample::pack(1, Traits { candidates: 4, has_trajectories: true, ..Traits::default() })).unwrap();
    drop(shard);
    assert_eq!(tree(folder.path()), BTreeMap::new());
}

#[test]
fn items_out_of_turn_and_too_many_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let rules = ExportRules { groups_per_shard: 2, ..ExportRules::default() };
    let mut exporter = Exporter::open(folder.path(), rules).unwrap();
    let mut shard = exporter.begin().unwrap();
    let end = End::Skipped { reason: "no".to_owned() };
    let error = shard.missing(&sample::item(1), &end).unwrap_err();
    assert!(matches!(error, ExportError::OutOfTurn { expected: 0, found: 1 }));
    shard.missing(&sample::item(0), &end).unwrap();
    shard.missing(&sample::item(1), &end).unwrap();
    assert_eq!(shard.next_ordinal(), None);
    assert!(matches!(shard.missing(&sample::item(2), &end), Err(ExportError::Full { shard: 0 })));
    assert!(matches!(shard.group(sample::pack(2, Traits::default())), Err(ExportError::Full { shard: 0 })));
    shard.finish().unwrap();
}

#[test]
fn rules_that_cannot_be_followed_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let plain = ExportRules::default;
    let pairs = |margin| Some(PairRules { margin, ..PairRules::default() });
    let cases = [
        ExportRules { name: String::new(), ..plain() },
        ExportRules { name: "../x".to_owned(), ..plain() },
        ExportRules { name: "a#b".to_owned(), ..plain() },
        ExportRules { name: "a*\n".to_owned(), ..plain() },
        ExportRules { name: ".hidden".to_owned(), ..plain() },
        ExportRules { groups_per_shard: 0, ..plain() },
        ExportRules { rows_per_row_group: 0, ..plain() },
        ExportRules { pairs: pairs(f64::NAN), ..plain() },
        ExportRules { pairs: pairs(-1.0), ..plain() },
        ExportRules { sft: Some(SftRules { temperature: 0.0, most: None }), ..plain() },
    ];
    for rules in cases {
        let error = Exporter::open(folder.path(), rules.clone()).unwrap_err();
        assert!(matches!(error, ExportError::Rules { .. }), "{rules:?}: {error}");
    }
    export(folder.path(), &ExportRules { name: "fluß_1.0".to_owned(), ..plain() }, &sample::dataset());
    let other = ExportRules { name: "fluß_1.0".to_owned(), groups_per_shard: 3, ..plain() };
    assert!(matches!(Exporter::open(folder.path(), other), Err(ExportError::OtherRules { .. })));
    fs::write(folder.path().join("shards/fluß_1.0-00000.json"), b"{}").unwrap();
    let error = Exporter::open(folder.path(), ExportRules { name: "fluß_1.0".to_owned(), ..plain() }).unwrap_err();
    assert!(error.to_string().contains("shards/fluß_1.0-00000.json"), "{error}");
}

#[test]
fn groups_without_a_place_in_the_layout_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut exporter = Exporter::open(folder.path(), ExportRules::default()).unwrap();
    let mut shard = exporter.begin().unwrap();
    let good = || sample::pack(1, Traits { candidates: 2, has_trajectories: true, ..Traits::default() });
    let (mut odd, mut seed, mut tensors) = (good(), good(), good());
    odd.group.rollout_id = "../../etc".to_owned();
    seed.group.candidates[1].seed = u64::MAX;
    tensors.trajectories.insert(1, b"no such thing"[..].into());
    for pack in [odd, seed, tensors] {
        assert!(matches!(shard.group(pack).unwrap_err(), ExportError::Group { .. }));
    }
}

#[test]
fn thousands_of_candidates_and_large_pictures_fit() {
    let folder = tempfile::tempdir().unwrap();
    let traits = Traits { candidates: 3000, ..Traits::default() };
    let rules = ExportRules {
        rows_per_row_group: 100,
        webdataset: false,
        pairs: Some(PairRules { choice: PairChoice::Adjacent, ..PairRules::default() }),
        ..all_rules()
    };
    let large: bytes::Bytes = vec![7; 12 << 20].into();
    let mut pack = sample::pack(1, Traits { candidates: 8, ..Traits::default() });
    let digest = blake3::hash(&large).to_hex().to_string();
    pack.images.insert(digest.clone(), large);
    pack.group.source.digest = digest.clone();
    export(folder.path(), &rules, &vec![Ok(sample::pack(0, traits)), Ok(pack)]);
    let batches = tables(&folder.path().join("parquet"));
    assert_eq!(ints(&batches, "candidate").len(), 3008);
    assert_eq!(pictures(&batches, "source").iter().filter(|each| each.as_ref() == Some(&digest)).count(), 8);
    let file = fs::metadata(folder.path().join("parquet/rollouts-00000.parquet")).unwrap();
    assert!(file.len() < 20 << 20, "a source is written once a row group: {} bytes", file.len());
}

/// What the child of the next test does; nothing otherwise.
#[test]
fn child_that_exports() {
    let Some(out) = std::env::var_os("EDITSCALE_TEST_EXPORT") else { return };
    let mut exporter = Exporter::open(Path::new(&out), all_rules()).unwrap();
    let mut write = || -> Result<(), ExportError> {
        let mut shard = exporter.begin()?;
        for row in 0..5 {
            shard.group(sample::pack(row, Traits { candidates: 64, has_trajectories: true, ..Traits::default() }))?;
        }
        shard.finish().map(drop)
    };
    let error = write().unwrap_err();
    assert!(error.is_disk_full() && error.to_string().starts_with("cannot write "), "{error}");
}

#[test]
fn a_full_disk_is_told_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    // Files may not become longer than 16 KiB here, which a program hears of like of a full disk.
    let limited = "trap '' XFSZ; ulimit -f 32; exec \"$0\" --exact child_that_exports --nocapture";
    let child = Command::new("sh")
        .args(["-c", limited])
        .arg(std::env::current_exe().unwrap())
        .env("EDITSCALE_TEST_EXPORT", &out)
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
    assert_eq!(tree(&out), BTreeMap::new());
}

#[test]
fn a_folder_that_cannot_be_written_to_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("parquet"), b"a file where a folder is to be").unwrap();
    let error = Exporter::open(folder.path(), all_rules()).unwrap().begin().unwrap_err();
    assert!(matches!(&error, ExportError::File { .. }) && error.to_string().contains("parquet"), "{error}");
}
