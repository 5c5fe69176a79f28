//! What a plugin's processes have in use together, where the system tells it.

/// Whether this system tells what a group of processes has in use.
pub(crate) const IS_TOLD: bool = cfg!(target_os = "linux");

/// The resident memory of all processes of a group, in bytes. Pages that several share count for each.
pub(crate) fn resident(group: i32) -> Option<u64> {
    let pages: u64 = std::fs::read_dir("/proc").ok()?.flatten().filter_map(|entry| pages_of(&entry, group)).sum();
    Some(pages.saturating_mul(rustix::param::page_size() as u64))
}

fn pages_of(entry: &std::fs::DirEntry, group: i32) -> Option<u64> {
    let name = entry.file_name();
    let number = name.to_str().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))?;
    pages_in(&std::fs::read_to_string(format!("/proc/{number}/stat")).ok()?, group)
}

/// The fields after the name, which may hold anything and ends at the last parenthesis: state, parent, group, … and the
/// resident pages as the twenty-second.
fn pages_in(stat: &str, group: i32) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let found: i32 = fields.nth(2)?.parse().ok()?;
    if found != group {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_and_its_pages_are_read() {
        let stat = "42 (a) b) S 1 7 7 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 100 9000 321 18446744073709551615 1 1";
        assert_eq!((pages_in(stat, 7), pages_in(stat, 8), pages_in("", 7)), (Some(321), None, None));
        #[cfg(target_os = "linux")]
        {
            let own = rustix::process::getpgrp().as_raw_nonzero().get();
            assert!(resident(own).unwrap() > 100 << 10);
        }
    }
}
