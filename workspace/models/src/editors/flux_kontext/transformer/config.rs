//! The shape of a transformer: read from a `config.json`, or from the shapes of its tensors.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value};

use crate::load::{LoadError, read_json};

/// The width of a head in all released models, and how it is shared out to the three axes.
const RELEASED_HEAD_WIDTH: usize = 128;
const RELEASED_AXES: [usize; 3] = [16, 56, 56];

/// The class that `config.json` has to name.
const CLASS: &str = "FluxTransformer2DModel";

/// The widest activations: released models have 3072.
const MOST_WIDTH: usize = 1 << 16;

/// The most blocks of a kind: released models have 38.
pub(super) const MOST_BLOCKS: usize = 256;

/// The shape of a transformer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FluxConfig {
    /// Numbers of a latent token: four times the channels of the latent picture, as a token is 2 × 2 of its pixels.
    pub in_channels: usize,
    /// Numbers of a predicted token.
    pub out_channels: usize,
    /// Blocks of two streams.
    pub double_blocks: usize,
    /// Blocks of one stream.
    pub single_blocks: usize,
    /// Heads of attention.
    pub heads: usize,
    /// The width of a head: the sum of `axes`.
    pub head_width: usize,
    /// How much of a head turns with picture, row and column. Even.
    pub axes: [usize; 3],
    /// Width of a text token's embedding (T5's).
    pub text_width: usize,
    /// Width of the embedding of the whole text (CLIP's).
    pub pooled_width: usize,
    /// Whether the strength of guidance is an input.
    pub guidance: bool,
}

impl FluxConfig {
    /// Width of activations.
    pub fn width(&self) -> usize {
        self.heads * self.head_width
    }

    /// Inner width of feed-forward blocks: four times that of activations.
    pub fn inner_width(&self) -> usize {
        4 * self.width()
    }

    /// Reads a `config.json` of diffusers' `FluxTransformer2DModel`. Keys that are left out have diffusers' defaults; keys
    /// that are not known, and values that are not supported, are errors.
    pub fn read(file: &Path) -> Result<Self, LoadError> {
        Keys { file, keys: read_json(file)? }.config()
    }

    /// The shape of a model whose file has no configuration, from the shapes of its tensors under original names.
    ///
    /// Heads are 128 wide, with axes [16, 56, 56], as in all released models.
    pub(super) fn derive(file: &Path, shapes: &BTreeMap<String, Vec<usize>>) -> Result<Self, LoadError> {
        let size = |name: &str, axis: usize| match shapes.get(name).map(Vec::as_slice) {
            Some(&[rows, columns]) => Ok(if axis == 0 { rows } else { columns }),
            Some(shape) => {
                Err(LoadError::content(file, format!("tensor `{name}` has shape {shape:?}: expected two dimensions")))
            }
            None => {
                Err(LoadError::content(file, format!("tensor `{name}` is missing: expected the tensors of FLUX.1")))
            }
        };
        let width = size("img_in.weight", 0)?;
        if width == 0 || width % RELEASED_HEAD_WIDTH != 0 {
            let reason =
                format!("tensor `img_in.weight` has {width} rows: expected a multiple of {RELEASED_HEAD_WIDTH}");
            return Err(LoadError::content(file, format!("{reason}, or a `config.json` beside the file")));
        }
        let config = Self {
            in_channels: size("img_in.weight", 1)?,
            out_channels: size("final_layer.linear.weight", 0)?,
            double_blocks: blocks(file, shapes, "double_blocks.")?,
            single_blocks: blocks(file, shapes, "single_blocks.")?,
            heads: width / RELEASED_HEAD_WIDTH,
            head_width: RELEASED_HEAD_WIDTH,
            axes: RELEASED_AXES,
            text_width: size("txt_in.weight", 1)?,
            pooled_width: size("vector_in.in_layer.weight", 1)?,
            guidance: shapes.keys().any(|name| name.starts_with("guidance_in.")),
        };
        config.check(file)?;
        Ok(config)
    }

    /// Bounds that hold wherever a shape comes from.
    fn check(&self, file: &Path) -> Result<(), LoadError> {
        let widths = [
            ("in_channels", self.in_channels),
            ("out_channels", self.out_channels),
            ("joint_attention_dim", self.text_width),
            ("pooled_projection_dim", self.pooled_width),
            ("num_attention_heads · attention_head_dim", self.heads.saturating_mul(self.head_width)),
        ];
        if let Some((key, width)) = widths.into_iter().find(|(_, width)| !(1..=MOST_WIDTH).contains(width)) {
            return Err(LoadError::content(file, format!("{key} is {width}: expected 1 to {MOST_WIDTH}")));
        }
        for (key, channels) in [("in_channels", self.in_channels), ("out_channels", self.out_channels)] {
            if channels % 4 != 0 {
                let reason = "expected a multiple of 4, as a token is 2 × 2 pixels of the latent picture";
                return Err(LoadError::content(file, format!("{key} is {channels}: {reason}")));
            }
        }
        Ok(())
    }
}

