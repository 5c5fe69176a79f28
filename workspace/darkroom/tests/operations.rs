//! What every development keeps: determinism on any number of threads, finite colours, the mask, the frame.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use editscale_core::{KnobName, Knobs, Seed};
use editscale_darkroom::language::read;
use editscale_darkroom::mask::{MaskChoice, Scene, find};
use editscale_darkroom::operations::{Choices, DevelopError, Job, develop, develop_parts};
use editscale_picture::{Limits, Pixels, decode, luminance, oklab_from_linear};
use proptest::prelude::*;

const EVERYTHING: &str = "brighter, more contrast, less highlights, lift the shadows, warmer, more magenta, more saturation, more vibrance, \
     shift the hue by 20 degrees, faded, sharpen, denoise, add grain, a vignette";

fn photo(name: &str) -> Pixels {
    let path = format!("{}/../../tests/fixtures/photos/{name}.jpg", env!("CARGO_MANIFEST_DIR"));
    decode(&std::fs::read(path).unwrap(), &Limits::default()).unwrap().pixels.reduced(160).into_owned()
}

fn made(pixels: &Pixels, instruction: &str, seed: u64, mask: Option<&[f32]>) -> Result<Pixels, DevelopError> {
    let plan = read(instruction);
    assert!(plan.not_understood.is_empty(), "{plan:?}");
    develop(&Job {
        source: pixels,
        scene: &Scene::analyse(pixels),
        start: pixels,
        plan: &plan,
        choices: &Choices::draw(Seed::new(seed).unwrap(), &Knobs::default()),
        mask,
        touch_up: false,
        cancelled: &|| false,
    })
}

#[test]
fn developments_are_the_same_on_any_number_of_threads() {
    let pixels = photo("pagoda");
    for instruction in
        [EVERYTHING, "turn the sky orange and darken the background", "rotate by 7 degrees, then crop to 4:5"]
    {
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| made(&pixels, instruction, 9, None).unwrap())
        };
        assert!(on(1) == on(3), "{instruction}");
    }
}

#[test]
fn seeds_make_a_difference_and_knobs_move_it() {
    let pixels = photo("coffee");
    assert!(made(&pixels, "brighter", 1, None).unwrap() != made(&pixels, "brighter", 2, None).unwrap());
    let mut knobs = Knobs::default();
    knobs.set(KnobName::new("strength").unwrap(), 2.0).unwrap();
    let lightness = |knobs: &Knobs| {
        let plan = read("brighter");
        let job = Job {
            source: &pixels,
            scene: &Scene::analyse(&pixels),
            start: &pixels,
            plan: &plan,
            choices: &Choices::draw(Seed::new(1).unwrap(), knobs),
            mask: None,
            touch_up: false,
            cancelled: &|| false,
        };
        develop(&job).unwrap().rgb().iter().map(|rgb| luminance(*rgb)).sum::<f32>()
    };
    assert!(lightness(&knobs) > lightness(&Knobs::default()));
}

#[test]
fn frames_change_as_asked() {
    let pixels = photo("officer");
    let (width, height) = (pixels.width(), pixels.height());
    let mut turned = pixels.clone();
    for _ in 0..4 {
        turned = made(&turned, "rotate 90 degrees clockwise", 0, None).unwrap();
    }
    let twice = |instruction: &str| {
        let once = made(&pixels, instruction, 0, None).unwrap();
        made(&once, instruction, 0, None).unwrap()
    };
    for same in [turned, twice("flip horizontally"), twice("flip vertically"), twice("turn it upside down")] {
        let far =
            same.rgb().iter().flatten().zip(pixels.rgb().iter().flatten()).map(|(one, other)| (one - other).abs());
        assert!(far.fold(0.0, f32::max) < 2e-3);
    }
    let square = made(&pixels, "crop to a square", 3, None).unwrap();
    assert_eq!((square.width(), square.height()), (width.min(height), width.min(height)));
}

#[test]
fn monochrome_has_no_colour() {
    let grey = made(&photo("dahlia"), "black and white", 4, None).unwrap();
    let chroma = grey.rgb().iter().map(|rgb| oklab_from_linear(*rgb)).map(|lab| lab[1].hypot(lab[2]));
    assert!(chroma.fold(0.0, f32::max) < 1e-3);
}

