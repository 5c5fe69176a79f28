//! What is left of runs: those whose client is gone, and those whose files somebody damaged.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::world::{Plan, picture};

#[tokio::test]
async fn a_run_whose_client_waited_for_it_does_not_go_on_in_the_next_life() {
    let world = Plan::new().begin().await;
    let wish = json!({"image": picture(), "prompt": "make it warmer"});
    let ask = world.ask("POST", "/v1/images/edits").json(&wish);
    let asked = tokio::spawn(async move { ask.try_send().await.is_some() });
    let run = loop {
        if let Some(run) = world.get("/v1/runs").await.json()["data"][0]["id"].as_str() {
            break run.to_owned();
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    world.until(&run, "", "running").await;
    let folder = Arc::clone(&world.folder);
    // As a kill would: nobody is told.
    world.service.runs().close().await;
    asked.abort();
    drop(world);
    let next = Plan::over(&folder).begin().await;
    let found = next.get(&format!("/v1/runs/{run}")).await.json();
    assert_eq!(found["state"], "failed", "{found}");
    assert!(found["message"].as_str().unwrap().contains("the client that waited for it"), "{found}");
}

#[tokio::test]
async fn a_damaged_run_is_told_of_and_costs_the_others_nothing() {
    let world = Plan::new().begin().await;
    world.let_through(2);
    let (whole, damaged) = (world.run("").await, world.run("").await);
    for run in [&whole, &damaged] {
        world.until(run, "", "done").await;
    }
    let file = world.folder.path().join(&damaged).join("run.json");
    let text = fs::read(&file).unwrap();
    fs::write(&file, "{").unwrap();
    let found = world.get(&format!("/v1/runs/{damaged}")).await;
    assert_eq!((found.status, found.json()["trace"].is_null()), (200, true));
    for path in ["trace", "source", "candidates/0/image", "candidates/best/image"] {
        let answer = world.get(&format!("/v1/runs/{damaged}/{path}")).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(!answer.text().contains(&*world.folder.path().to_string_lossy()), "{path}: {}", answer.text());
    }
    assert_eq!(world.get(&format!("/v1/runs/{whole}/trace")).await.status, 200);
    fs::write(&file, text).unwrap();
    assert_eq!(world.get(&format!("/v1/runs/{damaged}/trace")).await.status, 200, "it is looked at again");
}
