//! The program with editors and judges behind HTTP, against a server of the tests.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use editscale_testkit::{FakeServer, ServerFault};
use serde_json::Value;

const PHOTO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/photos/coffee.jpg");

/// What no text may show.
const SECRET: &str = "sk-Proj-4711-hunter2";

/// A folder of its own for one test, with a small photograph.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        let photo = image::open(PHOTO).unwrap().resize_exact(48, 32, image::imageops::FilterType::Triangle);
        photo.save(desk.path("photo.png")).unwrap();
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, secret: Option<&str>, arguments: &[&str]) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_editscale"));
        command.args(arguments).current_dir(self.0.path()).env_remove("EDITSCALE_TEST_KEY");
        if let Some(secret) = secret {
            command.env("EDITSCALE_TEST_KEY", secret);
        }
        let Output { status, stdout, stderr } = command.output().unwrap();
        let (out, err) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
        (status.code().unwrap(), out, err)
    }

    fn expect(&self, code: i32, arguments: &[&str]) -> (String, String) {
        let (found, out, err) = self.run(Some(SECRET), arguments);
        assert_eq!(found, code, "{arguments:?}\n{out}\n{err}");
        (out, err)
    }

    fn write(&self, recipe: &str) {
        fs::write(self.path("recipe.yaml"), recipe).unwrap();
    }

    fn edit(&self, code: i32, more: &[&str]) -> (Value, String) {
        let arguments = ["edit", "photo.png", "make it warm", "--recipe", "recipe.yaml", "--run-dir", "run", "--json"];
        let (out, err) = self.expect(code, &[&arguments[..], more].concat());
        (serde_json::from_str(&out).unwrap_or_default(), err)
    }
}

fn servers(servers: &[&FakeServer]) -> String {
    let one = |server: &&FakeServer| {
        format!("{{url: \"{}\", secret_env: EDITSCALE_TEST_KEY, concurrency: 2}}", server.base())
    };
    servers.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn recipe(profile: &str, editors: &[&FakeServer], judge: &FakeServer, rest: &str) -> String {
    format!(
        "version: 1\neditor:\n  openai_images:\n    profile: {profile}\n    model: fake\n    servers: [{}]\n    \
         prices: {{picture: 0.04}}\n    fields: {{quality: high}}\nrewards:\n  - model:\n      chat_judge:\n        \
         model: fake\n        servers: [{}]\n        prices: {{call: 0.001, most_input_tokens: 100}}\n{rest}\n",
        servers(editors),
        servers(&[judge]),
    )
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() { all.extend(files(&path)) } else { all.push(path) }
    }
    all
}

