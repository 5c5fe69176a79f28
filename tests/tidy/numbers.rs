//! Numbers of the product, counted in its sources: `cargo test --test tidy numbers -- --nocapture` prints them.

#![expect(clippy::print_stdout, reason = "the numbers are for people to read")]

use std::collections::HashMap;
use std::path::Path;
use std::sync::LazyLock;

use super::reader::{Function, Source};
use super::{complain, sources};

/// Functions that may have more than 100 lines, each with its reason.
const LONG: [(&str, &str, &str); 0] = [];

/// Functions that may take more than four things beside themselves, each with its reason.
const MANY: [(&str, &str, &str); 0] = [];

/// Whether a file is a part of what is built, and not of its tests, benches or examples.
fn is_product(path: &Path) -> bool {
    let is_other = |part: &std::ffi::OsStr| {
        ["tests", "tests.rs", "benches", "examples", "testkit"].map(AsRef::as_ref).contains(&part)
    };
    path.starts_with("workspace") && !path.iter().any(is_other)
}

/// The sources of the product, read once for all that is counted.
static PRODUCT: LazyLock<Vec<Source>> = LazyLock::new(|| {
    let read = |path: &std::path::PathBuf| {
        Source::read(path.display().to_string(), std::fs::read_to_string(path).expect("a source file"))
    };
    sources().iter().filter(|path| is_product(path)).map(read).collect()
});

fn functions() -> impl Iterator<Item = (&'static str, &'static Function)> {
    PRODUCT.iter().flat_map(|source| source.counted.functions.iter().map(|function| (source.path.as_str(), function)))
}

/// The least value that this share of all values does not exceed.
fn quantile(values: &mut [usize], share: f64) -> usize {
    values.sort_unstable();
    values[((values.len() - 1) as f64 * share).round() as usize]
}

fn shape(what: &str, mut values: Vec<usize>, [median_most, p90_most]: [usize; 2]) {
    let [median, p90, most] = [0.5, 0.9, 1.0].map(|share| quantile(&mut values, share));
    println!("{what}: {} of them, lines median {median}, p90 {p90}, most {most}", values.len());
    assert!(
        median <= median_most && p90 <= p90_most,
        "{what}: expected median {median_most} and p90 {p90_most} at most"
    );
}

#[test]
fn files_and_functions_are_short() {
    shape("files", PRODUCT.iter().map(|source| source.text.lines().count()).collect(), [200, 500]);
    shape("functions", functions().map(|(_, function)| function.lines).collect(), [10, 40]);
}

#[test]
fn functions_of_more_than_a_hundred_lines_have_a_reason() {
    let long = |(path, function): (&str, &Function)| {
        let known = LONG.iter().any(|(known, name, _)| *known == path && *name == function.name);
        let Function { name, lines, .. } = function;
        (*lines > 100 && !known).then(|| format!("{path}: `{name}` has {lines} lines"))
    };
    complain(&functions().filter_map(long).collect::<Vec<_>>());
}

#[test]
fn functions_take_at_most_four_things() {
    println!("parameters: most {}", functions().map(|(_, function)| function.parameters).max().unwrap_or_default());
    let many = |(path, function): (&str, &Function)| {
        let known = MANY.iter().any(|(known, name, _)| *known == path && *name == function.name);
        let Function { name, parameters, .. } = function;
        (*parameters > 4 && !known).then(|| format!("{path}: `{name}` takes {parameters} things"))
    };
    complain(&functions().filter_map(many).collect::<Vec<_>>());
}

/// The compiler asks for words only about what can be reached from outside a crate.
#[test]
fn what_is_public_is_told() {
    let untold = PRODUCT
        .iter()
        .flat_map(|source| source.counted.untold.iter().map(|name| format!("{}: `{name}` is public", source.path)));
    let untold: Vec<String> = untold.collect();
    println!("public things that nothing is said about: {}", untold.len());
    complain(&untold);
}

