//! The two schemes of tensor names.

/// How older checkpoints call the layers of the attention, and how newer ones do.
const RENAMED: [(&str, &str); 4] = [("query", "to_q"), ("key", "to_k"), ("value", "to_v"), ("proj_attn", "to_out.0")];

/// The name that diffusers 0.14 and later gives a tensor.
pub(super) fn canonical(stored: &str) -> String {
    let mut parts: Vec<&str> = stored.split('.').collect();
    if let [.., "attentions", _, layer, _] = parts.as_mut_slice()
        && let Some((_, new)) = RENAMED.iter().find(|(old, _)| old == layer)
    {
        *layer = new;
    }
    parts.join(".")
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn both_schemes_give_one_name() {
        let pairs = [
            ("encoder.mid_block.attentions.0.query.weight", "encoder.mid_block.attentions.0.to_q.weight"),
            ("encoder.mid_block.attentions.0.key.bias", "encoder.mid_block.attentions.0.to_k.bias"),
            ("decoder.mid_block.attentions.0.value.weight", "decoder.mid_block.attentions.0.to_v.weight"),
            ("decoder.mid_block.attentions.0.proj_attn.bias", "decoder.mid_block.attentions.0.to_out.0.bias"),
            ("decoder.mid_block.attentions.0.to_out.0.bias", "decoder.mid_block.attentions.0.to_out.0.bias"),
            ("decoder.mid_block.attentions.0.group_norm.bias", "decoder.mid_block.attentions.0.group_norm.bias"),
            ("quant_conv.weight", "quant_conv.weight"),
        ];
        for (stored, name) in pairs {
            assert_eq!(canonical(stored), name);
        }
    }
}
