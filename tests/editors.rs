//! The program with editing models: tiny pipelines, judged by a tiny judge, under every policy, and what is said where
//! something is wrong with them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "a test that cannot go on fails"
)]

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use editscale_core::CandidateId;
use serde_json::{Value, json};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/workspace/models/tests/fixtures");
const PHOTO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/photos/coffee.jpg");

/// The size of the picture that is edited; pipelines halve it two or four times.
const SIZE: (u32, u32) = (48, 32);

fn pipeline(name: &str) -> String {
    format!("{FIXTURES}/editors/pipelines/{name}")
}

/// A recipe with a tiny judge. `options` are those of the editor beside its folder.
fn recipe(kind: &str, dir: &str, options: &str, search: &str) -> String {
    let judge = format!("{FIXTURES}/editreward/models/small_budget_f16");
    format!(
        "version: 1\neditor: {{{kind}: {{dir: '{dir}', {options}}}}}\n\
         rewards: [{{model: {{editreward: {{dir: '{judge}'}}}}}}]\nsearch: {search}\n"
    )
}

fn pix2pix(dir: &str, options: &str, search: &str) -> String {
    recipe("instruct_pix2pix", dir, &format!("steps: 3, {options}"), search)
}

fn kontext(dir: &str, options: &str, search: &str) -> String {
    recipe("flux_kontext", dir, &format!("steps: 3, max_pixels: 1024, fit_source: false, {options}"), search)
}

/// Authors' files in place of a folder.
fn step1x(_: &str, options: &str, search: &str) -> String {
    let home = format!("{FIXTURES}/step1x");
    let judge = format!("{FIXTURES}/editreward/models/small_budget_f16");
    format!(
        "version: 1\neditor:\n  step1x_edit:\n    {{transformer: '{home}/transformers/v1_0/step1x.safetensors', \
         vae: '{home}/vae/ae.safetensors', encoder: '{home}/encoder', steps: 3, size_level: 48, {options}}}\n\
         rewards: [{{model: {{editreward: {{dir: '{judge}'}}}}}}]\nsearch: {search}\n"
    )
}

/// The release of 2511, put together once of networks that other tests have as well.
fn qwen(_: &str, options: &str, search: &str) -> String {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        for (from, to) in [
            ("qwen_image_edit/pipelines/2511/model_index.json", "model_index.json"),
            ("qwen_image_edit/pipelines/2511/transformer.json", "transformer/config.json"),
            ("qwen_image_edit/cases/clean/scheduler_config.json", "scheduler/scheduler_config.json"),
            ("qwen_image_edit/preprocessor_config.json", "processor/preprocessor_config.json"),
            (
                "layers/qwen_image/two_blocks/diffusion_pytorch_model.safetensors",
                "transformer/diffusion_pytorch_model.safetensors",
            ),
            ("layers/autoencoder_qwen/two_levels/config.json", "vae/config.json"),
            (
                "layers/autoencoder_qwen/two_levels/diffusion_pytorch_model.safetensors",
                "vae/diffusion_pytorch_model.safetensors",
            ),
            ("editreward/models/shards_bf16/tokenizer.json", "processor/tokenizer.json"),
            ("editreward/models/shards_bf16", "text_encoder"),
        ] {
            let (from, to) = (Path::new(FIXTURES).join(from), folder.path().join(to));
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            if from.is_dir() {
                copy_folder(&from, &to);
            } else {
                fs::copy(from, to).unwrap();
            }
        }
        folder
    });
    let options = format!("steps: 3, max_pixels: 1024, source_pixels: 1024, {options}");
    recipe("qwen_image_edit", folder.path().to_str().unwrap(), &options, search)
}

