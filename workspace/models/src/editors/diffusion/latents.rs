//! The size of latents, and how a denoiser takes them.

use candle_core::{DType, Device, Result, Tensor};

/// The latents' size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Geometry {
    /// Channels.
    pub channels: usize,
    /// From top to bottom.
    pub rows: usize,
    /// From left to right.
    pub columns: usize,
}

impl Geometry {
    /// How many numbers the latents are.
    pub fn count(self) -> usize {
        self.channels * self.rows * self.columns
    }

    /// The dimensions in the order of noise: channels, rows, columns.
    pub fn dims(self) -> [usize; 3] {
        [self.channels, self.rows, self.columns]
    }

    /// Rows and columns of tokens, each a square of two by two latents. Rows and columns of latents are even.
    pub fn grid(self) -> (usize, usize) {
        (self.rows / 2, self.columns / 2)
    }

    /// How many such tokens there are.
    pub fn tokens(self) -> usize {
        self.grid().0 * self.grid().1
    }

    /// Latents of this size as a batch on a device: [batch, channels, rows, columns].
    pub(in crate::editors) fn batch(self, latents: &[&[f32]], device: &Device, dtype: DType) -> Result<Tensor> {
        let shape = (latents.len(), self.channels, self.rows, self.columns);
        Tensor::from_vec(latents.concat(), shape, &Device::Cpu)?.to_dtype(dtype)?.to_device(device)
    }
}

/// How a denoiser takes latents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// In the order of noise: [channels, rows, columns].
    Planes,
    /// Each square of two by two as one token, [rows / 2 · columns / 2, channels · 4]: of a token the channel changes slowest,
    /// then the row of the square, then its column.
    Tokens,
}

impl Layout {
    /// Planes [channels, rows, columns] as the denoiser takes them.
    pub fn arranged(self, planes: Vec<f32>, geometry: Geometry) -> Vec<f32> {
        match self {
            Self::Planes => planes,
            Self::Tokens => moved(&planes, geometry, |plane, token| (plane, token)),
        }
    }

    /// Planes [1, channels, rows, columns] on any device as a tensor on the processor, arranged.
    pub(in crate::editors) fn tensor(self, planes: &Tensor, geometry: Geometry) -> Result<Tensor> {
        Tensor::from_vec(self.arranged(numbers(planes)?, geometry), self.dims(geometry), &Device::Cpu)
    }

    /// The other way round.
    pub fn planes(self, arranged: Vec<f32>, geometry: Geometry) -> Vec<f32> {
        match self {
            Self::Planes => arranged,
            Self::Tokens => moved(&arranged, geometry, |plane, token| (token, plane)),
        }
    }

    /// The dimensions of arranged latents.
    pub fn dims(self, geometry: Geometry) -> Vec<usize> {
        match self {
            Self::Planes => geometry.dims().to_vec(),
            Self::Tokens => vec![geometry.tokens(), geometry.channels * 4],
        }
    }
}

/// The numbers of a tensor on any device and in any type, in their order.
pub(in crate::editors) fn numbers(tensor: &Tensor) -> Result<Vec<f32>> {
    tensor.to_device(&Device::Cpu)?.to_dtype(DType::F32)?.flatten_all()?.to_vec1()
}

/// Copies each number from its place in one order to that in the other; `ends` says which is which.
fn moved(numbers: &[f32], geometry: Geometry, ends: impl Fn(usize, usize) -> (usize, usize)) -> Vec<f32> {
    let Geometry { channels, rows, columns } = geometry;
    let mut out = vec![0.0; numbers.len()];
    for channel in 0..channels {
        for row in 0..rows {
            for column in 0..columns {
                let plane = (channel * rows + row) * columns + column;
                let token = (row / 2) * (columns / 2) + column / 2;
                let within = channel * 4 + (row % 2) * 2 + column % 2;
                let (from, to) = ends(plane, token * channels * 4 + within);
                out[to] = numbers[from];
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squares_become_tokens_and_come_back() {
        let geometry = Geometry { channels: 2, rows: 4, columns: 6 };
        let latents: Vec<f32> = (0..48).map(|value| value as f32).collect();
        let tokens = Layout::Tokens.arranged(latents.clone(), geometry);
        assert_eq!(tokens[..8], [0.0, 1.0, 6.0, 7.0, 24.0, 25.0, 30.0, 31.0]);
        assert_eq!(Layout::Tokens.dims(geometry), [6, 8]);
        assert_eq!(Layout::Tokens.planes(tokens, geometry), latents);
        assert_eq!(Layout::Planes.arranged(latents.clone(), geometry), latents);
    }
}
