//! Skeletons are complete, up to date and under their own names. That they build and pass `plugin check` is tried with
//! the program.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::fs::read_dir;
use std::path::Path;

use super::*;

const ALL: [(Language, PluginKind); 4] = [
    (Language::Python, PluginKind::Editor),
    (Language::Python, PluginKind::Reward),
    (Language::Rust, PluginKind::Editor),
    (Language::Rust, PluginKind::Reward),
];

fn skeleton(language: Language, kind: PluginKind) -> Skeleton {
    Skeleton::new(language, kind, "my-own").unwrap()
}

#[test]
fn a_folder_is_written_once() {
    for (language, kind) in ALL {
        let parent = tempfile::tempdir().unwrap();
        let skeleton = skeleton(language, kind);
        let folder = skeleton.write(parent.path()).unwrap();
        assert_eq!(folder, parent.path().join("my-own"));
        for (path, text) in skeleton.files() {
            assert_eq!(fs::read_to_string(folder.join(path)).unwrap(), text);
        }
        let again = skeleton.write(parent.path()).unwrap_err().to_string();
        assert!(again.ends_with("my-own is there already: nothing was written"), "{again}");
    }
}

#[test]
fn names_are_filled_in() {
    for (language, kind) in ALL {
        let of = sources::example_name(language, kind);
        for (path, text) in skeleton(language, kind).files() {
            let is_own = !path.starts_with("editscale");
            assert!(!is_own || !text.contains("{{"), "{path} has a placeholder left");
            let tells = ["About::new(\"", "(\"", "f\"", "[./"].map(|before| format!("{before}{of}"));
            assert!(!is_own || tells.iter().all(|told| !text.contains(told)), "{path} tells the example's name");
        }
    }
}

#[test]
fn names_that_cannot_be_are_refused() {
    for bad in ["", "Big", "1st", "a b", "../up", "a/b", "editscale", "import", "-x", "é", &"x".repeat(65)] {
        assert!(Skeleton::new(Language::Rust, PluginKind::Reward, bad).is_err(), "{bad}");
    }
    let refused = |language, name: &str| Skeleton::new(language, PluginKind::Editor, name).is_err();
    for bad in ["self", "super", "crate", "struct", "dyn", "async", "await", "serde", "editscale-sdk", "deps"] {
        assert!(refused(Language::Rust, bad), "{bad}");
    }
    for bad in ["json", "random", "types", "lambda", "none-type", "importlib", "msgpack", "struct"] {
        assert_eq!(refused(Language::Python, bad), bad != "none-type", "{bad}");
    }
    assert!(!refused(Language::Rust, "json"));
}

/// Every source below a folder, by its path from there.
fn sources_below(folder: &Path, within: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in read_dir(folder.join(within)).unwrap() {
        let entry = entry.unwrap();
        let path = within.join(entry.file_name());
        let name = path.to_str().unwrap().to_owned();
        if entry.file_type().unwrap().is_dir() {
            found.extend(sources_below(folder, &path));
        } else if !name.ends_with("tests.rs") && path.extension().is_some_and(|ending| ending == "rs" || ending == "py")
        {
            found.insert(name);
        }
    }
    found
}

#[test]
fn the_copies_of_the_sdks_are_whole() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let listed =
        |sdk: &[(&str, &str)]| -> BTreeSet<String> { sdk.iter().map(|(path, _)| (*path).to_owned()).collect() };
    assert_eq!(listed(RUST_SDK), sources_below(&root.join("../sdk/src"), Path::new("")));
    let mut python = sources_below(&root.join("../../plugins/python-sdk/src/editscale"), Path::new("plugins"));
    python.extend(["__init__.py".to_owned(), "py.typed".to_owned()]);
    assert_eq!(listed(PYTHON_SDK), python);
}

/// The dependencies in a manifest, as `name = …` without what features are asked for beside.
fn versions<'a>(manifest: &'a str, section: &str) -> Vec<(&'a str, &'a str)> {
    let lines = manifest.lines().skip_while(|line| *line != section).skip(1);
    let lines = lines.take_while(|line| !line.starts_with('['));
    let version = |line: &'a str| {
        let (name, rest) = line.split_once(" = ")?;
        let rest = rest.split_once("version = ").map_or(rest, |(_, rest)| rest);
        Some((name, rest.strip_prefix('"')?.split_once('"')?.0))
    };
    lines.filter_map(version).collect()
}

#[test]
fn skeletons_ask_for_the_versions_of_the_workspace() {
    let ours = versions(include_str!("../../../../Cargo.toml"), "[workspace.dependencies]");
    let sdk = versions(include_str!("templates/sdk_cargo.toml"), "[dependencies]");
    let own = versions(include_str!("templates/rust_cargo.toml"), "[dependencies]");
    for dependency in sdk.iter().chain(&own) {
        assert!(ours.contains(dependency), "the workspace has another version than {dependency:?}");
    }
    let manifest = include_str!("../../../sdk/Cargo.toml");
    let needs =
        manifest.lines().skip_while(|line| *line != "[dependencies]").skip(1).take_while(|line| !line.is_empty());
    let needs: BTreeSet<&str> = needs.filter_map(|line| line.split(['.', ' ']).next()).collect();
    assert_eq!(sdk.iter().map(|(name, _)| *name).collect::<BTreeSet<_>>(), needs);
}
