//! Patches of a picture, as Qwen2-VL's processor cuts them.

use editscale_picture::Rgb8;

use crate::layers::qwen25_vl::Grid;
use crate::pictures::Size;

/// How pictures are cut into patches, and how their values are normalised.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Patching {
    /// Edge of a patch in pixels.
    pub edge: usize,
    /// Edge of a merged token in patches.
    pub merge: usize,
    /// Frames of a patch; a picture is repeated to fill them.
    pub frames: usize,
    /// Mean of each channel, of values from 0 to 1.
    pub mean: [f32; 3],
    /// Deviation of each channel, of values from 0 to 1.
    pub std: [f32; 3],
}

impl Patching {
    /// What sides of pictures are multiples of: the edge of a merged token in pixels.
    pub fn multiple(&self) -> usize {
        self.edge * self.merge
    }

    /// The patches of a picture of a size.
    pub fn grid(&self, size: Size) -> Grid {
        Grid { rows: size.height / self.edge, columns: size.width / self.edge }
    }

    /// The patches of a picture whose sides are multiples of [`Self::multiple`]: [patches, 3 · frames · edge · edge], row by
    /// row. Patches of one merged token follow each other; within a patch come channels, then frames (all the same), then
    /// pixels. Values are normalised as the reference does it, in single precision.
    pub fn patches(&self, picture: &Rgb8) -> Vec<f32> {
        let Self { edge, merge, frames, .. } = *self;
        let grid = self.grid(Size { height: picture.height, width: picture.width });
        let normal = self.normal();
        let mut out = Vec::with_capacity(grid.patches() * 3 * frames * edge * edge);
        for (row, column) in grid.places(merge) {
            let (top, left) = (row as usize * edge, column as usize * edge);
            for (channel, normal) in normal.iter().enumerate() {
                for _ in 0..frames {
                    for y in top..top + edge {
                        let from = (y * picture.width + left) * 3;
                        let pixels = picture.data[from..from + edge * 3].chunks_exact(3);
                        out.extend(pixels.map(|pixel| normal[pixel[channel] as usize]));
                    }
                }
            }
        }
        out
    }

    /// What each of 256 values becomes, by channel.
    fn normal(&self) -> [[f32; 256]; 3] {
        std::array::from_fn(|channel| {
            // The reference folds the division by 255 into mean and deviation.
            let (mean, std) = (self.mean[channel] * 255.0, self.std[channel] * 255.0);
            std::array::from_fn(|value| (value as f32 - mean) / std)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patches_come_channel_by_channel_and_frame_by_frame() {
        // Red holds the column, green the row.
        let data = (0..4_u8).flat_map(|y| (0..4_u8).flat_map(move |x| [x, y, 9])).collect();
        let picture = Rgb8 { width: 4, height: 4, data };
        let patching = Patching { edge: 2, merge: 2, frames: 2, mean: [0.0; 3], std: [1.0 / 255.0; 3] };
        let found = patching.patches(&picture);
        let first = [0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0];
        assert_eq!(found.len(), 4 * 24);
        assert_eq!(found[..16], first);
        // The second patch lies right of the first, the third below it.
        assert_eq!(found[24..26], [2.0, 3.0]);
        assert_eq!(found[2 * 24 + 8..2 * 24 + 10], [2.0, 2.0]);
    }
}
