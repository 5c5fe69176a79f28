//! The words that say how processes share the work on a whole data set.

#![expect(clippy::doc_markdown, reason = "these comments are what --help prints")]

use clap::{Args, ValueEnum};

/// How processes share the work.
#[derive(Debug, Args)]
pub(crate) struct Sharing {
    /// Where work waits: `sqlite` for the processes of one machine, or `nats://HOST:4222` for those of many.
    #[arg(long, value_name = "sqlite|nats://HOST:PORT", default_value = "sqlite", conflicts_with = "shard")]
    pub(crate) queue: String,
    /// Do one share of N, with no server and no shared queue: `0/8` to `7/8`, or `auto` for what Slurm, Kubernetes or SkyPilot say.
    #[arg(long, value_name = "I/N|auto")]
    pub(crate) shard: Option<String>,
    /// Where finished work waits to be written out: a folder or s3://, gs://, az://. `depot` in --out where it is not given.
    #[arg(long, value_name = "DIR|URL")]
    pub(crate) depot: Option<String>,
    /// What this process takes part in.
    #[arg(long, value_name = "WHAT", value_enum)]
    pub(crate) role: Option<RoleWord>,
    /// How long work under way may go on once the process is told to stop, before it is put aside.
    #[arg(long, value_name = "SECS", default_value_t = 30)]
    pub(crate) grace_secs: u64,
    /// How long a worker may fall silent before its work is given to another.
    #[arg(long, value_name = "SECS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) lease_secs: u64,
    /// How often work is tried at most, workers that died included.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) deliveries: u32,
}

/// What a process takes part in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RoleWord {
    /// Everything.
    All,
    /// Listing the data set.
    Feed,
    /// Carrying out the work.
    Work,
    /// Writing what comes of it.
    Export,
}
