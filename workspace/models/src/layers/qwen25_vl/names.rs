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

#[cfg(test)]
mod tests {
    use super::canonical;

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
