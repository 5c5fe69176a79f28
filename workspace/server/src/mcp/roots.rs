//! The folders whose files agents may name. Nothing outside of them is opened, read or written, by whatever path it is called.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};

use editscale_picture::Format;

use super::trouble::{Trouble, quoted};

/// The folders, with their links followed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Roots(Vec<Root>);

#[derive(Debug, Clone)]
struct Root {
    /// As whoever started the server wrote it.
    given: PathBuf,
    /// Where it is.
    real: PathBuf,
}

/// A file that is to be written: its folder is there and within a root, and nothing has its name.
#[derive(Debug, Clone)]
pub(crate) struct Destination {
    folder: PathBuf,
    name: PathBuf,
    /// What the extension says.
    pub(crate) format: Format,
    /// As it was called.
    pub(crate) called: String,
}

impl Roots {
    /// These folders. Each must be there.
    pub(crate) fn new(folders: &[PathBuf]) -> io::Result<Self> {
        let root = |given: &PathBuf| {
            let told = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", given.display()));
            let real = given.canonicalize().map_err(told)?;
            if !real.is_dir() {
                return Err(told(io::Error::other("expected a folder")));
            }
            Ok(Root { given: given.clone(), real })
        };
        folders.iter().map(root).collect::<io::Result<_>>().map(Self)
    }

    /// What they are called.
    pub(crate) fn names(&self) -> Vec<String> {
        self.0.iter().map(|root| root.real.display().to_string()).collect()
    }

    /// Which ones there are, for people.
    fn told(&self) -> String {
        let names: Vec<String> = self.names().iter().map(|name| format!("`{name}`")).collect();
        if names.is_empty() { "this server lets agents name no files".to_owned() } else { names.join(", ") }
    }

    /// All of a file within the roots, where it has at most this many bytes.
    pub(crate) fn read(&self, called: &str, most: u64) -> Result<Vec<u8>, Trouble> {
        let real = self.find(called)?;
        let told = |error: &io::Error| Trouble::absent(format!("`{}` cannot be read: {error}", short(called)));
        check_plain(&real, called)?;
        // Neither a link nor a pipe that took its place in the meantime is waited for or followed.
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(flags.bits() as i32)
            .open(&real)
            .map_err(|error| told(&error))?;
        let declared = self.check_opened(&file, called)?;
        let too_large = || Trouble::invalid(format!("`{}` is too large: expected at most {most} bytes", short(called)));
        if declared > most {
            return Err(too_large());
        }
        let mut bytes = Vec::new();
        // It may grow while it is read.
        file.take(most + 1).read_to_end(&mut bytes).map_err(|error| told(&error))?;
        if bytes.len() as u64 > most { Err(too_large()) } else { Ok(bytes) }
    }

    /// Where a file that is there really is. A relative path is looked for in each root in turn.
    fn find(&self, called: &str) -> Result<PathBuf, Trouble> {
        let tried = self.candidates(called)?;
        let found = tried.iter().find_map(|path| path.canonicalize().ok());
        let real =
            found.ok_or_else(|| Trouble::absent(format!("there is no file `{}` in {}", short(called), self.told())))?;
        if self.holds(&real) { Ok(real) } else { Err(self.outside(called)) }
    }

    /// Where to write a file that is not there.
    pub(crate) fn destination(&self, called: &str) -> Result<Destination, Trouble> {
        let format = format_of(called)?;
        let tried = self.candidates(called)?;
        let folder = |path: &PathBuf| Some((path.parent()?.canonicalize().ok()?, PathBuf::from(path.file_name()?)));
        let (folder, name) = tried
            .iter()
            .find_map(folder)
            .ok_or_else(|| Trouble::absent(format!("there is no folder for `{}` in {}", short(called), self.told())))?;
        if !self.holds(&folder) {
            return Err(self.outside(called));
        }
        let destination = Destination { folder, name, format, called: called.to_owned() };
        destination.check_free()?;
        Ok(destination)
    }

