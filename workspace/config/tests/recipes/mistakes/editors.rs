//! Mistakes in the options of the diffusion models.

use insta::assert_snapshot;

use crate::{report, with_search};

fn of(editor: &str) -> String {
    report(with_search("{best_of_n: {samples: 8}}").replace("{darkroom: {}}", editor))
}

#[test]
fn no_directory() {
    assert_snapshot!(of("{flux_kontext: {steps: 4}}"), @r"
    error: `flux_kontext` lacks the key `dir`
     --> recipe.yaml:2:10
      |
    2 | editor: {flux_kontext: {steps: 4}}
      |          ^^^^^^^^^^^^
      = hint: add `dir: …` (the pipeline's folder as diffusers writes it, from the folder in which the program runs; `editscale models pull` makes one)
    ");
}

#[test]
fn values_out_of_range() {
    let editor =
        "\n  instruct_pix2pix: {dir: a, steps: 0, guidance: 51, eta: -1, max_pixels: -1, sampler: ddpm, batch: 0}";
    assert_snapshot!(of(editor), @r"
    error: `steps` cannot be 0: expected a whole number from 1 to 1000
     --> recipe.yaml:3:37
      |
    3 |   instruct_pix2pix: {dir: a, steps: 0, guidance: 51, eta: -1, max_pixels: -1, sampler: ddpm, bat…
      |                                     ^

    error: `guidance` cannot be 51: expected a number from 0 to 50
     --> recipe.yaml:3:50
      |
    3 | …t_pix2pix: {dir: a, steps: 0, guidance: 51, eta: -1, max_pixels: -1, sampler: ddpm, batch: 0}
      |                                          ^^

    error: `eta` cannot be -1: expected a number from 0 to 1
     --> recipe.yaml:3:59
      |
    3 | …: {dir: a, steps: 0, guidance: 51, eta: -1, max_pixels: -1, sampler: ddpm, batch: 0}
      |                                          ^^

    error: `max_pixels` cannot be -1: expected a whole number from 1 to 16,777,216
     --> recipe.yaml:3:75
      |
    3 | …: 0, guidance: 51, eta: -1, max_pixels: -1, sampler: ddpm, batch: 0}
      |                                          ^^

    error: `sampler` cannot be the text `ddpm`: expected one of `file`, `euler_ancestral`, `ddim`
     --> recipe.yaml:3:88
      |
    3 | …: 51, eta: -1, max_pixels: -1, sampler: ddpm, batch: 0}
      |                                          ^^^^
      = hint: did you mean `ddim`?

    error: `batch` cannot be 0: expected a whole number from 1 to 1024
     --> recipe.yaml:3:101
      |
    3 | …, max_pixels: -1, sampler: ddpm, batch: 0}
      |                                          ^
    ");
}

#[test]
fn words_of_other_keys() {
    assert_snapshot!(of("{flux_kontext: {dir: a, text_device: cuda, weights: auot, fit_source: yes, text_tokens: 1}}"), @r"
    error: `text_device` cannot be the text `cuda`: expected one of `same`, `cpu`
     --> recipe.yaml:2:46
      |
    2 | editor: {flux_kontext: {dir: a, text_device: cuda, weights: auot, fit_source: yes, text_tokens: 1}}
      |                                              ^^^^

    error: `weights` cannot be the text `auot`: expected one of `auto`, `converted`, `stored`
     --> recipe.yaml:2:61
      |
    2 | editor: {flux_kontext: {dir: a, text_device: cuda, weights: auot, fit_source: yes, text_tokens: 1}}
      |                                                             ^^^^
      = hint: did you mean `auto`?

    error: `fit_source` cannot be the text `yes`: expected `true` or `false`
     --> recipe.yaml:2:79
      |
    2 | editor: {flux_kontext: {dir: a, text_device: cuda, weights: auot, fit_source: yes, text_tokens: 1}}
      |                                                                               ^^^
      = hint: write `true`

    error: `text_tokens` cannot be 1: expected a whole number from 2 to 4096
     --> recipe.yaml:2:97
      |
    2 | editor: {flux_kontext: {dir: a, text_device: cuda, weights: auot, fit_source: yes, text_tokens: 1}}
      |                                                                                                 ^
    ");
}

#[test]
fn a_judge_has_no_halves() {
    let text = with_search("{best_of_n: {samples: 8}}");
    let text = text.replace("{photometric: {}}", "{editreward: {dir: builtin, dtype: f16}}");
    assert_snapshot!(report(text), @r"
    error: `dtype` cannot be the text `f16`: expected one of `auto`, `f32`, `bf16`
     --> recipe.yaml:3:54
      |
    3 | rewards: [{model: {editreward: {dir: builtin, dtype: f16}}}]
      |                                                      ^^^
      = hint: did you mean `bf16`?
    ");
}

#[test]
fn noise_for_a_sampler_that_has_its_own() {
    assert_snapshot!(of("{instruct_pix2pix: {dir: a, sampler: euler_ancestral, eta: 0.5}}"), @r"
    error: `eta` has no meaning with `sampler: euler_ancestral`, whose noise is fixed
     --> recipe.yaml:2:63
      |
    2 | editor: {instruct_pix2pix: {dir: a, sampler: euler_ancestral, eta: 0.5}}
      |                                                               ^^^
      = hint: leave `eta` out, or write `sampler: ddim`
    ");
}

#[test]
fn a_type_that_the_processor_lacks() {
    assert_snapshot!(of("{instruct_pix2pix: {dir: a, device: cpu, dtype: f16}}"), @r"
    error: `dtype` cannot be `f16` with `device: cpu`, which computes in `f32`
     --> recipe.yaml:2:50
      |
    2 | editor: {instruct_pix2pix: {dir: a, device: cpu, dtype: f16}}
      |                                                  ^^^^^
      = hint: leave `dtype` out, or choose another device
    ");
}

#[test]
fn a_transformer_of_another_kind() {
    assert_snapshot!(of("{flux_kontext: {dir: a, transformer: weights/flux.pth}}"), @r"
    error: `transformer` does not end in `.gguf` or `.safetensors`
     --> recipe.yaml:2:33
      |
    2 | editor: {flux_kontext: {dir: a, transformer: weights/flux.pth}}
      |                                 ^^^^^^^^^^^
      = hint: name a file; leave the key out to use the transformer in `dir`
    ");
}

#[test]
fn parts_of_another_kind() {
    assert_snapshot!(of("{qwen_image_edit: {dir: a, encoder: enc.txt, vae: vae.pt}}"), @r"
    error: `encoder` does not end in `.gguf`
     --> recipe.yaml:2:36
      |
    2 | editor: {qwen_image_edit: {dir: a, encoder: enc.txt, vae: vae.pt}}
      |                                    ^^^^^^^
      = hint: name a file; leave the key out to use the encoder in `dir`

    error: `vae` does not end in `.safetensors`
     --> recipe.yaml:2:54
      |
    2 | editor: {qwen_image_edit: {dir: a, encoder: enc.txt, vae: vae.pt}}
      |                                                      ^^^
      = hint: name a file; leave the key out to use the vae in `dir`
    ");
    assert!(!of("{qwen_image_edit: {dir: a, encoder: enc.GGUF, vae: a/folder}}").contains("error"));
}

#[test]
fn all_parts_that_are_named_nowhere_are_told_at_once() {
    assert_snapshot!(of("{step1x_edit: {transformer: a.safetensors}}"), @r"
    error: neither `dir` nor `vae` nor `encoder` is there
     --> recipe.yaml:2:10
      |
    2 | editor: {step1x_edit: {transformer: a.safetensors}}
      |          ^^^^^^^^^^^
      = hint: name the pipeline's folder with `dir`, or all of `transformer`, `vae` and `encoder`
    ");
}

#[test]
fn a_hint_keeps_to_the_range() {
    for value in ["1e9", "\"1e9\"", "-4.0", "50%"] {
        let report = of(&format!("{{qwen_image_edit: {{dir: a, source_pixels: {value}}}}}"));
        assert!(report.contains("expected a whole number from 1 to 16,777,216"), "{report}");
        assert!(!report.contains("hint: write `"), "{report}");
    }
    assert!(of("{qwen_image_edit: {dir: a, source_pixels: 1e6}}").contains("hint: write `1000000`"));
    assert!(of("{qwen_image_edit: {dir: a, guidance: 5100%}}").contains("from 0 to 50"));
    assert!(!of("{qwen_image_edit: {dir: a, guidance: 5100%}}").contains("hint: write `"));
}
