//! The workshop over a simulated world.

use std::num::NonZeroU32;
use std::sync::Arc;

use editscale_core::{
    CancelRule, CandidateId, Cards, Cost, Digest, EditRequest, EditorCard, EditorName, Failure, FailureKind, Image,
    ImageSize, Instruction, MediaType, NameError, PauseSupport, Proposal, Recovery, RewardCard, RewardKind, RewardName,
    Sampler, Score, ScoreCard, Seed, SeedRule, Start, Until, Usd,
};

use super::candidate::Candidate;
use super::setting::{EDIT_MICROS, STEPS, Setting};
use super::workshop::{Again, Piece, Workshop};

/// The one editor's name.
pub const EDITOR: &str = "simulated";

/// The one judge's name.
pub const JUDGE: &str = "judge";

/// One request of a world, ready to be searched.
#[derive(Debug, Clone)]
pub struct Simulation {
    setting: Setting,
    request: EditRequest,
    cards: Cards,
    judge: RewardName,
    made: Vec<Option<Made>>,
}

/// A candidate as far as it was made.
#[derive(Debug, Clone)]
struct Made {
    noise: Seed,
    candidate: Candidate,
    step: u32,
    asked: u64,
}

impl Simulation {
    /// The request of this number in a world.
    pub fn new(setting: &Setting, number: u64) -> Result<Self, NameError> {
        let (editor, judge) = (EditorName::new(EDITOR)?, RewardName::new(JUDGE)?);
        let cards = Cards {
            editors: vec![editor_card(editor)],
            rewards: vec![judge_card(judge.clone(), setting)],
            critics: vec![],
        };
        Ok(Self { setting: *setting, request: request(number), cards, judge, made: Vec::new() })
    }

    fn begun(&self, proposal: &Proposal) -> Result<Made, Failure> {
        match proposal.start {
            Start::Source => {
                let candidate = Candidate::of(&self.setting, self.request.seed, proposal.seed);
                Ok(Made { noise: proposal.seed, candidate, step: 0, asked: 0 })
            }
            Start::Paused(id) => {
                let paused = self.made.get(id.0 as usize).and_then(Option::as_ref).filter(|made| made.step < STEPS);
                paused.cloned().ok_or_else(|| Failure::new(FailureKind::Invalid, "nothing is paused there"))
            }
            Start::Candidate(_) => Err(Failure::new(FailureKind::Refused, "this editor edits no candidates")),
        }
    }

    fn card(&self, mean: f64, made: &Made) -> Result<ScoreCard, Failure> {
        let score = Score::with_sigma(mean, Some(made.candidate.sigma));
        let score = score.map_err(|error| Failure::new(FailureKind::Malformed, error.to_string()))?;
        let mut card = ScoreCard::default();
        card.enter(self.judge.clone(), Ok(score.with_features(Arc::clone(&made.candidate.look))));
        Ok(card)
    }

    fn price(&self, calls: u32) -> Cost {
        let micros = self.setting.judge_micros() * u64::from(calls);
        Cost { usd: Usd { micros }, ..Cost::default() }
    }
}

impl Workshop for Simulation {
    fn request(&self) -> &EditRequest {
        &self.request
    }

    fn cards(&self) -> &Cards {
        &self.cards
    }

    fn make(&mut self, proposal: &Proposal) -> Result<Piece, Failure> {
        let begun = self.begun(proposal)?;
        let from = begun.step;
        let step = match proposal.until {
            Until::Finished => STEPS,
            Until::Step(step) => step.clamp(from, STEPS),
        };
        let made = Made { step, ..begun };
        let mean =
            if step == STEPS { made.candidate.proxy } else { made.candidate.preview(&self.setting, made.noise, step) };
        let card = self.card(mean, &made)?;
        let place = proposal.id.0 as usize;
        self.made.resize(self.made.len().max(place + 1), None);
        self.made[place] = Some(made);
        Ok(Piece {
            image: digest(self.request.seed, proposal),
            hash: None,
            card,
            edit: steps(step - from),
            judging: self.price(1),
            judgements: 1,
        })
    }

    fn judge(&mut self, who: CandidateId, votes: u32) -> Result<Again, Failure> {
        let nobody = || Failure::new(FailureKind::Invalid, "there is no such candidate");
        let made = self.made.get_mut(who.0 as usize).and_then(Option::as_mut).ok_or_else(nobody)?;
        let votes = votes.max(1);
        let said = (1..=u64::from(votes)).map(|vote| made.candidate.again(made.noise, made.asked + vote));
        let mean = said.sum::<f64>() / f64::from(votes);
        made.asked += u64::from(votes);
        let made = made.clone();
        Ok(Again { card: self.card(mean, &made)?, judging: self.price(votes), judgements: u64::from(votes) })
    }

    fn gold(&self, who: CandidateId) -> Option<f64> {
        let made = self.made.get(who.0 as usize)?.as_ref()?;
        (made.step == STEPS).then_some(made.candidate.gold)
    }
}

/// What so many steps cost.
fn steps(count: u32) -> Cost {
    let micros = EDIT_MICROS * u64::from(count) / u64::from(STEPS);
    Cost { nfe: u64::from(count), usd: Usd { micros }, ..Cost::default() }
}

fn digest(request: Seed, proposal: &Proposal) -> Digest {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&proposal.seed.get().to_le_bytes());
    bytes[8..16].copy_from_slice(&request.get().to_le_bytes());
    bytes[16..20].copy_from_slice(&proposal.id.0.to_le_bytes());
    Digest::from_bytes(bytes)
}

/// The root of all seeds of the request of this number.
///
/// # Panics
///
/// Never: the number is cut to what a seed holds.
pub fn root_of(number: u64) -> Seed {
    #[expect(clippy::unwrap_used, reason = "a seed below the limit is one")]
    Seed::new(number % Seed::LIMIT).unwrap().mix(0)
}

/// A picture that nobody looks at, asked to be changed.
pub(crate) fn request(number: u64) -> EditRequest {
    let bytes: Arc<[u8]> = Arc::from(&b"simulated"[..]);
    let size = ImageSize { width: 1, height: 1 };
    #[expect(clippy::unwrap_used, reason = "the instruction is a good one")]
    EditRequest {
        source: Image::new(Digest::from_bytes([0; 32]), MediaType::Png, size, Arc::new(bytes)),
        instruction: Instruction::new("change it").unwrap(),
        mask: None,
        output_size: None,
        seed: root_of(number),
    }
}

/// An editor that pauses at any step and starts from nothing but the source.
pub(crate) fn editor_card(name: EditorName) -> EditorCard {
    EditorCard {
        name,
        revision: "simulated/1".into(),
        seeds: SeedRule::Reproducible { bits: 53 },
        largest_batch: NonZeroU32::MIN,
        slots: NonZeroU32::MIN,
        edits_candidates: false,
        steps: Some(STEPS),
        pause: PauseSupport::Fork,
        sampler: Sampler::Deterministic,
        cancel: CancelRule::WithinStep,
        masks: false,
        steers_noise: false,
        knobs: Vec::new(),
        cost: steps(STEPS),
        recovery: Recovery::Repeat,
    }
}

/// A judge that says how sure it is.
pub(crate) fn judge_card(name: RewardName, setting: &Setting) -> RewardCard {
    RewardCard {
        name,
        revision: "simulated/1".into(),
        range: None,
        kind: RewardKind::Pointwise,
        gives_sigma: true,
        pixel_budget: None,
        largest_batch: NonZeroU32::MIN,
        slots: NonZeroU32::MIN,
        cost: Cost { usd: Usd { micros: setting.judge_micros() }, ..Cost::default() },
    }
}
