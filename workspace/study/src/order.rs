//! The order of finite numbers, in which −0 and 0 are one.

use std::cmp::Ordering;

/// Ascending. `f64::total_cmp` puts −0 below 0, which are equal scores: adding 0 makes them the same number first.
pub(crate) fn ascending(left: f64, right: f64) -> Ordering {
    (left + 0.0).total_cmp(&(right + 0.0))
}
