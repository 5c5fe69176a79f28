//! From latents to a candidate.

use editscale_core::Watch;
use editscale_core::{Candidate, EditItem, EncodedImage, Failure, FailureKind, ImageSize, MediaType};
use editscale_picture::{Rgb8, encode_rgb8};

use crate::editors::diffusion::editor::{DiffusionEditor, cost, crashed};
use crate::editors::diffusion::options::ResultSize;
use crate::editors::diffusion::pipeline::{Geometry, Pipeline};
use crate::editors::diffusion::track::Track;
use crate::editors::memory::{explained, is_out_of_memory};
use crate::pictures::{Filter, Size, resize};

/// The latents that a track's picture is made of: its own where it is finished, else what it is heading for.
fn clean<C>(track: &Track<C>) -> Vec<f32> {
    match &track.state.prediction {
        Some(prediction) => track.prepared.sampler.clean(track.state.step, &track.state.latents, prediction),
        None => track.state.latents.clone(),
    }
}

fn not_finite() -> Failure {
    let message = "the decoded picture holds a value that is not finite: the weights may need a wider `dtype`";
    Failure::new(FailureKind::Malformed, message)
}

impl<P: Pipeline> DiffusionEditor<P> {
    /// The pictures of tracks that are where they were to stop, in their order.
    pub(super) fn decode(&self, tracks: &[Track<P::Conditions>], watch: &dyn Watch) -> Vec<Result<Rgb8, Failure>> {
        let clean: Vec<Vec<f32>> = tracks.iter().map(clean).collect();
        let mut pictures = Vec::with_capacity(tracks.len());
        while pictures.len() < tracks.len() {
            let from = pictures.len();
            let geometry = tracks[from].prepared.geometry;
            let most = (self.options.activation_bytes / self.pipeline.decode_bytes(geometry).max(1)).max(1) as usize;
            let alike = tracks[from..].iter().take_while(|track| track.prepared.geometry == geometry).count();
            let to = from + alike.min(most);
            if watch.cancelled() {
                let cancelled = || Err(Failure::new(FailureKind::Cancelled, "the edit was cancelled"));
                pictures.extend(tracks[from..].iter().map(|_| cancelled()));
                break;
            }
            let latents: Vec<&[f32]> = clean[from..to].iter().map(Vec::as_slice).collect();
            pictures.extend(self.decode_some(&latents, geometry));
        }
        pictures
    }

    /// Decodes together what fits together.
    fn decode_some(&self, latents: &[&[f32]], geometry: Geometry) -> Vec<Result<Rgb8, Failure>> {
        let failed = |message: &str| latents.iter().map(|_| Err(crashed(message))).collect();
        match self.pipeline.decode(latents, geometry) {
            Ok(decoded) if decoded.len() == latents.len() => {
                decoded.into_iter().map(|picture| picture.ok_or_else(not_finite)).collect()
            }
            Ok(_) => failed("the decoder left pictures out"),
            Err(error) if is_out_of_memory(&error) && latents.len() > 1 => {
                let (first, second) = latents.split_at(latents.len().div_ceil(2));
                [self.decode_some(first, geometry), self.decode_some(second, geometry)].into_iter().flatten().collect()
            }
            Err(error) => failed(&format!("decoding failed: {}", explained(&error))),
        }
    }

    pub(super) fn candidate(
        &self,
        item: &EditItem,
        track: &mut Track<P::Conditions>,
        picture: Rgb8,
    ) -> Result<Candidate, Failure> {
        let source = item.request.source.size();
        let size = match (item.request.output_size, self.options.result_size) {
            (Some(size), _) => size,
            (None, ResultSize::Source) => source,
            (None, ResultSize::Model) => ImageSize { width: picture.width as u32, height: picture.height as u32 },
        };
        let wanted = Size { height: size.height as usize, width: size.width as usize };
        let picture = resize(picture, wanted, Filter::Lanczos);
        let bytes = encode_rgb8(&picture).map_err(|error| Failure::new(FailureKind::Malformed, error.to_string()))?;
        track.counters.image_decodes += 1;
        Ok(Candidate {
            cost: cost(track.evaluations),
            notes: std::mem::take(&mut track.prepared.notes),
            counters: track.counters,
            trajectory: track.state.trajectory(),
            ..Candidate::new(EncodedImage { media: MediaType::Png, size, bytes: bytes.into() })
        })
    }
}
