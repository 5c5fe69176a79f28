//! Transformers over the pixels of a resolution, which also look at the text: diffusers' `Transformer2DModel`.

use candle_core::{Result, Tensor};

use super::text::{KeysValues, Pass};
use crate::layers::{Activation, GroupNorm, LayerNorm, Linear, Scope, Segment, attend, in_place, planes_of, rows_of};
use crate::weights::WeightError;

/// ε of the normalisation of channels before the blocks.
const GROUP_EPSILON: f64 = 1e-6;

/// ε of the normalisations of rows.
const ROW_EPSILON: f64 = 1e-5;

/// How many rows go through a feed-forward block at a time on the processor, so that they stay in its cache.
const ROWS: usize = 1024;

/// What a transformer is like.
#[derive(Debug, Clone, Copy)]
pub(super) struct TransformerShape {
    /// Channels of pictures, and so the width of rows.
    pub(super) channels: usize,
    /// Heads of attention.
    pub(super) heads: usize,
    /// Blocks.
    pub(super) layers: usize,
    /// The width of a text's rows.
    pub(super) text: usize,
    /// Groups of the normalisation of channels.
    pub(super) groups: usize,
    /// Whether rows are mapped in and out by matrices, not by convolutions of one pixel.
    pub(super) is_linear: bool,
}

/// Pictures as rows of pixels through some blocks, around which the input is led.
#[derive(Debug, Clone)]
pub(super) struct Transformer {
    norm: GroupNorm,
    project_in: Linear,
    blocks: Vec<Block>,
    project_out: Linear,
}

impl Transformer {
    pub(super) fn load(scope: &Scope<'_>, shape: TransformerShape) -> std::result::Result<Self, WeightError> {
        let width = shape.channels;
        let project = if shape.is_linear { Linear::load } else { Linear::load_pointwise };
        let block = |at: usize| Block::load(&scope.at("transformer_blocks").at(at), shape);
        Ok(Self {
            norm: GroupNorm::load(&scope.at("norm"), shape.groups, width, GROUP_EPSILON)?,
            project_in: project(&scope.at("proj_in"), width, width)?,
            blocks: (0..shape.layers).map(block).collect::<std::result::Result<_, _>>()?,
            project_out: project(&scope.at("proj_out"), width, width)?,
        })
    }

    pub(super) fn forward(&self, pictures: &Tensor, pass: &mut Pass<'_>) -> Result<Tensor> {
        let (batch, _, height, width) = pictures.dims4()?;
        let mut rows = self.project_in.forward(&rows_of(&self.norm.forward(pictures)?)?)?;
        for block in &self.blocks {
            rows = block.forward(&rows, height * width, pass)?;
        }
        in_place::sum(planes_of(&self.project_out.forward(&rows)?, batch, height, width)?, pictures)
    }

    /// Keys and values of texts, rows [rows, width], for each block.
    pub(super) fn keys_values<'a>(&'a self, text: &'a Tensor) -> impl Iterator<Item = Result<KeysValues>> + 'a {
        self.blocks.iter().map(|block| block.text.keys_values(text))
    }

    /// How many blocks look at the text.
    pub(super) fn len(&self) -> usize {
        self.blocks.len()
    }
}

/// Attention of a picture's pixels to each other, attention to the text, and a feed-forward block.
#[derive(Debug, Clone)]
struct Block {
    norm1: LayerNorm,
    own: Attention,
    norm2: LayerNorm,
    text: Attention,
    norm3: LayerNorm,
    feed_forward: Geglu,
}

impl Block {
    fn load(scope: &Scope<'_>, shape: TransformerShape) -> std::result::Result<Self, WeightError> {
        let width = shape.channels;
        let norm = |name: &str| LayerNorm::load(&scope.at(name), width, ROW_EPSILON);
        Ok(Self {
            norm1: norm("norm1")?,
            own: Attention::load(&scope.at("attn1"), width, width, shape.heads)?,
            norm2: norm("norm2")?,
            text: Attention::load(&scope.at("attn2"), width, shape.text, shape.heads)?,
            norm3: norm("norm3")?,
            feed_forward: Geglu::load(&scope.at("ff.net"), width)?,
        })
    }

