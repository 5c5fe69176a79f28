//! Patches of a picture in the order that Qwen2-VL's processor gives them.

use editscale_picture::Rgb8;

/// The patches of a picture whose sides are multiples of `patch · merge`: [patches, 3 · frames · patch · patch], row by
/// row. Patches of one merged token follow each other; within a patch come channels, then frames (all the same), then
/// pixels. Values are normalised by `mean` and `std` of the channels as the reference does, in single precision.
pub fn patches(picture: &Rgb8, patch: usize, merge: usize, frames: usize, mean: [f32; 3], std: [f32; 3]) -> Vec<f32> {
    let grid = crate::layers::qwen25_vl::Grid { rows: picture.height / patch, columns: picture.width / patch };
    // The reference folds the division by 255 into mean and deviation.
    let normal: Vec<[f32; 256]> = (0..3)
        .map(|channel| {
            let (mean, std) = (mean[channel] * 255.0, std[channel] * 255.0);
            std::array::from_fn(|value| (value as f32 - mean) / std)
        })
        .collect();
    let mut out = Vec::with_capacity(grid.patches() * 3 * frames * patch * patch);
    for (row, column) in grid.places(merge) {
        let (top, left) = (row as usize * patch, column as usize * patch);
        for (channel, normal) in normal.iter().enumerate() {
            for _ in 0..frames {
                for y in top..top + patch {
                    let from = (y * picture.width + left) * 3;
                    let pixels = picture.data[from..from + patch * 3].chunks_exact(3);
                    out.extend(pixels.map(|pixel| normal[pixel[channel] as usize]));
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patches_come_channel_by_channel_and_frame_by_frame() {
        // Red holds the column, green the row.
        let data = (0..4_u8).flat_map(|y| (0..4_u8).flat_map(move |x| [x, y, 9])).collect();
        let picture = Rgb8 { width: 4, height: 4, data };
        let found = patches(&picture, 2, 2, 2, [0.0; 3], [1.0 / 255.0; 3]);
        let first = [0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0];
        assert_eq!(found.len(), 4 * 24);
        assert_eq!(found[..16], first);
        // The second patch lies right of the first, the third below it.
        assert_eq!(found[24..26], [2.0, 3.0]);
        assert_eq!(found[2 * 24 + 8..2 * 24 + 10], [2.0, 2.0]);
    }
}
