//! The one curve that soft decisions are made with.

/// 0 at `from` and before it, 1 at `to` and beyond it, smooth between (Hermite's cubic, level at both ends). `from` may lie above `to`.
pub(crate) fn rise(from: f32, to: f32, value: f32) -> f32 {
    let share = ((value - from) / (to - from)).clamp(0.0, 1.0);
    share * share * (3.0 - 2.0 * share)
}
