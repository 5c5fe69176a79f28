//! How long a step takes, to be compared with `tests/parity/editors/bench_flux.py`.

use std::time::Instant;

use candle_core::DType;
use candle_core::quantized::GgmlDType;

use super::sources::{noise, random_tensors, write_gguf, write_safetensors};
use super::*;
use crate::weights::Storage;

/// Run with `--ignored --nocapture`, optimised in full.
#[test]
#[ignore = "a measurement"]
fn a_step_of_a_middling_model() {
    let config = FluxConfig {
        in_channels: 64,
        out_channels: 64,
        double_blocks: 2,
        single_blocks: 4,
        heads: 8,
        head_width: 128,
        axes: [16, 56, 56],
        text_width: 4096,
        pooled_width: 768,
        guidance: true,
    };
    let home = tempfile::TempDir::new().unwrap();
    let tensors = random_tensors(&config);
    let file = |name: &str| TransformerSource::File(home.path().join(name));
    write_safetensors(&home.path().join("single.safetensors"), &tensors, "");
    let brief = tensors.iter().map(|(name, tensor)| (name.clone(), tensor.to_dtype(DType::BF16).unwrap())).collect();
    write_safetensors(&home.path().join("stored.safetensors"), &brief, "");
    write_gguf(&home.path().join("blocks.gguf"), &tensors, GgmlDType::Q4K);
    for name in ["single.safetensors", "stored.safetensors", "blocks.gguf"] {
        let compute = Compute { kept: Storage::Stored, ..Compute::cpu() };
        let model = FluxTransformer::load(&file(name), &compute).unwrap();
        println!("{name}:");
        steps(&model);
    }
}

fn steps(model: &FluxTransformer) {
    let item = FluxItem {
        latents: noise(1, &[1024, 64], 1.0),
        grid: (32, 32),
        reference: Some(model.prepare_reference(&noise(2, &[1024, 64], 1.0), (32, 32)).unwrap()),
        text: model.prepare_text(&noise(3, &[256, 4096], 1.0), &noise(4, &[768], 1.0)).unwrap(),
        timestep: 0.7,
        guidance: Some(2.5),
    };
    for _ in 0..4 {
        let start = Instant::now();
        model.forward(std::slice::from_ref(&item)).unwrap();
        println!("{:.3} s", start.elapsed().as_secs_f64());
    }
}
