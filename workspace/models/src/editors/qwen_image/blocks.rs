//! The transformer's blocks.

use candle_core::{Result, Tensor};

use crate::editors::flux::Store;
use crate::editors::qwen_image::QwenConfig;
use crate::editors::transformer::{Modulation, Owners, TurnedHeads};
use crate::layers::{Activation, Linear, Segment, attend};
use crate::weights::WeightError;

/// What blocks need to know of a batch.
#[derive(Debug)]
pub(super) struct Rows {
    /// Of text rows.
    pub(super) text_owners: Owners,
    /// Of picture rows.
    pub(super) picture_owners: Owners,
    /// How many text rows there are.
    pub(super) text: usize,
    /// Which rows attend to which.
    pub(super) segments: Vec<Segment>,
    /// Rotations of text rows, [text rows, head width].
    pub(super) text_tables: Tensor,
    /// Rotations of picture rows, [picture rows, head width].
    pub(super) picture_tables: Tensor,
}

/// What the layers of a stream are called.
struct Names {
    /// Of modulation and feed-forward part.
    prefix: &'static str,
    queries: &'static str,
    keys: &'static str,
    values: &'static str,
    query_norm: &'static str,
    key_norm: &'static str,
    out: &'static str,
}

const PICTURE: Names = Names {
    prefix: "img",
    queries: "to_q",
    keys: "to_k",
    values: "to_v",
    query_norm: "norm_q",
    key_norm: "norm_k",
    out: "to_out.0",
};

const TEXT: Names = Names {
    prefix: "txt",
    queries: "add_q_proj",
    keys: "add_k_proj",
    values: "add_v_proj",
    query_norm: "norm_added_q",
    key_norm: "norm_added_k",
    out: "to_add_out",
};

/// One of the two streams.
#[derive(Debug)]
struct Stream {
    /// To shift, scale and gate of attention, then those of the feed-forward part.
    modulation: Linear,
    queries: Linear,
    keys: Linear,
    values: Linear,
    /// Weights [head width] of the normalisations of queries and keys.
    query_norm: Tensor,
    key_norm: Tensor,
    out: Linear,
    up: Linear,
    down: Linear,
    width: usize,
    heads: usize,
}

impl Stream {
    fn load(
        store: &Store<'_>,
        block: &str,
        names: &Names,
        config: &QwenConfig,
    ) -> std::result::Result<Self, WeightError> {
        let (width, inner, prefix) = (config.width(), config.inner_width(), names.prefix);
        let layer =
            |name: &str, inputs: usize, outputs: usize| store.linear(&format!("{block}.{name}"), inputs, &[outputs]);
        let attention = |name: &str| layer(&format!("attn.{name}"), width, width);
        let norm = |name: &str| store.norm(&format!("{block}.attn.{name}"), config.head_width);
        Ok(Self {
            modulation: layer(&format!("{prefix}_mod.1"), width, 6 * width)?,
            queries: attention(names.queries)?,
            keys: attention(names.keys)?,
            values: attention(names.values)?,
            query_norm: norm(names.query_norm)?,
            key_norm: norm(names.key_norm)?,
            out: attention(names.out)?,
            up: layer(&format!("{prefix}_mlp.net.0.proj"), width, inner)?,
            down: layer(&format!("{prefix}_mlp.net.2"), inner, width)?,
            width,
            heads: config.heads,
        })
    }

    /// Queries, keys and values of the stream's rows, [rows, heads, head width] each.
    fn split(&self, rows: &Tensor, by: Modulation<'_>, tables: &Tensor) -> Result<[Tensor; 3]> {
        let modulated = by.modulate(rows, 0, self.width)?;
        let turned = |layer: &Linear, norm: &Tensor| {
            TurnedHeads { column: 0, heads: self.heads, unturned: 0 }.of(&layer.forward(&modulated)?, norm, tables)
        };
        let keys = turned(&self.keys, &self.key_norm)?;
        let values = self.values.forward(&modulated)?.reshape(keys.shape())?;
        Ok([turned(&self.queries, &self.query_norm)?, keys, values])
    }

    /// Adds what attention found, and what the feed-forward part makes of the sum.
    fn finish(&self, rows: &Tensor, attended: &Tensor, by: Modulation<'_>) -> Result<Tensor> {
        let width = self.width;
        let rows = by.add_gated(rows, &self.out.forward(attended)?, 2 * width)?;
        let inner = self.up.forward(&by.modulate(&rows, 3 * width, 4 * width)?)?;
        by.add_gated(&rows, &self.down.forward(&Activation::GeluTanh.apply(&inner)?)?, 5 * width)
    }
}

/// A block in which text and pictures have weights of their own and attend to each other.
#[derive(Debug)]
pub(super) struct Block {
    text: Stream,
    picture: Stream,
}

impl Block {
    pub(super) fn load(store: &Store<'_>, at: usize, config: &QwenConfig) -> std::result::Result<Self, WeightError> {
        let block = format!("transformer_blocks.{at}");
        let stream = |names: &Names| Stream::load(store, &block, names, config);
        Ok(Self { text: stream(&TEXT)?, picture: stream(&PICTURE)? })
    }

    /// Maps text rows and picture rows, [rows, width] each. `condition` is what modulations are computed from.
    pub(super) fn forward(
        &self,
        (text, picture): (&Tensor, &Tensor),
        condition: &Tensor,
        rows: &Rows,
    ) -> Result<(Tensor, Tensor)> {
        let values = [self.text.modulation.forward(condition)?, self.picture.modulation.forward(condition)?];
        let by_text = Modulation { values: &values[0], owners: &rows.text_owners };
        let by_picture = Modulation { values: &values[1], owners: &rows.picture_owners };
        let ours = self.text.split(text, by_text, &rows.text_tables)?;
        let theirs = self.picture.split(picture, by_picture, &rows.picture_tables)?;
        let both = |at: usize| Tensor::cat(&[&ours[at], &theirs[at]], 0);
        let attended = attend(&both(0)?, &both(1)?, &both(2)?, &rows.segments)?;
        let found = (attended.narrow(0, 0, rows.text)?, attended.narrow(0, rows.text, picture.dim(0)?)?);
        Ok((self.text.finish(text, &found.0, by_text)?, self.picture.finish(picture, &found.1, by_picture)?))
    }
}
