//! The workshop over a real editor, real rewards and a critic, one candidate at a time.

use std::collections::BTreeMap;
use std::sync::Arc;

use editscale_core::{
    Attempt, Candidate, CandidateId, Cards, Consulted, Cost, CriticName, CriticQuestion, Criticism, Digest, EditItem,
    EditRequest, Failure, FailureKind, Image, Instruction, PerceptualHash, Proposal, Reviewed, RewardItem, RewardName,
    RunId, Score, ScoreCard, Seed, Start, Subject,
};
use editscale_picture::{Limits, decode, decode_rgb8, perceptual_hash};

use super::equipment::Equipment;
use super::held_out::{Judged, View, Wish, judge};
use super::photos;
use super::requests::Asked;
use super::unsteady::{Asking, UNSTEADY, answered};
use crate::world::{Again, Piece, Workshop};

/// One request at work.
pub struct Studio<'e> {
    equipment: &'e mut Equipment,
    /// Those of the equipment that this run has, at its prices.
    cards: Cards,
    request: Arc<EditRequest>,
    run: RunId,
    source: View,
    wishes: &'static [Wish],
    made: Vec<Option<Held>>,
    known: BTreeMap<String, Done>,
    said: BTreeMap<(RewardName, [u8; 32]), Result<Score, Failure>>,
}

impl std::fmt::Debug for Studio<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Studio").field("request", &self.request).finish_non_exhaustive()
    }
}

/// A finished picture.
#[derive(Debug, Clone)]
struct Done {
    image: Image,
    hash: PerceptualHash,
    judged: Judged,
}

/// A candidate of the run.
#[derive(Debug, Clone)]
struct Held {
    done: Done,
    /// What its editor was told.
    instruction: Arc<str>,
    /// How often each reward was asked about it.
    asked: u32,
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
            cards: equipment.cards().clone(),
            equipment,
            request: Arc::new(request),
            run: RunId::new("study")?,
            source: View::of(&source),
            wishes: asked.wishes,
            made: Vec::new(),
            known: BTreeMap::new(),
            said: BTreeMap::new(),
        })
    }

    /// Begins another run, which has these of the equipment, and forgets the candidates of the run before. What was made and
    /// said is known: made in the same way again, it is there at once, at the same cost.
    pub fn begin(&mut self, cards: Cards) {
        self.cards = cards;
        self.made.clear();
    }

    /// What the held-out judge says of a candidate.
    pub fn judged(&self, who: CandidateId) -> Option<Judged> {
        self.held(who).map(|held| held.done.judged)
    }

    /// What a reward of the equipment says of a candidate, whether the run has it or not, and for nothing.
    pub fn score(&mut self, who: CandidateId, reward: &RewardName) -> Option<f64> {
        let image = self.held(who)?.done.image.clone();
        self.said(reward, &image).ok().map(|score| score.mean())
    }

    fn held(&self, who: CandidateId) -> Option<&Held> {
        self.made.get(who.0 as usize)?.as_ref()
    }

    fn start(&self, start: Start) -> Result<Image, Failure> {
        let none = || Failure::new(FailureKind::Invalid, "there is no such picture to start from");
        match start {
            Start::Source => Ok(self.request.source.clone()),
            Start::Candidate(id) => self.held(id).map(|held| held.done.image.clone()).ok_or_else(none),
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
        self.equipment.edit(item)
    }

    fn made_anew(&mut self, proposal: &Proposal) -> Result<Done, Failure> {
        let candidate = self.edit(proposal)?;
        let image = photos::named(&candidate.image.bytes, candidate.image.size);
        let malformed = |error: &dyn std::error::Error| Failure::new(FailureKind::Malformed, error.to_string());
        let pixels = decode(&candidate.image.bytes, &Limits::default()).map_err(|error| malformed(&error))?.pixels;
        let plain = decode_rgb8(&candidate.image.bytes, &Limits::default()).map_err(|error| malformed(&error))?;
        let hash = PerceptualHash(perceptual_hash(&plain));
        Ok(Done { image, hash, judged: judge(&self.source, &pixels, self.wishes) })
    }

    fn said(&mut self, reward: &RewardName, image: &Image) -> Result<Score, Failure> {
        let key = (reward.clone(), *image.digest().as_bytes());
        if let Some(known) = self.said.get(&key) {
            return known.clone();
        }
        let item = RewardItem { request: Arc::clone(&self.request), candidate: image.clone() };
        let said = self.equipment.judge(reward, item);
        self.said.insert(key, said.clone());
        said
    }

    /// What the run's rewards say of a picture. Those that say the same again are asked once for all, and all are paid for.
    fn scores(&mut self, image: &Image, asking: Asking) -> (ScoreCard, Cost) {
        let (mut card, mut cost) = (ScoreCard::default(), Cost::default());
        let picture: (Seed, Digest) = (self.request.seed, image.digest());
        for reward in self.cards.rewards.clone() {
            (0..asking.votes).for_each(|_| cost += reward.cost);
            let said = self.said(&reward.name, image);
            let is_unsteady = reward.name.as_str() == UNSTEADY;
            let said = said.and_then(|score| if is_unsteady { answered(&score, picture, asking) } else { Ok(score) });
            card.enter(reward.name, said);
        }
        (card, cost)
    }

    fn judgements(&self, votes: u32) -> u64 {
        u64::from(votes) * self.cards.rewards.len() as u64
    }

    fn hold(&mut self, proposal: &Proposal, done: Done) {
        let place = proposal.id.0 as usize;
        self.made.resize(self.made.len().max(place + 1), None);
        self.made[place] = Some(Held { done, instruction: Arc::clone(&proposal.instruction), asked: 1 });
    }
}

