//! Every command that a page shows works, in the order shown, in a folder of the page's own. Those that need weights, servers or files
//! that nobody here has are read: the program knows their flags.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Makes a test of each page, whose commands need nothing but the repository; at least so many are shown.
macro_rules! pages {
    ($($name:ident: $page:literal, $least:literal;)*) => {
        const PAGES: &[&str] = &[$($page),*];

        $(#[test]
        fn $name() {
            check($page, $least);
        })*
    };
}

// What `docs/days` shows in Python as well is run by `tests/clients/days.py`.
pages! {
    the_readme_works: "README.md", 20;
    the_page_on_editreward_works: "docs/editreward.md", 2;
    the_day_of_an_agent_builder_works: "docs/days/agent-builder.md", 3;
    the_day_of_a_curator_works: "docs/days/curator.md", 5;
    the_day_of_an_engineer_works: "docs/days/engineer.md", 7;
    the_day_of_a_photographer_works: "docs/days/photographer.md", 8;
    the_day_of_an_rl_team_works: "docs/days/rl-team.md", 5;
}

/// What is run elsewhere: these tests themselves, and what wants a network, by `tests/clients/run.sh`.
const ELSEWHERE: [&str; 2] = ["cargo test ", "pip install "];

/// The lines of a page's shell blocks, `cargo` ones as the program that they would run.
fn commands(page: &str) -> Vec<String> {
    let text = fs::read_to_string(page).unwrap();
    let blocks = text.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let lines = blocks.flat_map(str::lines).map(|line| line.replace("cargo run --release --", "editscale"));
    lines.filter(|line| !ELSEWHERE.iter().any(|start| line.starts_with(start))).collect()
}

#[test]
fn every_day_is_lived() {
    for entry in fs::read_dir("docs/days").unwrap() {
        let page = entry.unwrap().path();
        assert!(PAGES.iter().any(|known| Path::new(known) == page), "no test runs {}", page.display());
    }
}

/// What the table of use cases shows is among the commands that are run.
#[test]
fn every_use_case_has_a_command_that_is_run() {
    let text = fs::read_to_string("README.md").unwrap();
    let table = text.split("| you want | command | more |\n|---|---|---|\n").nth(1).unwrap();
    let rows: Vec<&str> = table.split("\n\n").next().unwrap().lines().collect();
    let run = commands("README.md");
    for row in &rows {
        let shown = row.split("| `").nth(1).and_then(|rest| rest.split("` |").next());
        assert!(shown.is_some_and(|shown| run.iter().any(|command| command == shown)), "nothing runs: {row}");
    }
    assert!(rows.len() >= 7, "{rows:?}");
}

fn check(page: &str, least: usize) {
    let here = fs::canonicalize(".").unwrap();
    let bin = Path::new(env!("CARGO_BIN_EXE_editscale")).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let desk = tempfile::tempdir().unwrap();
    for folder in ["examples", "configs"] {
        link(&here.join(folder), &desk.path().join(folder));
    }
    let commands = commands(page);
    assert!(commands.len() >= least, "{page} shows {commands:?}");
    for command in commands {
        let mut shell = Command::new("sh");
        shell.current_dir(desk.path()).env("PATH", &path).stdin(Stdio::null());
        if command.starts_with("editscale serve") {
            // It would listen where another test, or somebody's own server, may: elsewhere it is the same.
            check_serves(shell.args(["-c", &format!("exec {command} --listen 127.0.0.1:0")]), &command);
            continue;
        }
        let output = shell.args(["-c", &command]).output().unwrap();
        assert!(output.status.success(), "{page}: {command}\n{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// A server says where it is, and then goes on until it is ended.
fn check_serves(shell: &mut Command, command: &str) {
    let mut server = shell.stdout(Stdio::piped()).spawn().unwrap();
    let mut address = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut address).unwrap();
    assert!(address.starts_with("http://127.0.0.1:"), "{command}: {address:?}");
    assert!(server.try_wait().unwrap().is_none(), "{command} has ended");
    server.kill().unwrap();
    server.wait().unwrap();
}

#[cfg(unix)]
fn link(from: &Path, to: &Path) {
    std::os::unix::fs::symlink(from, to).unwrap();
}

/// The pages for users.
fn pages() -> Vec<PathBuf> {
    let of = |folder: &str| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<PathBuf>>();
    let plugins = of("plugins").into_iter().map(|plugin| plugin.join("README.md"));
    let all = ["docs", "docs/days"].into_iter().flat_map(of).chain(plugins).chain([PathBuf::from("README.md")]);
    all.filter(|path| path.is_file() && path.extension().is_some_and(|ending| ending == "md")).collect()
}

/// The words of every command of this program in the blocks of a page, up to those that are another program's.
fn calls(page: &Path) -> Vec<Vec<String>> {
    let text = fs::read_to_string(page).unwrap().replace("\\\n", " ");
    let lines = text.split("```").skip(1).step_by(2).flat_map(str::lines);
    let ours = lines.filter_map(|line| line.split_once("editscale ").filter(|(before, _)| is_begun(before)));
    ours.map(|(_, call)| own_words(call)).filter(|words| !words.is_empty()).collect()
}

/// Whether what stands before the program's name lets a command begin: variables that are set, and nothing else.
fn is_begun(before: &str) -> bool {
    before.split_whitespace().all(|word| word.contains('=') || word == "$")
}

fn own_words(call: &str) -> Vec<String> {
    let ends = |word: &&str| ["--", "#", "&", "&&", "|"].contains(word);
    call.split_whitespace().take_while(|word| !ends(word)).map(ToOwned::to_owned).collect()
}

/// What the program says of a command and, where the next word is one of its own, of that.
fn help(words: &[String]) -> String {
    let ask = |words: &[String]| {
        let output = Command::new(env!("CARGO_BIN_EXE_editscale")).args(words).arg("--help").output().unwrap();
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
    };
    let own = ask(&words[..1]).unwrap_or_else(|| panic!("there is no command {words:?}"));
    let further = words.get(1).filter(|word| own.contains(&format!("\n  {word} ")));
    own + &further.and_then(|_| ask(&words[..2])).unwrap_or_default()
}

#[test]
fn the_program_knows_every_flag_of_the_pages() {
    let mut helps: BTreeMap<Vec<String>, String> = BTreeMap::new();
    let mut seen = 0;
    for page in pages() {
        for words in calls(&page) {
            let begun: Vec<String> = words.iter().take(2).cloned().collect();
            let help = helps.entry(begun).or_insert_with_key(|begun| help(begun));
            for flag in words.iter().filter(|word| word.starts_with("--")) {
                let name = flag.split('=').next().unwrap();
                let is_known =
                    help.split(|letter: char| letter != '-' && !letter.is_alphanumeric()).any(|it| it == name);
                assert!(is_known, "{}: `{name}` of {words:?}", page.display());
                seen += 1;
            }
        }
    }
    assert!(seen > 80, "{seen} flags");
}
