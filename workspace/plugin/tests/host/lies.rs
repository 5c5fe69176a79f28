//! Plugins that lie: each lie costs the item or call that it was told in, and nothing else.

use editscale_core::{EditBackend, FailureKind, NobodyWatches, RewardModel};
use editscale_plugin::Plugin;
use serde_json::json;

use crate::Test;
use crate::world::{block_on, editor, judgements, kinds, make, peer, plugin, reward};

pub(crate) const TESTS: &[Test] = &[
    ("lies_of_editors_are_named", lies_of_editors_are_named),
    ("trajectories_need_the_feature", trajectories_need_the_feature),
    ("lies_of_rewards_are_named", lies_of_rewards_are_named),
    ("what_nobody_asked_for_is_counted", what_nobody_asked_for_is_counted),
    ("messages_of_later_versions_are_left_aside", messages_of_later_versions_are_left_aside),
    ("a_flood_of_progress_is_put_up_with", a_flood_of_progress_is_put_up_with),
];

fn lies_of_editors_are_named() {
    for (lie, pictures, words) in [
        ("count", "inline", "1 outcomes, expected 2"),
        ("media", "inline", "said to be `image/jpeg`: found image/png"),
        ("size", "inline", "said to be 77x?: found 2x1"),
        ("picture", "inline", "its picture cannot be used"),
        ("cost", "inline", "spent 11 denoiser evaluations: its card promises at most 10"),
        ("seed", "inline", "too large"),
        ("outside", "inline", "expected a path below"),
        ("digest", "spool", "has the SHA-256"),
    ] {
        let editor = editor(plugin(json!({"lie": lie, "pictures": pictures})));
        let made = make(&editor, [1, 2]);
        assert_eq!(kinds(&made), [Some(FailureKind::Malformed); 2], "{lie}");
        let said = made[1].as_ref().unwrap_err().to_string();
        assert!(said.contains(words), "{lie}: {said}");
        assert_eq!((editor.health().deaths, editor.trouble()), (0, None));
    }
}

fn trajectories_need_the_feature() {
    let told = |part: &str| {
        let plugin = Plugin { launch: peer(part), ..plugin(json!({"lie": "trajectory"})) };
        make(&editor(plugin), [1]).remove(0)
    };
    assert_eq!(told("plugin").unwrap().trajectory.unwrap().steps(), 1);
    let failure = told("plugin trajectories").unwrap_err();
    assert_eq!(failure.kind, FailureKind::Malformed);
    assert!(failure.to_string().contains("without the feature `trajectories`"), "{failure}");
}

fn lies_of_rewards_are_named() {
    for (lie, words) in
        [("nan", "NaN"), ("range", "its card promises 0 to 1"), ("part", "`a part` is not a score part name")]
    {
        let reward = reward(plugin(json!({"lie": lie})));
        let judged = block_on(reward.score(judgements([1]), &NobodyWatches));
        assert_eq!(kinds(&judged), [Some(FailureKind::Malformed)], "{lie}");
        let said = judged[0].as_ref().unwrap_err().to_string();
        assert!(said.contains(words), "{lie}: {said}");
    }
}

fn what_nobody_asked_for_is_counted() {
    let editor = editor(plugin(json!({"calls": "twice"})));
    for seed in 1..=3 {
        assert!(make(&editor, [seed])[0].is_ok());
    }
    crate::world::wait_until("the second answers", || editor.health().strange == 3);
    assert_eq!(editor.health().deaths, 0);
}

fn messages_of_later_versions_are_left_aside() {
    let editor = editor(plugin(json!({"calls": "later"})));
    assert!(make(&editor, [1])[0].is_ok());
    assert_eq!((editor.health().strange, editor.health().deaths), (1, 0));
}

fn a_flood_of_progress_is_put_up_with() {
    let editor = editor(plugin(json!({"calls": "flood"})));
    assert!(make(&editor, [1])[0].is_ok());
    assert_eq!((editor.health().deaths, editor.trouble()), (0, None));
    assert_eq!(editor.health().strange, 20_000);
}
