//! The spool: a folder of one session for pictures and numbers that are too long for a message.
//!
//! The host writes below `host/`, the plugin below `plugin/`; the host removes what is in either, and the whole folder when
//! the session ends. It lies in memory where there is room, otherwise among the temporary files. A lock says that its host
//! is alive: folders whose host is not are swept by the next one.

use std::fs::{DirBuilder, File, TryLockError};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use editscale_sdk::protocol::FilePlace;
use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use thiserror::Error;

use crate::tree::remove_tree;

/// How the names of all spools begin.
const PREFIX: &str = "editscale-spool-";

const LOCK: &str = "lock";
const HOST: &str = "host";
const PLUGIN: &str = "plugin";

/// Memory is used for a spool where at least this much of it is free.
const ROOM: u64 = 512 << 20;

/// A folder without a lock that is this old is nobody's.
const SETTLED: Duration = Duration::from_secs(120);

/// How often a process looks for folders that are nobody's.
const SWEEP_EVERY: Duration = Duration::from_secs(600);

/// The longest file that is taken from a plugin.
const LONGEST_FILE: u64 = 4 << 30;

/// The deepest that a plugin's file lies below its folder.
const DEEPEST: usize = 8;

/// What is wrong with the spool or a file of it.
#[derive(Debug, Error)]
pub(crate) enum SpoolError {
    /// No folder could be made.
    #[error("cannot make a folder for the plugin's pictures in {place}: {source}")]
    Make { place: String, source: std::io::Error },
    /// A file of the host could not be written.
    #[error("cannot write a picture for the plugin: {0}")]
    Write(std::io::Error),
    /// Not a file of this spool.
    #[error("the file `{path}` is not to be had: {reason}")]
    NotOurs { path: String, reason: String },
    /// Not the bytes that were promised.
    #[error("the file `{path}` {reason}")]
    OtherBytes { path: String, reason: String },
}

/// The folder of a session. It is removed when this is dropped.
#[derive(Debug)]
pub(crate) struct Spool {
    root: PathBuf,
    /// The plugin's part, open: whatever is renamed meanwhile, this is where its files are looked for.
    plugin: OwnedFd,
    count: AtomicU64,
    _lock: File,
}

/// A file that the host wrote. It is removed when this is dropped.
#[derive(Debug)]
pub(crate) struct Written {
    path: PathBuf,
    /// What the plugin is told.
    pub(crate) place: FilePlace,
}

impl Drop for Written {
    fn drop(&mut self) {
        // It may be gone together with the folder.
        std::fs::remove_file(&self.path).ok();
    }
}

impl Spool {
    /// Makes one, in memory where there is room.
    pub(crate) fn make() -> Result<Self, SpoolError> {
        let parents = parents();
        if is_time_to_sweep() {
            parents.iter().for_each(|parent| sweep(parent));
        }
        let mut last = None;
        for parent in parents {
            match Self::make_in(&parent) {
                Ok(spool) => return Ok(spool),
                Err(source) => last = Some(SpoolError::Make { place: parent.display().to_string(), source }),
            }
        }
        let nowhere = || std::io::Error::other("there is no folder for temporary files");
        Err(last.unwrap_or_else(|| SpoolError::Make { place: "no folder".into(), source: nowhere() }))
    }

