//! Edits, refined, undone and branched; scores beside them.

use editscale_core::Budget;
use rmcp::model::ProtocolVersion;
use serde_json::{Value, json};

use crate::seat::Seat;

#[tokio::test]
async fn an_agent_edits_refines_goes_back_and_branches() {
    let seat = Seat::take(Budget::default()).await;
    let first = seat.call("edit_image", json!({"image": "sea.png", "instruction": "make it warmer"})).await;
    assert_eq!((&first["edit"], &first["parent"], &first["current"]), (&json!("e1"), &Value::Null, &json!("e1")));
    assert_eq!((&first["asked"], &first["failed"], &first["scale"]), (&json!(4), &json!(0), &json!("absolute")));
    assert_eq!(first["others"].as_array().unwrap().len(), 3);
    assert!(first["scores"]["photometric"]["mean"].is_number() && first["utility"].is_number());

    let second = seat.call("refine_edit", json!({"instruction": "more contrast", "recipe": "one"})).await;
    assert_eq!((&second["edit"], &second["parent"]), (&json!("e2"), &json!("e1")));
    assert_ne!(second["run"], first["run"]);
    let undone = seat.call("undo_edit", json!({})).await;
    assert_eq!((&undone["undone"], &undone["current"]["edit"]), (&json!("e2"), &json!("e1")));
    assert_eq!(undone["image"], first["image"]);

    let branch = seat.call("refine_edit", json!({"instruction": "brighter"})).await;
    assert_eq!((&branch["edit"], &branch["parent"]), (&json!("e3"), &json!("e1")));
    assert_eq!(branch["recipe"], "quick", "a refinement goes on with the recipe of what it refines");
    let other = first["others"][0]["candidate"].as_u64().unwrap();
    let from = format!("{}:{other}", first["run"].as_str().unwrap());
    let aside = seat.call("refine_edit", json!({"from": from, "instruction": "cooler", "recipe": "one"})).await;
    assert_eq!((&aside["edit"], &aside["parent"]), (&json!("e5"), &json!("e4")), "the candidate became an edit itself");

    let moved = seat.call("go_to_edit", json!({"edit": "e2"})).await;
    assert_eq!(moved["current"]["edit"], "e2");
    let list = seat.call("list_edits", json!({})).await;
    let parents: Vec<&Value> = list["edits"].as_array().unwrap().iter().map(|edit| &edit["parent"]).collect();
    assert_eq!(parents, [&Value::Null, &json!("e1"), &json!("e1"), &Value::Null, &json!("e4")]);
    assert_eq!(list["current"], "e2");
    seat.call("undo_edit", json!({})).await;
    let all = seat.call("undo_edit", json!({})).await;
    assert_eq!(all["current"], Value::Null);
    assert!(all["image"]["uri"].as_str().unwrap().ends_with("/source"));
    for (tool, arguments, error) in [
        ("undo_edit", json!({}), "nothing_to_undo"),
        ("refine_edit", json!({"instruction": "warmer"}), "no_current_edit"),
        ("save_edit", json!({"save_to": "x.png"}), "no_current_edit"),
        ("go_to_edit", json!({"edit": "e99"}), "not_found"),
        ("refine_edit", json!({"from": "sea.png", "instruction": "warmer"}), "invalid_argument"),
        ("edit_image", json!({"image": "sea.png", "instruction": " "}), "invalid_argument"),
        ("edit_image", json!({"image": "sea.png", "instruction": "x", "recipe": "none"}), "not_found"),
        ("edit_image", json!({"image": "sea.png", "instruction": "x", "search": {"dice": {}}}), "invalid_argument"),
        ("edit_image", json!({"image": "sea.png", "instruction": "x", "size": "huge"}), "invalid_argument"),
        ("edit_image", json!({"image": "sea.png", "instruction": "x", "surprise": 1}), "invalid_argument"),
        ("list_edits", json!({"conversation": "c0"}), "not_found"),
    ] {
        assert_eq!(seat.refused(tool, arguments.clone()).await["error"], error, "{tool} {arguments}");
    }
}

#[tokio::test]
async fn pictures_are_scored_and_ranked_with_their_ties() {
    let seat = Seat::take(Budget::default()).await;
    let made = seat.call("edit_image", json!({"image": "sea.png", "instruction": "make it warmer"})).await;
    let edit = made["edit"].as_str().unwrap();
    let pair = json!({"source": "sea.png", "edited": edit, "instruction": "make it warmer"});
    let score = seat.call("score_edit", pair).await;
    assert_eq!(score["utility"], made["utility"], "the same pair has the same score");
    let last = made["others"][2]["image"].as_str().unwrap();
    let candidates = json!([last, edit, "sea.png", edit]);
    let compared = seat
        .call("compare_edits", json!({"source": "sea.png", "candidates": candidates, "instruction": "make it warmer"}))
        .await;
    assert_eq!(compared["best"], json!([1, 3]));
    let ranking = compared["ranking"].as_array().unwrap();
    let ranks: Vec<(u64, u64, bool)> = ranking
        .iter()
        .map(|it| (it["index"].as_u64().unwrap(), it["rank"].as_u64().unwrap(), it["is_tied"].as_bool().unwrap()))
        .collect();
    assert_eq!(ranks[..2], [(1, 1, true), (3, 1, true)]);
    assert!(ranks[2..].iter().all(|(_, rank, _)| *rank >= 3));
    assert_eq!(compared["spent"]["reward_calls"], 4);
    for candidates in [json!([]), json!(["e1"]), json!(["e1", "e1", "e1"]), json!(["e1", "nothing.png"])] {
        let arguments = json!({"source": "sea.png", "candidates": candidates, "instruction": "x"});
        let result = seat.result("compare_edits", arguments.clone()).await;
        assert_eq!(result.is_error == Some(true), candidates != json!(["e1", "e1", "e1"]), "{candidates}");
    }
}

#[tokio::test]
async fn pictures_go_along_as_links_or_small_where_links_are_not_known() {
    for (version, links, inline) in [
        (ProtocolVersion::V_2025_11_25, true, false),
        (ProtocolVersion::V_2025_06_18, true, true),
        (ProtocolVersion::V_2025_03_26, false, true),
        (ProtocolVersion::V_2024_11_05, false, true),
    ] {
        let seat = Seat::of_version(Budget::default(), version.clone()).await;
        let asked = inline && links;
        let arguments = json!({"image": "sea.png", "instruction": "make it warmer", "recipe": "one", "inline": asked});
        let result = seat.result("edit_image", arguments).await;
        let link = result.content.iter().find_map(|block| block.as_resource_link());
        assert_eq!(link.is_some(), links, "{version}");
        if let Some(link) = link {
            assert_eq!(link.mime_type.as_deref(), Some("image/png"));
            assert!(link.size.is_some_and(|size| size > 100) && link.description.is_some());
        }
        let small = result.content.iter().find_map(|block| block.as_image());
        assert_eq!(small.map(|small| small.mime_type.as_str()), inline.then_some("image/jpeg"), "{version}");
    }
}
