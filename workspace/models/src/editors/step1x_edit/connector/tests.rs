//! The connector is that of the authors' fork of diffusers, on random weights.

use std::path::Path;

use candle_core::{Device, Tensor};

use super::*;
use crate::editors::step1x_edit::testing::{fixtures, off};
use crate::layers::{Compute, Scope};
use crate::weights::Checkpoint;

const CONFIG: ConnectorConfig =
    ConnectorConfig { in_width: 12, width: 16, heads: 2, blocks: 2, pooled_width: 10, scales_mean: true };

fn load(file: &Path) -> Connector {
    load_as(file, CONFIG)
}

fn load_as(file: &Path, config: ConnectorConfig) -> Connector {
    let checkpoint = Checkpoint::open_file(file, str::to_owned).unwrap();
    let compute = Compute::cpu();
    Connector::load(&Scope::root(&checkpoint, &compute).at("connector"), config).unwrap()
}

struct Text {
    states: Tensor,
    rows: Tensor,
    pooled: Tensor,
    scaled: Tensor,
    length: usize,
    sigma: f32,
}

fn texts() -> Vec<Text> {
    let all = candle_core::safetensors::load(fixtures().join("connector.safetensors"), &Device::Cpu).unwrap();
    let text = |at: usize| {
        let tensor = |name: &str| all[&format!("{at}.{name}")].clone();
        Text {
            states: tensor("states"),
            rows: tensor("rows"),
            pooled: tensor("pooled"),
            scaled: tensor("scaled"),
            length: tensor("length").to_vec1::<u32>().unwrap()[0] as usize,
            sigma: tensor("sigma").to_vec1::<f32>().unwrap()[0],
        }
    };
    (0..4).map(text).collect()
}

#[test]
fn answers_are_those_of_the_authors() {
    let connector = load(&fixtures().join("connector.safetensors"));
    for text in texts() {
        let prepared = connector.prepare(&text.states, text.length).unwrap();
        assert!(off(&prepared.pooled, &text.pooled) < 1e-5);
        let rows = connector.forward(&prepared, text.sigma).unwrap();
        assert_eq!(rows.dims(), text.rows.dims());
        assert!(off(&rows, &text.rows) < 1e-5, "{}", off(&rows, &text.rows));
        // The time matters, so that it is no constant of the prompt.
        assert!(off(&connector.forward(&prepared, 0.7).unwrap(), &text.rows) > 1e-3);
    }
}

#[test]
fn what_fills_up_is_not_seen_and_is_not_left_out() {
    let connector = load(&fixtures().join("connector.safetensors"));
    for text in texts().into_iter().filter(|text| text.length > text.states.dims()[0]) {
        let tokens = text.states.dims()[0];
        let alone = connector.forward(&connector.prepare(&text.states, tokens).unwrap(), text.sigma).unwrap();
        assert_eq!(alone.dims()[0], tokens);
        assert!(off(&alone, &text.rows.narrow(0, 0, tokens).unwrap()) < 1e-5);
        let filled = text.states.pad_with_zeros(0, 0, text.length - tokens).unwrap();
        let seen = connector.forward(&connector.prepare(&filled, text.length).unwrap(), text.sigma).unwrap();
        assert!(off(&seen, &text.rows) > 1e-2, "padding that is seen is told apart");
    }
    let text = &texts()[0];
    assert!(connector.prepare(&text.states, 3).is_err());
    assert!(connector.prepare(&text.states.narrow(1, 0, 5).unwrap(), 20).is_err());
}

/// With the factor of v1.0 the text as a whole is another, and nothing else.
#[test]
fn the_factor_of_the_mean_is_read_where_it_is_stored() {
    let folder = tempfile::tempdir().unwrap();
    let mut all = candle_core::safetensors::load(fixtures().join("connector.safetensors"), &Device::Cpu).unwrap();
    let factor = all["factor"].clone();
    all.insert("connector.scale_factor".to_owned(), factor);
    let file = folder.path().join("connector.safetensors");
    candle_core::safetensors::save(&all, &file).unwrap();
    let connector = load(&file);
    for text in texts() {
        let prepared = connector.prepare(&text.states, text.length).unwrap();
        assert!(off(&prepared.pooled, &text.scaled) < 1e-5);
        assert!(off(&prepared.pooled, &text.pooled) > 1e-2);
        assert!(off(&connector.forward(&prepared, text.sigma).unwrap(), &text.rows) < 1e-5);
    }
    let other = load_as(&file, ConnectorConfig { scales_mean: false, ..CONFIG });
    let text = &texts()[0];
    assert!(off(&other.prepare(&text.states, text.length).unwrap().pooled, &text.pooled) < 1e-5);
}
