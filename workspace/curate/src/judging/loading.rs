//! Pictures of rows, many at a time: each file decoded once for its check, its size and its hash.

use std::collections::HashMap;
use std::sync::Arc;

use editscale_core::{Digest, EncodedImage, Image};
use editscale_engine::digest_of;
use editscale_picture::perceptual_hash;
use editscale_rollout::RowPicture;
use editscale_rollout::dataset::{PictureBytes, PictureProblem, Pictures};
use futures_util::stream::{self, StreamExt as _};
use rayon::prelude::*;

use crate::PictureFacts;

/// How many pictures are fetched from servers at a time.
const FETCHED_AT_ONCE: usize = 16;

/// A picture that is whole.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The file, checked.
    pub file: EncodedImage,
    /// A handle of the same bytes.
    pub image: Image,
    /// What is known of it without its pixels.
    pub facts: PictureFacts,
}

/// Loads pictures. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Loader {
    pictures: Pictures,
}

/// A picture between its reading and its decoding.
struct Named {
    name: Option<String>,
    read: Result<(PictureBytes, Digest), PictureProblem>,
}

type Opened = Result<(EncodedImage, u64), PictureProblem>;

impl Loader {
    /// A loader of pictures within these limits.
    pub fn new(pictures: Pictures) -> Self {
        Self { pictures }
    }

    /// Loads pictures, one answer a picture, in their order. All of them are in memory when it returns: bounding their number
    /// is the caller's matter. Equal files are decoded once. Pixels are let go of at once.
    pub async fn load(&self, pictures: Vec<RowPicture>) -> Vec<Result<Loaded, PictureProblem>> {
        let count = pictures.len();
        let brought = pictures.into_iter().map(|picture| async {
            let name = picture.name();
            (name, self.pictures.bring(picture).await)
        });
        let brought: Vec<_> = stream::iter(brought).buffered(FETCHED_AT_ONCE).collect().await;
        let pictures = self.pictures.clone();
        let done = tokio::task::spawn_blocking(move || open_all(&pictures, brought)).await;
        done.unwrap_or_else(|panic| {
            let problem = PictureProblem::Unusable(format!("a picture could not be decoded: {panic}"));
            vec![Err(problem); count]
        })
    }
}

fn open_all(
    pictures: &Pictures,
    brought: Vec<(Option<String>, Result<RowPicture, PictureProblem>)>,
) -> Vec<Result<Loaded, PictureProblem>> {
    let read = |(name, picture): (Option<String>, Result<RowPicture, PictureProblem>)| {
        let read = picture.and_then(|picture| pictures.read(picture)).map(|read| {
            let digest = digest_of(&read.bytes);
            (read, digest)
        });
        Named { name, read }
    };
    let named: Vec<Named> = brought.into_par_iter().map(read).collect();
    let mut files: HashMap<Digest, &PictureBytes> = HashMap::new();
    for (read, digest) in named.iter().filter_map(|named| named.read.as_ref().ok()) {
        files.entry(*digest).or_insert(read);
    }
    let files: Vec<(Digest, &PictureBytes)> = files.into_iter().collect();
    let open = |(digest, read): (Digest, &PictureBytes)| (digest, open(pictures, read.clone()));
    let opened: HashMap<Digest, Opened> = files.into_par_iter().map(open).collect();
    named.into_iter().map(|named| loaded(named, &opened)).collect()
}

fn open(pictures: &Pictures, read: PictureBytes) -> Opened {
    let (file, pixels) = pictures.decode(read)?;
    Ok((file, perceptual_hash(&pixels)))
}

fn loaded(named: Named, opened: &HashMap<Digest, Opened>) -> Result<Loaded, PictureProblem> {
    let (_, digest) = named.read?;
    let gone = || Err(PictureProblem::Unusable("the picture was not decoded".to_owned()));
    let (file, hash) = opened.get(&digest).cloned().unwrap_or_else(gone)?;
    let image = Image::new(digest, file.media, file.size, Arc::new(Arc::clone(&file.bytes)));
    let (width, height) = (file.size.width, file.size.height);
    let facts = PictureFacts { digest: digest.to_string(), hash, width, height, name: named.name };
    Ok(Loaded { file, image, facts })
}
