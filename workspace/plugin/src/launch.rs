//! What is started: program, arguments, the variables that it sees, and how long and how often it is put up with.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;

/// How a plugin is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    /// The program and its arguments; no shell comes between.
    pub run: Vec<String>,
    /// Names of variables that it sees beside the usual ones, such as `HF_TOKEN`.
    pub environment: Vec<String>,
    /// Variables with values of their own. They take the place of those of the same name.
    pub variables: Vec<(String, String)>,
}

impl Launch {
    /// A program with its arguments, which sees the usual variables.
    pub fn of<S: Into<String>>(run: impl IntoIterator<Item = S>) -> Self {
        Self { run: run.into_iter().map(Into::into).collect(), environment: Vec::new(), variables: Vec::new() }
    }
}

/// How long and how often a plugin is put up with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// How long it may take until it is ready.
    pub start: Duration,
    /// How long a call may take.
    pub call: Duration,
    /// How long it may take to stop after a call has taken too long, and to end when it is told to.
    pub grace: Duration,
    /// How long nothing at all may be heard of it.
    pub silence: Duration,
    /// The most memory that its processes may have in use together, in MiB.
    pub memory_mib: Option<u64>,
    /// How many times an item may kill it before it is not given any more.
    pub crashes: u32,
    /// How many times in a row it may die without having answered a call, before it is given up. Deaths that are blamed
    /// on one item count once.
    pub restarts: u32,
    /// How long to wait before it is started again; twice as long after each death in a row, at most half a minute.
    pub backoff: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            start: Duration::from_secs(600),
            call: Duration::from_secs(600),
            grace: Duration::from_secs(5),
            silence: Duration::from_secs(120),
            memory_mib: None,
            crashes: 2,
            restarts: 5,
            backoff: Duration::from_millis(200),
        }
    }
}

/// Why a plugin could not be started.
#[derive(Debug, Error)]
pub enum LaunchError {
    /// Nothing to start.
    #[error("`run` is empty: expected a program and its arguments")]
    NoProgram,
    /// No such program.
    #[error("cannot find the program `{program}`: expected an executable file{}", looked(program))]
    NoSuchProgram {
        /// Its name or path.
        program: String,
    },
    /// A variable that is named, and is not there.
    #[error("the environment variable {0} is not set: `environment` names it")]
    NoSuchVariable(String),
    /// A name that no variable can have.
    #[error("`{0}` cannot be the name of an environment variable")]
    NotAVariable(String),
    /// The system refused.
    #[error("cannot start `{program}`: {source}")]
    System {
        /// Its name or path.
        program: String,
        /// What the system said.
        source: std::io::Error,
    },
}

fn looked(program: &str) -> &'static str {
    if program.contains('/') { "" } else { " in one of the folders of PATH" }
}

/// Variables that every plugin sees: where things are, how to speak, which devices to use.
const USUAL: [&str; 36] = [
    "ALL_PROXY",
    "CURL_CA_BUNDLE",
    "DYLD_LIBRARY_PATH",
    "FTP_PROXY",
    "HF_ENDPOINT",
    "HF_HOME",
    "HIP_VISIBLE_DEVICES",
    "HOME",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "LANG",
    "LANGUAGE",
    "LD_LIBRARY_PATH",
    "LIBTORCH",
    "LIBTORCH_USE_PYTORCH",
    "LOGNAME",
    "NO_PROXY",
    "PATH",
    "REQUESTS_CA_BUNDLE",
    "ROCR_VISIBLE_DEVICES",
    "RUST_BACKTRACE",
    "RUST_LOG",
    "SHELL",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TMPDIR",
    "TRANSFORMERS_CACHE",
    "TRANSFORMERS_OFFLINE",
    "TZ",
    "USER",
    "VIRTUAL_ENV",
    "all_proxy",
    "ftp_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// How variables begin that every plugin sees.
const USUAL_BEGINNINGS: [&str; 14] = [
    "CONDA_",
    "CUDA_",
    "HF_HUB_",
    "KMP_",
    "LC_",
    "MKL_",
    "NVIDIA_",
    "OMP_",
    "OPENBLAS_",
    "PYTHON",
    "PYTORCH_",
    "TORCH_",
    "TRITON_",
    "XDG_",
];

/// What the name of a secret holds. Such a variable is passed only where it is named.
const SECRETIVE: [&str; 6] = ["CREDENTIAL", "KEY", "PASSWORD", "PASSWD", "SECRET", "TOKEN"];

/// Whether every plugin sees the variable of this name.
pub fn is_usual(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let is_secretive = SECRETIVE.iter().any(|word| upper.contains(word));
    let is_known = USUAL.contains(&name) || USUAL_BEGINNINGS.iter().any(|beginning| name.starts_with(beginning));
    is_known && !is_secretive
}

/// A program with all that it is given.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<String>,
    pub(crate) variables: Vec<(OsString, OsString)>,
}

