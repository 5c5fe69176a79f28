//! The workshop over a real editor and real rewards, one candidate at a time.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;
use editscale_config::{Catalogue, Recipe};
use editscale_core::{
    Candidate, CandidateId, Cards, Cost, EditBatch, EditItem, EditRequest, Failure, FailureKind, Image, Instruction,
    LocalEditor, LocalReward, NobodyWatches, PerceptualHash, Proposal, RewardBatch, RewardItem, RunId, ScoreCard, Seed,
    Start,
};
use editscale_picture::{Limits, decode, decode_rgb8, perceptual_hash};
use editscale_schema::{House, Made};

use super::held_out::{Judged, View, Wish, judge};
use super::photos;
use super::requests::Asked;
use crate::world::{Again, Piece, Workshop};

/// An editor and rewards, made as a recipe says, for one thread.
pub struct Equipment {
    editor: Box<dyn LocalEditor>,
    rewards: Vec<Box<dyn LocalReward>>,
    cards: Cards,
}

impl std::fmt::Debug for Equipment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Equipment").field("cards", &self.cards).finish_non_exhaustive()
    }
}

/// What recipes of these studies can name: what is part of the program.
pub fn catalogue() -> Catalogue {
    Catalogue::new(&[editscale_darkroom::EDITORS], &[editscale_darkroom::REWARDS, editscale_models::REWARDS])
}

impl Equipment {
    /// What a recipe names.
    pub fn of(recipe: &Recipe) -> anyhow::Result<Self> {
        let house = House::default();
        let editor = recipe.editors().first().context("a recipe has an editor")?;
        let Made::Local(load) = editor.model.make(&editor.name, &house).map_err(plain)? else {
            anyhow::bail!("expected an editor of this process");
        };
        let editor = load().map_err(plain)?;
        let mut rewards = Vec::new();
        for reward in recipe.rewards() {
            let Made::Local(load) = reward.model.make(&reward.name, &house).map_err(plain)? else {
                anyhow::bail!("expected a reward of this process");
            };
            rewards.push(load().map_err(plain)?);
        }
        let cards = Cards {
            editors: vec![editor.card().clone()],
            rewards: rewards.iter().map(|reward| reward.card().clone()).collect(),
            critics: Vec::new(),
        };
        Ok(Self { editor, rewards, cards })
    }
}

/// An error that `anyhow` takes.
#[expect(clippy::needless_pass_by_value, reason = "it stands where errors are mapped")]
fn plain(error: editscale_schema::MakeError) -> anyhow::Error {
    anyhow::anyhow!("{error}")
}

/// One request at work.
pub struct Studio<'e> {
    equipment: &'e mut Equipment,
    request: Arc<EditRequest>,
    run: RunId,
    source: View,
    wishes: &'static [Wish],
    made: Vec<Option<Done>>,
    known: BTreeMap<String, (Piece, Done)>,
}

impl std::fmt::Debug for Studio<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Studio").field("request", &self.request).finish_non_exhaustive()
    }
}

/// A finished candidate.
#[derive(Debug, Clone)]
struct Done {
    image: Image,
    judged: Judged,
}

impl<'e> Studio<'e> {
    /// A request, with the root of all its seeds.
    pub fn new(equipment: &'e mut Equipment, asked: &Asked, seed: u64) -> anyhow::Result<Self> {
        let source = photos::photo(asked.photo, photos::EDGE)?;
        let image = photos::as_image(&source)?;
        // What is edited is what the file holds.
        let source = decode(&image.read()?, &Limits::default())?.pixels;
        let request = EditRequest {
            source: image,
            instruction: Instruction::new(asked.words)?,
            mask: None,
            output_size: None,
            seed: Seed::new(seed)?,
        };
        Ok(Self {
            equipment,
            request: Arc::new(request),
            run: RunId::new("study")?,
            source: View::of(&source),
            wishes: asked.wishes,
            made: Vec::new(),
            known: BTreeMap::new(),
        })
    }

    /// Forgets the candidates of the run before, as those of a run that is over. What was made is known: made in the same way
    /// again, it is there at once, at the same cost.
    pub fn clear(&mut self) {
        self.made.clear();
    }

    /// What the held-out judge says of a candidate.
    pub fn judged(&self, who: CandidateId) -> Option<Judged> {
        self.made.get(who.0 as usize)?.as_ref().map(|done| done.judged)
    }

