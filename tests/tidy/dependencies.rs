//! That the crates use what their manifests ask for.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{LICENCES, complain, packages, sources};

/// A dependency as Rust writes it at the start of a path, in an attribute, or brought in as a whole.
fn is_named(dependency: &str, text: &str) -> bool {
    let name = dependency.replace('-', "_");
    [format!("{name}::"), format!("\"{name}\""), format!("use {name};")].iter().any(|mark| text.contains(mark))
}

/// The sources that may use a dependency of a kind: tests, examples and benches cannot earn one of the crate itself.
fn users(package: &str, is_for_tests: bool) -> Vec<PathBuf> {
    let folders = match (package.strip_prefix("editscale-"), is_for_tests) {
        (Some(name), true) => vec![format!("workspace/{name}")],
        (Some(name), false) => vec![format!("workspace/{name}/src")],
        (None, true) => ["workspace/cli", "tests", "examples"].map(str::to_owned).to_vec(),
        (None, false) => vec!["workspace/cli".to_owned()],
    };
    let is_in = |path: &PathBuf| folders.iter().any(|folder| path.starts_with(Path::new(folder)));
    sources().into_iter().filter(is_in).collect()
}

fn unused(package: &serde_json::Value) -> Vec<String> {
    let name = package["name"].as_str().expect("a name");
    let text = |is_for_tests| {
        let texts = users(name, is_for_tests).into_iter().map(|path| fs::read_to_string(path).expect("a source file"));
        texts.collect::<String>()
    };
    let (own, tests) = (text(false), text(true));
    let dependencies = package["dependencies"].as_array().expect("dependencies").iter();
    let idle = dependencies.filter_map(|each| {
        let dependency = each["name"].as_str().expect("a name");
        let used = is_named(dependency, if each["kind"].is_null() { &own } else { &tests });
        (!used).then(|| format!("{name} does not use {dependency}"))
    });
    idle.collect()
}

#[test]
fn every_dependency_is_used_where_it_is_asked_for() {
    let own = packages().into_iter().filter(|package| package["source"].is_null());
    complain(&own.flat_map(|package| unused(&package)).collect::<Vec<_>>());
}

#[test]
fn both_lists_of_licences_say_the_same() {
    let text = fs::read_to_string("deny.toml").expect("the list of cargo-deny");
    let line = text.lines().find(|line| line.starts_with("allow = [")).expect("allowed licences");
    assert_eq!(line.split('"').skip(1).step_by(2).collect::<Vec<_>>(), LICENCES);
}