impl Launch {
    /// Finds the program and gathers the variables.
    pub(crate) fn prepare(&self) -> Result<Prepared, LaunchError> {
        let (program, arguments) = self.run.split_first().ok_or(LaunchError::NoProgram)?;
        let program = find(program).ok_or_else(|| LaunchError::NoSuchProgram { program: program.clone() })?;
        Ok(Prepared { program, arguments: arguments.to_vec(), variables: self.gather()? })
    }

    fn gather(&self) -> Result<Vec<(OsString, OsString)>, LaunchError> {
        let is_own = |name: &str| self.variables.iter().any(|(own, _)| own == name);
        let usual =
            |(name, _): &(OsString, OsString)| name.to_str().is_some_and(|name| is_usual(name) && !is_own(name));
        let mut gathered: Vec<(OsString, OsString)> = std::env::vars_os().filter(usual).collect();
        for name in self.environment.iter().filter(|name| !is_own(name)) {
            check_name(name)?;
            let value = std::env::var_os(name).ok_or_else(|| LaunchError::NoSuchVariable(name.clone()))?;
            gathered.push((name.into(), value));
        }
        for (name, value) in &self.variables {
            check_name(name)?;
            gathered.push((name.into(), value.into()));
        }
        Ok(gathered)
    }
}

fn check_name(name: &str) -> Result<(), LaunchError> {
    let is_name = !name.is_empty() && !name.contains(['=', '\0']);
    if is_name { Ok(()) } else { Err(LaunchError::NotAVariable(name.chars().take(80).collect())) }
}

/// The program's file: a path as it is, a name in the folders of `PATH`.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    if program.contains('/') {
        return Some(PathBuf::from(program)).filter(|path| is_executable(path));
    }
    let folders = std::env::var_os("PATH")?;
    let name = Some(program).filter(|name| !name.is_empty())?;
    std::env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| is_executable(path))
}

fn is_executable(path: &Path) -> bool {
    path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_passed_unasked() {
        for (name, passed) in [
            ("PATH", true),
            ("LC_ALL", true),
            ("PYTHONPATH", true),
            ("CUDA_VISIBLE_DEVICES", true),
            ("HF_HOME", true),
            ("https_proxy", true),
            ("HF_TOKEN", false),
            ("HF_HUB_TOKEN", false),
            ("CONDA_TOKEN", false),
            ("PYTHON_KEYRING_BACKEND", false),
            ("AWS_SECRET_ACCESS_KEY", false),
            ("OPENAI_API_KEY", false),
            ("MY_PATH", false),
        ] {
            assert_eq!(is_usual(name), passed, "{name}");
        }
    }

    #[test]
    fn what_cannot_be_started_is_named() {
        let error = |launch: &Launch| launch.prepare().unwrap_err().to_string();
        assert!(error(&Launch::of(Vec::<String>::new())).starts_with("`run` is empty"));
        assert!(error(&Launch::of(["no-such-program-here"])).ends_with("in one of the folders of PATH"));
        assert!(error(&Launch::of(["/no/such/file"])).contains("`/no/such/file`"));
        let launch = |name: &str| Launch { environment: vec![name.to_owned()], ..Launch::of(["sh"]) };
        assert!(error(&launch("NO_SUCH_VARIABLE_HERE")).contains("NO_SUCH_VARIABLE_HERE is not set"));
        assert!(error(&launch("A=B")).contains("cannot be the name"));
    }

    #[test]
    fn own_values_take_the_place_of_inherited_ones() {
        let variables = vec![("PATH".to_owned(), "/mine".to_owned())];
        let prepared = Launch { variables, ..Launch::of(["sh"]) }.prepare().unwrap();
        let paths: Vec<_> = prepared.variables.iter().filter(|(name, _)| name == "PATH").collect();
        assert!(matches!(paths.as_slice(), [(_, value)] if value == "/mine"));
    }
}