    fn make_in(parent: &Path) -> std::io::Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let parent = parent.canonicalize()?;
        let nanos = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.subsec_nanos());
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let root = parent.join(format!("{PREFIX}{}-{count}-{nanos:08x}", std::process::id()));
        let mut builder = DirBuilder::new();
        builder.mode(0o700).create(&root)?;
        let filled = Self::fill(&root);
        if filled.is_err() {
            remove_tree(&root).ok();
        }
        filled
    }

    fn fill(root: &Path) -> std::io::Result<Self> {
        let lock = File::create_new(root.join(LOCK))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::Error(error) => error,
            TryLockError::WouldBlock => std::io::ErrorKind::WouldBlock.into(),
        })?;
        for part in [HOST, PLUGIN] {
            DirBuilder::new().mode(0o700).create(root.join(part))?;
        }
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let plugin = rustix::fs::open(root.join(PLUGIN), flags, Mode::empty())?;
        Ok(Self { root: root.to_owned(), plugin, count: AtomicU64::new(0), _lock: lock })
    }

    /// Its path.
    pub(crate) fn path(&self) -> &Path {
        &self.root
    }

    /// A name that no other start of a plugin has.
    pub(crate) fn name(&self) -> String {
        let name = self.root.file_name().map(|name| name.to_string_lossy().into_owned());
        name.unwrap_or_default().trim_start_matches(PREFIX).to_owned()
    }

    /// Writes a file for the plugin.
    pub(crate) fn write(&self, bytes: &[u8], extension: &str) -> Result<Written, SpoolError> {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let path = self.root.join(HOST).join(format!("{number}.{extension}"));
        let beside = self.root.join(HOST).join(format!("{number}.part"));
        let write = || {
            File::create_new(&beside)?.write_all(bytes)?;
            std::fs::rename(&beside, &path)
        };
        if let Err(error) = write() {
            std::fs::remove_file(&beside).ok();
            return Err(SpoolError::Write(error));
        }
        let place = FilePlace::of(path.to_string_lossy(), bytes);
        Ok(Written { path, place })
    }

    /// Takes a file that the plugin wrote: its bytes, after which it is removed. Only a regular file below the plugin's own
    /// folder is read, and only if it holds what was promised.
    pub(crate) fn take(&self, place: &FilePlace) -> Result<Vec<u8>, SpoolError> {
        let shown = || place.path.chars().take(200).collect::<String>();
        let not_ours = |reason: String| SpoolError::NotOurs { path: shown(), reason };
        let (folder, name) = self.find(&place.path).map_err(not_ours)?;
        let bytes = read(&folder, &name, place.length);
        // Whatever it is, it is not wanted any more. A folder is left to the end of the session.
        rustix::fs::unlinkat(&folder, &name, AtFlags::empty()).ok();
        let bytes = bytes.map_err(not_ours)?;
        place.check(&bytes).map_err(|reason| SpoolError::OtherBytes { path: shown(), reason })?;
        Ok(bytes)
    }

    /// Removes a file that nobody wants, unread.
    pub(crate) fn discard(&self, place: &FilePlace) {
        if let Ok((folder, name)) = self.find(&place.path) {
            rustix::fs::unlinkat(&folder, &name, AtFlags::empty()).ok();
        }
    }

    /// The folder that a file lies in, reached without following a link, and its name there.
    fn find(&self, path: &str) -> Result<(OwnedFd, PathBuf), String> {
        let own = self.root.join(PLUGIN);
        let below = Path::new(path).strip_prefix(&own);
        let below = below.map_err(|_| format!("expected a path below {}", own.display()))?;
        let mut names = Vec::new();
        for component in below.components() {
            match component {
                Component::Normal(name) => names.push(PathBuf::from(name)),
                _ => return Err("expected a path without `..`".into()),
            }
        }
        let name = names.pop().ok_or("expected the path of a file, found that of the folder")?;
        if names.len() > DEEPEST {
            return Err(format!("expected at most {DEEPEST} folders, found {}", names.len()));
        }
        let mut folder = self.plugin.try_clone().map_err(|error| error.to_string())?;
        for name in names {
            let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            folder = rustix::fs::openat(&folder, &name, flags, Mode::empty()).map_err(|error| error.to_string())?;
        }
        Ok((folder, name))
    }

    /// Removes what the plugin has left behind so long ago. What is younger may belong to work, or just be read.
    pub(crate) fn tidy(&self, age: Duration) {
        let Ok(entries) = std::fs::read_dir(self.root.join(PLUGIN)) else { return };
        let is_old = |metadata: std::fs::Metadata| metadata.modified().ok()?.elapsed().ok().map(|since| since >= age);
        for entry in entries.flatten() {
            let Ok(metadata) = entry.metadata() else { continue };
            let (is_folder, path) = (metadata.is_dir(), entry.path());
            if is_old(metadata) == Some(true) {
                // What cannot be removed goes with the whole folder.
                if is_folder { remove_tree(&path) } else { std::fs::remove_file(path) }.ok();
            }
        }
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        if let Err(error) = remove_tree(&self.root) {
            tracing::warn!("cannot remove the plugin's folder {}: {error}", self.root.display());
        }
    }
}

