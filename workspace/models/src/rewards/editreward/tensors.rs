//! Which tensors a checkpoint of this judge holds.

use crate::layers::qwen25_vl::{Config, TextConfig, VisionConfig};

/// The embeddings of the tokens: as many rows as the checkpoint's vocabulary has.
pub(super) const EMBEDDINGS: &str = "model.language_model.embed_tokens.weight";

/// The projection to the vocabulary. Checkpoints keep it from their base model, and the judge never uses it.
pub(super) const UNUSED: &str = "lm_head.weight";

/// The inner widths of a head in the released checkpoints.
pub(super) const HEAD_HIDDEN: [usize; 2] = [1024, 16];

type Tensors = Vec<(String, Vec<usize>)>;

/// Every tensor by its canonical name, with its shape, in the order in which they are passed through. `vocabulary` is the
/// number of embeddings, `head_hidden` the inner widths of a head. `lm_head.weight` is not among them.
pub fn expected_tensors(config: &Config, vocabulary: usize, head_hidden: &[usize]) -> Vec<(String, Vec<usize>)> {
    let mut tensors = Tensors::new();
    vision(&config.vision, &mut tensors);
    decoder(&config.text, vocabulary, &mut tensors);
    (0..2).for_each(|at| head(&format!("rm_heads.head_{at}"), config.text.hidden_size, head_hidden, &mut tensors));
    tensors
}

fn vision(config: &VisionConfig, tensors: &mut Tensors) {
    let root = "model.visual";
    let VisionConfig { hidden_size: width, intermediate_size: inner, patch_size: patch, .. } = *config;
    let kernel = vec![width, config.in_channels, config.temporal_patch_size, patch, patch];
    tensors.push((format!("{root}.patch_embed.proj.weight"), kernel));
    for at in 0..config.depth {
        let block = format!("{root}.blocks.{at}");
        vector(&format!("{block}.norm1.weight"), width, tensors);
        vector(&format!("{block}.norm2.weight"), width, tensors);
        affine(&format!("{block}.attn.qkv"), width, 3 * width, tensors);
        affine(&format!("{block}.attn.proj"), width, width, tensors);
        affine(&format!("{block}.mlp.gate_proj"), width, inner, tensors);
        affine(&format!("{block}.mlp.up_proj"), width, inner, tensors);
        affine(&format!("{block}.mlp.down_proj"), inner, width, tensors);
    }
    let merged = width * config.spatial_merge_size * config.spatial_merge_size;
    vector(&format!("{root}.merger.ln_q.weight"), width, tensors);
    affine(&format!("{root}.merger.mlp.0"), merged, merged, tensors);
    affine(&format!("{root}.merger.mlp.2"), merged, config.out_hidden_size, tensors);
}

fn decoder(config: &TextConfig, vocabulary: usize, tensors: &mut Tensors) {
    let TextConfig { hidden_size: width, intermediate_size: inner, .. } = *config;
    let keys = config.num_key_value_heads * config.head_width();
    tensors.push((EMBEDDINGS.to_owned(), vec![vocabulary, width]));
    for at in 0..config.num_hidden_layers {
        let layer = format!("model.language_model.layers.{at}");
        affine(&format!("{layer}.self_attn.q_proj"), width, width, tensors);
        affine(&format!("{layer}.self_attn.k_proj"), width, keys, tensors);
        affine(&format!("{layer}.self_attn.v_proj"), width, keys, tensors);
        matrix(&format!("{layer}.self_attn.o_proj"), width, width, tensors);
        matrix(&format!("{layer}.mlp.gate_proj"), width, inner, tensors);
        matrix(&format!("{layer}.mlp.up_proj"), width, inner, tensors);
        matrix(&format!("{layer}.mlp.down_proj"), inner, width, tensors);
        vector(&format!("{layer}.input_layernorm.weight"), width, tensors);
        vector(&format!("{layer}.post_attention_layernorm.weight"), width, tensors);
    }
    vector("model.language_model.norm.weight", width, tensors);
}

/// A perceptron, numbered as in the released checkpoints: between affine maps stand rectifiers, and behind the first of them
/// a dropout, which count and have no weights.
fn head(root: &str, inputs: usize, hidden: &[usize], tensors: &mut Tensors) {
    let (mut at, mut inputs) = (0, inputs);
    for (place, width) in hidden.iter().enumerate() {
        affine(&format!("{root}.{at}"), inputs, *width, tensors);
        at += if place == 0 { 3 } else { 2 };
        inputs = *width;
    }
    affine(&format!("{root}.{at}"), inputs, 2, tensors);
}

fn vector(name: &str, width: usize, tensors: &mut Tensors) {
    tensors.push((name.to_owned(), vec![width]));
}

fn matrix(name: &str, inputs: usize, outputs: usize, tensors: &mut Tensors) {
    tensors.push((format!("{name}.weight"), vec![outputs, inputs]));
}

fn affine(name: &str, inputs: usize, outputs: usize, tensors: &mut Tensors) {
    matrix(name, inputs, outputs, tensors);
    vector(&format!("{name}.bias"), outputs, tensors);
}
