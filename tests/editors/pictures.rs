//! What pictures depend on, and what not: seeds, batches, where weights lie, noise of a file, sizes, kills.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use editscale_core::CandidateId;
use serde_json::Value;

use crate::desk::{Desk, SIZE, candidates, different, images, levels_off, noise_file};
use crate::pipelines::{BEST_OF_N, PIPELINES, Pipeline, kontext, pipeline, pix2pix, recipe};

#[test]
fn equal_seeds_give_equal_pictures_and_others_do_not() {
    for Pipeline { name, of, .. } in PIPELINES {
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
