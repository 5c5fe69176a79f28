//! `POST /score` as `UniRL`'s reward service has it, for trainers that know that.
//!
//! Source: `Tencent-Hunyuan/UniRL` at commit 1a7b501e, `unirl-reward-service/reward_service/schemas.py` (the wire format),
//! `server.py` (errors by reward, 400 for an unknown one) and `scorers/editreward.py` (two turns: the source, then the
//! candidate; the instruction is the first turn's text; two numbers, `edit_following` and `edit_quality`).

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use editscale_core::{Failure, FailureKind, Score};
use futures_util::future::try_join_all;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::{json, read, unreadable};
use super::form::{MOST_ITEMS, Text};
use super::pairs::{Desk, Item, Pair, Sent};
use super::{answers, check_open, computed, items, limits};
use crate::batching::Answer;
use crate::http::App;
use crate::http::caller::Caller;
use crate::http::error::{ApiError, ErrorBody};
use crate::refusal::Refusal;
use crate::rewards::Scorer;
use crate::service::Service;

/// What the two heads of `EditReward` are called here and there.
const HEADS: [(&str, &str); 2] = [("instruction_following", "edit_following"), ("visual_quality", "edit_quality")];

#[derive(Debug, Deserialize)]
struct Asked<'a> {
    #[serde(borrow)]
    requests: Vec<AskedRequest<'a>>,
}

#[derive(Debug, Deserialize)]
struct AskedRequest<'a> {
    #[serde(borrow)]
    history: Vec<Turn<'a>>,
    required_rewards: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Turn<'a> {
    #[serde(borrow)]
    text: Text<'a>,
    #[serde(borrow, default)]
    image_b64: Option<Text<'a>>,
    #[serde(default)]
    video_b64: Option<IgnoredAny>,
    #[serde(default)]
    video_path: Option<IgnoredAny>,
}

/// What to score.
#[derive(Debug, Deserialize, ToSchema)]
#[expect(dead_code, reason = "it is read as `Asked`, which copies nothing")]
pub(super) struct UnirlRequest {
    /// At most 1024, each counted once for every reward.
    requests: Vec<UnirlItem>,
}

/// A candidate and what it is scored against.
#[derive(Debug, Deserialize, ToSchema)]
#[expect(dead_code, reason = "it is read as `AskedRequest`, which copies nothing")]
struct UnirlItem {
    /// Two turns: the source with the instruction, then the candidate.
    history: Vec<UnirlTurn>,
    /// The rewards' names.
    required_rewards: Vec<String>,
    /// Not looked at.
    metadata: Option<serde_json::Value>,
}

/// A picture with a text.
#[derive(Debug, Deserialize, ToSchema)]
#[expect(dead_code, reason = "it is read as `Turn`, which copies nothing")]
struct UnirlTurn {
    /// The instruction.
    text: String,
    /// The picture's file in base64.
    image_b64: Option<String>,
}

/// One entry a request, in order.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct UnirlReply {
    /// Numbers by reward and metric.
    results: Vec<BTreeMap<String, BTreeMap<String, f64>>>,
    /// By reward, why it has none.
    errors: Vec<BTreeMap<String, String>>,
}

/// One reward, and what it is asked about.
struct Share {
    reward: String,
    /// Places of the requests that ask for it.
    places: Vec<usize>,
    items: Vec<Item>,
}

/// What each reward is asked about.
fn shares(service: &Service, body: &[u8]) -> Result<(usize, Vec<Share>), ApiError> {
    let asked: Asked<'_> = read(body)?;
    let scorings: usize = asked.requests.iter().map(|request| request.required_rewards.len()).sum();
    if scorings.max(asked.requests.len()) > MOST_ITEMS {
        return Err(unreadable(format!("expected at most {MOST_ITEMS} scorings, found {scorings}")));
    }
    let names: BTreeSet<&String> = asked.requests.iter().flat_map(|request| &request.required_rewards).collect();
    let limits = limits(service);
    let mut desk = Desk::new(&limits);
    let share = |name: &String| {
        let scorer = scorer(service, name)?;
        let is_for = |(_, request): &(usize, &AskedRequest<'_>)| request.required_rewards.contains(name);
        let (places, pairs): (Vec<_>, Vec<_>) =
            asked.requests.iter().enumerate().filter(is_for).map(|(place, request)| (place, pair(request))).unzip();
        Ok::<_, ApiError>(Share { reward: name.clone(), places, items: checked(scorer, pairs, &mut desk)? })
    };
    let shares = names.into_iter().map(share).collect::<Result<_, _>>()?;
    Ok((asked.requests.len(), shares))
}

/// The reward of this name, which has to be there.
fn scorer<'a>(service: &'a Service, name: &str) -> Result<&'a Scorer, ApiError> {
    service.reward(Some(name)).map_err(|_| {
        let known: Vec<&str> = service.rewards().iter().map(Scorer::name).collect();
        let name: String = name.chars().take(80).collect();
        unreadable(format!("unknown reward: {name}. available: {}", known.join(", ")))
    })
}