    fn start(&self, start: Start) -> Result<Image, Failure> {
        let none = || Failure::new(FailureKind::Invalid, "there is no such picture to start from");
        match start {
            Start::Source => Ok(self.request.source.clone()),
            Start::Candidate(id) => {
                let made = self.made.get(id.0 as usize).and_then(Option::as_ref);
                made.map(|done| done.image.clone()).ok_or_else(none)
            }
            Start::Paused(_) => Err(none()),
        }
    }

    fn edit(&mut self, proposal: &Proposal) -> Result<Candidate, Failure> {
        let item = EditItem {
            run: self.run.clone(),
            request: Arc::clone(&self.request),
            proposal: proposal.clone(),
            start: self.start(proposal.start)?,
            path: Vec::new(),
            earlier: None,
        };
        let made = self.equipment.editor.edit(&EditBatch { items: vec![item] }, &NobodyWatches);
        made.into_iter().next().unwrap_or_else(|| Err(Failure::new(FailureKind::Malformed, "the editor gave nothing")))
    }

    fn scores(&mut self, image: &Image) -> (ScoreCard, Cost) {
        let (mut card, mut cost) = (ScoreCard::default(), Cost::default());
        for reward in &mut self.equipment.rewards {
            let item = RewardItem { request: Arc::clone(&self.request), candidate: image.clone() };
            let said = reward.score(&RewardBatch { items: vec![item] }, &NobodyWatches);
            let name = reward.card().name.clone();
            for judgement in said {
                if let Ok(judgement) = &judgement {
                    cost += judgement.cost;
                }
                card.enter(name.clone(), judgement.map(|judgement| judgement.score));
            }
        }
        (card, cost)
    }

    fn made_anew(&mut self, proposal: &Proposal) -> Result<(Piece, Done), Failure> {
        let candidate = self.edit(proposal)?;
        let image = photos::named(&candidate.image.bytes, candidate.image.size);
        let malformed = |error: &dyn std::error::Error| Failure::new(FailureKind::Malformed, error.to_string());
        let pixels = decode(&candidate.image.bytes, &Limits::default()).map_err(|error| malformed(&error))?.pixels;
        let plain = decode_rgb8(&candidate.image.bytes, &Limits::default()).map_err(|error| malformed(&error))?;
        let (card, judging) = self.scores(&image);
        let done = Done { image: image.clone(), judged: judge(&self.source, &pixels, self.wishes) };
        let piece = Piece {
            image: image.digest(),
            hash: Some(PerceptualHash(perceptual_hash(&plain))),
            card,
            edit: candidate.cost,
            judging,
            judgements: self.equipment.rewards.len() as u64,
        };
        Ok((piece, done))
    }
}

impl Workshop for Studio<'_> {
    fn request(&self) -> &EditRequest {
        &self.request
    }

    fn cards(&self) -> &Cards {
        &self.equipment.cards
    }

    fn make(&mut self, proposal: &Proposal) -> Result<Piece, Failure> {
        let start = self.start(proposal.start)?.digest();
        let is_source = proposal.start == Start::Source;
        let key = format!("{is_source} {start} {} {:?} {}", proposal.seed, proposal.knobs, proposal.instruction);
        let (piece, done) = match self.known.get(&key) {
            Some(known) => known.clone(),
            None => self.made_anew(proposal)?,
        };
        self.known.insert(key, (piece.clone(), done.clone()));
        let place = proposal.id.0 as usize;
        self.made.resize(self.made.len().max(place + 1), None);
        self.made[place] = Some(done);
        Ok(piece)
    }

    fn judge(&mut self, who: CandidateId, votes: u32) -> Result<Again, Failure> {
        let none = || Failure::new(FailureKind::Invalid, "there is no such candidate");
        let image = self.made.get(who.0 as usize).and_then(Option::as_ref).map(|done| done.image.clone());
        // These rewards say the same again: one asking stands for all, and all are paid for.
        let (card, judging) = self.scores(&image.ok_or_else(none)?);
        let judgements = u64::from(votes.max(1)) * self.equipment.rewards.len() as u64;
        Ok(Again { card, judging, judgements })
    }

    fn gold(&self, who: CandidateId) -> Option<f64> {
        self.judged(who).map(|judged| judged.gold)
    }
}
