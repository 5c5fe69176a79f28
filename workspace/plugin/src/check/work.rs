//! Work for a plugin that is checked, and what may come of it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use editscale_picture::{Limits, Rgb8, decode_rgb8};
use editscale_sdk::protocol::{
    Answer, Blob, Card, CostNumbers, EditItem, EditParameters, EditProposal, Edited, Failed, FilePlace, Judged, Method,
    Outcome, Picture, PictureBody, PluginKind, RewardItem, ScoreParameters, Size, Start, TrajectoryParts,
};

use super::pictures::scene;
use crate::convert::pictures::inspected;

/// The instruction that any editor should be able to follow.
pub(super) const USUAL: &str = "make the picture brighter";

/// The run that all edits of a check belong to.
pub(super) const RUN: &str = "check";

/// One thing to ask: of an editor to edit the picture, of a reward to judge it.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) picture: Picture,
    pub(super) instruction: String,
    pub(super) seed: u64,
    pub(super) mask: Option<Picture>,
    pub(super) size: Option<Size>,
    /// Where a half-done edit is to stop.
    pub(super) until_step: Option<u32>,
    /// The proposals that led to the paused state to go on from.
    pub(super) path: Vec<EditProposal>,
}

impl Ask {
    pub(super) fn of(picture: Picture) -> Self {
        let instruction = USUAL.to_owned();
        Self { picture, instruction, seed: 7, mask: None, size: None, until_step: None, path: Vec::new() }
    }

    /// What is proposed to an editor as this candidate.
    pub(super) fn proposal(&self, candidate: u32) -> EditProposal {
        let start = self.path.last().map_or(Start::Source, |state| Start::Paused(state.candidate));
        let (instruction, knobs) = (self.instruction.clone(), std::collections::BTreeMap::new());
        EditProposal { candidate, start, until_step: self.until_step, seed: self.seed, instruction, knobs }
    }
}

/// The call that asks all of this; candidates are numbered from `first` on.
pub(super) fn method(kind: PluginKind, asks: &[Ask], first: u32) -> Method {
    let mut images = Vec::new();
    let mut place = |picture: &Picture| {
        images.iter().position(|known| known == picture).unwrap_or_else(|| {
            images.push(picture.clone());
            images.len() - 1
        }) as u32
    };
    match kind {
        PluginKind::Editor => {
            let edit = |(at, ask): (usize, &Ask)| {
                let source = place(&ask.picture);
                EditItem {
                    run: RUN.to_owned(),
                    source,
                    mask: ask.mask.as_ref().map(&mut place),
                    request_instruction: ask.instruction.clone(),
                    output_size: ask.size,
                    start_picture: source,
                    proposal: ask.proposal(first + at as u32),
                    path: ask.path.clone(),
                }
            };
            let items = asks.iter().enumerate().map(edit).collect();
            Method::Edit(EditParameters { images, items })
        }
        PluginKind::Reward => {
            let before = scene(0.4).inline();
            let judge = |ask: &Ask| RewardItem {
                source: place(&before),
                candidate: place(&ask.picture),
                instruction: ask.instruction.clone(),
                mask: ask.mask.as_ref().map(&mut place),
            };
            let items = asks.iter().map(judge).collect();
            Method::Score(ScoreParameters { images, items })
        }
    }
}

/// What came of one item.
#[derive(Debug, Clone)]
pub(super) enum Product {
    Picture(Made),
    Score(Judged),
    Failed(Failed),
}

/// A picture that an editor made.
#[derive(Debug, Clone)]
pub(super) struct Made {
    pub(super) pixels: Rgb8,
    pub(super) notes: Vec<String>,
    pub(super) has_trajectory: bool,
}

impl Product {
    pub(super) fn is_failed(&self) -> bool {
        matches!(self, Self::Failed(_))
    }

