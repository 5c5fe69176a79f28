//! Sizes of a convolution, and where its outputs look.

/// What one output pixel of a convolution looks at, and how far apart they look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kernel {
    /// Its side in pixels, at least one.
    pub side: usize,
    /// Pixels from one of its places to the next, at least one.
    pub stride: usize,
    /// Pixels of zeros put on the left, on the right, above and below.
    pub padding: [usize; 4],
}

impl Kernel {
    /// Three pixels wide; pictures keep their size.
    pub const THREE: Self = Self { side: 3, stride: 1, padding: [1; 4] };

    /// Each pixel by itself.
    pub const POINT: Self = Self { side: 1, stride: 1, padding: [0; 4] };
}

/// A convolution's sizes, each at least one but for the padding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Geometry {
    /// Channels of its pictures.
    pub(super) inputs: usize,
    /// Channels of what it makes.
    pub(super) outputs: usize,
    /// Side of the kernel in pixels.
    pub(super) kernel: usize,
    /// Pixels from one place of the kernel to the next.
    pub(super) stride: usize,
    /// Pixels of zeros put on the left, on the right, above and below.
    pub(super) padding: [usize; 4],
}

impl Geometry {
    /// Height and width of what comes of pictures of a size; none where the kernel does not fit or a size is too large.
    pub(super) fn output(&self, height: usize, width: usize) -> Option<(usize, usize)> {
        let [left, right, top, bottom] = self.padding;
        let along = |size: usize, before: usize, after: usize| {
            let padded = size.checked_add(before)?.checked_add(after)?;
            Some(padded.checked_sub(self.kernel)? / self.stride + 1)
        };
        Some((along(height, top, bottom)?, along(width, left, right)?))
    }

    /// Whether an output pixel is made of the one input pixel at its place.
    pub(super) fn is_pointwise(&self) -> bool {
        self.kernel == 1 && self.stride == 1 && self.padding == [0; 4]
    }

    /// Weights of one input channel for one output channel.
    pub(super) fn taps(&self) -> usize {
        self.kernel * self.kernel
    }
}