#[test]
fn what_is_not_there_is_not_found() {
    let flat = Pixels::new(40, 30, vec![[0.2; 3]; 1200]).unwrap();
    let error = made(&flat, "make the red flowers blue", 0, None).unwrap_err().to_string();
    assert!(error.contains("found no"), "{error}");
    // Wood in the light of a lamp reaches the upper edge.
    let error = made(&photo("coffee"), "make the sky darker", 0, None).unwrap_err().to_string();
    assert_eq!(error, "found no sky in this picture");
    assert_eq!(made(&flat, "straighten it", 0, None), Err(DevelopError::NothingTilted));
    let mask = vec![1.0; 1200];
    assert_eq!(made(&flat, "rotate 90 degrees", 0, Some(&mask)), Err(DevelopError::MaskedGeometry));
}

#[test]
fn what_a_picture_does_not_show_can_be_left_out() {
    let flat = Pixels::new(40, 30, vec![[0.2; 3]; 1200]).unwrap();
    let parts = |instruction: &str| {
        let mut left_out = Vec::new();
        let job = Job {
            source: &flat,
            scene: &Scene::analyse(&flat),
            start: &flat,
            plan: &read(instruction),
            choices: &Choices::draw(Seed::new(3).unwrap(), &Knobs::default()),
            mask: None,
            touch_up: false,
            cancelled: &|| false,
        };
        let made = develop_parts(&job, |edit, _| left_out.push(instruction[edit.words.clone()].to_owned()));
        (made, left_out)
    };
    let (made, left_out) = parts("brighter, make the red flowers blue, straighten the horizon");
    assert_eq!(left_out, ["make the red flowers blue", "straighten the horizon"]);
    assert!(made.unwrap() == self::made(&flat, "brighter", 3, None).unwrap());
    assert_eq!(parts("straighten the horizon").0, Err(DevelopError::NothingTilted));
}

#[test]
fn regions_cover_what_they_name() {
    for (name, words, at_least, at_most) in [
        ("pagoda", "darken the sky", 0.25, 0.6),
        ("dahlia", "make the orange flower blue", 0.1, 0.4),
        ("dahlia", "darken the background", 0.5, 0.95),
        ("coffee", "make the red cup green", 0.15, 0.5),
        ("officer", "brighten the left side", 0.4, 0.6),
    ] {
        let pixels = photo(name);
        let plan = read(words);
        let mask = find(&Scene::analyse(&pixels), &plan.edits[0].region, MaskChoice::PLAIN).unwrap();
        let covered = mask.coverage();
        assert!((at_least..at_most).contains(&covered), "{name}, {words}: {covered}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Any picture, however small or wild its colours, gives finite colours of its own frame.
    #[test]
    fn any_picture_can_be_developed(
        width in 1u32..9, height in 1u32..9, seed in 0u64..1000, colours in prop::collection::vec(-0.5f32..3.0, 243)
    ) {
        let rgb: Vec<[f32; 3]> = (0..(width * height) as usize).map(|at| [colours[at * 3], colours[at * 3 + 1], colours[at * 3 + 2]]).collect();
        let pixels = Pixels::new(width, height, rgb).unwrap();
        let edited = made(&pixels, EVERYTHING, seed, None).unwrap();
        prop_assert_eq!((edited.width(), edited.height()), (width, height));
        prop_assert!(edited.rgb().iter().flatten().all(|value| value.is_finite()));
    }

    #[test]
    fn pixels_outside_the_mask_are_untouched_to_the_bit(seed in 0u64..1000, every in 2usize..5) {
        let pixels = photo("cat").resized(24, 18);
        let mask: Vec<f32> = (0..432).map(|at| if at % every == 0 { 1.0 } else { 0.0 }).collect();
        let edited = made(&pixels, EVERYTHING, seed, Some(&mask)).unwrap();
        for (at, (one, other)) in edited.rgb().iter().zip(pixels.rgb()).enumerate() {
            prop_assert!(at % every == 0 || one == other);
        }
    }

    /// Masks stay in range, and a complement is what is left.
    #[test]
    fn masks_are_shares(threshold in -1.0f32..1.0, softness in 0.25f32..4.0) {
        let scene = Scene::analyse(&photo("rocket"));
        let mut region = read("brighten the sky").edits[0].region.clone();
        let choice = MaskChoice { threshold, softness };
        let mask = find(&scene, &region, choice).unwrap();
        region.inverted = true;
        let rest = find(&scene, &region, choice).unwrap();
        for (one, other) in mask.values().iter().zip(rest.values()) {
            prop_assert!((0.0..=1.0).contains(one) && (one + other - 1.0).abs() < 1e-5);
        }
    }
}
