//! Pipelines that edit pictures, pulled and verified.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use editscale_testkit::{FakeHub, Fault};
use serde_json::{Value, json};

use super::Desk;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/workspace/models/tests/fixtures/editors/pipelines");
const PIX2PIX: &str = "timbrooks/instruct-pix2pix";
const KONTEXT: &str = "black-forest-labs/FLUX.1-Kontext-dev";
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const UNET: &str = "unet/diffusion_pytorch_model.safetensors";

/// The files of a fixture, by their paths.
fn files(fixture: &str) -> Vec<(String, Vec<u8>)> {
    let root = Path::new(FIXTURES).join(fixture);
    let list = |folder: &Path| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    let (folders, top): (Vec<PathBuf>, Vec<PathBuf>) = list(&root).into_iter().partition(|path| path.is_dir());
    let all = top.into_iter().chain(folders.iter().flat_map(|folder| list(folder)));
    let name = |path: &Path| path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
    all.map(|path| (name(&path), fs::read(&path).unwrap())).collect()
}

fn bytes(fixture: &str, name: &str) -> Vec<u8> {
    fs::read(Path::new(FIXTURES).join(fixture).join(name)).unwrap()
}

/// A hub with a repository of these files.
fn hub_of(repository: &str, files: &[(String, Vec<u8>)]) -> FakeHub {
    files.iter().fold(FakeHub::start(), |hub, (name, bytes)| hub.with(repository, name, bytes.clone()))
}

/// The fixture as the released repository has it: beside others that no pipeline here needs.
fn pix2pix() -> FakeHub {
    let others = [
        "README.md",
        "instruct-pix2pix-00-22000.safetensors",
        "instruct-pix2pix-00-22000.ckpt",
        "safety_checker/config.json",
        "safety_checker/model.safetensors",
        "feature_extractor/preprocessor_config.json",
        "text_encoder/pytorch_model.bin",
        "tokenizer/._vocab.json",
        "unet/diffusion_pytorch_model.bin",
        "unet/diffusion_pytorch_model.fp16.safetensors",
        "vae/diffusion_pytorch_model.fp16.safetensors",
    ];
    let hub = others.iter().fold(hub_of(PIX2PIX, &files("pix2pix_f16")), |hub, name| hub.with(PIX2PIX, name, "no"));
    hub.with_card(PIX2PIX, r#"{"license": "mit"}"#)
}

/// Another repository, of the fixture's files but for those that are taken out.
fn mine(fixture: &str, out: &[&str]) -> FakeHub {
    let is_in = |(name, _): &(String, Vec<u8>)| !out.contains(&name.as_str());
    hub_of("me/mine", &files(fixture).into_iter().filter(is_in).collect::<Vec<_>>())
}

fn store(repository: &str, name: &str) -> String {
    format!("/{repository}/resolve/{COMMIT}/{name}")
}

/// How often the bytes of a file were sent.
fn sent(desk: &Desk, name: &str) -> usize {
    let is_this = |request: &&String| request.starts_with("store") && request.contains(name);
    desk.hub.requests().iter().filter(is_this).count()
}

fn names(folder: &Path) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let name = entry.file_name().unwrap().to_str().unwrap();
        if entry.is_dir() {
            all.extend(names(&entry).iter().map(|inner| format!("{name}/{inner}")));
        } else {
            all.insert(name.to_owned());
        }
    }
    all
}

#[test]
fn a_pull_brings_what_the_pipeline_uses() {
    let desk = Desk::new(pix2pix());
    let (out, err) = desk.expect(0, &["pull", "instruct-pix2pix", "--accept-license"]);
    let folder = desk.path("models/instruct-pix2pix");
    assert_eq!(Path::new(out.trim()), folder);
    assert!(err.contains(&format!("{PIX2PIX}: mit")) && err.contains("tensors"), "{err}");
    let mut expected: BTreeSet<String> = files("pix2pix_f16").into_iter().map(|(name, _)| name).collect();
    expected.insert("pulled.json".to_owned());
    assert_eq!(names(&folder), expected);
    for (name, bytes) in files("pix2pix_f16") {
        assert!(fs::read(folder.join(&name)).unwrap() == bytes, "{name}");
    }
    let (_, err) = desk.expect(0, &["verify", "instruct-pix2pix"]);
    assert!(err.contains("good: "), "{err}");
    let listed: Value = serde_json::from_str(&desk.expect(0, &["list", "--json"]).0).unwrap();
    let row = listed["models"].as_array().unwrap().iter().find(|row| row["name"] == "instruct-pix2pix").unwrap();
    assert_eq!((&row["state"], &row["kind"]), (&json!("here"), &json!("editor")));
    assert!(row["bytes"].as_u64().unwrap() > 200_000, "{row}");
    // Small files come first.
    let requests = desk.hub.requests();
    let place = |name: &str| requests.iter().position(|request| request.contains(name)).unwrap();
    assert!(place("unet/config.json") < place("model.safetensors"), "{requests:?}");
    let before = requests.iter().filter(|request| request.starts_with("store")).count();
    desk.expect(0, &["pull", PIX2PIX]);
    assert_eq!(desk.hub.requests().iter().filter(|request| request.starts_with("store")).count(), before);
}

