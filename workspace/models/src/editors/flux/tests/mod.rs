//! Tests of the transformer: against diffusers' values, against candle's own FLUX, and with files that are not right.

mod goldens;
mod hostile;
mod sources;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use editscale_core::NobodyWatches;
use serde::Deserialize;

use super::{FluxConfig, FluxItem, FluxTransformer, TransformerSource, names};
use crate::editors::class::DIFFUSERS;
use crate::layers::Compute;
use crate::weights::Checkpoint;

/// The committed models.
const NAMES: [&str; 3] = ["two_heads_guided", "three_heads_plain", "wide_heads_guided"];

#[derive(Deserialize)]
struct Described {
    grid: (usize, usize),
    reference: Option<(usize, usize)>,
    timestep: f32,
    guidance: Option<f32>,
}

/// A committed model with inputs and the velocities that diffusers predicts.
struct Golden {
    folder: PathBuf,
    items: Vec<Described>,
    tensors: HashMap<String, Tensor>,
}

impl Golden {
    fn read(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/layers/flux").join(name);
        let text = std::fs::read(folder.join("items.json")).unwrap();
        let tensors = candle_core::safetensors::load(folder.join("items.safetensors"), &Device::Cpu).unwrap();
        Self { items: serde_json::from_slice(&text).unwrap(), tensors, folder }
    }

    fn config(&self) -> FluxConfig {
        FluxConfig::read(&self.folder.join("config.json")).unwrap()
    }

    fn model(&self) -> FluxTransformer {
        FluxTransformer::load(&TransformerSource::Folder(self.folder.clone()), &Compute::cpu()).unwrap()
    }

    fn tensor(&self, at: usize, name: &str) -> &Tensor {
        &self.tensors[&format!("{at}.{name}")]
    }

    fn item(&self, model: &FluxTransformer, at: usize) -> FluxItem {
        let described = &self.items[at];
        let dtype = model.compute.dtype;
        let tensor = |name: &str| self.tensor(at, name).to_dtype(dtype).unwrap();
        let reference = described.reference.map(|grid| model.prepare_reference(&tensor("reference"), grid).unwrap());
        FluxItem {
            latents: tensor("latents"),
            grid: described.grid,
            reference,
            text: model.prepare_text(&tensor("text"), &tensor("pooled")).unwrap(),
            timestep: described.timestep,
            guidance: described.guidance,
        }
    }

    fn all_items(&self, model: &FluxTransformer) -> Vec<FluxItem> {
        (0..self.items.len()).map(|at| self.item(model, at)).collect()
    }

    fn velocities(&self) -> Vec<Tensor> {
        self.all("velocity")
    }

    fn all(&self, name: &str) -> Vec<Tensor> {
        (0..self.items.len()).map(|at| self.tensor(at, name).clone()).collect()
    }
}

/// The greatest difference, relative to the greatest value.
fn difference(ours: &Tensor, right: &Tensor) -> f32 {
    assert_eq!(ours.dims(), right.dims());
    let greatest = |tensor: &Tensor| tensor.abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
    let ours = ours.to_dtype(candle_core::DType::F32).unwrap();
    greatest(&(ours - right).unwrap()) / greatest(right)
}

fn greatest_difference(ours: &[Tensor], right: &[Tensor]) -> f32 {
    assert_eq!(ours.len(), right.len());
    ours.iter().zip(right).map(|(ours, right)| difference(ours, right)).fold(0.0, f32::max)
}

/// The names of all layers (with a weight and a bias) and norms of a transformer, as Black Forest Labs call them.
fn original_names(config: &FluxConfig) -> (Vec<String>, Vec<String>) {
    let mut layers: Vec<String> =
        ["img_in", "txt_in", "final_layer.linear", "final_layer.adaLN_modulation.1"].map(str::to_owned).to_vec();
    let guidance = if config.guidance { &["guidance_in"][..] } else { &[] };
    for embedder in ["time_in", "vector_in"].iter().chain(guidance) {
        layers.extend(["in_layer", "out_layer"].map(|layer| format!("{embedder}.{layer}")));
    }
    let mut norms = Vec::new();
    for at in 0..config.double_blocks {
        for stream in ["img", "txt"] {
            let parts = ["mod.lin", "attn.qkv", "attn.proj", "mlp.0", "mlp.2"];
            layers.extend(parts.map(|part| format!("double_blocks.{at}.{stream}_{part}")));
            let parts = ["query_norm", "key_norm"];
            norms.extend(parts.map(|part| format!("double_blocks.{at}.{stream}_attn.norm.{part}")));
        }
    }
    for at in 0..config.single_blocks {
        layers.extend(["modulation.lin", "linear1", "linear2"].map(|part| format!("single_blocks.{at}.{part}")));
        norms.extend(["query_norm", "key_norm"].map(|part| format!("single_blocks.{at}.norm.{part}")));
    }
    (layers, norms)
}

/// The tensors of a folder of diffusers' under original names, in single precision.
fn original_tensors(folder: &Path) -> BTreeMap<String, Tensor> {
    let config = FluxConfig::read(&folder.join("config.json")).unwrap();
    let checkpoint = Checkpoint::open_stem(folder, DIFFUSERS, str::to_owned).unwrap();
    let read = |name: String| {
        let shape = checkpoint.fact(&name).unwrap().shape;
        checkpoint.tensor(&name, &shape, crate::weights::Storage::As(candle_core::DType::F32), &Device::Cpu).unwrap()
    };
    let (layers, norms) = original_names(&config);
    let mut all = BTreeMap::new();
    for layer in layers {
        for ending in ["weight", "bias"] {
            let parts = names::diffusers(&layer).unwrap();
            let parts: Vec<Tensor> = parts.iter().map(|part| read(format!("{part}.{ending}"))).collect();
            let mut tensor = Tensor::cat(&parts, 0).unwrap();
            if layer.starts_with("final_layer.ada") {
                let [scale, shift] = &tensor.chunk(2, 0).unwrap()[..] else { unreachable!() };
                tensor = Tensor::cat(&[shift, scale], 0).unwrap();
            }
            all.insert(format!("{layer}.{ending}"), tensor);
        }
    }
    for norm in norms {
        all.insert(format!("{norm}.scale"), read(format!("{}.weight", names::diffusers(&norm).unwrap()[0])));
    }
    all
}