    /// Maps rows [batch · pixels, width] to the same shape.
    fn forward(&self, rows: &Tensor, pixels: usize, pass: &mut Pass<'_>) -> Result<Tensor> {
        let places = |at: usize| at * pixels..(at + 1) * pixels;
        let normed = self.norm1.forward(rows)?;
        let own = self.own.keys_values(&normed)?;
        let segments: Vec<Segment> = (0..rows.dim(0)? / pixels).map(|at| Segment::full(places(at))).collect();
        let rows = in_place::sum(self.own.forward(&normed, &own, &segments)?, rows)?;
        let segment = |(at, text)| Segment { queries: places(at), keys: vec![text], causal: false };
        let segments: Vec<Segment> = pass.texts().enumerate().map(segment).collect();
        let text = pass.keys_values()?;
        let rows = in_place::sum(self.text.forward(&self.norm2.forward(&rows)?, text, &segments)?, &rows)?;
        in_place::sum(self.feed_forward.forward(&self.norm3.forward(&rows)?)?, &rows)
    }
}

/// Attention whose keys and values may come from elsewhere than its queries.
#[derive(Debug, Clone)]
struct Attention {
    queries: Linear,
    keys: Linear,
    values: Linear,
    out: Linear,
    heads: usize,
}

impl Attention {
    /// `seen` is the width of the rows that are looked at.
    fn load(scope: &Scope<'_>, width: usize, seen: usize, heads: usize) -> std::result::Result<Self, WeightError> {
        Ok(Self {
            queries: Linear::load_no_bias(&scope.at("to_q"), width, width)?,
            keys: Linear::load_no_bias(&scope.at("to_k"), seen, width)?,
            values: Linear::load_no_bias(&scope.at("to_v"), seen, width)?,
            out: Linear::load(&scope.at("to_out.0"), width, width)?,
            heads,
        })
    }

    fn keys_values(&self, rows: &Tensor) -> Result<KeysValues> {
        Ok(KeysValues { keys: self.by_head(&self.keys, rows)?, values: self.by_head(&self.values, rows)? })
    }

    fn forward(&self, rows: &Tensor, seen: &KeysValues, segments: &[Segment]) -> Result<Tensor> {
        let queries = self.by_head(&self.queries, rows)?;
        self.out.forward(&attend(&queries, &seen.keys, &seen.values, segments)?)
    }

    /// Mapped rows as [rows, heads, width of a head].
    fn by_head(&self, map: &Linear, rows: &Tensor) -> Result<Tensor> {
        let mapped = map.forward(rows)?;
        let (count, width) = mapped.dims2()?;
        mapped.reshape((count, self.heads, width / self.heads))
    }
}

/// `down(value(x) · gelu(gate(x)))`, four times as wide inside (Shazeer 2020, "GLU variants improve transformer").
#[derive(Debug, Clone)]
struct Geglu {
    value: Linear,
    gate: Linear,
    down: Linear,
}

impl Geglu {
    /// Loads `0.proj`, in which the value's rows stand before the gate's, and `2`.
    fn load(scope: &Scope<'_>, width: usize) -> std::result::Result<Self, WeightError> {
        let inner = 4 * width;
        let both = scope.at("0.proj");
        let (weight, bias) = (both.kept("weight", &[2 * inner, width])?, both.small("bias", &[2 * inner])?);
        let half = |start: usize| {
            let part = |tensor: &Tensor| tensor.narrow(0, start, inner)?.contiguous();
            Ok(Linear::new(part(&weight)?, Some(part(&bias)?)))
        };
        let half = |start: usize| half(start).map_err(|error| both.device_error("weight", error));
        Ok(Self { value: half(0)?, gate: half(inner)?, down: Linear::load(&scope.at(2), inner, width)? })
    }

    fn forward(&self, rows: &Tensor) -> Result<Tensor> {
        let count = rows.dim(0)?;
        if !rows.device().is_cpu() || count <= ROWS {
            return self.of_some(rows);
        }
        let part = |start: usize| self.of_some(&rows.narrow(0, start, ROWS.min(count - start))?);
        Tensor::cat(&(0..count).step_by(ROWS).map(part).collect::<Result<Vec<_>>>()?, 0)
    }

    fn of_some(&self, rows: &Tensor) -> Result<Tensor> {
        let gate = Activation::Gelu.apply(&self.gate.forward(rows)?)?;
        self.down.forward(&in_place::product(self.value.forward(rows)?, &gate)?)
    }
}
