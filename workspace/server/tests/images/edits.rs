//! What comes back: pictures, their order and formats, and what the search tells of them.

use std::collections::HashSet;

use editscale_picture::Format;
use reqwest::StatusCode;
use serde_json::json;

use crate::client::{body_with, data_url, file, form, form_with, looked_at, picture, post, post_json, success};
use crate::common::{Plan, client, half_mask, photo};

#[tokio::test]
async fn a_form_is_answered_with_the_best_picture() {
    let server = Plan::new().start().await;
    let body = success(post(&server, form())).await;
    let entries = body["data"].as_array().unwrap();
    let facts = looked_at(&picture(&entries[0]));
    assert_eq!((entries.len(), facts.format, facts.width, facts.height), (1, Format::Png, 48, 32));
    assert_eq!(
        (&body["output_format"], &body["size"], &body["background"]),
        (&json!("png"), &json!("48x32"), &json!("opaque"))
    );
    let usage = json!({"input_tokens": 0, "output_tokens": 0, "total_tokens": 0,
        "input_tokens_details": {"image_tokens": 0, "text_tokens": 0}});
    assert_eq!(body["usage"], usage);
    let told = &body["editscale"];
    assert_eq!(
        (&told["state"], &told["reason"], &told["recipe"]),
        (&json!("done"), &json!("finished"), &json!("four"))
    );
    assert_eq!((&told["ledger"]["edits"], &told["ignored"]), (&json!(4), &json!([])));
    assert!(
        told.get("trace").is_none() && told["run"].is_string() && entries[0]["scores"]["photometric"]["mean"].is_f64()
    );
    assert!(body["created"].as_u64().unwrap() > 1_700_000_000);
}

#[tokio::test]
async fn the_best_come_first_and_differ() {
    let server = Plan::new().recipe("many", "search: {best_of_n: {samples: 8}}").start().await;
    for count in [1, 2, 5] {
        let body = success(post(&server, form_with(&[("n", &count.to_string())]))).await;
        let entries = body["data"].as_array().unwrap();
        let utilities: Vec<f64> = entries.iter().map(|entry| entry["utility"].as_f64().unwrap()).collect();
        let pictures: HashSet<Vec<u8>> = entries.iter().map(picture).collect();
        assert_eq!((entries.len(), pictures.len()), (count, count));
        assert!(utilities.is_sorted_by(|a, b| a >= b), "{utilities:?}");
    }
    // There are no ten.
    let body = success(post(&server, form_with(&[("n", "10")]))).await;
    assert!((2..=8).contains(&body["data"].as_array().unwrap().len()));
}

#[tokio::test]
async fn a_recipe_that_keeps_one_picture_keeps_as_many_as_are_asked_for() {
    for (retain, asked) in
        [("{winner: {}}", 3), ("{best: {count: 2}}", 4), ("{best: {count: 4}}", 2), ("{winner: {}}", 1)]
    {
        let sections = format!("search: {{best_of_n: {{samples: 6}}}}\nretain: {retain}");
        let server = Plan::new().recipe("frugal", &sections).start().await;
        let body = success(post(&server, form_with(&[("n", &asked.to_string())]))).await;
        assert_eq!(body["data"].as_array().unwrap().len(), asked, "{retain}");
    }
}

#[tokio::test]
async fn pictures_come_in_the_format_that_is_asked_for() {
    let plan = Plan::new().recipe("photo", "search: {best_of_n: {samples: 1}}\noutput: {format: jpeg, quality: 40}");
    let server = plan.start().await;
    let mut sizes = Vec::new();
    for (texts, expected) in [
        (&[][..], Format::Jpeg),
        (&[("output_format", "png")], Format::Png),
        (&[("output_format", "webp")], Format::WebP),
        (&[("output_format", "jpeg"), ("output_compression", "95")], Format::Jpeg),
        (&[("output_compression", "0")], Format::Jpeg),
    ] {
        let body = success(post(&server, form_with(texts))).await;
        let bytes = picture(&body["data"][0]);
        assert_eq!(looked_at(&bytes).format, expected, "{texts:?}");
        sizes.push(bytes.len());
    }
    assert!(sizes[4] < sizes[0] && sizes[0] < sizes[3], "{sizes:?}");
}

#[tokio::test]
async fn a_size_is_kept_to() {
    let server = Plan::new().recipe("one", "search: {best_of_n: {samples: 1}}").start().await;
    for (size, expected) in [("auto", (48, 32)), ("96x64", (96, 64)), ("24x16", (24, 16))] {
        let body = success(post(&server, form_with(&[("size", size)]))).await;
        let facts = looked_at(&picture(&body["data"][0]));
        assert_eq!((facts.width, facts.height), expected, "{size}");
        assert_eq!(body["size"], format!("{}x{}", facts.width, facts.height));
    }
}