    /// What differs between two products, where it is more than rounding.
    pub(super) fn difference(&self, other: &Self) -> Option<String> {
        match (self, other) {
            (Self::Picture(one), Self::Picture(two)) => picture_difference(&one.pixels, &two.pixels),
            (Self::Score(one), Self::Score(two)) => {
                let allowed = 1e-4 * one.mean.abs().max(1.0);
                let is_far = (one.mean - two.mean).abs() > allowed;
                is_far.then(|| format!("a score of {} and one of {}", one.mean, two.mean))
            }
            (Self::Failed(one), Self::Failed(two)) if one.class == two.class => None,
            (Self::Failed(failed), _) | (_, Self::Failed(failed)) => Some(format!("a failure: {}", failed.message)),
            _ => Some("a score and a picture".to_owned()),
        }
    }
}

/// The mean difference, in levels of 255, that a lossy or rounded way to the file can make at most.
const ALIKE: f64 = 2.0;

fn picture_difference(one: &Rgb8, two: &Rgb8) -> Option<String> {
    if (one.width, one.height) != (two.width, two.height) {
        let sizes = (one.width, one.height, two.width, two.height);
        return Some(format!("a picture of {}x{} and one of {}x{}", sizes.0, sizes.1, sizes.2, sizes.3));
    }
    let mean = mean_difference(one, two, |_, _| true);
    (mean > ALIKE).then(|| format!("pictures that differ by {mean:.1} of 255 on average"))
}

/// The mean difference of two pictures of one size where the choice of column and row falls on a pixel, of 255.
pub(super) fn mean_difference(one: &Rgb8, two: &Rgb8, chosen: impl Fn(usize, usize) -> bool) -> f64 {
    let (mut sum, mut count) = (0_u64, 0_u64);
    for (at, (a, b)) in one.data.iter().zip(&two.data).enumerate() {
        let pixel = at / 3;
        if chosen(pixel % one.width.max(1), pixel / one.width.max(1)) {
            sum += u64::from(a.abs_diff(*b));
            count += 1;
        }
    }
    sum as f64 / count.max(1) as f64
}

/// What an answer is held against.
pub(super) struct Measure<'a> {
    pub(super) kind: PluginKind,
    pub(super) card: &'a Card,
    pub(super) spool: &'a Path,
    pub(super) items: usize,
}

