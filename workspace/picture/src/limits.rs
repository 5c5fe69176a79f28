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
    /// 256 MiB, 32,768 pixels an edge, 120 megapixels: any camera's photograph, at 1.4 GB of working memory for the largest.
    fn default() -> Self {
        Self { bytes: 256 << 20, edge: 32_768, pixels: 120_000_000 }
    }
}
