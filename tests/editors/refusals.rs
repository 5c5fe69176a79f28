//! What is wrong with a pipeline or a setting is said by name.

use std::fs;
use std::path::Path;

use editscale_testkit::edit_json;
use serde_json::json;

use crate::desk::{Desk, SIZE, candidates, noise_file};
use crate::pipelines::{BEST_OF_N, kontext, pipeline, pix2pix, recipe};

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
