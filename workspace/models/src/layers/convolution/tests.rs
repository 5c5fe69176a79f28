//! Convolutions beside candle's, and what must hold of any.

use candle_core::{DType, Device};
use proptest::prelude::*;

use super::*;
use crate::layers::Compute;

fn random(shape: &[usize]) -> Tensor {
    Tensor::randn(0.0_f32, 1.0, shape, &Device::Cpu).unwrap()
}

fn weights(geometry: &Geometry) -> (Tensor, Tensor) {
    let Geometry { inputs, outputs, kernel, .. } = *geometry;
    (random(&[outputs, inputs, kernel, kernel]), random(&[outputs]))
}

/// The largest difference to candle's own in double precision, in parts of the sum of the magnitudes of what is summed.
fn off(geometry: Geometry, pictures: &Tensor) -> f64 {
    let (weight, bias) = weights(&geometry);
    let layer = Convolution::new(geometry, weight.clone(), bias.clone()).unwrap();
    assert!(matches!(layer.kept, Kept::Packed(_)));
    let ours = layer.forward(pictures).unwrap().to_dtype(DType::F64).unwrap();
    let wide = [pictures, &weight, &bias].map(|tensor| tensor.to_dtype(DType::F64).unwrap());
    let [pictures, weight, bias] = &wide;
    let right = layer.composite(pictures, weight, bias, usize::MAX).unwrap();
    let [pictures, weight, bias] = wide.each_ref().map(|tensor| tensor.abs().unwrap());
    let magnitudes = layer.composite(&pictures, &weight, &bias, usize::MAX).unwrap();
    assert_eq!(ours.dims(), right.dims());
    ((ours - right).unwrap().abs().unwrap() / magnitudes).unwrap().max_all().unwrap().to_scalar().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn it_is_candles_convolution(
        (batch, inputs, outputs) in (1_usize..5, 1_usize..9, 1_usize..15),
        (height, width) in (1_usize..40, 1_usize..40),
        (kernel, stride) in (1_usize..6, 1_usize..4),
        padding in prop::array::uniform4(0_usize..3),
        same in any::<bool>(),
    ) {
        let padding = if same { [padding[0]; 4] } else { padding };
        let geometry = Geometry { inputs, outputs, kernel, stride, padding };
        prop_assume!(geometry.output(height, width).is_some());
        let off = off(geometry, &random(&[batch, inputs, height, width]));
        prop_assert!(off < 1e-6, "off by {off}");
    }
}

#[test]
fn many_channels_go_over_many_parts_and_tasks() {
    let of = |inputs, outputs, kernel, stride| Geometry { inputs, outputs, kernel, stride, padding: [kernel / 2; 4] };
    let cases = [
        (of(150, 203, 3, 1), [1, 150, 8, 8]),
        (of(150, 203, 3, 1), [5, 150, 7, 9]),
        (of(90, 10, 3, 2), [1, 90, 65, 70]),
        (of(800, 200, 1, 1), [2, 800, 20, 15]),
        (of(3, 200, 3, 1), [1, 3, 5, 600]),
        (of(2, 3, 20, 7), [1, 2, 40, 300]),
        (of(3, 700, 1, 1), [1, 3, 1, 1]),
    ];
    for (geometry, shape) in cases {
        let off = off(geometry, &random(&shape));
        assert!(off < 1e-6, "{geometry:?}: off by {off}");
    }
}

#[test]
fn a_picture_comes_out_the_same_in_any_batch() {
    for (inputs, kernel, stride, side) in [(60, 3, 1, 8), (60, 3, 1, 7), (60, 3, 2, 33), (500, 1, 1, 5), (9, 3, 1, 40)]
    {
        let geometry = Geometry { inputs, outputs: 250, kernel, stride, padding: [kernel / 2; 4] };
        let (weight, bias) = weights(&geometry);
        let layer = Convolution::new(geometry, weight, bias).unwrap();
        let pictures = random(&[7, inputs, side, side]);
        let together = layer.forward(&pictures).unwrap();
        for at in 0..7 {
            let alone = layer.forward(&pictures.narrow(0, at, 1).unwrap()).unwrap();
            let [alone, together] = [alone, together.narrow(0, at, 1).unwrap()]
                .map(|tensor| tensor.flatten_all().unwrap().to_vec1::<f32>());
            assert_eq!(alone.unwrap(), together.unwrap(), "side {side}, picture {at}");
        }
    }
}

#[test]
fn views_are_taken_as_what_they_show() {
    let geometry = Geometry { inputs: 4, outputs: 5, kernel: 3, stride: 1, padding: [1; 4] };
    let (weight, bias) = weights(&geometry);
    let layer = Convolution::new(geometry, weight, bias).unwrap();
    let view = random(&[2, 4, 6, 9]).transpose(2, 3).unwrap().narrow(1, 0, 4).unwrap().narrow(0, 1, 1).unwrap();
    let [a, b] = [view.clone(), view.contiguous().unwrap()].map(|pictures| layer.forward(&pictures).unwrap());
    assert_eq!((a - b).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap(), 0.0);
}

