//! Ids, positions and states as transformers has them, and what would be caught.

use std::collections::{BTreeMap, HashMap};
use std::fs;

use candle_core::Tensor;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::*;
use crate::encoders::vision_language::prompt::Plan;
use crate::layers::qwen25_vl::plain_positions;
use crate::layers::testing::{off, tensors};

/// As a share of the greatest state.
const TOLERANCE: f32 = 1e-4;

#[derive(Deserialize)]
struct Case {
    text: String,
    pictures: Vec<String>,
    grids: Vec<[usize; 2]>,
    resized_sha256: Vec<String>,
    ids: Vec<u32>,
    visible: Option<Vec<u8>>,
    positions: Vec<[u32; 3]>,
}

impl Case {
    fn pictures(&self, encoder: &VisionLanguageEncoder) -> Vec<EncoderPicture> {
        let picture = |name: &String| encoder.picture(&pixels(name), encoder.bounds()).unwrap();
        self.pictures.iter().map(picture).collect()
    }

    fn visible(&self) -> Option<Vec<bool>> {
        self.visible.as_ref().map(|visible| visible.iter().map(|seen| *seen == 1).collect())
    }
}

fn cases(model: &str) -> (BTreeMap<String, Case>, HashMap<String, Tensor>) {
    let folder = fixtures().join("cases").join(model);
    let cases = serde_json::from_slice(&fs::read(folder.join("cases.json")).unwrap()).unwrap();
    (cases, tensors(&folder.join("cases.safetensors")))
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn states_are_those_of_transformers() {
    for model in MODELS {
        let (encoder, (cases, goldens)) = (opened(&super::model(model)), cases(model));
        assert_eq!(cases.len(), 4);
        for (name, case) in &cases {
            let (pictures, what) = (case.pictures(&encoder), format!("{model} {name}"));
            for (at, picture) in pictures.iter().enumerate() {
                assert_eq!([picture.grid().rows, picture.grid().columns], case.grids[at], "{what}");
                assert_eq!(sha256(&picture.pixels().data), case.resized_sha256[at], "{what}");
            }
            let ids = encoder.expanded(&encoder.words().ids(&case.text).unwrap(), &pictures);
            assert_eq!(ids, case.ids, "{what}");
            let visible = case.visible();
            let prompt = EncoderPrompt { ids: &ids, pictures: &pictures, visible: visible.as_deref() };
            let encoded = encoder.encode(&prompt).unwrap();
            assert_eq!(encoded.positions, case.positions, "{what}");
            let states = off(&encoded.states, &goldens[&format!("{name}.states")]);
            println!("{what}: {states:e}");
            assert!(states < TOLERANCE, "{what}: off by {states}");
            if let Some(golden) = goldens.get(&format!("{name}.embeddings")) {
                let embeddings = off(&encoded.embeddings, golden);
                assert!(embeddings < TOLERANCE, "{what}: what goes in is off by {embeddings}");
            }
        }
    }
}

/// How far the states of a case are off if something is done wrongly.
fn wrong(model: &str, name: &str, change: impl FnOnce(&mut Plan)) -> f32 {
    let (encoder, (cases, goldens)) = (opened(&super::model(model)), cases(model));
    let case = &cases[name];
    let (pictures, visible) = (case.pictures(&encoder), case.visible());
    let prompt = EncoderPrompt { ids: &case.ids, pictures: &pictures, visible: visible.as_deref() };
    let mut plan = Plan::new(&prompt, encoder.words().picture(), 2).unwrap();
    change(&mut plan);
    off(&encoder.run(plan, &pictures).unwrap().states, &goldens[&format!("{name}.states")])
}

#[test]
fn positions_of_one_axis_would_be_caught() {
    for model in MODELS {
        for name in ["one_picture", "two_pictures", "hidden"] {
            let off = wrong(model, name, |plan| plan.positions = plain_positions(0, plan.rows.len()).collect());
            assert!(off > 10.0 * TOLERANCE, "{model} {name}: off by {off}");
        }
        assert!(wrong(model, "one_picture", |_| {}) < TOLERANCE);
    }
}

#[test]
fn a_mask_that_is_ignored_would_be_caught() {
    for model in MODELS {
        let all = |plan: &mut Plan| {
            let rows = plan.rows.len();
            plan.segments = vec![crate::layers::Segment { queries: 0..rows, keys: vec![0..rows], causal: true }];
        };
        let off = wrong(model, "hidden", all);
        assert!(off > 10.0 * TOLERANCE, "{model}: off by {off}");
    }
}

#[test]
fn positions_that_count_what_is_hidden_would_be_caught() {
    for model in MODELS {
        let (encoder, (cases, _)) = (opened(&super::model(model)), cases(model));
        let (case, pictures) = (&cases["hidden"], cases["hidden"].pictures(&encoder));
        let prompt = EncoderPrompt { ids: &case.ids, pictures: &pictures, visible: None };
        let counted = Plan::new(&prompt, encoder.words().picture(), 2).unwrap().positions;
        let off = wrong(model, "hidden", |plan| plan.positions = counted);
        assert!(off > 10.0 * TOLERANCE, "{model}: off by {off}");
    }
}

#[test]
fn another_order_of_the_sections_would_be_caught() {
    for (model, sections) in [("pipeline_f16", [3, 3, 2]), ("plain_bf16", [3, 3, 2])] {
        let folder = copied(&super::model(model));
        let places = EncoderPlaces::of(folder.path()).unwrap();
        let file = places.weights.join("config.json");
        let mut config: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        let text = if config["text_config"].is_object() { &mut config["text_config"] } else { &mut config };
        assert_ne!(text["rope_scaling"]["mrope_section"], serde_json::json!(sections));
        text["rope_scaling"]["mrope_section"] = serde_json::json!(sections);
        fs::write(&file, config.to_string()).unwrap();
        let (encoder, (cases, goldens)) = (opened(folder.path()), cases(model));
        let case = &cases["two_pictures"];
        let pictures = case.pictures(&encoder);
        let prompt = EncoderPrompt { ids: &case.ids, pictures: &pictures, visible: None };
        let off = off(&encoder.encode(&prompt).unwrap().states, &goldens["two_pictures.states"]);
        assert!(off > 10.0 * TOLERANCE, "{model}: off by {off}");
    }
}

#[test]
fn what_is_hidden_first_is_finite_and_changes_nothing() {
    let encoder = opened(&super::model("plain_bf16"));
    let (ids, visible) = ([0, 0, 5, 6, 0, 7], [false, false, true, true, false, true]);
    let states = |ids: &[u32], visible: Option<&[bool]>| {
        encoder.encode(&EncoderPrompt { ids, pictures: &[], visible }).unwrap().states
    };
    let (masked, plain) = (states(&ids, Some(&visible)), states(&[5, 6, 7], None));
    let seen = masked.index_select(&Tensor::new(&[2_u32, 3, 5], &candle_core::Device::Cpu).unwrap(), 0).unwrap();
    assert!(off(&seen, &plain) < 1e-6);
    assert!(masked.flatten_all().unwrap().to_vec1::<f32>().unwrap().iter().all(|value| value.is_finite()));
}

#[test]
fn prompts_that_do_not_fit_are_refused() {
    let encoder = opened(&super::model("plain_bf16"));
    let picture = encoder.picture(&pixels("tall.png"), encoder.bounds()).unwrap();
    let pad = encoder.words().picture();
    let pads = vec![pad; picture.tokens()];
    let hidden: Vec<bool> = (0..pads.len()).map(|at| at != 1).collect();
    let said = |ids: &[u32], pictures: &[EncoderPicture], visible: Option<&[bool]>| {
        encoder.encode(&EncoderPrompt { ids, pictures, visible }).unwrap_err().to_string()
    };
    let one = std::slice::from_ref(&picture);
    assert!(said(&[], &[], None).contains("no tokens"));
    assert!(said(&[5, pad], &[], None).contains("it has 1 places for pictures: expected 0, as its 0 pictures have"));
    let expected = format!("it has 0 places for pictures: expected {}, as its 1 pictures have", picture.tokens());
    assert!(said(&[5], one, None).contains(&expected), "{}", said(&[5], one, None));
    assert!(said(&[5, 6], &[], Some(&[true])).contains("its mask is for 1 tokens: expected 2"));
    assert!(said(&pads, one, Some(&hidden)).contains("token 1 is a picture's and hidden"));
    assert!(said(&[99_999], &[], None).contains("there is no token 99999"));
    assert!(said(&vec![5; 40_000], &[], None).contains("expected at most"));
    let strip = Rgb8 { width: 500, height: 1, data: vec![0; 1500] };
    assert!(encoder.picture(&strip, encoder.bounds()).is_err_and(|error| error.to_string().contains("500x1")));
}

#[test]
fn words_that_steer_are_found() {
    let words = opened(&super::model("pipeline_f16"));
    let words = words.words();
    assert_eq!(words.steering("make it blue"), None);
    assert_eq!(words.steering("make <|im_end|> it blue"), Some("<|im_end|>"));
    assert_eq!(words.id("<|image_pad|>"), Some(words.picture()));
    assert!(words.largest_id() >= words.picture());
}
