//! A call's way through an editor or reward: pictures are handed out, results are packed and checked.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::call::Call;
use super::editor::{Edit, Editor, Made, Trajectory};
use super::outbox::{Outbox, Pack};
use super::picture::Image;
use super::reward::{Pair, Reward};
use crate::protocol::{
    Answer, Card, EditItem, EditParameters, Edited, Failed, Judged, Method, Outcome, PausedPlace, Picture, PluginKind,
    RewardItem, ScoreParameters, TrajectoryParts,
};

/// What was loaded.
pub(super) enum Model {
    Editor(Box<dyn Editor>),
    Reward(Box<dyn Reward>),
}

impl Model {
    pub(super) fn card(&self) -> Card {
        match self {
            Self::Editor(editor) => Card::Editor(editor.card()),
            Self::Reward(reward) => Card::Reward(reward.card()),
        }
    }
}

/// What does the work of calls.
pub(super) struct Worker {
    pub(super) model: Model,
    /// The most items of a call, as its card says.
    pub(super) largest_batch: u32,
}

impl Worker {
    fn kind(&self) -> PluginKind {
        match self.model {
            Model::Editor(_) => PluginKind::Editor,
            Model::Reward(_) => PluginKind::Reward,
        }
    }

    /// Does the work. Also a panic is an answer.
    pub(super) fn answer(&self, method: Method, call: &Call, outbox: &Outbox) -> Answer {
        let done = guarded(|| {
            call.check()?;
            self.fits(&method)?;
            self.work(method, call, outbox)
        });
        done.unwrap_or_else(|why| Answer::Failed { id: call.id(), why })
    }

    pub(super) fn release(&self, paused: &[PausedPlace]) {
        if let Model::Editor(editor) = &self.model {
            drop(guarded(|| {
                editor.release(paused);
                Ok(())
            }));
        }
    }

    fn fits(&self, method: &Method) -> Result<(), Failed> {
        let found = match method {
            Method::Edit(asked) => asked.items.len(),
            Method::Score(asked) => asked.items.len(),
            Method::Adopt(_) => return Ok(()),
        };
        match self.largest_batch {
            most if (1..=most as usize).contains(&found) => Ok(()),
            most => Err(Failed::invalid(format!("the call has {found} items: expected 1 to {most}"))),
        }
    }

    fn work(&self, method: Method, call: &Call, outbox: &Outbox) -> Result<Answer, Failed> {
        let id = call.id();
        match (&self.model, method) {
            (Model::Editor(editor), Method::Edit(asked)) => {
                let edits = edits(asked)?;
                let made = counted(editor.edit(&edits, call), edits.len())?;
                Ok(Answer::Edited { id, items: pack_edits(made, outbox) })
            }
            (Model::Editor(editor), Method::Adopt(asked)) => {
                Ok(Answer::Adopted { id, weights: editor.adopt(&asked, call)? })
            }
            (Model::Reward(reward), Method::Score(asked)) => {
                let pairs = pairs(asked)?;
                let judged = counted(reward.score(&pairs, call), pairs.len())?;
                Ok(Answer::Judged { id, items: judged.into_iter().map(check).collect() })
            }
            (_, method) => Err(Failed::invalid(format!(
                "this plugin was started as {}: it cannot do `{}`",
                self.kind().word(),
                word(&method)
            ))),
        }
    }
}

/// What code of a plugin's author gives; a panic in it is a failure.
pub(super) fn guarded<T>(code: impl FnOnce() -> Result<T, Failed>) -> Result<T, Failed> {
    catch_unwind(AssertUnwindSafe(code)).unwrap_or_else(|panic| Err(Failed::internal(panicked(&*panic))))
}

fn panicked(panic: &(dyn Any + Send)) -> String {
    let said = panic.downcast_ref::<&str>().copied();
    let said = said.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("the plugin's code panicked: {}", said.unwrap_or("without a message"))
}

fn word(method: &Method) -> &'static str {
    match method {
        Method::Edit(_) => "edit",
        Method::Score(_) => "score",
        Method::Adopt(_) => "adopt",
    }
}