#[test]
fn other_types_go_through_candle() {
    let geometry = Geometry { inputs: 3, outputs: 4, kernel: 3, stride: 2, padding: [0, 1, 0, 1] };
    let (weight, bias) = weights(&geometry);
    let pictures = random(&[2, 3, 10, 12]);
    let fast = Convolution::new(geometry, weight.clone(), bias.clone()).unwrap().forward(&pictures).unwrap();
    let [weight, bias, pictures] = [weight, bias, pictures].map(|tensor| tensor.to_dtype(DType::F64).unwrap());
    let wide = Convolution::new(geometry, weight, bias).unwrap().forward(&pictures).unwrap();
    assert_eq!((fast.dims(), wide.dims()), (&[2, 4, 5, 6][..], &[2, 4, 5, 6][..]));
    let off = (fast.to_dtype(DType::F64).unwrap() - wide).unwrap().abs().unwrap().max_all().unwrap();
    assert!(off.to_scalar::<f64>().unwrap() < 1e-5);
}

#[test]
fn pictures_that_do_not_fit_are_refused() {
    let geometry = Geometry { inputs: 3, outputs: 4, kernel: 3, stride: 1, padding: [0; 4] };
    let (weight, bias) = weights(&geometry);
    let layer = Convolution::new(geometry, weight, bias).unwrap();
    assert!(layer.forward(&random(&[1, 3, 3, 3])).is_ok());
    for shape in [&[1, 4, 8, 8][..], &[1, 3, 2, 8], &[1, 3, 8, 2], &[0, 3, 8, 8], &[1, 3, 0, 8], &[3, 8, 8]] {
        assert!(layer.forward(&Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap()).is_err(), "{shape:?}");
    }
    assert!(layer.forward(&Tensor::zeros((1, 3, 8, 8), DType::F64, &Device::Cpu).unwrap()).is_err());
}

#[test]
fn weights_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    let tensors = [("a.weight", random(&[4, 3, 3, 3])), ("a.bias", random(&[4]))];
    candle_core::safetensors::save(&tensors.into_iter().collect(), folder.path().join("model.safetensors")).unwrap();
    let checkpoint = crate::weights::Checkpoint::open(folder.path(), str::to_owned).unwrap();
    let compute = Compute::cpu();
    let scope = Scope::root(&checkpoint, &compute).at("a");
    assert!(Convolution::load(&scope, (3, 4), Kernel::THREE).is_ok());
    assert!(Convolution::load(&scope, (3, 4), Kernel { side: 3, stride: 2, padding: [0, 1, 0, 1] }).is_ok());
    for (channels, side, stride) in [((4, 3), 3, 1), ((3, 4), 1, 1), ((3, 4), 3, 0), ((3, 4), 0, 1), ((0, 4), 3, 1)] {
        let kernel = Kernel { side, stride, padding: [1; 4] };
        assert!(Convolution::load(&scope, channels, kernel).is_err(), "{channels:?} {kernel:?}");
    }
}

/// What cards are given in parts, here with bounds that small pictures exceed.
#[test]
fn parts_come_together_as_the_whole() {
    let paddings = [[1; 4], [0; 4], [0, 1, 0, 1], [2, 0, 1, 3]];
    for (padding, stride) in paddings.into_iter().flat_map(|padding| [(padding, 1), (padding, 2)]) {
        let geometry = Geometry { inputs: 3, outputs: 4, kernel: 3, stride, padding };
        let (weight, bias) = weights(&geometry);
        let layer = Convolution::new(geometry, weight.clone(), bias.clone()).unwrap();
        let pictures = random(&[3, 3, 11, 8]);
        let whole = layer.composite(&pictures, &weight, &bias, usize::MAX).unwrap();
        for most in [1, 300, 1000, 2500, 6000] {
            let apart = layer.composite(&pictures, &weight, &bias, most).unwrap();
            assert_eq!(apart.dims(), whole.dims());
            let off = (&apart - &whole).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
            assert!(off < 1e-5, "{geometry:?}, at most {most}: off by {off}");
        }
    }
}

#[test]
fn no_part_is_beyond_the_bound() {
    let most = 1 << 30;
    // The last block of the FLUX decoder at a million pixels and more; a UNet's widest at many rows.
    for (batch, rows, unfolded) in
        [(1, 1024, 256 * 9 * 1024), (2, 2048, 256 * 9 * 2048), (96, 64, 960 * 9 * 96), (5, 1, 7)]
    {
        let parts = parts(batch, rows, unfolded, most);
        assert!(parts.iter().all(|part| part.pictures.len() * part.rows.len() * unfolded <= most));
        let covered: usize = parts.iter().map(|part| part.pictures.len() * part.rows.len()).sum();
        assert_eq!(covered, batch * rows);
    }
}
