//! One command, one file; and the best pictures of a run, which several hand out.

pub(crate) mod bench;
pub(crate) mod best;
pub(crate) mod check;
pub(crate) mod curate;
pub(crate) mod doctor;
pub(crate) mod edit;
pub(crate) mod keys;
pub(crate) mod mcp;
pub(crate) mod models;
pub(crate) mod plugin;
pub(crate) mod pool;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod score;
pub(crate) mod serve;
pub(crate) mod study;
