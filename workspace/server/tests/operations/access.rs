//! Who gets in, and what they see.

use std::sync::Arc;

use editscale_server::{App, Keys, ServeError, serve};
use serde_json::json;
use tokio::net::TcpListener;

use super::world::{Plan, wish};

#[tokio::test]
async fn without_the_right_key_there_is_nothing() {
    let (plan, [key]) = Plan::new().keyed(["alice"]);
    let world = plan.begin().await;
    let closed = [
        ("GET", "/v1/runs"),
        ("POST", "/v1/runs"),
        ("GET", "/v1/runs/r0"),
        ("DELETE", "/v1/runs/r0"),
        ("GET", "/v1/runs/r0/events"),
        ("GET", "/v1/runs/r0/candidates/best/image"),
        ("GET", "/metrics"),
        ("GET", "/nowhere"),
    ];
    let wrong_keys =
        ["", "es-", "x", &key[1..], &key.to_uppercase(), &format!("{key}0")].map(|key| format!("Bearer {key}"));
    for (method, path) in closed {
        let plain = world.ask(method, path);
        let mut asks = vec![plain.clone(), plain.clone().header("authorization", &format!("Basic {key}"))];
        asks.extend(wrong_keys.iter().map(|wrong| plain.clone().header("authorization", wrong)));
        for ask in asks {
            let answer = ask.send().await;
            assert_eq!((answer.status, answer.code().as_str()), (401, "invalid_api_key"), "{ask:?}");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
            assert!(answer.header("x-request-id").is_some() && !answer.text().contains(&key));
        }
    }
    for open in ["/healthz", "/readyz", "/openapi.json"] {
        assert_eq!(world.get(open).await.status, 200, "{open}");
    }
    assert_eq!(world.ask("GET", "/v1/runs").key(&key).send().await.status, 200);
}

#[tokio::test]
async fn nobody_sees_anything_of_anothers() {
    let (plan, [alice, bob]) = Plan::new().keyed(["alice", "bob"]);
    let world = plan.begin().await;
    world.let_through(1);
    let run = world.run(&alice).await;
    world.until(&run, &alice, "done").await;
    for (method, rest) in [
        ("GET", ""),
        ("DELETE", ""),
        ("GET", "/trace"),
        ("GET", "/events"),
        ("GET", "/source"),
        ("GET", "/candidates/0/image"),
        ("GET", "/candidates/best/image"),
    ] {
        let ask = |key: &str| world.ask(method, &format!("/v1/runs/{run}{rest}")).key(key);
        let (hers, his) = (ask(&alice).send().await, ask(&bob).send().await);
        assert_eq!((hers.status, his.status), (200, 404), "{method} {rest}");
        assert_eq!(his.code(), "not_found");
    }
    let pick = world.ask("PUT", &format!("/v1/runs/{run}/picked")).json(&json!({"candidate": 0}));
    assert_eq!(pick.clone().key(&bob).send().await.status, 404);
    let from = json!({"from": {"run": run, "candidate": 0}, "instruction": "go on"});
    assert_eq!(world.ask("POST", "/v1/runs").json(&from).key(&bob).send().await.status, 404);
    let listed = world.ask("GET", "/v1/runs").key(&bob).send().await.json();
    assert_eq!(listed["data"], json!([]));
}

#[tokio::test]
async fn paths_lead_nowhere_else() {
    let world = Plan::new().begin().await;
    std::fs::write(world.folder.path().join("secret.txt"), "a secret").unwrap();
    let long = "r".repeat(5000);
    for id in [
        "..",
        "../secret.txt",
        "..%2fsecret.txt",
        "%2e%2e%2fsecret.txt",
        "%2e%2e/secret.txt",
        "..%5csecret.txt",
        "secret.txt",
        "secret.txt%00",
        "%00",
        "%ff%fe",
        ".",
        "%2fetc%2fpasswd",
        "//etc/passwd",
        &long,
    ] {
        for rest in ["", "/trace", "/source", "/candidates/0/image", "/candidates/..%2f..%2fsecret.txt/image"] {
            let answer = world.get(&format!("/v1/runs/{id}{rest}")).await;
            let is_refused = matches!(answer.status, 400 | 404 | 405 | 414);
            assert!(is_refused && !answer.text().contains("a secret"), "{id}{rest}: {answer:?}");
        }
    }
    let head = format!("/{}", "x".repeat(200_000));
    let answer = world.ask("GET", &head).try_send().await;
    assert!(answer.is_none_or(|answer| matches!(answer.status, 414 | 431)));
}

#[tokio::test]
async fn pages_of_other_sites_and_other_names_are_kept_out() {
    let world = Plan::new().begin().await;
    let port = world.address.port();
    for (name, value) in [
        ("host", "evil.example".to_owned()),
        ("host", format!("evil.example:{port}")),
        ("host", "localhost.evil.example".to_owned()),
        ("origin", "http://evil.example".to_owned()),
        ("origin", "null".to_owned()),
        ("origin", format!("http://localhost:{}", port ^ 1)),
    ] {
        for (method, path) in [("POST", "/v1/runs"), ("GET", "/v1/runs"), ("GET", "/metrics")] {
            let answer = world.ask(method, path).header(name, &value).json(&wish()).send().await;
            assert_eq!(answer.status, 403, "{name}: {value}");
        }
    }
    let own = world.ask("GET", "/v1/runs").header("origin", &format!("http://{}", world.address));
    assert_eq!(own.send().await.status, 200);
}

#[tokio::test]
async fn without_keys_only_this_machine_is_listened_to() {
    let world = Plan::new().begin().await;
    let app = Arc::new(App { service: Arc::clone(&world.service), keys: Keys::default() });
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let refused = serve(app, listener, std::future::pending()).await.unwrap_err();
    assert!(matches!(refused, ServeError::Open(_)), "{refused}");
}
