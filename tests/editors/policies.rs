//! Every pipeline runs under every policy that recipes can name.

use std::collections::{BTreeSet, HashSet};
use std::fs;

use editscale_search::POLICIES;
use serde_json::{Value, json};

use crate::desk::{Desk, candidates, different, images};
use crate::pipelines::{BEAM, BEST_OF_N, PIPELINES, Pipeline, editor_of};
use crate::sharing::{SHARED, pictures};

pub(crate) const NOISE_SEARCH: &str = "{noise_search: {pivots: 2, neighbours: 2, rounds: 2, cosine: 0.8}}";
/// Of three steps: fresh ones stop after the first, what goes on from there begins anew and stops after the second.
pub(crate) const PATH_SEARCH: &str = "{path_search: {paths: 2, children: 2, first: 0.34, back: 0.34, forward: 0.67}}";
pub(crate) const PRUNING: &str = "{preview_pruning: {samples: 4, checkpoints: [1], keep: 0.5}}";

/// How a policy is put to work over tiny pipelines.
struct Policy {
    name: &'static str,
    /// None where the pipeline says which.
    search: Option<&'static str>,
    /// The least number of edges that its candidates have, each a way in which one is made.
    edges: usize,
    /// Whether every candidate is made as a whole, of three steps.
    is_whole: bool,
}

const fn whole(name: &'static str, search: &'static str, edges: usize) -> Policy {
    Policy { name, search: Some(search), edges, is_whole: true }
}

const fn in_parts(name: &'static str, search: &'static str) -> Policy {
    Policy { name, search: Some(search), edges: 2, is_whole: false }
}

const TABLE: [Policy; 11] = [
    whole("best_of_n", BEST_OF_N, 1),
    whole("adaptive", "{adaptive: {most: 4, cost: {edit: 0.001}}}", 1),
    Policy { name: "beam", search: None, edges: 2, is_whole: true },
    whole("diverse_trees", "{diverse_trees: {trees: 2, children: 1, depth: 1, edges: {fresh: 1}}}", 1),
    whole("noise_search", NOISE_SEARCH, 2),
    in_parts("particles", "{particles: {particles: 3, steps: 3, resample_at: [0.34], preset: svdd}}"),
    in_parts("path_search", PATH_SEARCH),
    in_parts("preview_pruning", PRUNING),
    whole("reflection", "{reflection: {samples: 2, width: 1, rounds: 2, start: mixed}}", 2),
    whole("reward_weighted", "{reward_weighted: {samples: 3, draw: 2, target_ess: 2}}", 1),
    whole("thompson", "{thompson: {samples: 6, least: 2, round: 2}}", 1),
];

impl Policy {
    /// The recipe with which a pipeline runs under it.
    fn recipe(&self, pipeline: &Pipeline) -> String {
        let options = if self.name == "particles" { pipeline.noise } else { "" };
        let recipe = pipeline.recipe(options, self.search.unwrap_or(pipeline.beam));
        match self.name {
            "reflection" => format!("{recipe}critics: [{{model: {{darkroom_critic: {{}}}}}}]\n"),
            "thompson" => {
                let (own, other) = (editor_of(&recipe), other(pipeline).recipe("", ""));
                let editors = format!("editors: {{own: {own}, other: {}}}", editor_of(&other));
                recipe.replace(&format!("editor: {own}"), &editors)
            }
            _ => recipe,
        }
    }
}

/// Whom a pipeline is compared with where editors are chosen among: one that asks its network as often.
fn other(pipeline: &Pipeline) -> Pipeline {
    let unlike = |other: &&Pipeline| other.asks == pipeline.asks && other.name != pipeline.name;
    *PIPELINES.iter().find(unlike).unwrap()
}

/// The policies that a table has no row for, and its rows for none.
fn unmatched<'a>(rows: impl Iterator<Item = &'a str>, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let (rows, known): (BTreeSet<&str>, BTreeSet<&str>) = (rows.collect(), known.collect());
    rows.symmetric_difference(&known).copied().collect()
}

#[test]
fn no_policy_is_left_out() {
    let (rows, known) = (|| TABLE.iter().map(|row| row.name), || POLICIES.iter().map(|kind| kind.name));
    assert_eq!(unmatched(rows(), known()), Vec::<&str>::new());
    assert_eq!(unmatched(rows(), known().chain(["a_new_one"])), ["a_new_one"]);
    assert_eq!(unmatched(rows().skip(1), known()), ["best_of_n"]);
}

