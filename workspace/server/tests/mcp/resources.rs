//! Pictures and traces, as resources.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use editscale_core::Budget;
use rmcp::ServiceError;
use rmcp::model::{ErrorCode, PaginatedRequestParams, ReadResourceRequestParams, ResourceContents};
use serde_json::{Value, json};

use crate::seat::Seat;

#[tokio::test]
async fn winners_and_traces_are_listed_and_read() {
    let seat = Seat::take(Budget::default()).await;
    let made = seat.call("edit_image", json!({"image": "sea.png", "instruction": "make it warmer"})).await;
    let listed = seat.client.list_resources(None).await.unwrap();
    let uris: Vec<&str> = listed.resources.iter().map(|resource| resource.uri.as_str()).collect();
    assert_eq!(uris, [made["image"]["uri"].as_str().unwrap(), made["trace"].as_str().unwrap()]);
    let templates = seat.client.list_resource_templates(None).await.unwrap();
    assert_eq!(templates.resource_templates.len(), 3);

    let read = |uri: &str| seat.client.read_resource(ReadResourceRequestParams::new(uri));
    let picture = read(uris[0]).await.unwrap();
    let ResourceContents::BlobResourceContents { blob, mime_type, .. } = &picture.contents[0] else {
        panic!("expected bytes")
    };
    assert_eq!(mime_type.as_deref(), Some("image/png"));
    assert_eq!(STANDARD.decode(blob).unwrap().len() as u64, made["image"]["bytes"].as_u64().unwrap());
    let trace = read(uris[1]).await.unwrap();
    let ResourceContents::TextResourceContents { text, .. } = &trace.contents[0] else { panic!("expected text") };
    let trace: Value = serde_json::from_str(text).unwrap();
    assert_eq!((&trace["winner"], &trace["run"]), (&made["candidate"], &made["run"]));
    assert_eq!(trace["candidates"].as_array().unwrap().len(), 4);

    let run = made["run"].as_str().unwrap();
    for uri in [
        format!("editscale://runs/{run}/candidates/4"),
        format!("editscale://runs/{run}/journal"),
        "editscale://runs/r0/trace".to_owned(),
        "file:///etc/passwd".to_owned(),
        String::new(),
    ] {
        let Err(ServiceError::McpError(error)) = read(&uri).await else { panic!("{uri} was read") };
        assert_eq!(error.code, ErrorCode::RESOURCE_NOT_FOUND, "{uri}");
    }
}

#[tokio::test]
async fn long_lists_come_in_pages() {
    let seat = Seat::take(Budget::default()).await;
    for _ in 0..52 {
        seat.call("edit_image", json!({"image": "sea.png", "instruction": "make it warmer", "recipe": "one"})).await;
    }
    let first = seat.client.list_resources(None).await.unwrap();
    assert_eq!(first.resources.len(), 100);
    let params = PaginatedRequestParams::default().with_cursor(first.next_cursor.clone());
    let second = seat.client.list_resources(Some(params)).await.unwrap();
    assert_eq!((second.resources.len(), second.next_cursor), (4, None));
    assert!(second.resources.iter().all(|resource| !first.resources.contains(resource)));
    // The name of a run that is not there, as when it was removed meanwhile, is a place in the list still: this one stands just
    // before the last of the page, or is its name.
    let mut gone = first.next_cursor.unwrap();
    let expected = if gone.pop() == Some('f') { 4 } else { 6 };
    gone.push('f');
    let params = PaginatedRequestParams::default().with_cursor(Some(gone));
    assert_eq!(seat.client.list_resources(Some(params)).await.unwrap().resources.len(), expected);
    let bad = PaginatedRequestParams::default().with_cursor(Some("elsewhere".to_owned()));
    assert!(matches!(seat.client.list_resources(Some(bad)).await, Err(ServiceError::McpError(_))));
}
