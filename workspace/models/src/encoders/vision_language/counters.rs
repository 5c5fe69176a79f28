//! What was computed.

/// What was computed so far: of pictures by the vision tower, for whoever shares it, of prompts by one encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EncoderCounters {
    /// Pictures that went through the vision tower.
    pub pictures_computed: u64,
    /// Pictures whose features were there already.
    pub pictures_found: u64,
    /// Prompts that went through the decoder.
    pub prompts: u64,
}
