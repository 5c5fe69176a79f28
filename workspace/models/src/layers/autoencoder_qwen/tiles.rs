//! Pictures in tiles that overlap, so that memory depends on a tile and not on the picture.

use candle_core::{DType, Result, Tensor, bail};

/// Tiles of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tiles {
    /// The side of a tile in latents, at least 2.
    side: usize,
    /// Latents from one tile to the next; the rest is shared by neighbours.
    stride: usize,
    /// Pixels of the side of a latent.
    factor: usize,
}

impl Tiles {
    /// Of so many pixels a side, of which a quarter is shared with a neighbour; no less than two latents.
    pub(super) fn of(pixels: usize, factor: usize) -> Self {
        let side = (pixels / factor).max(2);
        Self { side, stride: (side * 3 / 4).max(1), factor }
    }

    /// Pixels of a tile's side.
    pub(super) fn pixels(self) -> usize {
        self.side * self.factor
    }

    /// Whether latents of this size are larger than a tile.
    pub(super) fn cuts(self, height: usize, width: usize) -> bool {
        height.max(width) > self.side
    }

    /// What `decode` makes of latents [batch, channels, height, width], tile by tile. In what two tiles share, one fades into the
    /// other in a line.
    pub(super) fn decode(self, latents: &Tensor, decode: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
        let (_, _, height, width) = latents.dims4()?;
        let (mut above, mut rows): (Vec<Tensor>, Vec<Tensor>) = (Vec::new(), Vec::new());
        for top in (0..height).step_by(self.stride) {
            let mut row: Vec<Tensor> = Vec::new();
            for (at, left) in (0..width).step_by(self.stride).enumerate() {
                let part = latents.narrow(2, top, self.side.min(height - top))?;
                let tile = decode(&part.narrow(3, left, self.side.min(width - left))?.contiguous()?)?;
                let tile = self.faded(above.get(at), tile, 2)?;
                row.push(self.faded(row.last(), tile, 3)?);
            }
            rows.push(self.joined(&row, 3)?.narrow(3, 0, width * self.factor)?);
            above = row;
        }
        self.joined(&rows, 2)?.narrow(2, 0, height * self.factor)?.contiguous()
    }

    /// A tile that the one before it fades into along an axis.
    fn faded(self, before: Option<&Tensor>, tile: Tensor, axis: usize) -> Result<Tensor> {
        let Some(before) = before else { return Ok(tile) };
        let (own, theirs) = (tile.dim(axis)?, before.dim(axis)?);
        let shared = ((self.side - self.stride) * self.factor).min(own).min(theirs);
        if shared == 0 {
            return Ok(tile);
        }
        let ramp: Vec<f32> = (0..shared).map(|at| at as f32 / shared as f32).collect();
        let mut shape = [1; 4];
        shape[axis] = shared;
        let ramp = Tensor::from_vec(ramp, &shape, tile.device())?;
        let wide = |part: Tensor| part.to_dtype(DType::F32);
        let (from, to) = (wide(before.narrow(axis, theirs - shared, shared)?)?, wide(tile.narrow(axis, 0, shared)?)?);
        let mixed = (from.broadcast_mul(&(1.0 - &ramp)?)? + to.broadcast_mul(&ramp)?)?.to_dtype(tile.dtype())?;
        Tensor::cat(&[mixed, tile.narrow(axis, shared, own - shared)?], axis)
    }

    /// Tiles, or rows of them, beside each other: of each what it does not share with the next.
    fn joined(self, parts: &[Tensor], axis: usize) -> Result<Tensor> {
        let own = |part: &Tensor| part.narrow(axis, 0, part.dim(axis)?.min(self.stride * self.factor));
        match parts {
            [] => bail!("tiles of a picture without pixels"),
            parts => Tensor::cat(&parts.iter().map(own).collect::<Result<Vec<_>>>()?, axis),
        }
    }
}
