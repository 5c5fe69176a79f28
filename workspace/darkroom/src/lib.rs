//! The embedded editor and reward: photographic edits in plain English, and how well they were done.

pub mod plan;
