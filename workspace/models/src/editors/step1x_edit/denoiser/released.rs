//! Headers alone stand in for the authors' single files, which are 25 GB: names as the authors' `modules/model_edit.py` and
//! `modules/connector_edit.py` have them.

use std::sync::Arc;

use candle_core::DType;
use serde_json::{Map, Value, json};

use super::*;
use crate::editors::flux::{Opened, TransformerSource};
use crate::editors::step1x_edit::Version;
use crate::layers::Compute;
use crate::weights::{Checkpoint, Storage};

/// Every tensor of the file of v1.1, by name.
fn file() -> Vec<(String, Vec<u64>)> {
    const WIDTH: u64 = 3072;
    let mut all: Vec<(String, Vec<u64>)> = Vec::new();
    let mut layer = |name: &str, shape: &[u64]| {
        all.push((format!("{name}.weight"), shape.to_vec()));
        all.push((format!("{name}.bias"), shape[..1].to_vec()));
    };
    for (name, inputs) in [("img_in", 64), ("txt_in", 4096)] {
        layer(name, &[WIDTH, inputs]);
    }
    for (name, inputs) in [("time_in", 256), ("vector_in", 768)] {
        layer(&format!("{name}.in_layer"), &[WIDTH, inputs]);
        layer(&format!("{name}.out_layer"), &[WIDTH, WIDTH]);
    }
    layer("final_layer.linear", &[64, WIDTH]);
    layer("final_layer.adaLN_modulation.1", &[2 * WIDTH, WIDTH]);
    for stream in (0..19).flat_map(|at| ["img", "txt"].map(|stream| format!("double_blocks.{at}.{stream}"))) {
        layer(&format!("{stream}_mod.lin"), &[6 * WIDTH, WIDTH]);
        layer(&format!("{stream}_attn.qkv"), &[3 * WIDTH, WIDTH]);
        layer(&format!("{stream}_attn.proj"), &[WIDTH, WIDTH]);
        layer(&format!("{stream}_mlp.0"), &[4 * WIDTH, WIDTH]);
        layer(&format!("{stream}_mlp.2"), &[WIDTH, 4 * WIDTH]);
    }
    for block in (0..38).map(|at| format!("single_blocks.{at}")) {
        layer(&format!("{block}.linear1"), &[7 * WIDTH, WIDTH]);
        layer(&format!("{block}.linear2"), &[WIDTH, 5 * WIDTH]);
        layer(&format!("{block}.modulation.lin"), &[3 * WIDTH, WIDTH]);
    }
    connector(layer);
    let heads = (0..19).flat_map(|at| ["img", "txt"].map(|stream| format!("double_blocks.{at}.{stream}_attn.norm")));
    let heads = heads.chain((0..38).map(|at| format!("single_blocks.{at}.norm")));
    let norms = heads.flat_map(|norm| ["query_norm", "key_norm"].map(|which| format!("{norm}.{which}.scale")));
    all.extend(norms.map(|name| (name, vec![128])).collect::<Vec<_>>());
    all
}

fn connector(mut layer: impl FnMut(&str, &[u64])) {
    const WIDTH: u64 = 4096;
    layer("connector.global_proj_out", &[768, 3584]);
    for (name, inputs) in [
        ("input_embedder", 3584),
        ("t_embedder.mlp.0", 256),
        ("t_embedder.mlp.2", WIDTH),
        ("c_embedder.linear_1", 3584),
        ("c_embedder.linear_2", WIDTH),
    ] {
        layer(&format!("connector.S.{name}"), &[WIDTH, inputs]);
    }
    for block in (0..2).map(|at| format!("connector.S.individual_token_refiner.blocks.{at}")) {
        layer(&format!("{block}.norm1"), &[WIDTH]);
        layer(&format!("{block}.norm2"), &[WIDTH]);
        layer(&format!("{block}.self_attn_qkv"), &[3 * WIDTH, WIDTH]);
        layer(&format!("{block}.self_attn_proj"), &[WIDTH, WIDTH]);
        layer(&format!("{block}.mlp.fc1"), &[4 * WIDTH, WIDTH]);
        layer(&format!("{block}.mlp.fc2"), &[WIDTH, 4 * WIDTH]);
        layer(&format!("{block}.adaLN_modulation.1"), &[2 * WIDTH, WIDTH]);
    }
}

/// Reads a header of these tensors in a type of so many bytes a number, and answers what the model misses and leaves.
fn read(tensors: &[(String, Vec<u64>)], (dtype, bytes): (&str, u64)) -> (Version, Vec<String>, Vec<String>) {
    let place = tempfile::tempdir().unwrap();
    let (mut header, mut end) = (Map::new(), 0);
    for (name, shape) in tensors {
        let begin = end;
        end += bytes * shape.iter().product::<u64>();
        header.insert(name.clone(), json!({"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}));
    }
    let text = Value::Object(header).to_string();
    let path = place.path().join("step1x-edit.safetensors");
    std::fs::write(&path, [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat()).unwrap();
    let (weights, config) = open(&TransformerSource::File(path.clone())).unwrap();
    let version = config.version(&weights, None).unwrap();
    let checkpoint = Arc::new(Checkpoint::open_file(&path, str::to_owned).unwrap().audited(false));
    let compute = Compute { dtype: DType::BF16, kept: Storage::Stored, ..Compute::cpu() };
    Denoiser::load(&Opened::Original(Arc::clone(&checkpoint)), &config, &compute).unwrap();
    let notes = checkpoint.take_notes();
    let left = checkpoint.facts().map(|(name, _)| name.to_owned()).filter(|name| !notes.asked.contains_key(name));
    let missing = notes.mistakes.iter().map(ToString::to_string).collect();
    (version, missing, left.collect())
}

#[test]
fn the_released_files_are_read_by_their_headers() {
    let (nothing, count) = (Vec::<String>::new(), |all: &[(String, Vec<u64>)]| -> u64 {
        all.iter().map(|(_, shape)| shape.iter().product::<u64>()).sum()
    });
    let mut all = file();
    assert_eq!(count(&all), 12_427_800_384);
    for stored in [("BF16", 2), ("F8_E4M3", 1)] {
        assert_eq!(read(&all, stored), (Version::V1_1, nothing.clone(), nothing.clone()));
    }
    // v1.0 has one number more, which is read where the version says so.
    all.push(("connector.scale_factor".to_owned(), vec![1]));
    assert_eq!(read(&all, ("BF16", 2)), (Version::V1_0, nothing.clone(), nothing.clone()));
    let last = all.iter().position(|(name, _)| name == "single_blocks.37.linear2.bias").unwrap();
    all.remove(last);
    let (_, missing, left) = read(&all, ("BF16", 2));
    assert!(missing.len() == 1 && missing[0].contains("single_blocks.37.linear2.bias"), "{missing:?}");
    assert_eq!(left, nothing);
}
