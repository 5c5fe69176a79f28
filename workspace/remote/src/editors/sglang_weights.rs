//! Other weights for `SGLang` Diffusion, through the routes that its trainers use: on every replica, or on none.
//!
//! Facts are those of 0.5.23, `runtime/entrypoints/openai/common_api.py` for adapters and
//! `runtime/entrypoints/post_training/weights_api.py` for models and checksums. A server reads paths of its own, and an
//! adapter's path once under one name. It says that an adapter could not be set with a status of 500.

use std::sync::Arc;

use editscale_core::{AdoptedPolicy, Cost, EditorName, Failure, FailureKind, PolicyKind, PolicySupport, PolicyWeights};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::item::invalid;
use crate::fleet::call::Fleet;
use crate::fleet::server::Server;
use crate::http::client::{Message, Reply};
use crate::http::multipart::Payload;
use crate::http::way::Way;
use crate::trouble::classify::refused;
use crate::trouble::error::{ErrorClass, RemoteError};
use crate::trouble::retry::Repeat;

/// What servers of this kind take up.
pub(crate) const SUPPORT: PolicySupport = PolicySupport { adapters: true, checkpoints: true };

/// The one part of a pipeline that trainers change.
const MODULE: &str = "transformer";

/// What adapters are called on a server: always the same, so that a new one takes the memory of the one before.
const NICKNAME: &str = "editscale";

/// The most bytes of an answer of these routes.
const MOST_BYTES: u64 = 1 << 20;

/// What the servers of one editor compute with, as far as is known.
#[derive(Debug, Default)]
pub(crate) struct Weights(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// None for what the servers began with.
    in_force: Option<Policy>,
    /// Whether servers may have other weights than `in_force`: a change of theirs was never heard to end.
    is_torn: bool,
    /// The models that the servers began with, in their order, asked before the first other one.
    began: Vec<Option<String>>,
    /// The adapter that the servers read last. They read no path twice.
    read: Option<PolicyWeights>,
}

#[derive(Debug, Clone)]
struct Policy {
    weights: PolicyWeights,
    checksum: String,
}

/// One change of one server.
struct Change<'a> {
    fleet: &'a Fleet,
    server: &'a Server,
    to: &'a PolicyWeights,
    /// The model that it began with, where it may have another now.
    began: Option<&'a str>,
}

/// A change that came to nothing.
struct Unchanged {
    error: RemoteError,
    /// Whether the server may have other weights than before.
    is_touched: bool,
}

impl Weights {
    /// Every server takes the weights up, or the earlier ones are put back everywhere.
    pub(crate) async fn adopt(
        &self,
        fleet: &Fleet,
        editor: &EditorName,
        weights: &PolicyWeights,
    ) -> Result<AdoptedPolicy, Failure> {
        let mut known = self.0.lock().await;
        known.check(editor, weights)?;
        known.ask_beginnings(fleet, weights).await?;
        let changed_model = known.changed_model();
        if matches!(weights.kind, PolicyKind::Adapter(_)) {
            known.read = Some(weights.clone());
        }
        // A caller that goes away leaves the servers as they happen to be.
        known.is_torn = true;
        let results = known.change_all(fleet, weights, changed_model).await;
        match agreed(fleet, &results) {
            Ok(checksum) => {
                known.is_torn = false;
                known.in_force = Some(Policy { weights: weights.clone(), checksum: checksum.clone() });
                Ok(AdoptedPolicy { version: Arc::clone(&weights.version), checksum: checksum.into() })
            }
            Err(failure) => Err(known.put_back(fleet, &results, failure).await),
        }
    }
}

impl Known {
    fn check(&self, editor: &EditorName, weights: &PolicyWeights) -> Result<(), Failure> {
        if let PolicyKind::Adapter(path) = &weights.kind {
            if !weights.scale.is_finite() {
                return Err(invalid(format!("editor `{editor}` cannot take up {weights}: expected a finite scale")));
            }
            let is_other = |read: &&PolicyWeights| read.kind == weights.kind && read.version != weights.version;
            if let Some(read) = self.read.as_ref().filter(is_other) {
                let reason = format!("its servers read `{path}` for policy `{}`, and read no path twice", read.version);
                let message = format!("editor `{editor}` cannot take up {weights}: {reason}: expected another path");
                return Err(invalid(message));
            }
        }
        Ok(())
    }