#[test]
fn an_edit_over_two_servers_counts_its_money_and_shows_no_secret() {
    let (one, two, judge) = (FakeServer::start(), FakeServer::start(), FakeServer::start());
    // Servers like to quote what they were shown.
    let quoting = format!(r#"{{"error":{{"message":"Incorrect API key provided: {SECRET}","code":"slow_down"}}}}"#);
    one.fail([ServerFault::Answer(429, vec![("Retry-After", "0".to_owned())], quoting.clone())]);
    judge.fail([ServerFault::Answer(400, vec![], quoting)]);
    let desk = Desk::new();
    desk.write(&recipe("openai", &[&one, &two], &judge, "search: {best_of_n: {samples: 6}}\nbudget: {usd: 1}"));
    let (run, err) = desk.edit(0, &[]);
    assert_eq!(run["ledger"]["edits"], 6, "{run:#}");
    let usd = run["ledger"]["usd"].as_f64().unwrap();
    assert!((0.24 + 0.010..=0.24 + 0.012).contains(&usd), "{usd}");
    assert_eq!(one.made().len() + two.made().len(), 6);
    assert!(!two.made().is_empty() && !one.made().is_empty());
    for asked in one.asked() {
        assert_eq!(asked.header("authorization"), Some(format!("Bearer {SECRET}").as_str()));
        assert_eq!(asked.text("quality").as_deref(), Some("high"));
    }
    let shown = format!("{run} {err}").to_lowercase();
    assert!(!shown.contains(&SECRET.to_lowercase()), "{shown}");
    for file in files(desk.0.path()) {
        let bytes = fs::read(&file).unwrap();
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        assert!(!text.contains(&SECRET.to_lowercase()), "{} holds the secret", file.display());
    }
}

#[test]
fn a_budget_of_money_is_kept() {
    let (server, judge) = (FakeServer::start(), FakeServer::start());
    let desk = Desk::new();
    desk.write(&recipe("openai", &[&server], &judge, "search: {best_of_n: {samples: 20}}\nbudget: {usd: 0.2}"));
    let (run, _) = desk.edit(0, &[]);
    let usd = run["ledger"]["usd"].as_f64().unwrap();
    assert!(usd <= 0.2 && usd > 0.12, "{usd}");
    assert!(server.made().len() as f64 * 0.04 <= usd, "{}", server.made().len());
}

#[test]
fn an_answer_that_got_lost_is_paid_for_and_never_asked_for_again() {
    let (server, judge) = (FakeServer::start(), FakeServer::start());
    server.fail([ServerFault::Lost, ServerFault::Cut(20)]);
    let desk = Desk::new();
    desk.write(&recipe("openai", &[&server], &judge, "search: {best_of_n: {samples: 4}}"));
    let (run, _) = desk.edit(0, &[]);
    assert_eq!(server.made().len(), 4);
    assert_eq!((&run["ledger"]["edits"], &run["failed"]), (&4.into(), &2.into()), "{run:#}");
    assert!(run["ledger"]["usd"].as_f64().unwrap() >= 0.16);
}

#[test]
fn what_a_server_lacks_is_told_before_anything_is_sent() {
    let (server, judge) = (FakeServer::start(), FakeServer::start());
    let desk = Desk::new();
    let beam = "search: {beam: {width: 2, children: 2, depth: 2}}";
    desk.write(&recipe("openai", &[&server], &judge, beam));
    // A machine that only checks has no secrets.
    let (code, out, _) = desk.run(None, &["check", "recipe.yaml"]);
    assert!(code == 2 && out.contains("cannot use editor `openai_images`") && out.contains("seed"), "{out}");
    desk.expect(2, &["edit", "photo.png", "make it warm", "--recipe", "recipe.yaml"]);
    desk.write(&recipe("sglang", &[&server], &judge, "search: {best_of_n: {samples: 2}}"));
    assert_eq!(desk.run(None, &["check", "recipe.yaml"]).0, 0);
    let arguments = ["edit", "photo.png", "make it warm", "--recipe", "recipe.yaml"];
    let (code, _, err) = desk.run(None, &arguments);
    assert!(code == 1 && err.contains("EDITSCALE_TEST_KEY"), "{err}");
    let (code, _, err) = desk.run(Some("two words"), &arguments);
    assert!(code == 1 && err.contains("printable ASCII") && !err.contains("two words"), "{err}");
    let (_, err) = desk.expect(2, &[&arguments[..], &["--mask", "photo.png"]].concat());
    assert!(err.contains("does not honour a mask"), "{err}");
    assert!(server.asked().is_empty() && judge.asked().is_empty());
    assert!(!desk.path("runs").exists());
}

#[test]
fn settings_that_contradict_the_dialect_are_mistakes_of_the_recipe() {
    let (server, judge) = (FakeServer::start(), FakeServer::start());
    let desk = Desk::new();
    let good = recipe("generic", &[&server], &judge, "search: {best_of_n: {samples: 2}}");
    for (from, to, words) in [
        ("quality: high", "seed: 3", "found seed"),
        ("quality: high", "n: 3", "found n"),
        ("prices: {picture: 0.04}", "prices: {picture: 0.04}\n    repeat: harmless", "harmless"),
        (
            "model: fake\n        servers",
            "model: fake\n        prompts: {quality: none.txt}\n        servers",
            "none.txt",
        ),
    ] {
        desk.write(&good.replace(from, to));
        let (out, _) = desk.expect(2, &["check", "recipe.yaml"]);
        assert!(out.contains(words) && out.contains("recipe.yaml:"), "{words} is not in {out}");
    }
}

#[test]
fn a_forecast_sends_nothing_and_leaves_nothing() {
    let (server, judge) = (FakeServer::start(), FakeServer::start());
    let desk = Desk::new();
    desk.write(&recipe("openai", &[&server], &judge, "search: {best_of_n: {samples: 8}}\nbudget: {usd: 0.2}"));
    let (code, out, err) = desk.run(
        None,
        &["edit", "photo.png", "make it warm", "--recipe", "recipe.yaml", "--run-dir", "run", "--dry-run", "--json"],
    );
    assert_eq!(code, 0, "{err}");
    let forecast: Value = serde_json::from_str(&out).unwrap();
    let forecast = &forecast["forecast"];
    assert_eq!((&forecast["edits"], &forecast["reward_calls"]), (&8.into(), &8.into()));
    assert_eq!((&forecast["affordable_edits"], &forecast["usd"]), (&4.into(), &0.2.into()), "{forecast:#}");
    assert!(forecast["seconds"].is_null() && server.asked().is_empty() && !desk.path("run").exists());
    // Once there is a run to learn from, seconds are told as well.
    desk.edit(0, &[]);
    let (out, _) = desk.expect(
        0,
        &["edit", "photo.png", "cooler", "--recipe", "recipe.yaml", "--run-dir", "./other", "--dry-run", "--json"],
    );
    let again: Value = serde_json::from_str(&out).unwrap();
    assert!(again["forecast"]["seconds"].as_f64().is_some_and(|seconds| seconds >= 0.0), "{again:#}");
}

#[test]
fn a_doctor_says_what_each_server_is_like() {
    let (one, two, judge) = (FakeServer::start(), FakeServer::start(), FakeServer::start());
    let desk = Desk::new();
    let good = recipe("sglang", &[&one, &two], &judge, "search: {best_of_n: {samples: 2}}");
    desk.write(&good);
    // Prices make probes cost money, which needs leave.
    let (out, _) = desk.expect(0, &["doctor", "--recipe", "recipe.yaml"]);
    assert!(out.contains("give leave with --spend") && one.made().is_empty(), "{out}");
    let arguments = ["doctor", "--recipe", "recipe.yaml", "--spend", "1", "--output", "cards.json"];
    let (out, _) = desk.expect(0, &arguments);
    assert!(out.contains("the same seed gave the same bytes, another seed"), "{out}");
    assert!(!out.to_lowercase().contains(&SECRET.to_lowercase()));
    let cards: Value = serde_json::from_slice(&fs::read(desk.path("cards.json")).unwrap()).unwrap();
    let cards = cards["cards"].as_array().unwrap();
    assert_eq!(cards.len(), 3);
    for card in &cards[..2] {
        assert_eq!(card["found"]["seeds"]["same_seed_same_picture"], true, "{card:#}");
        assert_eq!((&card["found"]["model"], &card["error"]), (&true.into(), &Value::Null));
    }
    assert_eq!((one.made().len(), two.made().len()), (3, 3));
    desk.expect(2, &arguments);
    // Where something is not as assumed, it is told and the exit code says so.
    desk.write(&good.replace("model: fake\n    servers", "model: other\n    servers"));
    let (out, err) = desk.expect(1, &["doctor", "--recipe", "recipe.yaml"]);
    assert!(out.contains("`other` is not among those of the server: `fake`") && err.contains("2 of 3"), "{out}{err}");
    let (code, out, _) = desk.run(None, &["doctor", "--recipe", "recipe.yaml"]);
    assert!(code == 1 && out.contains("EDITSCALE_TEST_KEY"), "{out}");
}

/// The workflow of `ComfyUI` that this repository ships.
const WORKFLOW: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/configs/comfyui/flux-kontext.workflow.json");

#[test]
fn every_editor_behind_http_can_be_named_in_a_recipe() {
    let judge = FakeServer::start();
    let polls = "polls: {first_wait_secs: 0.001, longest_wait_secs: 0.01}";
    let input = "inputs: {prompt: prompt, picture: image}";
    for (editor, path, options) in [
        ("openai_images", "/v1", "profile: generic"),
        ("openai_images", "/v1", "profile: sdcpp, knobs: {txt_cfg: {low: 1, high: 9, default: 4}}"),
        ("openai_images", "/v1", "profile: vllm_omni, model: m, stream: true"),
        ("gemini", "/v1beta", "model: m"),
        ("ark", "/api/v3", "model: seedream-4-5-251128"),
        ("sglang_rollout", "", "model: m"),
        ("sdcpp_jobs", "/sdcpp/v1", polls),
        (
            "submit_poll",
            "/bfl/v1",
            &format!("service: bfl, model: flux-kontext-pro, prices: {{picture: 0.04}}, {polls}"),
        ),
        ("submit_poll", "/fal", &format!("service: fal, model: fal-ai/some, {input}, {polls}")),
        ("submit_poll", "/replicate/v1", &format!("service: replicate, model: a/b, {input}, {polls}")),
        (
            "comfyui",
            "/v1",
            &format!(
                "workflow: {WORKFLOW:?}, outputs: [13], image: /1/inputs/image, instruction: /7/inputs/text, seed: \
                 /11/inputs/seed, progress: false, {polls}"
            ),
        ),
    ] {
        let (server, desk) = (FakeServer::start(), Desk::new());
        let url = format!("{}{path}", server.root());
        desk.write(&format!(
            "version: 1\neditor: {{{editor}: {{servers: [{{url: {url:?}, secret_env: EDITSCALE_TEST_KEY}}], {options}}}}}\n\
             rewards: [{{model: {{chat_judge: {{model: fake, servers: [{}]}}}}}}]\nsearch: {{best_of_n: {{samples: 2}}}}\n",
            servers(&[&judge]),
        ));
        let (out, err) = desk.expect(0, &["check", "recipe.yaml"]);
        assert!(out.is_empty() && err.contains("good"), "{editor} {options}: {out}{err}");
        let (run, err) = desk.edit(0, &[]);
        assert_eq!(
            (&run["ledger"]["edits"], &run["failed"]),
            (&2.into(), &0.into()),
            "{editor} {options}: {run:#}{err}"
        );
        assert!(!server.made().is_empty(), "{editor} {options}");
        if editor == "sglang_rollout" {
            let all = files(&desk.path("run"));
            let kept = all.iter().filter(|file| file.extension().is_some_and(|ending| ending == "safetensors")).count();
            assert_eq!(kept, 2, "{all:?}");
        }
        for file in files(desk.0.path()) {
            let text = String::from_utf8_lossy(&fs::read(&file).unwrap()).to_lowercase();
            assert!(!text.contains(&SECRET.to_lowercase()), "{} holds the secret", file.display());
        }
    }
}

#[test]
fn a_damaged_picture_does_not_win_and_what_a_judge_lacks_is_told() {
    let (server, judge, desk) = (FakeServer::start(), FakeServer::start(), Desk::new());
    // A PNG that declares what it does not hold.
    let mut png = editscale_testkit::png(editscale_core::ImageSize { width: 32, height: 16 }, [1, 2, 3]);
    let middle = png.len() / 2;
    png[middle] ^= 0x55;
    server.fail([ServerFault::Base64(editscale_testkit::base64(&png))]);
    desk.write(&recipe("openai", &[&server], &judge, "search: {best_of_n: {samples: 3}}"));
    let (run, err) = desk.edit(0, &[]);
    assert_eq!((&run["failed"], &run["ledger"]["edits"]), (&1.into(), &3.into()), "{run:#}");
    assert!(run.to_string().contains("the picture that came is damaged"), "{run:#}");
    assert!(err.contains("1 of 3 candidates failed"), "{err}");
    let vain = FakeServer::start();
    vain.says(|_| "I would rather not.".to_owned());
    desk.write(&recipe("openai", &[&server], &vain, "search: {best_of_n: {samples: 2}}"));
    let (_, err) = desk.expect(1, &["edit", "photo.png", "make it warm", "--recipe", "recipe.yaml"]);
    assert!(
        err.contains("reward `chat_judge`") && err.contains("I would rather not") && err.contains("(2 times)"),
        "{err}"
    );
}

#[test]
fn files_that_never_end_are_not_read() {
    let (server, judge, desk) = (FakeServer::start(), FakeServer::start(), Desk::new());
    if !Path::new("/dev/zero").exists() {
        return;
    }
    let (out, _) = desk.expect(2, &["check", "/dev/zero"]);
    assert!(out.contains("not a file"), "{out}");
    desk.expect(2, &["edit", "photo.png", "make it warm", "--recipe", "/dev/zero"]);
    let good = recipe("generic", &[&server], &judge, "search: {best_of_n: {samples: 2}}");
    desk.write(
        &good
            .replace(
                "openai_images:\n    profile: generic",
                "comfyui:\n    workflow: /dev/zero\n    outputs: [1]\n    \
        image: /1/inputs/image\n    instruction: /1/inputs/a\n    seed: /1/inputs/b",
            )
            .replace("    model: fake\n    servers", "    servers")
            .replace("    fields: {quality: high}\n", ""),
    );
    let (out, _) = desk.expect(2, &["check", "recipe.yaml"]);
    assert!(out.contains("not a file"), "{out}");
}

/// Prompts of others, from their own files, with their own range and names.
#[test]
fn a_judge_can_be_asked_questions_of_ones_own() {
    let (editor, judge, desk) = (FakeServer::start(), FakeServer::start(), Desk::new());
    judge.says(|question| {
        let text = question.to_string();
        let score = if text.contains("degree of success") { "[20, 22]" } else { "[9, 25]" };
        format!("{{\"score\": {score}, \"reasoning\": \"well\"}}")
    });
    fs::write(desk.path("sc.txt"), "From {{low}} to {{high}}: degree of success and overediting of: {{instruction}}")
        .unwrap();
    fs::write(desk.path("pq.txt"), "From {{low}} to {{high}}: naturalness and artifacts").unwrap();
    desk.write(&format!(
        "version: 1\neditor: {{openai_images: {{profile: sglang, servers: [{}]}}}}\nrewards:\n  - model:\n      chat_judge:\n        \
         model: fake\n        servers: [{}]\n        high: 25\n        structured: prompt\n        questions:\n          \
         - {{part: semantics, prompt: sc.txt, scores: [success, overediting]}}\n          \
         - {{part: quality, prompt: pq.txt, scores: [naturalness, artifacts], pictures: candidate}}\n\
         search: {{best_of_n: {{samples: 2}}}}\n",
        servers(&[&editor]),
        servers(&[&judge]),
    ));
    let (run, _) = desk.edit(0, &[]);
    let score = &run["candidates"][0]["scores"]["chat_judge"];
    assert!((score["mean"].as_f64().unwrap() - (20.0_f64 * 9.0).sqrt()).abs() < 1e-9, "{score:#}");
    let asked: Vec<String> = judge
        .asked()
        .iter()
        .filter(|asked| asked.line.starts_with("POST"))
        .map(|asked| asked.json().to_string())
        .collect();
    assert_eq!(asked.len(), 4);
    assert!(asked.iter().any(|text| text.contains("From 0 to 25: degree of success and overediting of: make it warm")));
}

#[test]
fn every_judge_behind_http_can_be_named_in_a_recipe() {
    for (judge, path, options) in [
        ("chat_judge", "/v1", "model: fake, votes: 3"),
        ("pairwise_judge", "/v1", "model: fake, structured: prompt"),
        ("listwise_judge", "/v1", "model: fake, most_pictures: 2"),
        ("vllm_classify", "", "model: fake"),
        ("vllm_pooling", "", "model: fake"),
        ("unirl_score", "", "reward: clip"),
        ("flow_factory", "", ""),
        ("editscale", "/v1", ""),
        ("pickled_reward", "", "profile: deqa, only_jpeg: false"),
    ] {
        let (editor, server, desk) = (FakeServer::start(), FakeServer::start(), Desk::new());
        server.says(|_| {
            serde_json::json!({"reasoning": "", "followed": 8, "preserved": 8, "natural": 8, "clean": 8, "better": "first",
                "ranking": [1, 2]})
            .to_string()
        });
        let url = format!("{}{path}", server.root());
        desk.write(&format!(
            "version: 1\neditor: {{openai_images: {{profile: sglang, servers: [{}]}}}}\n\
             rewards: [{{model: {{{judge}: {{servers: [{{url: {url:?}, concurrency: 4}}], {options}}}}}}}]\n\
             search: {{best_of_n: {{samples: 3}}}}\n",
            servers(&[&editor]),
        ));
        let (out, err) = desk.expect(0, &["check", "recipe.yaml"]);
        assert!(out.is_empty() && err.contains("good"), "{judge} {options}: {out}{err}");
        let (run, err) = desk.edit(0, &[]);
        assert_eq!((&run["ledger"]["reward_calls"], &run["failed"]), (&3.into(), &0.into()), "{judge}: {run:#}{err}");
        assert!(!server.asked().is_empty(), "{judge}");
    }
}
