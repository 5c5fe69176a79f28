//! The transformer's blocks.

use candle_core::{Result, Tensor};

use crate::editors::flux::FluxConfig;
use crate::editors::flux::store::Store;
use crate::editors::transformer::{Modulation, Owners, TurnedHeads, beside_gelu};
use crate::layers::{Activation, Linear, Segment, attend};
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
    /// What turns text rows, and how many of them are not turned.
    fn of_text(&self) -> (&Tensor, usize) {
        self.placed.as_ref().map_or((&self.tables, self.text), |[text, _]| (text, 0))
    }

    /// The same for all rows.
    fn of_all(&self) -> (&Tensor, usize) {
        self.placed.as_ref().map_or((&self.tables, self.text), |[_, all]| (all, 0))
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
    fn split(&self, fused: &Tensor, tables: &Tensor, unturned: usize) -> Result<[Tensor; 3]> {
        let width = self.heads * self.query.dim(0)?;
        let turned = |column| TurnedHeads { column, heads: self.heads, unturned };
        Ok([
            turned(0).of(fused, &self.query, tables)?,
            turned(width).of(fused, &self.key, tables)?,
            fused.narrow(1, 2 * width, width)?,
        ])
    }
}

/// One of the two streams of a double block.
#[derive(Debug)]
struct Stream {
    /// To shift, scale and gate of attention, then those of the feed-forward part.
    modulation: Linear,
    /// To queries, keys and values.
    fused: Linear,
    norms: HeadNorms,
    out: Linear,
    up: Linear,
    down: Linear,
    width: usize,
}

impl Stream {
    fn load(store: &Store<'_>, name: &str, config: &FluxConfig) -> std::result::Result<Self, WeightError> {
        let (width, inner) = (config.width(), config.inner_width());
        Ok(Self {
            modulation: store.linear(&format!("{name}_mod.lin"), width, &[6 * width])?,
            fused: store.linear(&format!("{name}_attn.qkv"), width, &[width; 3])?,
            norms: HeadNorms::load(store, &format!("{name}_attn.norm"), config)?,
            out: store.linear(&format!("{name}_attn.proj"), width, &[width])?,
            up: store.linear(&format!("{name}_mlp.0"), width, &[inner])?,
            down: store.linear(&format!("{name}_mlp.2"), inner, &[width])?,
            width,
        })
    }

    /// Queries, keys and values of the stream's rows.
    fn split(&self, rows: &Tensor, by: Modulation<'_>, (tables, unturned): (&Tensor, usize)) -> Result<[Tensor; 3]> {
        let fused = self.fused.forward(&by.modulate(rows, 0, self.width)?)?;
        self.norms.split(&fused, tables, unturned)
    }

    /// Adds what attention found, and what the feed-forward part makes of the sum.
    fn finish(&self, rows: &Tensor, attended: &Tensor, by: Modulation<'_>) -> Result<Tensor> {
        let width = self.width;
        let rows = by.add_gated(rows, &self.out.forward(attended)?, 2 * width)?;
        let inner = Activation::GeluTanh.apply(&self.up.forward(&by.modulate(&rows, 3 * width, 4 * width)?)?)?;
        by.add_gated(&rows, &self.down.forward(&inner)?, 5 * width)
    }
}

/// A block in which text and picture have weights of their own and attend to each other.
#[derive(Debug)]
pub(super) struct DoubleBlock {
    text: Stream,
    picture: Stream,
}

impl DoubleBlock {
    pub(super) fn load(store: &Store<'_>, at: usize, config: &FluxConfig) -> std::result::Result<Self, WeightError> {
        let stream = |name: &str| Stream::load(store, &format!("double_blocks.{at}.{name}"), config);
        Ok(Self { text: stream("txt")?, picture: stream("img")? })
    }

    /// Maps text rows and picture rows, [rows, width] each. `condition` is what modulations are computed from.
    pub(super) fn forward(
        &self,
        text: &Tensor,
        picture: &Tensor,
        condition: &Tensor,
        rows: &Rows,
    ) -> Result<(Tensor, Tensor)> {
        let values = [self.text.modulation.forward(condition)?, self.picture.modulation.forward(condition)?];
        let by_text = Modulation { values: &values[0], owners: &rows.text_owners };
        let by_picture = Modulation { values: &values[1], owners: &rows.picture_owners };
        let ours = self.text.split(text, by_text, rows.of_text())?;
        let theirs = self.picture.split(picture, by_picture, (&rows.tables, 0))?;
        let both = |at: usize| Tensor::cat(&[&ours[at], &theirs[at]], 0);
        let keys = both(1)?;
        let attended = attend(&both(0)?, &keys, &both(2)?.reshape(keys.shape())?, &rows.segments)?;
        let found = (attended.narrow(0, 0, rows.text)?, attended.narrow(0, rows.text, picture.dim(0)?)?);
        Ok((self.text.finish(text, &found.0, by_text)?, self.picture.finish(picture, &found.1, by_picture)?))
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
        let (tables, unturned) = rows.of_all();
        let [queries, keys, values] = self.norms.split(&fused, tables, unturned)?;
        let attended = attend(&queries, &keys, &values.reshape(keys.shape())?, &rows.segments)?;
        let update = self.second.forward(&beside_gelu(&attended, &fused, 3 * width)?)?;
        by.add_gated(all, &update, 2 * width)
    }
}
