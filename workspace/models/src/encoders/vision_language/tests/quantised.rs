//! The decoder from a quantised file.

use std::collections::HashMap;
use std::fs::File;

use candle_core::quantized::{GgmlDType, QTensor, gguf_file};
use candle_core::{DType, Device, Tensor};

use super::*;
use crate::layers::qwen25_vl::canonical;
use crate::layers::testing::off;
use crate::weights::{Checkpoint, Storage};

/// The name that llama.cpp gives a tensor of the decoder.
fn name_of_gguf(canonical: &str) -> Option<String> {
    let rest = canonical.strip_prefix(DECODER)?;
    let whole = [("embed_tokens.weight", "token_embd.weight"), ("norm.weight", "output_norm.weight")];
    if let Some((_, name)) = whole.iter().find(|(own, _)| *own == rest) {
        return Some((*name).to_owned());
    }
    let parts = [
        ("input_layernorm", "attn_norm"),
        ("self_attn.q_proj", "attn_q"),
        ("self_attn.k_proj", "attn_k"),
        ("self_attn.v_proj", "attn_v"),
        ("self_attn.o_proj", "attn_output"),
        ("post_attention_layernorm", "ffn_norm"),
        ("mlp.gate_proj", "ffn_gate"),
        ("mlp.up_proj", "ffn_up"),
        ("mlp.down_proj", "ffn_down"),
    ];
    let (layer, rest) = rest.strip_prefix("layers.")?.split_once('.')?;
    let (own, ending) = rest.rsplit_once('.')?;
    let (_, name) = parts.iter().find(|(part, _)| *part == own)?;
    Some(format!("blk.{layer}.{name}.{ending}"))
}

/// Writes a folder's decoder as one file, matrices in blocks where their rows are whole ones, and leaves of the folder's weights
/// nothing but the vision tower.
pub(super) fn quantise(folder: &Path, dtype: GgmlDType) -> PathBuf {
    let checkpoint = Checkpoint::open(folder, canonical).unwrap();
    let (mut language, mut tower) = (HashMap::new(), HashMap::new());
    for (name, facts) in checkpoint.facts() {
        let tensor = checkpoint.tensor(name, &facts.shape, Storage::Stored, &Device::Cpu).unwrap();
        match name_of_gguf(name) {
            Some(name) => drop(language.insert(name, stored(&tensor, dtype))),
            None => drop(tower.insert(name.to_owned(), tensor)),
        }
    }
    drop(checkpoint);
    for entry in fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().path();
        if file.to_string_lossy().contains(".safetensors") {
            fs::remove_file(file).unwrap();
        }
    }
    candle_core::safetensors::save(&tower, folder.join("model.safetensors")).unwrap();
    let file = folder.join("language.gguf");
    let architecture = gguf_file::Value::String("qwen2vl".to_owned());
    let tensors: Vec<(&str, &QTensor)> = language.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
    gguf_file::write(&mut File::create(&file).unwrap(), &[("general.architecture", &architecture)], &tensors).unwrap();
    file
}

fn stored(tensor: &Tensor, dtype: GgmlDType) -> QTensor {
    let is_whole = tensor.dims().len() == 2 && tensor.dims()[1].is_multiple_of(dtype.block_size());
    let tensor = tensor.to_dtype(DType::F32).unwrap();
    QTensor::quantize(&tensor, if is_whole { dtype } else { GgmlDType::F32 }).unwrap()
}

#[test]
fn a_quantised_decoder_says_nearly_the_same() {
    let right = opened(&model("plain_bf16"));
    let picture = right.picture(&pixels("wide.png"), right.bounds()).unwrap();
    let ids = right.expanded(&[5, right.words().picture(), 6, 7, 0, 9], std::slice::from_ref(&picture));
    let states = |encoder: &VisionLanguageEncoder| {
        let prompt = EncoderPrompt { ids: &ids, pictures: std::slice::from_ref(&picture), visible: None };
        encoder.encode(&prompt).unwrap().states
    };
    for (dtype, most) in [(GgmlDType::F32, 1e-6), (GgmlDType::Q8_0, 0.1), (GgmlDType::Q4_0, 1.0)] {
        let folder = copied(&model("plain_bf16"));
        let file = quantise(folder.path(), dtype);
        let places = EncoderPlaces::of(folder.path()).unwrap().with_language(&file);
        let encoder = VisionLanguageEncoder::open(&places, &Compute::cpu()).unwrap();
        let off = off(&states(&encoder), &states(&right));
        println!("{dtype:?}: {off:e}");
        assert!(off < most, "{dtype:?}: off by {off}");
        assert!(dtype == GgmlDType::F32 || off > 1e-4, "{dtype:?}: nothing was quantised");
        assert!(encoder.shares_weights_with(&VisionLanguageEncoder::open(&places, &Compute::cpu()).unwrap()));
        let bytes = |places: &EncoderPlaces| places.kept_bytes(Storage::As(DType::F32)).unwrap();
        let (quantised, whole) = (bytes(&places), bytes(&EncoderPlaces::of(&model("plain_bf16")).unwrap()));
        assert!(if dtype == GgmlDType::F32 { quantised == whole } else { quantised < whole });
    }
}

#[test]
fn a_decoder_that_is_not_the_models_is_refused() {
    let folder = copied(&model("plain_bf16"));
    let file = quantise(folder.path(), GgmlDType::Q8_0);
    let said = |places: &EncoderPlaces| {
        VisionLanguageEncoder::open(places, &Compute::cpu()).map(|_| ()).unwrap_err().to_string()
    };
    let places = EncoderPlaces::of(folder.path()).unwrap();
    assert!(said(&places).contains("embed_tokens"), "without the file the decoder is missing");
    let config = folder.path().join("config.json");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1")).unwrap();
    let refused = said(&places.with_language(&file));
    assert!(refused.contains("language.gguf: holds `model.language_model.layers.1."), "{refused}");
}

/// The names of llama.cpp's `mmproj` files.
#[test]
fn a_vision_tower_in_place_of_the_decoder_is_told() {
    let folder = copied(&model("plain_bf16"));
    for name in ["v.blk.0.attn_q.weight", "mm.0.weight"] {
        let file = folder.path().join("mmproj.gguf");
        let tensor =
            QTensor::quantize(&Tensor::zeros((4, 4), DType::F32, &Device::Cpu).unwrap(), GgmlDType::F32).unwrap();
        gguf_file::write(&mut File::create(&file).unwrap(), &[], &[(name, &tensor)]).unwrap();
        let places = EncoderPlaces::of(folder.path()).unwrap().with_language(&file);
        let refused = VisionLanguageEncoder::open(&places, &Compute::cpu()).map(|_| ()).unwrap_err().to_string();
        assert!(refused.contains(&format!("mmproj.gguf: holds `{name}`, of a vision tower")), "{refused}");
    }
}

#[test]
fn layers_beyond_the_configuration_are_refused() {
    let folder = copied(&model("plain_bf16"));
    let config = folder.path().join("config.json");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1")).unwrap();
    let places = EncoderPlaces::of(folder.path()).unwrap();
    let refused = VisionLanguageEncoder::open(&places, &Compute::cpu()).map(|_| ()).unwrap_err().to_string();
    assert!(refused.contains("which `config.json` knows nothing of"), "{refused}");
}
