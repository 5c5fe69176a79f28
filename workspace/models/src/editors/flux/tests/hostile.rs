//! Files that are not what they should be: errors that name the file, never a panic.

use candle_core::quantized::GgmlDType;
use proptest::prelude::*;
use tempfile::TempDir;

use super::sources::{write_gguf, write_safetensors};
use super::*;
use crate::weights::GgufFile;

fn refused(source: &TransformerSource) -> String {
    FluxTransformer::load(source, &Compute::cpu()).unwrap_err().to_string()
}

/// What is said of a committed model with a key of its configuration changed.
fn refused_with(key: &str, value: &str) -> String {
    let home = TempDir::new().unwrap();
    for entry in std::fs::read_dir(Golden::read("two_heads_guided").folder).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), home.path().join(entry.file_name())).unwrap();
    }
    let file = home.path().join("config.json");
    let mut config: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    config.insert(key.to_owned(), serde_json::from_str(value).unwrap());
    std::fs::write(&file, serde_json::to_vec(&config).unwrap()).unwrap();
    refused(&TransformerSource::Folder(home.path().to_owned()))
}

#[test]
fn settings_that_are_not_supported_are_named() {
    let cases = [
        ("_class_name", "\"Flux2Transformer2DModel\""),
        ("_class_name", "null"),
        ("patch_size", "2"),
        ("in_channels", "0"),
        ("in_channels", "6"),
        ("in_channels", "-8"),
        ("num_layers", "0"),
        ("num_layers", "100000000000"),
        ("num_layers", "1.5"),
        ("num_single_layers", "257"),
        ("num_attention_heads", "0"),
        ("num_attention_heads", "60000"),
        ("attention_head_dim", "18446744073709551615"),
        ("attention_head_dim", "18"),
        ("joint_attention_dim", "\"12\""),
        ("pooled_projection_dim", "0"),
        ("guidance_embeds", "1"),
        ("axes_dims_rope", "[5, 5, 6]"),
        ("axes_dims_rope", "[4, 6]"),
        ("axes_dims_rope", "[4, 6, 6, 0]"),
        ("axes_dims_rope", "[18446744073709551615, 1, 16]"),
        ("quantization_config", "{\"load_in_4bit\": true}"),
    ];
    for (key, value) in cases {
        let error = refused_with(key, value);
        let named = if key == "attention_head_dim" && value == "18" { "axes_dims_rope" } else { key };
        assert!(error.contains("config.json") && error.contains(named), "{key} {value}: {error}");
    }
}

#[test]
fn missing_and_spare_tensors_are_named() {
    let cases = [
        ("num_layers", "3", "`transformer_blocks.2."),
        ("num_layers", "1", "`transformer_blocks.1."),
        ("num_single_layers", "4", "`single_transformer_blocks.3."),
        ("num_single_layers", "2", "`single_transformer_blocks.2."),
        ("guidance_embeds", "false", "guidance_embedder."),
        ("joint_attention_dim", "16", "`context_embedder.weight`"),
        ("out_channels", "16", "`proj_out."),
    ];
    for (key, value, named) in cases {
        let error = refused_with(key, value);
        assert!(error.contains(named) && error.contains("diffusion_pytorch_model"), "{key} {value}: {error}");
    }
}

#[test]
fn files_with_other_tensors_are_refused() {
    let golden = Golden::read("two_heads_guided");
    let all = original_tensors(&golden.folder);
    let home = TempDir::new().unwrap();
    let file = |name: &str| home.path().join(name);
    let both = |tensors: &BTreeMap<String, Tensor>| {
        write_safetensors(&file("flux.safetensors"), tensors, "");
        write_gguf(&file("flux.gguf"), tensors, GgmlDType::F16);
        ["flux.safetensors", "flux.gguf"].map(|name| refused(&TransformerSource::File(file(name))))
    };
    // 32 is no multiple of a released head's width.
    assert!(both(&all).iter().all(|error| error.contains("img_in.weight") && error.contains("config.json")));
    std::fs::copy(golden.folder.join("config.json"), file("config.json")).unwrap();
    let without = |name: &str| all.iter().filter(|it| it.0 != name).map(|(a, b)| (a.clone(), b.clone())).collect();
    for name in ["double_blocks.1.img_attn.qkv.bias", "single_blocks.2.norm.key_norm.scale", "txt_in.weight"] {
        assert!(both(&without(name)).iter().all(|error| error.contains(name) && error.contains("flux.")), "{name}");
    }
    for name in ["double_blocks.2.img_attn.qkv.bias", "vae.conv_in.weight"] {
        let mut more = all.clone();
        more.insert(name.to_owned(), all["txt_in.bias"].clone());
        assert!(both(&more).iter().all(|error| error.contains(name) && error.contains("flux.")), "{name}");
    }
    let mut other = all.clone();
    other.insert("txt_in.weight".to_owned(), all["img_in.weight"].clone());
    assert!(both(&other).iter().all(|error| error.contains("txt_in.weight") && error.contains("shape")));
    let mut broken = all.clone();
    let nan = (all["img_in.bias"].clone() * f64::NAN).unwrap();
    broken.insert("img_in.bias".to_owned(), nan);
    assert!(both(&broken).iter().all(|error| error.contains("img_in.bias") && error.contains("finite")));
    assert!(refused(&TransformerSource::File(file("flux.pt"))).contains(".gguf"));
}

