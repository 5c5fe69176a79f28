//! What cannot be loaded or computed is named.

use serde_json::{Value, json};

use super::*;
use crate::load::LoadError;

/// The model's folder with one key of its configuration changed.
fn with(key: &str, value: &Value) -> Result<QwenTransformer, LoadError> {
    let copy = copy(false);
    let file = copy.path().join("config.json");
    let mut config: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    config[key] = value.clone();
    fs::write(&file, config.to_string()).unwrap();
    QwenTransformer::load(&TransformerSource::Folder(copy.path().to_owned()), &Compute::cpu())
}

#[test]
fn settings_that_are_not_supported_are_refused_by_name() {
    for (key, value) in [
        ("_class_name", json!("FluxTransformer2DModel")),
        ("_class_name", Value::Null),
        ("patch_size", json!(1)),
        ("guidance_embeds", json!(true)),
        ("use_layer3d_rope", json!(true)),
        ("use_additional_t_cond", json!(true)),
        ("axes_dims_rope", json!([4, 4, 6])),
        ("axes_dims_rope", json!([3, 3, 6])),
        ("num_layers", json!(1000)),
        ("zero_cond_t", json!("yes")),
        ("something_new", json!(1)),
    ] {
        let error = with(key, &value).unwrap_err().to_string();
        assert!(error.contains(&format!("`{key}`")) && error.contains("expected"), "{key} = {value}: {error}");
    }
    assert!(with("zero_cond_t", &Value::Null).is_ok(), "written before there was such a key");
}

#[test]
fn weights_that_do_not_fit_are_errors() {
    for (key, value, said) in [
        ("num_layers", json!(1), "`transformer_blocks.1.attn."),
        ("num_layers", json!(3), "`transformer_blocks.2."),
        ("joint_attention_dim", json!(11), "`txt_norm.weight` has shape [32]: expected [11]"),
        ("out_channels", json!(5), "takes tokens of 16 numbers and predicts 20"),
        ("in_channels", json!(10), "takes tokens of 10 numbers"),
    ] {
        let error = with(key, &value).unwrap_err().to_string();
        assert!(error.contains(said), "{key} = {value}: {error}");
    }
}

#[test]
fn a_file_without_a_configuration_has_to_have_heads_of_128() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("model.safetensors");
    fs::copy(folder().join(WEIGHTS), &file).unwrap();
    let error = QwenTransformer::load(&TransformerSource::File(file.clone()), &Compute::cpu()).unwrap_err().to_string();
    assert!(error.contains("heads of 12 numbers") && error.contains("expected heads of 128"), "{error}");
    let shapes = [
        ("img_in.weight", vec![256, 64]),
        ("txt_in.weight", vec![256, 3584]),
        ("proj_out.weight", vec![64, 256]),
        ("transformer_blocks.0.attn.norm_q.weight", vec![128]),
        ("transformer_blocks.1.attn.norm_q.weight", vec![128]),
    ];
    let mut shapes = shapes.into_iter().map(|(name, shape)| (name.to_owned(), shape)).collect();
    let derived = QwenConfig::derive(&file, &shapes).unwrap();
    assert_eq!((derived.blocks, derived.heads, derived.axes, derived.clean_references), (2, 2, [16, 56, 56], false));
    shapes.insert("__index_timestep_zero__".to_owned(), vec![0]);
    assert!(QwenConfig::derive(&file, &shapes).unwrap().clean_references);
    for (name, shape, said) in [
        ("txt_in.weight", vec![256, 2_000_000], "takes texts 2000000 numbers wide"),
        ("img_in.weight", vec![256, 0], "takes tokens of 0 numbers"),
        ("proj_out.weight", vec![65, 256], "predicts 65"),
    ] {
        let shapes = shapes.clone().into_iter().chain([(name.to_owned(), shape)]).collect();
        let error = QwenConfig::derive(&file, &shapes).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
    shapes.remove("txt_in.weight");
    assert!(QwenConfig::derive(&file, &shapes).unwrap_err().to_string().contains("`txt_in.weight` is missing"));
}