/// How many blocks of a kind there are: one more than the greatest number in the names.
fn blocks(file: &Path, shapes: &BTreeMap<String, Vec<usize>>, prefix: &str) -> Result<usize, LoadError> {
    let mut most = 0;
    for name in shapes.keys().filter(|name| name.starts_with(prefix)) {
        let number = name[prefix.len()..].split('.').next().and_then(|number| number.parse::<usize>().ok());
        match number {
            Some(number) if number < MOST_BLOCKS => most = most.max(number + 1),
            _ => {
                let reason = format!("tensor `{name}`: expected a block's number below {MOST_BLOCKS}");
                return Err(LoadError::content(file, reason));
            }
        }
    }
    match most {
        0 => Err(LoadError::content(file, format!("holds no tensors `{prefix}…`: expected the tensors of FLUX.1"))),
        count => Ok(count),
    }
}

/// The keys of a file, taken one after another.
struct Keys<'a> {
    file: &'a Path,
    keys: Map<String, Value>,
}

impl Keys<'_> {
    fn config(mut self) -> Result<FluxConfig, LoadError> {
        let class = self.keys.remove("_class_name").unwrap_or_default();
        if class.as_str() != Some(CLASS) {
            return Err(self.unlike("_class_name", &format!("`{CLASS}`"), &class));
        }
        self.number("patch_size", 1, 1..=1)?;
        let in_channels = self.number("in_channels", 64, 1..=MOST_WIDTH)?;
        let heads = self.number("num_attention_heads", 24, 1..=MOST_WIDTH)?;
        let head_width = self.number("attention_head_dim", 128, 2..=MOST_WIDTH)?;
        let config = FluxConfig {
            in_channels,
            out_channels: self.number("out_channels", in_channels, 1..=MOST_WIDTH)?,
            double_blocks: self.number("num_layers", 19, 1..=MOST_BLOCKS)?,
            single_blocks: self.number("num_single_layers", 38, 1..=MOST_BLOCKS)?,
            heads,
            head_width,
            axes: self.axes(head_width)?,
            text_width: self.number("joint_attention_dim", 4096, 1..=MOST_WIDTH)?,
            pooled_width: self.number("pooled_projection_dim", 768, 1..=MOST_WIDTH)?,
            guidance: self.flag("guidance_embeds")?,
        };
        config.check(self.file)?;
        // What diffusers writes about its own files begins with an underscore.
        match self.keys.iter().find(|(key, _)| !key.starts_with('_')) {
            Some((key, value)) => Err(self.unlike(key, "no such key: it is not supported", value)),
            None => Ok(config),
        }
    }

    fn unlike(&self, key: &str, expected: &str, found: &Value) -> LoadError {
        LoadError::content(self.file, format!("`{key}` is {found}: expected {expected}"))
    }

    /// A number within bounds; null and nothing mean the default.
    fn number(
        &mut self,
        key: &str,
        default: usize,
        bounds: std::ops::RangeInclusive<usize>,
    ) -> Result<usize, LoadError> {
        let value = match self.keys.remove(key) {
            None | Some(Value::Null) => return Ok(default),
            Some(value) => value,
        };
        match value.as_u64().and_then(|number| usize::try_from(number).ok()) {
            Some(number) if bounds.contains(&number) => Ok(number),
            _ if bounds.start() == bounds.end() => Err(self.unlike(key, &bounds.start().to_string(), &value)),
            _ => Err(self.unlike(key, &format!("a whole number from {} to {}", bounds.start(), bounds.end()), &value)),
        }
    }

    fn flag(&mut self, key: &str) -> Result<bool, LoadError> {
        match self.keys.remove(key) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(value) => Err(self.unlike(key, "true or false", &value)),
        }
    }

    fn axes(&mut self, head_width: usize) -> Result<[usize; 3], LoadError> {
        let key = "axes_dims_rope";
        let value = self.keys.remove(key).unwrap_or_else(|| RELEASED_AXES.to_vec().into());
        let axes: Option<[usize; 3]> = serde_json::from_value(value.clone()).ok();
        let fits = |axes: &[usize; 3]| {
            let sum = axes.iter().fold(0_usize, |sum, &axis| sum.saturating_add(axis));
            sum == head_width && axes.iter().all(|axis| axis % 2 == 0)
        };
        let expected = format!("three even numbers that add up to `attention_head_dim`, {head_width}");
        axes.filter(fits).ok_or_else(|| self.unlike(key, &expected, &value))
    }
}