#[test]
fn numbers_of_blocks_are_bounded() {
    let home = TempDir::new().unwrap();
    let matrix = || Tensor::zeros((256, 64), candle_core::DType::F32, &Device::Cpu).unwrap();
    let vital = ["img_in.weight", "final_layer.linear.weight", "single_blocks.0.x"];
    let mut tensors: BTreeMap<String, Tensor> = vital.iter().map(|name| ((*name).to_owned(), matrix())).collect();
    let file = home.path().join("flux.safetensors");
    for name in ["double_blocks.18446744073709551615.x", "double_blocks.4000000.x", "double_blocks.x"] {
        tensors.insert(name.to_owned(), matrix());
        write_safetensors(&file, &tensors, "");
        assert!(refused(&TransformerSource::File(file.clone())).contains(name));
        tensors.remove(name);
    }
    write_safetensors(&file, &tensors, "");
    assert!(refused(&TransformerSource::File(file)).contains("double_blocks."));
}

/// A GGUF header out of its parts, with some bytes of tensors.
fn gguf(version: u32, tensors: u64, metadata: u64, rest: &[u8]) -> Vec<u8> {
    let mut bytes = b"GGUF".to_vec();
    bytes.extend(version.to_le_bytes());
    bytes.extend(tensors.to_le_bytes());
    bytes.extend(metadata.to_le_bytes());
    bytes.extend(rest);
    bytes
}

fn text(name: &str) -> Vec<u8> {
    let mut bytes = (name.len() as u64).to_le_bytes().to_vec();
    bytes.extend(name.as_bytes());
    bytes
}

fn entry(name: &str, shape: &[u64], kind: u32, offset: u64) -> Vec<u8> {
    let mut bytes = text(name);
    bytes.extend((shape.len() as u32).to_le_bytes());
    shape.iter().for_each(|size| bytes.extend(size.to_le_bytes()));
    bytes.extend(kind.to_le_bytes());
    bytes.extend(offset.to_le_bytes());
    bytes
}

fn datum(key: &str, kind: u32, value: &[u8]) -> Vec<u8> {
    let mut bytes = text(key);
    bytes.extend(kind.to_le_bytes());
    bytes.extend(value);
    bytes
}

fn opened(bytes: &[u8]) -> std::result::Result<GgufFile, String> {
    let home = TempDir::new().unwrap();
    let file = home.path().join("hostile.gguf");
    std::fs::write(&file, bytes).unwrap();
    let opened = GgufFile::open(&file, str::to_owned).map_err(|error| error.to_string());
    assert!(opened.as_ref().err().is_none_or(|error| error.contains("hostile.gguf")), "{opened:?}");
    opened
}

