//! What every dialect asks of an edit before it leaves: whether it can be done at all, its key, its seed, its picture.

use std::sync::Arc;

use editscale_core::{
    BoxFuture, Candidate, EditBatch, EditItem, EditorName, Failure, FailureKind, Image, MediaType, Seed, Start, Until,
    Watch,
};
use futures_util::future::join_all;
use reqwest::header::{HeaderMap, HeaderValue};

use crate::fingerprint::fingerprint;

/// Bits of a seed that are sent where the dialect does not know better: every server's generator takes so many.
pub(crate) const SEED_BITS: u8 = 32;

/// A failure of what was asked for, which nothing was sent for.
pub(crate) fn invalid(message: String) -> Failure {
    Failure::new(FailureKind::Invalid, message)
}

/// Refuses what is not wanted any more, and what no server can do: to stop half way.
pub(crate) fn begin(item: &EditItem, editor: &EditorName, watch: &dyn Watch) -> Result<(), Failure> {
    if watch.cancelled() {
        return Err(Failure::new(FailureKind::Cancelled, "the work is not wanted any more"));
    }
    if item.proposal.until != Until::Finished || matches!(item.proposal.start, Start::Paused(_)) {
        return Err(invalid(format!("the editor `{editor}` cannot stop half way")));
    }
    Ok(())
}

/// Makes the edits of a batch, each by itself and all at once; `make` is given the place of each.
pub(crate) fn each<'a, F: Future<Output = Result<Candidate, Failure>> + Send + 'a>(
    batch: EditBatch,
    make: impl Fn(usize, EditItem) -> F,
) -> BoxFuture<'a, Vec<F::Output>> {
    let items = batch.items.into_iter().enumerate();
    Box::pin(join_all(items.map(|(place, item)| make(place, item))))
}

/// One edit's name in the world: the same for every attempt at it, and for the one of an earlier life of this program. What
/// is asked for is a part of it, so that a server that remembers names does not answer a run with the pictures of another
/// that happens to be called the same. `revision` is the editor's own.
pub(crate) fn key(item: &EditItem, revision: &str) -> String {
    match &item.earlier {
        Some(earlier) => earlier.key.to_string(),
        None => format!("editscale-{}-{}-{}", item.run, item.proposal.id, digest(item, revision)),
    }
}

/// What is asked for, in a few digits.
fn digest(item: &EditItem, revision: &str) -> String {
    let (request, proposal) = (&item.request, &item.proposal);
    let mask = request.mask.as_ref().map(|mask| mask.digest().to_string());
    let size = request.output_size.map(|size| size.to_string());
    let asked = format!(
        "{revision:?} {} {:?} {} {mask:?} {size:?} {:?}",
        item.start.digest(),
        proposal.instruction,
        proposal.seed.get(),
        proposal.knobs
    );
    fingerprint(&asked)
}

/// The key as servers that know such a thing take it.
pub(crate) fn key_header(key: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    // A key is made of names, which fit into a header; one that does not is no key to any server.
    if let Ok(value) = HeaderValue::from_str(key) {
        headers.insert("idempotency-key", value);
    }
    headers
}

/// The seed in so many bits, fewer than 64.
pub(crate) fn sent(seed: Seed, bits: u8) -> u64 {
    seed.get() & ((1 << bits) - 1)
}

/// The seed that was sent, where that is not the proposal's own.
pub(crate) fn effective(sent: u64, item: &EditItem) -> Option<u64> {
    (sent != item.proposal.seed.get()).then_some(sent)
}

/// The file of a picture, which is sent as it is.
pub(crate) fn file(image: &Image, most: usize, reads: impl Fn(MediaType) -> bool) -> Result<Arc<[u8]>, Failure> {
    if !reads(image.media()) {
        return Err(invalid(format!("this server does not read {} files", image.media().mime())));
    }
    let bytes = image.read().map_err(|error| invalid(error.to_string()))?;
    if bytes.len() > most {
        return Err(invalid(format!("expected a picture of at most {most} bytes, found {}", bytes.len())));
    }
    Ok(bytes)
}
