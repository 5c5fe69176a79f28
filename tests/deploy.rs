//! The manifests of `deploy/`: they parse, what they refer to is there, and the program knows every flag and every variable that they
//! name. No cluster is asked. The commands of pages are held by `tests/readme.rs`.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "a test that cannot go on fails"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The files of a folder of `deploy/` with this ending.
fn files(folder: &str, ending: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join("deploy").join(folder)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut found: Vec<String> =
        names.filter(|name| name.ends_with(ending)).map(|name| format!("deploy/{folder}/{name}")).collect();
    found.sort();
    assert!(!found.is_empty(), "deploy/{folder} holds no {ending}");
    found
}

fn documents(path: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(&read(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All documents for Kubernetes, each with its file.
fn objects() -> Vec<(String, Value)> {
    let of = |path: String| documents(&path).into_iter().map(move |document| (path.clone(), document));
    files("kubernetes", ".yaml").into_iter().flat_map(of).collect()
}

fn list<'v>(value: &'v Value, pointer: &str) -> &'v [Value] {
    value.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer} is no text in {value}"))
}

fn number(value: &Value, pointer: &str) -> u64 {
    value.pointer(pointer).and_then(Value::as_u64).unwrap_or_else(|| panic!("{pointer} is no number in {value}"))
}

/// The words of a container's command line, where it runs the program.
fn command(container: &Value) -> Option<Vec<String>> {
    let words = list(container, "/command").iter().chain(list(container, "/args"));
    let words: Vec<String> = words.map(|word| word.as_str().expect("a word is text").to_owned()).collect();
    (words.first().map(String::as_str) == Some("editscale")).then_some(words)
}

/// The value of `--flag=value` or `--flag value`.
fn option<'w>(words: &'w [String], flag: &str) -> Option<&'w str> {
    let at = words.iter().position(|word| word == flag || word.starts_with(&format!("{flag}=")))?;
    words[at].split_once('=').map(|(_, value)| value).or_else(|| words.get(at + 1).map(String::as_str))
}

