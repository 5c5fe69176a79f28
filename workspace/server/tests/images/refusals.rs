//! What is wrong with a request is told by the field's name.

use reqwest::StatusCode;
use reqwest::multipart::Form;
use serde_json::{Value, json};

use crate::client::{answer, body_with, data_url, file, form, form_with, post, post_json};
use crate::common::{Plan, client, half_mask, photo};

#[tokio::test]
async fn a_form_that_is_wrong_is_told_by_its_field() {
    let server = Plan::new().start().await;
    for (name, text) in [
        ("n", "0"),
        ("n", "11"),
        ("n", "two"),
        ("n", "1.5"),
        ("size", "1024"),
        ("size", "0x10"),
        ("size", "99999x99999"),
        ("output_format", "gif"),
        ("output_compression", "101"),
        ("output_compression", "-1"),
        ("response_format", "file"),
        ("partial_images", "4"),
        ("quality", "best"),
        ("background", "transparent"),
        ("background", "red"),
        ("moderation", "off"),
        ("input_fidelity", "middle"),
        ("stream", "perhaps"),
        ("trace", "1"),
        ("seed", "-1"),
        ("seed", "9007199254740992"),
        ("deadline_secs", "0"),
        ("budget", "[]"),
        ("search", "{\"best_of_m\": {}}"),
        ("budget", "{\"edits\": -1}"),
        ("stop", "{\"patience_\": 1}"),
    ] {
        let (status, body) = answer(post(&server, form_with(&[(name, text)]))).await;
        assert_eq!((status, &body["error"]["param"]), (StatusCode::BAD_REQUEST, &json!(name)), "{text}: {body}");
        assert!(
            body["error"]["message"].as_str().unwrap().len() > 15 && body["error"]["type"] == "invalid_request_error"
        );
    }
    // Of several sections the one that is wrong is told.
    let sections = [("search", "{\"best_of_n\": {\"samples\": 2}}"), ("stop", "{}"), ("budget", "{\"edits\": -1}")];
    let (status, body) = answer(post(&server, form_with(&sections))).await;
    assert_eq!((status, &body["error"]["param"]), (StatusCode::BAD_REQUEST, &json!("budget")), "{body}");
    let (status, body) = answer(post(&server, form_with(&[("stream", "true"), ("response_format", "url")]))).await;
    assert_eq!((status, &body["error"]["param"]), (StatusCode::BAD_REQUEST, &json!("response_format")));
    assert_eq!(server.service.runs().load(), (0, 0));
}

#[tokio::test]
async fn pictures_that_cannot_be_used_are_told() {
    let server = Plan::new().start().await;
    let picture = || file(photo(48, 32));
    let two = Form::new().part("image[]", picture()).part("image[]", picture()).text("prompt", "warmer");
    let none = Form::new().text("prompt", "warmer");
    let mute = Form::new().part("image", picture());
    let broken = Form::new().part("image", file(b"GIF89a".to_vec())).text("prompt", "warmer");
    let long = Form::new().part("image", picture()).text("prompt", "warm ".repeat(10_000));
    for (form, param) in [
        (two, "image"),
        (none, "image"),
        (mute, "prompt"),
        (broken, "image"),
        (long, "prompt"),
        (form().part("mask", picture()), "mask"),
        (form().part("mask", file(half_mask(32, 32))), "mask"),
    ] {
        let (status, body) = answer(post(&server, form)).await;
        assert_eq!((status, &body["error"]["param"]), (StatusCode::BAD_REQUEST, &json!(param)), "{body}");
    }
}

#[tokio::test]
async fn json_that_is_wrong_is_told_by_its_field() {
    let server = Plan::new().start().await;
    let picture = data_url(&photo(48, 32));
    for (fields, param) in [
        (json!({"images": [{"file_id": "file-1"}]}), "image"),
        (json!({"images": [{"image_url": picture}, {"image_url": picture}]}), "image"),
        (json!({"images": [{"image_url": "https://pictures.example/a.png"}]}), "image"),
        (json!({"images": [{"image_url": "data:image/png;base64,###"}]}), "image"),
        (json!({"images": []}), "image"),
        (json!({"images": [7]}), "image"),
        (json!({"images": {"image_url": null}}), "image"),
        (json!({"mask": {"file_id": "file-1"}}), "mask"),
        (json!({"mask": [1]}), "mask"),
        (json!({"prompt": 7}), "prompt"),
        (json!({"model": 7}), "model"),
        (json!({"n": "2"}), "n"),
        (json!({"user": {}}), "user"),
        (json!({"stream": "yes"}), "stream"),
        (json!({"budget": "much"}), "budget"),
    ] {
        let (status, body) = answer(post_json(&server, &body_with(fields.clone()))).await;
        assert_eq!((status, &body["error"]["param"]), (StatusCode::BAD_REQUEST, &json!(param)), "{fields}: {body}");
    }
}

#[tokio::test]
async fn bodies_that_cannot_be_read_are_told() {
    let server = Plan::new().start().await;
    for (kind, body, expected) in [
        ("application/json", "{", 400),
        ("application/json", "[]", 400),
        ("text/plain", "hello", 415),
        ("multipart/form-data", "hello", 400),
        ("multipart/form-data; boundary=x", "hello", 400),
    ] {
        let request = client().post(server.url(crate::client::EDITS));
        let (status, told): (_, Value) = answer(request.header("content-type", kind).body(body)).await;
        assert_eq!(status.as_u16(), expected, "{kind} {body}: {told}");
        assert!(told["error"]["message"].is_string());
    }
    let large = Plan::new().with(|settings| settings.body_bytes = 100).start().await;
    let (status, body) = answer(post(&large, form())).await;
    assert_eq!((status, &body["error"]["code"]), (StatusCode::PAYLOAD_TOO_LARGE, &json!("too_large")));
}
