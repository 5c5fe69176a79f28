//! Mistakes in what is told of servers.

use insta::assert_snapshot;

use crate::{report, with_search};

fn of(editor: &str) -> String {
    report(with_search("{best_of_n: {samples: 8}}").replace("{darkroom: {}}", editor))
}

#[test]
fn no_servers() {
    assert_snapshot!(of("{openai_images: {profile: openai}}"));
    assert_snapshot!(of("{openai_images: {profile: openai, servers: []}}"));
}

#[test]
fn one_server_twice() {
    let twice = "{openai_images: {profile: generic, servers: [{url: \"https://a.example/v1\"}, {url: \"https://a.example/v1/\"}]}}";
    assert!(of(twice).contains("there are two servers at https://a.example/v1/"), "{}", of(twice));
}

#[test]
fn addresses() {
    assert_snapshot!(of(
        "\n  openai_images:\n    profile: generic\n    servers:\n      - {url: api.example.org/v1}\n      \
        - {url: \"https://me:pass@example.org/v1\"}\n      - {url: \"https://example.org/v1?key=1\"}\n      - {url: 8000}\n      \
        - {url: \"ftp://example.org\"}\n      - {concurrency: 0}"
    ));
}

#[test]
fn secrets_are_named_and_never_given() {
    assert_snapshot!(of("\n  openai_images:\n    profile: generic\n    servers:\n      \
        - {url: \"https://a.example/v1\", secret_env: sk-proj-1234}\n      \
        - {url: \"https://b.example/v1\", secret_env: $KEY}\n      \
        - {url: \"https://c.example/v1\", secret_env: KEY, secret_file: key.txt}\n      \
        - {url: \"https://d.example/v1\", secret_header: x-key}\n      \
        - {url: \"https://e.example/v1\", secret_env: KEY, secret_header: \"x key\"}\n    \
        fields: {Authorization: \"Bearer sk-proj-1234\"}"));
}

#[test]
fn secrets_under_keys_that_are_none_are_hidden() {
    assert_snapshot!(of("\n  openai_images:\n    profile: generic\n    servers:\n      \
        - {url: \"https://a.example/v1\", api_key: sk-proj-1234}\n      \
        - {url: \"https://b.example/v1\", secret: {value: sk-proj-5678}}\n      \
        - {url: \"https://c.example/v1\", secret_header: \"Bearer sk-proj-9012\"}"));
}

#[test]
fn a_budget_of_money_without_prices_is_warned_of() {
    let recipe = |prices: &str| {
        let editor =
            format!("{{openai_images: {{profile: generic, servers: [{{url: \"https://a.example\"}}]{prices}}}}}");
        report(with_search("{best_of_n: {samples: 8}}").replace("{darkroom: {}}", &editor) + "budget: {usd: 1}\n")
    };
    assert_snapshot!(recipe(""));
    assert_eq!(recipe(", prices: {picture: 0.04}"), "");
    // What a program asks for it says only when it runs.
    let program = with_search("{best_of_n: {samples: 8}}").replace("{darkroom: {}}", "{plugin: {run: [a]}}");
    assert_eq!(report(program + "budget: {usd: 1}\n"), "");
}

#[test]
fn a_secret_on_an_open_road_is_warned_of() {
    assert_snapshot!(of(
        "{openai_images: {profile: generic, servers: [{url: \"http://a.example/v1\", secret_env: KEY}]}}"
    ));
    let at = |url: &str| {
        of(&format!("{{openai_images: {{profile: generic, servers: [{{url: \"{url}\", secret_env: KEY}}]}}}}"))
    };
    for here in ["http://127.0.0.1:8000/v1", "http://localhost:1", "http://LocalHost", "http://[::1]:8000/v1"] {
        assert_eq!(at(here), "", "{here}");
    }
    for elsewhere in ["http://127.a.example/v1", "http://127.", "http://localhost.a.example", "http://[::2]"] {
        assert!(at(elsewhere).starts_with("warning: "), "{elsewhere}");
    }
}

