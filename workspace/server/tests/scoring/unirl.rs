//! `POST /score` in the words of `UniRL`.

use serde_json::{Value, json};

use crate::desk::{Desk, base64, cut_picture, picture, score_of};

fn turn(file: &[u8]) -> Value {
    json!({"text": "make it warmer", "image_b64": base64(file)})
}

fn request(history: &[Value], rewards: &[&str]) -> Value {
    json!({"history": history, "required_rewards": rewards, "metadata": {"group": 7}})
}

#[tokio::test]
async fn the_two_fields_of_edit_reward_are_the_means_of_its_heads() {
    let desk = Desk::usual().await;
    let requests = [
        request(&[turn(&picture(0)), turn(&picture(1))], &["editreward"]),
        request(&[turn(&picture(0)), turn(&picture(2))], &["editreward", "plain"]),
        request(&[turn(&picture(0)), turn(&picture(3))], &[]),
    ];
    let reply = desk.post("/score", &json!({"requests": requests})).await;
    assert_eq!(reply.status, 200);
    let (one, two) = (score_of(&picture(1)), score_of(&picture(2)));
    let expected = json!({
        "results": [
            {"editreward": {"edit_following": one + 0.5, "edit_quality": one + 0.25}},
            {"editreward": {"edit_following": two + 0.5, "edit_quality": two + 0.25}, "plain": {"score": two}},
            {},
        ],
        "errors": [{}, {}, {}],
    });
    assert_eq!(reply.json(), expected);
    assert_eq!(*desk.judge.sizes.lock().unwrap(), [2]);
    let reply = desk.post("/score", &json!({"requests": []})).await;
    assert_eq!(reply.json(), json!({"results": [], "errors": []}));
}

#[tokio::test]
async fn a_request_that_cannot_be_scored_fails_alone() {
    let desk = Desk::usual().await;
    let video = json!({"text": "a", "image_b64": base64(&picture(0)), "video_path": "/etc/passwd"});
    let requests = [
        request(&[turn(&picture(0)), turn(&picture(1))], &["plain"]),
        request(&[turn(&picture(1))], &["plain"]),
        request(&[turn(&picture(1)), turn(&picture(1)), turn(&picture(1))], &["plain"]),
        request(&[turn(&picture(0)), video], &["plain"]),
        request(&[turn(&picture(0)), json!({"text": "a"})], &["plain"]),
        request(&[turn(b"no picture"), turn(&picture(0))], &["plain"]),
        request(&[turn(&picture(0)), turn(&cut_picture())], &["plain"]),
    ];
    let reply = desk.post("/score", &json!({"requests": requests})).await.json();
    assert_eq!(reply["results"][0]["plain"]["score"], score_of(&picture(1)));
    assert_eq!(reply["errors"][0], json!({}));
    for (place, words) in [
        (1, "ValueError(\"expected two turns in `history`"),
        (2, "found 3"),
        (3, "found a video"),
        (4, "expected the candidate under `image_b64`"),
        (5, "ValueError(\"the source: cannot use the picture"),
        (6, "ValueError(\"the pixels end too early"),
    ] {
        let error = reply["errors"][place]["plain"].as_str().unwrap();
        assert!(error.contains(words), "{place}: {error}");
        assert_eq!(reply["results"][place], json!({}), "{place}");
    }
}

#[tokio::test]
async fn what_is_wrong_as_a_whole_is_refused() {
    let desk = Desk::usual().await;
    let one = request(&[turn(&picture(0)), turn(&picture(1))], &["nobody"]);
    let many = vec![json!({"history": [], "required_rewards": ["plain", "editreward"]}); 513];
    for (body, words) in [
        (json!({"requests": [one]}), "unknown reward: nobody. available: editreward, plain, second/plain"),
        (json!({"requests": many}), "at most 1024 scorings, found 1026"),
        (json!({"requests": [{"history": []}]}), "missing field `required_rewards`"),
        (json!([]), "the body"),
    ] {
        let reply = desk.post("/score", &body).await;
        assert_eq!(reply.status, 400, "{words}");
        assert!(reply.message().contains(words), "{words}: {}", reply.message());
    }
    assert_eq!(desk.ask("POST /score", "text/plain", b"{}").await.status, 415);
}
