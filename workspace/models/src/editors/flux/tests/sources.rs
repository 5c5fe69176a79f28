//! The three kinds of files say the same, and quantised ones what candle's own FLUX says.

use candle_core::quantized::{GgmlDType, QTensor, gguf_file};
use candle_core::{DType, Result};
use candle_nn::VarBuilder;
use candle_transformers::models::flux::WithForward;
use candle_transformers::models::flux::model::Config as CandleConfig;
use candle_transformers::models::flux::{model::Flux, quantized_model::Flux as QuantisedFlux};
use candle_transformers::quantized_var_builder::VarBuilder as QuantisedBuilder;
use tempfile::TempDir;

use super::*;

/// A number in a type's blocks for matrices whose rows are made of whole ones, half precision for other matrices, single
/// precision for vectors: as published files have it.
fn stored(tensor: &Tensor, dtype: GgmlDType) -> QTensor {
    let kind = match tensor.dims() {
        [_] => GgmlDType::F32,
        [.., columns] if columns % dtype.block_size() != 0 => GgmlDType::F16,
        _ => dtype,
    };
    QTensor::quantize(tensor, kind).unwrap()
}

pub(super) fn write_gguf(file: &Path, tensors: &BTreeMap<String, Tensor>, dtype: GgmlDType) {
    let stored: Vec<(&String, QTensor)> = tensors.iter().map(|(name, it)| (name, stored(it, dtype))).collect();
    let stored: Vec<(&str, &QTensor)> = stored.iter().map(|(name, it)| (name.as_str(), it)).collect();
    let architecture = gguf_file::Value::String("flux".to_owned());
    let mut out = std::fs::File::create(file).unwrap();
    gguf_file::write(&mut out, &[("general.architecture", &architecture)], &stored).unwrap();
}

pub(super) fn write_safetensors(file: &Path, tensors: &BTreeMap<String, Tensor>, prefix: &str) {
    let named: HashMap<String, Tensor> =
        tensors.iter().map(|(name, tensor)| (format!("{prefix}{name}"), tensor.clone())).collect();
    candle_core::safetensors::save(&named, file).unwrap();
}

fn load(file: PathBuf) -> FluxTransformer {
    FluxTransformer::load(&TransformerSource::File(file), &Compute::cpu()).unwrap()
}

#[test]
fn one_file_says_what_a_folder_says() {
    for name in NAMES {
        let golden = Golden::read(name);
        let home = TempDir::new().unwrap();
        std::fs::copy(golden.folder.join("config.json"), home.path().join("config.json")).unwrap();
        let tensors = original_tensors(&golden.folder);
        for prefix in ["", "model.diffusion_model."] {
            let file = home.path().join("flux.safetensors");
            write_safetensors(&file, &tensors, prefix);
            let model = load(file);
            let off = greatest_difference(
                &model.forward(&golden.all_items(&model), &NobodyWatches).unwrap(),
                &golden.velocities(),
            );
            assert!(off < 3e-5, "{name}: off by {off}");
        }
        let kinds = [
            (GgmlDType::F32, 3e-5),
            (GgmlDType::F16, 3e-5),
            (GgmlDType::BF16, 0.05),
            (GgmlDType::Q8_0, 0.05),
            (GgmlDType::Q4_0, 0.6),
        ];
        for (dtype, most) in kinds {
            let file = home.path().join("flux.gguf");
            write_gguf(&file, &tensors, dtype);
            let model = load(file);
            let off = greatest_difference(
                &model.forward(&golden.all_items(&model), &NobodyWatches).unwrap(),
                &golden.velocities(),
            );
            println!("{name} {dtype:?}: off by {off:.1e}");
            assert!(off < most, "{name} {dtype:?}: off by {off}");
        }
    }
}

fn candle_config(config: &FluxConfig) -> CandleConfig {
    CandleConfig {
        in_channels: config.in_channels,
        vec_in_dim: config.pooled_width,
        context_in_dim: config.text_width,
        hidden_size: config.width(),
        mlp_ratio: 4.0,
        num_heads: config.heads,
        depth: config.double_blocks,
        depth_single_blocks: config.single_blocks,
        axes_dim: config.axes.to_vec(),
        theta: 10_000,
        qkv_bias: true,
        guidance_embed: config.guidance,
    }
}

/// Plain inputs of one item.
struct Inputs<'a> {
    latents: &'a Tensor,
    grid: (usize, usize),
    reference: Option<(&'a Tensor, (usize, usize))>,
    text: &'a Tensor,
    pooled: &'a Tensor,
    timestep: f32,
    guidance: Option<f32>,
}