#[test]
fn any_repository_of_a_known_class_is_pulled() {
    for fixture in ["kontext_no_guidance_bf16", "kontext_f16", "pix2pix_deep_bf16"] {
        let root = ["flux1-kontext-dev.safetensors", "ae.safetensors"];
        let hub = root.iter().fold(mine(fixture, &[]), |hub, name| hub.with("me/mine", name, "no"));
        let desk = Desk::new(hub);
        let (out, _) = desk.expect(0, &["pull", "me/mine", "--accept-license"]);
        let mut expected: BTreeSet<String> = files(fixture).into_iter().map(|(name, _)| name).collect();
        expected.insert("pulled.json".to_owned());
        assert_eq!(names(Path::new(out.trim())), expected, "{fixture}");
        let listed: Value = serde_json::from_str(&desk.expect(0, &["list", "--json"]).0).unwrap();
        let row = listed["models"].as_array().unwrap().last().unwrap();
        assert_eq!((&row["name"], &row["kind"], &row["state"]), (&json!("me--mine"), &json!("editor"), &json!("here")));
    }
}

#[test]
fn an_interrupted_pull_goes_on() {
    let desk = Desk::new(pix2pix());
    desk.hub.fail(&store(PIX2PIX, UNET), Fault::Break(50_000));
    desk.hub.fail(&store(PIX2PIX, UNET), Fault::Status(404, "EntryNotFound"));
    let (_, err) = desk.expect(1, &["pull", "instruct-pix2pix", "--accept-license"]);
    assert!(err.contains(&format!("`{UNET}`: not found")), "{err}");
    let folder = desk.path("models/instruct-pix2pix");
    assert!(!folder.join(UNET).exists() && folder.join("text_encoder/model.safetensors").exists());
    let (out, _) = desk.expect(1, &["verify", "instruct-pix2pix"]);
    assert!(out.contains(&format!("{UNET}: is missing")) && out.lines().count() == 1, "{out}");
    let encoder = sent(&desk, "text_encoder/model.safetensors");
    desk.expect(0, &["pull", "instruct-pix2pix"]);
    assert_eq!(sent(&desk, "text_encoder/model.safetensors"), encoder);
    let last = desk.hub.requests().into_iter().rfind(|request| request.starts_with("store")).unwrap();
    assert_eq!(last, format!("store {} from 50000", store(PIX2PIX, UNET)));
}

#[test]
fn a_gated_repository_says_how_to_get_in() {
    let card =
        r#"{"license": "other", "license_name": "flux-1-dev-non-commercial-license", "license_link": "LICENSE.md"}"#;
    let hub = hub_of(KONTEXT, &files("kontext_f16")).with_card(KONTEXT, card).with_token(KONTEXT, "hf_good");
    let mut desk = Desk::new(hub);
    let arguments = ["pull", "flux-kontext", "--accept-license"];
    let (_, err) = desk.expect(1, &arguments);
    let page = format!("{}/{KONTEXT}", desk.hub.url());
    for part in ["flux-1-dev-non-commercial-license (LICENSE.md)", "a non-commercial licence", &page, "HF_TOKEN", "401"]
    {
        assert!(err.contains(part), "{part}\n{err}");
    }
    assert!(err.contains("it is gated, and no token was given"), "{err}");
    desk.variables.push(("HF_TOKEN", "hf_other".to_owned()));
    let (_, err) = desk.expect(1, &arguments);
    assert!(err.contains("terms have not been accepted") && err.contains(&page) && err.contains("403"), "{err}");
    desk.variables.pop();
    fs::create_dir(desk.path("home")).unwrap();
    fs::write(desk.path("home/token"), "hf_good\n").unwrap();
    desk.expect(0, &arguments);
}

