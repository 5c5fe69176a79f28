//! Run directories: whatever their files hold, they are read or refused.

#![no_main]

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use editscale_core::CandidateId;
use editscale_engine::{read_run, read_trajectory};
use libfuzzer_sys::fuzz_target;

/// What stands between the files in the bytes: `run.json`, `journal.jsonl`, `outcome.json`, a trajectory.
const BETWEEN: &[u8] = b"\n====\n";

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder").keep();
    fs::create_dir_all(folder.join("trajectories")).expect("a folder");
    folder
});

fuzz_target!(|bytes: &[u8]| {
    let mut rest = bytes;
    for name in ["run.json", "journal.jsonl", "outcome.json", "trajectories/0.safetensors"] {
        let end = rest.windows(BETWEEN.len()).position(|window| window == BETWEEN);
        let (file, after) = end.map_or((rest, &[][..]), |end| (&rest[..end], &rest[end + BETWEEN.len()..]));
        fs::write(FOLDER.join(name), file).expect("a file is written");
        rest = after;
    }
    if let Err(error) = read_run(&FOLDER) {
        assert!(!error.to_string().is_empty());
    }
    if let Ok(Some(trajectory)) = read_trajectory(&FOLDER, CandidateId(0)) {
        assert_eq!(trajectory.sigmas.len(), trajectory.steps() + 1);
    }
});
