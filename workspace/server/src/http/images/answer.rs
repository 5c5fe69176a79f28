//! The answer of the images API, with what the search adds to it.

use axum::http::StatusCode;
use editscale_core::ImageSize;
use editscale_engine::RunRecord;
use serde::Serialize;
use utoipa::ToSchema;

use super::super::error::ApiError;
use super::pictures::{Display, ImageForm, Ready};
use crate::form::{LedgerForm, RunForm};
use crate::refusal::Refusal;
use crate::runs::State;

/// The pictures, the best first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ImagesAnswer {
    /// Seconds since 1970 at which the request was accepted.
    created: u64,
    data: Vec<ImageForm>,
    /// `png`, `jpeg` or `webp`.
    output_format: &'static str,
    /// `WIDTHxHEIGHT` of the best, in pixels.
    size: String,
    /// `opaque`, or `transparent` where the best has anything that can be seen through.
    background: &'static str,
    usage: UsageForm,
    editscale: SearchForm,
}

/// Tokens, as far as editors and rewards tell them.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(super) struct UsageForm {
    /// Always 0: nothing tells which tokens went in.
    input_tokens: u64,
    /// All tokens that were told of.
    output_tokens: u64,
    /// The same.
    total_tokens: u64,
    input_tokens_details: TokensForm,
}

/// Tokens by kind.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(super) struct TokensForm {
    /// Always 0.
    image_tokens: u64,
    /// Always 0.
    text_tokens: u64,
}

impl UsageForm {
    fn new(record: &RunRecord) -> Self {
        let tokens = record.outcome.as_ref().map_or(0, |outcome| outcome.ledger.cost.tokens);
        let input_tokens_details = TokensForm { image_tokens: 0, text_tokens: 0 };
        Self { input_tokens: 0, output_tokens: tokens, total_tokens: tokens, input_tokens_details }
    }
}

/// What the search adds.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct SearchForm {
    /// The run, as it is found under `/v1/runs`.
    run: String,
    /// The recipe.
    recipe: String,
    /// `done`, or `expired` where the deadline passed and these are the best so far.
    state: &'static str,
    /// Why the search ended: `target`, `patience`, `finished`, `budget`, `enough` or `stuck`.
    reason: Option<String>,
    /// What was spent.
    ledger: Option<LedgerForm>,
    /// Fields of the request that mean nothing here.
    ignored: Vec<String>,
    /// How the run was searched, where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) trace: Option<RunForm>,
}

impl SearchForm {
    fn new(display: &Display, record: &RunRecord, state: &State) -> Self {
        let outcome = record.outcome.as_ref();
        let is_done = *state == State::Done;
        Self {
            run: display.live.id().to_string(),
            recipe: display.live.recipe(),
            state: state.word(),
            // A run that was stopped has no reason of its own.
            reason: outcome.filter(|_| is_done).map(|outcome| outcome.verdict.reason.word().to_owned()),
            ledger: outcome.map(|outcome| LedgerForm::from(&outcome.ledger)),
            ignored: display.wanted.ignored.clone(),
            trace: display.wanted.trace.then(|| RunForm::from(record)),
        }
    }
}

/// What a run that has ended has for its client.
#[derive(Debug)]
pub(super) struct Album {
    /// At least one, the best first.
    pub(super) pictures: Vec<Ready>,
    pub(super) usage: UsageForm,
    pub(super) search: SearchForm,
}

impl Album {
    /// What a run came to that ended so. Reads files and computes.
    pub(super) fn new(display: &Display, state: &State) -> Result<Self, Refusal> {
        let record =
            display.live.read().ok_or_else(|| Refusal::absent("record of the run", display.live.id().as_str()))?;
        let pictures = display.best(&record)?;
        if pictures.is_empty() {
            return Err(Refusal::Late("the deadline passed before there was a picture".to_owned()));
        }
        let search = SearchForm::new(display, &record, state);
        Ok(Self { pictures, usage: UsageForm::new(&record), search })
    }
}

impl ImagesAnswer {
    /// The answer for a run that ended so. Reads files and computes.
    pub(super) fn new(display: &Display, state: &State) -> Result<Self, Refusal> {
        let Album { pictures, usage, search } = Album::new(display, state)?;
        Ok(Self {
            created: display.live.accepted(),
            output_format: display.format_word(),
            size: pictures.first().map(|best| size_word(best.size)).unwrap_or_default(),
            background: pictures.first().map_or("opaque", |best| best.background),
            data: pictures.into_iter().map(|ready| ready.form).collect(),
            usage,
            editscale: search,
        })
    }
}

/// A size as clients write it.
pub(super) fn size_word(size: ImageSize) -> String {
    format!("{}x{}", size.width, size.height)
}

/// A run that can have pictures has ended so; or why there are none.
pub(super) fn over(state: State) -> Result<State, ApiError> {
    match state {
        State::Done | State::Expired => Ok(state),
        State::Failed(why) => Err(Refusal::InVain(why).into()),
        State::Cancelled => {
            Err(ApiError::new(StatusCode::CONFLICT, "run_error", "cancelled", "the run was cancelled before its end"))
        }
        State::Paused => Err(Refusal::Closing.into()),
        State::Queued | State::Running => Err(Refusal::broken("the run has not ended").into()),
    }
}
