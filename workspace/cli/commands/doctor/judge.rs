//! Probing a reward: is it there, does it give a score, the same score again, and how long does it take.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use editscale_config::Reward;
use editscale_core::{
    EditRequest, Instruction, NobodyWatches, RewardBatch, RewardItem, RewardKind, RewardModel as Port, Score, Seed, Usd,
};
use editscale_schema::House;
use editscale_schema::remote::RemoteSettings;
use serde_json::json;

use super::Money;
use super::found::Found;
use super::picture::{darker, source};
use super::reach::{alone_on, reached};
use crate::world::reward;

/// Examines a reward on each of its servers.
pub(super) async fn examine(one: &Reward, house: &House, money: &mut Money) -> Vec<Found> {
    let servers = one.model.remote().map_or(1, |remote| remote.servers.len());
    let mut all = Vec::new();
    for place in 0..servers {
        let mut alone = one.clone();
        let server = alone.model.remote_mut().and_then(|remote| alone_on(remote, place));
        let mut found = Found::new("reward", one.name.as_str(), one.model.kind(), server);
        if let Err(error) = probe(&alone, house, money, &mut found).await {
            found.fails(format!("{error:#}"));
        }
        all.push(found);
    }
    all
}

async fn probe(one: &Reward, house: &House, money: &mut Money, found: &mut Found) -> Result<()> {
    if let Some(settings) = one.model.remote() {
        let (path, model) = one.model.free_question();
        if !reached(found, settings, &path, model).await {
            return Ok(());
        }
    }
    let reward = reward(one, house)?;
    let card = reward.card();
    found.assume(json!({
        "revision": &*card.revision,
        "range": card.range.map(|(low, high)| [low, high]),
        "listwise": card.kind == RewardKind::Listwise,
        "gives_sigma": card.gives_sigma,
        "largest_batch": card.largest_batch,
        "slots": card.slots,
        "usd": card.cost.usd.dollars(),
    }));
    // Two pictures, twice.
    let most = Usd { micros: reward.card().cost.usd.micros.saturating_mul(4) };
    if let Err(why) = money.take(most, one.model.remote().is_some_and(RemoteSettings::may_cost)) {
        found.fact("scores", format!("not tried: {why}"), json!(null));
        return Ok(());
    }
    let before = Instant::now();
    let Some(first) = scores(&*reward, found).await? else { return Ok(()) };
    let took = before.elapsed().as_secs_f64();
    found.fact("latency", format!("{took:.2} s for two pictures"), json!({"secs": took}));
    let means: Vec<f64> = first.iter().map(Score::mean).collect();
    let shown: Vec<String> = means.iter().map(|mean| format!("{mean:.4}")).collect();
    found.fact("scores", format!("{} for no edit and a good one", shown.join(" and ")), json!(means));
    if let Some((low, high)) = reward.card().range
        && means.iter().any(|mean| !(low..=high).contains(mean))
    {
        found.differs(format!("the recipe assumes scores from {low} to {high}"));
    }
    let Some(again) = scores(&*reward, found).await? else { return Ok(()) };
    let is_same = first == again;
    let words = if is_same { "the same scores when asked again" } else { "other scores when asked again" };
    found.fact("repeats", words, json!(is_same));
    Ok(())
}

/// The scores of the source itself and of a darker one, asked as one set.
async fn scores(reward: &dyn Port, found: &mut Found) -> Result<Option<Vec<Score>>> {
    let source = source()?;
    let request = Arc::new(EditRequest {
        source: source.clone(),
        instruction: Instruction::new("make it darker")?,
        mask: None,
        output_size: None,
        seed: Seed::new(1)?,
    });
    let edited = darker(&source)?;
    let items: Vec<RewardItem> =
        [source, edited].map(|candidate| RewardItem { request: Arc::clone(&request), candidate }).to_vec();
    let most = reward.card().largest_batch.get() as usize;
    let mut scores = Vec::new();
    for items in items.chunks(most) {
        for judged in reward.score(RewardBatch { items: items.to_vec() }, &NobodyWatches).await {
            match judged {
                Ok(judgement) => scores.push(judgement.score),
                Err(failure) => {
                    found.fails(format!("a judgement failed: {failure}"));
                    return Ok(None);
                }
            }
        }
    }
    Ok(Some(scores))
}
