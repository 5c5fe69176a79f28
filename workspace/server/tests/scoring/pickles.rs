//! `POST /` in pickles.

use editscale_pickle::{Pickled, read, write};

use crate::desk::{Desk, Reply, cut_picture, picture, score_of};

fn files(numbers: &[u8]) -> Pickled {
    Pickled::List(numbers.iter().map(|number| Pickled::Bytes(picture(*number))).collect())
}

fn texts(count: usize) -> Pickled {
    Pickled::List(vec![Pickled::text("make it warmer"); count])
}

fn dict(entries: &[(&str, Pickled)]) -> Vec<u8> {
    let entries = entries.iter().map(|(key, value)| (Pickled::text(key), value.clone()));
    write(&Pickled::Dict(entries.collect())).unwrap()
}

async fn speaking() -> Desk {
    Desk::open(1 << 20, |settings| settings.pickles = true).await
}

/// Trainers name no media type that would mean anything.
async fn ask(desk: &Desk, body: &[u8]) -> Reply {
    desk.ask("POST /", "application/octet-stream", body).await
}

#[tokio::test]
async fn scores_come_back_as_a_list() {
    let desk = speaking().await;
    let body = [("images", files(&[1, 2, 3])), ("prompts", texts(3)), ("source_images", files(&[0, 0, 0]))];
    for (reward, expected) in [(Pickled::None, 3), (Pickled::text("second/plain"), 0)] {
        desk.judge.sizes.lock().unwrap().clear();
        let reply = ask(&desk, &dict(&[&body[..], &[("reward", reward), ("metadata", texts(1))]].concat())).await;
        assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
        let outputs = [1, 2, 3].map(|number| Pickled::Float(score_of(&picture(number))));
        assert_eq!(read(&reply.body).unwrap().get("outputs"), Some(&Pickled::List(outputs.to_vec())));
        assert_eq!(desk.judge.sizes.lock().unwrap().iter().sum::<usize>(), expected);
    }
}

#[tokio::test]
async fn whatever_is_wrong_is_status_500_with_text() {
    let desk = speaking().await;
    let images = ("images", files(&[1, 2]));
    let prompts = ("prompts", texts(2));
    let sources = ("source_images", files(&[0, 0]));
    let cut = ("images", Pickled::List(vec![Pickled::Bytes(picture(1)), Pickled::Bytes(cut_picture())]));
    let html = ("images", Pickled::List(vec![Pickled::Bytes(b"<html>".to_vec()); 2]));
    for (body, words) in [
        (b"cos\nsystem\n(S'true'\ntR.".to_vec(), "byte 0 of the pickle: opcode GLOBAL: asks for `os.system`"),
        (b"{}".to_vec(), "byte 0 of the pickle: unknown opcode"),
        (dict(&[images.clone(), prompts.clone()]), "expected a list of pictures under `source_images`"),
        (dict(&[prompts.clone(), sources.clone()]), "a list under `images`, found none"),
        (dict(&[images.clone(), prompts.clone(), ("source_images", files(&[0]))]), "1 `source_images`"),
        (dict(&[images.clone(), ("prompts", files(&[0, 1])), sources.clone()]), "texts under `prompts`, found bytes"),
        (dict(&[("images", texts(2)), prompts.clone(), sources.clone()]), "files under `images`, found a str"),
        (dict(&[cut, prompts.clone(), sources.clone()]), "`images[1]` has no score: the pixels end too early"),
        (dict(&[html, prompts.clone(), sources.clone()]), "`images[0]` has no score: the candidate: cannot use"),
        (dict(&[images, prompts, sources, ("reward", Pickled::text("nobody"))]), "there is no reward `nobody`"),
        (write(&texts(1)).unwrap(), "expected a dict with a list under `images`, found a list"),
    ] {
        let reply = ask(&desk, &body).await;
        let text = String::from_utf8(reply.body).unwrap();
        assert_eq!(
            (reply.status, reply.headers["content-type"].as_str()),
            (500, "text/plain; charset=utf-8"),
            "{text}"
        );
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[tokio::test]
async fn a_server_that_was_not_told_to_speaks_no_pickles() {
    let desk = Desk::usual().await;
    let reply = ask(&desk, &dict(&[])).await;
    assert_eq!(reply.status, 405);
    assert!(reply.message().contains("/ does not take POST"));
}
