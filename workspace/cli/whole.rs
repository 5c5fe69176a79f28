//! Pictures that come from servers and plugins are looked at whole before anybody judges them: one that is damaged is no
//! candidate, and must not win.

use std::fmt;
use std::sync::Arc;

use editscale_core::{
    AdoptedPolicy, BoxFuture, Candidate, CandidateId, EditBackend, EditBatch, EditorCard, Failure, FailureKind,
    PolicySupport, PolicyWeights, RunId, Watch,
};
use editscale_engine::digest_of;
use editscale_picture::DecodeCache;

/// An editor whose pictures are decoded as they arrive; their files stay as they came.
pub(crate) struct WholePictures {
    inner: Arc<dyn EditBackend>,
    pictures: Arc<DecodeCache>,
}

impl WholePictures {
    pub(crate) fn new(inner: Arc<dyn EditBackend>, pictures: Arc<DecodeCache>) -> Self {
        Self { inner, pictures }
    }

    async fn looked_at(&self, made: Result<Candidate, Failure>) -> Result<Candidate, Failure> {
        let candidate = made?;
        let (bytes, pictures) = (Arc::clone(&candidate.image.bytes), Arc::clone(&self.pictures));
        let decoded = tokio::task::spawn_blocking(move || {
            pictures.get(*digest_of(&bytes).as_bytes(), &bytes).map(drop).map_err(|error| error.to_string())
        });
        let damaged = |reason: String| Failure {
            cost: candidate.cost,
            ..Failure::new(FailureKind::Malformed, format!("the picture that came is damaged: {reason}"))
        };
        match decoded.await {
            Ok(Ok(())) => Ok(candidate),
            Ok(Err(reason)) => Err(damaged(reason)),
            Err(error) => Err(damaged(error.to_string())),
        }
    }
}

impl fmt::Debug for WholePictures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WholePictures").field("card", self.inner.card()).finish_non_exhaustive()
    }
}

impl EditBackend for WholePictures {
    fn card(&self) -> &EditorCard {
        self.inner.card()
    }

    fn edit<'a>(&'a self, batch: EditBatch, watch: &'a dyn Watch) -> BoxFuture<'a, Vec<Result<Candidate, Failure>>> {
        Box::pin(async move {
            let mut looked_at = Vec::new();
            for made in self.inner.edit(batch, watch).await {
                looked_at.push(self.looked_at(made).await);
            }
            looked_at
        })
    }

    fn release(&self, paused: &[(RunId, CandidateId)]) {
        self.inner.release(paused);
    }

    fn adopts(&self) -> PolicySupport {
        self.inner.adopts()
    }

    fn adopt<'a>(&'a self, weights: &'a PolicyWeights) -> BoxFuture<'a, Result<AdoptedPolicy, Failure>> {
        self.inner.adopt(weights)
    }

    fn trouble(&self) -> Option<String> {
        self.inner.trouble()
    }
}
