//! A search driven by hand: what the engine does, in thirty lines and without pictures.
//!
//! The "editor" is a number made of the seed, the "reward" likes numbers near 0.8.

use std::io::{self, Write};
use std::sync::Arc;

use editscale_core::{Cards, Decision, Remaining, RewardName, Score, ScoreCard, SearchFactory, Trial};
use editscale_search::{BestOfN, Rules, StopRule, Weighted};
use editscale_testkit::{editor_card, request, reward_card};

fn main() -> anyhow::Result<()> {
    let judge = RewardName::new("judge")?;
    let objective = Arc::new(Weighted::new(vec![(judge.clone(), 1.0)])?);
    let rules = Rules { objective, stop: StopRule::new(Some(0.99), None)? };
    let policy = BestOfN::new(64, None, rules)?;
    let request = request(7);
    let cards =
        Cards { editors: vec![editor_card("numbers")], rewards: vec![reward_card("judge")], critics: Vec::new() };
    let mut search = policy.start(&request, &cards);
    let mut trials = Vec::new();
    let verdict = loop {
        match search.decide(&trials, &Remaining::default()) {
            Decision::Stop(verdict) => break verdict,
            Decision::Explore { proposals, .. } => {
                trials = proposals
                    .into_iter()
                    .map(|proposal| {
                        let made = proposal.seed.unit();
                        let mut card = ScoreCard::default();
                        card.enter(judge.clone(), Ok(Score::new(1.0 - (made - 0.8).abs())?));
                        Ok(Trial::Scored { id: proposal.id, image: request.source.digest(), hash: None, card })
                    })
                    .collect::<anyhow::Result<_>>()?;
            }
            other => anyhow::bail!("best of N does not ask for {other:?}"),
        }
    };
    let best = verdict.ranked.first().ok_or_else(|| anyhow::anyhow!("nothing was scored"))?;
    anyhow::ensure!(best.utility.get() > 0.95, "64 numbers hold one near 0.8");
    let (utility, reason) = (best.utility.get(), verdict.reason.word());
    writeln!(io::stdout(), "candidate {} with {utility:.3}, because {reason}", best.id)?;
    Ok(())
}