/// A folder of its own for one test, with a small photograph.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        let photo = image::open(PHOTO).unwrap();
        let photo = photo.resize_exact(SIZE.0, SIZE.1, image::imageops::FilterType::Triangle);
        photo.save(desk.path("photo.png")).unwrap();
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_editscale"));
        command.args(arguments).current_dir(self.0.path());
        command
    }

    /// Runs and expects an exit code; hands out stdout and stderr.
    fn expect(&self, code: i32, arguments: &[&str]) -> (String, String) {
        let Output { status, stdout, stderr } = self.command(arguments).output().unwrap();
        let (out, err) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
        assert_eq!(status.code(), Some(code), "{arguments:?}\n{out}\n{err}");
        (out, err)
    }

    /// Edits the photograph by a recipe, and hands out what `--json` prints and what is said beside it.
    fn edit(&self, recipe: &str, run: &str, more: &[&str]) -> (Value, String) {
        fs::write(self.path("recipe.yaml"), recipe).unwrap();
        let arguments = ["edit", "photo.png", "make it warm", "--recipe", "recipe.yaml", "--run-dir", run, "--json"];
        let (out, err) = self.expect(0, &[&arguments, more].concat());
        (serde_json::from_str(&out).unwrap(), err)
    }

    /// Expects the same to fail, and hands out what is said.
    fn fail(&self, code: i32, recipe: &str, run: &str, more: &[&str]) -> String {
        fs::write(self.path("recipe.yaml"), recipe).unwrap();
        let arguments = ["edit", "photo.png", "make it warm", "--recipe", "recipe.yaml", "--run-dir", run];
        self.expect(code, &[&arguments, more].concat()).1
    }

    /// A copy of a pipeline that a test may break.
    fn copy(&self, name: &str) -> PathBuf {
        let folder = self.path(name);
        fs::remove_dir_all(&folder).ok();
        copy_folder(Path::new(&pipeline(name)), &folder);
        folder
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn candidates(run: &Value) -> &[Value] {
    run["candidates"].as_array().unwrap()
}

/// The pictures of all candidates, by digest, in ask order.
fn images(run: &Value) -> Vec<String> {
    candidates(run).iter().map(|candidate| candidate["image"].as_str().unwrap().to_owned()).collect()
}

fn different(images: &[String]) -> usize {
    images.iter().collect::<HashSet<_>>().len()
}

const BEST_OF_N: &str = "{best_of_n: {samples: 3}}";
const REWARD_WEIGHTED: &str = "{reward_weighted: {samples: 3, draw: 2, target_ess: 2}}";
const BEAM: &str = "{beam: {width: 1, children: 3, depth: 1, edges: {re_edit: 1, edit_of_edit: 1, fresh: 1}}}";
/// For an editor without knobs.
const BEAM_WITHOUT_KNOBS: &str = "{beam: {width: 1, children: 2, depth: 1, edges: {edit_of_edit: 1, fresh: 1}}}";

const ADAPTIVE: &str = "{adaptive: {most: 4, cost: {edit: 0.001}}}";
const DIVERSE_TREES: &str = "{diverse_trees: {trees: 2, children: 1, depth: 1, edges: {fresh: 1}}}";
const NOISE_SEARCH: &str = "{noise_search: {pivots: 2, neighbours: 2, rounds: 2, cosine: 0.8}}";
/// Of three steps: fresh ones stop after the first, what goes on from there begins anew and stops after the second.
const PATH_SEARCH: &str = "{path_search: {paths: 2, children: 2, first: 0.34, back: 0.34, forward: 0.67}}";

/// Every pipeline with its kind of recipe, how often a step asks its network, and a beam that it can follow.
type Kind = (&'static str, fn(&str, &str, &str) -> String, u64, &'static str);

const PIPELINES: [Kind; 6] = [
    ("pix2pix_f16", pix2pix, 3, BEAM),
    ("pix2pix_deep_bf16", pix2pix, 3, BEAM),
    ("kontext_f16", kontext, 1, BEAM),
    ("kontext_no_guidance_bf16", kontext, 1, BEAM_WITHOUT_KNOBS),
    ("step1x", step1x, 2, BEAM),
    ("2511", qwen, 2, BEAM),
];

#[test]
fn every_pipeline_runs_under_every_policy() {
    for (name, of, asks, beam) in PIPELINES {
        let policies = [
            ("best_of_n", BEST_OF_N),
            ("reward_weighted", REWARD_WEIGHTED),
            ("beam", beam),
            ("noise_search", NOISE_SEARCH),
            ("adaptive", ADAPTIVE),
            ("diverse_trees", DIVERSE_TREES),
        ];
        for (policy, search) in policies {
            let desk = Desk::new();
            let (run, err) = desk.edit(&of(&pipeline(name), "", search), "run", &[]);
            let label = format!("{name} under {policy}: {err}");
            for file in ["outcome.json", "best.png", "report.html", "run.json", "journal.jsonl"] {
                assert!(desk.path("run").join(file).exists(), "{label}: {file}");
            }
            let all = candidates(&run);
            let is_judged = |each: &&Value| each["scores"]["editreward"]["mean"].as_f64().is_some_and(f64::is_finite);
            assert_eq!(all.iter().filter(is_judged).count(), all.len(), "{label}");
            assert_eq!(different(&images(&run)), all.len(), "{label}: another seed or start is another picture");
            assert_eq!(run["ledger"]["nfe"], json!(3 * asks * all.len() as u64), "{label}");
            let edges: HashSet<&str> = all.iter().map(|each| each["edge"].as_str().unwrap()).collect();
            let expected = match policy {
                "beam" if beam == BEAM => 3,
                "beam" | "noise_search" => 2,
                _ => 1,
            };
            assert_eq!(edges.len(), expected, "{label}: {edges:?}");
        }
    }
}

/// Four candidates are looked at after the first of three steps, and the better two go on to the end.
#[test]
fn previews_save_evaluations_and_never_win() {
    type Asking = (&'static str, fn(&str, &str, &str) -> String, u64);
    const PRUNING: &str = "{preview_pruning: {samples: 4, checkpoints: [1], keep: 0.5}}";
    const KINDS: [Asking; 4] =
        [("pix2pix_f16", pix2pix, 3), ("kontext_f16", kontext, 1), ("step1x", step1x, 2), ("2511", qwen, 2)];
    for (name, of, asks) in KINDS {
        let desk = Desk::new();
        let (run, err) = desk.edit(&of(&pipeline(name), "batch: 1", PRUNING), "run", &[]);
        let all = candidates(&run);
        assert_eq!(all.len(), 6, "{name}: {err}");
        // A step and its preview, whose evaluation is the next step's; then the last step alone.
        let evaluations = asks * (4 * 2 + 2);
        assert_eq!(run["ledger"]["nfe"], json!(evaluations), "{name}");
        assert!(evaluations < asks * 4 * 3, "fewer than four whole candidates take");
        assert_eq!((&run["ledger"]["edits"], &run["ledger"]["reward_calls"]), (&json!(4), &json!(6)), "{name}");
        assert!(run["winner"]["id"].as_u64() >= Some(4), "{name}: a preview won, {}", run["winner"]);
        // What went on equals what would have been made at once.
        let (whole, _) = desk.edit(&of(&pipeline(name), "batch: 1", "{best_of_n: {samples: 4}}"), "whole", &[]);
        let whole = images(&whole);
        assert!(images(&run)[4..].iter().all(|image| whole.contains(image)), "{name}");
    }
    let desk = Desk::new();
    fs::write(desk.path("recipe.yaml"), pix2pix(&pipeline("pix2pix_f16"), "", PRUNING)).unwrap();
    let (out, _) = desk.expect(0, &["check", "recipe.yaml"]);
    assert!(out.contains("note: `preview_pruning` stops the candidates of `instruct_pix2pix` at step 1 of 3"), "{out}");
    let darkroom = "version: 1\neditor: {darkroom: {}}\nrewards: [{model: {photometric: {}}}]\nsearch: ";
    fs::write(desk.path("recipe.yaml"), format!("{darkroom}{PRUNING}\n")).unwrap();
    let (out, _) = desk.expect(0, &["check", "recipe.yaml"]);
    assert!(out.contains("makes whole candidates, as `adaptive` does"), "{out}");
}

/// What a run found, less what differs from one process to another.
fn found(run: &Value) -> Value {
    json!([run["winner"]["id"], run["reason"], run["candidates"]])
}

#[test]
fn paths_are_searched_through_previews_that_never_win() {
    for (name, of, asks, _) in PIPELINES {
        let desk = Desk::new();
        let recipe = of(&pipeline(name), "batch: 1", PATH_SEARCH);
        let (run, err) = desk.edit(&recipe, "run", &[]);
        let all = candidates(&run);
        assert_eq!((all.len(), &run["reason"]), (10, &json!("finished")), "{name}: {err}");
        // What is finished from before the last step may be what its preview showed: that step adds no noise.
        assert_eq!(different(&images(&run)[..8]), 8, "{name}: steps taken back are other pictures");
        let edges: Vec<&str> = all.iter().map(|each| each["edge"].as_str().unwrap()).collect();
        assert_eq!(edges, [["fresh"; 4].as_slice(), &["resume"; 6]].concat(), "{name}");
        assert!(run["winner"]["id"].as_u64().unwrap() >= 8, "{name}: a preview does not win");
        // One step and a preview; then two, from the beginning, and a preview; then the last, which the preview has asked for.
        assert_eq!(run["ledger"]["nfe"], json!(asks * (4 * 2 + 4 * 3)), "{name}");
        // Of the journal alone it is the same again.
        let again: Value = serde_json::from_str(&desk.expect(0, &["edit", "--resume", "run", "--json"]).0).unwrap();
        assert_eq!(found(&again), found(&run), "{name}");
    }
}

/// A run whose journal ends early lost its half-made candidates: they are made again from their noise, turned and taken back as
/// it was.
#[test]
fn a_search_of_noise_goes_on_from_its_journal() {
    for (name, of, search) in [
        ("pix2pix_f16", pix2pix as fn(&str, &str, &str) -> String, PATH_SEARCH),
        ("kontext_f16", kontext, PATH_SEARCH),
        ("step1x", step1x, PATH_SEARCH),
        ("2511", qwen, PATH_SEARCH),
        ("pix2pix_f16", pix2pix, NOISE_SEARCH),
        ("kontext_f16", kontext, NOISE_SEARCH),
    ] {
        let desk = Desk::new();
        let whole = desk.edit(&of(&pipeline(name), "batch: 1", search), "whole", &[]).0;
        let journal = fs::read_to_string(desk.path("whole/journal.jsonl")).unwrap();
        let decided: Vec<usize> =
            journal.lines().enumerate().filter(|(_, line)| line.contains("\"decided\"")).map(|(at, _)| at).collect();
        // Cut behind every decision but the last, which is to stop.
        for (round, cut) in decided[..decided.len() - 1].iter().enumerate() {
            let run = format!("cut{round}");
            copy_folder(&desk.path("whole"), &desk.path(&run));
            fs::remove_file(desk.path(&run).join("outcome.json")).unwrap();
            let lines: Vec<&str> = journal.lines().take(cut + 1).collect();
            fs::write(desk.path(&run).join("journal.jsonl"), lines.join("\n") + "\n").unwrap();
            let resumed = desk.expect(0, &["edit", "--resume", &run, "--json"]).0;
            let resumed: Value = serde_json::from_str(&resumed).unwrap();
            assert_eq!(images(&resumed), images(&whole), "{name}, {search}, round {round}");
            assert_eq!(resumed["winner"]["id"], whole["winner"]["id"], "{name}, {search}, round {round}");
        }
    }
}

/// Four particles of six steps, weighed at two checkpoints, cost as many denoiser evaluations as four whole edits: a preview's evaluation
/// is the next step's, whoever is copied.
#[test]
fn particles_make_their_way_at_the_price_of_whole_edits() {
    for (more, drawn) in [("preset: svdd", 0), ("tempering: constant, ess: 1.0, keep: draw", 4)] {
        let desk = Desk::new();
        let search = format!("{{particles: {{particles: 4, steps: 6, resample_at: [0.34, 0.67], {more}}}}}");
        let options = "steps: 6, sampler: euler_ancestral";
        let recipe = recipe("instruct_pix2pix", &pipeline("pix2pix_f16"), options, &search);
        let (run, err) = desk.edit(&recipe, "run", &["--seed", "3"]);
        let all = candidates(&run);
        let edges: Vec<&str> = all.iter().map(|each| each["edge"].as_str().unwrap()).collect();
        assert_eq!(edges, [["fresh"; 4], ["resume"; 4], ["resume"; 4]].concat(), "{more}: {err}");
        assert_eq!(run["ledger"]["nfe"], json!(4 * 6 * 3), "{more}: {err}");
        assert!(
            run["winner"]["id"].as_u64().is_some_and(|best| best >= 8),
            "a preview does not win: {}",
            run["winner"]
        );
        assert_eq!(different(&images(&run)[8..]), 4, "{more}: copies part by the sampler's noise");
        let parents: HashSet<u64> = all[8..].iter().map(|each| each["parent"].as_u64().unwrap()).collect();
        assert!(parents.iter().all(|parent| (4..8).contains(parent)), "{more}: {parents:?}");
        assert!(drawn > 0 || parents.len() == 1, "all go on from the best: {parents:?}");
        let chances = all.iter().filter_map(|each| each["selection_probability"].as_f64());
        assert_eq!(chances.clone().count(), drawn, "{more}");
        assert!(drawn == 0 || (chances.sum::<f64>() - 1.0).abs() < 1e-9, "{more}");
    }
}

#[test]
fn a_search_that_steers_noise_is_refused_where_it_comes_from_a_file() {
    let desk = Desk::new();
    fs::write(desk.path("noise.safetensors"), noise_file(&[("latents", &[9, 4, 4, 6])])).unwrap();
    for search in [NOISE_SEARCH, PATH_SEARCH] {
        let recipe = pix2pix(&pipeline("pix2pix_f16"), "latents: noise.safetensors", search);
        let err = desk.fail(2, &recipe, "run", &[]);
        assert!(err.contains("does not let its noise be steered") && err.contains("without `latents`"), "{err}");
    }
}

#[test]
fn particles_are_refused_by_a_sampler_without_noise() {
    let desk = Desk::new();
    let search = "{particles: {particles: 2, steps: 3}}";
    let err = desk.fail(2, &kontext(&pipeline("kontext_f16"), "", search), "run", &[]);
    assert!(err.contains("has a deterministic sampler") && err.contains("`renoise`"), "{err}");
}

#[test]
fn a_search_that_needs_knobs_is_refused_where_there_are_none() {
    let desk = Desk::new();
    let err = desk.fail(2, &kontext(&pipeline("kontext_no_guidance_bf16"), "", BEAM), "run", &[]);
    assert!(err.contains("`re_edit`") && err.contains("no knobs"), "{err}");
}

/// The largest difference between candidates' pictures of two runs, in levels.
fn levels_off(desk: &Desk, one: (&str, &[String]), other: (&str, &[String])) -> u8 {
    let read = |run: &str, image: &String| image::open(desk.path(run).join(image)).unwrap().to_rgb8().into_raw();
    let pairs = one.1.iter().zip(other.1).map(|(a, b)| (read(one.0, a), read(other.0, b)));
    let off = |(a, b): (Vec<u8>, Vec<u8>)| a.iter().zip(&b).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
    pairs.map(off).max().unwrap()
}

#[test]
fn equal_seeds_give_equal_pictures_and_others_do_not() {
    for (name, of, ..) in PIPELINES {
        let desk = Desk::new();
        let run = |run: &str, options: &str, seed: &str| {
            images(&desk.edit(&of(&pipeline(name), options, BEST_OF_N), run, &["--seed", seed]).0)
        };
        let first = run("first", "", "7");
        assert_eq!(run("again", "", "7"), first, "{name}");
        let best = |run: &str| fs::read(desk.path(run).join("best.png")).unwrap();
        assert_eq!(best("again"), best("first"), "{name}");
        let other = run("other", "", "8");
        assert!(first.iter().all(|image| !other.contains(image)), "{name}");
        assert!(levels_off(&desk, ("first", &first), ("other", &other)) > 8, "{name}");
        // In other batches roundings of single precision differ: by a level here and there.
        let alone = run("alone", "batch: 1", "7");
        assert!(levels_off(&desk, ("first", &first), ("alone", &alone)) <= 1, "{name}");
        let passes = run("passes", "activation_mib: 1", "7");
        assert!(levels_off(&desk, ("first", &first), ("passes", &passes)) <= 1, "{name}");
    }
}

#[test]
fn where_weights_lie_does_not_change_pictures() {
    let desk = Desk::new();
    let of = |options: &str| kontext(&pipeline("kontext_f16"), options, BEST_OF_N);
    let plain = images(&desk.edit(&of("weights: converted"), "plain", &[]).0);
    for (run, options) in [("stored", "weights: stored"), ("auto", ""), ("text", "text_device: cpu, cache_mib: 0")] {
        assert_eq!(images(&desk.edit(&of(options), run, &[]).0), plain, "{options}");
    }
}

/// The bytes of a safetensors file of F32 tensors, all standard normal.
fn noise_file(tensors: &[(&str, &[usize])]) -> Vec<u8> {
    let (mut header, mut data) = (serde_json::Map::new(), Vec::new());
    for (name, shape) in tensors {
        let numbers = editscale_models::editors::noise::normal(
            editscale_core::Seed::new(99).unwrap(),
            name.len() as u32,
            shape.iter().product(),
        );
        let from = data.len();
        data.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        let offsets = [from, data.len()];
        header.insert((*name).to_owned(), json!({"dtype": "F32", "shape": shape, "data_offsets": offsets}));
    }
    let header = Value::Object(header).to_string();
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &data].concat()
}

#[test]
fn noise_of_a_file_takes_the_place_of_that_of_the_seeds() {
    let desk = Desk::new();
    // The factor of `pix2pix_deep_bf16` is 4, and its sampler adds no noise.
    fs::write(desk.path("noise.safetensors"), noise_file(&[("latents", &[3, 4, 8, 12])])).unwrap();
    let deep = |options: &str| pix2pix(&pipeline("pix2pix_deep_bf16"), options, BEST_OF_N);
    let injected = deep("latents: noise.safetensors");
    let first = images(&desk.edit(&injected, "first", &["--seed", "1"]).0);
    assert_eq!(different(&first), 3, "a row a candidate");
    assert_eq!(images(&desk.edit(&injected, "second", &["--seed", "2"]).0), first, "seeds do not matter");
    let seeded = images(&desk.edit(&deep(""), "seeded", &["--seed", "1"]).0);
    assert!(first.iter().all(|image| !seeded.contains(image)));

    // With the noise of the steps, a sampler that adds some does not look at seeds either.
    let tensors: [(&str, &[usize]); 2] = [("latents", &[3, 4, 4, 6]), ("noise", &[3, 3, 4, 4, 6])];
    fs::write(desk.path("steps.safetensors"), noise_file(&tensors)).unwrap();
    let ancestral = pix2pix(&pipeline("pix2pix_f16"), "latents: steps.safetensors", BEST_OF_N);
    let first = images(&desk.edit(&ancestral, "third", &["--seed", "1"]).0);
    assert_eq!(images(&desk.edit(&ancestral, "fourth", &["--seed", "2"]).0), first);
    let rows: [(&str, &[usize]); 1] = [("latents", &[3, 4, 4, 4])];
    fs::write(desk.path("kontext.safetensors"), noise_file(&rows)).unwrap();
    let options = "latents: kontext.safetensors, max_pixels: 1024";
    let square = recipe("flux_kontext", &pipeline("kontext_f16"), &format!("steps: 3, {options}"), BEST_OF_N);
    let err = desk.edit(&square.replace("{samples: 3}", "{samples: 2}"), "kontext", &["--size", "32x32"]).1;
    assert!(!err.contains("failed"), "{err}");
}

#[test]
fn trajectories_are_written_for_training() {
    let desk = Desk::new();
    let stochastic =
        |options: &str| kontext(&pipeline("kontext_f16"), &format!("trajectory: true, {options}"), BEST_OF_N);
    for (run, options, has_noise) in [("plain", "", false), ("noisy", "eta: 0.7", true)] {
        let (said, _) = desk.edit(&stochastic(options), run, &[]);
        for id in 0..candidates(&said).len() {
            assert!(desk.path(run).join(format!("trajectories/{id}.safetensors")).exists());
            let trajectory =
                editscale_engine::read_trajectory(&desk.path(run), CandidateId(id as u32)).unwrap().unwrap();
            assert_eq!((trajectory.timesteps.len(), trajectory.sigmas.len()), (3, 4));
            // Packed latents: tokens, and four times the channels.
            assert_eq!(trajectory.shape[1], 16);
            assert_eq!(trajectory.latents.len(), 4 * trajectory.shape.iter().product::<usize>());
            assert!(trajectory.latents.iter().all(|value| value.is_finite()));
            let known = trajectory.log_probabilities.iter().filter(|value| value.is_some()).count();
            assert_eq!(known, if has_noise { 3 } else { 0 });
        }
    }
    desk.edit(&kontext(&pipeline("kontext_f16"), "", BEST_OF_N), "none", &[]);
    assert!(!desk.path("none/trajectories").exists());
}

#[test]
fn what_a_model_does_not_read_is_said() {
    let desk = Desk::new();
    let instruction = format!("{}and at last a red hat", "warm light and ".repeat(60));
    let cases = [
        (pix2pix(&pipeline("pix2pix_f16"), "", BEST_OF_N), "77 tokens"),
        (kontext(&pipeline("kontext_f16"), "text_tokens: 40", BEST_OF_N), "40 tokens"),
    ];
    for (at, (recipe, tokens)) in cases.iter().enumerate() {
        fs::write(desk.path("recipe.yaml"), recipe).unwrap();
        let run = format!("run{at}");
        let (_, err) =
            desk.expect(0, &["edit", "photo.png", &instruction, "--recipe", "recipe.yaml", "--run-dir", &run]);
        let note: Vec<&str> = err.lines().filter(|line| line.starts_with("note:")).collect();
        assert_eq!(note.len(), 1, "told once: {err}");
        assert!(note[0].contains(tokens) && note[0].contains("it has not read"), "{err}");
        assert!(note[0].contains("a red hat"), "the words that were cut are named: {err}");
    }
}

#[test]
fn pictures_have_the_size_that_is_asked_for() {
    let desk = Desk::new();
    let size = |run: &str| image::image_dimensions(desk.path(run).join("best.png")).unwrap();
    let of = |options: &str| kontext(&pipeline("kontext_f16"), options, BEST_OF_N);
    desk.edit(&of(""), "model", &[]);
    assert_eq!(size("model"), (32, 16), "of about 1024 pixels, sides cut to multiples of 16");
    desk.edit(&of("result_size: source"), "source", &[]);
    assert_eq!(size("source"), SIZE);
    desk.edit(&of(""), "asked", &["--size", "20x30"]);
    assert_eq!(size("asked"), (20, 30));
    desk.edit(&pix2pix(&pipeline("pix2pix_f16"), "max_pixels: 600", BEST_OF_N), "small", &[]);
    assert_eq!(size("small"), (24, 16));
}

/// The ranking of a run's candidates: ids, pictures and utilities.
fn ranking(desk: &Desk, run: &str) -> Vec<(u64, String, f64)> {
    let resumed = desk.expect(0, &["edit", "--resume", run, "--json"]).0;
    let said: Value = serde_json::from_str(&resumed).unwrap();
    let entry = |each: &Value| {
        let image = each["image"].as_str().unwrap().to_owned();
        (each["id"].as_u64().unwrap(), image, each["utility"].as_f64().unwrap())
    };
    let mut ranked: Vec<_> = candidates(&said).iter().map(entry).collect();
    ranked.sort_by(|a, b| b.2.total_cmp(&a.2));
    ranked
}

#[test]
fn a_run_that_is_killed_goes_on_where_it_was() {
    let desk = Desk::new();
    let search = "{beam: {width: 2, children: 3, depth: 4, edges: {re_edit: 1, edit_of_edit: 1, fresh: 1}}}";
    // One at a time: what is made together may differ in its last bits from what is made apart.
    let recipe = pix2pix(&pipeline("pix2pix_f16"), "batch: 1", search);
    desk.edit(&recipe, "whole", &[]);
    let arguments = ["edit", "photo.png", "make it warm", "--recipe", "recipe.yaml", "--run-dir", "killed"];
    let mut child = desk.command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let edited = || {
        let journal = fs::read_to_string(desk.path("killed/journal.jsonl")).unwrap_or_default();
        journal.matches("\"edited\"").count()
    };
    let began = Instant::now();
    while edited() < 5 && began.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!desk.path("killed/outcome.json").exists(), "it was done before it was killed");
    let (killed, whole) = (ranking(&desk, "killed"), ranking(&desk, "whole"));
    assert_eq!((killed.len(), whole.len()), (30, 30));
    for (one, other) in killed.iter().zip(&whole) {
        assert_eq!((one.0, &one.1), (other.0, &other.1));
        // A judge that begins anew shares out its work otherwise.
        assert!((one.2 - other.2).abs() < 1e-5, "{one:?} and {other:?}");
    }
    let best = |run: &str| fs::read(desk.path(run).join("best.png")).unwrap();
    assert_eq!(best("killed"), best("whole"));
}

