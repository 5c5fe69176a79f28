//! Blocks of two streams: rows of texts and of pictures, each with weights of its own, that attend to each other.

use candle_core::{Result, Tensor};

use crate::editors::transformer::{Modulation, Owners};
use crate::layers::{Activation, Linear, Segment, attend};

/// What turns the rows of a stream: tables [turned rows, head width], and how many rows before those are not turned.
pub(in crate::editors) type Turns<'a> = (&'a Tensor, usize);

/// How a stream comes to what attention needs.
pub(in crate::editors) trait Projection {
    /// Of modulated rows [rows, width]: queries and keys [rows, heads, head width], normalised and turned, and values, which may
    /// have their heads side by side, [rows, heads · head width].
    fn split(&self, modulated: Tensor, turns: Turns<'_>) -> Result<[Tensor; 3]>;
}

/// One of the two streams.
#[derive(Debug)]
pub(in crate::editors) struct Stream<P> {
    /// To shift, scale and gate of attention, then those of the feed-forward part.
    pub(in crate::editors) modulation: Linear,
    /// To queries, keys and values.
    pub(in crate::editors) projection: P,
    pub(in crate::editors) out: Linear,
    pub(in crate::editors) up: Linear,
    pub(in crate::editors) down: Linear,
    /// Of its rows.
    pub(in crate::editors) width: usize,
}

/// What a block needs to know of the rows of a stream.
#[derive(Debug, Clone, Copy)]
pub(in crate::editors) struct StreamRows<'a> {
    pub(in crate::editors) owners: &'a Owners,
    pub(in crate::editors) turns: Turns<'a>,
}

/// A block in which texts and pictures have weights of their own and attend to each other.
#[derive(Debug)]
pub(in crate::editors) struct DoubleBlock<P> {
    pub(in crate::editors) text: Stream<P>,
    pub(in crate::editors) picture: Stream<P>,
}

/// What a block needs to know of a batch.
#[derive(Debug, Clone, Copy)]
pub(in crate::editors) struct DoubleRows<'a> {
    pub(in crate::editors) text: StreamRows<'a>,
    pub(in crate::editors) picture: StreamRows<'a>,
    /// Which rows attend to which.
    pub(in crate::editors) segments: &'a [Segment],
}

impl<P: Projection> Stream<P> {
    /// Queries, keys and values of the stream's rows.
    fn split(&self, rows: &Tensor, by: Modulation<'_>, turns: Turns<'_>) -> Result<[Tensor; 3]> {
        self.projection.split(by.modulate(rows, 0, self.width)?, turns)
    }

    /// Adds what attention found, and what the feed-forward part makes of the sum.
    fn finish(&self, rows: &Tensor, attended: &Tensor, by: Modulation<'_>) -> Result<Tensor> {
        let width = self.width;
        let rows = by.add_gated(rows, &self.out.forward(attended)?, 2 * width)?;
        let inner = Activation::GeluTanh.apply(&self.up.forward(&by.modulate(&rows, 3 * width, 4 * width)?)?)?;
        by.add_gated(&rows, &self.down.forward(&inner)?, 5 * width)
    }
}

impl<P: Projection> DoubleBlock<P> {
    /// Maps text rows and picture rows, [rows, width] each. `condition` is what modulations are computed from.
    pub(in crate::editors) fn forward(
        &self,
        (text, picture): (&Tensor, &Tensor),
        condition: &Tensor,
        rows: DoubleRows<'_>,
    ) -> Result<(Tensor, Tensor)> {
        let values = [self.text.modulation.forward(condition)?, self.picture.modulation.forward(condition)?];
        let by_text = Modulation { values: &values[0], owners: rows.text.owners };
        let by_picture = Modulation { values: &values[1], owners: rows.picture.owners };
        let ours = self.text.split(text, by_text, rows.text.turns)?;
        let theirs = self.picture.split(picture, by_picture, rows.picture.turns)?;
        let found = attend_both(&ours, &theirs, rows.segments)?;
        Ok((self.text.finish(text, &found.0, by_text)?, self.picture.finish(picture, &found.1, by_picture)?))
    }
}

/// What the rows of both streams find in all of them, of their queries, keys and values.
fn attend_both(text: &[Tensor; 3], picture: &[Tensor; 3], segments: &[Segment]) -> Result<(Tensor, Tensor)> {
    let both = |at: usize| Tensor::cat(&[&text[at], &picture[at]], 0);
    let keys = both(1)?;
    let found = attend(&both(0)?, &keys, &both(2)?.reshape(keys.shape())?, segments)?;
    let [above, below] = [text[0].dim(0)?, picture[0].dim(0)?];
    Ok((found.narrow(0, 0, above)?, found.narrow(0, above, below)?))
}
