//! Plugins that die, hang, fall silent or take too much: at each stage, and what becomes of those that wait for them.

use std::time::{Duration, Instant};

use editscale_core::{EditBackend, EditorName, FailureKind, NobodyWatches, RewardModel, RewardName};
use editscale_plugin::{Launch, Plugin, PluginEditor, PluginReward};
use serde_json::{Value, json};

use crate::Test;
use crate::world::{block_on, editor, judgements, kinds, make, peer, plugin, reward, wait_until};

pub(crate) const TESTS: &[Test] = &[
    ("what_does_not_get_ready_says_why", what_does_not_get_ready_says_why),
    ("a_start_that_takes_too_long_ends", a_start_that_takes_too_long_ends),
    ("calls_that_kill_are_failures", calls_that_kill_are_failures),
    ("only_the_guilty_item_is_in_quarantine", only_the_guilty_item_is_in_quarantine),
    ("bad_items_cost_good_ones_nothing", bad_items_cost_good_ones_nothing),
    ("a_plugin_that_dies_of_all_is_given_up", a_plugin_that_dies_of_all_is_given_up),
    ("listwise_sets_stay_together", listwise_sets_stay_together),
    ("what_may_have_been_paid_is_not_sent_again", what_may_have_been_paid_is_not_sent_again),
    ("paid_judgements_are_not_asked_for_again", paid_judgements_are_not_asked_for_again),
    ("a_call_that_takes_too_long_is_told_to_stop", a_call_that_takes_too_long_is_told_to_stop),
    ("a_call_that_hangs_costs_itself", a_call_that_hangs_costs_itself),
    ("silence_is_the_end", silence_is_the_end),
    ("deaths_in_a_row_are_the_end", deaths_in_a_row_are_the_end),
    ("another_revision_after_a_restart_is_refused", another_revision_after_a_restart_is_refused),
    #[cfg(target_os = "linux")]
    ("an_output_held_open_hides_no_end", an_output_held_open_hides_no_end),
    #[cfg(target_os = "linux")]
    ("too_much_memory_is_the_end", too_much_memory_is_the_end),
];

fn refusal(plugin: Plugin) -> String {
    PluginEditor::start(&EditorName::new("peer").unwrap(), plugin).unwrap_err().to_string()
}

fn of_part(part: &str) -> Plugin {
    Plugin { launch: peer(part), ..plugin(json!({})) }
}

fn what_does_not_get_ready_says_why() {
    let cases: [(Plugin, &[&str]); 9] = [
        (of_part("exit 3"), &["it ended with code 3 before it said `hello`"]),
        (of_part("abort"), &["SIGABRT", "before it said `hello`"]),
        (of_part("print"), &["prints to standard output", "before it said `hello`"]),
        (of_part("hello"), &["it ended with code 0 before it said `ready`"]),
        (
            of_part("panic"),
            &["before it said `hello`", "the last that it wrote to standard error", "no such part: panic"],
        ),
        (plugin(json!({"opening": "die"})), &["it ended with code 4 before it said `ready`"]),
        (plugin(json!({"opening": "unready"})), &["it cannot get ready: the weights are not there"]),
        (plugin(json!({"slots": 0})), &["a card that is wrong", "`slots` is 0"]),
        (
            Plugin { launch: Launch::of(["no-such-program-here"]), ..plugin(json!({})) },
            &["cannot find the program `no-such-program-here`"],
        ),
    ];
    for (plugin, words) in cases {
        let said = refusal(plugin);
        assert!(words.iter().all(|words| said.contains(words)), "{said}");
    }
}

fn a_start_that_takes_too_long_ends() {
    for (mut plugin, awaited) in [(of_part("deaf"), "`hello`"), (plugin(json!({"opening": "hang"})), "`ready`")] {
        plugin.limits.start = Duration::from_millis(300);
        let said = refusal(plugin);
        assert!(said.contains(&format!("said no {awaited} within 0.3 s")), "{said}");
    }
}

fn calls_that_kill_are_failures() {
    for calls in ["die", "half"] {
        let mut plugin = plugin(json!({"calls": calls}));
        plugin.limits.restarts = 100;
        let editor = editor(plugin);
        let made = make(&editor, [1, 2]);
        assert_eq!(kinds(&made), [Some(FailureKind::Crashed); 2]);
        let words = made[0].as_ref().unwrap_err().to_string();
        assert!(words.contains("is in quarantine: the plugin died of it 2 times"), "{words}");
        assert_eq!((editor.health().quarantined, editor.trouble()), (2, None));
    }
}

