//! Editors and rewards whose behaviour a test scripts.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use editscale_core::{
    BoxFuture, CancelRule, Candidate, CandidateId, Cost, Counters, Digest, EditBackend, EditBatch, EditItem,
    EditRequest, EditorCard, EditorName, EncodedImage, Failure, FailureKind, Image, ImageSize, Instruction, Judgement,
    KnobName, KnobScale, KnobSpec, Look, MediaType, Noise, PauseSupport, PerceptualHash, Recovery, RewardBatch,
    RewardCard, RewardItem, RewardKind, RewardModel, RewardName, RunId, Sampler, Score, Seed, SeedRule, Until, Usd,
    Watch,
};

/// A request over a made-up picture: six bytes that no decoder takes, under a digest that is not theirs.
pub fn request(seed: u64) -> EditRequest {
    let bytes: Arc<[u8]> = Arc::from(&b"source"[..]);
    let size = ImageSize { width: 1, height: 1 };
    EditRequest {
        source: Image::new(Digest::from_bytes([7; 32]), MediaType::Png, size, Arc::new(bytes)),
        instruction: Instruction::new("make it better").expect("a good instruction"),
        mask: None,
        output_size: None,
        seed: Seed::new(seed).expect("a small seed"),
    }
}

/// The card of an editor that can do everything but pause, free of cost.
pub fn editor_card(name: &str) -> EditorCard {
    let knob = KnobSpec {
        name: KnobName::new("strength").expect("a name"),
        low: 0.25,
        high: 4.0,
        default: 1.0,
        scale: KnobScale::Logarithmic,
    };
    EditorCard {
        name: EditorName::new(name).expect("a name"),
        revision: "fake/1".into(),
        seeds: SeedRule::Reproducible { bits: 53 },
        largest_batch: NonZeroU32::MIN,
        slots: NonZeroU32::new(8).expect("not zero"),
        edits_candidates: true,
        pause: PauseSupport::None,
        sampler: Sampler::Deterministic,
        cancel: CancelRule::Promptly,
        masks: true,
        steers_noise: false,
        steps: None,
        knobs: vec![knob],
        cost: Cost::default(),
        recovery: Recovery::Repeat,
    }
}

/// The card of a pointwise reward, free of cost.
pub fn reward_card(name: &str) -> RewardCard {
    RewardCard {
        name: RewardName::new(name).expect("a name"),
        revision: "fake/1".into(),
        range: Some((0.0, 1.0)),
        kind: RewardKind::Pointwise,
        gives_sigma: false,
        pixel_budget: None,
        largest_batch: NonZeroU32::new(4).expect("not zero"),
        slots: NonZeroU32::new(4).expect("not zero"),
        cost: Cost::default(),
    }
}

type Delay = Arc<dyn Fn(&EditItem) -> Duration + Send + Sync>;
type Fails = Arc<dyn Fn(&EditItem, u64) -> Option<FailureKind> + Send + Sync>;

/// An editor that makes a few bytes out of a proposal, after a scripted delay, or fails as scripted.
#[derive(Clone)]
pub struct FakeEditor {
    /// What it says of itself.
    pub card: EditorCard,
    /// How long an item takes.
    pub delay: Delay,
    /// How an item fails, by the number of the call.
    pub fails: Fails,
    /// How many items it was asked for.
    pub asked: Arc<AtomicU64>,
    /// The paused states that it was told to let go, in order.
    pub released: Arc<Mutex<Vec<CandidateId>>>,
}

impl fmt::Debug for FakeEditor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeEditor").field("card", &self.card).finish_non_exhaustive()
    }
}

impl FakeEditor {
    /// Never fails, takes no time.
    pub fn new(card: EditorCard) -> Self {
        let (delay, fails): (Delay, Fails) = (Arc::new(|_| Duration::ZERO), Arc::new(|_, _| None));
        Self { card, delay, fails, asked: Arc::default(), released: Arc::default() }
    }

    fn make(&self, item: &EditItem) -> Result<Candidate, Failure> {
        let call = self.asked.fetch_add(1, Ordering::Relaxed);
        if let Some(kind) = (self.fails)(item, call) {
            return Err(Failure::new(kind, "failed as scripted"));
        }
        let proposal = &item.proposal;
        let knobs: Vec<String> = proposal.knobs.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let path: Vec<String> = item.path.iter().map(|leg| format!("{}{:?}", leg.seed, leg.until)).collect();
        let start = item.start.digest();
        // The request's own words say nothing that the start does not.
        let is_rewritten = *proposal.instruction != *item.request.instruction.as_str();
        let words = if is_rewritten { &*proposal.instruction } else { "" };
        let (knobs, path) = (knobs.join(" "), path.join(" "));
        let bytes = format!("{} {start} {knobs} {path} {:?}{words}", proposal.seed, proposal.until);
        let size = ImageSize { width: 1, height: 1 };
        let image = EncodedImage { media: MediaType::Png, size, bytes: Arc::from(bytes.into_bytes()) };
        Ok(Candidate { cost: self.cost(item), ..Candidate::new(image) })
    }

