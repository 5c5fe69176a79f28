//! Which tensors a checkpoint of this judge holds.

use std::collections::HashSet;

use crate::layers::qwen25_vl::{Config, TextConfig, VisionConfig};
use crate::load::LoadError;
use crate::rewards::editreward::heads::{MAPS, OUTPUTS};
use crate::weights::{Checkpoint, TensorFacts};

/// The embeddings of the tokens: as many rows as the checkpoint's vocabulary has.
pub(super) const EMBEDDINGS: &str = "model.language_model.embed_tokens.weight";

/// The projection to the vocabulary. Checkpoints keep it from their base model, and the judge never uses it.
pub(super) const UNUSED: &str = "lm_head.weight";

/// The inner widths of a head in the released checkpoints.
pub(super) const HEAD_HIDDEN: [usize; 2] = [1024, 16];

type Tensors = Vec<(String, Vec<usize>)>;

/// Every tensor by its canonical name, with its shape, in the order in which they are passed through. `vocabulary` is the
/// number of embeddings, `head_hidden` the inner widths of a head. `lm_head.weight` is not among them.
pub fn expected_tensors(config: &Config, vocabulary: usize, head_hidden: [usize; 2]) -> Vec<(String, Vec<usize>)> {
    let mut tensors = Tensors::new();
    vision(&config.vision, &mut tensors);
    decoder(&config.text, vocabulary, &mut tensors);
    (0..2).for_each(|at| head(&format!("rm_heads.head_{at}"), config.text.hidden_size, head_hidden, &mut tensors));
    tensors
}

/// Refuses tensors that the configuration knows nothing of: a judge with some of its layers left out scores otherwise.
pub(super) fn refuse_strangers(config: &Config, checkpoint: &Checkpoint) -> Result<(), LoadError> {
    let expected = expected_tensors(config, 0, [0, 0]);
    let expected: HashSet<&str> = expected.iter().map(|(name, _)| name.as_str()).chain([UNUSED]).collect();
    let strangers: Vec<(&str, TensorFacts)> = checkpoint.facts().filter(|(name, _)| !expected.contains(name)).collect();
    match strangers.first() {
        Some((name, facts)) => {
            let others = format!("{} tensors that `config.json` knows nothing of", strangers.len());
            let reason = format!("holds {others}, the first `{name}`: expected those of this model");
            Err(LoadError::content(&facts.file, reason))
        }
        None => Ok(()),
    }
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

fn head(root: &str, inputs: usize, hidden: [usize; 2], tensors: &mut Tensors) {
    let widths = [inputs, hidden[0], hidden[1], OUTPUTS];
    for (map, edge) in MAPS.into_iter().zip(widths.windows(2)) {
        affine(&format!("{root}.{map}"), edge[0], edge[1], tensors);
    }
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
