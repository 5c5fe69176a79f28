//! Search policies and objectives: pure decisions about what to try next and what to keep.
