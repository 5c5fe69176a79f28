//! Parity with diffusers: the cases that `tests/parity/editors` makes.
