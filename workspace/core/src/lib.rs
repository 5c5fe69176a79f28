//! The words of editscale and the ports between its crates.
