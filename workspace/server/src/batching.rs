//! Scorings of several callers in one call of a reward.
