//! A few misbehaviours as scripts that people can read and run, with nothing but a shell.

use std::fs;
use std::path::Path;
use std::time::Duration;

use editscale_plugin::Launch;
use editscale_plugin::check::{CheckOptions, check};
use libtest_mimic::{Failed, Trial};

/// Scripts, the checks that find them, and what those say.
const SCRIPTS: [(&str, &str, &str); 6] = [
    ("prints.sh", "hello", "something prints to standard output"),
    ("silent.sh", "hello", "nothing came within"),
    ("ends.sh", "hello", "it ended with code 3; its last words: cannot open weights/model.safetensors"),
    ("gigabytes.sh", "hello", "a frame says that it is 4294967295 bytes long"),
    ("cut.sh", "hello", "the stream ends within a frame"),
    ("later.sh", "hello", "the plugin speaks 7.0: update editscale"),
];

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    let trials =
        SCRIPTS.map(|(name, found_by, says)| Trial::test(format!("fails::{name}"), move || run(name, found_by, says)));
    trials.into_iter().chain([Trial::test("every_script_is_run", every_script_is_run)])
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/plugins/scripts"))
}

fn run(name: &str, found_by: &str, says: &str) -> Result<(), Failed> {
    let launch = Launch::of(["sh".to_owned(), folder().join(name).display().to_string()]);
    let options = CheckOptions { timeout: Duration::from_secs(3), ..CheckOptions::new(launch) };
    crate::finds(&check(&options, &mut |_| {})?, found_by, says)
}

fn every_script_is_run() -> Result<(), Failed> {
    for entry in fs::read_dir(folder())? {
        let name = entry?.file_name().display().to_string();
        if !SCRIPTS.iter().any(|(known, ..)| *known == name) && name != "README.md" {
            return Err(format!("{name} is not in the list of scripts").into());
        }
    }
    Ok(())
}
