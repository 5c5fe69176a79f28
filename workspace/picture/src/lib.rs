//! Bytes to checked pixels and back: safe decoding, orientation, colour profiles, metadata.
