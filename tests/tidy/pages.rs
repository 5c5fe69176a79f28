//! The pages as one book: links and anchors lead somewhere, the contents name every page, and each page says whom it is for.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use super::complain;

/// Folders whose pages belong to the book or are linked from it.
const FOLDERS: [&str; 7] = ["docs", "workspace", "plugins", "tests", "fuzz", "examples", "deploy"];

/// Every page of the repository; what tools leave in it has none.
fn pages() -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
            let is_left = name.starts_with('.') || ["target", "build", "node_modules", "templates"].contains(&name);
            if path.is_dir() && !is_left && !path.is_symlink() {
                walk(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "md") {
                found.push(path);
            }
        }
    }
    let mut found = vec![PathBuf::from("README.md"), PathBuf::from("CHANGELOG.md")];
    FOLDERS.into_iter().for_each(|folder| walk(Path::new(folder), &mut found));
    found.sort();
    found
}

/// A page without its fenced blocks, in which `#` and brackets mean other things.
fn prose(page: &Path) -> String {
    let text = fs::read_to_string(page).expect("a page");
    text.split("```").step_by(2).collect()
}

/// The anchors that a page's headings have where it is shown on the web: of equal ones the later have a number.
fn anchors(page: &Path) -> BTreeSet<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let text = prose(page);
    let headings = text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let mut anchor = |heading: &str| {
        let kept = |letter: &char| letter.is_alphanumeric() || [' ', '-', '_'].contains(letter);
        let plain = heading.to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-");
        let count = seen.entry(plain.clone()).or_default();
        *count += 1;
        if *count == 1 { plain } else { format!("{plain}-{}", *count - 1) }
    };
    headings.map(&mut anchor).collect()
}

/// Where a page's links lead, those to other machines left out.
fn links(page: &Path) -> Vec<String> {
    let text = prose(page);
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.filter(|target| !target.contains("://") && !target.contains(' ')).map(ToOwned::to_owned).collect()
}

/// A path with `..` carried out, from the repository's root.
fn plain(path: &Path) -> PathBuf {
    let mut parts = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                parts.pop();
            }
            Component::CurDir => {}
            part => parts.push(part),
        }
    }
    parts
}

/// Why a link of a page leads nowhere.
fn lost(page: &Path, link: &str) -> Option<String> {
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let here = page.parent().expect("a folder").join(path);
    let target = if path.is_empty() { page.to_owned() } else { plain(&here) };
    if !target.exists() {
        return Some(format!("{}: `{link}` is not there", page.display()));
    }
    let is_page = target.extension().is_some_and(|ending| ending == "md");
    let is_lost = !anchor.is_empty() && is_page && !anchors(&target).contains(anchor);
    is_lost.then(|| format!("{}: `{link}` names no heading", page.display()))
}

#[test]
fn links_lead_somewhere() {
    let pages = pages();
    let found: Vec<(PathBuf, String)> =
        pages.iter().flat_map(|page| links(page).into_iter().map(|link| (page.clone(), link))).collect();
    assert!(found.len() > 200, "{} links", found.len());
    complain(&found.iter().filter_map(|(page, link)| lost(page, link)).collect::<Vec<_>>());
}

/// The pages that the contents of README.md lead to.
fn chapters() -> Vec<PathBuf> {
    let is_chapter = |page: &&PathBuf| {
        let folder = page.parent().expect("a folder");
        let is_readme = page.file_name().is_some_and(|name| name == "README.md");
        folder == Path::new("docs")
            || folder == Path::new("docs/days")
            || (is_readme && (folder.starts_with("plugins") || folder == Path::new("docs/studies")))
            || ["workspace", "fuzz", "tests/parity"].iter().any(|inside| is_readme && folder == Path::new(inside))
    };
    pages().iter().filter(is_chapter).cloned().collect()
}

#[test]
fn the_contents_lead_to_every_page() {
    let linked: BTreeSet<PathBuf> = links(Path::new("README.md")).iter().map(|link| plain(Path::new(link))).collect();
    let chapters = chapters();
    assert!(chapters.len() > 30, "{chapters:?}");
    let missing = chapters.iter().filter(|chapter| !linked.contains(*chapter));
    complain(&missing.map(|chapter| format!("README.md does not lead to {}", chapter.display())).collect::<Vec<_>>());
}

#[test]
fn every_page_says_whom_it_is_for() {
    let silent = |page: &PathBuf| {
        // A day is somebody's by its name, and a plugin's page says what the plugin is.
        let is_told = page.starts_with("docs/days") || !(page.starts_with("docs") || page.starts_with("workspace"));
        let text = fs::read_to_string(page).expect("a page");
        let says = text.lines().nth(2).is_some_and(|line| line.starts_with("*For "));
        (!is_told && !says).then(|| format!("{}: its third line does not begin with `*For `", page.display()))
    };
    complain(&chapters().iter().filter_map(silent).collect::<Vec<_>>());
}