#[test]
fn items_that_do_not_fit_are_errors() {
    let (compute, model) = (Compute::cpu(), load(false, &Compute::cpu()));
    let good = items(&model, &compute).remove(0);
    assert!(model.forward(&[], &NobodyWatches).unwrap().is_empty());
    for bad in [
        QwenItem { grid: (5, 5), ..good.clone() },
        QwenItem { timestep: f32::NAN, ..good.clone() },
        QwenItem { latents: good.latents.narrow(1, 0, 8).unwrap(), ..good.clone() },
    ] {
        assert!(model.forward(&[good.clone(), bad], &NobodyWatches).is_err());
    }
    assert!(model.prepare_reference(&good.latents, (1, 1)).is_err());
}

/// Names and shapes of the released transformer.
fn released() -> Vec<(String, Vec<usize>)> {
    const WIDTH: usize = 3072;
    let mut all = Vec::new();
    let mut layer = |name: &str, outputs: usize, inputs: usize| {
        all.push((format!("{name}.weight"), vec![outputs, inputs]));
        all.push((format!("{name}.bias"), vec![outputs]));
    };
    layer("img_in", WIDTH, 64);
    layer("txt_in", WIDTH, 3584);
    layer("time_text_embed.timestep_embedder.linear_1", WIDTH, 256);
    layer("time_text_embed.timestep_embedder.linear_2", WIDTH, WIDTH);
    layer("norm_out.linear", 2 * WIDTH, WIDTH);
    layer("proj_out", 64, WIDTH);
    for block in (0..60).map(|at| format!("transformer_blocks.{at}")) {
        for stream in ["img", "txt"] {
            layer(&format!("{block}.{stream}_mod.1"), 6 * WIDTH, WIDTH);
            layer(&format!("{block}.{stream}_mlp.net.0.proj"), 4 * WIDTH, WIDTH);
            layer(&format!("{block}.{stream}_mlp.net.2"), WIDTH, 4 * WIDTH);
        }
        let maps = ["to_q", "to_k", "to_v", "to_out.0", "add_q_proj", "add_k_proj", "add_v_proj", "to_add_out"];
        maps.into_iter().for_each(|name| layer(&format!("{block}.attn.{name}"), WIDTH, WIDTH));
    }
    let norms = ["norm_q", "norm_k", "norm_added_q", "norm_added_k"];
    let heads =
        (0..60).flat_map(|at| norms.map(|norm| (format!("transformer_blocks.{at}.attn.{norm}.weight"), vec![128])));
    all.extend(heads.collect::<Vec<_>>());
    all.push(("txt_norm.weight".to_owned(), vec![3584]));
    all
}

/// A file of headers alone stands in for the released weights, which are 41 GB.
#[test]
fn the_released_transformer_is_read_by_its_headers() {
    let place = tempfile::tempdir().unwrap();
    let mut header = serde_json::Map::new();
    let mut end = 0_u64;
    for (name, shape) in released() {
        let begin = end;
        end += 2 * shape.iter().map(|side| *side as u64).product::<u64>();
        header.insert(name, json!({"dtype": "BF16", "shape": shape, "data_offsets": [begin, end]}));
    }
    assert_eq!((header.len(), end / 2), (1933, 20_430_401_088));
    let text = Value::Object(header).to_string();
    let bytes = [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat();
    fs::write(place.path().join(WEIGHTS), bytes).unwrap();
    let config = place.path().join("config.json");
    fs::write(&config, json!({"_class_name": "QwenImageTransformer2DModel", "zero_cond_t": true}).to_string()).unwrap();
    let config = QwenConfig::read(&config).unwrap();
    assert!(config.clean_references);
    let checkpoint = std::sync::Arc::new(QwenTransformer::open(place.path()).unwrap().audited(false));
    let compute = Compute { dtype: DType::BF16, kept: Storage::Stored, ..Compute::cpu() };
    QwenTransformer::of_checkpoint(std::sync::Arc::clone(&checkpoint), config, &compute).unwrap();
    let notes = checkpoint.take_notes();
    assert!(notes.mistakes.is_empty(), "{:?}", notes.mistakes);
    assert_eq!(notes.asked.len(), 1933);
}
