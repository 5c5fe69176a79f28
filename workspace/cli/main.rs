//! The `editscale` program.

fn main() {}