impl Studio<'_> {
    /// What a critic writes, at what the cards say of it.
    fn ask(&mut self, subject: Subject, critic: &CriticName) -> Result<Criticism, Failure> {
        let question = CriticQuestion { request: Arc::clone(&self.request), subject };
        let written = self.equipment.consult(critic, &question)?;
        let card = self.cards.critics.iter().find(|card| card.name == *critic);
        Ok(Criticism { cost: card.map_or_else(Cost::default, |card| card.cost), ..written })
    }
}

impl Workshop for Studio<'_> {
    fn request(&self) -> &EditRequest {
        &self.request
    }

    fn cards(&self) -> &Cards {
        &self.cards
    }

    fn make(&mut self, proposal: &Proposal) -> Result<Piece, Failure> {
        let start = self.start(proposal.start)?.digest();
        let is_source = proposal.start == Start::Source;
        let Proposal { editor, seed, knobs, instruction, .. } = proposal;
        let key = format!("{editor} {is_source} {start} {seed} {knobs:?} {instruction}");
        let done = match self.known.get(&key) {
            Some(known) => known.clone(),
            None => self.made_anew(proposal)?,
        };
        self.known.insert(key, done.clone());
        let (card, judging) = self.scores(&done.image, Asking { before: 0, votes: 1 });
        let (image, hash, judgements) = (done.image.digest(), Some(done.hash), self.judgements(1));
        self.hold(proposal, done);
        let edit = self.cards.editors.iter().find(|card| card.name == *editor);
        let edit = edit.map_or_else(Cost::default, |card| card.cost);
        Ok(Piece { image, hash, card, edit, judging, judgements })
    }

    fn judge(&mut self, who: CandidateId, votes: u32) -> Result<Again, Failure> {
        let none = || Failure::new(FailureKind::Invalid, "there is no such candidate");
        let votes = votes.max(1);
        let held = self.made.get_mut(who.0 as usize).and_then(Option::as_mut).ok_or_else(none)?;
        let (image, before) = (held.done.image.clone(), u64::from(held.asked));
        held.asked += votes;
        let (card, judging) = self.scores(&image, Asking { before, votes });
        Ok(Again { card, judging, judgements: self.judgements(votes) })
    }

    fn consult(&mut self, Consulted { id, canvas }: Consulted, critic: &CriticName) -> Result<Criticism, Failure> {
        let none = || Failure::new(FailureKind::Invalid, "there is no such candidate");
        let held = self.held(id).ok_or_else(none)?;
        let attempt = Attempt { id, image: held.done.image.clone(), instruction: Arc::clone(&held.instruction) };
        self.ask(Subject::Candidate(Reviewed { attempt, canvas, earlier: Vec::new() }), critic)
    }

    fn rewrite(&mut self, critic: &CriticName) -> Result<Criticism, Failure> {
        self.ask(Subject::Request, critic)
    }

    fn gold(&self, who: CandidateId) -> Option<f64> {
        self.judged(who).map(|judged| judged.gold)
    }
}
