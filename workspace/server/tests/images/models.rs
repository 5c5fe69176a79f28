//! Recipes as models, and their other names.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::client::{answer, form, form_with, post, success};
use crate::common::{Plan, Server, client};
use editscale_server::Keys;

async fn server() -> Server {
    let mut plan =
        Plan::new().with(|settings| settings.aliases = vec![("gpt-image-1".to_owned(), "second".to_owned())]);
    plan.recipes.push(("second", "search: {best_of_n: {samples: 1}}".to_owned()));
    plan.start().await
}

async fn get(server: &Server, path: &str) -> (StatusCode, Value) {
    answer(client().get(server.url(path))).await
}

#[tokio::test]
async fn recipes_are_models() {
    let server = server().await;
    let (status, body) = get(&server, "/v1/models").await;
    let ids: Vec<&str> = body["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect();
    assert_eq!((status, &body["object"], ids), (StatusCode::OK, &json!("list"), vec!["four", "second", "gpt-image-1"]));
    let first = &body["data"][0];
    assert_eq!((&first["object"], &first["owned_by"]), (&json!("model"), &json!("editscale")));
    assert_eq!((&first["editors"], &first["rewards"]), (&json!(["darkroom"]), &json!(["photometric"])));
    assert_eq!((&first["policy"], &first["alias_of"]), (&json!("best_of_n"), &Value::Null));
    for (path, id, alias_of) in [("second", "second", Value::Null), ("gpt-image-1", "gpt-image-1", json!("second"))] {
        let (status, model) = get(&server, &format!("/v1/models/{path}")).await;
        assert_eq!((status, &model["id"], &model["alias_of"]), (StatusCode::OK, &json!(id), &alias_of));
    }
    for (path, expected) in [("third", 404), ("%2e%2e%2fkeys", 404), ("%ff", 400)] {
        let (status, body) = get(&server, &format!("/v1/models/{path}")).await;
        assert_eq!(status.as_u16(), expected, "{path}");
        assert!(body["error"]["message"].is_string());
    }
}

#[tokio::test]
async fn the_model_picks_the_recipe() {
    let server = server().await;
    for (texts, recipe, edits) in
        [(&[][..], "four", 4), (&[("model", "second")], "second", 1), (&[("model", "gpt-image-1")], "second", 1)]
    {
        let body = success(post(&server, form_with(texts))).await;
        assert_eq!(
            (&body["editscale"]["recipe"], &body["editscale"]["ledger"]["edits"]),
            (&json!(recipe), &json!(edits))
        );
    }
    let (status, body) = answer(post(&server, form_with(&[("model", "dall-e-2")]))).await;
    assert_eq!((status, &body["error"]["code"]), (StatusCode::NOT_FOUND, &json!("model_not_found")));
}

#[tokio::test]
async fn nobody_without_a_key_sees_anything() {
    let (key, line) = Keys::make("somebody").unwrap();
    let mut plan = Plan::new();
    plan.keys = Keys::parse(&line).unwrap();
    let server = plan.start().await;
    for (header, expected) in
        [(None, 401), (Some("Bearer es-wrong".to_owned()), 401), (Some(format!("Bearer {key}")), 200)]
    {
        let with_key = |request: reqwest::RequestBuilder| match &header {
            Some(header) => request.header("authorization", header),
            None => request,
        };
        let models = with_key(client().get(server.url("/v1/models")));
        for request in [models, with_key(post(&server, form()))] {
            assert_eq!(answer(request).await.0.as_u16(), expected, "{header:?}");
        }
    }
    // What has a signature needs no key, and without either there is nothing.
    let form = form_with(&[("response_format", "url")]);
    let body = success(post(&server, form).bearer_auth(&key)).await;
    let url = body["data"][0]["url"].as_str().unwrap();
    assert_eq!(client().get(url).send().await.unwrap().status(), StatusCode::OK);
    assert_eq!(client().get(url.split('?').next().unwrap()).send().await.unwrap().status(), StatusCode::FORBIDDEN);
}
