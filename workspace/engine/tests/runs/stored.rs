//! What lies in a run directory and cannot be is told by its file, never by a panic.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use editscale_core::{Budget, Usd};
use editscale_engine::{RunDirectory, StopSignal, read_run, run};
use editscale_search::BestOfN;

use crate::{World, block_on, carry_out, manifest, rules, scene};

/// Changes a file of a finished run and says what reading the run, and going on with it, then come to.
fn told(file: &str, change: impl Fn(&str) -> String) -> (String, String) {
    let scene = scene(&World::default());
    let path = scene.folder.path().join("run");
    carry_out(&scene.job, &path);
    let text = std::fs::read_to_string(path.join(file)).unwrap();
    let changed = change(&text);
    assert_ne!(changed, text, "nothing was changed in {file}");
    std::fs::write(path.join(file), changed).unwrap();
    let read = read_run(&path).map(|_| ()).map_err(|error| error.to_string());
    let resumed = RunDirectory::open(&path).map_err(|error| error.to_string()).and_then(|(mut directory, _)| {
        block_on(run(&scene.job, &mut directory, StopSignal::never())).map(|_| ()).map_err(|error| error.to_string())
    });
    let within = |result: Result<(), String>| match result {
        Ok(()) => "fine".to_owned(),
        Err(error) => error.replace(&path.display().to_string(), "RUN"),
    };
    (within(read), within(resumed))
}

fn replaced<'a>(from: &'a str, to: &'a str) -> impl Fn(&str) -> String + 'a {
    move |text| text.replacen(from, to, 1)
}

#[test]
fn what_cannot_be_is_told_by_its_file() {
    let both = |message: &str| (message.to_owned(), message.to_owned());
    assert_eq!(
        told("run.json", replaced("\"created_unix_secs\": 0", "\"created_unix_secs\": 18446744073709551615")),
        both("RUN/run.json: `created_unix_secs` is 18446744073709551615: expected a time")
    );
    assert_eq!(
        told("run.json", replaced("\"width\": 1", "\"width\": 0")),
        both("RUN/run.json: the picture is 0x1: expected at least one pixel")
    );
    for (sides, expected) in [
        ("\"output_width\": 8,", "`output_width` is given without `output_height`: expected both or neither"),
        ("\"output_height\": 8,", "`output_height` is given without `output_width`: expected both or neither"),
        ("\"output_width\": 8, \"output_height\": 0,", "the picture is 8x0: expected at least one pixel"),
    ] {
        let to = format!("{sides} \"seed\"");
        assert_eq!(told("run.json", replaced("\"seed\"", &to)), both(&format!("RUN/run.json: {expected}")));
    }
    assert_eq!(told("run.json", replaced("\"version\": 3", "\"version\": 9")).0, {
        "RUN/run.json: the run has format version 9, this program reads versions 1 to 3"
    });
    assert_eq!(
        told("outcome.json", replaced("\"version\": 3", "\"version\": 9")),
        (
            "RUN/outcome.json: the run has format version 9, this program reads versions 1 to 3".to_owned(),
            "fine".to_owned()
        )
    );
    assert_eq!(
        told("outcome.json", replaced("\"usd\": 0.0", "\"usd\": -1.0")).0,
        "RUN/outcome.json: `usd` is -1: expected a number of at least 0"
    );
    let (read, _) = told("outcome.json", replaced("\"winner\": ", "\"winner\": 9"));
    assert!(read.starts_with("RUN/outcome.json: `winner` is 9") && read.ends_with(", as `ranked` has it"), "{read}");
    // The first line decides; the second was made at once.
    let (read, resumed) = told("journal.jsonl", replaced("\"height\":1", "\"height\":0"));
    assert!(read.starts_with("journal RUN/journal.jsonl, line ") && read == resumed, "{read}");
    assert!(read.ends_with(": not a journal entry: the picture is 1x0: expected at least one pixel"), "{read}");
    assert_eq!(
        told("journal.jsonl", replaced("\"round\":0", "\"round\":3")).1,
        "journal RUN/journal.jsonl, line 1: not a journal entry: `round` is 3: expected 0, the next one"
    );
    let (_, resumed) =
        told("journal.jsonl", replaced("\"event\":\"judged\",\"id\":", "\"event\":\"judged\",\"id\":99"));
    assert!(resumed.starts_with("journal RUN/journal.jsonl, line ") && resumed.contains(": `id` is 99"), "{resumed}");
    assert!(resumed.ends_with(": expected a candidate that was asked for before"), "{resumed}");
}

/// Wherever a byte of a run is another one, reading it may fail and does not panic.
#[test]
fn no_changed_byte_is_a_panic() {
    let mut scene = scene(&World::default());
    scene.job.search = Arc::new(BestOfN::new(2, None, rules()).unwrap());
    let path = scene.folder.path().join("run");
    carry_out(&scene.job, &path);
    for file in ["run.json", "journal.jsonl", "outcome.json"] {
        let whole = std::fs::read(path.join(file)).unwrap();
        for at in (0..whole.len()).step_by(7) {
            for byte in [b'9', b'"', b'}', b'e', 0xff] {
                let mut changed = whole.clone();
                changed[at] = byte;
                std::fs::write(path.join(file), changed).unwrap();
                read_run(&path).ok();
            }
        }
        std::fs::write(path.join(file), whole).unwrap();
    }
}

#[test]
fn what_differs_is_told_in_the_words_of_recipes() {
    let scene = scene(&World::default());
    let folder = scene.folder.path().join("run");
    let directory = RunDirectory::create(&folder).unwrap();
    let recorded = manifest(&scene.job);
    let told = |change: &dyn Fn(&mut editscale_engine::Manifest)| {
        let mut present = recorded.clone();
        change(&mut present);
        let error = directory.check_same(&recorded, &present).unwrap_err().to_string();
        error.replace(&format!("cannot resume {}: ", show(&folder)), "")
    };
    let budget = Budget {
        edits: Some(3),
        usd: Some(Usd { micros: 250_000 }),
        wall: Some(Duration::from_secs(90)),
        ..Budget::default()
    };
    assert_eq!(
        told(&|present| present.budget = budget),
        "the budget differs: the run has `no limit`, this program has `edits: 3, usd: 0.25, wall_secs: 90`"
    );
    assert_eq!(
        told(&|present| present.request.output_size = Some(present.request.source.size())),
        "the output size differs: the run has `none`, this program has `1x1`"
    );
    assert_eq!(
        told(&|present| present.editors[0].revision = "fake/2".to_owned()),
        "the editor differs: the run has `fake fake/1`, this program has `fake fake/2`"
    );
}

fn show(path: &Path) -> String {
    path.display().to_string()
}
