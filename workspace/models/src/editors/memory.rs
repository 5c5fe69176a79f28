//! How much memory this machine has to give, and what an error says when it is too little.

use std::fs;
use std::path::Path;

use candle_core::Device;
use editscale_core::{Failure, FailureKind};

use crate::editors::residency::Residency;
use crate::layers::Compute;
use crate::load::LoadError;
use crate::weights::{Checkpoint, Storage};

/// The bytes that can still be had without swapping, where the system tells: what the kernel holds available, or what
/// is left below a container's limit if that is less.
pub(super) fn available() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let machine = line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)?;
    Some(container().map_or(machine, |container| container.min(machine)))
}

/// What a container's limit leaves; page cache, which the kernel gives up under pressure, does not count as used.
fn container() -> Option<u64> {
    let read = |name: &str| fs::read_to_string(format!("/sys/fs/cgroup/{name}")).ok();
    let limit: u64 = read("memory.max")?.trim().parse().ok()?;
    let current: u64 = read("memory.current")?.trim().parse().ok()?;
    let stat = read("memory.stat")?;
    let cached = stat.lines().find_map(|line| line.strip_prefix("inactive_file ")).and_then(|it| it.parse().ok());
    Some(limit.saturating_sub(current.saturating_sub(cached.unwrap_or(0))))
}

/// Refuses work in the machine's own memory that takes more than it has left.
pub(super) fn check_room(needed: u64, device: &Device) -> Result<(), Failure> {
    room(needed, available().filter(|_| device.is_cpu()))
}

fn room(needed: u64, free: Option<u64>) -> Result<(), Failure> {
    match free {
        Some(free) if needed > free => {
            let (needed, free) = (gib(needed), gib(free));
            let message = format!(
                "a candidate of this size takes about {needed} of memory, and {free} are free: lower `max_pixels` in the recipe"
            );
            Err(Failure::new(FailureKind::Invalid, message))
        }
        _ => Ok(()),
    }
}

/// Bytes for people.
fn gib(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30))
}

/// The bytes that a component's weights take in memory if they are kept so, by the headers of its files.
pub fn weight_bytes(folder: &Path, stem: &str, kept: Storage) -> Result<u64, LoadError> {
    Ok(Checkpoint::open_stem(folder, stem, str::to_owned)?.kept_bytes(kept))
}

/// Refuses weights that take more bytes than what is free on the processor, before any are read. `parts` are bytes of
/// weights with where and how they would be kept; `helps` is what a user can do about it.
pub fn check_weights(folder: &Path, parts: &[(u64, &Compute)], helps: &str) -> Result<(), LoadError> {
    weights(folder, parts, available(), helps)
}

/// The same where `parts` are used one after the other: all are kept, or one at a time.
pub(super) fn check_turns(
    folder: &Path,
    residency: Residency,
    parts: &[(u64, &Compute)],
    helps: &str,
) -> Result<(), LoadError> {
    match residency {
        Residency::Together => check_weights(folder, parts, helps),
        Residency::InTurn => parts.iter().try_for_each(|part| check_weights(folder, std::slice::from_ref(part), helps)),
    }
}

fn weights(folder: &Path, parts: &[(u64, &Compute)], free: Option<u64>, helps: &str) -> Result<(), LoadError> {
    let here = || parts.iter().filter(|(_, compute)| compute.device.is_cpu());
    let needed: u64 = here().map(|(bytes, _)| *bytes).sum();
    let Some(free) = free.filter(|free| needed > *free) else { return Ok(()) };
    let form = match here().map(|(_, compute)| compute.kept).next() {
        Some(Storage::As(dtype)) => format!("in {}", dtype.as_str()),
        _ => "as stored".to_owned(),
    };
    let (needed, free) = (gib(needed), gib(free));
    let reason = format!("the weights take {needed} of memory {form}, and {free} are free: {helps}");
    Err(LoadError::content(folder, reason))
}

/// Whether a device has no memory left: less work at a time may succeed.
pub(super) fn is_out_of_memory(error: &candle_core::Error) -> bool {
    let text = error.to_string().to_lowercase();
    text.contains("out of memory") || text.contains("out_of_memory")
}

/// What an error of a device says, with what may help where memory ran out.
pub(super) fn explained(error: &candle_core::Error) -> String {
    let text = error.to_string();
    // Only the first line is for people; a trace may follow.
    let first = text.lines().next().unwrap_or_default();
    if is_out_of_memory(error) {
        return format!("the card's memory ran out ({first}): lower `activation_mib` or `max_pixels` in the recipe");
    }
    first.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_that_do_not_fit_are_refused_with_both_figures() {
        let (folder, gib) = (Path::new("kontext"), 1_u64 << 30);
        let wide = Compute::cpu();
        let stored = Compute { kept: Storage::Stored, ..Compute::cpu() };
        let check = |parts: &[(u64, &Compute)], free| weights(folder, parts, free, "use a card");
        assert!(check(&[(6 * gib, &wide), (2 * gib, &wide)], Some(8 * gib)).is_ok());
        assert!(check(&[(60 * gib, &wide)], None).is_ok(), "a system that does not tell is believed to have enough");
        let refused =
            check(&[(6 * gib, &wide), (2 * gib, &wide)], Some(8 * gib - 1)).map_err(|error| error.to_string());
        let expected = "kontext: the weights take 8.0 GiB of memory in f32, and 8.0 GiB are free: use a card";
        assert_eq!(refused, Err(expected.to_owned()));
        let refused = check(&[(32 * gib, &stored)], Some(16 * gib)).map_err(|error| error.to_string());
        assert!(refused.is_err_and(|error| error.contains("32.0 GiB of memory as stored, and 16.0 GiB")));
    }

    #[test]
    fn running_out_of_memory_names_the_settings() {
        let error = candle_core::Error::Msg("DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")".to_owned());
        assert!(explained(&error).contains("`activation_mib`"));
        assert_eq!(explained(&candle_core::Error::Msg("odd\ntrace".to_owned())), "odd");
        assert!(available().is_none_or(|bytes| bytes > 1 << 20));
        let refused = room(3 << 30, Some(2 << 30)).unwrap_err();
        assert!(refused.message.contains("3.0 GiB") && refused.message.contains("`max_pixels`"), "{refused}");
        assert!(room(3 << 30, None).is_ok() && room(1, Some(1)).is_ok());
    }
}
