//! The crates are the ones that `workspace/README.md` draws, with exactly the edges drawn there.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "a test that cannot go on fails"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

type Edges = BTreeMap<String, BTreeSet<String>>;

/// The block of allowed edges in the architecture page: `crate -> others`.
fn drawn() -> Edges {
    let page = fs::read_to_string("workspace/README.md").expect("the architecture page");
    let block = page.split("```edges").nth(1).and_then(|rest| rest.split("```").next()).expect("a block of edges");
    let lines = block.lines().filter_map(|line| line.split_once("->"));
    lines.map(|(from, to)| (from.trim().to_owned(), to.split_whitespace().map(ToOwned::to_owned).collect())).collect()
}

fn metadata() -> serde_json::Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .output()
        .expect("cargo metadata runs");
    serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON")
}

/// The crates and the edges between them, dev-dependencies left out.
fn built() -> Edges {
    let short = |name: &str| if name == "editscale" { "cli".to_owned() } else { name.replacen("editscale-", "", 1) };
    let metadata = metadata();
    let packages = metadata["packages"].as_array().expect("packages");
    let edges = |package: &serde_json::Value| {
        let dependencies = package["dependencies"].as_array().expect("dependencies").iter();
        let ours = dependencies.filter(|each| each["kind"].is_null()).filter_map(|each| each["name"].as_str());
        ours.filter(|name| name.starts_with("editscale")).map(short).collect()
    };
    packages.iter().map(|package| (short(package["name"].as_str().expect("a name")), edges(package))).collect()
}

#[test]
fn edges_are_exactly_those_drawn() {
    assert_eq!(built(), drawn());
}

/// What a pure crate may depend on: the errors' derive, a helper to copy what is behind a trait, and a table of how wide
/// characters are. None of them acts.
const HARMLESS: [&str; 6] =
    ["dyn-clone", "editscale-core", "editscale-schema", "editscale-study", "thiserror", "unicode-width"];

#[test]
fn the_pure_crates_have_no_dependency_that_acts() {
    let metadata = metadata();
    for name in ["editscale-core", "editscale-pickle", "editscale-schema", "editscale-search", "editscale-study"] {
        let package = metadata["packages"].as_array().expect("packages").iter().find(|each| each["name"] == name);
        let dependencies = package.expect("the crate")["dependencies"].as_array().expect("dependencies");
        for dependency in dependencies.iter().filter(|each| each["kind"].is_null()) {
            let dependency = dependency["name"].as_str().expect("a name");
            assert!(HARMLESS.contains(&dependency), "{name} depends on {dependency}");
        }
    }
}

#[test]
fn every_crate_is_described_on_the_page() {
    let page = fs::read_to_string("workspace/README.md").expect("the architecture page");
    for name in built().keys() {
        assert!(page.contains(&format!("| `{name}` |")), "`{name}` has no row in the crate map");
    }
}

#[test]
fn the_reward_does_not_know_the_operations() {
    // The measures may use the smoothing of planes and the geometry of frames; never what an edit was made with.
    for entry in fs::read_dir("workspace/darkroom/src/photometric").expect("the folder") {
        let text = fs::read_to_string(entry.expect("an entry").path()).expect("a source file");
        for word in [
            "Choices",
            "develop",
            "operations::quantities",
            "operations::tone",
            "operations::colour",
            "operations::detail",
        ] {
            assert!(!text.contains(word), "photometric speaks of `{word}`");
        }
    }
}

/// Each invariant names what checks it, and that is there.
#[test]
fn every_invariant_names_its_check() {
    let page = fs::read_to_string("workspace/README.md").expect("the architecture page");
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| I")).collect();
    assert!(rows.len() >= 14, "the table of invariants");
    for row in rows {
        let is_source = |quoted: &&str| Path::new(quoted).extension().is_some_and(|it| it == "rs");
        let named: Vec<&str> = row.split('`').skip(1).step_by(2).filter(is_source).collect();
        assert!(!named.is_empty(), "nothing checks: {row}");
        for path in named {
            let is_there = ["", "workspace/"].iter().any(|root| fs::exists(format!("{root}{path}")).unwrap_or(false));
            assert!(is_there, "`{path}` is named in: {row}");
        }
    }
}

#[test]
fn every_place_of_the_walks_exists() {
    let page = fs::read_to_string("workspace/README.md").expect("the architecture page");
    let walks = page.split("## Reading order").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("the walks");
    let places: Vec<&str> = walks.split('`').skip(1).step_by(2).filter(|place| place.contains(".rs")).collect();
    assert!(places.len() >= 40, "{places:?}");
    let is_there = |place: &&str| {
        let (path, function) = place.split_once("::").unwrap_or((place, ""));
        let file = ["workspace/", ""].iter().find_map(|root| fs::read_to_string(format!("{root}{path}")).ok());
        let has = |text: String| ["(", "<"].iter().any(|next| text.contains(&format!("fn {function}{next}")));
        file.is_some_and(|text| function.is_empty() || has(text))
    };
    let missing: Vec<&&str> = places.iter().filter(|place| !is_there(place)).collect();
    assert!(missing.is_empty(), "workspace/README.md names what is not there: {missing:?}");
}

/// A page's text without its fenced blocks, as what stands between backticks there.
fn quoted(page: &str) -> Vec<String> {
    let text = fs::read_to_string(page).expect("the page");
    let prose: String = text.split("```").step_by(2).collect();
    prose.split('`').skip(1).step_by(2).map(ToOwned::to_owned).collect()
}

/// The text of every source file.
fn sources(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&fs::read_to_string(path).expect("a source file"));
        }
    }
}

/// Whoever follows the page finds what it speaks of.
#[test]
fn what_the_page_on_extending_names_exists() {
    let mut all = String::new();
    ["workspace", "tests"].into_iter().for_each(|folder| sources(Path::new(folder), &mut all));
    let quoted = quoted("docs/extending.md");
    assert!(quoted.len() > 50, "{quoted:?}");
    for quoted in quoted {
        // What holds a blank is a command or a line of one.
        let is_there = match quoted.as_str() {
            command if command.contains(' ') || command.starts_with("--") => true,
            path if ["workspace/", "tests/", "docs/"].iter().any(|root| path.starts_with(root)) => {
                fs::exists(path).unwrap_or(false)
            }
            // Of `Trait::method`, each side; of `call()`, the name.
            name => name.trim_end_matches("()").split("::").all(|part| all.contains(part)),
        };
        assert!(is_there, "docs/extending.md names `{quoted}`");
    }
}

/// Of "`name` (`file`)" on that page, the file defines the name: it may be there and only use it.
#[test]
fn what_the_page_on_extending_names_is_where_it_says() {
    let page = fs::read_to_string("docs/extending.md").expect("the page");
    let parts: Vec<&str> = page.split('`').collect();
    let mut seen = 0;
    for around in parts.windows(4) {
        let &[name, " (", path, after] = around else { continue };
        if !after.starts_with(')') || Path::new(path).extension().is_none_or(|ending| ending != "rs") {
            continue;
        }
        let file = fs::read_to_string(path).unwrap_or_else(|error| panic!("`{path}`: {error}"));
        let last = name.rsplit("::").next().unwrap_or(name);
        let is_defined = ["fn", "trait", "struct", "enum"].iter().any(|kind| file.contains(&format!("{kind} {last}")));
        assert!(is_defined, "docs/extending.md names `{name}` in `{path}`");
        seen += 1;
    }
    assert!(seen >= 8, "{seen} names with their files");
}
