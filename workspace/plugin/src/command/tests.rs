//! Commands as a host would have them run, without a process for the plugin.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::time::{Duration, Instant};

use editscale_sdk::protocol::{EditProposal, Version};
use editscale_sdk::{
    Call, Edit, Editor, ErrorClass, Failed, Image, Judged, Made, NewImage, Pair, PluginKind, Reward, Start, Welcome,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::editor::CommandEditor;
use super::reward::CommandReward;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\nnot really";

fn welcome(kind: PluginKind, config: Value) -> Welcome {
    let Value::Object(config) = config else { panic!("no map") };
    Welcome {
        version: Version::OURS,
        kind,
        name: "mine".into(),
        session: "1".into(),
        spool: "/nowhere".into(),
        config,
        frame_bytes: 1 << 20,
        inline_bytes: 1 << 20,
    }
}

fn image() -> Image {
    Image::of(NewImage::png(PNG.to_vec()))
}

fn judged(config: Value, instruction: &str) -> Result<Judged, Failed> {
    let reward = CommandReward::load(&welcome(PluginKind::Reward, config))?;
    let pair = Pair { source: image(), candidate: image(), instruction: instruction.into(), mask: None };
    reward.score(&[pair], &Call::detached()).remove(0)
}

fn made(config: Value, seed: u64) -> Result<Made, Failed> {
    let editor = CommandEditor::load(&welcome(PluginKind::Editor, config))?;
    let (instruction, start) = ("warmer".to_owned(), Start::Source);
    let knobs = [("warmth".to_owned(), 0.25)].into();
    let proposal = EditProposal { candidate: 0, start, until_step: None, seed, instruction, knobs };
    let edit = Edit {
        run: "r".into(),
        source: image(),
        mask: None,
        request_instruction: String::new(),
        output_size: None,
        start_picture: image(),
        proposal,
        path: Vec::new(),
    };
    editor.edit(&[edit], &Call::detached()).remove(0)
}

/// A command that prints 1 where the instruction came as a word as it came as a file, and leaves nothing else behind.
fn told(instruction: &str) -> Result<Judged, Failed> {
    let run = "printf %s {instruction} > got; cmp -s got {instruction_file} && rm got && echo 1";
    let folder = tempfile::tempdir().unwrap();
    let run = format!("cd '{}' && {run}", folder.path().display());
    let judged = judged(json!({ "run": run }), instruction);
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    judged
}

#[test]
fn an_instruction_is_only_text() {
    let cases = [
        "make it warmer",
        "$(touch owned)",
        "`touch owned`",
        "'; touch owned; '",
        "\"; touch owned; \"",
        "--help\n-rf ~\n",
        "a\nb\n\n",
        "${HOME} $1 \\ * ? [a] ~ & | < > # !",
        "",
        "é 日本 \u{1F600}",
    ];
    for case in cases {
        assert_eq!(told(case).map(|judged| judged.mean), Ok(1.0), "{case:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_instruction_is_only_text(instruction in "[^\\x00]{0,80}") {
        prop_assert_eq!(told(&instruction).map(|judged| judged.mean), Ok(1.0));
    }
}

#[test]
fn failures_of_a_command_say_what_it_said() {
    let cases = [
        ("echo it broke >&2; exit 3", ErrorClass::Internal, "exit status: 3; standard error ends with: it broke"),
        ("exit 75", ErrorClass::Unavailable, "exit status: 75"),
        ("echo hello", ErrorClass::Internal, "something else"),
        ("no_such_program {source}", ErrorClass::Internal, "no_such_program"),
        ("kill -9 $$", ErrorClass::Internal, "exit status: 137"),
        ("head -c 2000000 /dev/zero", ErrorClass::Internal, "printed more than 1048576 bytes"),
    ];
    for (run, class, said) in cases {
        let why = judged(json!({ "run": run }), "").unwrap_err();
        assert!(why.class == class && why.message.contains(said), "{run}: {why:?}");
    }
}

#[test]
fn mistakes_in_settings_are_named() {
    let cases = [
        (json!({}), "missing field `run`"),
        (json!({"run": "x", "rnu": 1}), "at `rnu`: unknown field"),
        (json!({"run": "x", "slots": 0}), "`slots` is 0: expected 1 to 256"),
        (json!({"run": "x", "call_secs": -1}), "`call_secs` is -1"),
        (json!({"run": "x", "range": [1, 0]}), "`range` is 1 to 0"),
        (json!({"run": "x {output}"}), "`{output}` in `run` is no placeholder"),
    ];
    for (config, said) in cases {
        let why = judged(config, "").unwrap_err();
        assert!(why.class == ErrorClass::Invalid && why.message.contains(said), "{why:?}");
    }
    let why =
        made(json!({"run": "x {output} {knob:cfg}", "knobs": {"warmth": {"low": 0, "high": 1, "default": 0.5}}}), 1);
    assert!(why.unwrap_err().message.contains("does not declare: it declares warmth"));
}

#[test]
fn a_command_that_takes_too_long_ends_with_all_that_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let late = folder.path().join("late");
    let run = format!("(sleep 600; touch '{0}') & sleep 600; touch '{0}'", late.display());
    let begin = Instant::now();
    let why = judged(json!({"run": run, "call_secs": 0.2}), "").unwrap_err();
    assert!(why.class == ErrorClass::TimedOut && why.message.contains("longer than 200ms"), "{why:?}");
    assert!(begin.elapsed() < Duration::from_secs(60));
}

#[test]
fn what_a_command_leaves_in_the_background_does_not_hold_it() {
    let begin = Instant::now();
    assert_eq!(judged(json!({"run": "sleep 600 & echo 0.5"}), "").map(|judged| judged.mean), Ok(0.5));
    assert!(begin.elapsed() < Duration::from_secs(60));
}

/// What leaves the command's group is not killed with it, and may hold its output open.
#[cfg(target_os = "linux")]
#[test]
fn what_was_printed_counts_while_something_holds_the_output_open() {
    let folder = tempfile::tempdir().unwrap();
    let held = folder.path().join("held");
    std::fs::write(&held, b"").unwrap();
    let held = held.display();
    let waits = r#": > "$1.up"; while [ -e "$1" ]; do sleep 0.1; done"#;
    let run = format!("setsid sh -c '{waits}' sh '{held}' & while [ ! -e '{held}.up' ]; do sleep 0.01; done; echo 0.5");
    assert_eq!(judged(json!({ "run": run }), "").map(|judged| judged.mean), Ok(0.5));
}

#[test]
fn an_editor_gives_what_the_command_wrote() {
    let knobs = json!({"warmth": {"low": 0, "high": 1, "default": 0.5}});
    let run = "cp {source} {output}; echo {seed} {knob:warmth} {mask} >> {output}; echo '{\"notes\": \"n\"}'";
    let one = made(json!({"run": run, "knobs": knobs}), 7).unwrap();
    assert_eq!(one.image, NewImage::png([PNG, b"7 0.25 \n"].concat()));
    assert_eq!(one.notes, ["n"]);
    assert_eq!(made(json!({"run": "cat {source}"}), 7).unwrap().image, NewImage::png(PNG.to_vec()));
    let lacks = made(json!({"run": "true {output}"}), 7).unwrap_err().message;
    assert!(lacks.contains("left no picture in `{output}`"), "{lacks}");
    let other = made(json!({"run": "echo hello"}), 7).unwrap_err().message;
    assert!(other.contains("begins with \"hello\\n\": expected a PNG"), "{other}");
}

#[test]
fn an_editor_promises_what_its_command_uses() {
    let card = |run: &str| CommandEditor::load(&welcome(PluginKind::Editor, json!({ "run": run }))).unwrap().card();
    let (plain, full) = (card("x {output}"), card("x {output} {seed} {mask}"));
    assert_eq!((plain.seed_bits, plain.masks), (None, false));
    assert_eq!((full.seed_bits, full.masks), (Some(53), true));
    assert_ne!(plain.revision, full.revision);
}
