//! Every recipe of the repository is read: the files of `configs/`, and the blocks of the pages that people copy from.
//! And the page about recipes lists every key that there is.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use editscale_config::{Catalogue, JudgeRecipe, Recipe, Table, schema};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every editor and reward of the program.
fn catalogue() -> Catalogue {
    Catalogue::new(
        &[editscale_darkroom::EDITORS, editscale_models::EDITORS, editscale_plugin::EDITORS, editscale_remote::EDITORS],
        &[editscale_darkroom::REWARDS, editscale_models::REWARDS, editscale_plugin::REWARDS, editscale_remote::JUDGES],
    )
    .with_critics(&[editscale_darkroom::CRITICS, editscale_remote::CRITICS])
}

/// A recipe that cannot be read, or that draws a warning, fails the test with what is wrong.
fn check(name: &str, text: &str) -> Recipe {
    match Recipe::parse(text.as_bytes(), &catalogue()) {
        Ok((recipe, warnings)) if warnings.is_empty() => recipe,
        Ok((_, report)) | Err(report) => panic!("{}", report.render(name, text.as_bytes())),
    }
}

/// The same of a recipe to judge with.
fn check_judging(name: &str, text: &str) -> JudgeRecipe {
    match JudgeRecipe::parse(text.as_bytes(), &catalogue()) {
        Ok((recipe, warnings)) if warnings.is_empty() => recipe,
        Ok((_, report)) | Err(report) => panic!("{}", report.render(name, text.as_bytes())),
    }
}

fn configs() -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("configs")).unwrap();
    // A folder holds what recipes name, such as workflows.
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect();
    paths.sort();
    paths
}

#[test]
fn every_config_is_a_recipe() {
    let configs = configs();
    assert!(configs.len() >= 30, "{configs:?}");
    for path in configs {
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(path.extension().unwrap(), "yaml", "{}", path.display());
        assert!(text.starts_with('#'), "{} does not begin by saying what it is", path.display());
        let name = path.display().to_string();
        let judging = check_judging(&name, &text);
        assert_eq!(check_judging("the resolved recipe", &judging.to_yaml()), judging);
        if !judging.only_judges() {
            let recipe = check(&name, &text);
            assert_eq!(check("the resolved recipe", &recipe.to_yaml()), recipe);
        }
    }
}

/// All files below a folder of the repository with this ending.
fn below(folder: &str, ending: &str) -> Vec<PathBuf> {
    let (mut folders, mut found) = (vec![root().join(folder)], Vec::new());
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() && !name.starts_with('.') && !["target", "build"].contains(&name) {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == ending) {
                found.push(path);
            }
        }
    }
    found
}

/// The recipes beside the plugins.
#[test]
fn every_recipe_of_the_plugins_is_one() {
    let recipes = below("plugins", "yaml");
    assert!(!recipes.is_empty());
    for path in recipes {
        check(&path.display().to_string(), &fs::read_to_string(&path).unwrap());
    }
}

#[test]
fn every_policy_has_a_config() {
    let texts = configs().into_iter().map(|path| fs::read_to_string(path).unwrap());
    let editing = texts.filter(|text| !check_judging("config", text).only_judges());
    let kinds: Vec<&str> = editing.map(|text| check("config", &text).settings().search.kind()).collect();
    let policies =
        schema(&catalogue()).into_iter().filter_map(|table| Some(table.path.strip_prefix("search.")?.to_owned()));
    for policy in policies.filter(|policy| !policy.contains('.')) {
        assert!(kinds.contains(&policy.as_str()), "no recipe in `configs/` shows `{policy}`");
    }
}

/// The fenced blocks of a language in a page of Markdown, with the lines that they begin in.
fn blocks(page: &str, language: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut lines = page.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        if line.trim() == format!("```{language}") {
            let block = lines.by_ref().map(|(_, line)| line).take_while(|line| line.trim() != "```");
            found.push((number + 2, block.fold(String::new(), |text, line| text + line + "\n")));
        }
    }
    found
}

/// A block that shows only some keys is completed by the required ones.
fn completed(block: &str) -> String {
    if block.lines().any(|line| line.starts_with("version:")) {
        return block.to_owned();
    }
    let has = |key: &str| block.lines().any(|line| line.starts_with(key));
    let mut text = format!("version: 1\n{block}");
    for (keys, line) in [
        (&["editor:", "editors:"][..], "editor: {darkroom: {}}\n"),
        (&["rewards:"], "rewards: [{model: {photometric: {}}}]\n"),
        (&["search:"], "search: {best_of_n: {samples: 8}}\n"),
    ] {
        if !keys.iter().any(|key| has(key)) {
            text += line;
        }
    }
    text
}

/// Every page that people read.
#[test]
fn every_block_of_the_pages_is_a_recipe() {
    let own = ["README.md", "workspace/README.md"].map(|page| root().join(page));
    let mut count = 0;
    for page in own.into_iter().chain(below("docs", "md")).chain(below("plugins", "md")) {
        for (line, block) in blocks(&fs::read_to_string(&page).unwrap(), "yaml") {
            let (name, text) = (format!("{}, block in line {line}", page.display()), completed(&block));
            if !check_judging(&name, &text).only_judges() {
                check(&name, &text);
            }
            count += 1;
        }
    }
    assert!(count >= 35, "the pages have lost examples: {count} are left");
}

fn markdown(table: &Table) -> String {
    let heading = if table.path.is_empty() { "The recipe".to_owned() } else { format!("`{}`", table.path) };
    let mut text = format!("### {heading}\n\n{}\n", table.about);
    if table.keys.is_empty() {
        return text;
    }
    text += "\n| key | value | if left out | meaning |\n|---|---|---|---|\n";
    for key in &table.keys {
        writeln!(text, "| `{}` | {} | {} | {} |", key.name, key.allowed, key.default, key.meaning).unwrap();
    }
    text
}

/// Whether these are the keys of an editor, a reward, a critic, a policy or the like.
fn is_kind(table: &Table) -> bool {
    let named = table.path.split_once('.').filter(|(_, kind)| !kind.contains('.'));
    named.is_some_and(|(of, _)| ["editor", "model", "search", "select", "combine"].contains(&of))
}

/// The second half of the page is made from the schema; with `EDITSCALE_WRITE_PAGES` set, this test writes it. The table before it
/// leads to every kind.
#[test]
fn every_key_is_documented() {
    let expected: Vec<String> = schema(&catalogue()).iter().map(markdown).collect();
    let expected = expected.join("\n");
    let path = root().join("docs/recipes.md");
    let page = fs::read_to_string(&path).unwrap();
    let (before, keys) = page.split_once("\n## All keys\n\n").unwrap();
    if std::env::var_os("EDITSCALE_WRITE_PAGES").is_some() {
        fs::write(&path, format!("{before}\n## All keys\n\n{expected}")).unwrap();
        return;
    }
    let anchors = schema(&catalogue()).into_iter().filter(is_kind).map(|table| table.path.replace('.', ""));
    let unlisted: Vec<String> = anchors.filter(|anchor| !before.contains(&format!("](#{anchor})"))).collect();
    assert!(unlisted.is_empty(), "docs/recipes.md: `## Where a key stands` does not lead to {unlisted:?}");
    let how = "`EDITSCALE_WRITE_PAGES=1 cargo test --test configs` writes it";
    assert!(keys == expected, "docs/recipes.md: after `## All keys` should follow what {how}:\n\n{expected}");
}