fn edit_json(path: &Path, edit: impl FnOnce(&mut Value)) {
    let mut value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    edit(&mut value);
    fs::write(path, value.to_string()).unwrap();
}

/// What is broken in a copy of a pipeline, and what the error says.
type Breakage = (&'static str, &'static str, fn(&Path), &'static [&'static str]);

const BREAKAGES: [Breakage; 10] = [
    (
        "pix2pix_f16",
        "model_index.json",
        |file| fs::remove_file(file).unwrap(),
        &["pull instruct-pix2pix --dir pix2pix_f16"],
    ),
    (
        "kontext_f16",
        "model_index.json",
        |file| fs::remove_file(file).unwrap(),
        &["pull flux-kontext --dir kontext_f16"],
    ),
    (
        "pix2pix_f16",
        "model_index.json",
        |file| edit_json(file, |index| index["_class_name"] = json!("StableDiffusionXLPipeline")),
        &["`StableDiffusionXLPipeline`", "expected `StableDiffusionInstructPix2PixPipeline`"],
    ),
    (
        "pix2pix_f16",
        "scheduler/scheduler_config.json",
        |file| edit_json(file, |config| config["_class_name"] = json!("PNDMScheduler")),
        &["`PNDMScheduler`", "set `sampler` to `euler_ancestral` or `ddim`"],
    ),
    (
        "kontext_f16",
        "scheduler/scheduler_config.json",
        |file| edit_json(file, |config| config["_class_name"] = json!("DDIMScheduler")),
        &["DDIMScheduler", "FlowMatchEulerDiscreteScheduler"],
    ),
    (
        "pix2pix_f16",
        "unet/diffusion_pytorch_model.safetensors",
        |file| fs::remove_file(file).unwrap(),
        &["no weights here"],
    ),
    (
        "kontext_f16",
        "transformer/diffusion_pytorch_model.safetensors",
        |file| fs::write(file, &fs::read(file).unwrap()[..100_000]).unwrap(),
        &["truncated"],
    ),
    ("kontext_f16", "text_encoder_2", |folder| fs::remove_dir_all(folder).unwrap(), &["is missing"]),
    (
        "kontext_f16",
        "transformer/config.json",
        |file| edit_json(file, |config| config["joint_attention_dim"] = json!(20)),
        &["[", "20"],
    ),
    ("pix2pix_f16", "unet/config.json", |file| fs::write(file, "{").unwrap(), &["EOF"]),
];

