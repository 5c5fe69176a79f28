//! The program with a trained judge: scores, files of pairs, runs, and model directories that are broken.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "a test that cannot go on fails"
)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use editscale_testkit::{edit_json, said};
use serde_json::{Value, json};

const NANO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/workspace/models/nano");
const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/workspace/models/tests/fixtures/nano");
const PHOTO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/photos/coffee.jpg");

fn golden(name: &str) -> String {
    format!("{GOLDEN}/{name}")
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_editscale")).args(arguments).current_dir(folder).output().unwrap()
}

/// Runs and expects an exit code; hands out stdout and stderr.
fn expect(folder: &Path, code: i32, arguments: &[&str]) -> (String, String) {
    said(code, run(folder, arguments), arguments)
}

fn score(folder: &Path, edited: &str, more: &[&str]) -> Value {
    let (source, edited) = (golden("golden_0_source.png"), golden(edited));
    let arguments = ["score", &source, &edited, "make the image brighter", "--json"];
    serde_json::from_str(&expect(folder, 0, &[&arguments, more].concat()).0).unwrap()
}

#[test]
fn the_judge_of_the_program_scores_and_says_what_it_took() {
    let desk = tempfile::tempdir().unwrap();
    let builtin = ["--reward", "editreward", "--model-dir", "builtin"];
    let right = score(desk.path(), "golden_0_edited.png", &builtin);
    let close = |value: &Value, expected: f64| (value.as_f64().unwrap() - expected).abs() < 1e-3;
    assert!(close(&right["mean"], 1.7553) && close(&right["sigma"], (-0.3914_f64).exp()), "{right}");
    assert!(close(&right["parts"]["instruction_following"]["mean"], 1.6825), "{right}");
    assert!(close(&right["parts"]["visual_quality"]["sigma"], (-0.5035_f64).exp()), "{right}");
    assert_eq!(right["counters"], json!({"image_encodes": 2, "decoder_tokens": 78}));
    let wrong = score(desk.path(), "golden_1_edited.png", &builtin);
    assert!(close(&wrong["mean"], -0.1593), "{wrong}");
    let summed = score(desk.path(), "golden_0_edited.png", &[&builtin[..], &["--fusion", "sum"]].concat());
    assert!(close(&summed["mean"], 1.6825 + 1.8281), "{summed}");
    // The same judge from a folder.
    let folder = score(desk.path(), "golden_0_edited.png", &["--model-dir", NANO]);
    assert_eq!(folder["mean"], right["mean"]);
}

#[test]
fn runs_are_judged_by_it() {
    let desk = tempfile::tempdir().unwrap();
    let arguments =
        ["edit", PHOTO, "make the photo black and white", "--recipe", "quickstart-judge", "--json", "--run-dir", "run"];
    let run: Value = serde_json::from_str(&expect(desk.path(), 0, &arguments).0).unwrap();
    assert_eq!(run["candidates"].as_array().unwrap().len(), 8);
    let scores = |candidate: &Value| candidate["scores"]["editreward"]["mean"].as_f64().unwrap();
    let best = scores(&run["winner"]);
    assert!(run["candidates"].as_array().unwrap().iter().all(|candidate| scores(candidate) <= best));
    assert!(run["winner"]["scores"]["editreward"]["sigma"].as_f64().unwrap() > 0.0);
    assert!(best > 0.5, "a black and white picture is what was asked for: {best}");
}

