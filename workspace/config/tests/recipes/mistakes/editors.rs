//! Mistakes in the options of the diffusion models.

use insta::assert_snapshot;

use crate::{report, with_search};

fn of(editor: &str) -> String {
    report(with_search("{best_of_n: {samples: 8}}").replace("{darkroom: {}}", editor))
}

#[test]
fn no_directory() {
    assert_snapshot!(of("{flux_kontext: {steps: 4}}"), @"");
}

#[test]
fn values_out_of_range() {
    let editor =
        "\n  instruct_pix2pix: {dir: a, steps: 0, guidance: 51, eta: -1, max_pixels: 63, sampler: ddpm, batch: 0}";
    assert_snapshot!(of(editor), @"");
}

#[test]
fn words_of_other_keys() {
    assert_snapshot!(of("{flux_kontext: {dir: a, text_device: cuda, weights: auot, fit_source: yes, text_tokens: 1}}"), @"");
}

#[test]
fn a_judge_has_no_halves() {
    let text = with_search("{best_of_n: {samples: 8}}");
    let text = text.replace("{photometric: {}}", "{editreward: {dir: builtin, dtype: f16}}");
    assert_snapshot!(report(text), @"");
}

#[test]
fn noise_for_a_sampler_that_has_its_own() {
    assert_snapshot!(of("{instruct_pix2pix: {dir: a, sampler: euler_ancestral, eta: 0.5}}"), @"");
}

#[test]
fn a_type_that_the_processor_lacks() {
    assert_snapshot!(of("{instruct_pix2pix: {dir: a, device: cpu, dtype: f16}}"), @"");
}

#[test]
fn a_transformer_of_another_kind() {
    assert_snapshot!(of("{flux_kontext: {dir: a, transformer: weights/flux.pth}}"), @"");
}