fn only_the_guilty_item_is_in_quarantine() {
    for slots in [1, 3] {
        let editor = editor(plugin(json!({"poison": [5], "slots": slots})));
        let made = make(&editor, 1..=8);
        let expected: Vec<_> = (1..=8).map(|seed| (seed == 5).then_some(FailureKind::Crashed)).collect();
        assert_eq!(kinds(&made), expected);
        wait_until("all deaths are known", || editor.health().deaths == 3);
        assert_eq!(editor.health().quarantined, 1);
        // It is known from here on, and costs nobody anything.
        assert_eq!(kinds(&make(&editor, 1..=8)), expected);
        assert_eq!(editor.health().deaths, 3);
    }
}

/// With the usual `restarts`: bad ones at the beginning of a batch, all over it, and in a row of batches of one.
fn bad_items_cost_good_ones_nothing() {
    let expected = |poison: &[u64]| -> Vec<_> {
        (1..=16).map(|seed| poison.contains(&seed).then_some(FailureKind::Crashed)).collect()
    };
    for poison in [&[1, 2, 3][..], &[1, 2, 3, 4, 5], &[1, 3, 5, 7, 9, 11, 13, 15]] {
        let editor = editor(plugin(json!({"poison": poison, "batch": 16})));
        assert_eq!((kinds(&make(&editor, 1..=16)), editor.trouble()), (expected(poison), None));
        wait_until("all deaths are known", || editor.health().deaths == 1 + 2 * poison.len() as u64);
    }
    let editor = editor(plugin(json!({"poison": [3, 4, 5, 6, 7], "batch": 1})));
    let made: Vec<_> = (1..=16).flat_map(|seed| make(&editor, [seed])).collect();
    assert_eq!((kinds(&made), editor.trouble()), (expected(&[3, 4, 5, 6, 7]), None));
}

fn a_plugin_that_dies_of_all_is_given_up() {
    for batch in [1, 16] {
        let editor = editor(plugin(json!({"calls": "die", "batch": batch})));
        let made: Vec<_> = (0..20).flat_map(|call| make(&editor, (0..batch).map(|item| call * batch + item))).collect();
        assert!(made.iter().all(Result::is_err));
        wait_until("it is given up", || editor.trouble().is_some());
        let (health, words) = (editor.health(), editor.trouble().unwrap());
        assert!((6..=12).contains(&health.deaths), "{health:?}");
        assert!(words.contains(&format!("it died {} times in a row", health.deaths)), "{words}");
    }
}

fn listwise_sets_stay_together() {
    let reward = reward(plugin(json!({"kind": "listwise", "calls": "die"})));
    let judged = block_on(reward.score(judgements(1..=4), &NobodyWatches));
    assert_eq!(kinds(&judged), [Some(FailureKind::Crashed); 4]);
    // One set is one suspect: it was given as a whole, twice.
    wait_until("both deaths are known", || reward.health().deaths == 2);
    assert_eq!(reward.health().quarantined, 1);
}

fn what_may_have_been_paid_is_not_sent_again() {
    let editor = editor(plugin(json!({"recovery": "unknown", "poison": [2]})));
    let made = make(&editor, [1, 2]);
    assert_eq!(kinds(&made), [Some(FailureKind::Ambiguous); 2]);
    assert_eq!(made[0].as_ref().unwrap_err().cost.nfe, 10);
    wait_until("the death is known", || editor.health().deaths == 1);
    assert!(make(&editor, [3])[0].is_ok());
}

fn paid_judgements_are_not_asked_for_again() {
    let reward = reward(plugin(json!({"usd_micros": 40, "calls": "die"})));
    let judged = block_on(reward.score(judgements([1, 2]), &NobodyWatches));
    assert_eq!(kinds(&judged), [Some(FailureKind::Ambiguous); 2]);
    assert_eq!(judged[0].as_ref().unwrap_err().cost.usd.micros, 40);
    wait_until("the death is known", || reward.health().deaths == 1);
}

