//! Latents that are decoded in tiles that overlap, so that memory depends on a tile and not on the picture.
//!
//! Sides, what neighbours share, and how one fades into the other are those of diffusers 0.36.0 (`tiled_decode` of
//! `AutoencoderKL` and of `AutoencoderKLQwenImage`).

use candle_core::{DType, Result, Tensor, bail};

/// Tiles of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::layers) struct Tiles {
    /// The side of a tile in latents, at least 2.
    side: usize,
    /// Latents from one tile to the next; the rest is shared by neighbours.
    stride: usize,
    /// Pixels of the side of a latent.
    factor: usize,
}

impl Tiles {
    /// Of so many pixels a side, of which a quarter is shared with a neighbour; no less than two latents.
    pub(in crate::layers) fn of(pixels: usize, factor: usize) -> Self {
        let side = (pixels / factor).max(2);
        Self { side, stride: (side * 3 / 4).max(1), factor }
    }

    /// Pixels of a tile's side.
    fn pixels(self) -> usize {
        self.side * self.factor
    }

    /// Whether latents of this size are larger than a tile.
    pub(in crate::layers) fn cuts(self, height: usize, width: usize) -> bool {
        height.max(width) > self.side
    }

    /// The bytes of activations while a picture of so many pixels a side is decoded: those of the picture at once where it is no
    /// larger than a tile; else of one tile, beside the picture twice, in numbers of so many bytes.
    pub(in crate::layers) fn bytes(
        self,
        (height, width): (usize, usize),
        of_number: u64,
        at_once: impl Fn(usize, usize) -> u64,
    ) -> u64 {
        if !self.cuts(height / self.factor, width / self.factor) {
            return at_once(height, width);
        }
        let (side, picture) = (self.pixels(), 3 * 2 * of_number);
        let picture = (height as u64).saturating_mul(width as u64).saturating_mul(picture);
        at_once(side.min(height), side.min(width)).saturating_add(picture)
    }

    /// What `decode` makes of latents [batch, channels, height, width], tile by tile. In what two tiles share, one fades into the
    /// other in a line.
    pub(in crate::layers) fn decode(
        self,
        latents: &Tensor,
        decode: impl Fn(&Tensor) -> Result<Tensor>,
    ) -> Result<Tensor> {
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

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    fn latents(height: usize, width: usize) -> Tensor {
        let value = |at: usize| ((at * 37 + 11) % 101) as f32 / 50.0 - 1.0;
        let values: Vec<f32> = (0..height * width).map(value).collect();
        Tensor::from_vec(values, (1, 1, height, width), &Device::Cpu).unwrap()
    }

    /// A decoder that doubles a picture and sees so many latents around each.
    fn mean(latents: &Tensor, reach: usize) -> Result<Tensor> {
        let (_, _, height, width) = latents.dims4()?;
        let kernel = Tensor::ones((1, 1, 2 * reach + 1, 2 * reach + 1), DType::F32, latents.device())?;
        latents.conv2d(&kernel, reach, 1, 1, 1)?.upsample_nearest2d(2 * height, 2 * width)
    }

    /// The largest difference.
    fn apart(whole: &Tensor, tiled: &Tensor) -> f32 {
        (whole - tiled).unwrap().abs().unwrap().max_all().unwrap().to_scalar().unwrap()
    }

    #[test]
    fn tiles_of_a_decoder_that_sees_no_surroundings_are_the_whole() {
        for (height, width) in [(5, 5), (9, 4), (4, 17), (13, 11), (8, 8), (1, 30)] {
            for side in [2, 3, 4, 8] {
                let (latents, tiles) = (latents(height, width), Tiles::of(2 * side, 2));
                let tiled = tiles.decode(&latents, |tile| mean(tile, 0)).unwrap();
                let off = apart(&mean(&latents, 0).unwrap(), &tiled);
                assert!(off < 1e-6, "{height}x{width} in tiles of {side}: off by {off}");
            }
        }
    }

    /// What a tile hides from a decoder fades out before the tile ends: with a wider share, surroundings matter less.
    #[test]
    fn what_tiles_hide_is_bounded() {
        let latents = latents(24, 24);
        let whole = mean(&latents, 1).unwrap();
        let largest: f32 = whole.abs().unwrap().max_all().unwrap().to_scalar().unwrap();
        let off = |side: usize| {
            let tiled = Tiles::of(2 * side, 2).decode(&latents, |tile| mean(tile, 1)).unwrap();
            assert_eq!(tiled.dims(), whole.dims());
            apart(&whole, &tiled) / largest
        };
        let (narrow, wide) = (off(4), off(16));
        assert!(narrow > 0.1 && wide < narrow / 2.0, "{narrow} and {wide}");
    }

    #[test]
    fn no_tile_is_larger_than_its_side() {
        let sides = std::cell::RefCell::new(Vec::new());
        let tiles = Tiles::of(8, 2);
        let decode = |tile: &Tensor| {
            sides.borrow_mut().push((tile.dim(2)?, tile.dim(3)?));
            mean(tile, 0)
        };
        tiles.decode(&latents(11, 7), decode).unwrap();
        assert!(sides.borrow().iter().all(|&(height, width)| (1..=4).contains(&height) && (1..=4).contains(&width)));
        assert_eq!(sides.borrow().len(), 4 * 3);
    }
}
