//! `editscale plugin check` as people use it: what it prints, and how it exits.

use std::fs;
use std::process::{Command, Output};

use libtest_mimic::{Failed, Trial};
use serde_json::Value;

/// What is tried.
type Run = fn() -> Result<(), Failed>;

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    let trials: [(&'static str, Run); 6] = [
        ("a_good_plugin_exits_with_0", good),
        ("a_bad_plugin_exits_with_1_and_says_what_to_do", bad),
        ("what_failed_is_told_with_the_log_and_the_rest_in_one_line", folded),
        ("what_plugins_write_is_shown_where_rust_log_asks", logged),
        ("a_misuse_exits_with_2", misuse),
        ("json_is_one_object", json),
    ];
    trials.into_iter().map(|(name, run)| Trial::test(format!("program::{name}"), run))
}

fn run(arguments: &[&str], peer: &[String]) -> Result<Output, Failed> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_editscale"));
    command.args(["plugin", "check"]).args(arguments).arg("--").args(peer);
    Ok(command.output()?)
}

/// What a program said, where it exited as expected.
fn expect(code: i32, output: &Output) -> Result<(String, String), Failed> {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.code() != Some(code) {
        return Err(format!("expected exit status {code}, found {:?}\n{out}\n{err}", output.status.code()).into());
    }
    Ok((out.into_owned(), err.into_owned()))
}

fn good() -> Result<(), Failed> {
    let only = ["--only", "hello", "--only", "card"];
    let (out, err) = expect(0, &run(&only, &crate::peer("good_reward"))?)?;
    assert!(err.starts_with("waiting for `") && err.contains("up to 120 s until it is ready"), "{err}");
    assert!(out.lines().count() == 3 && out.contains("ok") && out.contains("card"), "{out}");
    assert!(out.ends_with("2 ok, 0 failed, 0 not applicable\n"), "{out}");
    Ok(())
}

fn bad() -> Result<(), Failed> {
    let (out, _) = expect(1, &run(&["--only", "card"], &crate::peer("absurd_card"))?)?;
    assert!(out.contains("failed") && out.contains("`largest_batch` is 4000000000"), "{out}");
    assert!(out.contains("expected:") && out.contains("to do:"), "{out}");
    Ok(())
}

fn folded() -> Result<(), Failed> {
    let (out, _) = expect(1, &run(&[], &crate::peer("cannot_get_ready"))?)?;
    assert!(out.contains("its log: looking for weights in /nowhere"), "{out}");
    let not_tried: Vec<&str> = out.lines().filter(|line| line.starts_with("not tried")).collect();
    // What is tried without a plugin that is ready stands between them.
    assert!(not_tried.len() <= 3 && not_tried.iter().all(|line| line.ends_with(": it does not get ready")), "{out}");
    assert!(not_tried.iter().map(|line| line.matches(", ").count()).sum::<usize>() > 10, "{out}");
    Ok(())
}

/// Every command that starts a plugin: quiet, unless `RUST_LOG` asks for what it writes.
fn logged() -> Result<(), Failed> {
    let desk = tempfile::tempdir()?;
    let photo = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/photos/coffee.jpg");
    let small = image::open(photo)?.resize(64, 64, image::imageops::FilterType::Triangle);
    small.save(desk.path().join("a.png"))?;
    small.brighten(20).save(desk.path().join("b.png"))?;
    fs::write(desk.path().join("rows.jsonl"), "{\"source\": \"a.png\", \"instruction\": \"brighter\"}\n")?;
    let peer = serde_json::to_string(&crate::peer("talkative_reward"))?;
    let recipe = format!(
        "version: 1\neditor: {{darkroom: {{}}}}\nrewards: [{{model: {{plugin: {{run: {peer}}}}}}}]\nsearch: {{best_of_n: {{samples: 2}}}}\n"
    );
    fs::write(desk.path().join("mine.yaml"), recipe)?;
    let commands: [&[&str]; 5] = [
        &["score", "a.png", "b.png", "brighter", "--recipe", "mine.yaml"],
        &["edit", "a.png", "brighter", "--recipe", "mine.yaml"],
        &["doctor", "--recipe", "mine.yaml"],
        &["bench", "parity", "--reference", "mine.yaml", "--native", "mine.yaml", "--pairs", "."],
        &["run", "rows.jsonl", "--recipe", "mine.yaml", "--out", "OUT"],
    ];
    for command in commands {
        for (filter, is_shown) in [(None, false), (Some("info"), true), (Some("off"), false), (Some("a=][b"), false)] {
            let out = format!("out-{}", filter.map_or(0, str::len));
            let words = command.iter().map(|word| if *word == "OUT" { out.as_str() } else { word });
            let mut program = Command::new(env!("CARGO_BIN_EXE_editscale"));
            program.args(words).current_dir(desk.path()).env_remove("RUST_LOG");
            program.envs(filter.map(|filter| ("RUST_LOG", filter)));
            let (out, err) = expect(0, &program.output()?)?;
            let told = format!("{command:?} with {filter:?}: {err}");
            assert_eq!(err.contains("the weights are being read"), is_shown, "{told}");
            assert!(!out.contains("the weights are being read"), "{told}");
        }
    }
    Ok(())
}

fn misuse() -> Result<(), Failed> {
    let nothing = vec!["no-such-program-here".to_owned()];
    let (_, err) = expect(2, &run(&[], &nothing)?)?;
    assert!(err.contains("no-such-program-here"), "{err}");
    let (_, err) = expect(2, &run(&["--only", "colour"], &nothing)?)?;
    assert!(err.contains("there is no check `colour`"), "{err}");
    for config in ["[1]", "{", "@/no/such/file"] {
        expect(2, &run(&["--config", config], &nothing)?)?;
    }
    Ok(())
}

fn json() -> Result<(), Failed> {
    let config = std::env::temp_dir().join(format!("editscale-plugin-config-{}.json", std::process::id()));
    fs::write(&config, r#"{"strength": 0.5}"#)?;
    let given = format!("@{}", config.display());
    let arguments = ["--json", "--config", &given, "--kind", "reward", "--only", "card"];
    let output = run(&arguments, &crate::peer("good_reward"));
    fs::remove_file(&config)?;
    let (out, _) = expect(0, &output?)?;
    let found: Value = serde_json::from_str(&out)?;
    assert_eq!(found["version"], 1);
    assert_eq!(found["plugin"]["name"], "peer");
    assert_eq!(found["checks"][0]["name"], "card");
    assert_eq!(found["checks"][0]["verdict"], "ok");
    assert_eq!(found["failed"], 0);
    Ok(())
}
