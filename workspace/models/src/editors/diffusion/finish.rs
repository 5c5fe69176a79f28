//! From latents to a candidate.

use editscale_core::{Candidate, EditCounters, EditItem, Failure, ImageSize, Watch};
use editscale_picture::Rgb8;

use crate::editors::diffusion::editor::DiffusionEditor;
use crate::editors::diffusion::latents::Geometry;
use crate::editors::diffusion::options::ResultSize;
use crate::editors::diffusion::pipeline::{Pipeline, Prepared};
use crate::editors::diffusion::track::Track;
use crate::editors::failure::{cancelled, crashed, failed, not_finite};
use crate::editors::memory::is_out_of_memory;
use crate::editors::pixels::encoded;

/// The latents that a track's picture is made of: its own where it is finished, else what it is heading for.
fn clean<C>(track: &Track<C>) -> Vec<f32> {
    match &track.state.prediction {
        Some(prediction) => track.prepared.sampler.clean(track.state.step, &track.state.latents, prediction),
        None => track.state.latents.clone(),
    }
}

impl<P: Pipeline> DiffusionEditor<P> {
    /// The pictures of tracks that are where they were to stop, in their order.
    pub(super) fn decode(&self, tracks: &[Track<P::Conditions>], watch: &dyn Watch) -> Vec<Result<Rgb8, Failure>> {
        let planes: Vec<Vec<f32>> =
            tracks.iter().map(|track| P::LAYOUT.planes(clean(track), track.prepared.geometry)).collect();
        let mut pictures = Vec::with_capacity(tracks.len());
        while pictures.len() < tracks.len() {
            let from = pictures.len();
            if watch.cancelled() {
                pictures.extend(tracks[from..].iter().map(|_| Err(cancelled())));
                break;
            }
            let Prepared { geometry, activations, .. } = tracks[from].prepared;
            let most = (self.options.activation_bytes / activations.decode.max(1)).max(1) as usize;
            let alike = tracks[from..].iter().take_while(|track| track.prepared.geometry == geometry).count();
            let latents: Vec<&[f32]> = planes[from..from + alike.min(most)].iter().map(Vec::as_slice).collect();
            pictures.extend(self.decode_some(&latents, geometry));
        }
        pictures
    }

    /// Decodes together what fits together.
    fn decode_some(&self, latents: &[&[f32]], geometry: Geometry) -> Vec<Result<Rgb8, Failure>> {
        let all = |failure: Failure| latents.iter().map(|_| Err(failure.clone())).collect();
        match self.pipeline.decode(latents, geometry) {
            Ok(decoded) if decoded.len() == latents.len() => {
                decoded.into_iter().map(|picture| picture.ok_or_else(|| not_finite("the decoded picture"))).collect()
            }
            Ok(decoded) => all(crashed(format!("the decoder answered {} of {} latents", decoded.len(), latents.len()))),
            Err(error) if is_out_of_memory(&error) && latents.len() > 1 => {
                let (first, second) = latents.split_at(latents.len().div_ceil(2));
                [self.decode_some(first, geometry), self.decode_some(second, geometry)].into_iter().flatten().collect()
            }
            Err(error) => all(failed("decoding", &error)),
        }
    }

    /// What is handed out of a track with its picture.
    pub(super) fn candidate(
        &self,
        item: &EditItem,
        track: &Track<P::Conditions>,
        picture: Rgb8,
    ) -> Result<Candidate, Failure> {
        let size = match (item.request.output_size, self.options.result_size) {
            (Some(size), _) => size,
            (None, ResultSize::Source) => item.request.source.size(),
            (None, ResultSize::Model) => ImageSize { width: picture.width as u32, height: picture.height as u32 },
        };
        Ok(Candidate {
            cost: track.cost(),
            notes: track.prepared.notes.clone(),
            counters: EditCounters { image_decodes: track.counters.image_decodes + 1, ..track.counters },
            trajectory: track.state.trajectory(),
            ..Candidate::new(encoded(picture, size, P::RESULT_FILTER)?)
        })
    }
}
