//! Where packs and source pictures lie: a folder, or a bucket of S3, Google Cloud Storage or Azure.
//!
//! What is put is there whole or not at all. In a folder, that is safe from a kill of the process and not from a loss of
//! power: a pack carries a checksum, and one that is found damaged is made again.

use std::error::Error as _;
use std::ffi::OsString;
use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, fs, io};

use bytes::Bytes;
use editscale_fetch::with_causes;
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, RetryConfig};
use thiserror::Error as ThisError;

/// How long a server in the cloud is asked again and again before a call comes to nothing.
const RETRY: Duration = Duration::from_secs(60);

/// Why a depot could not do what it was asked.
#[derive(Debug, ThisError)]
pub enum DepotError {
    /// A text names no depot, or its settings are wrong.
    #[error("`{text}` is no depot: {reason}")]
    Address {
        /// The text.
        text: String,
        /// What was expected and found.
        reason: String,
    },
    /// A key is none.
    #[error("`{key}` is no key of a depot: {reason}")]
    Key {
        /// The key.
        key: String,
        /// What was expected.
        reason: String,
    },
    /// The server cannot be reached, or cannot answer: worth trying again.
    #[error("{depot}: {key}: {reason}")]
    Away {
        /// Which depot.
        depot: String,
        /// What was put, fetched or deleted.
        key: String,
        /// What was said.
        reason: String,
    },
    /// There is no room. Nothing of what was put is left there.
    #[error("{depot}: {key}: the disk is full, or a limit on its use is reached: {reason}")]
    Full {
        /// Which depot.
        depot: String,
        /// What was put.
        key: String,
        /// What the system said.
        reason: String,
    },
    /// It does not let us, or cannot.
    #[error("{depot}: {key}: {reason}")]
    Refused {
        /// Which depot.
        depot: String,
        /// What was put, fetched or deleted.
        key: String,
        /// What was said.
        reason: String,
    },
}

/// A place for files with keys such as `packs/ab/abcd.pack`. Cheap to clone.
#[derive(Clone)]
pub struct Depot {
    store: Arc<dyn ObjectStore>,
    /// What all keys begin with.
    root: Path,
    text: String,
    is_local: bool,
}

impl fmt::Debug for Depot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Depot({})", self.text)
    }
}

impl Depot {
    /// Opens a folder, which is made where there is none, `file:///FOLDER`, `s3://BUCKET/PREFIX`, `gs://BUCKET/PREFIX` or
    /// `az://CONTAINER/PREFIX`. Credentials, regions and endpoints come from the variables `AWS_*`, `GOOGLE_*` and `AZURE_*`.
    pub fn open(text: &str) -> Result<Self, DepotError> {
        Self::open_with(text, std::env::vars_os())
    }

    /// The same with other variables than those of the process.
    pub fn open_with(text: &str, variables: impl Iterator<Item = (OsString, OsString)>) -> Result<Self, DepotError> {
        let bad = |reason: String| DepotError::Address { text: text.to_owned(), reason };
        let Some((scheme, rest)) = text.split_once("://") else { return Self::folder(text, text) };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if scheme == "file" {
            return match bucket {
                "" | "localhost" if !rest.contains('%') => Self::folder(text, &format!("/{prefix}")),
                "" | "localhost" => {
                    Err(bad("expected a path without `%`; give the folder without `file://`".to_owned()))
                }
                _ => Err(bad(format!("expected file:///FOLDER, found the machine {bucket}"))),
            };
        }
        if bucket.is_empty() || rest.contains(['?', '#']) {
            return Err(bad(format!("expected {scheme}://BUCKET/PREFIX")));
        }
        let root = Path::parse(prefix).map_err(|error| bad(error.to_string()))?;
        // Fails when there is one already, which is then used.
        rustls::crypto::ring::default_provider().install_default().ok();
        let store = cloud(scheme, bucket, variables).map_err(bad)?;
        Ok(Self { store, root, text: text.to_owned(), is_local: false })
    }

    fn folder(text: &str, folder: &str) -> Result<Self, DepotError> {
        let bad = |reason: String| DepotError::Address { text: text.to_owned(), reason };
        if folder.is_empty() {
            return Err(bad("expected a folder, or s3://, gs:// or az://".to_owned()));
        }
        fs::create_dir_all(folder).map_err(|error| bad(error.to_string()))?;
        let store = LocalFileSystem::new_with_prefix(FilePath::new(folder)).map_err(|error| bad(say(&error)))?;
        Ok(Self { store: Arc::new(store), root: Path::default(), text: text.to_owned(), is_local: true })
    }

    /// Puts a file where there is none. False where there is one, which is left as it is.
    pub async fn put_if_absent(&self, key: &str, bytes: Bytes) -> Result<bool, DepotError> {
        let path = self.path(key)?;
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.store.put_opts(&path, bytes.clone().into(), options).await {
            Ok(_) => Ok(true),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(false),
            Err(error) if self.is_local && knows_no_links(&error) => self.put_without_links(key, bytes).await,
            Err(error) => Err(self.trouble(key, &error)),
        }
    }