#[test]
fn a_licence_has_to_be_accepted() {
    let desk = Desk::new(pix2pix());
    let (out, err) = desk.expect(2, &["pull", "instruct-pix2pix"]);
    assert!(out.is_empty() && err.contains(": mit") && err.contains("--accept-license"), "{err}");
    assert!(!desk.path("models").exists());
}

#[test]
fn pickles_are_not_taken_for_weights() {
    let encoder = "text_encoder/model.safetensors";
    let hub = mine("pix2pix_f16", &[UNET, encoder]).with("me/mine", "unet/diffusion_pytorch_model.bin", "no").with(
        "me/mine",
        "text_encoder/pytorch_model.bin",
        "no",
    );
    let desk = Desk::new(hub);
    let (_, err) = desk.expect(1, &["pull", "me/mine", "--accept-license"]);
    assert!(err.contains("the only weights of `unet` are `diffusion_pytorch_model.bin`, which is not read"), "{err}");
    assert!(err.contains("the only weights of `text_encoder` are `pytorch_model.bin`"), "{err}");
    assert!(err.contains(&format!("expected `{UNET}`")), "{err}");
    assert_eq!(sent(&desk, ".bin") + sent(&desk, ".safetensors"), 0);
}

#[test]
fn other_classes_are_named() {
    let index = |class: &str| json!({"_class_name": class}).to_string();
    let desk =
        Desk::new(mine("pix2pix_f16", &[]).with("me/mine", "model_index.json", index("StableDiffusionPipeline")));
    let (_, err) = desk.expect(1, &["pull", "me/mine", "--accept-license"]);
    assert!(err.contains("names the pipeline `StableDiffusionPipeline`: expected") && err.contains("Kontext"), "{err}");
    assert_eq!(sent(&desk, ".safetensors"), 0);
    let desk = Desk::new(pix2pix().with(PIX2PIX, "model_index.json", index("FluxKontextPipeline")));
    let (_, err) = desk.expect(1, &["pull", "instruct-pix2pix", "--accept-license"]);
    assert!(err.contains("is a `FluxKontextPipeline`: expected a `StableDiffusionInstructPix2PixPipeline`"), "{err}");
    let desk = Desk::new(mine("kontext_f16", &["vae/config.json", "tokenizer_2/tokenizer.json"]));
    let (_, err) = desk.expect(1, &["pull", "me/mine", "--accept-license"]);
    assert!(err.contains("it has no `vae/config.json`"), "{err}");
}

#[test]
fn half_precision_is_taken_where_there_is_nothing_else() {
    let half = "unet/diffusion_pytorch_model.fp16.safetensors";
    let hub = mine("pix2pix_f16", &[UNET]).with("me/mine", half, bytes("pix2pix_f16", UNET));
    let desk = Desk::new(hub);
    let (out, _) = desk.expect(0, &["pull", "me/mine", "--accept-license"]);
    let folder = PathBuf::from(out.trim());
    assert!(folder.join(half).exists() && !folder.join(UNET).exists());
    // The full one appears, and takes its place.
    desk.hub.move_to("me/mine", &"e".repeat(40), UNET, bytes("pix2pix_f16", UNET));
    desk.expect(0, &["pull", "me/mine", "--accept-license"]);
    assert!(!folder.join(half).exists() && folder.join(UNET).exists());
    desk.expect(0, &["verify", folder.to_str().unwrap()]);
}

#[test]
fn a_shard_that_is_not_there_shows_before_the_weights() {
    let shard = "diffusion_pytorch_model-00002-of-00003.safetensors";
    let desk = Desk::new(mine("kontext_no_guidance_bf16", &[&format!("transformer/{shard}")]));
    let (_, err) = desk.expect(1, &["pull", "me/mine", "--accept-license"]);
    assert!(err.contains(&format!("the index names `{shard}`")), "{err}");
    assert_eq!(sent(&desk, ".safetensors") - sent(&desk, ".index.json"), 0);
    let evil = json!({"weight_map": {"a": "../../evil.safetensors"}}).to_string();
    let index = "transformer/diffusion_pytorch_model.safetensors.index.json";
    let desk = Desk::new(mine("kontext_no_guidance_bf16", &[]).with("me/mine", index, evil));
    let (_, err) = desk.expect(1, &["pull", "me/mine", "--accept-license"]);
    assert!(err.contains("the index names `../../evil.safetensors`"), "{err}");
}

