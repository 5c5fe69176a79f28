//! The reward against edits that other software made: the right one must rank above the wrong direction, the over-edit, the wrong
//! region, and the untouched copy, and the destroyed picture last.
//!
//! The committed third of the corpus is judged by default; `EDITSCALE_PHOTOMETRIC_CORPUS` names a folder with the whole of it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use editscale_darkroom::language::read;
use editscale_darkroom::photometric::{Assessment, SourceView, assess};
use editscale_picture::{Limits, Pixels, decode, linear_from_oklab};
use serde_json::Value;

/// The least share of all cases in which the right edit is first. Of a family, a tenth may be missed, and one case of a small one.
const LEAST_OF_ALL: f64 = 0.95;

fn corpus() -> PathBuf {
    let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/photometric");
    std::env::var_os("EDITSCALE_PHOTOMETRIC_CORPUS").map_or_else(|| committed.into(), PathBuf::from)
}

fn load(folder: &Path, name: &str) -> Pixels {
    decode(&fs::read(folder.join(name)).unwrap(), &Limits::default()).unwrap().pixels
}

/// Why a case is missed; nothing where it is right.
fn judge(folder: &Path, case: &Value) -> Option<String> {
    let instruction = case["instruction"].as_str().unwrap();
    let plan = read(instruction);
    if plan.edits.is_empty() || !plan.not_understood.is_empty() {
        return Some(format!("misread: {plan:?}"));
    }
    let source = SourceView::new(&load(folder, case["source"].as_str().unwrap()));
    let score =
        |role: &str| -> Option<Assessment> { Some(assess(&source, &load(folder, case[role].as_str()?), &plan)) };
    let right = score("right").unwrap();
    let mut scores = BTreeMap::new();
    for role in ["wrong_direction", "over_edit", "wrong_region", "copy", "destroyed"] {
        if let Some(assessment) = score(role) {
            scores.insert(role, assessment);
        }
    }
    let beaten: Vec<&str> =
        scores.iter().filter(|(_, other)| other.score >= right.score).map(|(role, _)| *role).collect();
    if beaten.is_empty() {
        return None;
    }
    let shown = |assessment: &Assessment| {
        let edits: Vec<String> =
            assessment.edits.iter().map(|edit| format!("{:.3}→{:.2}", edit.measured, edit.score)).collect();
        format!(
            "{:.3} (F {:.2} P {:.2} Q {:.2}; {})",
            assessment.score,
            assessment.instruction_following,
            assessment.preservation,
            assessment.visual_quality,
            edits.join(" ")
        )
    };
    let rivals: Vec<String> = beaten.iter().map(|role| format!("{role} {}", shown(&scores[role]))).collect();
    Some(format!("right {} < {}", shown(&right), rivals.join(", ")))
}

#[test]
fn the_right_edit_ranks_first() {
    let folder = corpus();
    let cases = fs::read_to_string(folder.join("cases.jsonl")).unwrap();
    let mut families: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    let mut misses = Vec::new();
    for line in cases.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let family = case["family"].as_str().unwrap().to_owned();
        let (right, all) = families.entry(family.clone()).or_default();
        *all += 1;
        match judge(&folder, &case) {
            None => *right += 1,
            Some(why) => {
                misses.push(format!("{} {family} {} {}: {why}", case["id"], case["photo"], case["instruction"]));
            }
        }
    }
    let (right, all) = families.values().fold((0, 0), |(right, all), (r, a)| (right + r, all + a));
    for (family, (right, all)) in &families {
        println!("{family:16} {right:3} of {all:3}");
    }
    println!("all              {right:3} of {all:3}\n{}", misses.join("\n"));
    let is_weak = |right: u32, all: u32| all - right > (all / 10).max(1);
    let weak: Vec<&String> =
        families.iter().filter(|(_, (right, all))| is_weak(*right, *all)).map(|(family, _)| family).collect();
    let share = f64::from(right) / f64::from(all);
    assert!(weak.is_empty() && share >= LEAST_OF_ALL, "{right} of {all}; weak families: {weak:?}");
}