#[test]
fn every_broken_folder_is_named_with_its_file() {
    for (name, file, break_it, words) in BREAKAGES {
        let desk = Desk::new();
        let folder = desk.copy(name);
        break_it(&folder.join(file));
        let of = if name.starts_with("pix2pix") { pix2pix } else { kontext };
        let err = desk.fail(1, &of(name, "", BEST_OF_N), "run", &[]);
        let first = file.split('/').next().unwrap();
        assert!(err.contains(&format!("from `{name}`")) && err.contains(first), "{file}: {err}");
        for word in words {
            assert!(err.contains(word), "{file}: expected `{word}` in: {err}");
        }
        assert!(!desk.path("run").exists(), "nothing is begun that cannot be done");
    }
}

#[test]
fn settings_that_cannot_be_had_are_named() {
    let desk = Desk::new();
    fs::write(desk.path("empty.safetensors"), noise_file(&[])).unwrap();
    fs::write(desk.path("flat.safetensors"), noise_file(&[("latents", &[3, 96])])).unwrap();
    fs::write(desk.path("text.safetensors"), "none").unwrap();
    let table: [(&str, &[&str]); 6] = [
        ("eta: 0.5", &["scheduler_config.json", "has no `eta`", "`sampler: ddim`"]),
        ("latents: nowhere.safetensors", &["nowhere.safetensors"]),
        ("latents: text.safetensors", &["text.safetensors"]),
        ("latents: empty.safetensors", &["empty.safetensors", "no tensor `latents`"]),
        ("latents: flat.safetensors", &["flat.safetensors", "[3, 96]", "4 dimensions"]),
        ("device: cuda", &["device `cuda` cannot be used"]),
    ];
    for (options, words) in table {
        if options == "device: cuda" && cfg!(feature = "cuda") {
            continue;
        }
        let err = desk.fail(1, &pix2pix(&pipeline("pix2pix_f16"), options, BEST_OF_N), "run", &[]);
        for word in [&["cannot load InstructPix2Pix"], words].concat() {
            assert!(err.contains(word), "{options}: expected `{word}` in: {err}");
        }
    }
    let other = kontext(&pipeline("kontext_f16"), "transformer: nowhere.gguf", BEST_OF_N);
    assert!(desk.fail(1, &other, "run", &[]).contains("nowhere.gguf"));
    let swapped = recipe("flux_kontext", &pipeline("pix2pix_f16"), "", BEST_OF_N);
    assert!(desk.fail(1, &swapped, "run", &[]).contains("expected `FluxKontextPipeline`"));
    let missing = recipe("flux_kontext", "nowhere", "", BEST_OF_N);
    assert!(desk.fail(1, &missing, "run", &[]).contains("nowhere/model_index.json: is missing"));
    let wrong = pix2pix(&pipeline("pix2pix_f16"), "eta: 0.5, sampler: euler_ancestral", BEST_OF_N);
    assert!(desk.fail(2, &wrong, "run", &[]).contains("`eta` has no meaning"));
}

