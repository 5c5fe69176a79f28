//! The decoder: a causal transformer with grouped query attention.

use std::ops::Range;

use candle_core::{Result, Tensor};

use crate::layers::qwen25_vl::TextConfig;
use crate::layers::qwen25_vl::positions::axes;
use crate::layers::{
    Compute, Embedding, Linear, RmsNorm, RopeTables, Rotary, Scope, Segment, Swiglu, attend, in_place, rotate,
};
use crate::weights::WeightError;

/// The decoder with its weights. Its output matrix is not part of it: nobody here asks for the next token.
#[derive(Debug, Clone)]
pub struct Decoder {
    compute: Compute,
    theta: f64,
    head_width: usize,
    embeddings: Embedding,
    layers: Vec<Layer>,
    norm: RmsNorm,
    rotary: Rotary,
    axes: Vec<usize>,
}

#[derive(Debug, Clone)]
struct Layer {
    before_attention: RmsNorm,
    queries: Linear,
    keys: Linear,
    values: Linear,
    out: Linear,
    before_mlp: RmsNorm,
    mlp: Swiglu,
    heads: usize,
    key_heads: usize,
    width: usize,
}

/// Keys and values of one layer, [rows, key heads, head width] each, keys rotated.
#[derive(Debug, Clone)]
pub struct LayerKeys {
    /// The keys.
    pub keys: Tensor,
    /// The values.
    pub values: Tensor,
}

/// One pass over packed rows of several sequences.
#[derive(Debug)]
pub struct Pass<'a> {
    /// What goes in, [rows, width].
    pub hidden: Tensor,
    /// The position of each row in its sequence.
    pub positions: Vec<[u32; 3]>,
    /// Which rows belong together. Key rows count those of `past` first, then the rows of this pass.
    pub segments: Vec<Segment>,
    /// Keys and values of earlier passes, by pass and by layer.
    pub past: Vec<&'a [LayerKeys]>,
    /// The rows whose final activations are wanted, in ascending order. The last layer computes no others.
    pub read: Vec<usize>,
    /// Whether keys and values are wanted afterwards.
    pub keep_keys: bool,
}

/// What a pass leaves.
#[derive(Debug)]
pub struct Passed {
    /// Activations of the rows that were read after the final normalisation, [read, width].
    pub read: Tensor,
    /// Keys and values of all rows, by layer; nothing where they were not to be kept.
    pub keys: Vec<LayerKeys>,
}

impl Decoder {
    /// Loads `embed_tokens`, `layers` and `norm`. The number of embeddings is the file's.
    pub fn load(scope: &Scope<'_>, config: &TextConfig, tables: RopeTables) -> std::result::Result<Self, WeightError> {
        let width = config.hidden_size;
        let table = scope.at("embed_tokens");
        let rows = table.rows("weight")?;
        let layers = (0..config.num_hidden_layers).map(|at| Layer::load(&scope.at("layers").at(at), config));
        let rotary = Rotary::new(config.rope_theta, config.head_width(), tables);
        Ok(Self {
            compute: scope.compute().clone(),
            theta: config.rope_theta,
            head_width: config.head_width(),
            embeddings: Embedding::load(&table, rows, width)?,
            layers: layers.collect::<std::result::Result<_, _>>()?,
            norm: RmsNorm::load(&scope.at("norm"), width, config.rms_norm_eps)?,
            axes: axes(&config.mrope_section, rotary.len()),
            rotary,
        })
    }

    /// The same weights with other tables.
    #[must_use]
    pub fn with_tables(&self, tables: RopeTables) -> Self {
        Self { rotary: Rotary::new(self.theta, self.head_width, tables), ..self.clone() }
    }

    /// How many tokens have an embedding.
    pub fn vocabulary(&self) -> usize {
        self.embeddings.tokens()
    }

    /// The embeddings of tokens, [ids, width]. An id that has none is an error.
    pub fn embed(&self, ids: &[u32]) -> Result<Tensor> {
        self.embeddings.forward(ids, self.compute.dtype)
    }

    /// Runs a pass. `watch` is shown the activations of all rows on the way: what goes in (0), then after each layer but the
    /// last, of which only the rows read exist.
    pub fn forward(&self, pass: Pass<'_>, watch: &mut dyn FnMut(usize, &Tensor) -> Result<()>) -> Result<Passed> {
        let tables = self.rotary.text(&pass.positions, &self.axes, &self.compute)?;
        let (mut hidden, mut keys) = (pass.hidden, Vec::new());
        watch(0, &hidden)?;
        for (at, layer) in self.layers.iter().enumerate() {
            let normed = layer.before_attention.forward(&hidden)?;
            let own = layer.keys_of(&normed, &tables)?;
            let all = joined(pass.past.iter().map(|past| &past[at]).chain([&own]))?;
            if pass.keep_keys {
                keys.push(own);
            }
            if at + 1 < self.layers.len() {
                let attended = layer.attend(&normed, &tables, &all, &pass.segments)?;
                hidden = layer.finish(&hidden, &attended)?;
                watch(at + 1, &hidden)?;
            } else if pass.read.len() == pass.positions.len() {
                // All rows, which ascend: nothing is to be picked.
                let attended = layer.attend(&normed, &tables, &all, &pass.segments)?;
                hidden = layer.finish(&hidden, &attended)?;
            } else if !pass.read.is_empty() {
                let read = Read::new(&pass.read, &self.compute)?;
                let tables = (read.pick(&tables.0)?, read.pick(&tables.1)?);
                let segments = reading(&pass.segments, &pass.read);
                let attended = layer.attend(&read.pick(&normed)?, &tables, &all, &segments)?;
                hidden = layer.finish(&read.pick(&hidden)?, &attended)?;
            }
        }
        let read = if pass.read.is_empty() { hidden.narrow(0, 0, 0)? } else { self.norm.forward(&hidden)? };
        Ok(Passed { read, keys })
    }
}

