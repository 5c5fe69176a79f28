//! The transformer's blocks.

use candle_core::{Result, Tensor};

use crate::editors::flux::Store;
use crate::editors::qwen_image::QwenConfig;
use crate::editors::transformer::{
    DoubleBlock, DoubleRows, Owners, Projection, Stream, StreamRows, TurnedHeads, Turns,
};
use crate::layers::{Linear, Segment};
use crate::weights::WeightError;

/// What blocks need to know of a batch.
#[derive(Debug)]
pub(super) struct Rows {
    /// Of text rows.
    pub(super) text_owners: Owners,
    /// Of picture rows.
    pub(super) picture_owners: Owners,
    /// Which rows attend to which.
    pub(super) segments: Vec<Segment>,
    /// Rotations of text rows, [text rows, head width].
    pub(super) text_tables: Tensor,
    /// Rotations of picture rows, [picture rows, head width].
    pub(super) picture_tables: Tensor,
}

impl Rows {
    /// Of both streams.
    pub(super) fn streams(&self) -> DoubleRows<'_> {
        DoubleRows {
            text: StreamRows { owners: &self.text_owners, turns: (&self.text_tables, 0) },
            picture: StreamRows { owners: &self.picture_owners, turns: (&self.picture_tables, 0) },
            segments: &self.segments,
        }
    }
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

/// To queries, keys and values, each by itself.
#[derive(Debug)]
pub(super) struct Apart {
    queries: Linear,
    keys: Linear,
    values: Linear,
    /// Weights [head width] of the normalisations of queries and keys.
    query_norm: Tensor,
    key_norm: Tensor,
    heads: usize,
}

impl Projection for Apart {
    fn split(&self, modulated: Tensor, (tables, unturned): Turns<'_>) -> Result<[Tensor; 3]> {
        let turned = |layer: &Linear, norm: &Tensor| {
            TurnedHeads { column: 0, heads: self.heads, unturned }.of(&layer.forward(&modulated)?, norm, tables)
        };
        Ok([
            turned(&self.queries, &self.query_norm)?,
            turned(&self.keys, &self.key_norm)?,
            self.values.forward(&modulated)?,
        ])
    }
}

impl Stream<Apart> {
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
            projection: Apart {
                queries: attention(names.queries)?,
                keys: attention(names.keys)?,
                values: attention(names.values)?,
                query_norm: norm(names.query_norm)?,
                key_norm: norm(names.key_norm)?,
                heads: config.heads,
            },
            out: attention(names.out)?,
            up: layer(&format!("{prefix}_mlp.net.0.proj"), width, inner)?,
            down: layer(&format!("{prefix}_mlp.net.2"), inner, width)?,
            width,
        })
    }
}

impl DoubleBlock<Apart> {
    pub(super) fn load(store: &Store<'_>, at: usize, config: &QwenConfig) -> std::result::Result<Self, WeightError> {
        let block = format!("transformer_blocks.{at}");
        let stream = |names: &Names| Stream::load(store, &block, names, config);
        Ok(Self { text: stream(&TEXT)?, picture: stream(&PICTURE)? })
    }
}
