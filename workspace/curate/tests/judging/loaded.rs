//! Pictures of rows loaded many at a time.

use std::path::PathBuf;
use std::sync::Arc;

use editscale_curate::judging::Loader;
use editscale_engine::digest_of;
use editscale_picture::{Limits, decode_rgb8, perceptual_hash};
use editscale_rollout::RowPicture;
use editscale_rollout::dataset::{PictureProblem, Pictures};

fn photo(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/photos").join(name)
}

fn loader() -> Loader {
    Loader::new(Pictures::new(Limits::default(), editscale_fetch::Patience::default()))
}

#[tokio::test]
async fn each_picture_has_its_own_answer_in_its_place() {
    let bytes = std::fs::read(photo("coffee.jpg")).unwrap();
    let inline = |name: Option<&str>| RowPicture::Bytes { name: name.map(str::to_owned), bytes: bytes.clone() };
    let pictures = vec![
        RowPicture::File(photo("coffee.jpg")),
        RowPicture::File(photo("missing.jpg")),
        inline(Some("cups/mine.jpg")),
        RowPicture::Bytes { name: Some("note.txt".to_owned()), bytes: b"no picture".to_vec() },
        inline(None),
    ];
    let mut loaded = loader().load(pictures).await;
    assert_eq!(loaded.len(), 5);
    let pixels = decode_rgb8(&bytes, &Limits::default()).unwrap();
    for (place, name) in [(0, Some("coffee.jpg")), (2, Some("mine.jpg")), (4, None)] {
        let found = loaded[place].as_ref().unwrap();
        assert_eq!((found.facts.width as usize, found.facts.height as usize), (pixels.width, pixels.height));
        assert_eq!((found.facts.hash, found.facts.name.as_deref()), (perceptual_hash(&pixels), name));
        assert_eq!(found.facts.digest, digest_of(&bytes).to_string());
        assert_eq!((found.image.digest(), found.image.size()), (digest_of(&bytes), found.file.size));
        assert_eq!(found.image.read().unwrap().as_ref(), bytes);
    }
    let one = Arc::as_ptr(&loaded[0].as_ref().unwrap().file.bytes);
    assert_eq!(one, Arc::as_ptr(&loaded[4].as_ref().unwrap().file.bytes), "equal files are held once");
    let problem = |found: Result<_, PictureProblem>| match found.map(drop) {
        Err(PictureProblem::Unusable(reason)) => reason,
        other => panic!("expected an unusable picture, found {other:?}"),
    };
    assert!(problem(loaded.swap_remove(3)).starts_with("cannot use the picture note.txt: "));
    assert!(problem(loaded.swap_remove(1)).starts_with("cannot read the picture "));
    assert!(loader().load(Vec::new()).await.is_empty());
}
