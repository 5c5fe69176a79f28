//! `editscale models`: pulling from a hub on this machine, verifying, converting.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "a test that cannot go on fails"
)]

#[path = "models/pipelines.rs"]
mod pipelines;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use editscale_testkit::{FakeHub, Fault, said};
use serde_json::{Value, json};

const NANO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/workspace/models/nano");
const JUDGE: &str = "TIGER-Lab/EditReward-Qwen2.5-VL-7B";
const BASE: &str = "Qwen/Qwen2.5-VL-7B-Instruct";
const NAME: &str = "editreward-qwen2.5-vl-7b";
const WEIGHTS: &str =
    "/TIGER-Lab/EditReward-Qwen2.5-VL-7B/resolve/0123456789abcdef0123456789abcdef01234567/model.safetensors";

fn nano(name: &str) -> Vec<u8> {
    fs::read(Path::new(NANO).join(name)).unwrap()
}

/// A hub that plays the released judge and its base model with the files of `nano`: the base's tokenizer does not know the
/// reward token, and its preparation of pictures allows other sizes.
fn hub() -> FakeHub {
    let mut tokenizer: Value = serde_json::from_slice(&nano("tokenizer.json")).unwrap();
    let added = tokenizer["added_tokens"].as_array_mut().unwrap();
    assert_eq!(added.pop().unwrap()["content"], "<|Reward|>");
    let mut preparation: Value = serde_json::from_slice(&nano("preprocessor_config.json")).unwrap();
    (preparation["min_pixels"], preparation["max_pixels"]) = (json!(3136), json!(12_845_056));
    FakeHub::start()
        .with(JUDGE, "model.safetensors", nano("model.safetensors"))
        .with(JUDGE, "README.md", "a card")
        .with_card(JUDGE, r#"{"license": "mit"}"#)
        .with(BASE, "config.json", nano("config.json"))
        .with(BASE, "tokenizer.json", tokenizer.to_string())
        .with(BASE, "tokenizer_config.json", nano("tokenizer_config.json"))
        .with(BASE, "preprocessor_config.json", preparation.to_string())
        .with(BASE, "model-00001-of-00005.safetensors", "never fetched")
        .with_card(BASE, r#"{"license": "apache-2.0", "license_link": "https://example.org/LICENSE"}"#)
}

/// A folder for models, a cache that is empty, and a hub.
struct Desk {
    hub: FakeHub,
    folder: tempfile::TempDir,
    variables: Vec<(&'static str, String)>,
}

impl Desk {
    fn new(hub: FakeHub) -> Self {
        Self { hub, folder: tempfile::tempdir().unwrap(), variables: Vec::new() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_editscale"));
        command.arg("models").args(arguments).current_dir(self.folder.path());
        for name in ["HF_TOKEN", "HF_TOKEN_PATH", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "XDG_CACHE_HOME"] {
            command.env_remove(name);
        }
        command.env("HF_ENDPOINT", self.hub.url()).env("HF_HOME", self.path("home")).env("NO_PROXY", "127.0.0.1");
        command.env("EDITSCALE_MODELS", self.path("models"));
        command.env("EDITSCALE_PROMPTS_URL", format!("{}/prompts", self.hub.url()));
        command.envs(self.variables.iter().map(|(name, value)| (*name, value)));
        command.stdin(std::process::Stdio::null()).output().unwrap()
    }

    fn expect(&self, code: i32, arguments: &[&str]) -> (String, String) {
        said(code, self.run(arguments), arguments)
    }

    /// Pulls the released judge with the prompts of `nano`.
    fn pull(&self, code: i32) -> (String, String) {
        let prompts = format!("{NANO}/prompts");
        self.expect(code, &["pull", NAME, "--prompts", &prompts, "--accept-license"])
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&fs::read(self.path("models").join(NAME).join(name)).unwrap()).unwrap()
    }
}

#[test]
fn a_pull_makes_one_directory_that_can_be_used() {
    let desk = Desk::new(hub());
    let (out, err) = desk.pull(0);
    let folder = desk.path("models").join(NAME);
    assert_eq!(Path::new(out.trim()), folder);
    assert!(err.contains(&format!("{JUDGE}: mit")), "{err}");
    assert!(err.contains(&format!("{BASE}: apache-2.0 (https://example.org/LICENSE)")), "{err}");
    assert!(fs::read(folder.join("model.safetensors")).unwrap() == nano("model.safetensors"));
    let tokenizer = desk.json("tokenizer.json");
    let reward = tokenizer["added_tokens"].as_array().unwrap().last().unwrap();
    assert_eq!((&reward["content"], &reward["id"]), (&json!("<|Reward|>"), &json!(950)));
    let preparation = desk.json("preprocessor_config.json");
    assert_eq!((&preparation["min_pixels"], &preparation["max_pixels"]), (&json!(200_704), &json!(200_704)));
    let mut names: Vec<String> =
        fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let expected = ["config.json", "model.safetensors", "preprocessor_config.json", "prompts", "pulled.json"];
    assert_eq!(names, [expected.as_slice(), &["tokenizer.json", "tokenizer_config.json"]].concat());
    desk.expect(0, &["verify", folder.to_str().unwrap()]);
    let listed: Value = serde_json::from_str(&desk.expect(0, &["list", "--json"]).0).unwrap();
    let row = listed["models"].as_array().unwrap().iter().find(|row| row["name"] == NAME).unwrap();
    assert_eq!((&row["state"], &row["licences"][0]), (&json!("here"), &json!(format!("{JUDGE}: mit"))));
}

#[test]
fn a_repeated_pull_fetches_no_weights_again() {
    let desk = Desk::new(hub());
    desk.pull(0);
    let sent = |desk: &Desk| desk.hub.requests().iter().filter(|request| request.contains(WEIGHTS)).count();
    let before = sent(&desk);
    desk.pull(0);
    assert_eq!(sent(&desk), before);
    let mut other = nano("model.safetensors");
    *other.last_mut().unwrap() ^= 1;
    desk.hub.move_to(JUDGE, &"e".repeat(40), "model.safetensors", other.clone());
    desk.pull(0);
    assert!(fs::read(desk.path("models").join(NAME).join("model.safetensors")).unwrap() == other);
}

#[test]
fn an_interrupted_pull_goes_on() {
    let desk = Desk::new(hub());
    desk.hub.fail(WEIGHTS, Fault::Break(3_000_000));
    // Not worth another attempt, so that this pull ends here.
    desk.hub.fail(WEIGHTS, Fault::Status(404, "EntryNotFound"));
    let (_, err) = desk.pull(1);
    assert!(err.contains("`model.safetensors`: not found"), "{err}");
    let folder = desk.path("models").join(NAME);
    assert!(!folder.join("model.safetensors").exists());
    let (out, _) = desk.expect(1, &["verify", folder.to_str().unwrap()]);
    assert!(out.contains("model.safetensors: is missing"), "{out}");
    desk.pull(0);
    let last =
        desk.hub.requests().into_iter().rfind(|request| request.starts_with("store") && request.contains(WEIGHTS));
    assert_eq!(last, Some(format!("store {WEIGHTS} from 3000000")));
    assert!(fs::read(folder.join("model.safetensors")).unwrap() == nano("model.safetensors"));
}

#[test]
fn wrong_weights_never_get_their_name() {
    let desk = Desk::new(hub());
    desk.hub.fail(WEIGHTS, Fault::Garbage);
    let (_, err) = desk.pull(1);
    assert!(err.contains("expected SHA-256 ") && err.contains(", found "), "{err}");
    assert!(!desk.path("models").join(NAME).join("model.safetensors").exists());
}

#[test]
fn the_free_space_is_looked_at_first() {
    let desk = Desk::new(hub().with_lie(JUDGE, "model.safetensors", 1 << 60));
    let (_, err) = desk.pull(1);
    let figures = "1152921504606846976 bytes (1152921504.6 GB) are to be written, ";
    assert!(err.contains(figures) && err.contains(" are free"), "{err}");
    assert!(!desk.hub.requests().iter().any(|request| request.contains(WEIGHTS)));
}

#[test]
fn licences_have_to_be_accepted() {
    let desk = Desk::new(hub());
    let (out, err) = desk.expect(2, &["pull", NAME]);
    assert!(out.is_empty() && err.contains(": mit") && err.contains("--accept-license"), "{err}");
    assert!(!desk.path("models").exists());
    desk.pull(0);
    // They have been accepted for this folder.
    desk.expect(0, &["pull", NAME, "--prompts", &format!("{NANO}/prompts")]);
}

#[test]
fn prompts_of_the_released_source_are_checked() {
    let module = |name: &str| format!("/prompts/EditReward/dataset/{name}");
    let other = "INSTRUCTION_EDIT_FOLLOWING = '''\nAnother one: {text_prompt}\n'''\n";
    let desk = Desk::new(hub().with_page(&module("prompts.py"), other));
    let (_, err) = desk.expect(1, &["pull", NAME, "--accept-license"]);
    assert!(err.contains("`INSTRUCTION_EDIT_FOLLOWING` has SHA-256 ") && err.contains(": expected da5bfc26"), "{err}");
    let desk = Desk::new(hub().with_page(&module("prompts.py"), "nothing = 1\n"));
    let (_, err) = desk.expect(1, &["pull", NAME, "--accept-license"]);
    assert!(err.contains("assigns nothing to `INSTRUCTION_EDIT_FOLLOWING`"), "{err}");
    let sent = desk.hub.requests().iter().filter(|request| request.contains(WEIGHTS)).count();
    assert_eq!(sent, 0, "small files come first");
}

#[test]
fn what_is_wrong_with_small_files_shows_before_the_weights() {
    let desk = Desk::new(hub());
    let prompts = desk.path("prompts");
    fs::create_dir(&prompts).unwrap();
    for name in ["instruction_following.txt", "visual_quality.txt", "tail.txt"] {
        fs::write(prompts.join(name), "nothing of use").unwrap();
    }
    let (_, err) = desk.expect(1, &["pull", NAME, "--accept-license", "--prompts", "prompts"]);
    assert!(err.contains("has no `{text_prompt}`") && err.contains("`<|Reward|>` 0 times"), "{err}");
    assert!(!desk.hub.requests().iter().any(|request| request.contains(WEIGHTS)));
    let (_, err) = desk.expect(2, &["pull", NAME, "--accept-license", "--prompts", "none"]);
    assert!(err.contains("none/instruction_following.txt"), "{err}");
}

#[test]
fn the_hub_can_say_no() {
    let desk = Desk::new(hub());
    let (_, err) = desk.expect(1, &["pull", "nobody/nothing", "--accept-license"]);
    assert!(err.contains("nobody/nothing: access was denied (status 401, RepoNotFound)"), "{err}");
    let (_, err) = desk.expect(1, &["pull", NAME, "--accept-license", "--revision", "v9"]);
    assert!(err.contains("at `v9`: not found"), "{err}");
    let (_, err) = desk.expect(2, &["pull", "nonsense"]);
    assert!(err.contains("no model is called `nonsense`") && err.contains(NAME), "{err}");
    let desk = Desk::new(hub().with_token(JUDGE, "hf_good"));
    let (_, err) = desk.pull(1);
    assert!(err.contains("it is gated, and no token was given"), "{err}");
}

#[test]
fn a_token_opens_what_is_gated() {
    let mut desk = Desk::new(hub().with_token(JUDGE, "hf_good"));
    desk.variables.push(("HF_TOKEN", "hf_good".to_owned()));
    desk.pull(0);
}

#[test]
fn offline_nothing_is_asked() {
    let mut desk = Desk::new(hub());
    desk.variables.push(("HF_HUB_OFFLINE", "1".to_owned()));
    let (_, err) = desk.pull(1);
    assert!(err.contains("HF_HUB_OFFLINE forbids"), "{err}");
    assert!(desk.hub.requests().is_empty());
}

#[test]
fn another_layout_is_described() {
    let desk = Desk::new(FakeHub::start().with("me/mine", "weights.gguf", "x").with("me/mine", "config.json", "{}"));
    let (_, err) = desk.expect(1, &["pull", "me/mine", "--accept-license"]);
    assert!(err.contains("no weights that are known") && err.contains("`config.json`, `weights.gguf`"), "{err}");
    let desk = Desk::new(FakeHub::start().with("me/mine", "model.safetensors", "x"));
    let (_, err) = desk.expect(1, &["pull", "me/mine", "--accept-license"]);
    assert!(err.contains("has no `config.json`") && err.contains("--base"), "{err}");
}

/// A repository that is complete, as somebody's own training leaves it.
fn complete(layout: &[(&str, Vec<u8>)]) -> FakeHub {
    let mut hub = FakeHub::start();
    for name in ["config.json", "tokenizer.json", "tokenizer_config.json", "preprocessor_config.json"] {
        hub = hub.with("me/mine", name, nano(name));
    }
    for name in ["instruction_following", "visual_quality", "tail"] {
        let name = format!("prompts/{name}.txt");
        hub = hub.with("me/mine", &name, nano(&name));
    }
    layout.iter().fold(hub, |hub, (name, bytes)| hub.with("me/mine", name, bytes.clone()))
}

#[test]
fn a_complete_repository_is_taken_as_it_is() {
    let desk = Desk::new(complete(&[("model.safetensors", nano("model.safetensors"))]));
    desk.expect(0, &["pull", "me/mine", "--accept-license", "--dir", "mine"]);
    let kept = fs::read(desk.path("mine/preprocessor_config.json")).unwrap();
    assert!(kept == nano("preprocessor_config.json"), "its own area of pictures is kept");
    let (_, err) = desk.expect(2, &["pull", "me/mine", "--accept-license", "--dir", "."]);
    assert!(err.contains("not empty"), "{err}");
    let hub = hub();
    let desk = Desk { hub, ..desk };
    let (_, err) = desk.expect(2, &["pull", NAME, "--accept-license", "--dir", "mine"]);
    assert!(err.contains("holds `me/mine`"), "{err}");
}

const SHARDS: [&str; 2] = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];

/// Tensors in two shards with their index.
fn in_shards(tensors: &[Tensor]) -> [(&'static str, Vec<u8>); 3] {
    let (first, second) = tensors.split_at(tensors.len() / 2);
    let map =
        |part: &[Tensor], name: &str| part.iter().map(|tensor| (tensor.name.clone(), json!(name))).collect::<Vec<_>>();
    let map: serde_json::Map<String, Value> =
        [map(first, SHARDS[0]), map(second, SHARDS[1])].concat().into_iter().collect();
    let index = json!({"weight_map": map}).to_string().into_bytes();
    [(SHARDS[0], safetensors(first)), (SHARDS[1], safetensors(second)), ("model.safetensors.index.json", index)]
}

/// One file of weights is opened before an index is looked at: what an earlier commit had must not stay.
#[test]
fn weights_in_another_layout_take_the_place_of_those_before() {
    let one = || complete(&[("model.safetensors", nano("model.safetensors"))]);
    let desk = Desk::new(one());
    let pull = |desk: &Desk| {
        desk.expect(0, &["pull", "me/mine", "--accept-license", "--dir", "mine"]);
        let has = |name: &str| desk.path("mine").join(name).exists();
        (has("model.safetensors"), has(SHARDS[0]) && has(SHARDS[1]), has("model.safetensors.index.json"))
    };
    assert_eq!(pull(&desk), (true, false, false));
    let desk = Desk { hub: complete(&in_shards(&tensors())), ..desk };
    assert_eq!(pull(&desk), (false, true, true));
    let desk = Desk { hub: one(), ..desk };
    assert_eq!(pull(&desk), (true, false, false));
}

#[test]
fn shards_come_with_their_index() {
    let tensors = tensors();
    let desk = Desk::new(complete(&in_shards(&tensors)));
    let (out, err) = desk.expect(0, &["pull", "me/mine", "--accept-license"]);
    assert!(
        Path::new(out.trim()).join(SHARDS[1]).exists() && err.contains(&format!("{} tensors", tensors.len())),
        "{err}"
    );
    let evil = json!({"weight_map": {"a": "../../evil.safetensors"}}).to_string().into_bytes();
    let desk = Desk::new(complete(&[("model.safetensors.index.json", evil), ("../../evil.safetensors", vec![0])]));
    let (_, err) = desk.expect(1, &["pull", "me/mine", "--accept-license"]);
    assert!(err.contains("the index names `../../evil.safetensors`"), "{err}");
}

#[test]
fn a_pth_file_becomes_safetensors() {
    let tensors = tensors();
    let desk = Desk::new(complete(&[("model.pth", pth(&state(&tensors), &tensors))]));
    let (out, _) = desk.expect(0, &["pull", "me/mine", "--accept-license"]);
    let folder = PathBuf::from(out.trim());
    assert!(!folder.join("model.pth").exists());
    let before = desk.hub.requests().len();
    // What a kill between the conversion and the removal leaves behind.
    fs::write(folder.join("model.pth"), "").unwrap();
    desk.expect(0, &["pull", "me/mine", "--accept-license"]);
    assert!(!desk.hub.requests()[before..].iter().any(|request| request.contains("model.pth")));
    assert!(!folder.join("model.pth").exists());
    fs::write(desk.path("own.pth"), pth(&state(&tensors), &tensors)).unwrap();
    let (out, _) = desk.expect(0, &["convert", "own.pth"]);
    assert_eq!(out.trim(), "own.safetensors");
    let converted = fs::read(desk.path("own.safetensors")).unwrap();
    assert!(converted == fs::read(folder.join("model.safetensors")).unwrap());
    assert!(tensors_of(&converted) == tensors, "names, shapes and numbers are what they were");
    let (_, err) = desk.expect(2, &["convert", "own.pth"]);
    assert!(err.contains("is there already"), "{err}");
}

#[test]
fn a_hostile_pickle_is_not_run() {
    let desk = Desk::new(FakeHub::start());
    let marker = desk.path("marker");
    let command = format!("touch {}", marker.display());
    let mut pickle = b"\x80\x02cposix\nsystem\n(".to_vec();
    text(&mut pickle, &command);
    pickle.extend(b"tR.");
    fs::write(desk.path("evil.pth"), pth(&pickle, &[])).unwrap();
    let (_, err) = desk.expect(1, &["convert", "evil.pth"]);
    assert!(err.contains("evil.pth"), "{err}");
    assert!(!marker.exists() && !desk.path("evil.safetensors").exists());
    assert!(!desk.path("evil.safetensors.part").exists());
    for bad in [b"".as_slice(), b"not a zip", b"PK\x03\x04"] {
        fs::write(desk.path("bad.pth"), bad).unwrap();
        desk.expect(1, &["convert", "bad.pth"]);
    }
}

#[test]
fn verify_lists_every_problem() {
    let desk = Desk::new(hub());
    desk.pull(0);
    let folder = desk.path("models").join(NAME);
    fs::remove_file(folder.join("prompts/tail.txt")).unwrap();
    fs::write(folder.join("preprocessor_config.json"), "{}").unwrap();
    let (out, _) = desk.expect(1, &["verify", NAME, "--json"]);
    let said: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(said["problems"].as_array().unwrap().len(), 2, "{out}");
    let (out, _) = desk.expect(1, &["verify", NAME]);
    assert_eq!(out.lines().count(), 2, "{out}");
    let listed: Value = serde_json::from_str(&desk.expect(0, &["list", "--json"]).0).unwrap();
    let row = listed["models"].as_array().unwrap().iter().find(|row| row["name"] == NAME).unwrap();
    assert_eq!(row["state"], "incomplete");
}

/// One tensor of a file.
#[derive(Clone, PartialEq)]
struct Tensor {
    name: String,
    shape: Vec<u64>,
    bytes: Vec<u8>,
}

/// The tensors of `nano`, which are stored in half precision.
fn tensors() -> Vec<Tensor> {
    tensors_of(&nano("model.safetensors"))
}

/// The tensors of a file in half precision, by their names.
fn tensors_of(file: &[u8]) -> Vec<Tensor> {
    let length = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    let header: BTreeMap<String, Value> = serde_json::from_slice(&file[8..8 + length]).unwrap();
    let data = &file[8 + length..];
    let tensor = |(name, info): (String, Value)| {
        assert_eq!(info["dtype"], "F16");
        let at = |end: usize| info["data_offsets"][end].as_u64().unwrap() as usize;
        let shape = info["shape"].as_array().unwrap().iter().map(|edge| edge.as_u64().unwrap()).collect();
        Tensor { name, shape, bytes: data[at(0)..at(1)].to_vec() }
    };
    header.into_iter().filter(|(name, _)| name != "__metadata__").map(tensor).collect()
}

fn safetensors(tensors: &[Tensor]) -> Vec<u8> {
    let mut header = serde_json::Map::new();
    let mut data = Vec::new();
    for Tensor { name, shape, bytes } in tensors {
        let from = data.len();
        data.extend(bytes);
        header.insert(name.clone(), json!({"dtype": "F16", "shape": shape, "data_offsets": [from, data.len()]}));
    }
    let header = Value::Object(header).to_string();
    [(header.len() as u64).to_le_bytes().as_slice(), header.as_bytes(), &data].concat()
}

/// A text as a pickle has it.
fn text(pickle: &mut Vec<u8>, text: &str) {
    pickle.push(b'X');
    pickle.extend((text.len() as u32).to_le_bytes());
    pickle.extend(text.as_bytes());
}

fn number(pickle: &mut Vec<u8>, number: u64) {
    pickle.push(b'J');
    pickle.extend((number as u32).to_le_bytes());
}

fn numbers(pickle: &mut Vec<u8>, all: &[u64]) {
    pickle.push(b'(');
    all.iter().for_each(|each| number(pickle, *each));
    pickle.push(b't');
}

/// The pickle that `torch.save` writes for a state: a dictionary of tensors, each rebuilt from a storage of its own.
fn state(tensors: &[Tensor]) -> Vec<u8> {
    let mut pickle = b"\x80\x02}(".to_vec();
    for (key, Tensor { name, shape, bytes }) in tensors.iter().enumerate() {
        text(&mut pickle, name);
        pickle.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        text(&mut pickle, "storage");
        pickle.extend(b"ctorch\nHalfStorage\n");
        text(&mut pickle, &key.to_string());
        text(&mut pickle, "cpu");
        number(&mut pickle, bytes.len() as u64 / 2);
        pickle.extend(b"tQ");
        number(&mut pickle, 0);
        numbers(&mut pickle, shape);
        let stride = |at: usize| shape[at + 1..].iter().product();
        numbers(&mut pickle, &(0..shape.len()).map(stride).collect::<Vec<u64>>());
        pickle.extend(b"\x89ccollections\nOrderedDict\n)RtR");
    }
    pickle.extend(b"u.");
    pickle
}

/// The archive that `torch.save` writes around a pickle.
fn pth(pickle: &[u8], tensors: &[Tensor]) -> Vec<u8> {
    let mut files = vec![("archive/data.pkl".to_owned(), pickle.to_vec())];
    let data = tensors.iter().enumerate().map(|(key, tensor)| (format!("archive/data/{key}"), tensor.bytes.clone()));
    files.extend(data);
    zip(&files)
}

/// A zip archive without compression.
fn zip(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in files {
        let at = archive.len() as u32;
        let (sum, length) = (crc32(bytes).to_le_bytes(), (bytes.len() as u32).to_le_bytes());
        let name_length = (name.len() as u16).to_le_bytes();
        // Version, flags, method, time and date; checksum and lengths; length of the name and of what follows it.
        let facts =
            [&[20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0], sum.as_slice(), &length, &length, &name_length, &[0, 0]].concat();
        archive.extend([b"PK\x03\x04".as_slice(), &facts, name.as_bytes(), bytes].concat());
        directory.extend([b"PK\x01\x02\x14\x00".as_slice(), &facts].concat());
        directory.extend([[0; 10].as_slice(), &at.to_le_bytes(), name.as_bytes()].concat());
    }
    let (count, at) = ((files.len() as u16).to_le_bytes(), (archive.len() as u32).to_le_bytes());
    let length = (directory.len() as u32).to_le_bytes();
    archive.extend(&directory);
    archive.extend([b"PK\x05\x06\0\0\0\0".as_slice(), &count, &count, &length, &at, &[0, 0]].concat());
    archive
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |sum: u32, byte: &u8| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| if sum & 1 == 1 { (sum >> 1) ^ 0xedb8_8320 } else { sum >> 1 })
    };
    !bytes.iter().fold(u32::MAX, step)
}
