//! A budget that spans the calls of a conversation.

use editscale_core::Budget;
use serde_json::{Value, json};

use crate::seat::Seat;

fn edits(edits: u64) -> Budget {
    Budget { edits: Some(edits), ..Budget::default() }
}

#[tokio::test]
async fn calls_spend_from_one_budget_until_it_is_gone() {
    let seat = Seat::take(edits(7)).await;
    let warm = |budget: Value| json!({"image": "sea.png", "instruction": "make it warmer", "budget": budget});
    let first = seat.call("edit_image", warm(json!({"edits": 2}))).await;
    assert_eq!((&first["spent"]["edits"], &first["budget_left"]["edits"]), (&json!(2), &json!(5)));
    let second = seat.call("edit_image", warm(json!({"edits": 100}))).await;
    assert_eq!(
        (&second["spent"]["edits"], &second["budget_left"]["edits"]),
        (&json!(4), &json!(1)),
        "its recipe asks for 4"
    );
    let third = seat.call("refine_edit", json!({"instruction": "brighter"})).await;
    assert_eq!((&third["spent"]["edits"], &third["budget_left"]["edits"]), (&json!(1), &json!(0)));
    let refused = seat.refused("refine_edit", json!({"instruction": "brighter"})).await;
    assert_eq!((&refused["error"], &refused["budget_left"]["edits"]), (&json!("budget_exhausted"), &json!(0)));
    // What costs no edits goes on.
    let pair = json!({"source": "sea.png", "edited": "e3", "instruction": "brighter"});
    assert!(seat.call("score_edit", pair).await["utility"].is_number());
    let list = seat.call("list_edits", json!({})).await;
    assert_eq!((&list["budget"]["edits"], &list["spent"]["edits"]), (&json!(7), &json!(7)));
    for bad in [json!({"edits": 0}), json!({"usd": -1}), json!({"euros": 1}), json!(5)] {
        assert_eq!(seat.refused("edit_image", warm(bad.clone())).await["error"], "invalid_argument", "{bad}");
    }
}

#[tokio::test]
async fn scorings_are_reward_calls() {
    let seat = Seat::take(Budget { reward_calls: Some(6), ..Budget::default() }).await;
    let made = seat.call("edit_image", json!({"image": "sea.png", "instruction": "make it warmer"})).await;
    assert_eq!(made["budget_left"]["reward_calls"], 2);
    let candidates = |count| vec!["e1"; count];
    let compare =
        |count| json!({"source": "sea.png", "candidates": candidates(count), "instruction": "make it warmer"});
    assert_eq!(seat.refused("compare_edits", compare(3)).await["error"], "budget_exhausted");
    assert_eq!(seat.call("compare_edits", compare(2)).await["budget_left"]["reward_calls"], 0);
    let pair = json!({"source": "sea.png", "edited": "e1", "instruction": "make it warmer"});
    assert_eq!(seat.refused("score_edit", pair).await["error"], "budget_exhausted");
    let again = json!({"image": "sea.png", "instruction": "make it warmer"});
    assert_eq!(seat.refused("edit_image", again).await["error"], "budget_exhausted");
}

#[tokio::test]
async fn calls_at_the_same_time_never_spend_more_than_there_is() {
    let seat = Seat::take(edits(9)).await;
    let call = || seat.result("edit_image", json!({"image": "sea.png", "instruction": "make it warmer"}));
    let results = futures_util::future::join_all((0..6).map(|_| call())).await;
    let good = results.iter().filter(|result| result.is_error != Some(true)).count();
    assert_eq!(good, 3, "4, 4 and 1 of 9");
    let list = seat.call("list_edits", json!({})).await;
    assert_eq!((&list["spent"]["edits"], &list["budget_left"]["edits"]), (&json!(9), &json!(0)));
}