    /// Asks which models the servers have, before the first other one.
    async fn ask_beginnings(&mut self, fleet: &Fleet, weights: &PolicyWeights) -> Result<(), Failure> {
        let is_checkpoint = matches!(weights.kind, PolicyKind::Checkpoint(_));
        if !is_checkpoint || !self.began.is_empty() {
            return Ok(());
        }
        let asked = join_all(fleet.servers().iter().map(|server| model_of(fleet, server))).await;
        let failure = |error: RemoteError| error.into_failure(Repeat::Harmless, Cost::default());
        self.began = asked.into_iter().map(|model| model.map(Some).map_err(failure)).collect::<Result<_, _>>()?;
        Ok(())
    }

    /// Whether servers may have another model than they began with.
    fn changed_model(&self) -> bool {
        let is_checkpoint = |policy: &Policy| matches!(policy.weights.kind, PolicyKind::Checkpoint(_));
        self.is_torn || self.in_force.as_ref().is_some_and(is_checkpoint)
    }

    async fn change_all(
        &self,
        fleet: &Fleet,
        to: &PolicyWeights,
        changed_model: bool,
    ) -> Vec<Result<String, Unchanged>> {
        let change = |(at, server): (usize, &Arc<Server>)| {
            let began = self.began.get(at).and_then(Option::as_deref).filter(|_| changed_model);
            let server = Arc::clone(server);
            async move { Change { fleet, server: &server, to, began }.carry_out().await }
        };
        join_all(fleet.servers().iter().enumerate().map(change)).await
    }

    /// The failure, once servers that may have changed have the earlier weights again; or what became of that.
    async fn put_back(&mut self, fleet: &Fleet, results: &[Result<String, Unchanged>], failure: Failure) -> Failure {
        let is_touched = |result: &Result<String, Unchanged>| result.as_ref().err().is_none_or(|no| no.is_touched);
        let this = &*self;
        let touched = results.iter().enumerate().filter(|(_, result)| is_touched(result));
        let failed: Vec<String> = join_all(touched.map(|(at, _)| this.put_back_at(fleet, at)))
            .await
            .into_iter()
            .filter_map(Result::err)
            .collect();
        if !failed.is_empty() {
            let open = format!("{failure}; and the earlier weights could not be put back: {}", failed.join("; "));
            return Failure::new(FailureKind::Ambiguous, open);
        }
        self.is_torn = false;
        let earlier = self.in_force.as_ref().map(|policy| &policy.weights);
        if let Some(earlier) = earlier.filter(|earlier| matches!(earlier.kind, PolicyKind::Adapter(_))) {
            self.read = Some(earlier.clone());
        }
        failure
    }

    /// Gives one server the earlier weights again; they have to be the same still.
    async fn put_back_at(&self, fleet: &Fleet, at: usize) -> Result<(), String> {
        let Some(server) = fleet.servers().get(at) else { return Ok(()) };
        let base = PolicyWeights::base("base");
        let to = self.in_force.as_ref().map_or(&base, |policy| &policy.weights);
        let began = self.began.get(at).and_then(Option::as_deref);
        let change = Change { fleet, server, to, began };
        let found = change.carry_out().await.map_err(|unchanged| unchanged.error.to_string())?;
        match self.in_force.as_ref().map(|policy| &policy.checksum).filter(|expected| **expected != found) {
            Some(expected) => {
                let server = server.endpoint.base();
                Err(format!("{server}: its weights have the checksum {found}: expected {expected}"))
            }
            None => Ok(()),
        }
    }
}

/// The one checksum of all servers, or why there is none.
fn agreed(fleet: &Fleet, results: &[Result<String, Unchanged>]) -> Result<String, Failure> {
    let failed: Vec<&RemoteError> =
        results.iter().filter_map(|result| result.as_ref().err().map(|no| &no.error)).collect();
    if let Some((first, others)) = failed.split_first() {
        let mut failure = (*first).clone().into_failure(Repeat::Harmless, Cost::default());
        if !others.is_empty() {
            let all: Vec<String> = failed.iter().map(ToString::to_string).collect();
            failure.message = all.join("; ").into();
        }
        return Err(failure);
    }
    let sums: Vec<&String> = results.iter().filter_map(|result| result.as_ref().ok()).collect();
    match sums.split_first() {
        Some((first, others)) if others.iter().all(|other| other == first) => Ok((*first).clone()),
        _ => {
            let each =
                fleet.servers().iter().zip(sums).map(|(server, sum)| format!("{}: {sum}", server.endpoint.base()));
            let message = format!("the servers have different weights: {}", each.collect::<Vec<_>>().join(", "));
            Err(Failure::new(FailureKind::Malformed, message))
        }
    }
}

