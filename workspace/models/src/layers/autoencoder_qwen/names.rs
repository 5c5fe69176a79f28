//! The two schemes of tensor names.

/// Residual blocks at each resolution of the decoder of the released model, and what doubles the picture behind them.
const OF_LEVEL: usize = 4;

/// The layers of a residual block as Wan numbers them.
const RESIDUAL: [(&str, &str); 4] = [("0", "norm1"), ("2", "conv1"), ("3", "norm2"), ("6", "conv2")];

/// The name that diffusers gives a tensor of the released model. Wan's files number the layers of a level in one row.
pub(super) fn canonical(stored: &str) -> String {
    let parts: Vec<&str> = stored.split('.').collect();
    let renamed = match parts.as_slice() {
        ["conv1", ending] => Some(format!("quant_conv.{ending}")),
        ["conv2", ending] => Some(format!("post_quant_conv.{ending}")),
        [half @ ("encoder" | "decoder"), rest @ ..] => within(rest).map(|rest| format!("{half}.{rest}")),
        _ => None,
    };
    renamed.unwrap_or_else(|| stored.to_owned())
}

/// The same within encoder or decoder; none where the name is no other.
fn within(parts: &[&str]) -> Option<String> {
    match *parts {
        ["conv1", ending] => Some(format!("conv_in.{ending}")),
        ["head", "0", ending] => Some(format!("norm_out.{ending}")),
        ["head", "2", ending] => Some(format!("conv_out.{ending}")),
        ["middle", "0", ref rest @ ..] => Some(format!("mid_block.resnets.0.{}", layer(rest))),
        ["middle", "1", ref rest @ ..] => Some(format!("mid_block.attentions.0.{}", rest.join("."))),
        ["middle", "2", ref rest @ ..] => Some(format!("mid_block.resnets.1.{}", layer(rest))),
        ["downsamples", number, ref rest @ ..] => Some(format!("down_blocks.{number}.{}", layer(rest))),
        ["upsamples", number, ref rest @ ..] => {
            let number: usize = number.parse().ok()?;
            let (level, at) = (number / OF_LEVEL, number % OF_LEVEL);
            let block = if at + 1 == OF_LEVEL { "upsamplers.0".to_owned() } else { format!("resnets.{at}") };
            Some(format!("up_blocks.{level}.{block}.{}", layer(rest)))
        }
        _ => None,
    }
}

/// A layer of a block.
fn layer(parts: &[&str]) -> String {
    match *parts {
        ["residual", number, ref rest @ ..] => {
            let known = RESIDUAL.iter().find(|(found, _)| *found == number).map_or(number, |(_, name)| name);
            [&[known], rest].concat().join(".")
        }
        ["shortcut", ref rest @ ..] => [&["conv_shortcut"], rest].concat().join("."),
        _ => parts.join("."),
    }
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn both_schemes_give_one_name() {
        let pairs = [
            ("conv1.weight", "quant_conv.weight"),
            ("conv2.bias", "post_quant_conv.bias"),
            ("encoder.conv1.weight", "encoder.conv_in.weight"),
            ("encoder.downsamples.3.residual.6.bias", "encoder.down_blocks.3.conv2.bias"),
            ("encoder.downsamples.3.shortcut.weight", "encoder.down_blocks.3.conv_shortcut.weight"),
            ("encoder.downsamples.2.resample.1.weight", "encoder.down_blocks.2.resample.1.weight"),
            ("encoder.downsamples.5.time_conv.weight", "encoder.down_blocks.5.time_conv.weight"),
            ("encoder.middle.1.to_qkv.weight", "encoder.mid_block.attentions.0.to_qkv.weight"),
            ("decoder.middle.2.residual.3.gamma", "decoder.mid_block.resnets.1.norm2.gamma"),
            ("decoder.upsamples.2.residual.0.gamma", "decoder.up_blocks.0.resnets.2.norm1.gamma"),
            ("decoder.upsamples.7.resample.1.bias", "decoder.up_blocks.1.upsamplers.0.resample.1.bias"),
            ("decoder.upsamples.14.residual.2.weight", "decoder.up_blocks.3.resnets.2.conv1.weight"),
            ("decoder.head.0.gamma", "decoder.norm_out.gamma"),
            ("decoder.head.2.weight", "decoder.conv_out.weight"),
            ("decoder.up_blocks.1.resnets.0.conv1.weight", "decoder.up_blocks.1.resnets.0.conv1.weight"),
            ("something.else", "something.else"),
        ];
        for (stored, name) in pairs {
            assert_eq!(canonical(stored), name);
        }
    }
}
