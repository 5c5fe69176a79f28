//! The time that leases are counted in: since the machine booted. Nobody sets that clock, and it goes on while the machine sleeps.

use std::fs;

/// Milliseconds since the machine booted.
pub(super) fn now() -> i64 {
    let time = rustix::time::clock_gettime(CLOCK);
    time.tv_sec.saturating_mul(1000).saturating_add(time.tv_nsec / 1_000_000)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
const CLOCK: rustix::time::ClockId = rustix::time::ClockId::Boottime;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const CLOCK: rustix::time::ClockId = rustix::time::ClockId::Monotonic;

/// What tells this boot of the machine from all others. Empty where the system does not say; a lease then ends by its time
/// or with its worker.
pub(super) fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|id| id.trim().to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_on_and_the_boot_stays() {
        let (first, boot_then) = (now(), boot());
        assert!(first > 0 && now() >= first);
        assert_eq!(boot(), boot_then);
    }
}
