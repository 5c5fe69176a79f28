//! An editor and the judge share one Qwen2.5-VL: its weights, and what its vision tower makes of pictures that both see alike.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use editscale_testkit::copy_folder;
use serde_json::{Map, Value, json};

use crate::desk::{Desk, images, noise_file};
use crate::pipelines::{BEST_OF_N, FIXTURES, KONTEXT, Pipeline, judged_by, qwen_editor, qwen_folder, step1x_editor};

/// Editors whose encoder is the judge's model, and which see this source as the judge does: in a size that neither of them changes
/// before the encoder's own processor brings it to that of the judge.
pub(crate) const SHARED: [Pipeline; 2] = [
    Pipeline { name: "step1x", of: shared_step1x, asks: 2, size: (112, 112), ..KONTEXT },
    Pipeline { name: "2511", of: shared_qwen, asks: 2, size: (384, 384), ..KONTEXT },
];

fn shared_step1x(_: &str, options: &str, search: &str) -> String {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(judge_of_step1x).path().to_str().unwrap();
    let editor = step1x_editor(&format!("{FIXTURES}/step1x/encoder"), &format!("size_level: 112, {options}"));
    judged_by(&format!("dir: '{folder}', rope_tables: exact"), &editor, search)
}

fn shared_qwen(_: &str, options: &str, search: &str) -> String {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let judge = "editreward/models/shards_bf16";
    let folder = FOLDER.get_or_init(|| qwen_folder(judge)).path().to_str().unwrap();
    judged_by(&format!("dir: '{FIXTURES}/{judge}', rope_tables: exact"), &qwen_editor(folder, options), search)
}

/// A judge made of the encoder of Step1X-Edit's tiny pipelines: the same tower and decoder in a file with two heads beside them.
fn judge_of_step1x() -> tempfile::TempDir {
    let (folder, fixtures) = (tempfile::tempdir().unwrap(), Path::new(FIXTURES));
    let (models, place) = (fixtures.join("editreward/models"), |name: &str| folder.path().join(name));
    copy_folder(&fixtures.join("step1x/encoder"), folder.path());
    copy_folder(&models.join("small_budget_f16/prompts"), &place("prompts"));
    fs::copy(models.join("small_budget_f16/tokenizer_config.json"), place("tokenizer_config.json")).unwrap();
    fs::copy(models.join("shards_bf16/preprocessor_config.json"), place("preprocessor_config.json")).unwrap();
    let tokens = fs::read_to_string(place("tokenizer.json")).unwrap().replace("<|object_ref_start|>", "<|Reward|>");
    fs::write(place("tokenizer.json"), tokens).unwrap();
    let maps = |head: usize| [(0, 12, 8), (3, 8, 4), (5, 4, 2)].map(|(map, from, to)| (head, map, from, to));
    let tensors: Vec<(String, Vec<usize>)> = [maps(0), maps(1)].into_iter().flatten().flat_map(of_map).collect();
    let tensors: Vec<(&str, &[usize])> = tensors.iter().map(|(name, shape)| (name.as_str(), &**shape)).collect();
    let weights = fs::read(place("model.safetensors")).unwrap();
    fs::write(place("model.safetensors"), joined(&weights, &noise_file(&tensors))).unwrap();
    folder
}

/// The tensors of a head's affine map.
fn of_map((head, map, from, to): (usize, usize, usize, usize)) -> [(String, Vec<usize>); 2] {
    let name = format!("rm_heads.head_{head}.{map}");
    [(format!("{name}.weight"), vec![to, from]), (format!("{name}.bias"), vec![to])]
}

/// A safetensors file with the tensors of two.
fn joined(one: &[u8], other: &[u8]) -> Vec<u8> {
    let parts = |bytes: &[u8]| {
        let end = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        let header: Map<String, Value> = serde_json::from_slice(&bytes[8..end]).unwrap();
        (header, bytes[end..].to_vec())
    };
    let ((mut header, mut data), (more, beside)) = (parts(one), parts(other));
    for (name, mut facts) in more {
        let offsets = facts["data_offsets"].as_array_mut().unwrap();
        offsets.iter_mut().for_each(|offset| *offset = json!(offset.as_u64().unwrap() + data.len() as u64));
        header.insert(name, facts);
    }
    data.extend(beside);
    let header = Value::Object(header).to_string();
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &data].concat()
}