/// The command lines of a script that run the program.
fn commands_of(script: &str) -> Vec<Vec<String>> {
    let joined = script.replace("\\\n", " ");
    let lines = joined.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    let words = lines.map(|line| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
    let is_program = |word: &String| word == "editscale" || word.ends_with("/editscale");
    words
        .filter_map(|words| words.iter().position(is_program).map(|at| words[at..].to_vec()))
        .map(|words| words.into_iter().take_while(|word| !["&", "|", "&&", ";"].contains(&word.as_str())).collect())
        .collect()
}

/// Every command line of the program in `deploy/`, with its file.
fn every_command() -> Vec<(String, Vec<String>)> {
    let mut found = Vec::new();
    for (path, object) in objects() {
        let containers = list(&object, "/spec/template/spec/containers").iter().filter_map(command);
        found.extend(containers.map(|words| (path.clone(), words)));
    }
    for path in files("slurm", ".sbatch") {
        found.extend(commands_of(&read(&path)).into_iter().map(|words| (path.clone(), words)));
    }
    for path in files("skypilot", ".yaml") {
        for task in documents(&path) {
            let scripts = ["/setup", "/run"].map(|pointer| commands_of(text(&task, pointer)));
            found.extend(scripts.into_iter().flatten().map(|words| (path.clone(), words)));
        }
    }
    found
}

/// The flags that the help of a command lists.
fn flags(command: &[String]) -> BTreeSet<String> {
    let help = Command::new(env!("CARGO_BIN_EXE_editscale")).args(command).arg("--help").output().unwrap();
    assert!(help.status.success(), "`editscale {} --help` failed", command.join(" "));
    let help = String::from_utf8(help.stdout).unwrap();
    let words = help.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-');
    words.filter(|word| word.starts_with("--")).map(str::to_owned).collect()
}

#[test]
fn the_program_knows_every_flag() {
    let mut of_commands: BTreeMap<Vec<String>, BTreeSet<String>> = BTreeMap::new();
    let mut seen = 0;
    for (path, words) in every_command() {
        seen += 1;
        let named = words[1..].iter().take_while(|word| !word.starts_with('-'));
        let command: Vec<String> = named.take(if words[1] == "models" { 2 } else { 1 }).cloned().collect();
        let name = command.join(" ");
        let known = of_commands.entry(command).or_insert_with_key(|command| flags(command));
        for word in words.iter().filter(|word| word.starts_with("--")) {
            let flag = word.split('=').next().unwrap();
            assert!(known.contains(flag), "{path}: `editscale {name}` has no {flag}");
        }
    }
    let known = &of_commands[&["run".to_owned()][..]];
    assert!(seen >= 8, "only {seen} commands were found");
    // The script for Ray makes its command line itself.
    let script = read("deploy/ray/submit.py");
    let made = script.split("def jobs(").nth(1).unwrap().split("def body(").next().unwrap();
    let made: Vec<&str> = made.split('"').filter(|part| part.starts_with("--") && !part.ends_with('=')).collect();
    assert!(made.contains(&"--shard"), "{made:?}");
    made.iter().for_each(|flag| assert!(known.contains(*flag), "deploy/ray/submit.py: `editscale run` has no {flag}"));
}

#[test]
fn objects_of_kubernetes_refer_to_each_other() {
    let objects = objects();
    let named = |kind: &str, name: &str| {
        objects.iter().any(|(_, object)| text(object, "/kind") == kind && text(object, "/metadata/name") == name)
    };
    for (path, object) in &objects {
        assert!(text(object, "/apiVersion").contains('v'), "{path}");
        assert_eq!(object.pointer("/metadata/labels/app.kubernetes.io~1part-of").unwrap(), "editscale", "{path}");
        let pod = "/spec/template/spec";
        let claims = list(object, "/spec/volumeClaimTemplates").iter().map(|claim| text(claim, "/metadata/name"));
        let mut volumes: BTreeSet<&str> = claims.collect();
        for volume in list(object, &format!("{pod}/volumes")) {
            volumes.insert(text(volume, "/name"));
            if let Some(claim) = volume.pointer("/persistentVolumeClaim/claimName") {
                assert!(named("PersistentVolumeClaim", claim.as_str().unwrap()), "{path}: there is no claim {claim}");
            }
            if let Some(map) = volume.pointer("/configMap/name") {
                assert!(named("ConfigMap", map.as_str().unwrap()), "{path}: there is no map {map}");
            }
        }
        for container in list(object, &format!("{pod}/containers")) {
            for mount in list(container, "/volumeMounts") {
                let volume = text(mount, "/name");
                assert!(volumes.contains(volume), "{path}: there is no volume {volume}");
            }
            let words = command(container).unwrap_or_default();
            if let Some(queue) = option(&words, "--queue") {
                let host = queue.strip_prefix("nats://").and_then(|rest| rest.split(':').next()).unwrap();
                assert!(named("Service", host), "{path}: there is no service {host}");
            }
        }
    }
}

#[test]
fn jobs_of_kubernetes_run_again_after_75_and_have_time_to_end() {
    let jobs: Vec<_> = objects().into_iter().filter(|(_, object)| text(object, "/kind") == "Job").collect();
    assert!(jobs.len() >= 3);
    for (path, job) in jobs {
        let name = format!("{path}, {}", text(&job, "/metadata/name"));
        // Kubernetes takes failure policies only with this.
        assert_eq!(text(&job, "/spec/template/spec/restartPolicy"), "Never", "{name}");
        let rules = list(&job, "/spec/podFailurePolicy/rules");
        let action = |code: u64| {
            let of = |rule: &&Value| list(rule, "/onExitCodes/values").iter().any(|value| value.as_u64() == Some(code));
            rules.iter().find(of).map(|rule| text(rule, "/action"))
        };
        assert_eq!((action(75), action(2)), (Some("Ignore"), Some("FailJob")), "{name}");
        let grace = number(&job, "/spec/template/spec/terminationGracePeriodSeconds");
        for container in list(&job, "/spec/template/spec/containers") {
            let words = command(container).unwrap_or_else(|| panic!("{name} runs something else"));
            let told: u64 = option(&words, "--grace-secs").expect("a time of grace").parse().unwrap();
            assert!(told + 10 <= grace, "{name}: killed after {grace} s, and told {told} s");
            if job.pointer("/spec/completionMode").is_some() {
                let shards = format!("$(JOB_COMPLETION_INDEX)/{}", number(&job, "/spec/completions"));
                assert_eq!(option(&words, "--shard"), Some(shards.as_str()), "{name}");
            }
        }
    }
}

/// The variables that sources of the program name.
fn variables_of_the_program() -> BTreeSet<String> {
    fn walk(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let source = fs::read_to_string(path).unwrap();
                let is_name = |word: &&str| {
                    !word.is_empty() && word.chars().all(|letter| letter == '_' || letter.is_ascii_uppercase())
                };
                found.extend(source.split('"').filter(is_name).map(str::to_owned));
            }
        }
    }
    let mut found = BTreeSet::new();
    walk(&root().join("workspace"), &mut found);
    found
}

