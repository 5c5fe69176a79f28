//! The encoder against transformers, on random models.

use super::ClipText;
use crate::layers::Compute;
use crate::layers::testing::{brain_floats, folder, ids, off, replaced, tensors};
use crate::weights::Storage;

const NETWORK: &str = "clip_text";

fn load(name: &str, compute: &Compute) -> ClipText {
    ClipText::load(&folder(NETWORK, name), compute).unwrap()
}

#[test]
fn hidden_and_pooled_rows_are_those_of_transformers() {
    for (name, count) in [("legacy", 2), ("named", 2), ("nested", 1)] {
        let model = load(name, &Compute::cpu());
        let cases = tensors(&folder(NETWORK, name).join("cases.safetensors"));
        for at in 0..count {
            let ours = model.encode(&ids(&cases[&format!("ids.{at}")])).unwrap();
            let hidden = off(&ours.hidden, &cases[&format!("hidden.{at}")]);
            let pooled = off(&ours.pooled, &cases[&format!("pooled.{at}")]);
            println!("{name} {at}: hidden {hidden:e}, pooled {pooled:e}");
            assert!(hidden < 1e-5 && pooled < 1e-5, "{name} {at}: off by {hidden} and {pooled}");
        }
    }
}

#[test]
fn texts_of_different_lengths_go_together() {
    let model = load("named", &Compute::cpu());
    let texts = vec![vec![119, 5, 6, 117], vec![119, 117], vec![119, 8, 9, 10, 11, 117, 117]];
    let together = model.encode(&texts).unwrap();
    let mut next = 0;
    for (at, text) in texts.iter().enumerate() {
        let alone = model.encode(std::slice::from_ref(text)).unwrap();
        let part = together.hidden.narrow(0, next, text.len()).unwrap();
        assert!(off(&part, &alone.hidden) < 1e-6);
        assert!(off(&together.pooled.narrow(0, at, 1).unwrap(), &alone.pooled) < 1e-6);
        next += text.len();
    }
}

#[test]
fn weights_kept_in_halves_give_the_same() {
    let compute = Compute { kept: Storage::Stored, ..Compute::cpu() };
    let model = load("legacy", &compute);
    let cases = tensors(&folder(NETWORK, "legacy").join("cases.safetensors"));
    let ours = model.encode(&ids(&cases["ids.0"])).unwrap();
    assert!(off(&ours.hidden, &cases["hidden.0"]) < 1e-5);
}

#[test]
fn brain_floats_come_close() {
    let model = load("legacy", &brain_floats());
    let cases = tensors(&folder(NETWORK, "legacy").join("cases.safetensors"));
    let ours = model.encode(&ids(&cases["ids.0"])).unwrap().hidden;
    assert_eq!(ours.dtype(), candle_core::DType::BF16);
    let off = off(&ours, &cases["hidden.0"]);
    println!("bf16: {off:e}");
    assert!(off < 0.03, "off by {off}");
}

#[test]
fn texts_that_do_not_fit_are_refused() {
    let model = load("nested", &Compute::cpu());
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
        let folder = replaced(&folder(NETWORK, "legacy"), from, to);
        let error = ClipText::load(folder.path(), &Compute::cpu()).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(says) && error.contains(folder.path().to_str().unwrap()), "{from}: {error}");
    }
}