    /// What an item costs. One that stops on the way takes an evaluation more for its preview, which whoever goes on from there
    /// has, unless steps are taken back; all its money was paid at the beginning.
    fn cost(&self, item: &EditItem) -> Cost {
        let Some(steps) = self.card.steps else { return self.card.cost };
        let stop = |until: Until| match until {
            Until::Finished => steps,
            Until::Step(step) => step,
        };
        let evaluations = |from: u32, until: Until| stop(until) - from + u32::from(until != Until::Finished);
        let (made, usd) = match (item.path.last(), &item.proposal.noise) {
            (None, _) => (evaluations(0, item.proposal.until), self.card.cost.usd),
            (Some(leg), Noise::Back(back)) => {
                (evaluations(stop(leg.until) - back, item.proposal.until), Usd::default())
            }
            (Some(leg), _) => (evaluations(stop(leg.until), item.proposal.until) - 1, Usd::default()),
        };
        Cost { nfe: self.card.cost.nfe * u64::from(made) / u64::from(steps), usd, ..self.card.cost }
    }
}

impl EditBackend for FakeEditor {
    fn card(&self) -> &EditorCard {
        &self.card
    }

    fn edit<'a>(&'a self, batch: EditBatch, _: &'a dyn Watch) -> BoxFuture<'a, Vec<Result<Candidate, Failure>>> {
        Box::pin(async move {
            let longest = batch.items.iter().map(|item| (self.delay)(item)).max().unwrap_or_default();
            if !longest.is_zero() {
                tokio::time::sleep(longest).await;
            }
            batch.items.iter().map(|item| self.make(item)).collect()
        })
    }

    fn release(&self, paused: &[(RunId, CandidateId)]) {
        let mut released = self.released.lock().unwrap_or_else(PoisonError::into_inner);
        released.extend(paused.iter().map(|(_, id)| *id));
    }
}

type Judges = Arc<dyn Fn(&RewardItem) -> Result<f64, FailureKind> + Send + Sync>;

/// A reward that scores by a scripted function, by default a number made of the candidate's digest.
#[derive(Clone)]
pub struct FakeReward {
    /// What it says of itself.
    pub card: RewardCard,
    /// What it thinks of a candidate.
    pub judges: Judges,
    /// How long a batch takes.
    pub delay: Duration,
}

impl fmt::Debug for FakeReward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeReward").field("card", &self.card).finish_non_exhaustive()
    }
}

impl FakeReward {
    /// Scores by digest, at once.
    pub fn new(card: RewardCard) -> Self {
        let by_digest = |item: &RewardItem| Ok(f64::from(item.candidate.digest().as_bytes()[0]) / 255.0);
        Self { card, judges: Arc::new(by_digest), delay: Duration::ZERO }
    }

    fn judge(&self, item: &RewardItem) -> Result<Judgement, Failure> {
        let mean = (self.judges)(item).map_err(|kind| Failure::new(kind, "failed as scripted"))?;
        let score = Score::new(mean).map_err(|error| Failure::new(FailureKind::Malformed, error.to_string()))?;
        Ok(Judgement { score, cost: self.card.cost, counters: Counters::default() })
    }
}

impl RewardModel for FakeReward {
    fn card(&self) -> &RewardCard {
        &self.card
    }

    fn score<'a>(&'a self, batch: RewardBatch, _: &'a dyn Watch) -> BoxFuture<'a, Vec<Result<Judgement, Failure>>> {
        Box::pin(async move {
            if !self.delay.is_zero() {
                tokio::time::sleep(self.delay).await;
            }
            batch.items.iter().map(|item| self.judge(item)).collect()
        })
    }
}

type Looks = Arc<dyn Fn(&EncodedImage) -> Option<PerceptualHash> + Send + Sync>;

/// Looks at pictures by a scripted function, by default at a number made of their bytes, of which every seventh picture has
/// none.
#[derive(Clone)]
pub struct FakeLook {
    /// How a picture looks.
    pub looks: Looks,
    /// How many pictures it was shown.
    pub asked: Arc<AtomicU64>,
}

impl fmt::Debug for FakeLook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeLook").field("asked", &self.asked).finish_non_exhaustive()
    }
}

impl Default for FakeLook {
    fn default() -> Self {
        let mixed = |picture: &EncodedImage| {
            // FNV-1a.
            let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
            let hash = picture.bytes.iter().fold(0xcbf2_9ce4_8422_2325, mix);
            (!hash.is_multiple_of(7)).then_some(PerceptualHash(hash))
        };
        Self { looks: Arc::new(mixed), asked: Arc::default() }
    }
}

impl Look for FakeLook {
    fn hash(&self, picture: &EncodedImage) -> Option<PerceptualHash> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        (self.looks)(picture)
    }
}
