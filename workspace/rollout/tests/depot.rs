//! The depot: a folder, and a bucket behind a small server that speaks as much of S3 as is needed.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use editscale_rollout::depot::{Depot, DepotError};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

async fn it_keeps_what_it_is_given(depot: &Depot) {
    let (key, first, second) = ("packs/ab/a b.pack", Bytes::from_static(b"first"), Bytes::from_static(b"second"));
    assert_eq!(depot.get(key).await.unwrap(), None);
    assert!(!depot.exists(key).await.unwrap());
    depot.delete(key).await.unwrap();
    assert!(depot.put_if_absent(key, first.clone()).await.unwrap());
    assert!(!depot.put_if_absent(key, second.clone()).await.unwrap());
    assert!(depot.exists(key).await.unwrap());
    assert_eq!(depot.get(key).await.unwrap(), Some(first));
    depot.delete(key).await.unwrap();
    assert!(depot.put_if_absent(key, second.clone()).await.unwrap());
    assert_eq!(depot.get(key).await.unwrap(), Some(second));
    for bad in ["", "/", "../up", "a/../b", "a//b"] {
        let answer = depot.get(bad).await;
        assert!(matches!(answer, Err(DepotError::Key { .. })), "{bad}: {answer:?}");
    }
}

#[tokio::test]
async fn a_folder_is_a_depot() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made when needed");
    it_keeps_what_it_is_given(&Depot::open(path.to_str().unwrap()).unwrap()).await;
    let again = Depot::open(&format!("file://{}", folder.path().display())).unwrap();
    assert!(again.exists("made when needed/packs/ab/a b.pack").await.unwrap());
    let files: Vec<_> = fs::read_dir(path.join("packs/ab")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(files, ["a b.pack"], "nothing else is left there");
}

#[tokio::test]
async fn only_one_of_many_puts_is_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let depot = Depot::open(folder.path().to_str().unwrap()).unwrap();
    let puts = (0..20).map(|number: u8| {
        let depot = depot.clone();
        tokio::spawn(async move { depot.put_if_absent("one", vec![number; 1000].into()).await.unwrap() })
    });
    let mut firsts = 0;
    for put in puts.collect::<Vec<_>>() {
        firsts += u32::from(put.await.unwrap());
    }
    assert_eq!(firsts, 1);
    let kept = depot.get("one").await.unwrap().unwrap();
    assert!(kept.len() == 1000 && kept.iter().all(|byte| *byte == kept[0]));
}

#[test]
fn what_is_no_depot_is_refused() {
    for (text, words) in [
        ("", "expected a folder"),
        ("ftp://host/a", "found ftp://"),
        ("s3://", "expected s3://BUCKET/PREFIX"),
        ("s3://bucket/a?b", "expected s3://BUCKET/PREFIX"),
        ("file://host/a", "found the machine host"),
        ("file:///a%20b", "without `%`"),
        ("/dev/null/folder", "/dev/null/folder"),
    ] {
        let error = Depot::open(text).unwrap_err().to_string();
        assert!(error.contains(words), "{text}: {error}");
    }
}

/// A disk without room, as far as a test without rights can have one.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_refusal_of_the_disk_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let depot = Depot::open(folder.path().to_str().unwrap()).unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let answer = depot.put_if_absent("file/below", Bytes::new()).await;
    assert!(matches!(answer, Err(DepotError::Refused { .. })), "{answer:?}");
}

#[tokio::test]
async fn a_bucket_is_a_depot() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let objects = Arc::new(Mutex::new(HashMap::new()));
    let server = tokio::spawn(serve(listener, objects.clone()));
    let variables = [
        ("AWS_ENDPOINT", format!("http://{address}")),
        ("AWS_ALLOW_HTTP", "true".to_owned()),
        ("AWS_REGION", "nowhere-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", "key".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "secret".to_owned()),
    ];
    let variables = variables.into_iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let depot = Depot::open_with("s3://bucket/below/this", variables).unwrap();
    it_keeps_what_it_is_given(&depot).await;
    assert!(objects.lock().unwrap().keys().all(|path: &String| path.starts_with("/bucket/below/this/packs/")));
    server.abort();
}

type Objects = Arc<Mutex<HashMap<String, Vec<u8>>>>;

async fn serve(listener: TcpListener, objects: Objects) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(answer(stream, objects.clone()));
    }
}

/// Answers requests of one connection until it is closed.
async fn answer(stream: TcpStream, objects: Objects) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut line, mut length, mut is_new) = (String::new(), 0, false);
        stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
        let mut words = line.split(' ').map(str::to_owned);
        let (method, path) = (words.next()?, words.next()?);
        loop {
            let mut header = String::new();
            stream.read_line(&mut header).await.ok()?;
            let header = header.trim().to_ascii_lowercase();
            match header.split_once(':') {
                None => break,
                Some(("content-length", value)) => length = value.trim().parse().ok()?,
                Some(("if-none-match", value)) => is_new = value.trim() == "*",
                Some(_) => {}
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.ok()?;
        let (status, body) = {
            let mut objects = objects.lock().unwrap();
            let there = objects.get(&path).cloned();
            match (method.as_str(), there) {
                ("PUT", Some(_)) if is_new => ("412 Precondition Failed", Vec::new()),
                ("PUT", _) => {
                    objects.insert(path, body);
                    ("200 OK", Vec::new())
                }
                ("DELETE", _) => {
                    objects.remove(&path);
                    ("204 No Content", Vec::new())
                }
                (_, Some(object)) => ("200 OK", object),
                (_, None) => ("404 Not Found", Vec::new()),
            }
        };
        let date = "Thu, 01 Jan 2026 00:00:00 GMT";
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\nETag: \"1\"\r\nLast-Modified: {date}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.ok()?;
        if method != "HEAD" {
            stream.write_all(&body).await.ok()?;
        }
    }
}
