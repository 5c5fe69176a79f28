//! Processes that a check has brought about: found, measured, and ended.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};

/// The environment variable by which processes are known as those of a check.
pub(super) const MARK: &str = "EDITSCALE_CHECK";

/// The processes whose environment has this mark; none where the system does not show environments.
pub(super) fn marked(mark: &str) -> Vec<i32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let wanted = format!("{MARK}={mark}").into_bytes();
    let number = |entry: fs::DirEntry| entry.file_name().to_str()?.parse::<i32>().ok();
    let is_marked = |process: &i32| {
        let found = fs::read(format!("/proc/{process}/environ")).unwrap_or_default();
        found.split(|byte| *byte == 0).any(|variable| variable == wanted)
    };
    entries.filter_map(|entry| number(entry.ok()?)).filter(is_marked).collect()
}

/// The bytes that these processes hold in memory, where the system tells.
pub(super) fn resident(processes: &[i32]) -> Option<u64> {
    let of = |process: &i32| {
        let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    let kibibytes: Vec<u64> = processes.iter().filter_map(of).collect();
    (!kibibytes.is_empty()).then(|| kibibytes.iter().sum::<u64>() << 10)
}

/// Kills these processes.
pub(super) fn kill_all(processes: &[i32]) {
    processes.iter().filter_map(|process| Pid::from_raw(*process)).for_each(|process| {
        kill_process(process, Signal::KILL).ok();
    });
}
