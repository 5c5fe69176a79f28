//! Pictures of rows: files, bytes and addresses, whole or not.

use std::time::Duration;

use editscale_core::MediaType;
use editscale_fetch::Patience;
use editscale_picture::Limits;
use editscale_rollout::RowPicture;
use editscale_rollout::dataset::{PictureProblem, Pictures};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::desk::{Desk, png};

fn pictures(limits: Limits) -> Pictures {
    let first_wait = Duration::from_millis(1);
    Pictures::new(limits, Patience { attempts: 2, first_wait, longest_wait: first_wait, ..Patience::default() })
}

/// Answers each request by its path: the picture, half of it, or a status.
async fn serve(listener: TcpListener, picture: Vec<u8>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let mut request = vec![0; 4096];
        let read = stream.read(&mut request).await.unwrap_or(0);
        let path = String::from_utf8_lossy(&request[..read]).split(' ').nth(1).unwrap_or_default().to_owned();
        let (status, body) = match path.as_str() {
            "/whole.png" => ("200 OK", picture.as_slice()),
            "/half.png" => ("200 OK", &picture[..picture.len() / 2]),
            "/busy.png" => ("503 Service Unavailable", &[][..]),
            _ => ("404 Not Found", &[][..]),
        };
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
        stream.write_all(&[head.as_bytes(), body].concat()).await.ok();
    }
}

#[tokio::test]
async fn whole_pictures_are_handed_out() {
    let desk = Desk::new();
    let picture = png(12, 9);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/whole.png", listener.local_addr().unwrap());
    let server = tokio::spawn(serve(listener, picture.clone()));
    for named in [
        RowPicture::Bytes { name: None, bytes: picture.clone() },
        RowPicture::File(desk.write("a.png", &picture)),
        RowPicture::Address(address),
    ] {
        let loaded = pictures(Limits::default()).load(&named).await.unwrap();
        assert_eq!((loaded.media, loaded.size.width, loaded.size.height), (MediaType::Png, 12, 9), "{named:?}");
        assert_eq!(*loaded.bytes, *picture, "{named:?}");
    }
    server.abort();
}

#[tokio::test]
async fn what_is_wrong_with_a_picture_is_told() {
    let desk = Desk::new();
    let picture = png(12, 9);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(serve(listener, picture.clone()));
    let half = picture[..picture.len() / 2].to_vec();
    let address = |name: &str| RowPicture::Address(format!("{root}/{name}"));
    for (named, expected) in [
        (
            RowPicture::Bytes { name: Some("x.png".to_owned()), bytes: half.clone() },
            "cannot use the picture x.png: the PNG file is",
        ),
        (RowPicture::Bytes { name: None, bytes: b"text".to_vec() }, "it looks like plain text"),
        (RowPicture::File(desk.write("half.png", &half)), "half.png: the PNG file is"),
        (RowPicture::File(desk.path("absent.png")), "absent.png: No such file"),
        (RowPicture::File(desk.path("")), "it is not a file"),
        (RowPicture::File("/dev/zero".into()), "it is not a file"),
        (address("half.png"), "half.png: the PNG file is"),
        (address("none.png"), "expected status 200, found 404"),
        (RowPicture::Address("ftp://x/y".to_owned()), "is no address to fetch from"),
    ] {
        match pictures(Limits::default()).load(&named).await.unwrap_err() {
            PictureProblem::Unusable(reason) => assert!(reason.contains(expected), "{named:?}: {reason}"),
            PictureProblem::Away(reason) => panic!("{named:?} may not come back: {reason}"),
        }
    }
    let busy = pictures(Limits::default()).load(&address("busy.png")).await.unwrap_err();
    assert!(matches!(&busy, PictureProblem::Away(reason) if reason.contains("503")), "{busy}");
    let small = Limits { bytes: 50, ..Limits::default() };
    for named in [RowPicture::File(desk.write("a.png", &picture)), address("whole.png")] {
        let found = pictures(small).load(&named).await.unwrap_err().to_string();
        assert!(found.contains("expected at most 50"), "{named:?}: {found}");
    }
    server.abort();
}