#[test]
fn what_is_wrong_with_small_files_shows_before_the_weights() {
    let scheduler = json!({"_class_name": "LCMScheduler"}).to_string();
    let desk = Desk::new(mine("pix2pix_f16", &[]).with("me/mine", "scheduler/scheduler_config.json", scheduler).with(
        "me/mine",
        "tokenizer/merges.txt",
        "none",
    ));
    let (_, err) = desk.expect(1, &["pull", "me/mine", "--accept-license"]);
    assert!(err.contains("names the scheduler `LCMScheduler`") && err.contains("merges.txt: line 1"), "{err}");
    assert_eq!(sent(&desk, ".safetensors"), 0);
    let desk = Desk::new(mine("pix2pix_f16", &[]).with_lie("me/mine", "vae/config.json", 1 << 30));
    let (_, err) = desk.expect(1, &["pull", "me/mine", "--accept-license"]);
    assert!(err.contains("`vae/config.json` has 1.07 GB: expected at most"), "{err}");
}

#[test]
fn the_free_space_is_looked_at_for_all_weights_together() {
    let desk = Desk::new(pix2pix().with_lie(PIX2PIX, UNET, 1 << 60));
    let (_, err) = desk.expect(1, &["pull", "instruct-pix2pix", "--accept-license"]);
    assert!(err.contains("bytes (1152921504.6 GB) are to be written, "), "{err}");
    assert_eq!(sent(&desk, ".safetensors"), 0);
}

#[test]
fn wrong_weights_never_get_their_name() {
    let desk = Desk::new(pix2pix());
    desk.hub.fail(&store(PIX2PIX, UNET), Fault::Garbage);
    let (_, err) = desk.expect(1, &["pull", "instruct-pix2pix", "--accept-license"]);
    assert!(err.contains("expected SHA-256 ") && err.contains(", found "), "{err}");
    assert!(!desk.path("models/instruct-pix2pix").join(UNET).exists());
}

#[test]
fn offline_the_cache_is_enough() {
    let mut desk = Desk::new(FakeHub::start());
    desk.variables.push(("HF_HUB_OFFLINE", "1".to_owned()));
    let (_, err) = desk.expect(1, &["pull", "instruct-pix2pix", "--accept-license"]);
    assert!(err.contains("HF_HUB_OFFLINE forbids"), "{err}");
    let cache = desk.path("home/hub/models--timbrooks--instruct-pix2pix");
    fs::create_dir_all(cache.join("refs")).unwrap();
    fs::write(cache.join("refs/main"), COMMIT).unwrap();
    for (name, bytes) in files("pix2pix_f16") {
        let file = cache.join("snapshots").join(COMMIT).join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, bytes).unwrap();
    }
    desk.expect(0, &["pull", "instruct-pix2pix", "--accept-license"]);
    desk.expect(0, &["verify", "instruct-pix2pix"]);
    assert!(desk.hub.requests().is_empty());
}

#[test]
fn what_judges_have_is_refused() {
    let desk = Desk::new(pix2pix());
    for flag in ["--base", "--prompts"] {
        let (_, err) = desk.expect(2, &["pull", "instruct-pix2pix", "--accept-license", flag, "a/b"]);
        assert!(err.contains(&format!("{flag} is for judges")), "{err}");
    }
    let desk = Desk::new(mine("pix2pix_f16", &[]));
    let (_, err) = desk.expect(2, &["pull", "me/mine", "--accept-license", "--prompts", "a"]);
    assert!(err.contains("--prompts is for judges"), "{err}");
}

#[test]
fn verify_lists_every_problem() {
    let desk = Desk::new(pix2pix());
    desk.expect(0, &["pull", "instruct-pix2pix", "--accept-license"]);
    let folder = desk.path("models/instruct-pix2pix");
    fs::remove_dir_all(folder.join("vae")).unwrap();
    fs::write(folder.join("unet/config.json"), "{}").unwrap();
    let (out, _) = desk.expect(1, &["verify", "instruct-pix2pix", "--json"]);
    let said: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(said["problems"][0]["file"], json!(folder.join("vae")), "{out}");
    // What is left of a pipeline is told as one.
    fs::remove_file(folder.join("model_index.json")).unwrap();
    let (out, _) = desk.expect(1, &["verify", folder.to_str().unwrap()]);
    assert!(out.contains("model_index.json: cannot be read"), "{out}");
    let listed: Value = serde_json::from_str(&desk.expect(0, &["list", "--json"]).0).unwrap();
    let row = listed["models"].as_array().unwrap().iter().find(|row| row["name"] == "instruct-pix2pix").unwrap();
    assert_eq!(row["state"], "incomplete");
}
