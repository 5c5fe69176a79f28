//! Probing a critic: is it there, does it write something that can be read, and how long does it take.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use editscale_config::Critic;
use editscale_core::{
    Attempt, CandidateId, Canvas, CriticQuestion, EditRequest, Instruction, NobodyWatches, Reviewed, Seed, Subject,
};
use editscale_schema::House;
use editscale_schema::remote::RemoteSettings;
use serde_json::json;

use super::Money;
use super::found::Found;
use super::picture::{darker, source};
use super::reach::{alone_on, reached};
use crate::world::working_critic;

/// Examines a critic on each of its servers.
pub(super) async fn examine(one: &Critic, house: &House, money: &mut Money) -> Vec<Found> {
    let servers = one.model.remote().map_or(1, |remote| remote.servers.len());
    let mut all = Vec::new();
    for place in 0..servers {
        let mut alone = one.clone();
        let server = alone.model.remote_mut().and_then(|remote| alone_on(remote, place));
        let mut found = Found::new("critic", one.name.as_str(), one.model.kind(), server);
        if let Err(error) = probe(&alone, house, money, &mut found).await {
            found.fails(format!("{error:#}"));
        }
        all.push(found);
    }
    all
}

async fn probe(one: &Critic, house: &House, money: &mut Money, found: &mut Found) -> Result<()> {
    if let Some(settings) = one.model.remote() {
        let (path, model) = one.model.free_question();
        if !reached(found, settings, &path, model).await {
            return Ok(());
        }
    }
    let critic = working_critic(one, house)?;
    let card = critic.card();
    found.assume(json!({
        "revision": &*card.revision,
        "rewrites": card.rewrites,
        "slots": card.slots,
        "usd": card.cost.usd.dollars(),
    }));
    if let Err(why) = money.take(card.cost.usd, one.model.remote().is_some_and(RemoteSettings::may_cost)) {
        found.fact("critique", format!("not tried: {why}"), json!(null));
        return Ok(());
    }
    let before = Instant::now();
    match critic.critique(question()?, &NobodyWatches).await {
        Ok(criticism) => {
            let took = before.elapsed().as_secs_f64();
            found.fact("latency", format!("{took:.2} s for a critique"), json!({"secs": took}));
            let critique = criticism.critique;
            let instruction = critique.instruction.as_ref().map(Instruction::as_str);
            let next = instruction.map_or_else(|| "no next instruction".to_owned(), |next| format!("next: {next}"));
            found.fact(
                "critique",
                format!("{} ({next})", critique.text),
                json!({"text": &*critique.text, "instruction": instruction, "satisfied": critique.satisfied}),
            );
        }
        Err(failure) => found.fails(format!("a critique failed: {failure}")),
    }
    Ok(())
}

/// A darker picture where a brighter one was asked for: there is something to say.
fn question() -> Result<CriticQuestion> {
    let source = source()?;
    let image = darker(&source)?;
    let instruction = Instruction::new("make it brighter")?;
    let told = instruction.shared();
    let seed = Seed::new(1)?;
    let request = Arc::new(EditRequest { source, instruction, mask: None, output_size: None, seed });
    let attempt = Attempt { id: CandidateId(0), image, instruction: told };
    let reviewed = Reviewed { attempt, canvas: Canvas::Source, earlier: Vec::new() };
    Ok(CriticQuestion { request, subject: Subject::Candidate(reviewed) })
}
