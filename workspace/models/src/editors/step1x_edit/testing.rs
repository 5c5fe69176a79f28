//! What tests of this room share.

use std::path::{Path, PathBuf};

use candle_core::{DType, Tensor};
use serde_json::Value;

use crate::encoders::vision_language::Words;

pub(super) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/step1x")
}

/// The excerpt of Qwen's vocabulary with the ids that its tokens have there.
pub(super) fn true_words() -> Words {
    let read = |name: &str| std::fs::read(fixtures().join(name)).unwrap();
    let ids: Vec<u64> = serde_json::from_slice(&read("ids.json")).unwrap();
    let mut whole: Value = serde_json::from_slice(&read("encoder/tokenizer.json")).unwrap();
    let true_id = |id: &Value| Value::from(ids[id.as_u64().unwrap() as usize]);
    for id in whole["model"]["vocab"].as_object_mut().unwrap().values_mut() {
        *id = true_id(id);
    }
    for token in whole["added_tokens"].as_array_mut().unwrap() {
        token["id"] = true_id(&token["id"]);
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tokenizer.json");
    std::fs::write(&file, whole.to_string()).unwrap();
    Words::read(&file).unwrap()
}

/// The largest difference, relative to the largest number of the reference.
pub(super) fn off(ours: &Tensor, theirs: &Tensor) -> f32 {
    let numbers =
        |tensor: &Tensor| tensor.flatten_all().unwrap().to_dtype(DType::F32).unwrap().to_vec1::<f32>().unwrap();
    let (ours, theirs) = (numbers(ours), numbers(theirs));
    assert_eq!(ours.len(), theirs.len());
    let largest = theirs.iter().fold(1e-3_f32, |most, value| most.max(value.abs()));
    ours.iter().zip(&theirs).fold(0.0_f32, |most, (a, b)| most.max((a - b).abs())) / largest
}