impl Measure<'_> {
    /// What came of every item; or what is wrong with the answer.
    pub(super) fn products(&self, answer: Answer) -> Result<Vec<Product>, String> {
        match (answer, self.kind) {
            (Answer::Failed { why, .. }, _) => Ok(vec![Product::Failed(said(why)?); self.items]),
            (Answer::Edited { items, .. }, PluginKind::Editor) => {
                self.counted(items.len())?;
                items.into_iter().map(|outcome| self.product(outcome, |edited| self.made(&edited))).collect()
            }
            (Answer::Judged { items, .. }, PluginKind::Reward) => {
                self.counted(items.len())?;
                items.into_iter().map(|outcome| self.product(outcome, |judged| self.judged(judged))).collect()
            }
            (Answer::Edited { .. }, _) => Err("it answers `score` with `edited`".to_owned()),
            (Answer::Judged { .. }, _) => Err("it answers `edit` with `judged`".to_owned()),
            (Answer::Adopted { .. }, _) => Err("it answers with `adopted`".to_owned()),
        }
    }

    fn counted(&self, found: usize) -> Result<(), String> {
        let expected = self.items;
        if found == expected { Ok(()) } else { Err(format!("{found} outcomes came for {expected} items")) }
    }

    fn product<D>(
        &self,
        outcome: Outcome<D>,
        done: impl FnOnce(D) -> Result<Product, String>,
    ) -> Result<Product, String> {
        match outcome {
            Outcome::Done(what) => done(what),
            Outcome::Failed(why) => {
                self.within(why.cost)?;
                Ok(Product::Failed(said(why)?))
            }
        }
    }

    fn judged(&self, judged: Judged) -> Result<Product, String> {
        let Card::Reward(card) = self.card else { return Err("its card is not that of a reward".to_owned()) };
        self.within(judged.cost)?;
        if !judged.mean.is_finite() {
            return Err(format!("the score is {}, which is no finite number", judged.mean));
        }
        if let Some((low, high)) = card.range.filter(|(low, high)| !(*low..=*high).contains(&judged.mean)) {
            return Err(format!("the score is {}, outside of the card's range of {low} to {high}", judged.mean));
        }
        let sigmas = judged.parts.iter().map(|part| part.sigma).chain([judged.sigma]).flatten();
        if let Some(sigma) = sigmas.into_iter().find(|sigma| !(sigma.is_finite() && *sigma >= 0.0)) {
            return Err(format!("a standard deviation is {sigma}"));
        }
        if card.gives_sigma && judged.sigma.is_none() {
            return Err("the card promises a standard deviation, and the score has none".to_owned());
        }
        check_parts(&judged)?;
        Ok(Product::Score(judged))
    }

    fn made(&self, edited: &Edited) -> Result<Product, String> {
        self.within(edited.cost)?;
        let pixels = self.pixels(&edited.image)?;
        if let Some(parts) = &edited.trajectory {
            self.check_trajectory(parts)?;
        }
        if let Some(seed) = edited.effective_seed.filter(|seed| *seed >= 1 << 53) {
            return Err(format!("the seed that was used is {seed}, which is not below 2^53"));
        }
        let (notes, has_trajectory) = (edited.notes.clone(), edited.trajectory.is_some());
        Ok(Product::Picture(Made { pixels, notes, has_trajectory }))
    }

    /// The pixels of a picture that the plugin gave.
    pub(super) fn pixels(&self, picture: &Picture) -> Result<Rgb8, String> {
        let bytes = match &picture.body {
            PictureBody::Inline(bytes) => bytes.to_vec(),
            PictureBody::File(place) => self.file(place)?,
        };
        let pixels = decode_rgb8(&bytes, &Limits::default());
        let pixels = pixels.map_err(|error| format!("what it gave as a picture is none: {error}"))?;
        inspected(&picture.media, (picture.width, picture.height), &bytes)?;
        Ok(pixels)
    }

    /// A file that the plugin gave, which must be in its part of the spool and hold what was announced.
    fn file(&self, place: &FilePlace) -> Result<Vec<u8>, String> {
        let folder = self.spool.join("plugin").canonicalize().unwrap_or_else(|_| self.spool.join("plugin"));
        let shown: String = place.path.chars().take(200).collect();
        let real =
            Path::new(&place.path).canonicalize().map_err(|error| format!("cannot read its file {shown}: {error}"))?;
        if !real.starts_with(&folder) {
            return Err(format!("its file {shown} is not in the folder {} of the spool", folder.display()));
        }
        let bytes = fs::read(&real).map_err(|error| format!("cannot read its file {shown}: {error}"))?;
        place.check(&bytes).map_err(|difference| format!("the file {shown} {difference}"))?;
        Ok(bytes)
    }

    fn check_trajectory(&self, parts: &TrajectoryParts) -> Result<(), String> {
        let steps = parts.timesteps.len();
        let bytes = match &parts.latents {
            Blob::Inline(bytes) => bytes.to_vec(),
            Blob::File(place) => self.file(place)?,
        };
        let extents = parts.shape.iter().try_fold(4 * (steps as u64 + 1), |all, extent| all.checked_mul(*extent));
        if extents != Some(bytes.len() as u64) {
            let shape = &parts.shape;
            return Err(format!("its trajectory has {} bytes of latents for {steps} steps of {shape:?}", bytes.len()));
        }
        if parts.sigmas.len() != steps + 1 || parts.log_probabilities.len() != steps {
            let (sigmas, logs) = (parts.sigmas.len(), parts.log_probabilities.len());
            return Err(format!(
                "its trajectory has {steps} steps, {sigmas} noise levels (one more) and {logs} probabilities (as many)"
            ));
        }
        let numbers = parts.timesteps.iter().chain(&parts.sigmas).chain(parts.log_probabilities.iter().flatten());
        let of_bytes = bytes.chunks_exact(4).filter_map(|four| Some(f32::from_le_bytes(four.try_into().ok()?)));
        match numbers.copied().chain(of_bytes).find(|number| !number.is_finite()) {
            Some(number) => Err(format!("its trajectory holds {number}")),
            None => Ok(()),
        }
    }

    /// Whether a cost is within what the card promises.
    fn within(&self, cost: CostNumbers) -> Result<(), String> {
        let most = match self.card {
            Card::Editor(card) => card.cost,
            Card::Reward(card) => card.cost,
        };
        let pairs = [
            ("nfe", cost.nfe, most.nfe),
            ("tokens", cost.tokens, most.tokens),
            ("usd_micros", cost.usd_micros, most.usd_micros),
        ];
        match pairs.into_iter().find(|(_, found, most)| found > most) {
            Some((what, found, most)) => {
                Err(format!("it spent {found} {what} on an item, and the card says at most {most}"))
            }
            None => Ok(()),
        }
    }
}