#[test]
fn noise_that_does_not_fit_fails_the_candidates_that_need_it() {
    let desk = Desk::new();
    fs::write(desk.path("wide.safetensors"), noise_file(&[("latents", &[3, 4, 9, 9])])).unwrap();
    fs::write(desk.path("short.safetensors"), noise_file(&[("latents", &[2, 4, 4, 6])])).unwrap();
    let of = |file: &str| pix2pix(&pipeline("pix2pix_f16"), &format!("latents: {file}"), BEST_OF_N);
    let err = desk.fail(1, &of("wide.safetensors"), "wide", &[]);
    assert!(
        err.contains("wide.safetensors: tensor `latents` has [4, 9, 9] numbers") && err.contains("[4, 4, 6]"),
        "{err}"
    );
    let (run, err) = desk.edit(&of("short.safetensors"), "short", &[]);
    assert!(err.contains("short.safetensors: tensor `latents` has [2] rows"), "{err}");
    assert_eq!(run["failed"], 1);
    assert_eq!(candidates(&run)[2]["failure"]["kind"], "invalid");
}

#[test]
fn a_mask_is_refused() {
    let desk = Desk::new();
    image::GrayImage::new(SIZE.0, SIZE.1).save(desk.path("mask.png")).unwrap();
    let err = desk.fail(2, &pix2pix(&pipeline("pix2pix_f16"), "", BEST_OF_N), "run", &["--mask", "mask.png"]);
    assert!(err.contains("does not honour a mask"), "{err}");
}
