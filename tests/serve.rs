//! `editscale serve`, `mcp` and `keys` as a user runs them: as processes, over sockets and pipes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::time::{Duration, Instant};

use editscale_testkit::exchange;
use serde_json::{Value, json};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(120);

fn editscale(arguments: &[&str], folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_editscale"));
    command.args(arguments).current_dir(folder).env_remove("RUST_LOG");
    command
}

/// A server that ends with the test.
struct Server {
    child: Child,
    address: String,
    key: Option<String>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A status, the head and the body.
type Answer = (u16, String, Vec<u8>);

impl Server {
    /// Serves in a folder, at a free port.
    fn start(folder: &Path, more: &[&str]) -> Self {
        let arguments = [&["serve", "--listen", "127.0.0.1:0", "--recipe", "quickstart"], more].concat();
        let mut child = editscale(&arguments, folder).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("http://").expect("an address").to_owned();
        Self { child, address, key: None }
    }

    fn call(&self, method: &str, path: &str, body: &str) -> Answer {
        let key = self.key.as_ref().map(|key| format!("authorization: Bearer {key}\r\n")).unwrap_or_default();
        exchange(&self.address, &format!("{method} {path}"), &key, body)
    }

    fn json(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (status, _, body) = self.call(method, path, &body);
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    /// Waits until a run has ended.
    fn ended(&self, run: &str) -> Value {
        let began = Instant::now();
        loop {
            let (status, shown) = self.json("GET", &format!("/v1/runs/{run}"), &Value::Null);
            assert_eq!(status, 200, "{shown}");
            if !["queued", "running"].contains(&shown["state"].as_str().unwrap()) {
                return shown;
            }
            assert!(began.elapsed() < PATIENCE, "{shown}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Asks politely to end, and waits.
    #[cfg(unix)]
    fn end(mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

fn wish(instruction: &str) -> Value {
    let photo = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/photos/coffee.jpg")).unwrap();
    let url = format!("data:image/jpeg;base64,{}", base64::Engine::encode(&base64::prelude::BASE64_STANDARD, photo));
    json!({"image": url, "instruction": instruction})
}

#[test]
fn a_recipe_is_served_and_its_runs_are_folders_like_any_other() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let (status, begun) = server.json("POST", "/v1/runs", &wish("make it warmer"));
    assert_eq!((status, begun["recipe"].as_str()), (202, Some("quickstart")), "{begun}");
    let run = begun["id"].as_str().unwrap();
    let ended = server.ended(run);
    assert_eq!(ended["state"], "done", "{ended}");
    let (status, head, picture) = server.call("GET", &format!("/v1/runs/{run}/candidates/best/image?format=jpeg"), "");
    assert!(status == 200 && head.contains("content-type: image/jpeg") && picture.starts_with(&[0xff, 0xd8]), "{head}");
    let report = editscale(&["report", &format!("runs/served/{run}")], folder.path()).output().unwrap();
    assert!(report.status.success(), "{}", String::from_utf8_lossy(&report.stderr));
    let from = format!("runs/served/{run}:0");
    let gone_on = editscale(&["edit", "--from", &from, "brighter"], folder.path()).output().unwrap();
    assert!(gone_on.status.success(), "{}", String::from_utf8_lossy(&gone_on.stderr));
}

#[cfg(unix)]
#[test]
fn what_was_accepted_goes_on_after_a_polite_end() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &["--running", "1"]);
    let accept = |server: &Server, number: usize| {
        let mut wish = wish("much warmer, with more contrast");
        wish["seed"] = json!(number);
        let (status, begun) = server.json("POST", "/v1/runs", &wish);
        assert_eq!(status, 202, "{begun}");
        begun["id"].as_str().unwrap().to_owned()
    };
    let runs: Vec<String> = (0..4).map(|number| accept(&server, number)).collect();
    assert_eq!(server.end(), Some(0));
    let server = Server::start(folder.path(), &[]);
    for run in runs {
        let ended = server.ended(&run);
        assert_eq!(ended["state"], "done", "{ended}");
        assert_eq!(ended["trace"]["candidates"].as_array().unwrap().len(), 24);
    }
}

#[test]
fn whoever_has_no_key_gets_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let added = |name: &str| editscale(&["keys", "add", name, "--file", "keys.txt"], folder.path()).output().unwrap();
    let key = |output: Output| String::from_utf8(output.stdout).unwrap().trim().to_owned();
    let (first, second) = (key(added("first")), key(added("second")));
    let again = added("first");
    assert_eq!(again.status.code(), Some(2), "{}", String::from_utf8_lossy(&again.stderr));
    let kept = fs::read_to_string(folder.path().join("keys.txt")).unwrap();
    assert!(!kept.contains(&first) && kept.lines().count() == 2, "{kept}");
    let listed = editscale(&["keys", "list", "--file", "keys.txt"], folder.path()).output().unwrap();
    assert_eq!(String::from_utf8(listed.stdout).unwrap(), "first\nsecond\n");
    let mut server = Server::start(folder.path(), &["--keys", "keys.txt"]);
    let status = |server: &Server, path: &str| server.call("GET", path, "").0;
    assert_eq!((status(&server, "/v1/runs"), status(&server, "/healthz")), (401, 200));
    server.key = Some(first[..first.len() - 1].to_owned());
    assert_eq!(status(&server, "/v1/runs"), 401);
    server.key = Some(first);
    let (_, begun) = server.json("POST", "/v1/runs", &wish("cooler"));
    let run = begun["id"].as_str().unwrap().to_owned();
    assert_eq!(server.ended(&run)["state"], "done");
    server.key = Some(second);
    for path in ["", "/trace", "/events", "/source", "/candidates/0/image", "/candidates/best/image"] {
        assert_eq!(status(&server, &format!("/v1/runs/{run}{path}")), 404, "{path}");
    }
    assert_eq!(server.json("GET", "/v1/runs", &Value::Null).1["data"], json!([]));
}

#[test]
fn a_folder_of_runs_has_one_server() {
    let folder = tempfile::tempdir().unwrap();
    let _first = Server::start(folder.path(), &[]);
    let second = editscale(&["serve", "--listen", "127.0.0.1:0", "--recipe", "quickstart"], folder.path()).output();
    let (said, code) = second.map(|second| (String::from_utf8(second.stderr).unwrap(), second.status.code())).unwrap();
    assert!(
        code == Some(1) && said.contains("another server works in the folder of runs runs/served"),
        "{code:?}: {said}"
    );
    // Agents find a place of their own.
    let (first, second) = (Agent::start(folder.path(), &[]), Agent::start(folder.path(), &[]));
    assert!(folder.path().join("runs/agent").exists() && folder.path().join("runs/agent-2").exists());
    for agent in [first, second] {
        let Agent { mut child, stdin, .. } = agent;
        drop(stdin);
        assert!(child.wait().unwrap().success());
    }
}

#[test]
fn bad_arguments_are_told_before_anything_listens() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("bad.yaml"), "version: 1\n").unwrap();
    fs::write(folder.path().join("nobody.txt"), "# nobody yet\n").unwrap();
    for (arguments, expected) in [
        (&["serve", "--listen", "0.0.0.0:0"][..], "without API keys a server listens on this machine alone"),
        (&["serve", "--recipe", "bad.yaml"], "recipe `bad.yaml` cannot be used"),
        (&["serve", "--recipe", "nowhere"], "there is no recipe `nowhere`"),
        (&["serve", "--recipes", "nowhere"], "--recipes nowhere"),
        (&["serve", "--recipe", "quickstart", "--recipe", "quickstart"], "two recipes are called `quickstart`"),
        (&["serve", "--recipe", "quickstart", "--alias", "a=b"], "--alias a=b: there is no recipe `b`"),
        (&["serve", "--keys", "none.txt"], "cannot read keys file none.txt"),
        (&["serve", "--keys", "nobody.txt"], "keys file nobody.txt has no keys"),
        (&["keys", "add", "a b"], "cannot name a key"),
    ] {
        let output = editscale(arguments, folder.path()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && said.contains(expected), "{arguments:?}: {said}");
    }
}

/// A session with an agent's server over pipes.
struct Agent {
    child: Child,
    stdin: ChildStdin,
    lines: BufReader<std::process::ChildStdout>,
}

impl Agent {
    fn start(folder: &Path, more: &[&str]) -> Self {
        let arguments = [&["mcp", "--recipe", "quickstart"], more].concat();
        let mut command = editscale(&arguments, folder);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut agent = Self { child, stdin, lines: BufReader::new(stdout) };
        let about = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}});
        agent.ask(1, "initialize", &about);
        writeln!(agent.stdin, "{}", json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).unwrap();
        agent
    }

    /// The answer to a request.
    fn ask(&mut self, id: u64, method: &str, params: &Value) -> Value {
        writeln!(self.stdin, "{}", json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})).unwrap();
        loop {
            let mut line = String::new();
            assert!(self.lines.read_line(&mut line).unwrap() > 0, "the server hung up");
            let said: Value = serde_json::from_str(&line).expect("one JSON object a line and nothing else");
            if said["id"] == id {
                assert!(said["error"].is_null(), "{said}");
                return said["result"].clone();
            }
        }
    }
}

#[test]
fn an_agent_edits_files_under_its_root_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy("examples/photos/coffee.jpg", folder.path().join("coffee.jpg")).unwrap();
    let outside = tempfile::tempdir().unwrap();
    fs::copy("examples/photos/coffee.jpg", outside.path().join("secret.jpg")).unwrap();
    let mut agent = Agent::start(folder.path(), &["--root", ".", "--session-edits", "8"]);
    let call =
        |image: &str| json!({"name": "edit_image", "arguments": {"image": image, "instruction": "make it warmer"}});
    let refused = agent.ask(2, "tools/call", &call(outside.path().join("secret.jpg").to_str().unwrap()));
    assert_eq!(refused["isError"], true, "{refused}");
    let edited = agent.ask(3, "tools/call", &call("coffee.jpg"));
    assert_ne!(edited["isError"], true, "{edited}");
    let kinds: Vec<&str> =
        edited["content"].as_array().unwrap().iter().map(|content| content["type"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"resource_link"), "{edited}");
    let spent = agent.ask(4, "tools/call", &call("coffee.jpg"));
    assert_eq!(spent["isError"], true, "the budget of 8 edits is spent: {spent}");
    drop(agent.stdin);
    assert!(agent.child.wait().unwrap().success());
}