fn check_parts(judged: &Judged) -> Result<(), String> {
    let mut names = BTreeSet::new();
    for part in &judged.parts {
        let is_letter = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
        if part.name.is_empty() || !part.name.chars().all(is_letter) {
            return Err(format!("a part is called {:?}: names are lower case, digits and `_`", part.name));
        }
        if !part.mean.is_finite() {
            return Err(format!("the part `{}` is {}, which is no finite number", part.name, part.mean));
        }
        if !names.insert(&part.name) {
            return Err(format!("there are two parts `{}`", part.name));
        }
    }
    Ok(())
}

/// A failure that says something.
fn said(why: Failed) -> Result<Failed, String> {
    if why.message.trim().is_empty() {
        return Err("it says that something failed, and no word of why".to_owned());
    }
    Ok(why)
}

#[cfg(test)]
mod tests {
    use editscale_sdk::EditorCard;

    use super::*;

    fn trajectory(latents: Blob) -> TrajectoryParts {
        let (timesteps, sigmas, log_probabilities) = (vec![0.5], vec![1.0, 0.0], vec![None]);
        TrajectoryParts { shape: vec![1], latents, timesteps, sigmas, log_probabilities }
    }

    #[test]
    fn what_the_host_refuses_does_not_pass() {
        let (card, folder) = (Card::Editor(EditorCard::new("r")), tempfile::tempdir().unwrap());
        let measure = Measure { kind: PluginKind::Editor, card: &card, spool: folder.path(), items: 1 };
        let good = scene(0.5).inline();
        let turned = Picture { width: good.height, height: good.width, ..good.clone() };
        assert!(measure.pixels(&good).is_ok() && measure.pixels(&turned).is_ok());
        let other = Picture { media: "image/jpeg".into(), ..good.clone() };
        assert!(measure.pixels(&other).unwrap_err().contains("said to be `image/jpeg`: found image/png"));
        let square = Picture { height: good.width, ..good };
        assert!(measure.pixels(&square).unwrap_err().contains("said to be 64x64: found 64x48"));

        fs::create_dir(folder.path().join("plugin")).unwrap();
        let path = folder.path().join("plugin/latents.f32");
        fs::write(&path, [0; 8]).unwrap();
        let place = FilePlace::of(path.to_string_lossy(), &[0; 8]);
        assert_eq!(measure.check_trajectory(&trajectory(Blob::File(place.clone()))), Ok(()));
        let other = FilePlace { sha256: "0".repeat(64), ..place };
        let said = measure.check_trajectory(&trajectory(Blob::File(other))).unwrap_err();
        assert!(said.contains("has the SHA-256"), "{said}");
    }
}
