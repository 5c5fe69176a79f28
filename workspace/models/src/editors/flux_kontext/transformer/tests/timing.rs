//! How long a step takes, to be compared with `tests/parity/editors/bench_flux.py`.

use std::time::Instant;

use super::sources::{noise, random_tensors, write_safetensors};
use super::*;

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
    let file = home.path().join("flux.safetensors");
    write_safetensors(&file, &random_tensors(&config), "");
    let model = FluxTransformer::load(&TransformerSource::File(file), &Compute::cpu()).unwrap();
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