/// Pictures that went through shared towers, and those that were found there, as a ledger or an entry of a journal has them.
pub(crate) fn pictures(of: &Value) -> (u64, u64) {
    let count = |key: &str| of["pictures"][key].as_u64().unwrap_or_default();
    (count("computed"), count("found"))
}

/// What the entries of a run's journal have of an event, summed up.
fn journaled(desk: &Desk, run: &str, event: &str) -> (u64, u64) {
    let journal = fs::read_to_string(desk.path(run).join("journal.jsonl")).unwrap();
    let entries = journal.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let told = entries.filter(|entry| entry["event"] == event).map(|entry| pictures(&entry));
    told.fold((0, 0), |sum, of| (sum.0 + of.0, sum.1 + of.1))
}

#[test]
fn a_source_goes_through_the_vision_tower_once_for_editor_and_judge() {
    for pipeline in SHARED {
        let (name, desk) = (pipeline.name, Desk::of(pipeline.size));
        let recipe = pipeline.recipe("", BEST_OF_N);
        let run = |run: &str, recipe: &str| desk.edit(recipe, run, &[]).0;
        let exact = run("exact", &recipe);
        // The source for the first prompt; the second prompt and the judge find it. Three edited pictures.
        assert_eq!(journaled(&desk, "exact", "edited"), (1, 1), "{name}");
        assert_eq!(journaled(&desk, "exact", "judged"), (3, 1), "{name}");
        assert_eq!(pictures(&exact["ledger"]), (4, 2), "{name}");
        let report = fs::read_to_string(desk.path("exact/report.html")).unwrap();
        assert!(report.contains("<dt>Through shared vision towers</dt><dd>4</dd>"), "{name}");
        // What is resumed has nothing left to do, and tells the same.
        let again: Value = serde_json::from_str(&desk.expect(0, &["edit", "--resume", "exact", "--json"]).0).unwrap();
        assert_eq!(again["ledger"]["pictures"], exact["ledger"]["pictures"], "{name}");
        // Where tables are rounded otherwise the tower makes other features of the source: the judge computes its own.
        let official = run("official", &recipe.replace("rope_tables: exact", "rope_tables: official"));
        assert_eq!(pictures(&official["ledger"]), (5, 1), "{name}");
        // A source that has not the size in which both see it is another picture to each.
        image::open(desk.path("photo.png")).unwrap().crop(0, 0, 100, 90).save(desk.path("photo.png")).unwrap();
        assert_eq!(pictures(&run("cropped", &recipe)["ledger"]), (5, 1), "{name}");
    }
}

/// Towers that could be shared are counted, and the one of the program's own judge is like no other.
#[test]
fn a_judge_alone_finds_nothing() {
    let desk = Desk::new();
    let run = desk.edit(&KONTEXT.recipe("", BEST_OF_N), "run", &[]).0;
    assert_eq!(pictures(&run["ledger"]), (4, 0), "a source and three edited pictures");
    let nano = "version: 1\neditor: {darkroom: {}}\nrewards: [{model: {editreward: {dir: builtin}}}]\n";
    let run = desk.edit(&format!("{nano}search: {BEST_OF_N}\n"), "nano", &[]).0;
    assert!(run["ledger"].get("pictures").is_none(), "{}", run["ledger"]);
}

#[test]
fn networks_that_are_loaded_in_turn_are_loaded_once_a_batch() {
    for pipeline in SHARED {
        let (name, desk) = (pipeline.name, Desk::of(pipeline.size));
        let run = |run: &str, options: &str| desk.edit(&pipeline.recipe(options, BEST_OF_N), run, &[]).0;
        let (together, in_turn) = (run("together", ""), run("in_turn", "residency: in_turn"));
        assert_eq!(images(&in_turn), images(&together), "{name}");
        assert!(together["ledger"].get("load_secs").is_none(), "{name}");
        assert!(in_turn["ledger"]["load_secs"].as_f64() > Some(0.0), "{name}");
        let journal = fs::read_to_string(desk.path("in_turn/journal.jsonl")).unwrap();
        assert_eq!(journal.matches("\"load_ms\"").count(), 1, "{name}: three candidates of one batch");
        assert_eq!(pictures(&in_turn["ledger"]), pictures(&together["ledger"]), "{name}");
    }
}