#[test]
fn the_program_reads_every_variable() {
    let known = variables_of_the_program();
    // Read by the client for buckets.
    let is_of_buckets = |name: &str| ["AWS_", "GOOGLE_", "AZURE_"].iter().any(|start| name.starts_with(start));
    let mut named: Vec<(String, String)> = Vec::new();
    for (path, object) in objects() {
        for container in list(&object, "/spec/template/spec/containers").iter().filter(|each| command(each).is_some()) {
            named.extend(list(container, "/env").iter().map(|each| (path.clone(), text(each, "/name").to_owned())));
        }
    }
    for path in files("skypilot", ".yaml") {
        let task = documents(&path).remove(0);
        let script = text(&task, "/run");
        let of_program = task["envs"].as_object().unwrap().keys().filter(|name| !script.contains(&format!("${name}")));
        named.extend(of_program.map(|name| (path.clone(), name.clone())));
    }
    assert!(named.len() >= 3, "{named:?}");
    for (path, name) in named {
        assert!(known.contains(&name) || is_of_buckets(&name), "{path}: the program reads no {name}");
    }
}

#[test]
fn the_task_of_skypilot_comes_back_after_75() {
    for path in files("skypilot", ".yaml") {
        let task = documents(&path).remove(0);
        let known = ["name", "num_nodes", "resources", "workdir", "file_mounts", "envs", "setup", "run"];
        task.as_object().unwrap().keys().for_each(|key| assert!(known.contains(&key.as_str()), "{path}: {key}"));
        let variables = task["envs"].as_object().unwrap();
        assert!(variables.values().all(Value::is_string), "{path}: SkyPilot takes variables as text only");
        assert_eq!(task.pointer("/resources/job_recovery/recover_on_exit_codes/0"), Some(&75.into()), "{path}");
        assert!(number(&task, "/num_nodes") > 1, "{path}");
        let run = format!("set -u\n{}", text(&task, "/run"));
        assert_bash(&path, &run);
    }
}

/// Runs the task of one of two nodes, with a stand-in for the program, and says how it ended and what the bucket holds.
fn skypilot(desk: &Path, run: &str, program: &str) -> (Option<i32>, Vec<String>) {
    programs(desk, &[("editscale", program)]);
    let bucket = desk.join("bucket");
    fs::create_dir_all(&bucket).unwrap();
    let variables =
        [("HOME", desk.to_str().unwrap()), ("SKYPILOT_NODE_RANK", "1"), ("SKYPILOT_NUM_NODES", "2"), ("SHARDS", "5")];
    let script = run.replace("/bucket", bucket.to_str().unwrap());
    let code = Command::new("bash").args(["-c", &script]).current_dir(desk).envs(variables).status().unwrap().code();
    let found = ["", "shards", "parquet"].map(|folder| fs::read_dir(bucket.join("rollouts").join(folder)));
    let entries = found.into_iter().flatten().flatten().map(|entry| entry.unwrap());
    let files = entries.filter(|entry| entry.file_type().unwrap().is_file());
    let mut names: Vec<String> = files.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    (code, names)
}

#[test]
fn nodes_of_skypilot_do_what_is_not_in_the_bucket() {
    // Writes what the program does into the folder after `--out`, for the share after `--shard`, and says that it was called.
    let works = r#"
        out="$6"; share="${8/\//-of-}"; echo "$8" >> "$HOME/calls"; mkdir -p "$out/shards" "$out/parquet" "$out/depot"
        touch "$out/rollout.json" "$out/progress-$share.json" "$out/shards/rollouts-$share-00000.json"
        touch "$out/parquet/rollouts-$share-00000.parquet" "$out/depot/rest""#;
    let folder = tempfile::tempdir().unwrap();
    let task = documents("deploy/skypilot/shards.yaml").remove(0);
    let run = text(&task, "/run");
    assert_eq!(skypilot(folder.path(), run, "exit 75"), (Some(75), Vec::new()));
    let of = |share: &str| [format!("progress-{share}.json"), format!("rollouts-{share}-00000.json")];
    let shares = ["1-of-5", "3-of-5"].into_iter();
    let mut expected: Vec<String> = shares.clone().flat_map(of).collect();
    expected.extend(shares.map(|share| format!("rollouts-{share}-00000.parquet")));
    expected.push("rollout.json".to_owned());
    expected.sort();
    for _ in 0..2 {
        assert_eq!(skypilot(folder.path(), run, works), (Some(0), expected.clone()));
    }
    assert_eq!(fs::read_to_string(folder.path().join("calls")).unwrap(), "1/5\n3/5\n");
}