#[test]
fn light_that_is_taken_away_is_no_change_of_colour() {
    let tint = |gains: [f32; 3]| {
        let pixel = |index: usize| {
            let light = 0.05 + 0.5 * (index % 64) as f32 / 63.0;
            [0.9 * light * gains[0], 0.6 * light * gains[1], 0.4 * light * gains[2]]
        };
        Pixels::new(64, 48, (0..64 * 48).map(pixel).collect()).unwrap()
    };
    let source = SourceView::new(&tint([1.0; 3]));
    let plan = read("slightly warmer and much darker");
    let warmth = |edited: &Pixels| assess(&source, edited, &plan).edits[0].clone();
    let darker = warmth(&tint([0.4; 3]));
    assert!(darker.measured.abs() < 0.002, "{darker:?}");
    let both = warmth(&tint([0.42, 0.4, 0.36]));
    assert!(both.score > 0.8, "{both:?}");
}

#[test]
fn an_edit_of_a_region_does_not_hide_one_of_the_whole_picture() {
    let made = |top: f32, gain: f32| {
        let pixel = |index: usize| {
            let (x, y) = (index % 64, index / 64);
            let light = 0.2 * (0.25 + 1.5 * x as f32 / 63.0).powf(gain);
            [if y < 24 { 3.0 * top * light } else { light }; 3]
        };
        Pixels::new(64, 48, (0..64 * 48).map(pixel).collect()).unwrap()
    };
    let source = SourceView::new(&made(1.0, 1.0));
    let plan = read("more contrast and darken the top");
    let contrast = |edited: &Pixels| assess(&source, edited, &plan).edits[0].clone();
    assert!(contrast(&made(0.6, 1.25)).score > 0.8, "{:?}", contrast(&made(0.6, 1.25)));
    assert!(contrast(&made(0.6, 1.0)).score < 0.2, "{:?}", contrast(&made(0.6, 1.0)));
}

/// Dull green leaves under a pale blue sky, each moved in OKLab.
fn leaves_and_sky(leaves: [f32; 2], sky: [f32; 2]) -> Pixels {
    let pixel = |index: usize| {
        let (x, y) = ((index % 96) as f32, index / 96);
        let (lab, moved) = if y < 32 { ([0.85, -0.015, -0.03], sky) } else { ([0.45, -0.03, 0.045], leaves) };
        linear_from_oklab([lab[0] + 0.02 * (x * 0.7).sin(), lab[1] + moved[0], lab[2] + moved[1]])
    };
    Pixels::new(96, 64, (0..96 * 64).map(pixel).collect()).unwrap()
}

#[test]
fn what_has_a_colour_already_can_have_more_of_it() {
    let source = SourceView::new(&leaves_and_sky([0.0; 2], [0.0; 2]));
    let score = |words: &str, leaves: [f32; 2], sky: [f32; 2]| {
        assess(&source, &leaves_and_sky(leaves, sky), &read(words)).instruction_following
    };
    let greener = |moved: [f32; 2]| score("make the trees greener", moved, [0.0; 2]);
    assert!(greener([-0.02, 0.012]) > 0.85, "{}", greener([-0.02, 0.012]));
    let others = [[0.0; 2], [0.02, -0.012], [0.02, 0.012], [-0.09, 0.07]];
    assert!(others.iter().all(|moved| greener(*moved) < 0.5), "{:?}", others.map(greener));
    let bluer = |moved: [f32; 2]| score("make the sky deeper blue", [0.0; 2], moved);
    assert!(bluer([-0.006, -0.024]) > 0.85, "{}", bluer([-0.006, -0.024]));
    let others = [[0.0; 2], [0.006, 0.024], [0.03, 0.0], [-0.03, -0.13]];
    assert!(others.iter().all(|moved| bluer(*moved) < 0.5), "{:?}", others.map(bluer));
}
