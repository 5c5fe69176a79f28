//! Removing folders with all that is in them, however deep.

use std::ffi::{CStr, CString};
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, Dir, Mode, OFlags};
use rustix::io::Errno;

/// The most entries that one folder is cleared of: something that goes on writing is not kept up with for ever.
const MOST_ENTRIES: u64 = 10_000_000;

/// Removes a folder with all that is in it, however deep: `std::fs::remove_dir_all` needs stack and a descriptor for each
/// level, and the end of either is that of the process. What lies two levels down is moved up until nothing is left.
pub(crate) fn remove_tree(root: &Path) -> std::io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let top = rustix::fs::open(root, flags, Mode::empty())?;
    let (mut moved, mut seen) = (0_u64, 0_u64);
    loop {
        let mut is_empty = true;
        for name in names(&top)? {
            (is_empty, seen) = (false, seen + 1);
            let Err(error) = rustix::fs::unlinkat(&top, &name, AtFlags::empty()) else { continue };
            let Ok(folder) = rustix::fs::openat(&top, &name, flags, Mode::empty()) else { return Err(error.into()) };
            for below in names(&folder)? {
                seen += 1;
                if rustix::fs::unlinkat(&folder, &below, AtFlags::empty()).is_err() {
                    moved = move_up((&folder, &below), &top, moved)?;
                }
            }
            rustix::fs::unlinkat(&top, &name, AtFlags::REMOVEDIR)?;
        }
        if is_empty {
            return std::fs::remove_dir(root);
        }
        if seen > MOST_ENTRIES {
            return Err(std::io::Error::other("it holds too much"));
        }
    }
}

/// Moves a folder to a free name of the top; the number of that name.
fn move_up((folder, name): (&OwnedFd, &CStr), top: &OwnedFd, moved: u64) -> std::io::Result<u64> {
    for number in moved + 1..MOST_ENTRIES {
        match rustix::fs::renameat(folder, name, top, format!("moved-{number}")) {
            Ok(()) => return Ok(number),
            // The plugin may have made such a name itself.
            Err(Errno::EXIST | Errno::NOTEMPTY | Errno::NOTDIR) => {}
            Err(other) => return Err(other.into()),
        }
    }
    Err(std::io::Error::other("its folders cannot be moved"))
}

fn names(folder: &OwnedFd) -> std::io::Result<Vec<CString>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(folder)? {
        let name = entry?.file_name().to_owned();
        if !matches!(name.to_bytes(), b"." | b"..") {
            names.push(name);
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deep_folders_are_removed_in_little_room() {
        let parent = tempfile::tempdir().unwrap();
        let root = parent.path().join("root");
        std::fs::create_dir_all(root.join("moved-1")).unwrap();
        std::fs::write(root.join("moved-2"), b"").unwrap();
        std::fs::create_dir_all(root.join("moved-3/full")).unwrap();
        std::os::unix::fs::symlink(parent.path(), root.join("link")).unwrap();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let mut folder = rustix::fs::open(&root, flags, Mode::empty()).unwrap();
        for _ in 0..5000 {
            for name in ["deep", "beside"] {
                rustix::fs::mkdirat(&folder, name, Mode::RWXU).unwrap();
            }
            folder = rustix::fs::openat(&folder, "deep", flags, Mode::empty()).unwrap();
        }
        let removed = {
            let root = root.clone();
            let little = std::thread::Builder::new().stack_size(64 << 10);
            little.spawn(move || remove_tree(&root)).unwrap().join().unwrap()
        };
        removed.unwrap();
        assert!(!root.exists() && parent.path().exists());
    }
}