/// Bash can read the script.
fn assert_bash(path: &str, script: &str) {
    let read = Command::new("bash").args(["-n", "-c", script]).output().unwrap();
    assert!(read.status.success(), "{path}: {}", String::from_utf8_lossy(&read.stderr));
}

#[test]
fn scripts_are_bash_and_say_what_slurm_is_told() {
    for path in files("slurm", ".sbatch") {
        let script = read(&path);
        assert_bash(&path, &script);
        assert!(script.starts_with("#!/usr/bin/env bash\n# "), "{path}");
        let told: Vec<&str> = script.lines().filter_map(|line| line.strip_prefix("#SBATCH ")).collect();
        assert!(told.iter().any(|line| line.starts_with("--array=0-")), "{path}: shards count from 0");
        assert!(told.contains(&"--requeue"), "{path}");
        let signal = told.iter().find_map(|line| line.strip_prefix("--signal=B:TERM@")).unwrap();
        let grace = commands_of(&script).iter().find_map(|words| option(words, "--grace-secs").map(str::to_owned));
        assert!(grace.unwrap().parse::<u64>().unwrap() + 10 <= signal.parse().unwrap(), "{path}");
        // Slurm reads its lines only before the first command.
        let first = script.lines().position(|line| !line.is_empty() && !line.starts_with('#')).unwrap();
        assert!(!script.lines().skip(first).any(|line| line.starts_with("#SBATCH")), "{path}");
    }
}

/// A folder with programs of our own for `PATH`.
fn programs(folder: &Path, scripts: &[(&str, &str)]) {
    for (name, script) in scripts {
        let path = folder.join(name);
        fs::write(&path, format!("#!/usr/bin/env bash\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

/// Runs a script of Slurm with a stand-in for the program, and says how it ended and what was put back into the queue.
fn slurm(path: &str, program: &str, is_stopped: bool) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let desk = folder.path();
    programs(desk, &[("editscale", program), ("scontrol", "echo \"$*\" > \"$DESK/requeued\"")]);
    let search = format!("{}:{}", desk.display(), std::env::var("PATH").unwrap());
    let mut child = Command::new("bash")
        .arg(root().join(path))
        .args(["nats://host:4222", "data", "recipe.yaml", "out", "depot"])
        .env("PATH", search)
        .env("DESK", desk)
        .envs([("SLURM_ARRAY_JOB_ID", "12"), ("SLURM_ARRAY_TASK_ID", "3")])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    if is_stopped {
        let late = Instant::now() + Duration::from_secs(60);
        while !desk.join("ready").exists() {
            assert!(Instant::now() < late, "{path}: the stand-in has not begun");
            thread::sleep(Duration::from_millis(5));
        }
        assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    }
    let code = child.wait().unwrap().code();
    (code, fs::read_to_string(desk.join("requeued")).unwrap_or_default().trim().to_owned())
}

#[test]
fn tasks_of_slurm_end_as_the_program_does_and_go_back_into_the_queue_after_75() {
    // Ends with 75 once it is asked to, after some work of its own.
    let stopped = "trap 'sleep 0.1; exit 75' TERM; touch \"$DESK/ready\"; for _ in $(seq 600); do sleep 0.1; done";
    for path in files("slurm", ".sbatch") {
        assert_eq!(slurm(&path, "exit 0", false), (Some(0), String::new()), "{path}");
        assert_eq!(slurm(&path, "exit 1", false), (Some(1), String::new()), "{path}");
        assert_eq!(slurm(&path, "exit 75", false), (Some(75), "requeue 12_3".to_owned()), "{path}");
        assert_eq!(slurm(&path, stopped, true), (Some(75), "requeue 12_3".to_owned()), "{path}");
    }
}

#[test]
fn every_file_says_what_it_is() {
    let folders = [("kubernetes", ".yaml"), ("slurm", ".sbatch"), ("skypilot", ".yaml"), ("ray", ".py")];
    let all: Vec<String> = folders.into_iter().flat_map(|(folder, ending)| files(folder, ending)).collect();
    for path in all.iter().map(PathBuf::from) {
        let text = fs::read_to_string(root().join(&path)).unwrap();
        let first = text.lines().find(|line| !line.starts_with("#!")).unwrap();
        assert!(first.starts_with("# ") || first.starts_with("\"\"\""), "{}", path.display());
    }
}