impl Inputs<'_> {
    fn item(&self, model: &FluxTransformer) -> FluxItem {
        FluxItem {
            latents: self.latents.clone(),
            grid: self.grid,
            reference: self.reference.map(|(tokens, grid)| model.prepare_reference(tokens, grid).unwrap()),
            text: model.prepare_text(self.text, self.pooled).unwrap(),
            timestep: self.timestep,
            guidance: self.guidance,
        }
    }

    /// What candle's FLUX says, given references as further tokens of the picture.
    fn candle(&self, flux: &impl WithForward) -> Result<Tensor> {
        let mut tokens = vec![self.latents.clone()];
        let mut places = vec![ids(self.grid, 0.0)?];
        if let Some((reference, grid)) = self.reference {
            tokens.push(reference.clone());
            places.push(ids(grid, 1.0)?);
        }
        let batch = |tensor: Tensor| tensor.unsqueeze(0);
        let scalar = |value: f32| Tensor::new(&[value], &Device::Cpu);
        let velocity = flux.forward(
            &batch(Tensor::cat(&tokens, 0)?)?,
            &batch(Tensor::cat(&places, 0)?)?,
            &batch(self.text.clone())?,
            &Tensor::zeros((1, self.text.dim(0)?, 3), DType::F32, &Device::Cpu)?,
            &scalar(self.timestep)?,
            &self.pooled.flatten_all()?.unsqueeze(0)?,
            self.guidance.map(scalar).transpose()?.as_ref(),
        )?;
        velocity.squeeze(0)?.narrow(0, 0, self.grid.0 * self.grid.1)
    }
}

fn ids((rows, columns): (usize, usize), picture: f32) -> Result<Tensor> {
    let places = (0..rows).flat_map(|row| (0..columns).flat_map(move |column| [picture, row as f32, column as f32]));
    Tensor::from_vec(places.collect(), (rows * columns, 3), &Device::Cpu)
}

#[test]
fn candle_says_the_same_of_committed_models() {
    for name in ["two_heads_guided", "three_heads_plain"] {
        let golden = Golden::read(name);
        let tensors = original_tensors(&golden.folder).into_iter().collect();
        let builder = VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu);
        let flux = Flux::new(&candle_config(&golden.config()), builder).unwrap();
        for (at, described) in golden.items.iter().enumerate() {
            let inputs = Inputs {
                latents: golden.tensor(at, "latents"),
                grid: described.grid,
                reference: described.reference.map(|grid| (golden.tensor(at, "reference"), grid)),
                text: golden.tensor(at, "text"),
                pooled: golden.tensor(at, "pooled"),
                timestep: described.timestep,
                guidance: described.guidance,
            };
            let model = golden.model();
            let ours = model.forward(&[inputs.item(&model)], &NobodyWatches).unwrap();
            let off = difference(&ours[0], &inputs.candle(&flux).unwrap());
            println!("{name} {at}: candle is off by {off:.1e}");
            assert!(off < 1e-4, "{name} {at}: off by {off}");
        }
    }
}

/// Numbers of about a normal distribution, the same in each run.
pub(super) fn noise(seed: u64, shape: &[usize], scale: f32) -> Tensor {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1_u64 << 24) as f32 - 0.5
    };
    let mut normal = || (0..4).map(|_| uniform()).sum::<f32>() * 3.0_f32.sqrt() * scale;
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| normal()).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

/// Random tensors of a shape, under original names.
fn random_tensors(config: &FluxConfig) -> BTreeMap<String, Tensor> {
    let (width, inner) = (config.width(), config.inner_width());
    let shape = |name: &str| match name {
        "img_in" => (config.in_channels, width),
        "txt_in" => (config.text_width, width),
        "vector_in.in_layer" => (config.pooled_width, width),
        "time_in.in_layer" | "guidance_in.in_layer" => (256, width),
        "final_layer.linear" => (width, config.out_channels),
        "final_layer.adaLN_modulation.1" => (width, 2 * width),
        _ if name.ends_with("_mod.lin") => (width, 6 * width),
        _ if name.ends_with("modulation.lin") => (width, 3 * width),
        _ if name.ends_with("qkv") => (width, 3 * width),
        _ if name.ends_with("mlp.0") => (width, inner),
        _ if name.ends_with("mlp.2") => (inner, width),
        _ if name.ends_with("linear1") => (width, 3 * width + inner),
        _ if name.ends_with("linear2") => (width + inner, width),
        _ => (width, width),
    };
    let (layers, norms) = original_names(config);
    let mut all = BTreeMap::new();
    for (at, layer) in layers.iter().enumerate() {
        let (inputs, outputs) = shape(layer);
        let scale = 1.0 / (inputs as f32).sqrt();
        all.insert(format!("{layer}.weight"), noise(at as u64, &[outputs, inputs], scale));
        all.insert(format!("{layer}.bias"), noise(1000 + at as u64, &[outputs], 0.1));
    }
    for (at, norm) in norms.iter().enumerate() {
        let weight = (noise(2000 + at as u64, &[config.head_width], 0.2) + 1.0).unwrap();
        all.insert(format!("{norm}.scale"), weight);
    }
    all
}

