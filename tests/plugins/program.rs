//! `editscale plugin check` as people use it: what it prints, and how it exits.

use std::fs;
use std::process::{Command, Output};

use libtest_mimic::{Failed, Trial};
use serde_json::Value;

/// What is tried.
type Run = fn() -> Result<(), Failed>;

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    let trials: [(&'static str, Run); 4] = [
        ("a_good_plugin_exits_with_0", good),
        ("a_bad_plugin_exits_with_1_and_says_what_to_do", bad),
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
    let (out, _) = expect(0, &run(&only, &crate::peer("good_reward"))?)?;
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
