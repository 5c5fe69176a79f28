//! Velocities against those of diffusers.

use candle_core::DType;

use super::*;
use crate::editors::cases::CancelsAfter;
use crate::weights::Storage;

#[test]
fn velocities_are_those_of_diffusers() {
    for name in NAMES {
        let golden = Golden::read(name);
        let model = golden.model();
        for at in 0..golden.items.len() {
            let ours = model.forward(&[golden.item(&model, at)], &NobodyWatches).unwrap();
            let off = difference(&ours[0], golden.tensor(at, "velocity"));
            println!("{name} {at}: off by {off:.1e}");
            assert!(off < 3e-5, "{name} {at}: off by {off}");
        }
    }
}

#[test]
fn an_item_does_not_depend_on_the_others() {
    for name in NAMES {
        let golden = Golden::read(name);
        let model = golden.model();
        let mut items = golden.all_items(&model);
        let off = greatest_difference(&model.forward(&items, &NobodyWatches).unwrap(), &golden.velocities());
        assert!(off < 3e-5, "{name}: off by {off}");
        items.reverse();
        let mut reversed = model.forward(&items, &NobodyWatches).unwrap();
        reversed.reverse();
        assert!(greatest_difference(&reversed, &golden.velocities()) < 3e-5, "{name}");
        // Others whose numbers are large do not shine through.
        items.reverse();
        items[1].latents = (&items[1].latents * 1000.0).unwrap();
        let changed = model.forward(&items, &NobodyWatches).unwrap();
        assert!(difference(&changed[0], golden.tensor(0, "velocity")) < 3e-5, "{name}");
    }
}

#[test]
fn weights_kept_as_stored_say_the_same() {
    for name in NAMES {
        let golden = Golden::read(name);
        let compute = Compute { kept: Storage::Stored, ..Compute::cpu() };
        let model = FluxTransformer::load(&TransformerSource::Folder(golden.folder.clone()), &compute).unwrap();
        let off = greatest_difference(
            &model.forward(&golden.all_items(&model), &NobodyWatches).unwrap(),
            &golden.velocities(),
        );
        assert!(off < 3e-5, "{name}: off by {off}");
    }
}

#[test]
fn the_operations_for_cards_say_the_same() {
    // In half precisions the processor takes the way that cards take.
    for (dtype, velocity, most) in [(DType::F16, "velocity", 0.01), (DType::BF16, "velocity_bf16", 0.1)] {
        for name in NAMES {
            let golden = Golden::read(name);
            let compute = Compute { dtype, kept: Storage::As(dtype), ..Compute::cpu() };
            let model = FluxTransformer::load(&TransformerSource::Folder(golden.folder.clone()), &compute).unwrap();
            let ours = model.forward(&golden.all_items(&model), &NobodyWatches).unwrap();
            let off = greatest_difference(&ours, &golden.all(velocity));
            println!("{name} {dtype:?}: off by {off:.1e}");
            assert!(off < most, "{name} {dtype:?}: off by {off}");
        }
    }
}

#[test]
fn inputs_that_do_not_fit_are_refused() {
    let golden = Golden::read("two_heads_guided");
    let model = golden.model();
    let item = golden.item(&model, 0);
    assert!(model.forward(&[], &NobodyWatches).unwrap().is_empty());
    let spoil: [fn(&mut FluxItem); 5] = [
        |item| item.grid = (5, 4),
        |item| item.grid = (usize::MAX, 2),
        |item| item.guidance = None,
        |item| item.timestep = f32::NAN,
        |item| item.latents = item.latents.narrow(1, 0, 4).unwrap(),
    ];
    for spoil in spoil {
        let mut bad = item.clone();
        spoil(&mut bad);
        assert!(model.forward(&[item.clone(), bad], &NobodyWatches).is_err());
    }
    let plain = Golden::read("three_heads_plain");
    let model = plain.model();
    let guided = FluxItem { guidance: Some(2.5), ..plain.item(&model, 0) };
    assert!(model.forward(&[guided], &NobodyWatches).unwrap_err().to_string().contains("guidance"));
    assert!(model.prepare_reference(plain.tensor(0, "reference"), (4, 4)).is_err());
}

#[test]
fn estimates_grow_with_tokens() {
    let model = Golden::read("two_heads_guided").model();
    assert!(model.row_bytes(100) < model.row_bytes(200));
    assert!(model.row_bytes(usize::MAX) > 1 << 60);
}

#[test]
fn a_pass_can_be_left_between_any_two_blocks() {
    let golden = Golden::read("two_heads_guided");
    let (model, config) = (golden.model(), golden.config());
    let blocks = (config.double_blocks + config.single_blocks) as u32;
    for asked in 0..blocks {
        assert!(model.forward(&golden.all_items(&model), &CancelsAfter::new(asked)).is_err(), "{asked} of {blocks}");
    }
    assert!(model.forward(&golden.all_items(&model), &CancelsAfter::new(blocks)).is_ok());
}
