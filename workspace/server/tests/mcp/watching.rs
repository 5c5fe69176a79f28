//! Progress while a run goes on, and what becomes of it when nobody wants it any more.

use std::sync::Arc;
use std::time::Duration;

use editscale_core::Budget;
use editscale_server::{AgentOptions, Owner, State, serve_agent};
use serde_json::json;

use crate::seat::Seat;

/// Waits for something that must come.
async fn soon(mut is_so: impl FnMut() -> bool) {
    for _ in 0..2000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not come about");
}

#[tokio::test]
async fn progress_grows_to_its_end() {
    let seat = Seat::take(Budget::default()).await;
    let arguments =
        json!({"image": "sea.png", "instruction": "make it warmer", "recipe": "slow", "budget": {"edits": 5}});
    seat.call("edit_image", arguments).await;
    let heard = &seat.client.service().heard;
    soon(|| heard.lock().unwrap().last().is_some_and(|last| Some(last.progress) == last.total)).await;
    let heard = heard.lock().unwrap().clone();
    assert!(heard.len() >= 5, "{heard:?}");
    assert!(heard.is_sorted_by(|one, next| one.progress < next.progress), "{heard:?}");
    let last = heard.last().unwrap();
    assert!(last.message.as_ref().unwrap().contains("candidates tried, best utility"), "{last:?}");
}

#[tokio::test]
async fn a_call_that_is_given_up_ends_its_run_and_pays_for_what_was_made() {
    let seat = Seat::take(Budget { edits: Some(30), ..Budget::default() }).await;
    let owner = Owner("local".to_owned());
    let runs = seat.service.runs();
    {
        let call =
            seat.result("edit_image", json!({"image": "sea.png", "instruction": "make it warmer", "recipe": "slow"}));
        tokio::pin!(call);
        tokio::select! {
            _ = &mut call => panic!("it should not have ended"),
            // One candidate is there, and more are to come.
            () = soon(|| runs.of(&owner, 1).first().is_some_and(|live| live.events().best().is_some())) => {}
        }
        // It is dropped here, which tells the server.
    }
    soon(|| runs.of(&owner, 1)[0].state() == State::Cancelled).await;
    // The next call waits until the first one has settled.
    let next =
        seat.call("edit_image", json!({"image": "sea.png", "instruction": "make it warmer", "recipe": "one"})).await;
    assert_eq!(next["edit"], "e1", "what was given up is no edit");
    let list = seat.call("list_edits", json!({})).await;
    let (spent, left) = (list["spent"]["edits"].as_u64().unwrap(), list["budget_left"]["edits"].as_u64().unwrap());
    assert!((2..25).contains(&spent) && spent + left == 30, "{spent} spent and {left} left");
}

#[tokio::test]
async fn an_agent_that_hangs_up_leaves_nothing_under_way() {
    let seat = Seat::take(Budget::default()).await;
    let owner = Owner("local".to_owned());
    let Seat { client, service, .. } = &seat;
    let peer = client.peer().clone();
    let call = tokio::spawn(async move {
        let arguments = json!({"image": "sea.png", "instruction": "make it warmer", "recipe": "slow"});
        let params = rmcp::model::CallToolRequestParams::new("edit_image");
        peer.call_tool(params.with_arguments(arguments.as_object().unwrap().clone())).await
    });
    soon(|| service.runs().of(&owner, 1).first().is_some_and(|live| live.state() == State::Running)).await;
    client.cancellation_token().cancel();
    soon(|| service.runs().of(&owner, 1)[0].state().is_final()).await;
    assert!(call.await.unwrap().is_err());
}

#[tokio::test]
async fn an_agent_that_says_nothing_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let service = crate::seat::service(folder.path(), |_| {});
    let served = |roots| {
        serve_agent(
            Arc::clone(&service),
            AgentOptions { roots, ..AgentOptions::default() },
            tokio::io::empty(),
            tokio::io::sink(),
        )
    };
    served(vec![]).await.unwrap();
    let error = served(vec![folder.path().join("nowhere")]).await.unwrap_err();
    assert!(error.to_string().contains("nowhere"), "{error}");
}
