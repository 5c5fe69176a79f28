//! Sizes of files and functions, counted in the sources of the product: `cargo test --test tidy numbers -- --nocapture` prints
//! them.

#![expect(clippy::print_stdout, reason = "the numbers are for people to read")]

use std::collections::HashMap;
use std::path::Path;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::{complain, sources};

/// Functions that may have more than 100 lines, each with its reason.
const LONG: [(&str, &str, &str); 0] = [];

/// Functions that may take more than four things beside themselves, each with its reason.
const MANY: [(&str, &str, &str); 0] = [];

/// A function of the product.
#[derive(Debug)]
struct Function {
    path: String,
    name: String,
    /// From its signature to its closing brace.
    lines: usize,
    /// What it takes, itself apart.
    parameters: usize,
}

/// Reads the functions of a file; those of tests are left out.
struct Reader {
    path: String,
    found: Vec<Function>,
    /// Whether what is read carries out a trait, which says itself what its functions take.
    of_trait: bool,
}

impl Reader {
    fn enter(&mut self, signature: &syn::Signature, end: proc_macro2::LineColumn) {
        let is_self = |input: &&syn::FnArg| matches!(input, syn::FnArg::Receiver(_));
        let own = signature.inputs.iter().filter(is_self).count();
        let parameters = if self.of_trait { 0 } else { signature.inputs.len() - own };
        let lines = end.line - signature.span().start().line + 1;
        self.found.push(Function { path: self.path.clone(), name: signature.ident.to_string(), lines, parameters });
    }
}

fn is_of_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let text = match &attribute.meta {
            syn::Meta::List(list) => format!("{}", list.tokens),
            other => other.path().segments.last().map(|last| last.ident.to_string()).unwrap_or_default(),
        };
        text == "test"
    })
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !is_of_tests(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        if !is_of_tests(&function.attrs) {
            self.enter(&function.sig, function.block.span().end());
            visit::visit_item_fn(self, function);
        }
    }

    fn visit_item_impl(&mut self, block: &'ast syn::ItemImpl) {
        let outer = std::mem::replace(&mut self.of_trait, block.trait_.is_some());
        if !is_of_tests(&block.attrs) {
            visit::visit_item_impl(self, block);
        }
        self.of_trait = outer;
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.enter(&function.sig, function.block.span().end());
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(block) = &function.default {
            self.enter(&function.sig, block.span().end());
        }
    }
}

/// Whether a file is a part of what is built, and not of its tests, benches or examples.
fn is_product(path: &Path) -> bool {
    let is_other = |part: &std::ffi::OsStr| {
        ["tests", "tests.rs", "benches", "examples", "testkit"].map(AsRef::as_ref).contains(&part)
    };
    path.starts_with("workspace") && !path.iter().any(is_other)
}

fn product() -> Vec<(String, String)> {
    let read =
        |path: &std::path::PathBuf| (path.display().to_string(), std::fs::read_to_string(path).expect("a source file"));
    sources().iter().filter(|path| is_product(path)).map(read).collect()
}

fn functions() -> Vec<Function> {
    let mut all = Vec::new();
    for (path, text) in product() {
        let file = syn::parse_file(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
        let mut reader = Reader { path, found: Vec::new(), of_trait: false };
        reader.visit_file(&file);
        all.append(&mut reader.found);
    }
    all
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
    shape("files", product().iter().map(|(_, text)| text.lines().count()).collect(), [200, 500]);
    shape("functions", functions().iter().map(|function| function.lines).collect(), [10, 40]);
}

#[test]
fn functions_of_more_than_a_hundred_lines_have_a_reason() {
    let long = |function: &Function| {
        let known = LONG.iter().any(|(path, name, _)| *path == function.path && *name == function.name);
        let Function { path, name, lines, .. } = function;
        (*lines > 100 && !known).then(|| format!("{path}: `{name}` has {lines} lines"))
    };
    complain(&functions().iter().filter_map(long).collect::<Vec<_>>());
}

#[test]
fn functions_take_at_most_four_things() {
    let many = |function: &Function| {
        let known = MANY.iter().any(|(path, name, _)| *path == function.path && *name == function.name);
        let Function { path, name, parameters, .. } = function;
        (*parameters > 4 && !known).then(|| format!("{path}: `{name}` takes {parameters} things"))
    };
    complain(&functions().iter().filter_map(many).collect::<Vec<_>>());
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
const MOST_TWICE: usize = 32;

#[test]
fn few_runs_of_lines_stand_twice() {
    let all = product();
    let mut seen: HashMap<Vec<&str>, (usize, usize)> = HashMap::new();
    let mut twice: Vec<(String, usize, String, usize)> = Vec::new();
    for (file, (path, text)) in all.iter().enumerate() {
        for window in telling(text).windows(RUN) {
            let run = window.iter().map(|(_, line)| *line).collect();
            match seen.get(&run) {
                None => {
                    seen.insert(run, (file, window[0].0));
                }
                // One long run is told once, and not at each of its lines.
                Some((first, line)) => {
                    let at = (all[*first].0.clone(), *line, path.clone(), window[0].0);
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
