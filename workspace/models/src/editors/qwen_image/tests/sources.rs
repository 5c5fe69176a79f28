//! Folders, shards, single files and quantised ones are the same model, with adapters of every way of writing.

use candle_core::quantized::gguf_file::{self, Value};
use candle_core::quantized::{GgmlDType, QTensor};

use super::*;
use crate::editors::flux::AdapterSource;

fn weights() -> HashMap<String, Tensor> {
    candle_core::safetensors::load(folder().join(WEIGHTS), &Device::Cpu).unwrap()
}

fn velocities(model: &QwenTransformer) -> Vec<Tensor> {
    model.forward(&items(model, &Compute::cpu()), &NobodyWatches).unwrap()
}

fn file(path: &Path) -> QwenTransformer {
    QwenTransformer::load(&TransformerSource::File(path.to_owned()), &Compute::cpu()).unwrap()
}

/// The model's configuration, without what single files say by a tensor's name.
fn write_config(folder: &Path, clean: bool) {
    fs::copy(copy(clean).path().join("config.json"), folder.join("config.json")).unwrap();
}

#[test]
fn a_single_file_with_a_prefix_is_the_same_model() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("model.safetensors");
    let prefixed = |(name, tensor): (String, Tensor)| (format!("model.diffusion_model.{name}"), tensor);
    let mut all: HashMap<String, Tensor> = weights().into_iter().map(prefixed).collect();
    // The marker is no weight, and in the way of nothing.
    let marker = Tensor::zeros(1, DType::F32, &Device::Cpu).unwrap();
    all.insert("model.diffusion_model.__index_timestep_zero__".to_owned(), marker);
    candle_core::safetensors::save(&all, &path).unwrap();
    for clean in [false, true] {
        write_config(place.path(), clean);
        assert!(off(&velocities(&file(&path)), clean) < TOLERANCE);
    }
}

/// Cast, and scaled as files for `ComfyUI` are: what `PyTorch` makes of the same bytes, to its rounding.
#[test]
fn files_of_eight_bits_are_what_pytorch_makes_of_them() {
    let (name, place) = ("three_heads", tempfile::tempdir().unwrap());
    let right = candle_core::safetensors::load(folder_of(name).join("narrow.safetensors"), &Device::Cpu).unwrap();
    fs::copy(copy_of(name, false).path().join("config.json"), place.path().join("config.json")).unwrap();
    for kind in ["cast", "scaled"] {
        let path = place.path().join("model.safetensors");
        fs::copy(folder_of(name).join(format!("{kind}_fp8.safetensors")), &path).unwrap();
        let model = file(&path);
        let velocities = model.forward(&items_of(name, &model, &Compute::cpu()), &NobodyWatches).unwrap();
        for (at, velocity) in velocities.iter().enumerate() {
            let off = crate::layers::testing::off(velocity, &right[&format!("{kind}.{at}.velocity")]);
            assert!(off < TOLERANCE, "{kind} {at}: off by {off}");
        }
        // Eight bits lose something, and factors lose less.
        let lost = off_of(name, &velocities, false);
        println!("{kind}: loses {lost:.3}");
        assert!((0.001..0.5).contains(&lost), "{kind}: {lost}");
        let stored = Compute { kept: Storage::Stored, ..Compute::cpu() };
        let model = QwenTransformer::load(&TransformerSource::File(path), &stored).unwrap();
        let kept = model.forward(&items_of(name, &model, &stored), &NobodyWatches).unwrap();
        let off = crate::layers::testing::off(&kept[0], &velocities[0]);
        // What was cast fits into brain floats; factors do not.
        assert!(off < if kind == "cast" { 1e-6 } else { 0.05 }, "{kind}: kept as stored, off by {off}");
    }
}

#[test]
fn quantised_files_come_near() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("model.gguf");
    write_config(place.path(), false);
    for (matrices, most) in [(GgmlDType::F32, TOLERANCE), (GgmlDType::F16, TOLERANCE), (GgmlDType::Q8_0, 0.03)] {
        let tensor = |(name, tensor): (String, Tensor)| {
            let wide = tensor.to_dtype(DType::F32).unwrap();
            let whole = wide.rank() == 2 && wide.dim(1).unwrap() % matrices.block_size() == 0;
            (name, QTensor::quantize(&wide, if whole { matrices } else { GgmlDType::F32 }).unwrap())
        };
        let tensors: Vec<(String, QTensor)> = weights().into_iter().map(tensor).collect();
        let listed: Vec<(&str, &QTensor)> = tensors.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
        let architecture = Value::String("qwen_image".to_owned());
        let mut out = fs::File::create(&path).unwrap();
        gguf_file::write(&mut out, &[("general.architecture", &architecture)], &listed).unwrap();
        drop(out);
        let off = off(&velocities(&file(&path)), false);
        assert!(off < most, "{matrices:?}: off by {off}");
    }
}