fn read(folder: &OwnedFd, name: &Path, length: u64) -> Result<Vec<u8>, String> {
    if length > LONGEST_FILE {
        return Err(format!("expected at most {LONGEST_FILE} bytes, found {length}"));
    }
    // Without `NONBLOCK` a FIFO would be waited for.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::openat(folder, name, flags, Mode::empty());
    let file = file.map_err(|error| match error {
        rustix::io::Errno::LOOP | rustix::io::Errno::MLINK => "expected a regular file, found a link".into(),
        other => other.to_string(),
    })?;
    let stat = rustix::fs::fstat(&file).map_err(|error| error.to_string())?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile if stat.st_nlink == 1 => {}
        FileType::RegularFile => return Err("expected a file with one name, found several links to it".into()),
        other => return Err(format!("expected a regular file, found {}", named(other))),
    }
    let found = u64::try_from(stat.st_size).unwrap_or(0);
    if found != length {
        return Err(format!("it holds {found} bytes: expected {length}"));
    }
    let mut bytes = Vec::with_capacity(length as usize);
    File::from(file).take(length.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    Ok(bytes)
}

fn named(kind: FileType) -> &'static str {
    match kind {
        FileType::Directory => "a folder",
        FileType::Fifo => "a FIFO",
        FileType::Socket => "a socket",
        FileType::CharacterDevice | FileType::BlockDevice => "a device",
        _ => "something else",
    }
}

/// Where spools may lie, the best place first.
fn parents() -> Vec<PathBuf> {
    let memory = PathBuf::from("/dev/shm");
    let has_room = rustix::fs::statvfs(&memory).is_ok_and(|of| of.f_bavail.saturating_mul(of.f_frsize) >= ROOM);
    let memory = Some(memory).filter(|path| has_room && path.is_dir());
    memory.into_iter().chain([std::env::temp_dir()]).collect()
}

/// Whether this process has not swept for a while: folders of temporary files are long to read.
fn is_time_to_sweep() -> bool {
    static LAST: Mutex<Option<Instant>> = Mutex::new(None);
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    let is_time = last.is_none_or(|last| last.elapsed() >= SWEEP_EVERY);
    if is_time {
        *last = Some(Instant::now());
    }
    is_time
}

/// Removes folders of this user's hosts that are dead.
fn sweep(parent: &Path) {
    let Ok(entries) = std::fs::read_dir(parent) else { return };
    let own = rustix::process::geteuid().as_raw();
    for entry in entries.flatten() {
        let is_spool = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        let is_own = entry.metadata().is_ok_and(|metadata| metadata.is_dir() && metadata.uid() == own);
        if is_spool && is_own && is_dead(&entry.path()) {
            remove_tree(&entry.path()).ok();
        }
    }
}

