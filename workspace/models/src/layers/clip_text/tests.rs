//! The encoder against transformers, on random models.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Result, Tensor};

use super::ClipText;
use crate::layers::Compute;
use crate::weights::Storage;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/layers/clip_text").join(name)
}

fn cases(name: &str) -> HashMap<String, Tensor> {
    candle_core::safetensors::load(folder(name).join("cases.safetensors"), &Device::Cpu).unwrap()
}

fn ids(tensor: &Tensor) -> Vec<Vec<u32>> {
    tensor.to_dtype(DType::U32).and_then(|ids| ids.to_vec2()).unwrap()
}

/// The greatest difference as a share of the greatest value.
fn off(ours: &Tensor, right: &Tensor) -> Result<f32> {
    assert_eq!(ours.dims(), right.dims());
    let most = right.abs()?.max_all()?.to_scalar::<f32>()?;
    Ok((ours.to_dtype(DType::F32)? - right)?.abs()?.max_all()?.to_scalar::<f32>()? / most)
}

/// A copy of a model whose configuration is changed.
fn changed(name: &str, from: &str, to: &str) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    fs::copy(folder(name).join("model.safetensors"), copy.path().join("model.safetensors")).unwrap();
    let text = fs::read_to_string(folder(name).join("config.json")).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(copy.path().join("config.json"), text.replacen(from, to, 1)).unwrap();
    copy
}

#[test]
fn hidden_and_pooled_rows_are_those_of_transformers() {
    for (name, count) in [("legacy", 2), ("named", 2), ("nested", 1)] {
        let model = ClipText::load(&folder(name), &Compute::cpu()).unwrap();
        let cases = cases(name);
        for at in 0..count {
            let ours = model.encode(&ids(&cases[&format!("ids.{at}")])).unwrap();
            let hidden = off(&ours.hidden, &cases[&format!("hidden.{at}")]).unwrap();
            let pooled = off(&ours.pooled, &cases[&format!("pooled.{at}")]).unwrap();
            println!("{name} {at}: hidden {hidden:e}, pooled {pooled:e}");
            assert!(hidden < 1e-5 && pooled < 1e-5, "{name} {at}: off by {hidden} and {pooled}");
        }
    }
}

#[test]
fn texts_of_different_lengths_go_together() {
    let model = ClipText::load(&folder("named"), &Compute::cpu()).unwrap();
    let texts = vec![vec![119, 5, 6, 117], vec![119, 117], vec![119, 8, 9, 10, 11, 117, 117]];
    let together = model.encode(&texts).unwrap();
    let mut next = 0;
    for (at, text) in texts.iter().enumerate() {
        let alone = model.encode(std::slice::from_ref(text)).unwrap();
        let part = together.hidden.narrow(0, next, text.len()).unwrap();
        assert!(off(&part, &alone.hidden).unwrap() < 1e-6);
        assert!(off(&together.pooled.narrow(0, at, 1).unwrap(), &alone.pooled).unwrap() < 1e-6);
        next += text.len();
    }
}

#[test]
fn weights_kept_in_halves_give_the_same() {
    let compute = Compute { kept: Storage::Stored, ..Compute::cpu() };
    let model = ClipText::load(&folder("legacy"), &compute).unwrap();
    let cases = cases("legacy");
    let ours = model.encode(&ids(&cases["ids.0"])).unwrap();
    assert!(off(&ours.hidden, &cases["hidden.0"]).unwrap() < 1e-5);
}

/// As on a card, where activations are brain floats: eight bits of each number are there.
#[test]
fn brain_floats_come_close() {
    let compute = Compute::bf16(Device::Cpu);
    let model = ClipText::load(&folder("legacy"), &compute).unwrap();
    let cases = cases("legacy");
    let ours = model.encode(&ids(&cases["ids.0"])).unwrap().hidden;
    assert_eq!(ours.dtype(), DType::BF16);
    let off = off(&ours, &cases["hidden.0"]).unwrap();
    println!("bf16: {off:e}");
    assert!(off < 0.03, "off by {off}");
}

#[test]
fn texts_that_do_not_fit_are_refused() {
    let model = ClipText::load(&folder("nested"), &Compute::cpu()).unwrap();
    let refused = |ids: &[Vec<u32>], says: &str| {
        let error = model.encode(ids).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    };
    refused(&[vec![1; 17]], "17 tokens");
    refused(&[vec![1], vec![]], "0 tokens");
    refused(&[vec![100]], "no token 100");
    assert!(model.encode(&[]).is_err());
}

#[test]
fn configurations_that_are_not_supported_are_refused() {
    let changes = [
        ("\"quick_gelu\"", "\"mish\"", "`hidden_act` is `mish`"),
        ("\"CLIPTextModel\"", "\"BertModel\"", "`architectures` is `BertModel`"),
        ("\"clip_text_model\"", "\"siglip\"", "`model_type` is `siglip`"),
        ("\"num_attention_heads\": 4", "\"num_attention_heads\": 5", "multiple of the 5 heads"),
        ("\"num_attention_heads\": 4", "\"num_attention_heads\": 0", "`num_attention_heads` is 0"),
        ("\"hidden_size\": 32", "\"hidden_size\": 18446744073709551615", "`hidden_size` is 18446744073709551615"),
        ("\"hidden_size\": 32", "\"hidden_size\": 64", "has shape"),
        ("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3", "encoder.layers.2"),
        ("\"layer_norm_eps\": 1e-05", "\"layer_norm_eps\": -1.0", "`layer_norm_eps` is -1"),
        ("\"vocab_size\": 120", "\"vocab_size\": \"120\"", "invalid type"),
        ("\"intermediate_size\": 64,", "", "intermediate_size"),
    ];
    for (from, to, says) in changes {
        let folder = changed("legacy", from, to);
        let error = ClipText::load(folder.path(), &Compute::cpu()).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(says) && error.contains(folder.path().to_str().unwrap()), "{from}: {error}");
    }
}