const LAYERS: [(&str, usize, usize); 4] = [
    ("transformer_blocks.0.attn.to_q", 24, 24),
    ("transformer_blocks.1.attn.add_v_proj", 24, 24),
    ("transformer_blocks.1.img_mlp.net.2", 96, 24),
    ("transformer_blocks.0.txt_mod.1", 24, 144),
];

/// A pair of every layer: down, up and alpha.
fn pairs() -> Vec<(&'static str, [Tensor; 3])> {
    let made = |at: usize, rows: usize, columns: usize| {
        let value = |n: usize| ((n * 37 + at * 11) % 23) as f32 / 23.0 - 0.5;
        Tensor::from_vec((0..rows * columns).map(value).collect::<Vec<_>>(), (rows, columns), &Device::Cpu).unwrap()
    };
    let alpha = || Tensor::new(6.0_f32, &Device::Cpu).unwrap();
    let pair = |(at, (name, inputs, outputs)): (usize, &(&'static str, usize, usize))| {
        (*name, [made(at, 2, *inputs), made(at + 5, *outputs, 2), alpha()])
    };
    LAYERS.iter().enumerate().map(pair).collect()
}

/// A file of the pairs, under names that are made of those of layers.
fn adapter(folder: &Path, names: [&dyn Fn(&str) -> String; 2], with_alpha: bool) -> PathBuf {
    let mut tensors = HashMap::new();
    for (layer, [down, up, alpha]) in pairs() {
        // Without an alpha a pair counts as it is.
        let up = if with_alpha { up } else { (up * 3.0).unwrap() };
        tensors.insert(names[0](layer), down);
        tensors.insert(names[1](layer), up);
        if with_alpha {
            let (before, _) = names[0](layer).rsplit_once(".lora_").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
            tensors.insert(format!("{before}.alpha"), alpha);
        }
    }
    let file = folder.join("adapter.safetensors");
    candle_core::safetensors::save(&tensors, &file).unwrap();
    file
}

/// The model with the pairs added to its weights.
fn merged() -> Vec<Tensor> {
    let copy = copy(false);
    let mut all = weights();
    for (layer, [down, up, alpha]) in pairs() {
        let strength = f64::from(alpha.to_scalar::<f32>().unwrap()) / 2.0;
        let weight = all.get_mut(&format!("{layer}.weight")).unwrap();
        let sum = weight.to_dtype(DType::F32).unwrap() + (up.matmul(&down).unwrap() * strength).unwrap();
        *weight = sum.unwrap();
    }
    candle_core::safetensors::save(&all, copy.path().join(WEIGHTS)).unwrap();
    velocities(&QwenTransformer::load(&TransformerSource::Folder(copy.path().to_owned()), &Compute::cpu()).unwrap())
}

/// How a file calls one of a layer's two matrices.
type Name<'a> = &'a dyn Fn(&str) -> String;

#[test]
fn adapters_of_every_way_of_writing_are_the_same_as_merged_ones() {
    let (model, right, folder) = (load(false, &Compute::cpu()), merged(), tempfile::tempdir().unwrap());
    let before = velocities(&model);
    let schemes: [([Name<'_>; 2], bool); 5] = [
        ([&|layer| format!("{layer}.lora_down.weight"), &|layer| format!("{layer}.lora_up.weight")], true),
        (
            [&|it| format!("diffusion_model.{it}.lora_down.weight"), &|it| {
                format!("diffusion_model.{it}.lora_up.weight")
            }],
            true,
        ),
        ([&|it| format!("transformer.{it}.lora_A.weight"), &|it| format!("transformer.{it}.lora_B.weight")], false),
        ([&|it| format!("{it}.lora_A.default.weight"), &|it| format!("{it}.lora_B.default.weight")], false),
        (
            [&|it| format!("lora_unet_{}.lora_down.weight", it.replace('.', "_")), &|it| {
                format!("lora_unet_{}.lora_up.weight", it.replace('.', "_"))
            }],
            true,
        ),
    ];
    for (at, (names, with_alpha)) in schemes.into_iter().enumerate() {
        let file = adapter(folder.path(), names, with_alpha);
        let read = model.read_adapter(AdapterSource { path: &file, scale: 1.0 }).unwrap();
        assert_eq!(read.layers(), LAYERS.len());
        model.set_adapter(Some(&read));
        for ((found, right), before) in velocities(&model).iter().zip(&right).zip(&before) {
            assert!(crate::layers::testing::off(found, right) < TOLERANCE, "scheme {at}");
            assert!(crate::layers::testing::off(found, before) > 0.01, "scheme {at}");
        }
    }
    model.set_adapter(None);
    assert!(off(&velocities(&model), false) < TOLERANCE);
}
