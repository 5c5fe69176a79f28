//! The two schemes of tensor names.

/// The name that the module tree of transformers 4.52 and later gives a tensor. Checkpoints that `save_pretrained` wrote
/// have older names: `visual.…`, `model.layers.…`.
pub fn canonical(stored: &str) -> String {
    if stored.starts_with("visual.") {
        return format!("model.{stored}");
    }
    match stored.strip_prefix("model.") {
        Some(rest) if !rest.starts_with("language_model.") && !rest.starts_with("visual.") => {
            format!("model.language_model.{rest}")
        }
        _ => stored.to_owned(),
    }
}

/// The same of the names that llama.cpp gives the decoder (`gguf-py/gguf/tensor_mapping.py`, architecture `qwen2vl`). Its
/// files hold queries and keys as they are.
pub fn canonical_of_gguf(stored: &str) -> String {
    let decoder = |name: &str| format!("model.language_model.{name}");
    match stored {
        "token_embd.weight" => return decoder("embed_tokens.weight"),
        "output_norm.weight" => return decoder("norm.weight"),
        "output.weight" => return "lm_head.weight".to_owned(),
        _ => {}
    }
    let parts = stored.strip_prefix("blk.").and_then(|rest| rest.split_once('.'));
    let parts = parts.and_then(|(layer, rest)| Some((layer, rest.rsplit_once('.')?)));
    let layer = parts.and_then(|(layer, (name, ending))| {
        let (_, name) = LAYER.iter().find(|(stored, _)| *stored == name)?;
        Some(decoder(&format!("layers.{layer}.{name}.{ending}")))
    });
    layer.unwrap_or_else(|| stored.to_owned())
}

/// What llama.cpp and transformers call the parts of a layer.
const LAYER: [(&str, &str); 9] = [
    ("attn_norm", "input_layernorm"),
    ("attn_q", "self_attn.q_proj"),
    ("attn_k", "self_attn.k_proj"),
    ("attn_v", "self_attn.v_proj"),
    ("attn_output", "self_attn.o_proj"),
    ("ffn_norm", "post_attention_layernorm"),
    ("ffn_gate", "mlp.gate_proj"),
    ("ffn_up", "mlp.up_proj"),
    ("ffn_down", "mlp.down_proj"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_quantised_files_are_translated() {
        let pairs = [
            ("token_embd.weight", "model.language_model.embed_tokens.weight"),
            ("output_norm.weight", "model.language_model.norm.weight"),
            ("output.weight", "lm_head.weight"),
            ("blk.27.attn_q.bias", "model.language_model.layers.27.self_attn.q_proj.bias"),
            ("blk.0.ffn_down.weight", "model.language_model.layers.0.mlp.down_proj.weight"),
            ("blk.0.attn_norm.weight", "model.language_model.layers.0.input_layernorm.weight"),
            ("blk.0.ssm_in.weight", "blk.0.ssm_in.weight"),
            ("v.blk.0.attn_q.weight", "v.blk.0.attn_q.weight"),
        ];
        for (stored, name) in pairs {
            assert_eq!(canonical_of_gguf(stored), name);
        }
    }

    #[test]
    fn both_schemes_give_one_name() {
        let pairs = [
            ("visual.blocks.0.norm1.weight", "model.visual.blocks.0.norm1.weight"),
            ("model.visual.merger.ln_q.weight", "model.visual.merger.ln_q.weight"),
            ("model.layers.3.mlp.up_proj.weight", "model.language_model.layers.3.mlp.up_proj.weight"),
            ("model.embed_tokens.weight", "model.language_model.embed_tokens.weight"),
            ("model.norm.weight", "model.language_model.norm.weight"),
            ("model.language_model.norm.weight", "model.language_model.norm.weight"),
            ("rm_heads.head_0.0.bias", "rm_heads.head_0.0.bias"),
            ("lm_head.weight", "lm_head.weight"),
        ];
        for (stored, name) in pairs {
            assert_eq!(canonical(stored), name);
        }
    }
}