    /// The paths that may be meant, without a look at the disk: within a root as it is written.
    fn candidates(&self, called: &str) -> Result<Vec<PathBuf>, Trouble> {
        let path = Path::new(called);
        let climbs = path.components().any(|part| matches!(part, Component::ParentDir | Component::Prefix(_)));
        if called.is_empty() || called.contains('\0') || climbs {
            let message = format!("`{}`: expected a path without `..`", short(called));
            return Err(Trouble::invalid(message));
        }
        if !path.is_absolute() {
            let joined: Vec<PathBuf> = self.0.iter().map(|root| root.real.join(path)).collect();
            return if joined.is_empty() { Err(self.outside(called)) } else { Ok(joined) };
        }
        let is_within = self.0.iter().any(|root| path.starts_with(&root.given) || path.starts_with(&root.real));
        if is_within { Ok(vec![path.to_owned()]) } else { Err(self.outside(called)) }
    }

    fn holds(&self, real: &Path) -> bool {
        self.0.iter().any(|root| real.starts_with(&root.real))
    }

    fn outside(&self, called: &str) -> Trouble {
        let wrong = if self.0.is_empty() { "cannot be used" } else { "is outside of the folders that may be used" };
        let message = format!("`{}` {wrong}: {}", short(called), self.told());
        Trouble::new("outside_of_roots", message)
    }

    /// Looks once more, at what is open and cannot change any more: a plain file, and where it is. Returns its size.
    fn check_opened(&self, file: &File, called: &str) -> Result<u64, Trouble> {
        use std::os::fd::AsRawFd;
        let facts = file.metadata().ok().filter(fs::Metadata::is_file).ok_or_else(|| no_plain_file(called))?;
        match fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())) {
            Ok(real) if !self.holds(&real) => Err(self.outside(called)),
            // Where there is no such folder, the look before opening has to do.
            _ => Ok(facts.len()),
        }
    }
}

impl Destination {
    fn path(&self) -> PathBuf {
        self.folder.join(&self.name)
    }

    fn check_free(&self) -> Result<(), Trouble> {
        // A link that leads nowhere is something too.
        if fs::symlink_metadata(self.path()).is_ok() { Err(self.taken()) } else { Ok(()) }
    }

    fn taken(&self) -> Trouble {
        let message = format!("`{}` is there already: nothing is ever overwritten", short(&self.called));
        Trouble::new("file_exists", message)
    }

    /// Writes the file whole, unless something took its name in the meantime.
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<(), Trouble> {
        match self.put(bytes) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(self.taken()),
            Err(error) => {
                let message = format!("`{}` cannot be written: {error}", short(&self.called));
                Err(Trouble::new("cannot_write", message))
            }
        }
    }

    fn put(&self, bytes: &[u8]) -> io::Result<()> {
        let chance = getrandom::u64().map_err(io::Error::other)?;
        let passing = self.folder.join(format!(".{chance:016x}.part"));
        let written = fresh(&passing, bytes).and_then(|()| match fs::hard_link(&passing, self.path()) {
            // Some file systems know no second names.
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => fresh(&self.path(), bytes),
            linked => linked,
        });
        fs::remove_file(&passing).ok();
        written
    }
}

/// Writes a file that is not there. It follows no link at its name.
fn fresh(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(bytes)
}

/// A path as it may be repeated.
fn short(called: &str) -> String {
    quoted(called, 200)
}

fn no_plain_file(called: &str) -> Trouble {
    Trouble::invalid(format!("`{}` is no plain file", short(called)))
}

fn check_plain(real: &Path, called: &str) -> Result<(), Trouble> {
    match fs::metadata(real) {
        Ok(facts) if facts.is_file() => Ok(()),
        Ok(_) => Err(no_plain_file(called)),
        Err(error) => Err(Trouble::absent(format!("`{}` cannot be read: {error}", short(called)))),
    }
}