#[tokio::test]
async fn only_what_the_mask_leaves_transparent_is_edited() {
    let server = Plan::new().start().await;
    let mask = half_mask(48, 32);
    let by_form = success(post(&server, form().part("mask", file(mask.clone())))).await;
    let by_json = success(post_json(&server, &body_with(json!({"mask": {"image_url": data_url(&mask)}})))).await;
    let pixels = |bytes: &[u8]| editscale_picture::decode_rgb8(bytes, &editscale_picture::Limits::default());
    let source = pixels(&photo(48, 32)).unwrap();
    for body in [by_form, by_json] {
        let edited = pixels(&picture(&body["data"][0])).unwrap();
        let same = |column: usize| {
            (0..32).all(|row| {
                let at = 3 * (row * 48 + column);
                edited.data[at..at + 3] == source.data[at..at + 3]
            })
        };
        assert!((26..48).all(same), "outside of the mask");
        assert!(!(0..22).all(same), "inside of the mask");
    }
}

#[tokio::test]
async fn json_says_the_same_as_a_form() {
    let server = Plan::new().start().await;
    let picture_url = data_url(&photo(48, 32));
    let by_form = success(post(&server, form_with(&[("seed", "3")]))).await;
    for fields in [
        json!({"images": [{"image_url": picture_url}]}),
        json!({"images": null, "image": picture_url}),
        json!({"images": null, "image": [picture_url]}),
        json!({"images": null, "image": {"image_url": {"url": picture_url}}}),
    ] {
        let mut body = body_with(fields.clone());
        body["seed"] = json!(3);
        let by_json = success(post_json(&server, &body)).await;
        assert_eq!(by_json["data"], by_form["data"], "{fields}");
    }
}

#[tokio::test]
async fn extension_fields_steer_the_search() {
    let server = Plan::new().start().await;
    let made = |body: &serde_json::Value| body["editscale"]["ledger"]["edits"].as_u64().unwrap();
    // As the official clients send objects in a form, as JSON in a form, and as JSON.
    for form in [
        form_with(&[("budget[edits]", "2"), ("search[best_of_n][samples]", "3")]),
        form_with(&[("budget", r#"{"edits": 2}"#)]),
        form_with(&[("search[best_of_n][samples]", "2")]),
        form_with(&[("search", r#"{"best_of_n": {"samples": 2}}"#)]),
    ] {
        assert_eq!(made(&success(post(&server, form)).await), 2);
    }
    let body =
        body_with(json!({"budget": {"edits": 3}, "seed": 11, "trace": true, "style": "vivid", "moderation": "low"}));
    let body = success(post_json(&server, &body)).await;
    let trace = &body["editscale"]["trace"];
    assert_eq!((made(&body), trace["candidates"].as_array().unwrap().len()), (3, 3));
    assert_eq!((&trace["seed"], &body["editscale"]["ignored"]), (&json!(11), &json!(["style"])));
}

#[tokio::test]
async fn an_address_shows_the_picture_without_a_key() {
    let server = Plan::new().start().await;
    let form = form_with(&[("response_format", "url"), ("n", "2"), ("output_format", "jpeg")]);
    let body = success(post(&server, form)).await;
    for entry in body["data"].as_array().unwrap() {
        assert!(entry.get("b64_json").is_none());
        let url = entry["url"].as_str().unwrap();
        assert!(url.starts_with(&server.url("/files/")), "{url}");
        let response = client().get(url).send().await.unwrap();
        assert_eq!(
            (response.status(), response.headers()["content-type"].to_str().unwrap()),
            (StatusCode::OK, "image/jpeg")
        );
        assert_eq!(looked_at(&response.bytes().await.unwrap()).format, Format::Jpeg);
        for (from, to, status) in
            [("=jpeg", "=png", 403), ("&sign=", "&sign=a", 403), ("&until=", "&until=1&until=", 400)]
        {
            assert!(url.contains(from));
            let response = client().get(url.replace(from, to)).send().await.unwrap();
            assert_eq!(response.status().as_u16(), status, "{to}");
            let body: serde_json::Value = response.json().await.unwrap();
            assert!(body["error"]["message"].is_string());
        }
    }
}

#[tokio::test]
async fn the_same_key_gets_the_same_run() {
    let server = Plan::new().start().await;
    let ask = |seed: &str| post(&server, form_with(&[("seed", seed)])).header("idempotency-key", "k1");
    let (first, second) = (success(ask("1")).await, success(ask("1")).await);
    assert_eq!((&first["editscale"]["run"], &first["data"]), (&second["editscale"]["run"], &second["data"]));
    let (status, body) = crate::client::answer(ask("2")).await;
    assert_eq!((status, &body["error"]["code"]), (StatusCode::CONFLICT, &json!("conflict")));
}