/// The rows that are read.
struct Read(Tensor);

impl Read {
    fn new(rows: &[usize], compute: &Compute) -> Result<Self> {
        let rows: Vec<u32> = rows.iter().map(|&row| row as u32).collect();
        Ok(Self(Tensor::new(rows, &compute.device)?))
    }

    fn pick(&self, rows: &Tensor) -> Result<Tensor> {
        rows.index_select(&self.0, 0)
    }
}

/// Keys and values of several passes, one behind the other.
fn joined<'a>(parts: impl Iterator<Item = &'a LayerKeys>) -> Result<LayerKeys> {
    let parts: Vec<&LayerKeys> = parts.collect();
    if let [only] = parts.as_slice() {
        return Ok((*only).clone());
    }
    let keys: Vec<&Tensor> = parts.iter().map(|part| &part.keys).collect();
    let values: Vec<&Tensor> = parts.iter().map(|part| &part.values).collect();
    Ok(LayerKeys { keys: Tensor::cat(&keys, 0)?, values: Tensor::cat(&values, 0)? })
}

/// Segments of single rows: what each row that is read sees.
fn reading(segments: &[Segment], read: &[usize]) -> Vec<Segment> {
    let single = |(at, &row): (usize, &usize)| {
        let segment = segments.iter().find(|segment| segment.queries.contains(&row))?;
        let mut keys: Vec<Range<usize>> = segment.keys.clone();
        if let (true, Some(own)) = (segment.causal, keys.last_mut()) {
            own.end = own.start + row - segment.queries.start + 1;
        }
        Some(Segment { queries: at..at + 1, keys, causal: false })
    };
    read.iter().enumerate().filter_map(single).collect()
}

impl Layer {
    fn load(scope: &Scope<'_>, config: &TextConfig) -> std::result::Result<Self, WeightError> {
        let (hidden, width) = (config.hidden_size, config.head_width());
        let (heads, key_heads) = (config.num_attention_heads, config.num_key_value_heads);
        let attention = scope.at("self_attn");
        Ok(Self {
            before_attention: RmsNorm::load(&scope.at("input_layernorm"), hidden, config.rms_norm_eps)?,
            queries: Linear::load(&attention.at("q_proj"), hidden, heads * width)?,
            keys: Linear::load(&attention.at("k_proj"), hidden, key_heads * width)?,
            values: Linear::load(&attention.at("v_proj"), hidden, key_heads * width)?,
            out: Linear::load_no_bias(&attention.at("o_proj"), heads * width, hidden)?,
            before_mlp: RmsNorm::load(&scope.at("post_attention_layernorm"), hidden, config.rms_norm_eps)?,
            mlp: Swiglu::load(&scope.at("mlp"), hidden, config.intermediate_size, false)?,
            heads,
            key_heads,
            width,
        })
    }

    fn keys_of(&self, normed: &Tensor, (cosines, sines): &(Tensor, Tensor)) -> Result<LayerKeys> {
        let shape = (normed.dim(0)?, self.key_heads, self.width);
        let keys = self.keys.forward(normed)?.reshape(shape)?;
        Ok(LayerKeys { keys: rotate(&keys, cosines, sines)?, values: self.values.forward(normed)?.reshape(shape)? })
    }

    /// What rows see, before the output matrix: normalised rows [rows, width] to [rows, heads · head width].
    fn attend(
        &self,
        normed: &Tensor,
        (cosines, sines): &(Tensor, Tensor),
        all: &LayerKeys,
        segments: &[Segment],
    ) -> Result<Tensor> {
        let queries = self.queries.forward(normed)?.reshape((normed.dim(0)?, self.heads, self.width))?;
        attend(&rotate(&queries, cosines, sines)?, &all.keys, &all.values, segments)
    }

    /// Adds what rows saw to what went in, and then what the feed-forward block makes of both.
    fn finish(&self, hidden: &Tensor, attended: &Tensor) -> Result<Tensor> {
        let hidden = in_place::sum(self.out.forward(attended)?, hidden)?;
        in_place::sum(self.mlp.forward(&self.before_mlp.forward(&hidden)?)?, &hidden)
    }
}