/// The format that a file's name says.
fn format_of(called: &str) -> Result<Format, Trouble> {
    let extension = Path::new(called).extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let writable = [Format::Png, Format::Jpeg, Format::WebP];
    writable.into_iter().find(|format| format.has_extension(extension)).ok_or_else(|| {
        Trouble::invalid(format!("`{}`: expected a name that ends in .png, .jpg or .webp", short(called)))
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use proptest::prelude::*;

    use super::*;

    /// `allowed/` with files and links, and `secret/` beside it.
    fn folders() -> (tempfile::TempDir, Roots) {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        fs::create_dir_all(at("allowed/sub")).unwrap();
        fs::create_dir_all(at("secret")).unwrap();
        fs::create_dir_all(at("allowed-too")).unwrap();
        for (path, text) in
            [("allowed/a.png", "a"), ("allowed/sub/b.png", "b"), ("secret/s.png", "s"), ("allowed-too/t.png", "t")]
        {
            fs::write(at(path), text).unwrap();
        }
        symlink(at("secret/s.png"), at("allowed/out.png")).unwrap();
        symlink(at("secret"), at("allowed/outdir")).unwrap();
        symlink(at("allowed/sub/b.png"), at("allowed/in.png")).unwrap();
        symlink(at("secret/new.png"), at("allowed/dangling.png")).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            at("allowed/pipe.png"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
            0,
        )
        .unwrap();
        let roots = Roots::new(&[at("allowed")]).unwrap();
        (folder, roots)
    }

    #[test]
    fn only_plain_files_within_the_roots_are_read() {
        let (folder, roots) = folders();
        let whole = |path: &str| folder.path().join(path).display().to_string();
        for (called, text) in [("a.png", "a"), ("./sub/b.png", "b"), ("in.png", "b"), (&whole("allowed/a.png"), "a")] {
            assert_eq!(roots.read(called, 10).unwrap(), text.as_bytes(), "{called}");
        }
        for called in [
            "",
            "../secret/s.png",
            "sub/../a.png",
            "out.png",
            "outdir/s.png",
            "pipe.png",
            "sub",
            ".",
            "nothing.png",
            "dangling.png",
            "a.png\0",
            "/etc/passwd",
            "/dev/zero",
            "/proc/self/environ",
            "file:///etc/passwd",
            &whole("secret/s.png"),
            &whole("allowed/../secret/s.png"),
            &whole("allowed-too/t.png"),
        ] {
            let refused = roots.read(called, 10).unwrap_err();
            assert_ne!(refused.to_json()["message"], "", "{called}");
        }
        assert!(roots.read("a.png", 0).is_err(), "a file of more bytes than allowed");
        assert!(roots.outside("x").to_json()["message"].as_str().unwrap().contains("allowed"));
    }

    #[test]
    fn nothing_is_overwritten_or_written_elsewhere() {
        let (folder, roots) = folders();
        for (called, error) in [
            ("a.png", "file_exists"),
            ("dangling.png", "file_exists"),
            ("out.png", "file_exists"),
            ("outdir/new.png", "outside_of_roots"),
            ("../secret/new.png", "invalid_argument"),
            ("/tmp/new.png", "outside_of_roots"),
            ("nowhere/new.png", "not_found"),
            ("new.gif", "invalid_argument"),
            ("new", "invalid_argument"),
        ] {
            assert_eq!(roots.destination(called).unwrap_err().to_json()["error"], error, "{called}");
        }
        let destination = roots.destination("sub/new.webp").unwrap();
        assert_eq!(destination.format, Format::WebP);
        destination.write(b"first").unwrap();
        assert!(destination.write(b"second").is_err());
        assert_eq!(fs::read(folder.path().join("allowed/sub/new.webp")).unwrap(), b"first");
        assert_eq!(fs::read_dir(folder.path().join("allowed/sub")).unwrap().count(), 2, "nothing else is left");
        assert_eq!(fs::read_dir(folder.path().join("secret")).unwrap().count(), 1);
    }

    #[test]
    fn without_roots_there_are_no_files() {
        let roots = Roots::default();
        for called in ["a.png", "/etc/passwd"] {
            assert_eq!(roots.read(called, 10).unwrap_err().to_json()["error"], "outside_of_roots");
            assert!(roots.destination(called).is_err());
        }
        assert!(Roots::new(&[PathBuf::from("/nowhere/at/all")]).is_err());
    }

    proptest! {
        #[test]
        fn no_path_leads_out(parts in proptest::collection::vec("(\\.\\.|\\.|sub|outdir|out.png|secret|s.png|a.png|/|~)", 1..7)) {
            let (_folder, roots) = folders();
            if let Ok(read) = roots.read(&parts.join("/"), 10) {
                prop_assert!(read == b"a" || read == b"b");
            }
        }
    }
}
