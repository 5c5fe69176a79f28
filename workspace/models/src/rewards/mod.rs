//! Reward models.

pub mod editreward;