/// Runs a pipeline under every policy of the table; `more` is checked of each run.
fn under_every_policy(pipeline: &Pipeline, more: impl Fn(&Policy, &Value, &str)) {
    for policy in TABLE {
        let desk = Desk::of(pipeline.size);
        let (run, err) = desk.edit(&policy.recipe(pipeline), "run", &[]);
        let label = format!("{} under {}: {err}", pipeline.name, policy.name);
        check(&policy, pipeline, &desk, (&run, &label));
        more(&policy, &run, &label);
    }
}

/// The same with the judge's model as encoder: no picture goes through its tower twice, whatever is asked for.
fn sharing_under_every_policy(pipeline: &Pipeline) {
    under_every_policy(pipeline, |policy, run, label| {
        let all = candidates(run);
        let (computed, found) = pictures(&run["ledger"]);
        // Candidates that are edited again are seen in another size than the judge sees them in, unless they are as large as the source.
        let again = all.iter().filter(|each| each["edge"] == "edit_of_edit").map(|each| each["parent"].as_u64());
        let again = if pipeline.name == "step1x" { 0 } else { again.collect::<HashSet<_>>().len() };
        // Another editor has an encoder of its own.
        let others = usize::from(policy.name == "thompson");
        assert_eq!(computed, (1 + different(&images(run)) + again + others) as u64, "{label}");
        assert!(found >= 2, "{label}: the second prompt and the judge find the source, {found}");
    });
}

fn check(policy: &Policy, pipeline: &Pipeline, desk: &Desk, (run, label): (&Value, &str)) {
    for file in ["outcome.json", "best.png", "report.html", "run.json", "journal.jsonl"] {
        assert!(desk.path("run").join(file).exists(), "{label}: {file}");
    }
    let all = candidates(run);
    let is_judged = |each: &&Value| each["scores"]["editreward"]["mean"].as_f64().is_some_and(f64::is_finite);
    assert_eq!(all.iter().filter(is_judged).count(), all.len(), "{label}");
    assert!(!all.is_empty() && run["winner"]["id"].is_u64(), "{label}: {run}");
    let edges: HashSet<&str> = all.iter().map(|each| each["edge"].as_str().unwrap()).collect();
    let least = if pipeline.beam == BEAM && policy.search.is_none() { 3 } else { policy.edges };
    assert!(edges.len() >= least, "{label}: {edges:?}");
    if policy.is_whole {
        assert_eq!(different(&images(run)), all.len(), "{label}: another seed or start is another picture");
        assert_eq!(run["ledger"]["nfe"], json!(3 * pipeline.asks * all.len() as u64), "{label}");
    } else {
        assert!(edges.contains("resume"), "{label}: {edges:?}");
    }
    let journal = fs::read_to_string(desk.path("run/journal.jsonl")).unwrap();
    // A chain that keeps its head is not written about again.
    assert_eq!(journal.contains("\"event\":\"critiqued\""), policy.name == "reflection", "{label}");
    let told = all.iter().filter(|each| each["instruction"].is_string()).count();
    assert_eq!(told, if policy.name == "reflection" { 2 } else { 0 }, "{label}: the critic's words are carried out");
    let editors: HashSet<&str> = all.iter().filter_map(|each| each["editor"].as_str()).collect();
    assert_eq!(editors.len(), if policy.name == "thompson" { 2 } else { 1 }, "{label}: {editors:?}");
}

#[test]
fn instruct_pix2pix_runs_under_every_policy() {
    Pipeline::named(["pix2pix_f16", "pix2pix_deep_bf16"]).iter().for_each(|it| under_every_policy(it, |_, _, _| {}));
}

#[test]
fn kontext_runs_under_every_policy() {
    let both = Pipeline::named(["kontext_f16", "kontext_no_guidance_bf16"]);
    both.iter().for_each(|it| under_every_policy(it, |_, _, _| {}));
}

#[test]
fn step1x_edit_runs_under_every_policy() {
    sharing_under_every_policy(&SHARED[0]);
}

#[test]
fn qwen_image_edit_runs_under_every_policy() {
    sharing_under_every_policy(&SHARED[1]);
}
