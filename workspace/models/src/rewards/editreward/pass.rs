//! One batch of a call: pictures encoded, openings and sources run or found, then all branches in one pass.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use candle_core::{Result as Computed, Tensor};
use editscale_core::{Digest, Image};
use rayon::prelude::*;

use crate::cache::bytes;
use crate::encoders::vision_language::{EncoderPicture, Features};
use crate::layers::qwen25_vl::{LayerKeys, Pass, Passed};
use crate::rewards::editreward::asked::Asked;
use crate::rewards::editreward::branches::{Branches, End, Planned};
use crate::rewards::editreward::heads::Answer;
use crate::rewards::editreward::kept::{Beginning, Encoded, Keys, Pictures, SourceKey, Unclaimed};
use crate::rewards::editreward::rows::{Rows, Seen};
use crate::rewards::editreward::tree::Item;
use crate::rewards::editreward::{EditReward, Estimate, JudgeError, PARTS, Verdict};

/// Some pairs of a call, within the bound of memory, at work.
pub(super) struct Batch<'a> {
    judge: &'a mut EditReward,
    cancelled: &'a dyn Fn() -> bool,
    unclaimed: Unclaimed,
}

/// A source to run behind its opening.
struct Fresh {
    key: SourceKey,
    picture: Arc<Encoded>,
    opening: Arc<Keys>,
}

impl<'a> Batch<'a> {
    pub(super) fn new(judge: &'a mut EditReward, cancelled: &'a dyn Fn() -> bool) -> Self {
        let unclaimed = Unclaimed { is_shared: judge.options.shares, ..Unclaimed::default() };
        Self { judge, cancelled, unclaimed }
    }

