//! Secrets reach the server that they are for, and nothing else.

use editscale_core::EditBackend;
use editscale_remote::{ChatJudge, OpenAiImages, OpenAiImagesOptions, Profile, SecretHeader, SecretSource};
use editscale_testkit::{FakeServer, ServerFault};

use crate::support::{connection, edit, item, judge, judge_options, options, request};

const SECRET: &str = "sk-open-sesame-4711";

/// A file that holds the secret, for as long as the folder lives.
fn source(folder: &tempfile::TempDir) -> SecretSource {
    let path = folder.path().join("key");
    std::fs::write(&path, format!("{SECRET}\n")).unwrap();
    SecretSource::File(path)
}

fn with_secret(server: &FakeServer, folder: &tempfile::TempDir) -> OpenAiImagesOptions {
    let mut options = options(Profile::OpenAi, server);
    options.connection.servers[0].secret = Some(source(folder));
    options
}

#[tokio::test]
async fn the_server_is_shown_the_secret() {
    let (server, folder) = (FakeServer::start(), tempfile::tempdir().unwrap());
    edit(&OpenAiImages::new(with_secret(&server, &folder)).unwrap(), item(&request(None, None))).await.unwrap();
    assert_eq!(server.asked()[0].header("authorization"), Some(&*format!("Bearer {SECRET}")));
    let mut other = with_secret(&server, &folder);
    other.connection.servers[0].secret_header = SecretHeader::Named("api-key".to_owned());
    edit(&OpenAiImages::new(other).unwrap(), item(&request(None, None))).await.unwrap();
    assert_eq!(server.asked()[1].header("api-key"), Some(SECRET));
    assert_eq!(server.asked()[1].header("authorization"), None);
}

#[tokio::test]
async fn no_error_and_no_debug_text_shows_it() {
    let (server, folder) = (FakeServer::start(), tempfile::tempdir().unwrap());
    let echo = |status, body: String| ServerFault::Answer(status, vec![("x-request-id", SECRET.to_owned())], body);
    let faults = [
        echo(401, format!(r#"{{"error":{{"message":"Incorrect API key {SECRET}","code":"{SECRET}"}}}}"#)),
        echo(400, format!(r#"{{"error":"{SECRET}"}}"#)),
        echo(400, format!(r#"{{"detail":"{SECRET}"}}"#)),
        echo(422, format!(r#"{{"detail":[{{"loc":["{SECRET}"],"msg":"{SECRET}"}}]}}"#)),
        echo(404, format!("<html><title>{SECRET}</title></html>")),
        echo(404, SECRET.to_owned()),
        echo(200, SECRET.to_owned()),
        ServerFault::Base64(SECRET.to_owned()),
        ServerFault::Address(format!("http://10.0.0.1/{SECRET}")),
        ServerFault::Address(format!("http://{SECRET}.example.org/a.png")),
        ServerFault::Address(server.file_url(SECRET)),
        ServerFault::Lost,
        ServerFault::Cut(9),
    ];
    let editor = OpenAiImages::new(with_secret(&server, &folder)).unwrap();
    for fault in faults {
        server.fail([fault.clone()]);
        let failure = edit(&editor, item(&request(None, None))).await.unwrap_err();
        let text = format!("{failure} {failure:?}");
        assert!(!text.contains("sesame"), "{fault:?} gave {text}");
    }
    let text = format!("{editor:?} {:?}", editor.card());
    assert!(!text.contains("sesame"), "{text}");
    let mut judged = judge_options(&server);
    judged.asking.connection.servers[0].secret = Some(source(&folder));
    let far = ChatJudge::new(judged).unwrap();
    server.says(|_| format!("I will not. {SECRET}"));
    let failure = judge(&far).await.unwrap_err();
    assert!(!format!("{failure:?} {far:?}").contains("sesame"), "{failure:?}");
}

#[tokio::test]
async fn pictures_elsewhere_are_fetched_without_it() {
    let (server, other, folder) = (FakeServer::start(), FakeServer::start(), tempfile::tempdir().unwrap());
    let file = editscale_testkit::png(crate::support::SIZE, [1, 1, 1]);
    for place in [&server, &other] {
        place.put("a.png", 200, Vec::new(), file.clone());
        server.fail([ServerFault::Address(place.file_url("a.png"))]);
        edit(&OpenAiImages::new(with_secret(&server, &folder)).unwrap(), item(&request(None, None))).await.unwrap();
    }
    let fetched = |server: &FakeServer| {
        let asked = server.asked();
        let file = asked.iter().find(|asked| asked.line.starts_with("GET")).unwrap().clone();
        file.header("authorization").is_some()
    };
    assert!(fetched(&server) && !fetched(&other));
}

#[test]
fn a_secret_that_is_not_there_is_an_error_that_names_the_place() {
    let server = FakeServer::start();
    let mut options = options(Profile::OpenAi, &server);
    options.connection = connection(&[server.base()]);
    options.connection.servers[0].secret = Some(SecretSource::Environment("EDITSCALE_TEST_NO_KEY".to_owned()));
    let error = OpenAiImages::new(options).unwrap_err().to_string();
    assert!(error.contains("EDITSCALE_TEST_NO_KEY"), "{error}");
}
