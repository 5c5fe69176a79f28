//! The encoder against transformers, on random models.

use candle_core::{DType, Device};

use super::T5Encoder;
use super::positions::bucket;
use crate::layers::Compute;
use crate::layers::testing::{brain_floats, folder, ids, off, replaced, tensors};
use crate::weights::Storage;

const NETWORK: &str = "t5";

fn load(name: &str, compute: &Compute) -> T5Encoder {
    T5Encoder::load(&folder(NETWORK, name), compute).unwrap()
}

#[test]
fn hidden_rows_are_those_of_transformers() {
    for name in ["relu", "gated"] {
        let model = load(name, &Compute::cpu());
        let cases = tensors(&folder(NETWORK, name).join("cases.safetensors"));
        for at in 0..2 {
            let ours = model.encode(&ids(&cases[&format!("ids.{at}")])).unwrap();
            let hidden = off(&ours, &cases[&format!("hidden.{at}")]);
            println!("{name} {at}: hidden {hidden:e}");
            assert!(hidden < 1e-5, "{name} {at}: off by {hidden}");
        }
    }
}

#[test]
fn texts_of_different_lengths_go_together() {
    let model = load("gated", &Compute::cpu());
    let texts = vec![vec![5, 6, 7, 1], vec![1], vec![8, 9, 10, 1], vec![11; 40]];
    let together = model.encode(&texts).unwrap();
    let mut next = 0;
    for text in &texts {
        let alone = model.encode(std::slice::from_ref(text)).unwrap();
        assert!(off(&together.narrow(0, next, text.len()).unwrap(), &alone) < 1e-6);
        next += text.len();
    }
}

/// Where f16 is asked for, nothing but weights and answers are halves.
#[test]
fn halves_are_computed_in_single_precision() {
    let compute = Compute { device: Device::Cpu, dtype: DType::F16, kept: Storage::As(DType::F16) };
    let model = load("gated", &compute);
    let cases = tensors(&folder(NETWORK, "gated").join("cases.safetensors"));
    let ours = model.encode(&ids(&cases["ids.1"])).unwrap();
    assert_eq!(ours.dtype(), DType::F16);
    let off = off(&ours, &cases["hidden.1"]);
    assert!(off < 6e-4, "off by {off}");
}

/// The borders of groups as PyTorch 2.15 computes them, the last place of a logarithm included.
#[test]
fn distances_fall_into_the_groups_of_the_reference() {
    let borders: [(usize, usize, &[usize]); 4] = [
        (32, 128, &[8, 12, 16, 23, 32, 46, 64, 91]),
        (8, 16, &[2, 6]),
        (10, 20, &[2, 5, 10]),
        (64, 1000, &[16, 21, 27, 35, 45, 59, 76, 98, 127, 164, 213, 275, 356, 461, 597, 773]),
    ];
    for (buckets, most, borders) in borders {
        for distance in 0..most * 2 {
            let exact = buckets / 4;
            let right = if distance < exact {
                distance
            } else {
                exact - 1 + borders.iter().filter(|border| **border <= distance).count()
            };
            assert_eq!(bucket(distance, 0, buckets, most), right, "{buckets} {most} {distance}");
            if distance > 0 {
                assert_eq!(bucket(0, distance, buckets, most), buckets / 2 + right, "{buckets} {most} {distance}");
            }
        }
    }
}

#[test]
fn brain_floats_come_close() {
    let model = load("gated", &brain_floats());
    let cases = tensors(&folder(NETWORK, "gated").join("cases.safetensors"));
    let ours = model.encode(&ids(&cases["ids.1"])).unwrap();
    assert_eq!(ours.dtype(), DType::BF16);
    let off = off(&ours, &cases["hidden.1"]);
    println!("bf16: {off:e}");
    assert!(off < 0.03, "off by {off}");
}

#[test]
fn texts_that_do_not_fit_are_refused() {
    let model = load("relu", &Compute::cpu());
    assert!(model.encode(&[vec![90]]).is_err_and(|error| error.to_string().contains("no token 90")));
    assert!(model.encode(&[vec![]]).is_err());
    assert!(model.encode(&[vec![1; 5000]]).is_err());
    assert!(model.encode(&[]).is_err());
}

#[test]
fn configurations_that_are_not_supported_are_refused() {
    let changes = [
        ("\"relu\"", "\"gated-mish\"", "`feed_forward_proj` is `gated-mish`"),
        ("\"relu\"", "\"gated-gelu\"", "wi_0"),
        ("\"T5EncoderModel\"", "\"UMT5EncoderModel\"", "`architectures` is `UMT5EncoderModel`"),
        ("\"model_type\": \"t5\"", "\"model_type\": \"umt5\"", "`model_type` is `umt5`"),
        ("num_buckets\": 8", "num_buckets\": 3", "at least 4"),
        ("num_buckets\": 8", "num_buckets\": 10", "has shape"),
        ("max_distance\": 16", "max_distance\": 2", "`relative_attention_max_distance` is 2"),
        ("\"d_kv\": 8", "\"d_kv\": 0", "`d_kv` is 0"),
        ("\"d_ff\": 48", "\"d_ff\": 99999999", "`d_ff` is 99999999"),
        ("\"num_layers\": 2", "\"num_layers\": 3", "encoder.block.2"),
        ("\"layer_norm_epsilon\": 1e-06", "\"layer_norm_epsilon\": 0.0", "`layer_norm_epsilon` is 0"),
    ];
    for (from, to, says) in changes {
        let folder = replaced(&folder(NETWORK, "relu"), from, to);
        let error = T5Encoder::load(folder.path(), &Compute::cpu()).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(says) && error.contains(folder.path().to_str().unwrap()), "{from}: {error}");
    }
}
