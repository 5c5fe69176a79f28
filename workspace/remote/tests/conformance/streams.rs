//! Edits whose answer comes as a stream of pictures.

use std::time::Duration;

use editscale_core::{FailureKind, Usd};
use editscale_remote::{OpenAiImages, OpenAiImagesOptions, Prices, Profile};
use editscale_testkit::{FakeServer, ServerFault};

use crate::support::{Listening, edit, edit_watched, item, options, request};

fn streaming(server: &FakeServer) -> OpenAiImagesOptions {
    let prices = Prices { picture: Usd { micros: 1000 }, ..Prices::default() };
    OpenAiImagesOptions { partial_images: Some(2), prices, ..options(Profile::OpenAi, server) }
}

#[tokio::test]
async fn what_there_is_so_far_is_shown() {
    let server = FakeServer::start();
    server.count(serde_json::json!({"input_tokens": 5, "output_tokens": 7}));
    let watch = Listening::default();
    let editor = OpenAiImages::new(streaming(&server)).unwrap();
    let made = edit_watched(&editor, item(&request(None, None)), &watch).await.unwrap();
    let form = server.asked()[0].form();
    assert!(form.contains(&"stream = true".to_owned()) && form.contains(&"partial_images = 2".to_owned()), "{form:?}");
    let previews = watch.previews.lock().unwrap().clone();
    assert_eq!((previews.len(), &previews[1]), (2, &made.image));
    assert_eq!((made.cost.tokens, made.cost.usd), (12, Usd { micros: 1000 }));
    // The whole picture is the one of an answer in one piece.
    let plain = OpenAiImagesOptions { partial_images: None, ..streaming(&server) };
    let plain = edit(&OpenAiImages::new(plain).unwrap(), item(&request(None, None))).await.unwrap();
    assert_eq!(plain.image, made.image);
}

#[tokio::test]
async fn a_stream_that_ends_badly_is_a_failure_that_counts() {
    let moderated = r#"{"type":"error","error":{"message":"blocked","code":"moderation_blocked"}}"#;
    let inside = r#"{"type":"error","error":{"message":"out of memory","type":"server_error"}}"#;
    for (fault, kind, words) in [
        (ServerFault::Event(moderated.to_owned()), FailureKind::Refused, "blocked"),
        (ServerFault::Event(inside.to_owned()), FailureKind::Ambiguous, "out of memory"),
        (ServerFault::Pictures(0), FailureKind::Ambiguous, "ended without a picture"),
        (ServerFault::Cut(50), FailureKind::Ambiguous, "broke off"),
    ] {
        let server = FakeServer::start();
        server.fail([fault.clone()]);
        let editor = OpenAiImages::new(streaming(&server)).unwrap();
        let failure = edit(&editor, item(&request(None, None))).await.unwrap_err();
        assert_eq!((failure.kind, failure.cost.usd), (kind, Usd { micros: 1000 }), "{fault:?}: {failure}");
        assert!(failure.message.contains(words), "{failure}");
        assert_eq!(server.asked().len(), 1);
    }
}

#[tokio::test]
async fn vllm_omni_has_a_stream_of_its_own() {
    let server = FakeServer::start();
    let own = || OpenAiImagesOptions { stream: true, ..options(Profile::VllmOmni, &server) };
    let made = edit(&OpenAiImages::new(own()).unwrap(), item(&request(None, None))).await.unwrap();
    let form = server.asked()[0].form();
    assert!(form.contains(&"stream = true".to_owned()), "{form:?}");
    assert!(!form.iter().any(|line| line.starts_with("partial_images")), "{form:?}");
    let plain =
        edit(&OpenAiImages::new(options(Profile::VllmOmni, &server)).unwrap(), item(&request(None, None))).await;
    assert_eq!(made.image, plain.unwrap().image);
    // The error's code is the status that it would have had; a model of one stage is refused before the stream begins.
    let error = |code: u16, words: &str| {
        ServerFault::Event(format!(
            r#"{{"object":"error","created":1,"model":"m","error":{{"message":"{words}","type":"t","code":{code}}}}}"#
        ))
    };
    let single = r#"{"error":{"message":"stream=true is only supported for multi-stage","type":"x","code":400}}"#;
    for (fault, kind, attempts, words) in [
        (error(400, "too many pictures"), FailureKind::Invalid, 1, "too many pictures"),
        (error(500, "CUDA error"), FailureKind::Unavailable, 4, "CUDA error"),
        (ServerFault::Answer(400, Vec::new(), single.to_owned()), FailureKind::Invalid, 1, "multi-stage"),
        (ServerFault::Pictures(0), FailureKind::Unavailable, 4, "ended without a picture"),
    ] {
        let server = FakeServer::start();
        server.fail(vec![fault.clone(); 9]);
        let own = OpenAiImagesOptions { stream: true, ..options(Profile::VllmOmni, &server) };
        let failure = edit(&OpenAiImages::new(own).unwrap(), item(&request(None, None))).await.unwrap_err();
        assert_eq!((failure.kind, server.asked().len()), (kind, attempts), "{fault:?}: {failure}");
        assert!(failure.message.contains(words), "{failure}");
    }
}

#[tokio::test]
async fn a_stream_may_be_silent_for_as_long_as_the_work_may_take() {
    let server = FakeServer::start();
    server.fail([ServerFault::Silent(20)]);
    let mut patient = streaming(&server);
    let timeouts = &mut patient.connection.timeouts;
    (timeouts.silence, timeouts.answer) = (Duration::from_millis(50), Duration::from_millis(300));
    let failure = edit(&OpenAiImages::new(patient).unwrap(), item(&request(None, None))).await.unwrap_err();
    assert!(failure.message.contains("fell silent for 300 ms"), "{failure}");
}

#[test]
fn only_servers_that_stream_are_asked_to() {
    let server = FakeServer::start();
    for (profile, count) in [(Profile::SgLang, 1), (Profile::SdCpp, 0), (Profile::OpenAi, 4)] {
        let options = OpenAiImagesOptions { partial_images: Some(count), ..options(profile, &server) };
        assert!(OpenAiImages::new(options).unwrap_err().to_string().contains("partial_images"));
    }
    for profile in Profile::ALL.into_iter().filter(|profile| *profile != Profile::VllmOmni) {
        let options = OpenAiImagesOptions { stream: true, ..options(profile, &server) };
        assert!(OpenAiImages::new(options).unwrap_err().to_string().contains("stream"), "{profile}");
    }
}
