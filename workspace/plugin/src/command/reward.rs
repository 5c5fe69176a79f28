//! A command as a reward: two pictures and an instruction in, a score out.

use std::io::Write;

use editscale_sdk::{Call, Failed, Judged, Pair, Reward, RewardCard, Welcome};

use super::files::Workshop;
use super::line::Placeholder;
use super::score::{Printed, read};
use super::settings::Ready;
use super::shell::Job;

/// The most that a score takes to say.
const MOST_PRINTED: usize = 1 << 20;

/// A command that judges.
pub(super) struct CommandReward {
    ready: Ready,
    workshop: Workshop,
}

impl CommandReward {
    pub(super) fn load(welcome: &Welcome) -> Result<Self, Failed> {
        Ok(Self { ready: Ready::of(welcome)?, workshop: Workshop::of(welcome) })
    }

    fn judge(&self, pair: &Pair, call: &Call) -> Result<Judged, Failed> {
        let Ready { settings, line, limit, .. } = &self.ready;
        let mut bench = self.workshop.bench()?;
        bench.picture(&Placeholder::Source, &pair.source)?;
        bench.picture(&Placeholder::Edited, &pair.candidate)?;
        bench.mask(pair.mask.as_ref())?;
        bench.instruction(&pair.instruction, line)?;
        let job = Job { script: &line.script, bench: &bench, call, limit: *limit, most: MOST_PRINTED };
        let Printed { judged, notes } = read(&job.run()?, &settings.score)?;
        for note in notes {
            // A log that is gone is no reason to lose a score.
            writeln!(std::io::stderr(), "{note}").ok();
        }
        Ok(judged)
    }
}

impl Reward for CommandReward {
    fn card(&self) -> RewardCard {
        let Ready { settings, revision, .. } = &self.ready;
        let (range, gives_sigma, slots) = (settings.range, settings.gives_sigma, settings.slots);
        RewardCard { range, gives_sigma, slots, ..RewardCard::new(revision) }
    }

    fn score(&self, pairs: &[Pair], call: &Call) -> Vec<Result<Judged, Failed>> {
        pairs.iter().map(|pair| self.judge(pair, call)).collect()
    }
}