fn published(guidance: bool) -> FluxConfig {
    FluxConfig {
        in_channels: 64,
        out_channels: 64,
        double_blocks: 1,
        single_blocks: 2,
        heads: 2,
        head_width: 128,
        axes: [16, 56, 56],
        text_width: 256,
        pooled_width: 96,
        guidance,
    }
}

/// candle's FLUX with the weights of a file as numbers. Its quantised one rounds activations to eight bits as well: where two
/// computations differ in a last place, some are rounded the other way, and the difference grows from layer to layer.
fn expanded(file: &Path, config: &FluxConfig) -> Flux {
    let mut reader = std::fs::File::open(file).unwrap();
    let content = gguf_file::Content::read(&mut reader).unwrap();
    let mut expand = |name: &String| {
        let tensor = content.tensor(&mut reader, name, &Device::Cpu).unwrap();
        (name.clone(), tensor.dequantize(&Device::Cpu).unwrap())
    };
    let tensors = content.tensor_infos.keys().map(&mut expand).collect();
    Flux::new(&candle_config(config), VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu)).unwrap()
}

#[test]
fn candle_says_the_same_of_quantised_models() {
    let kinds = [
        (GgmlDType::F32, 3e-5),
        (GgmlDType::F16, 0.01),
        (GgmlDType::BF16, 0.05),
        (GgmlDType::Q8_0, 0.05),
        (GgmlDType::Q5K, 0.3),
        (GgmlDType::Q4K, 0.5),
        (GgmlDType::Q4_0, 0.6),
        (GgmlDType::Q6K, 0.2),
    ];
    for guidance in [true, false] {
        let config = published(guidance);
        let home = TempDir::new().unwrap();
        let tensors = random_tensors(&config);
        let dense = home.path().join("dense.safetensors");
        write_safetensors(&dense, &tensors, "");
        let dense = load(dense);
        assert_eq!(dense.config(), &config);
        let [latents, reference] = [noise(1, &[24, 64], 1.0), noise(2, &[15, 64], 1.0)];
        let [text, pooled] = [noise(3, &[7, 256], 1.0), noise(4, &[96], 1.0)];
        let inputs = Inputs {
            latents: &latents,
            grid: (4, 6),
            reference: Some((&reference, (5, 3))),
            text: &text,
            pooled: &pooled,
            timestep: 0.7,
            guidance: guidance.then_some(2.5),
        };
        let exact = dense.forward(&[inputs.item(&dense)], &NobodyWatches).unwrap().remove(0);
        for (dtype, most) in kinds {
            let file = home.path().join("quantised.gguf");
            write_gguf(&file, &tensors, dtype);
            let builder = QuantisedBuilder::from_gguf(&file, &Device::Cpu).unwrap();
            let flux = QuantisedFlux::new(&candle_config(&config), builder).unwrap();
            let expanded = expanded(&file, &config);
            let model = load(file);
            assert_eq!(model.config(), &config);
            let ours = model.forward(&[inputs.item(&model)], &NobodyWatches).unwrap().remove(0);
            let off = difference(&ours, &inputs.candle(&expanded).unwrap());
            let rounded = difference(&ours, &inputs.candle(&flux).unwrap());
            let lost = difference(&ours, &exact);
            println!("{dtype:?}: off by {off:.1e}, candle rounds by {rounded:.1e}, quantisation loses {lost:.1e}");
            assert!(off < 1e-4, "{dtype:?}: off by {off}");
            assert!(rounded < 0.05, "{dtype:?}: candle's quantised model is off by {rounded}");
            assert!(lost < most, "{dtype:?}: off by {lost}");
        }
    }
}
