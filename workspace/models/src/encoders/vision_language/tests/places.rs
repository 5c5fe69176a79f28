//! Where files may lie, and what is said where they do not.

use std::fs;

use super::*;
use crate::load::LoadError;

fn said(folder: &std::path::Path) -> String {
    let opened = EncoderPlaces::of(folder).and_then(|places| VisionLanguageEncoder::open(&places, &Compute::cpu()));
    opened.map(|_| ()).map_err(|error: LoadError| error.to_string()).unwrap_err()
}

#[test]
fn side_files_of_a_pipeline_lie_in_one_of_several_folders() {
    for (from, to) in [("processor", "processor"), ("processor", "tokenizer"), ("processor", "text_encoder")] {
        let folder = copied(&model("pipeline_f16"));
        for file in ["tokenizer.json", "preprocessor_config.json"] {
            fs::create_dir_all(folder.path().join(to)).unwrap();
            fs::rename(folder.path().join(from).join(file), folder.path().join(to).join(file)).unwrap();
        }
        let encoder = opened(folder.path());
        assert_eq!(encoder.bounds(), PixelBounds { least: 4 * 784, most: 16 * 784 });
    }
}

#[test]
fn limits_are_those_of_the_file() {
    assert_eq!(opened(&model("plain_bf16")).bounds(), PixelBounds { least: 6 * 784, most: 12 * 784 });
    let folder = copied(&model("plain_bf16"));
    fs::write(folder.path().join("preprocessor_config.json"), "{}").unwrap();
    let silent = opened(folder.path());
    assert_eq!(silent.bounds(), PixelBounds { least: 3136, most: 1_003_520 });
    fs::write(folder.path().join("preprocessor_config.json"), r#"{"resample": 1}"#).unwrap();
    let (lanczos, bounds) = (opened(folder.path()), silent.bounds());
    let seen = |encoder: &VisionLanguageEncoder| encoder.picture(&pixels("wide.png"), bounds).unwrap().key();
    assert_ne!(seen(&lanczos), seen(&silent));
}

#[test]
fn what_is_missing_is_named() {
    let folder = copied(&model("pipeline_f16"));
    let place = |name: &str| folder.path().join(name);
    fs::remove_file(place("processor/tokenizer.json")).unwrap();
    let missing = said(folder.path());
    assert!(
        missing.contains("tokenizer.json: is missing, and so is") && missing.contains("expected one of"),
        "{missing}"
    );
    let folder = copied(&model("plain_bf16"));
    let place = |name: &str| folder.path().join(name);
    fs::write(place("preprocessor_config.json"), r#"{"merge_size": 3}"#).unwrap();
    assert!(said(folder.path()).contains("preprocessor_config.json: has `merge_size` 3: expected 2"));
    fs::write(place("preprocessor_config.json"), r#"{"resample": 0}"#).unwrap();
    assert!(said(folder.path()).contains("has `resample` 0"));
    fs::remove_file(place("preprocessor_config.json")).unwrap();
    assert!(said(folder.path()).ends_with("preprocessor_config.json: is missing"), "{}", said(folder.path()));
    fs::write(place("preprocessor_config.json"), "{}").unwrap();
    fs::remove_file(place("model-00002-of-00002.safetensors")).unwrap();
    assert!(said(folder.path()).contains("model-00002-of-00002.safetensors"));
    fs::write(place("tokenizer.json"), "{}").unwrap();
    assert!(said(folder.path()).contains("tokenizer.json: is not a tokenizer"));
    fs::write(place("config.json"), r#"{"model_type": "qwen3_vl"}"#).unwrap();
    assert!(said(folder.path()).contains("config.json: `model_type` is `qwen3_vl`"));
}
