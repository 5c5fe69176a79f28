//! Safe downloads: files and texts over HTTPS, and model files from the Hugging Face hub.
//!
//! What is downloaded appears under its name complete and checked, or not at all: bytes arrive in a `.part` file beside
//! it, which a later call goes on with. Every error names the address or the file, what was expected and what was found.
//!
//! The hub is spoken to in plain HTTP, with the few endpoints that its documentation names. The crate `hf-hub` was looked
//! at for it and not taken: 1.0.0 begins a broken download of a file anew, checks neither length nor SHA-256, does not
//! look at the free space and does not know `HF_HUB_OFFLINE`; and the client for chunked storage that it brings along
//! stands under a licence that this project does not take.
//!
//! Nothing here knows what a model is.

mod backoff;
mod client;
mod download;
mod error;
mod hub;
mod partial;
mod public;
mod space;
mod text;
mod token;

pub use client::{Client, Patience, builder, say, with_causes};
pub use download::Download;
pub use error::FetchError;
pub use hub::{Hub, HubSettings, Licence, RemoteFile, RepoId, RepoIdError, Snapshot};
pub use public::{PublicNames, is_public};
pub use space::{ensure_room, free_bytes};
pub use text::TextRules;
pub use token::Token;