/// Whether nobody holds its lock. A folder that is being made has none yet.
fn is_dead(root: &Path) -> bool {
    let age = |metadata: std::fs::Metadata| metadata.modified().ok()?.elapsed().ok();
    let is_settled = || std::fs::symlink_metadata(root).ok().and_then(age).is_some_and(|age| age > SETTLED);
    // A plugin may have put anything there: without `NONBLOCK` a FIFO would be waited for.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    match rustix::fs::open(root.join(LOCK), flags, Mode::empty()) {
        // The moment between the making of the file and its lock is a settled folder's no more.
        Ok(lock) => File::from(lock).try_lock().is_ok() && is_settled(),
        Err(_) => is_settled(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(spool: &Spool, name: &str, bytes: &[u8]) -> FilePlace {
        FilePlace::of(spool.path().join(name).to_string_lossy(), bytes)
    }

    #[test]
    fn what_the_plugin_wrote_is_taken_once() {
        let spool = Spool::make().unwrap();
        std::fs::create_dir(spool.path().join("plugin/deep")).unwrap();
        for name in ["plugin/a.png", "plugin/deep/b.png"] {
            std::fs::write(spool.path().join(name), b"bytes").unwrap();
            assert_eq!(spool.take(&place(&spool, name, b"bytes")).unwrap(), b"bytes");
            assert!(!spool.path().join(name).exists());
        }
        let root = spool.path().to_owned();
        drop(spool);
        assert!(!root.exists());
    }

    #[test]
    fn lies_are_refused_by_name() {
        let spool = Spool::make().unwrap();
        let at = |name: &str| spool.path().join(name);
        std::fs::write(at("lie"), b"bytes").unwrap();
        std::fs::write(at("plugin/short"), b"byte").unwrap();
        std::fs::write(at("plugin/other"), b"bytez").unwrap();
        std::fs::write(at("plugin/long"), b"bytes and more").unwrap();
        std::os::unix::fs::symlink(at("lie"), at("plugin/link")).unwrap();
        std::os::unix::fs::symlink(spool.path(), at("plugin/folderlink")).unwrap();
        std::fs::hard_link(at("lie"), at("plugin/hard")).unwrap();
        std::fs::create_dir(at("plugin/folder")).unwrap();
        let (own, file_type) = (rustix::fs::CWD, FileType::Fifo);
        rustix::fs::mknodat(own, at("plugin/fifo"), file_type, Mode::RWXU, 0).unwrap();
        for (name, words) in [
            ("plugin/none", "No such file"),
            ("lie", "expected a path below"),
            ("plugin/../lie", "without `..`"),
            ("plugin/short", "holds 4 bytes: expected 5"),
            ("plugin/long", "holds 14 bytes: expected 5"),
            ("plugin/other", "has the SHA-256"),
            ("plugin/link", "found a link"),
            ("plugin/folderlink/lie", "Not a directory"),
            ("plugin/hard", "several links"),
            ("plugin/folder", "found a folder"),
            ("plugin/fifo", "found a FIFO"),
            ("plugin", "found that of the folder"),
        ] {
            let error = spool.take(&place(&spool, name, b"bytes")).unwrap_err().to_string();
            assert!(error.contains(words), "{name}: {error}");
        }
        assert_eq!(std::fs::read(at("lie")).unwrap(), b"bytes");
        std::fs::write(at("plugin/unwanted"), b"more than is told").unwrap();
        for name in ["plugin/unwanted", "plugin/folderlink/lie", "lie"] {
            spool.discard(&place(&spool, name, b"bytes"));
        }
        assert!(!at("plugin/unwanted").exists() && at("lie").exists());
        spool.tidy(Duration::from_secs(600));
        assert!(std::fs::read_dir(at("plugin")).unwrap().count() > 0);
        spool.tidy(Duration::ZERO);
        assert_eq!(std::fs::read_dir(at("plugin")).unwrap().count(), 0);
    }

    #[test]
    fn folders_of_dead_hosts_are_swept() {
        let parent = tempfile::tempdir().unwrap();
        let alive = Spool::make_in(parent.path()).unwrap();
        let (dead, young) = (parent.path().join(format!("{PREFIX}dead")), parent.path().join(format!("{PREFIX}young")));
        let strange = [parent.path().join(format!("{PREFIX}fifo")), parent.path().join(format!("{PREFIX}link"))];
        for folder in [&dead, &young] {
            std::fs::create_dir(folder).unwrap();
            std::fs::write(folder.join(LOCK), b"").unwrap();
        }
        strange.iter().for_each(|folder| std::fs::create_dir(folder).unwrap());
        rustix::fs::mknodat(rustix::fs::CWD, strange[0].join(LOCK), FileType::Fifo, Mode::RWXU, 0).unwrap();
        std::os::unix::fs::symlink(strange[0].join(LOCK), strange[1].join(LOCK)).unwrap();
        let long_ago = SystemTime::now() - 10 * SETTLED;
        for folder in [&dead, &alive.root, &strange[0], &strange[1]] {
            File::open(folder).unwrap().set_modified(long_ago).unwrap();
        }
        sweep(parent.path());
        assert!(strange.iter().all(|folder| !folder.exists()));
        assert_eq!((alive.root.exists(), dead.exists(), young.exists()), (true, false, true));
    }
}