/// Items of the pairs that are some, and why the others are none.
fn checked(scorer: &Scorer, pairs: Vec<Result<Pair<'_>, String>>, desk: &mut Desk<'_>) -> Result<Vec<Item>, Refusal> {
    let good: Vec<Pair<'_>> = pairs.iter().flatten().cloned().collect();
    let mut items = items(scorer, &good, desk)?.into_iter();
    let invalid = |why: String| Err(Failure::new(FailureKind::Invalid, why));
    let item = |pair: Result<Pair<'_>, String>| match pair {
        Ok(_) => items.next().unwrap_or_else(|| invalid("no item".to_owned())),
        Err(why) => invalid(why),
    };
    Ok(pairs.into_iter().map(item).collect())
}

/// The source with the instruction, then the candidate. One picture alone is nothing that an edit can be scored by.
fn pair<'a>(request: &AskedRequest<'a>) -> Result<Pair<'a>, String> {
    if request.history.iter().any(|turn| turn.video_b64.is_some() || turn.video_path.is_some()) {
        return Err("expected pictures, found a video".to_owned());
    }
    let [source, candidate] = request.history.as_slice() else {
        let found = request.history.len();
        return Err(format!("expected two turns in `history`, the source and then the candidate, found {found}"));
    };
    let picture = |turn: &Turn<'a>, which: &str| match &turn.image_b64 {
        Some(Text(text)) => Ok(Sent::Text(text.clone())),
        None => Err(format!("expected the {which} under `image_b64`, found none")),
    };
    let instruction: Cow<'a, str> = source.text.0.clone();
    Ok(Pair { instruction, source: picture(source, "source")?, candidate: picture(candidate, "candidate")? })
}

/// The numbers of a score. Standard deviations are none of them.
fn metrics(score: &Score) -> BTreeMap<String, f64> {
    let heads: Vec<(&str, f64)> =
        HEADS.iter().filter_map(|(ours, theirs)| Some((*theirs, score.part(ours)?))).collect();
    if heads.len() == HEADS.len() && score.parts().len() == HEADS.len() {
        return heads.into_iter().map(|(name, mean)| (name.to_owned(), mean)).collect();
    }
    let parts = score.parts().iter().map(|part| (part.name().to_string(), part.mean()));
    parts.chain([("score".to_owned(), score.mean())]).collect()
}

/// A failure as `Python` would write its exception, which clients tell classes by.
fn exception(failure: &Failure) -> String {
    let class = match failure.kind {
        FailureKind::Invalid | FailureKind::Refused => "ValueError",
        FailureKind::TimedOut => "TimeoutError",
        _ => "RuntimeError",
    };
    format!("{class}({:?})", &*failure.message)
}

impl UnirlReply {
    fn new(requests: usize) -> Self {
        Self { results: vec![BTreeMap::new(); requests], errors: vec![BTreeMap::new(); requests] }
    }

    fn enter(&mut self, reward: &str, place: usize, answer: &Answer) {
        match answer {
            Ok(judgement) => {
                if let Some(results) = self.results.get_mut(place) {
                    results.insert(reward.to_owned(), metrics(&judgement.score));
                }
            }
            Err(failure) => {
                if let Some(errors) = self.errors.get_mut(place) {
                    errors.insert(reward.to_owned(), exception(failure));
                }
            }
        }
    }
}

/// Scores candidates in the words of `UniRL`.
///
/// `EditReward` answers with its heads' means as `edit_following` and `edit_quality`, every other reward with its `score` and the
/// score's parts.
#[utoipa::path(
    post, path = "/score", tag = "scores",
    request_body = UnirlRequest,
    responses(
        (status = 200, description = "an entry for each request, in order", body = UnirlReply),
        (status = 400, description = "the request is wrong, or names a reward that is not there", body = ErrorBody),
        (status = 401, description = "no key, or one that is not known", body = ErrorBody),
        (status = 403, description = "from another site", body = ErrorBody),
        (status = 413, description = "too large", body = ErrorBody),
        (status = 415, description = "no JSON", body = ErrorBody),
        (status = 429, description = "too much waits at a reward", body = ErrorBody),
        (status = 503, description = "the server is shutting down", body = ErrorBody),
    )
)]
pub(super) async fn score(
    State(app): State<Arc<App>>,
    _: Caller,
    request: Request,
) -> Result<Json<UnirlReply>, ApiError> {
    check_open(&app.service)?;
    let body = json(request).await?;
    let service = Arc::clone(&app.service);
    let (requests, shares) = computed(&app.service, body.len(), move || shares(&service, &body)).await??;
    let ask = async |Share { reward, places, items }: Share| {
        let answers = answers(app.service.reward(Some(&reward))?, items).await?;
        Ok::<_, Refusal>((reward, places, answers))
    };
    let mut reply = UnirlReply::new(requests);
    for (reward, places, answers) in try_join_all(shares.into_iter().map(ask)).await? {
        for (place, answer) in places.into_iter().zip(&answers) {
            reply.enter(&reward, place, answer);
        }
    }
    Ok(Json(reply))
}