#[test]
fn broken_gguf_files_are_refused() {
    let array = |kind: u32, count: u64| [&kind.to_le_bytes()[..], &count.to_le_bytes()].concat();
    let nested = (0..100).fold(array(0, 0), |inner, _| [array(9, 1), inner].concat());
    let padded = |entry: Vec<u8>| [entry, vec![0; 200]].concat();
    let cases: [(&str, Vec<u8>); 20] = [
        ("GGUF", vec![]),
        ("GGUF", b"GGUF".to_vec()),
        ("GGUF", [b"ggml".to_vec(), vec![0; 40]].concat()),
        ("version 1", gguf(1, 0, 0, &[])),
        ("tensors", gguf(3, u64::MAX, 0, &[])),
        ("metadata", gguf(3, 0, 1 << 40, &[])),
        ("truncated", gguf(3, 1000, 0, &[])),
        ("name of", gguf(3, 1, 0, &u64::MAX.to_le_bytes())),
        ("truncated", gguf(3, 0, 1, &datum("a", 8, &u64::MAX.to_le_bytes()))),
        ("truncated", gguf(3, 0, 1, &datum("a", 9, &array(10, u64::MAX)))),
        ("metadata", gguf(3, 0, 1, &datum("a", 9, &array(8, u64::MAX)))),
        ("deep", gguf(3, 0, 1, &datum("a", 9, &nested))),
        ("type 13", gguf(3, 0, 1, &datum("a", 13, &[0; 8]))),
        ("alignment", gguf(3, 0, 1, &datum("general.alignment", 4, &0_u32.to_le_bytes()))),
        ("alignment", gguf(3, 0, 1, &datum("general.alignment", 10, &u64::MAX.to_le_bytes()))),
        ("type 99", gguf(3, 1, 0, &padded(entry("w", &[32], 99, 0)))),
        ("larger", gguf(3, 1, 0, &padded(entry("w", &[u64::MAX, 2], 0, 0)))),
        ("dimensions", gguf(3, 1, 0, &padded(entry("w", &[1; 9], 0, 0)))),
        ("multiple of 32", gguf(3, 1, 0, &padded(entry("w", &[33, 32], 2, 0)))),
        ("truncated", gguf(3, 1, 0, &padded(entry("w", &[32], 0, u64::MAX - 31)))),
    ];
    for (named, bytes) in cases {
        let error = opened(&bytes).unwrap_err();
        assert!(error.contains(named), "expected {named}: {error}");
    }
    let twice = [entry("w", &[8], 0, 0), entry("w", &[8], 0, 32), vec![0; 200]].concat();
    assert!(opened(&gguf(3, 2, 0, &twice)).unwrap_err().contains("twice"));
    assert!(opened(&gguf(3, 1, 0, &padded(entry("w", &[8, 3], 0, 32)))).is_ok());
    assert!(opened(&gguf(3, 1, 0, &padded(entry("w", &[8, 0], 0, 0)))).is_err());
    assert!(opened(&gguf(3, 1, 0, &padded(entry("w", &[], 0, 0)))).is_err());
}

#[test]
fn scales_that_are_not_finite_are_found() {
    let home = TempDir::new().unwrap();
    let file = home.path().join("scales.gguf");
    let kinds = [GgmlDType::Q4_0, GgmlDType::Q5_1, GgmlDType::Q8_0, GgmlDType::Q4K, GgmlDType::Q6K, GgmlDType::Q3K];
    for dtype in kinds {
        let tensors = BTreeMap::from([("w".to_owned(), super::sources::noise(1, &[2, 512], 1.0))]);
        write_gguf(&file, &tensors, dtype);
        let weight = |file: &GgufFile| file.weight("w", &[2, 512], crate::weights::Storage::Stored, &Device::Cpu);
        assert!(weight(&GgufFile::open(&file, str::to_owned).unwrap()).is_ok(), "{dtype:?}");
        let mut bytes = std::fs::read(&file).unwrap();
        let tensor = bytes.len() - (1024 / dtype.block_size() * dtype.type_size()).next_multiple_of(32);
        // The scale of the second block becomes infinite.
        let scale = match dtype {
            GgmlDType::Q6K => 208,
            GgmlDType::Q3K => 108,
            _ => 0,
        };
        let at = tensor + dtype.type_size() + scale;
        bytes[at..at + 2].copy_from_slice(&half::f16::INFINITY.to_le_bytes());
        std::fs::write(&file, &bytes).unwrap();
        let error = weight(&GgufFile::open(&file, str::to_owned).unwrap()).unwrap_err().to_string();
        assert!(error.contains(&format!("index {}", dtype.block_size())), "{dtype:?}: {error}");
    }
}

#[test]
fn a_gguf_file_cut_anywhere_is_refused() {
    let home = TempDir::new().unwrap();
    let file = home.path().join("whole.gguf");
    let tensors = BTreeMap::from([("w".to_owned(), super::sources::noise(1, &[4, 64], 1.0))]);
    write_gguf(&file, &tensors, GgmlDType::Q8_0);
    let bytes = std::fs::read(&file).unwrap();
    // The file ends in padding that nothing needs.
    let needed = bytes.len() - 16;
    assert_eq!(4 * 2 * 34 % 32, 16);
    assert!((0..needed).all(|length| opened(&bytes[..length]).is_err()));
    assert!(opened(&bytes[..needed]).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_bytes_make_the_reader_panic(
        (version, tensors, metadata) in (2_u32..4, 0_u64..4, 0_u64..4),
        rest in prop::collection::vec(prop_oneof![Just(0_u8), Just(1), Just(8), Just(255), any::<u8>()], 0..300),
    ) {
        let _opened = opened(&gguf(version, tensors, metadata, &rest));
    }
}
