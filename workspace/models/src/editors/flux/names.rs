//! Names of tensors: the original ones, which this module's code uses, and those of diffusers and its forks.
//!
//! Facts are those of diffusers' `loaders/single_file_utils.py`, `convert_flux_transformer_checkpoint_to_diffusers`, and of
//! `models/transformers/transformer_step1x_edit.py` in the fork of Step1X-Edit's authors (github.com/Peyton-Chen/diffusers at
//! 4ca7aed).

/// How a checkpoint calls its tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Naming {
    /// As diffusers does: queries, keys and values apart.
    Diffusers,
    /// The same with embedders as the fork of Step1X-Edit's authors calls them.
    Step1x,
}

impl Naming {
    /// The parts of an original layer; nothing where the layer is stored as it is, or is none of FLUX.1's.
    pub(super) fn parts(self, original: &str) -> Option<Vec<String>> {
        match (self, original.split_once('.')) {
            (Self::Step1x, Some(("time_in", layer))) => Some(vec![format!("time_embed.{layer}")]),
            (Self::Step1x, Some(("vector_in", layer))) => Some(vec![format!("vec_embed.{layer}")]),
            _ => diffusers(original),
        }
    }
}

/// What original files put before names when they hold a pipeline.
const PREFIX: &str = "model.diffusion_model.";

/// The original name of a stored tensor.
pub(super) fn plain(name: &str) -> String {
    name.strip_prefix(PREFIX).unwrap_or(name).to_owned()
}

/// What diffusers calls the layers or norms that an original one consists of, in the order of its rows. The name has no
/// `.weight`, `.bias` or `.scale`; nothing is answered for one that FLUX.1 does not have.
pub(super) fn diffusers(original: &str) -> Option<Vec<String>> {
    let single = |name: &str| Some(vec![name.to_owned()]);
    match original {
        "img_in" => return single("x_embedder"),
        "txt_in" => return single("context_embedder"),
        "final_layer.linear" => return single("proj_out"),
        "final_layer.adaLN_modulation.1" => return single("norm_out.linear"),
        _ => {}
    }
    let (group, rest) = original.split_once('.')?;
    match group {
        "time_in" => embedder("timestep_embedder", rest),
        "guidance_in" => embedder("guidance_embedder", rest),
        "vector_in" => embedder("text_embedder", rest),
        "double_blocks" => block("transformer_blocks", double_block, rest),
        "single_blocks" => block("single_transformer_blocks", single_block, rest),
        _ => None,
    }
}

fn embedder(name: &str, layer: &str) -> Option<Vec<String>> {
    let layer = match layer {
        "in_layer" => "linear_1",
        "out_layer" => "linear_2",
        _ => return None,
    };
    Some(vec![format!("time_text_embed.{name}.{layer}")])
}

fn block(group: &str, parts: fn(&str) -> Option<&'static [&'static str]>, rest: &str) -> Option<Vec<String>> {
    let (number, layer) = rest.split_once('.')?;
    Some(parts(layer)?.iter().map(|part| format!("{group}.{number}.{part}")).collect())
}

fn double_block(layer: &str) -> Option<&'static [&'static str]> {
    Some(match layer {
        "img_mod.lin" => &["norm1.linear"],
        "txt_mod.lin" => &["norm1_context.linear"],
        "img_attn.qkv" => &["attn.to_q", "attn.to_k", "attn.to_v"],
        "txt_attn.qkv" => &["attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj"],
        "img_attn.norm.query_norm" => &["attn.norm_q"],
        "img_attn.norm.key_norm" => &["attn.norm_k"],
        "txt_attn.norm.query_norm" => &["attn.norm_added_q"],
        "txt_attn.norm.key_norm" => &["attn.norm_added_k"],
        "img_attn.proj" => &["attn.to_out.0"],
        "txt_attn.proj" => &["attn.to_add_out"],
        "img_mlp.0" => &["ff.net.0.proj"],
        "img_mlp.2" => &["ff.net.2"],
        "txt_mlp.0" => &["ff_context.net.0.proj"],
        "txt_mlp.2" => &["ff_context.net.2"],
        _ => return None,
    })
}

fn single_block(layer: &str) -> Option<&'static [&'static str]> {
    Some(match layer {
        "modulation.lin" => &["norm.linear"],
        "linear1" => &["attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp"],
        "linear2" => &["proj_out"],
        "norm.query_norm" => &["attn.norm_q"],
        "norm.key_norm" => &["attn.norm_k"],
        _ => return None,
    })
}