impl Change<'_> {
    /// The checksum of the weights afterwards.
    async fn carry_out(&self) -> Result<String, Unchanged> {
        let mut is_touched = false;
        for (path, body) in self.steps() {
            let is_unmerge = path == UNMERGE;
            let told = tell(self.fleet, self.server, Method::POST, path, Some(&body)).await;
            let told = told.and_then(|reply| accepted(self.server, &reply));
            match told {
                Ok(()) => is_touched = true,
                // Nothing was ever set there.
                Err(error) if is_unmerge && error.message.contains("Lora is not enabled") => {}
                Err(error) => {
                    let has_left = error.class != ErrorClass::Dead || error.maybe_done;
                    return Err(Unchanged { is_touched: is_touched || has_left, error });
                }
            }
        }
        checksum_of(self.fleet, self.server).await.map_err(|error| Unchanged { error, is_touched: true })
    }

    /// Which routes are called, and with what.
    fn steps(&self) -> Vec<(&'static str, Value)> {
        let model = |path: &str| {
            let body = json!({"model_path": path, "flush_cache": true, "target_modules": [MODULE]});
            ("update_weights_from_disk", body)
        };
        let unmerge = (UNMERGE, json!({"target": "all"}));
        match &self.to.kind {
            PolicyKind::Checkpoint(path) => vec![unmerge, model(path)],
            PolicyKind::Base => [unmerge].into_iter().chain(self.began.map(model)).collect(),
            PolicyKind::Adapter(path) => {
                // The widest number that is the same in both precisions: 0.1 is not to become 0.10000000149.
                let strength: f64 = self.to.scale.to_string().parse().unwrap_or_else(|_| f64::from(self.to.scale));
                // Merged, so that the checksum tells it.
                let set = json!({
                    "lora_nickname": NICKNAME, "lora_path": &**path, "target": "all", "strength": strength,
                    "merge_mode": "merge",
                });
                let back = self.began.into_iter().flat_map(|began| [unmerge.clone(), model(began)]);
                back.chain([("v1/set_lora", set)]).collect()
            }
        }
    }
}

const UNMERGE: &str = "v1/unmerge_lora_weights";

/// One exchange with this very server; an answer without a status of success is a failure.
async fn tell(
    fleet: &Fleet,
    server: &Server,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> Result<Reply, RemoteError> {
    let endpoint = &server.endpoint;
    let message = Message {
        method,
        url: endpoint.beside_version(path),
        headers: endpoint.headers().clone(),
        body: body.map(Payload::json),
        most_bytes: MOST_BYTES,
        listener: None,
    };
    match fleet.http.exchange(Way::Named, message).await {
        Ok(reply) if (200..300).contains(&reply.status) => Ok(reply),
        Ok(reply) => Err(refused(endpoint, &reply)),
        Err(broken) => Err(RemoteError::broken(&broken).named(endpoint)),
    }
}

/// Whether an answer says that it was done: in words of two kinds.
fn accepted(server: &Server, reply: &Reply) -> Result<(), RemoteError> {
    let answer = reply.json().unwrap_or_default();
    if answer["success"] == Value::Bool(true) || answer["status"] == "ok" {
        return Ok(());
    }
    Err(RemoteError::malformed(
        &server.endpoint,
        "expected `success` or `status: ok` in the answer to a change of weights",
    ))
}

/// The server's own sum of the weights that it computes with.
async fn checksum_of(fleet: &Fleet, server: &Server) -> Result<String, RemoteError> {
    let body = json!({"module_names": [MODULE]});
    let reply = tell(fleet, server, Method::POST, "get_weights_checksum", Some(&body)).await?;
    let answer = reply.json().unwrap_or_default();
    let sum = answer[MODULE].as_str().filter(|sum| sum.len() >= 32 && sum.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let words = format!("expected a checksum of `{MODULE}` in the answer of `get_weights_checksum`");
    sum.map(str::to_owned).ok_or_else(|| RemoteError::malformed(&server.endpoint, &words))
}

/// The model that a server has.
async fn model_of(fleet: &Fleet, server: &Server) -> Result<String, RemoteError> {
    let reply = tell(fleet, server, Method::GET, "v1/model_info", None).await?;
    let answer = reply.json().unwrap_or_default();
    let words = "expected `model_path` in the answer of `v1/model_info`";
    answer["model_path"].as_str().map(str::to_owned).ok_or_else(|| RemoteError::malformed(&server.endpoint, words))
}
