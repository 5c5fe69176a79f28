//! The command line that goes on with a run.

use std::path::Path;

use crate::args::Edit;
use crate::shell::quoted;

/// How to go on with the run in a folder, with everything that was asked for and is not in its record.
pub(super) fn again(arguments: &Edit, run_dir: &Path) -> String {
    let mut words = vec![format!("editscale edit --resume {}", quoted(run_dir))];
    // The best so far may be there already.
    words.extend(arguments.output.as_ref().map(|output| format!("--output {} --force", quoted(output))));
    words.extend((arguments.keep > 1).then(|| format!("--keep {}", arguments.keep)));
    words.extend(arguments.keep_metadata.then(|| "--keep-metadata".to_owned()));
    words.extend(arguments.json.then(|| "--json".to_owned()));
    words.join(" ")
}
