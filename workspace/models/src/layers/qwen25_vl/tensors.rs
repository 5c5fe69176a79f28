//! Which tensors a checkpoint holds.

use crate::layers::qwen25_vl::{Config, TextConfig, VisionConfig};

/// The embeddings of the tokens: as many rows as the checkpoint's vocabulary has.
pub const EMBEDDINGS: &str = "model.language_model.embed_tokens.weight";

type Tensors = Vec<(String, Vec<usize>)>;

/// Every tensor of tower and decoder by its canonical name, with its shape, in the order in which they are passed through.
/// `vocabulary` is the number of embeddings. `lm_head.weight` is not among them.
pub fn expected_tensors(config: &Config, vocabulary: usize) -> Vec<(String, Vec<usize>)> {
    let mut tensors = Tensors::new();
    vision(&config.vision, &mut tensors);
    decoder(&config.text, vocabulary, &mut tensors);
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

fn vector(name: &str, width: usize, tensors: &mut Tensors) {
    tensors.push((name.to_owned(), vec![width]));
}

fn matrix(name: &str, inputs: usize, outputs: usize, tensors: &mut Tensors) {
    tensors.push((format!("{name}.weight"), vec![outputs, inputs]));
}

/// A matrix and its bias.
pub(crate) fn affine(name: &str, inputs: usize, outputs: usize, tensors: &mut Tensors) {
    matrix(name, inputs, outputs, tensors);
    vector(&format!("{name}.bias"), outputs, tensors);
}
