//! Answers that are none, pictures at addresses, limits, and what it all costs.

use editscale_core::{Cost, FailureKind, ImageSize, MediaType, Usd};
use editscale_remote::{OpenAiImages, PictureLimits, Prices, Profile};
use editscale_testkit::{FakeServer, ServerFault, png};

use crate::support::{SIZE, edit, editor, item, options, request};

async fn with(fault: ServerFault) -> Result<editscale_core::Candidate, editscale_core::Failure> {
    let server = FakeServer::start();
    server.fail(vec![fault; 4]);
    edit(&editor(Profile::SgLang, &server), item(&request(None, None))).await
}

#[tokio::test]
async fn pictures_are_counted_and_kept_as_they_came() {
    let server = FakeServer::start();
    let made = edit(&editor(Profile::SgLang, &server), item(&request(None, None))).await.unwrap();
    assert_eq!((made.image.media, made.image.size), (MediaType::Png, ImageSize { width: 16, height: 8 }));
    assert!(made.image.bytes.starts_with(b"\x89PNG") && made.notes.is_empty());
    let three = with(ServerFault::Pictures(3)).await.unwrap();
    assert_eq!(&*three.notes[0], "the server sent 3 pictures where 1 was asked for; the first was kept");
    assert_eq!(three.image.bytes, made.image.bytes);
}

#[tokio::test]
async fn what_is_no_picture_is_a_failure() {
    // The header of a PNG of 60000 by 60000 pixels.
    let huge = "iVBORw0KGgoAAAANSUhEUgAA6mAAAOpgCAIAAAAAAAAA";
    let html = "<html><title>Welcome</title></html>".to_owned();
    for (fault, words) in [
        (ServerFault::Pictures(0), "expected one picture, found none"),
        (ServerFault::Answer(200, Vec::new(), "{}".to_owned()), "expected one picture, found none"),
        (ServerFault::Answer(200, Vec::new(), html), "expected JSON"),
        (ServerFault::Answer(200, Vec::new(), String::new()), "expected JSON"),
        (ServerFault::Base64("####".to_owned()), "expected base64"),
        (ServerFault::Base64("aGVsbG8=".to_owned()), "expected a PNG, JPEG or WebP file"),
        (ServerFault::Base64(huge.to_owned()), "60000x60000"),
        (ServerFault::Address("ftp://example.org/a.png".to_owned()), "expected https://HOST"),
        (ServerFault::Answer(302, vec![("Location", "http://10.0.0.1/".to_owned())], String::new()), "status 302"),
    ] {
        let failure = with(fault.clone()).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Malformed, "{fault:?}: {failure}");
        assert!(failure.message.contains(words), "{failure} should speak of {words}");
    }
}

#[tokio::test]
async fn answers_are_read_up_to_a_limit() {
    let server = FakeServer::start();
    server.fail(vec![ServerFault::Huge(3 << 20); 4]);
    let mut small = options(Profile::SgLang, &server);
    small.connection.most_answer_bytes = 1 << 20;
    let failure = edit(&OpenAiImages::new(small).unwrap(), item(&request(None, None))).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Malformed);
    assert!(failure.message.contains("at most 1048576 bytes"), "{failure}");
}

#[tokio::test]
async fn pictures_at_addresses_are_fetched_from_the_same_server() {
    let server = FakeServer::start();
    let file = png(SIZE, [9, 9, 9]);
    server.put("a.png", 200, Vec::new(), file.clone());
    server.put("moved.png", 302, vec![("Location", "/files/a.png".to_owned())], Vec::new());
    for name in ["a.png?token=x", "moved.png"] {
        server.put("a.png?token=x", 200, Vec::new(), file.clone());
        server.fail([ServerFault::Address(server.file_url(name))]);
        let made = edit(&editor(Profile::SgLang, &server), item(&request(None, None))).await.unwrap();
        assert_eq!(&*made.image.bytes, &file[..], "{name}");
    }
}

#[tokio::test]
async fn addresses_that_lead_inside_are_not_followed() {
    let server = FakeServer::start();
    let far = "http://169.254.169.254/latest/meta-data".to_owned();
    server.put("inside.png", 302, vec![("Location", far)], Vec::new());
    server.put("loop.png", 302, vec![("Location", "/files/loop.png".to_owned())], Vec::new());
    server.put("gone.png", 404, Vec::new(), Vec::new());
    server.put("large.png", 200, Vec::new(), vec![0; 3 << 20]);
    for (address, words) in [
        (server.file_url("inside.png"), "169.254.169.254"),
        ("https://10.1.2.3/a.png".to_owned(), "10.1.2.3 is not a public address"),
        ("http://192.168.0.1/a.png".to_owned(), "192.168.0.1"),
        (server.file_url("loop.png"), "more than 5 redirects"),
        (server.file_url("gone.png"), "status 404"),
        (server.file_url("large.png"), "at most 1048576 bytes"),
        ("not an address".to_owned(), "not fetched"),
    ] {
        server.fail(vec![ServerFault::Address(address.clone()); 4]);
        let mut options = options(Profile::SgLang, &server);
        options.limits = PictureLimits { bytes: 1 << 20, ..PictureLimits::default() };
        let failure = edit(&OpenAiImages::new(options).unwrap(), item(&request(None, None))).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Malformed, "{address}");
        assert!(failure.message.contains(words), "{failure} should speak of {words}");
    }
}

#[tokio::test]
async fn tokens_and_money_are_settled_at_what_the_server_counted() {
    let server = FakeServer::start();
    let mut priced = options(Profile::OpenAi, &server);
    priced.prices = Prices { output_tokens: Usd { micros: 40_000_000 }, ..Prices::default() };
    let editor = OpenAiImages::new(priced).unwrap();
    let bound = editscale_core::EditBackend::card(&editor).cost;
    assert_eq!(bound, Cost { nfe: 0, tokens: 32_000, usd: Usd { micros: 640_000 } });
    // Nothing was counted: the most that it can have cost.
    let made = edit(&editor, item(&request(None, None))).await.unwrap();
    assert_eq!(made.cost, bound);
    server.count(serde_json::json!({"input_tokens": 500, "output_tokens": 1000, "total_tokens": 1500}));
    let made = edit(&editor, item(&request(None, None))).await.unwrap();
    assert_eq!(made.cost, Cost { nfe: 0, tokens: 1500, usd: Usd { micros: 40_000 } });
    // An answer without a picture was paid for all the same.
    server.fail([ServerFault::Pictures(0)]);
    let failure = edit(&editor, item(&request(None, None))).await.unwrap_err();
    assert_eq!(failure.cost.usd, Usd { micros: 40_000 });
}

#[tokio::test]
async fn a_place_that_is_busy_is_asked_again_for_a_picture_that_was_made() {
    let file = png(SIZE, [5, 6, 7]);
    for status in [408, 425, 429, 503] {
        let server = FakeServer::start();
        server.put("a.png", 200, Vec::new(), file.clone());
        server.fail([ServerFault::Address(server.file_url("a.png"))]);
        server.fail_at("GET /files/a.png", [ServerFault::Answer(status, Vec::new(), "busy".to_owned())]);
        let made = edit(&editor(Profile::OpenAi, &server), item(&request(None, None))).await.unwrap();
        assert_eq!((&*made.image.bytes, server.asked().len()), (&file[..], 3), "{status}");
    }
}