#[test]
fn pairs_are_answered_line_by_line_and_gone_on_with() {
    let desk = tempfile::tempdir().unwrap();
    for name in ["golden_0_source.png", "golden_0_edited.png", "golden_1_edited.png"] {
        fs::copy(golden(name), desk.path().join(name)).unwrap();
    }
    fs::create_dir(desk.path().join("elsewhere")).unwrap();
    let line = |edited: &str| json!({"source": "golden_0_source.png", "edited": edited, "instruction": "make the image brighter", "id": edited});
    let lines = [
        line("golden_0_edited.png").to_string(),
        String::new(),
        line("missing.png").to_string(),
        "[1]".to_owned(),
        json!({"source": "golden_0_source.png", "edited": "golden_1_edited.png", "instruction": "x <|im_end|>"})
            .to_string(),
        line("golden_1_edited.png").to_string(),
    ];
    fs::write(desk.path().join("pairs.jsonl"), lines.join("\n")).unwrap();
    let elsewhere = desk.path().join("elsewhere");
    let arguments = ["score", "--pairs", "../pairs.jsonl", "--model-dir", "builtin"];
    let (out, err) = expect(&elsewhere, 0, &arguments);
    assert!(err.contains("4 of 6 lines could not be scored"), "{err}");
    let answers: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.iter().map(|answer| answer["line"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    assert_eq!(answers[0]["id"], "golden_0_edited.png");
    assert!(answers[0]["mean"].as_f64().unwrap() > answers[5]["mean"].as_f64().unwrap());
    // The source is encoded for the first line alone.
    assert_eq!(
        (&answers[0]["counters"]["image_encodes"], &answers[5]["counters"]["image_encodes"]),
        (&json!(2), &json!(1))
    );
    for (answer, word) in answers[1..5].iter().zip(["line", "missing.png", "line", "<|im_end|>"]) {
        assert!(answer["error"]["message"].as_str().unwrap().contains(word), "{answer}");
    }

    // Cut off in the middle of a line, then gone on with.
    let whole = out.clone();
    let to_file = [&arguments[..], &["-o", "out.jsonl"]].concat();
    expect(&elsewhere, 0, &to_file);
    let written = fs::read_to_string(elsewhere.join("out.jsonl")).unwrap();
    assert_eq!(written, whole);
    let cut = written.match_indices('\n').nth(2).unwrap().0 + 20;
    fs::write(elsewhere.join("out.jsonl"), &written[..cut]).unwrap();
    let (_, err) = expect(&elsewhere, 0, &to_file);
    assert!(err.contains("3 lines are done already"), "{err}");
    let again = fs::read_to_string(elsewhere.join("out.jsonl")).unwrap();
    let means = |text: &str| {
        text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["mean"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(again.lines().count(), 6);
    for (one, other) in means(&again).iter().zip(means(&whole)) {
        let off = one.as_f64().unwrap_or_default() - other.as_f64().unwrap_or_default();
        assert!(off.abs() < 1e-5, "{one} and {other}");
    }

    // Another judge's scores, or another file's, are not mixed in.
    let (_, err) = expect(&elsewhere, 2, &[&to_file[..], &["--fusion", "min"]].concat());
    assert!(err.contains("another judge"), "{err}");
    fs::write(desk.path().join("pairs.jsonl"), lines[1..].join("\n")).unwrap();
    let (_, err) = expect(&elsewhere, 2, &to_file);
    assert!(err.contains("line 1 of out.jsonl answers another line"), "{err}");
}

/// A file of so many pairs with different instructions, in a folder of its own.
fn many_pairs(count: usize) -> tempfile::TempDir {
    let desk = tempfile::tempdir().unwrap();
    let (source, edited) = (golden("golden_0_source.png"), golden("golden_0_edited.png"));
    let line =
        |number| json!({"source": source, "edited": edited, "instruction": format!("darken it {number}")}).to_string();
    fs::write(desk.path().join("pairs.jsonl"), (0..count).map(line).collect::<Vec<_>>().join("\n")).unwrap();
    desk
}

/// What is under way when it is told to stop was perhaps paid for.
#[cfg(unix)]
#[test]
fn pairs_under_way_are_kept_when_it_is_told_to_stop() {
    let desk = many_pairs(2000);
    let arguments = ["score", "--pairs", "pairs.jsonl", "--model-dir", "builtin", "-o", "out.jsonl"];
    let mut command = Command::new(env!("CARGO_BIN_EXE_editscale"));
    let mut child = command.args(arguments).current_dir(desk.path()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = || fs::read_to_string(desk.path().join("out.jsonl")).map_or(0, |text| text.lines().count());
    while lines() == 0 {
        assert!(child.try_wait().unwrap().is_none(), "it was done before it was stopped");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(75), "{err}");
    assert!(err.ends_with("stopped: the same command goes on from here\n"), "{err}");
    assert!(lines() % 32 == 0 && lines() < 2000, "{}", lines());
}

#[test]
fn pairs_are_not_scored_for_nobody() {
    let desk = many_pairs(2000);
    let mut command = Command::new(env!("CARGO_BIN_EXE_editscale"));
    let command = command.args(["score", "--pairs", "pairs.jsonl", "--model-dir", "builtin"]).current_dir(desk.path());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(first.contains("\"line\":1,"), "{first}");
    assert_eq!((output.status.code(), &*String::from_utf8_lossy(&output.stderr)), (Some(0), ""));
}

/// A copy of the model directory that a test may break.
fn copy_of_nano(desk: &Path) -> PathBuf {
    let folder = desk.join("judge");
    fs::create_dir_all(folder.join("prompts")).unwrap();
    let files = [
        "config.json",
        "model.safetensors",
        "preprocessor_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "prompts/instruction_following.txt",
        "prompts/visual_quality.txt",
        "prompts/tail.txt",
    ];
    for file in files {
        fs::copy(Path::new(NANO).join(file), folder.join(file)).unwrap();
    }
    folder
}

fn edit_bytes(path: &Path, edit: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    edit(&mut bytes);
    fs::write(path, bytes).unwrap();
}

/// What is broken, and what the error says beside the file's name.
type Breakage = (&'static str, fn(&Path), &'static [&'static str]);

const BREAKAGES: [Breakage; 18] = [
    ("config.json", |file| fs::remove_file(file).unwrap(), &["cannot be read"]),
    ("config.json", |file| fs::write(file, "{").unwrap(), &["is not JSON"]),
    (
        "config.json",
        |file| edit_json(file, |config| config["text_config"]["intermediate_size"] = json!(500)),
        &["model.safetensors", "mlp.gate_proj.weight", "[512, 192]", "[500, 192]"],
    ),
    (
        "config.json",
        |file| edit_json(file, |config| config["text_config"]["num_hidden_layers"] = json!(5)),
        &["model.safetensors", "layers.4.", "is missing"],
    ),
    ("model.safetensors", |file| fs::remove_file(file).unwrap(), &["no weights here"]),
    ("model.safetensors", |file| edit_bytes(file, |bytes| bytes.truncate(1_000_000)), &["is truncated"]),
    (
        "model.safetensors",
        // The last two bytes are a half-precision number: all ones in its exponent is not a number.
        |file| edit_bytes(file, |bytes| *bytes.last_mut().unwrap() = 0x7e),
        &["not finite"],
    ),
    (
        "tokenizer.json",
        |file| {
            edit_json(file, |tokenizer| {
                let added = tokenizer["added_tokens"].as_array_mut().unwrap();
                added.retain(|token| token["content"] != "<|Reward|>");
                if let Some(vocabulary) = tokenizer["model"]["vocab"].as_object_mut() {
                    vocabulary.remove("<|Reward|>");
                }
            });
        },
        &["has no token `<|Reward|>`"],
    ),
    ("tokenizer.json", |file| fs::write(file, "[]").unwrap(), &["is not a tokenizer"]),
    (
        "tokenizer_config.json",
        |file| edit_json(file, |config| drop(config.as_object_mut().unwrap().remove("chat_template"))),
        &["has no `chat_template`"],
    ),
    (
        "tokenizer_config.json",
        |file| edit_json(file, |config| config["chat_template"] = json!("{% if %}")),
        &["its chat template is broken"],
    ),
    (
        "preprocessor_config.json",
        |file| edit_json(file, |config| config["patch_size"] = json!(16)),
        &["`patch_size` 16", "expected 14"],
    ),
    (
        "config.json",
        |file| edit_json(file, |config| config["text_config"]["num_hidden_layers"] = json!(3)),
        &["model.safetensors", "knows nothing of", "layers.3."],
    ),
    (
        "config.json",
        |file| edit_json(file, |config| config["text_config"]["rms_norm_eps"] = json!(1e300)),
        &["rms_norm_eps"],
    ),
    (
        "tokenizer.json",
        |file| {
            let broken = json!({"type": "Replace", "pattern": {"Regex": ""}, "content": "xxxxxxxxxx"});
            edit_json(file, |tokenizer| tokenizer["normalizer"] = broken);
        },
        &["the tokenizer fails on it"],
    ),
    (
        "tokenizer_config.json",
        |file| {
            let endless = "{% for a in range(9999) %}{% for b in range(9999) %}{{ b }}{% endfor %}{% endfor %}";
            edit_json(file, |config| config["chat_template"] = json!(endless));
        },
        &["the chat template failed"],
    ),
    ("prompts/visual_quality.txt", |file| fs::write(file, "How good is it?").unwrap(), &["has no `{text_prompt}`"]),
    ("prompts/tail.txt", |file| fs::write(file, "\nScore:").unwrap(), &["`<|Reward|>` 0 times"]),
];

#[test]
fn every_broken_model_directory_is_named_with_its_file() {
    let (source, edited) = (golden("golden_0_source.png"), golden("golden_0_edited.png"));
    for (file, break_it, words) in BREAKAGES {
        let desk = tempfile::tempdir().unwrap();
        let folder = copy_of_nano(desk.path());
        break_it(&folder.join(file));
        let (_, err) = expect(desk.path(), 1, &["score", &source, &edited, "brighter", "--model-dir", "judge"]);
        let names_file = words.iter().any(|word| word.starts_with("model.")) || err.contains(file);
        assert!(names_file, "{file}: {err}");
        for word in words {
            assert!(err.contains(word), "{file}: expected `{word}` in: {err}");
        }
    }
}

#[test]
fn what_cannot_be_scored_is_said() {
    let desk = tempfile::tempdir().unwrap();
    let source = golden("golden_0_source.png");
    fs::write(desk.path().join("broken.png"), &fs::read(&source).unwrap()[..2000]).unwrap();
    let long = "brighter ".repeat(3000);
    let table: [(i32, &[&str], &str); 11] = [
        (1, &[&source, &source, &long, "--model-dir", "builtin"], "expected at most 2048"),
        (1, &[&source, "broken.png", "brighter", "--model-dir", "builtin"], "broken.png: the edited picture"),
        (2, &[&source, &source, "brighter", "--fusion", "min"], "--model-dir"),
        (2, &[&source, "missing.png", "brighter", "--model-dir", "builtin"], "missing.png"),
        (1, &[&source, &source, "brighter <|Reward|>", "--model-dir", "builtin"], "`<|Reward|>`"),
        (2, &[&source, &source, "brighter", "--reward", "editreward"], "--model-dir"),
        (2, &[&source, &source, "brighter", "--reward", "photometric", "--model-dir", "x"], "no weights"),
        (2, &[&source, &source, "brighter", "--reward", "chat_judge"], "`chat_judge` needs options"),
        (2, &[&source, &source, "brighter", "--reward", "taste"], "there is no reward `taste`"),
        (1, &[&source, &source, "brighter", "--model-dir", "nowhere"], "pull editreward-qwen2.5-vl-7b --dir nowhere"),
        (2, &[&source, &source], "SOURCE EDITED INSTRUCTION"),
    ];
    for (code, arguments, word) in table {
        let (_, err) = expect(desk.path(), code, &[&["score"], arguments].concat());
        assert!(err.contains(word), "{arguments:?}: expected `{word}` in: {err}");
    }
}

#[test]
fn what_is_not_a_number_is_no_score() {
    let desk = tempfile::tempdir().unwrap();
    let folder = copy_of_nano(desk.path());
    edit_json(&folder.join("preprocessor_config.json"), |config| config["image_mean"] = json!([3e38, 3e38, 3e38]));
    let (source, edited) = (golden("golden_0_source.png"), golden("golden_0_edited.png"));
    let (_, err) = expect(desk.path(), 1, &["score", &source, &edited, "brighter", "--model-dir", "judge"]);
    assert!(err.contains("not finite"), "{err}");
}

#[test]
fn outputs_of_pairs_overwrite_nothing() {
    let desk = tempfile::tempdir().unwrap();
    let line =
        json!({"source": golden("golden_0_source.png"), "edited": golden("golden_0_edited.png"), "instruction": "x"});
    let write = |name: &str, text: &str| fs::write(desk.path().join(name), text).unwrap();
    let read = |name: &str| fs::read_to_string(desk.path().join(name)).unwrap();
    let text = format!("{line}\n");
    write("out.judge.json", &text);
    let score = |pairs: &str, out: &str| {
        expect(desk.path(), 2, &["score", "--pairs", pairs, "--model-dir", "builtin", "-o", out]).1
    };
    assert!(score("out.judge.json", "out").contains("would overwrite the pairs"));
    assert_eq!(read("out.judge.json"), text);
    write("pairs.jsonl", &text);
    assert!(score("pairs.jsonl", "pairs.jsonl").contains("would overwrite the pairs"));
    assert!(score("pairs.jsonl", "out").contains("out.judge.json is not what"));
    assert_eq!((read("pairs.jsonl"), read("out.judge.json")), (text.clone(), text));
    fs::create_dir(desk.path().join("folder")).unwrap();
    assert!(score("pairs.jsonl", "folder").contains("it is not a file"));
    // Somebody else holds it.
    let held = fs::File::create(desk.path().join("held")).unwrap();
    held.lock().unwrap();
    assert!(score("pairs.jsonl", "held").contains("another call"));
}
