//! The transformer's blocks.

use candle_core::{Result, Tensor};

use crate::editors::flux::FluxConfig;
use crate::editors::flux::store::Store;
use crate::editors::transformer::{
    DoubleBlock, DoubleRows, Modulation, Owners, Projection, Stream, StreamRows, TurnedHeads, Turns, beside_gelu,
};
use crate::layers::{Linear, Segment, attend};
use crate::weights::WeightError;

/// What blocks need to know of a batch.
#[derive(Debug)]
pub(super) struct Rows {
    /// Of text rows.
    pub(super) text_owners: Owners,
    /// Of picture rows.
    pub(super) picture_owners: Owners,
    /// Of all rows, text first.
    pub(super) owners: Owners,
    /// How many text rows there are.
    pub(super) text: usize,
    /// Which rows attend to which.
    pub(super) segments: Vec<Segment>,
    /// Rotations of picture rows, [picture rows, head width].
    pub(super) tables: Tensor,
    /// Rotations of text rows and of all rows, where texts have places.
    pub(super) placed: Option<[Tensor; 2]>,
}

impl Rows {
    /// Of both streams.
    pub(super) fn streams(&self) -> DoubleRows<'_> {
        DoubleRows {
            text: StreamRows { owners: &self.text_owners, turns: self.turns(0) },
            picture: StreamRows { owners: &self.picture_owners, turns: (&self.tables, 0) },
            segments: &self.segments,
        }
    }

    /// What turns text rows (0) or all rows (1): where texts have no places, all but text rows.
    fn turns(&self, which: usize) -> Turns<'_> {
        self.placed.as_ref().map_or((&self.tables, self.text), |placed| (&placed[which], 0))
    }
}

/// Weights [head width] of the normalisations of queries and keys.
#[derive(Debug)]
struct HeadNorms {
    query: Tensor,
    key: Tensor,
    heads: usize,
}

impl HeadNorms {
    fn load(store: &Store<'_>, name: &str, config: &FluxConfig) -> std::result::Result<Self, WeightError> {
        let width = config.head_width;
        Ok(Self {
            query: store.norm(&format!("{name}.query_norm"), width)?,
            key: store.norm(&format!("{name}.key_norm"), width)?,
            heads: config.heads,
        })
    }

    /// Out of the first columns of rows that hold all three: queries and keys [rows, heads, width], and values where they lie, [rows,
    /// heads · width].
    fn split(&self, fused: &Tensor, (tables, unturned): Turns<'_>) -> Result<[Tensor; 3]> {
        let width = self.heads * self.query.dim(0)?;
        let turned = |column| TurnedHeads { column, heads: self.heads, unturned };
        Ok([
            turned(0).of(fused, &self.query, tables)?,
            turned(width).of(fused, &self.key, tables)?,
            fused.narrow(1, 2 * width, width)?,
        ])
    }
}

/// To queries, keys and values at once.
#[derive(Debug)]
pub(super) struct Fused {
    layer: Linear,
    norms: HeadNorms,
}

impl Projection for Fused {
    fn split(&self, modulated: Tensor, turns: Turns<'_>) -> Result<[Tensor; 3]> {
        let fused = self.layer.forward(&modulated)?;
        drop(modulated);
        self.norms.split(&fused, turns)
    }
}

impl Stream<Fused> {
    fn load(store: &Store<'_>, name: &str, config: &FluxConfig) -> std::result::Result<Self, WeightError> {
        let (width, inner) = (config.width(), config.inner_width());
        Ok(Self {
            modulation: store.linear(&format!("{name}_mod.lin"), width, &[6 * width])?,
            projection: Fused {
                layer: store.linear(&format!("{name}_attn.qkv"), width, &[width; 3])?,
                norms: HeadNorms::load(store, &format!("{name}_attn.norm"), config)?,
            },
            out: store.linear(&format!("{name}_attn.proj"), width, &[width])?,
            up: store.linear(&format!("{name}_mlp.0"), width, &[inner])?,
            down: store.linear(&format!("{name}_mlp.2"), inner, &[width])?,
            width,
        })
    }
}

impl DoubleBlock<Fused> {
    pub(super) fn load(store: &Store<'_>, at: usize, config: &FluxConfig) -> std::result::Result<Self, WeightError> {
        let stream = |name: &str| Stream::load(store, &format!("double_blocks.{at}.{name}"), config);
        Ok(Self { text: stream("txt")?, picture: stream("img")? })
    }
}

/// A block in which all rows go through the same weights, attention and feed-forward part side by side.
#[derive(Debug)]
pub(super) struct SingleBlock {
    /// To shift, scale and gate.
    modulation: Linear,
    /// To queries, keys, values and the inner activations of the feed-forward part.
    first: Linear,
    norms: HeadNorms,
    /// From what attention found and the inner activations.
    second: Linear,
    width: usize,
}

impl SingleBlock {
    pub(super) fn load(store: &Store<'_>, at: usize, config: &FluxConfig) -> std::result::Result<Self, WeightError> {
        let (width, inner) = (config.width(), config.inner_width());
        let name = |part: &str| format!("single_blocks.{at}.{part}");
        Ok(Self {
            modulation: store.linear(&name("modulation.lin"), width, &[3 * width])?,
            first: store.linear(&name("linear1"), width, &[width, width, width, inner])?,
            norms: HeadNorms::load(store, &name("norm"), config)?,
            second: store.linear(&name("linear2"), width + inner, &[width])?,
            width,
        })
    }

    /// Maps rows [rows, width], text first.
    pub(super) fn forward(&self, all: &Tensor, condition: &Tensor, rows: &Rows) -> Result<Tensor> {
        let width = self.width;
        let values = self.modulation.forward(condition)?;
        let by = Modulation { values: &values, owners: &rows.owners };
        let fused = self.first.forward(&by.modulate(all, 0, width)?)?;
        let [queries, keys, values] = self.norms.split(&fused, rows.turns(1))?;
        let attended = attend(&queries, &keys, &values.reshape(keys.shape())?, &rows.segments)?;
        let update = self.second.forward(&beside_gelu(&attended, &fused, 3 * width)?)?;
        by.add_gated(all, &update, 2 * width)
    }
}