#[test]
fn fields_and_knobs() {
    assert_snapshot!(of("\n  openai_images:\n    profile: generic\n    servers: [{url: \"https://a.example\"}]\n    \
        fields: {\"two words\": 1, steps: .nan, quality: {a: [1, {b: .inf}]}}\n    \
        knobs: {guidance: {low: 4, high: 1, default: 2}, steps: {low: 1, high: 50, default: 2.5, whole: true}, \
        a b: {low: 1, high: 2, default: 1}, shift: {low: 0, high: 1, default: 1, logarithmic: true}, eta: {low: 0}}"));
    assert_snapshot!(of(
        "{openai_images: {profile: generic, servers: [{url: \"https://a.example\"}], fields: [1], knobs: 1}}"
    ));
}

#[test]
fn sizes_calls_and_prices() {
    assert_snapshot!(of(
        "\n  openai_images:\n    profile: generic\n    servers: [{url: \"https://a.example\", burst: 3}]\n    \
        sizes: [1024, 2x]\n    partial_images: 4\n    calls: {attempts: 0, answer_secs: 0}\n    \
        prices: {picture: 0.0000001, call: -1, dollars: 3}\n    repeat: always"
    ));
}

fn judged(judge: &str) -> String {
    report(with_search("{best_of_n: {samples: 8}}").replace("{photometric: {}}", judge))
}

#[test]
fn judges_of_numbers() {
    let server = "servers: [{url: \"https://a.example\"}]";
    assert_snapshot!(judged(&format!("{{flow_factory: {{{server}, scale: 0, low: 1, batch: 0, pictures: one}}}}")));
    assert_snapshot!(judged(&format!("{{unirl_score: {{{server}, low: 2, high: 1}}}}")));
    assert_snapshot!(judged(&format!("{{vllm_pooling: {{{server}, model: a, task: embed, index: -1}}}}")));
    assert_snapshot!(judged(&format!("{{vllm_pooling: {{{server}, model: a, task: embed}}}}")));
    assert_snapshot!(judged(&format!("{{vllm_plugin: {{{server}, model: a, pointer: score, data: [1]}}}}")));
    assert_snapshot!(judged(&format!("{{pickled_reward: {{{server}, profile: geneval, only_jpeg: yes}}}}")));
    assert_snapshot!(judged(&format!("{{pickled_reward: {{{server}, profile: deqa, metadata: {{tag: x}}}}}}")));
    assert_snapshot!(judged("{editscale: {revision: 7}}"));
}

#[test]
fn jobs() {
    assert_snapshot!(of(
        "\n  submit_poll:\n    service: bfl\n    model: flux-kontext-pro\n    servers: [{url: \"https://api.bfl.ai/v1\"}]\n    \
        inputs: {width: w, size: s}\n    server_limit_secs: 1\n    \
        polls: {first_wait_secs: 6, deadline_secs: 1}\n    repeat: never"
    ));
    assert_snapshot!(of(
        "{sdcpp_jobs: {servers: [{url: \"http://127.0.0.1:1234/sdcpp/v1\"}], picture: mask, polls: 5}}"
    ));
}

#[test]
fn judges() {
    let judge = |options: &str| {
        report(
            with_search("{best_of_n: {samples: 8}}")
                .replace("{photometric: {}}", &format!("{{chat_judge: {options}}}")),
        )
    };
    assert_snapshot!(judge(
        "{servers: [{url: \"https://a.example\"}], votes: 2, least_votes: 3, temperature: 3, structured: yes}"
    ));
    assert_snapshot!(judge("{model: a, servers: [{url: \"https://a.example\"}], prompts: {followed: a.txt}}"));
    let judge_of =
        |options: &str| judge(&format!("{{model: a, servers: [{{url: \"https://a.example\"}}], {options}}}"));
    assert_snapshot!(judge_of(
        "low: 25, high: 0, prompts: {}, questions: [{part: a, prompt: a.txt, scores: [reasoning]}, {part: b c, scores: x}]"
    ));
    assert_snapshot!(judge_of(
        "questions: [{part: a, prompt: a.txt, scores: [s]}, {part: a, prompt: b.txt, scores: [s]}]"
    ));
    assert_snapshot!(judge_of("questions: []"));
    let text = with_search("{best_of_n: {samples: 8}}").replace(
        "{photometric: {}}",
        "{pairwise_judge: {model: a, servers: [{url: \"https://a.example\"}], neighbours: 3, finalists: 17, prior_sigma: 0}}",
    );
    assert_snapshot!(report(text));
}
