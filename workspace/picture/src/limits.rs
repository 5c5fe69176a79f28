//! How large a picture may be.

/// Bounds that are checked against what a file declares, before anything is allocated for its pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the encoded file.
    pub bytes: u64,
    /// Pixels from left to right, and from top to bottom.
    pub edge: u32,
    /// Pixels in all.
    pub pixels: u64,
}

impl Default for Limits {
    /// 256 MiB, 32,768 pixels an edge, 120 megapixels: any camera's photograph. Decoded, the
    /// largest takes 1.4 GB; editing it takes about 80 bytes a pixel at its height, 9 GB.
    fn default() -> Self {
        Self { bytes: 256 << 20, edge: 32_768, pixels: 120_000_000 }
    }
}
