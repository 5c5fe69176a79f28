//! Records of the runs that were looked at last: a page that shows a run's pictures asks for its record again with each of them.

use std::collections::VecDeque;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use editscale_core::RunId;
use editscale_engine::RunRecord;

use super::live::Live;

/// So many are kept; one of a run with hundreds of candidates takes about a megabyte.
const MOST: usize = 8;

/// The files that a record is read from.
const FILES: [&str; 3] = ["run.json", "journal.jsonl", "outcome.json"];

/// How long each file was, and when it was written; nothing for one that is not there.
type Stamp = [Option<(u64, Option<SystemTime>)>; FILES.len()];

/// Records, those that were asked for last at the end.
#[derive(Debug, Default)]
pub(crate) struct Records(Mutex<VecDeque<Kept>>);

#[derive(Debug, Clone)]
struct Kept {
    run: RunId,
    stamp: Stamp,
    record: Arc<RunRecord>,
}

impl Records {
    fn kept(&self) -> MutexGuard<'_, VecDeque<Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A run's record, read anew where its files are others than they were; nothing where it cannot be read. Reads files.
    pub(crate) fn of(&self, live: &Live) -> Option<Arc<RunRecord>> {
        // Looked at first: what is written while the record is read is missing in it at worst, and not beyond the next look.
        let (run, stamp) = (live.id().clone(), stamp(live.path()));
        let known = self.take(&run).filter(|kept| kept.stamp == stamp).map(|kept| kept.record);
        let record = known.or_else(|| live.read().map(Arc::new))?;
        let mut kept = self.kept();
        kept.push_back(Kept { run, stamp, record: Arc::clone(&record) });
        if kept.len() > MOST {
            kept.pop_front();
        }
        Some(record)
    }

    fn take(&self, run: &RunId) -> Option<Kept> {
        let mut kept = self.kept();
        let at = kept.iter().position(|kept| kept.run == *run)?;
        kept.remove(at)
    }
}

fn stamp(folder: &Path) -> Stamp {
    FILES.map(|file| fs::metadata(folder.join(file)).ok().map(|facts| (facts.len(), facts.modified().ok())))
}