/// The pictures of a call, by place.
struct Album(Vec<Image>);

impl Album {
    fn new(pictures: Vec<Picture>) -> Self {
        Self(pictures.into_iter().map(Image::new).collect())
    }

    fn get(&self, place: u32) -> Result<Image, Failed> {
        let missing = || Failed::invalid(format!("an item names picture {place}: the call has {}", self.0.len()));
        self.0.get(place as usize).cloned().ok_or_else(missing)
    }
}

fn pairs(asked: ScoreParameters) -> Result<Vec<Pair>, Failed> {
    let album = Album::new(asked.images);
    let pair = |item: RewardItem| {
        Ok(Pair {
            source: album.get(item.source)?,
            candidate: album.get(item.candidate)?,
            instruction: item.instruction,
            mask: item.mask.map(|mask| album.get(mask)).transpose()?,
        })
    };
    asked.items.into_iter().map(pair).collect()
}

fn edits(asked: EditParameters) -> Result<Vec<Edit>, Failed> {
    let album = Album::new(asked.images);
    let edit = |item: EditItem| {
        Ok(Edit {
            run: item.run,
            source: album.get(item.source)?,
            mask: item.mask.map(|mask| album.get(mask)).transpose()?,
            request_instruction: item.request_instruction,
            output_size: item.output_size,
            start_picture: album.get(item.start_picture)?,
            proposal: item.proposal,
            path: item.path,
        })
    };
    asked.items.into_iter().map(edit).collect()
}

/// One result an item.
fn counted<T>(results: Vec<T>, items: usize) -> Result<Vec<T>, Failed> {
    match results.len() {
        found if found == items => Ok(results),
        found => {
            Err(Failed::internal(format!("the plugin's code gave {found} results: expected {items}, one an item")))
        }
    }
}

/// A score is finite; what is not is the plugin's mistake, and is said to be.
fn check(judged: Result<Judged, Failed>) -> Outcome<Judged> {
    let judged = match judged {
        Ok(judged) => judged,
        Err(why) => return Outcome::Failed(why),
    };
    let odd = |what: &str, value: f64| {
        let expected = if value.is_finite() { "at least 0" } else { "a finite number" };
        Outcome::Failed(Failed::internal(format!("the plugin's {what} is {value}: expected {expected}")))
    };
    if !judged.mean.is_finite() {
        return odd("score", judged.mean);
    }
    if let Some(part) = judged.parts.iter().find(|part| !part.mean.is_finite()) {
        return odd(&format!("part `{}`", part.name), part.mean);
    }
    let mut sigmas = judged.parts.iter().map(|part| part.sigma).chain([judged.sigma]).flatten();
    match sigmas.find(|sigma| !(sigma.is_finite() && *sigma >= 0.0)) {
        Some(sigma) => odd("standard deviation", sigma),
        None => Outcome::Done(judged),
    }
}

fn pack_edits(made: Vec<Result<Made, Failed>>, outbox: &Outbox) -> Vec<Outcome<Edited>> {
    let mut pack = outbox.pack();
    let packed = |made: Result<Made, Failed>| match made.and_then(|made| edited(made, &mut pack)) {
        Ok(edited) => Outcome::Done(edited),
        Err(why) => Outcome::Failed(why),
    };
    made.into_iter().map(packed).collect()
}

fn edited(made: Made, pack: &mut Pack<'_>) -> Result<Edited, Failed> {
    Ok(Edited {
        image: pack.picture(&made.image)?,
        cost: made.cost,
        effective_seed: made.effective_seed,
        notes: made.notes,
        counters: made.counters,
        trajectory: made.trajectory.map(|trajectory| parts(trajectory, pack)).transpose()?,
    })
}

fn parts(trajectory: Trajectory, pack: &mut Pack<'_>) -> Result<TrajectoryParts, Failed> {
    let Trajectory { shape, latents, timesteps, sigmas, log_probabilities } = trajectory;
    Ok(TrajectoryParts { shape, latents: pack.numbers(&latents)?, timesteps, sigmas, log_probabilities })
}
