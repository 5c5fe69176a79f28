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

/// Resolutions of an original file: its decoder counts them from the smallest on, and diffusers from the largest.
const RESOLUTIONS: usize = 4;

/// The name that diffusers gives a tensor of an original file, such as `ae.safetensors` of FLUX.1. Facts are those of diffusers'
/// `loaders/single_file_utils.py`, `convert_ldm_vae_checkpoint`.
pub(crate) fn of_original(stored: &str) -> String {
    let parts: Vec<&str> = stored.split('.').collect();
    match parts.as_slice() {
        [side, "mid", "attn_1", layer, ending] => {
            format!("{side}.mid_block.attentions.0.{}.{ending}", attention(layer))
        }
        [side, "mid", "block_1", rest @ ..] => format!("{side}.mid_block.resnets.0.{}", residual(rest)),
        [side, "mid", "block_2", rest @ ..] => format!("{side}.mid_block.resnets.1.{}", residual(rest)),
        ["encoder", "down", at, "downsample", rest @ ..] => {
            format!("encoder.down_blocks.{at}.downsamplers.0.{}", rest.join("."))
        }
        ["encoder", "down", at, "block", number, rest @ ..] => {
            format!("encoder.down_blocks.{at}.resnets.{number}.{}", residual(rest))
        }
        ["decoder", "up", at, "upsample", rest @ ..] => {
            format!("decoder.up_blocks.{}.upsamplers.0.{}", turned(at), rest.join("."))
        }
        ["decoder", "up", at, "block", number, rest @ ..] => {
            format!("decoder.up_blocks.{}.resnets.{number}.{}", turned(at), residual(rest))
        }
        [side, "norm_out", ending] => format!("{side}.conv_norm_out.{ending}"),
        _ => stored.to_owned(),
    }
}

/// A resolution's number, counted from the other end.
fn turned(at: &str) -> String {
    let number = at.parse::<usize>().ok().and_then(|at| (RESOLUTIONS - 1).checked_sub(at));
    number.map_or_else(|| at.to_owned(), |number| number.to_string())
}

fn residual(rest: &[&str]) -> String {
    rest.join(".").replace("nin_shortcut", "conv_shortcut")
}

fn attention(layer: &str) -> &str {
    match layer {
        "norm" => "group_norm",
        "q" => "to_q",
        "k" => "to_k",
        "v" => "to_v",
        "proj_out" => "to_out.0",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::{canonical, of_original};

    #[test]
    fn original_names_become_those_of_diffusers() {
        let pairs = [
            ("encoder.conv_in.weight", "encoder.conv_in.weight"),
            ("encoder.down.1.block.0.nin_shortcut.bias", "encoder.down_blocks.1.resnets.0.conv_shortcut.bias"),
            ("encoder.down.2.downsample.conv.weight", "encoder.down_blocks.2.downsamplers.0.conv.weight"),
            ("encoder.mid.block_2.norm1.weight", "encoder.mid_block.resnets.1.norm1.weight"),
            ("decoder.mid.attn_1.norm.weight", "decoder.mid_block.attentions.0.group_norm.weight"),
            ("decoder.mid.attn_1.proj_out.bias", "decoder.mid_block.attentions.0.to_out.0.bias"),
            ("decoder.up.3.block.2.conv2.weight", "decoder.up_blocks.0.resnets.2.conv2.weight"),
            ("decoder.up.1.upsample.conv.bias", "decoder.up_blocks.2.upsamplers.0.conv.bias"),
            ("decoder.norm_out.weight", "decoder.conv_norm_out.weight"),
        ];
        for (stored, name) in pairs {
            assert_eq!(of_original(stored), name);
        }
    }

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