/// Public maps from text to numbers, each with the reason why no type has its names as fields.
const MAPS: [(&str, &str, &str); 3] = [
    ("workspace/benchmarks/src/measures/measured.rs", "facts", "each metric tells others beside its value"),
    ("workspace/sdk/src/protocol/work.rs", "knobs", "an editor calls its knobs as it likes"),
    ("workspace/server/src/form/candidate.rs", "knobs", "an editor calls its knobs as it likes"),
];

#[test]
fn maps_of_numbers_have_a_reason() {
    let found = PRODUCT.iter().flat_map(|source| source.counted.maps.iter().map(|name| (source.path.as_str(), name)));
    let found: Vec<(&str, &String)> = found.collect();
    println!("public maps from text to numbers: {}", found.len());
    let known = |(path, name): (&str, &String)| MAPS.iter().any(|(known, field, _)| *known == path && field == name);
    let unknown =
        found.iter().filter(|map| !known(**map)).map(|(path, name)| format!("{path}: `{name}` is such a map"));
    complain(&unknown.collect::<Vec<_>>());
    assert_eq!(found.len(), MAPS.len(), "one of the list is gone: {found:?}");
}

/// The most names that one file hands on from others: the list at the root of `core`, whose words all others use.
const MOST_HANDED_ON: usize = 120;

#[test]
fn names_are_handed_on_once() {
    let mut lists: Vec<(usize, &str)> = Vec::new();
    let mut stars = Vec::new();
    for Source { path, counted, .. } in PRODUCT.iter() {
        lists.push((counted.handed_on.len(), path));
        stars.extend(counted.handed_on.iter().filter(|name| *name == "*").map(|_| path));
    }
    let all: usize = lists.iter().map(|(count, _)| count).sum();
    let (most, longest) = lists.iter().max().expect("a source");
    println!("names handed on by `pub use`: {all} in all, most {most} ({longest}), stars {stars:?}");
    assert!(*most <= MOST_HANDED_ON, "{longest} hands on {most} names: expected at most {MOST_HANDED_ON}");
    assert!(stars.len() <= 1, "{stars:?}: expected at most one star");
}

/// Lines that say something: no imports, no lone brackets, no comments.
fn telling(text: &str) -> Vec<(usize, &str)> {
    let of_tests = text.find("#[cfg(test)]").unwrap_or(text.len());
    let says = |line: &str| line.chars().filter(|character| character.is_alphanumeric()).count() > 3;
    let lines = text[..of_tests].lines().enumerate().map(|(number, line)| (number + 1, line.trim()));
    lines.filter(|(_, line)| says(line) && !line.starts_with("//") && !line.starts_with("use ")).collect()
}

/// How many telling lines in a row make a run that should not stand twice.
const RUN: usize = 6;

/// The most such runs: models and dialects that are alike say alike what they are, and so do the impls of a trait and records
/// of one thing on two wires.
const MOST_TWICE: usize = 34;

#[test]
fn few_runs_of_lines_stand_twice() {
    let all = &*PRODUCT;
    let mut seen: HashMap<Vec<&str>, (usize, usize)> = HashMap::new();
    let mut twice: Vec<(String, usize, String, usize)> = Vec::new();
    for (file, Source { path, text, .. }) in all.iter().enumerate() {
        for window in telling(text).windows(RUN) {
            let run = window.iter().map(|(_, line)| *line).collect();
            match seen.get(&run) {
                None => {
                    seen.insert(run, (file, window[0].0));
                }
                // One long run is told once, and not at each of its lines.
                Some((first, line)) => {
                    let at = (all[*first].path.clone(), *line, path.clone(), window[0].0);
                    let goes_on =
                        twice.last().is_some_and(|last| last.0 == at.0 && last.2 == at.2 && at.3 - last.3 < RUN);
                    if !goes_on {
                        twice.push(at);
                    }
                }
            }
        }
    }
    println!("runs of {RUN} lines that stand twice: {}", twice.len());
    for (first, line, second, other) in &twice {
        println!("  {first}:{line} and {second}:{other}");
    }
    assert!(twice.len() <= MOST_TWICE, "{} runs of lines stand twice: expected at most {MOST_TWICE}", twice.len());
}
