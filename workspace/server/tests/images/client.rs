//! A client of the images API, as small as it goes.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use editscale_picture::{Facts, Limits, decode, probe};
use reqwest::multipart::{Form, Part};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use crate::common::{Server, client, photo};

/// The path that everything here is about.
pub(crate) const EDITS: &str = "/v1/images/edits";

/// A form with a picture of 48 by 32 and an instruction.
pub(crate) fn form() -> Form {
    Form::new().part("image", file(photo(48, 32))).text("prompt", "make it warmer")
}

/// The same with these texts.
pub(crate) fn form_with(texts: &[(&'static str, &str)]) -> Form {
    texts.iter().fold(form(), |form, (name, text)| form.text(*name, (*text).to_owned()))
}

/// A file of a form.
pub(crate) fn file(bytes: Vec<u8>) -> Part {
    Part::bytes(bytes).file_name("photo.png").mime_str("image/png").unwrap()
}

/// A JSON body with a picture of 48 by 32, an instruction and these fields.
pub(crate) fn body_with(fields: Value) -> Value {
    let mut body = json!({"images": [{"image_url": data_url(&photo(48, 32))}], "prompt": "make it warmer"});
    let Value::Object(fields) = fields else { panic!("expected an object") };
    body.as_object_mut().unwrap().extend(fields);
    body
}

/// A PNG as a data URL.
pub(crate) fn data_url(bytes: &[u8]) -> String {
    format!("data:image/png;base64,{}", STANDARD.encode(bytes))
}

/// A request with this form.
pub(crate) fn post(server: &Server, form: Form) -> RequestBuilder {
    client().post(server.url(EDITS)).multipart(form)
}

/// A request with this JSON body.
pub(crate) fn post_json(server: &Server, body: &Value) -> RequestBuilder {
    client().post(server.url(EDITS)).json(body)
}

/// The status and the body of an answer.
pub(crate) async fn answer(request: RequestBuilder) -> (StatusCode, Value) {
    read(request.send().await.unwrap()).await
}

/// The same of one that came.
pub(crate) async fn read(response: Response) -> (StatusCode, Value) {
    (response.status(), response.json().await.unwrap())
}

/// The body of an answer that is a success.
pub(crate) async fn success(request: RequestBuilder) -> Value {
    let (status, body) = answer(request).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    body
}

/// What a file is, all of whose pixels can be read.
pub(crate) fn looked_at(bytes: &[u8]) -> Facts {
    let bytes: Arc<[u8]> = bytes.into();
    decode(&bytes, &Limits::default()).unwrap();
    probe(&bytes, &Limits::default()).unwrap()
}

/// The file in an entry of an answer.
pub(crate) fn picture(entry: &Value) -> Vec<u8> {
    STANDARD.decode(entry["b64_json"].as_str().unwrap()).unwrap()
}