fn a_call_that_takes_too_long_is_told_to_stop() {
    let mut plugin = plugin(json!({"slow_ms": 60_000}));
    plugin.limits.call = Duration::from_millis(200);
    let editor = editor(plugin);
    let made = make(&editor, [1]);
    assert_eq!(kinds(&made), [Some(FailureKind::TimedOut)]);
    assert!(made[0].as_ref().unwrap_err().to_string().contains("did not answer within 0.2 s"));
    assert_eq!(editor.health().deaths, 0);
}

fn a_call_that_hangs_costs_itself() {
    let mut plugin = plugin(json!({"hang": [1], "slots": 2, "slow_ms": 1600}));
    (plugin.limits.call, plugin.limits.grace) = (Duration::from_millis(2400), Duration::from_millis(400));
    let editor = editor(plugin);
    block_on(async {
        let hangs = editor.edit(crate::world::edits([1]), &NobodyWatches);
        // It begins late enough to be under way when the plugin is killed.
        let innocent = async {
            tokio::time::sleep(Duration::from_millis(1600)).await;
            editor.edit(crate::world::edits([2]), &NobodyWatches).await
        };
        let (hung, innocent) = tokio::join!(hangs, innocent);
        assert_eq!((kinds(&hung), kinds(&innocent)), (vec![Some(FailureKind::TimedOut)], vec![None]));
        let again = editor.edit(crate::world::edits([1]), &NobodyWatches).await;
        assert_eq!(kinds(&again), [Some(FailureKind::TimedOut)]);
        // What hangs so often is not given to it any more.
        let begun = Instant::now();
        let third = editor.edit(crate::world::edits([1]), &NobodyWatches).await;
        assert_eq!(kinds(&third), [Some(FailureKind::Crashed)]);
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    });
    wait_until("both deaths are known", || editor.health().deaths == 2);
}

fn silence_is_the_end() {
    let mut plugin = plugin(json!({"calls": "stop"}));
    (plugin.limits.silence, plugin.limits.crashes) = (Duration::from_millis(300), 1);
    let editor = editor(plugin);
    let made = make(&editor, [1]);
    assert_eq!(kinds(&made), [Some(FailureKind::Crashed)]);
    assert!(made[0].as_ref().unwrap_err().to_string().contains("silent for 0.3 s"));
}

fn deaths_in_a_row_are_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let starts = folder.path().join("starts");
    let mut plugin = plugin(json!({"calls": "die", "again": "die", "starts": starts}));
    plugin.limits.restarts = 4;
    let editor = editor(plugin);
    let made = make(&editor, [1]);
    assert_eq!(kinds(&made), [Some(FailureKind::Crashed)]);
    let words = editor.trouble().unwrap();
    assert!(words.contains("was given up: it died 5 times in a row") && words.contains("ended with code 5"), "{words}");
    assert_eq!(std::fs::metadata(&starts).unwrap().len(), 5);
    assert_eq!(kinds(&make(&editor, [2])), [Some(FailureKind::Crashed)]);
}

fn another_revision_after_a_restart_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let config: Value = json!({"revision": "changes", "starts": folder.path().join("starts"), "poison": [1]});
    let editor = editor(plugin(config));
    assert_eq!(kinds(&make(&editor, [1])), [Some(FailureKind::Crashed)]);
    let words = editor.trouble().unwrap();
    assert!(words.contains("it has the revision `r2`: expected `r1`, as before"), "{words}");
}

#[cfg(target_os = "linux")]
fn an_output_held_open_hides_no_end() {
    let folder = tempfile::tempdir().unwrap();
    let held = folder.path().join("held");
    std::fs::write(&held, b"").unwrap();
    let said = refusal(plugin(json!({"opening": "orphan", "held": held})));
    assert!(said.contains("it ended with code 4 before it said `ready`"), "{said}");
    std::fs::remove_file(folder.path().join("held.up")).unwrap();
    let mut plugin = plugin(json!({"calls": "orphan", "held": held}));
    plugin.limits.crashes = 1;
    let editor = editor(plugin);
    let words = make(&editor, [1])[0].as_ref().unwrap_err().to_string();
    assert!(words.contains("it ended with code 6"), "{words}");
}

#[cfg(target_os = "linux")]
fn too_much_memory_is_the_end() {
    let mut plugin = plugin(json!({"opening": "eat"}));
    plugin.limits.memory_mib = Some(128);
    let reward = PluginReward::start(&RewardName::new("judge").unwrap(), plugin);
    let said = reward.unwrap_err().to_string();
    assert!(said.contains("MiB of memory, expected at most 128 (`memory_mib`)"), "{said}");
}
