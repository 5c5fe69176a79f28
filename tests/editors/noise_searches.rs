//! Searches that look at what is half made, or steer noise: what they cost, what wins, and how they go on from their journals.

use std::collections::HashSet;
use std::fs;

use editscale_testkit::copy_folder;
use serde_json::{Value, json};

use crate::desk::{Desk, candidates, different, images, noise_file};
use crate::pipelines::{BEAM, PIPELINES, Pipeline, kontext, pipeline, pix2pix, recipe};
use crate::policies::{NOISE_SEARCH, PATH_SEARCH, PRUNING};

/// Four candidates are looked at after the first of three steps, and the better two go on to the end.
#[test]
fn previews_save_evaluations_and_never_win() {
    for pipeline in Pipeline::named(["pix2pix_f16", "kontext_f16", "step1x", "2511"]) {
        let (Pipeline { name, asks, .. }, desk) = (pipeline, Desk::new());
        let (run, err) = desk.edit(&pipeline.recipe("batch: 1", PRUNING), "run", &[]);
        let all = candidates(&run);
        assert_eq!(all.len(), 6, "{name}: {err}");
        // A step and its preview, whose evaluation is the next step's; then the last step alone.
        let evaluations = asks * (4 * 2 + 2);
        assert_eq!(run["ledger"]["nfe"], json!(evaluations), "{name}");
        assert!(evaluations < asks * 4 * 3, "fewer than four whole candidates take");
        assert_eq!((&run["ledger"]["edits"], &run["ledger"]["reward_calls"]), (&json!(4), &json!(6)), "{name}");
        assert!(run["winner"]["id"].as_u64() >= Some(4), "{name}: a preview won, {}", run["winner"]);
        // What went on equals what would have been made at once.
        let (whole, _) = desk.edit(&pipeline.recipe("batch: 1", "{best_of_n: {samples: 4}}"), "whole", &[]);
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
    for pipeline in PIPELINES {
        let (Pipeline { name, asks, .. }, desk) = (pipeline, Desk::new());
        let (run, err) = desk.edit(&pipeline.recipe("batch: 1", PATH_SEARCH), "run", &[]);
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
    for (name, search) in [
        ("pix2pix_f16", PATH_SEARCH),
        ("kontext_f16", PATH_SEARCH),
        ("step1x", PATH_SEARCH),
        ("2511", PATH_SEARCH),
        ("pix2pix_f16", NOISE_SEARCH),
        ("kontext_f16", NOISE_SEARCH),
    ] {
        let (desk, [pipeline]) = (Desk::new(), Pipeline::named([name]));
        let whole = desk.edit(&pipeline.recipe("batch: 1", search), "whole", &[]).0;
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