    /// One answer for each pair.
    pub(super) fn judge(mut self, asked: &[Asked<'_>]) -> Vec<Result<Verdict, JudgeError>> {
        if (self.cancelled)() {
            return asked.iter().map(|_| Err(JudgeError::Cancelled)).collect();
        }
        match self.judge_all(asked) {
            Ok(answers) => answers,
            Err(error) => {
                let error = if (self.cancelled)() { JudgeError::Cancelled } else { error.into() };
                asked.iter().map(|_| Err(error.clone())).collect()
            }
        }
    }

    fn judge_all(&mut self, asked: &[Asked<'_>]) -> Computed<Vec<Result<Verdict, JudgeError>>> {
        let known = self.known_sources(asked);
        let pictures = self.encode(asked, &known)?;
        let beginnings = self.begin(asked, known, &pictures)?;
        let mut branches = Branches::default();
        let planned: Vec<Result<Planned, JudgeError>> =
            asked.iter().map(|asked| branches.add(asked, &pictures, &beginnings, &mut self.unclaimed)).collect();
        let answers = self.run(&branches, &pictures)?;
        Ok(planned.into_iter().map(|planned| self.verdict(&planned?, &answers)).collect())
    }

    /// Sources that earlier calls have run.
    fn known_sources(&mut self, asked: &[Asked<'_>]) -> HashMap<SourceKey, Beginning> {
        let mut known = HashMap::new();
        for key in asked.iter().flat_map(Asked::sources) {
            if !known.contains_key(&key)
                && let (Some(source), Some(opening)) =
                    (self.judge.sources.get(&key), self.judge.openings.get(&key.before))
            {
                known.insert(key, Beginning { opening, source });
            }
        }
        known
    }

    /// The tokens of all pictures that are needed, each encoded once.
    fn encode(&mut self, asked: &[Asked<'_>], known: &HashMap<SourceKey, Beginning>) -> Computed<Pictures> {
        let mut pictures: Pictures = HashMap::new();
        let mut fresh: Vec<&Image> = Vec::new();
        for asked in asked {
            let needs_source = asked.sources().iter().any(|key| !known.contains_key(key));
            let source = needs_source.then_some(&asked.pair.source);
            for picture in source.into_iter().chain([&asked.pair.edited]) {
                let digest = picture.digest();
                if pictures.contains_key(&digest) || fresh.iter().any(|fresh| fresh.digest() == digest) {
                    continue;
                }
                match self.judge.pictures.get(&digest) {
                    Some(encoded) => drop(pictures.insert(digest, Ok(encoded))),
                    None => fresh.push(picture),
                }
            }
        }
        let preparation = &self.judge.preparation;
        let prepared: Vec<_> = fresh.par_iter().map(|picture| preparation.prepare(picture)).collect();
        let mut ready = Vec::new();
        for (picture, prepared) in fresh.into_iter().zip(prepared) {
            match prepared {
                Ok(prepared) => ready.push((picture.digest(), prepared)),
                Err(fault) => drop(pictures.insert(picture.digest(), Err(fault))),
            }
        }
        for (digest, Features { tokens, are_new }) in self.encode_prepared(&ready)? {
            let whose = if are_new { &mut self.unclaimed.pictures } else { &mut self.unclaimed.found };
            whose.insert(digest);
            let encoded = Arc::new(Encoded(tokens));
            self.judge.pictures.keep(digest, Arc::clone(&encoded), bytes(&encoded.0));
            pictures.insert(digest, Ok(encoded));
        }
        Ok(pictures)
    }

    /// Pictures that an encoder with the same tower has seen are found there.
    fn encode_prepared(&self, prepared: &[(Digest, EncoderPicture)]) -> Computed<Vec<(Digest, Features)>> {
        let pictures: Vec<EncoderPicture> = prepared.iter().map(|(_, picture)| picture.clone()).collect();
        let features = self.judge.vision.features(&pictures, &|| self.go_on())?;
        Ok(prepared.iter().map(|(digest, _)| *digest).zip(features).collect())
    }

    fn go_on(&self) -> Computed<()> {
        if (self.cancelled)() { Err(candle_core::Error::Msg("cancelled".to_owned())) } else { Ok(()) }
    }

    /// All beginnings, those that are not known run in one pass behind their openings.
    fn begin(
        &mut self,
        asked: &[Asked<'_>],
        mut beginnings: HashMap<SourceKey, Beginning>,
        pictures: &Pictures,
    ) -> Computed<HashMap<SourceKey, Beginning>> {
        let fresh = self.fresh(asked, &beginnings, pictures)?;
        if fresh.is_empty() {
            return Ok(beginnings);
        }
        let mut rows = Rows::default();
        for Fresh { key, picture, opening } in &fresh {
            let before = rows.behind(opening);
            let place = rows.picture(picture);
            let items = (0..picture.len()).map(|at| Item::Picture { picture: place, at });
            let items: Vec<Item> = items.chain(key.between.iter().copied().map(Item::Token)).collect();
            rows.add(&items, opening.rows, &before);
        }
        let ran = self.run_rows(&rows, &[], true)?.keys;
        let mut start = 0;
        for Fresh { key, picture, opening } in fresh {
            let length = picture.len() + key.between.len();
            let source = Arc::new(Keys { layers: part_of(&ran, start, length)?, rows: length });
            start += length;
            self.unclaimed.sources.insert(key.clone(), length);
            self.judge.sources.keep(key.clone(), Arc::clone(&source), source.bytes());
            beginnings.insert(key, Beginning { opening, source });
        }
        Ok(beginnings)
    }

    /// Sources that no beginning is known of, each once, and only those whose pictures were encoded.
    fn fresh(
        &mut self,
        asked: &[Asked<'_>],
        known: &HashMap<SourceKey, Beginning>,
        pictures: &Pictures,
    ) -> Computed<Vec<Fresh>> {
        let mut fresh: Vec<Fresh> = Vec::new();
        for key in asked.iter().flat_map(Asked::sources) {
            let is_there = known.contains_key(&key) || fresh.iter().any(|there| there.key == key);
            if !is_there && let Some(Ok(picture)) = pictures.get(&key.picture) {
                let opening = self.opening(&key.before)?;
                fresh.push(Fresh { key, picture: Arc::clone(picture), opening });
            }
        }
        Ok(fresh)
    }

    /// The opening of a conversation: the same for all pictures and instructions.
    fn opening(&mut self, tokens: &[u32]) -> Computed<Arc<Keys>> {
        if let Some(opening) = self.judge.openings.get(&tokens.to_vec()) {
            return Ok(opening);
        }
        let items: Vec<Item> = tokens.iter().copied().map(Item::Token).collect();
        let mut rows = Rows::default();
        rows.add(&items, 0, &[]);
        // A template may begin with the picture.
        let layers = if items.is_empty() { Vec::new() } else { self.run_rows(&rows, &[], true)?.keys };
        let opening = Arc::new(Keys { layers, rows: items.len() });
        self.unclaimed.openings.insert(tokens.to_vec(), items.len());
        self.judge.openings.keep(tokens.to_vec(), Arc::clone(&opening), opening.bytes());
        Ok(opening)
    }

    /// Runs all branches in one pass and asks both heads: an answer for each of the branches' ends.
    fn run(&self, branches: &Branches, pictures: &Pictures) -> Computed<HashMap<End, Answer>> {
        if branches.ends.is_empty() {
            return Ok(HashMap::new());
        }
        let mut rows = Rows::default();
        for digest in &branches.pictures {
            // Branches number their pictures as these rows do: in this order, and only those that were encoded.
            match pictures.get(digest) {
                Some(Ok(picture)) => rows.picture(picture),
                _ => candle_core::bail!("picture {digest} was not encoded"),
            };
        }
        let spans = Self::lay_out(branches, &mut rows);
        let last = |end: &End| spans[&end.node].end - 1;
        let mut read: Vec<usize> = branches.ends.iter().map(last).collect();
        read.sort_unstable();
        read.dedup();
        let hidden = self.run_rows(&rows, &read, false)?.read;
        let mut answers = HashMap::new();
        for part in 0..PARTS.len() {
            let said: HashMap<usize, Answer> =
                read.iter().copied().zip(self.judge.heads.answer(part, &hidden)?).collect();
            let ends = branches.ends.iter().filter(|end| end.part == part);
            answers.extend(ends.map(|end| (*end, said[&last(end)])));
        }
        Ok(answers)
    }

    /// Puts the nodes of all branches into rows, each behind those above it: the rows of each node.
    fn lay_out(branches: &Branches, rows: &mut Rows) -> HashMap<usize, Range<usize>> {
        let mut spans: HashMap<usize, Range<usize>> = HashMap::new();
        for node in branches.order() {
            let beginning = &branches.roots[branches.tree.nodes()[node].root];
            let path = branches.tree.path(node);
            let above = &path[..path.len() - 1];
            let mut seen = rows.behind(&beginning.opening);
            seen.extend(rows.behind(&beginning.source));
            seen.extend(above.iter().map(|above| Seen::Row(spans[above].clone())));
            let first = beginning.opening.rows + beginning.source.rows;
            let first = first + above.iter().map(|above| spans[above].len()).sum::<usize>();
            spans.insert(node, rows.add(&branches.tree.nodes()[node].items, first, &seen));
        }
        spans
    }

    /// Runs rows, at least one, through the decoder.
    fn run_rows(&self, rows: &Rows, read: &[usize], keep_keys: bool) -> Computed<Passed> {
        let past = rows.past_rows();
        let pass = Pass {
            hidden: self.embed(rows)?,
            positions: rows.positions.clone(),
            segments: rows.segments(past),
            past: rows.past.iter().filter(|keys| keys.rows > 0).map(|keys| keys.layers.as_slice()).collect(),
            read: read.to_vec(),
            keep_keys,
        };
        self.judge.decoder.forward(pass, &mut |_, _| self.go_on())
    }

    /// What goes into the decoder: tokens' embeddings and pictures' tokens, in the order of the rows.
    fn embed(&self, rows: &Rows) -> Computed<Tensor> {
        let ids: Vec<u32> =
            rows.items.iter().filter_map(|item| if let Item::Token(id) = item { Some(*id) } else { None }).collect();
        let (mut parts, mut starts, mut next) = (Vec::new(), Vec::new(), ids.len());
        if !ids.is_empty() {
            parts.push(self.judge.decoder.embed(&ids)?);
        }
        for picture in &rows.pictures {
            starts.push(next);
            next += picture.len();
            parts.push(picture.0.clone());
        }
        let mut token = 0;
        let place = |item: &Item| match *item {
            Item::Token(_) => {
                token += 1;
                token as u32 - 1
            }
            Item::Picture { picture, at } => (starts[picture] + at) as u32,
        };
        let order: Vec<u32> = rows.items.iter().map(place).collect();
        let order = Tensor::new(order, &self.judge.options.compute.device)?;
        Tensor::cat(&parts, 0)?.index_select(&order, 0)
    }

    fn verdict(&self, planned: &Planned, answers: &HashMap<End, Answer>) -> Result<Verdict, JudgeError> {
        let lost = || JudgeError::Compute("a branch was not computed".to_owned());
        let answer = |part: usize| answers.get(&planned.ends[part]).copied().ok_or_else(lost);
        let heads = [answer(0)?, answer(1)?];
        let fused = self.judge.options.fusion.combine(heads[0], heads[1]);
        Ok(Verdict {
            fused: estimate(fused, "fused")?,
            parts: [estimate(heads[0], PARTS[0])?, estimate(heads[1], PARTS[1])?],
            counters: planned.counters,
        })
    }
}

fn estimate(Answer { mean, log_sigma }: Answer, part: &'static str) -> Result<Estimate, JudgeError> {
    let sigma = log_sigma.exp();
    if mean.is_finite() && sigma.is_finite() {
        Ok(Estimate { mean, sigma })
    } else {
        Err(JudgeError::NotFinite { part })
    }
}

/// Some rows of keys and values, copied so that they do not hold on to the rest.
fn part_of(layers: &[LayerKeys], start: usize, length: usize) -> Computed<Vec<LayerKeys>> {
    let part = |tensor: &Tensor| {
        if tensor.dim(0)? == length { Ok(tensor.clone()) } else { tensor.narrow(0, start, length)?.force_contiguous() }
    };
    layers.iter().map(|layer| Ok(LayerKeys { keys: part(&layer.keys)?, values: part(&layer.values)? })).collect()
}