    /// For file systems without hard links. Two that put the same key at once both hear that it was theirs.
    async fn put_without_links(&self, key: &str, bytes: Bytes) -> Result<bool, DepotError> {
        if self.exists(key).await? {
            return Ok(false);
        }
        let put = self.store.put_opts(&self.path(key)?, bytes.into(), PutOptions::default()).await;
        put.map(|_| true).map_err(|error| self.trouble(key, &error))
    }

    /// The bytes of a file; nothing where there is none.
    pub async fn get(&self, key: &str) -> Result<Option<Bytes>, DepotError> {
        let path = self.path(key)?;
        let found = match self.store.get(&path).await {
            Ok(found) => found.bytes().await,
            Err(error) => Err(error),
        };
        self.unless_missing(key, found)
    }

    /// Whether there is such a file.
    pub async fn exists(&self, key: &str) -> Result<bool, DepotError> {
        let found = self.store.head(&self.path(key)?).await;
        Ok(self.unless_missing(key, found)?.is_some())
    }

    /// Removes a file. One that is not there is removed already.
    pub async fn delete(&self, key: &str) -> Result<(), DepotError> {
        let gone = self.store.delete(&self.path(key)?).await;
        self.unless_missing(key, gone).map(|_| ())
    }

    fn unless_missing<T>(&self, key: &str, found: Result<T, Error>) -> Result<Option<T>, DepotError> {
        match found {
            Ok(found) => Ok(Some(found)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.trouble(key, &error)),
        }
    }

    fn path(&self, key: &str) -> Result<Path, DepotError> {
        let bad = |reason: String| DepotError::Key { key: key.to_owned(), reason };
        let below = Path::parse(key).map_err(|error| bad(error.to_string()))?;
        if below.as_ref().is_empty() {
            return Err(bad("expected a path such as packs/a.pack".to_owned()));
        }
        Ok(self.root.parts().chain(below.parts()).collect())
    }

    fn trouble(&self, key: &str, error: &Error) -> DepotError {
        let (depot, key, reason) = (self.text.clone(), key.to_owned(), say(error));
        let is_full = |error: &io::Error| {
            matches!(
                error.kind(),
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
            )
        };
        if causes(error).any(is_full) {
            return DepotError::Full { depot, key, reason };
        }
        match error {
            Error::Generic { .. } if !self.is_local => DepotError::Away { depot, key, reason },
            _ => DepotError::Refused { depot, key, reason },
        }
    }
}

fn cloud(
    scheme: &str,
    bucket: &str,
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> Result<Arc<dyn ObjectStore>, String> {
    let retry = RetryConfig { retry_timeout: RETRY, ..RetryConfig::default() };
    let settings = |prefix: &'static str| {
        variables.filter_map(move |(name, value)| {
            let name = name.into_string().ok().filter(|name| name.starts_with(prefix))?;
            Some((name.to_ascii_lowercase(), value.into_string().ok()?))
        })
    };
    let said = |error: Error| say(&error);
    match scheme {
        "s3" => {
            let given = settings("AWS_").filter_map(|(name, value)| Some((name.parse().ok()?, value)));
            let builder = given.fold(AmazonS3Builder::new(), |builder, (key, value)| builder.with_config(key, value));
            // One file is deleted at a time, which every server knows; not all know how to delete many.
            let builder = builder.with_disable_bulk_delete(true);
            Ok(Arc::new(builder.with_bucket_name(bucket).with_retry(retry).build().map_err(said)?))
        }
        "gs" => {
            let given = settings("GOOGLE_").filter_map(|(name, value)| Some((name.parse().ok()?, value)));
            let builder =
                given.fold(GoogleCloudStorageBuilder::new(), |builder, (key, value)| builder.with_config(key, value));
            Ok(Arc::new(builder.with_bucket_name(bucket).with_retry(retry).build().map_err(said)?))
        }
        "az" => {
            let given = settings("AZURE_").filter_map(|(name, value)| Some((name.parse().ok()?, value)));
            let builder =
                given.fold(MicrosoftAzureBuilder::new(), |builder, (key, value)| builder.with_config(key, value));
            Ok(Arc::new(builder.with_container_name(bucket).with_retry(retry).build().map_err(said)?))
        }
        _ => Err(format!("expected a folder, file://, s3://, gs:// or az://, found {scheme}://")),
    }
}

/// Whether a file system cannot make the hard links by which a new file gets its name only where there is none.
fn knows_no_links(error: &Error) -> bool {
    causes(error).any(|error| {
        matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied)
            && !matches!(error.raw_os_error(), Some(13))
    })
}

/// What the system said, among all causes of an error.
fn causes(error: &Error) -> impl Iterator<Item = &io::Error> {
    let mut cause = error.source();
    std::iter::from_fn(move || {
        let this = cause?;
        cause = this.source();
        Some(this)
    })
    .filter_map(|error| error.downcast_ref::<io::Error>())
}

/// An error with all of its causes, each once.
fn say(error: &Error) -> String {
    with_causes(error.to_string(), error)
}
