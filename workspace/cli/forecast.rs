//! What a run will call, spend and take at most, before anything is sent.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use editscale_config::{Editor, Recipe};
use editscale_core::{Cards, Cost, EditorCard, Extent, Ledger, Usd};
use editscale_engine::{Manifest, RunRecord, read_run};
use serde_json::{Value, json};

/// Earlier runs that are looked at, the newest first.
const MOST_RUNS: usize = 50;

/// What a run will call, spend and take at most.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Forecast {
    /// The editor that is used, or all of them where the search chooses among them, as people read it.
    editor: String,
    /// What the search makes at most.
    most: Extent,
    /// What it makes at most where no candidate fails, if that is less.
    planned: Option<Extent>,
    /// Candidates that the budget allows, if each costs the most that it can.
    affordable: u64,
    rewards: u64,
    /// Critiques that the search asks for at most; each is a reward call.
    critiques: u64,
    /// The most that one edit costs, whoever makes it.
    edit: Cost,
    /// The most that judging one candidate costs.
    judging: Cost,
    /// The most that one critique costs.
    critique: Cost,
    /// The judgements of finalists, and the most that they cost together.
    finals: (u64, Cost),
    usd_budget: Option<Usd>,
    wall_budget: Option<Duration>,
    pace: Option<Pace>,
}

/// How long candidates took in earlier runs with the same editor and rewards.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Pace {
    runs: usize,
    seconds_each: f64,
}

impl Forecast {
    pub(crate) fn new(recipe: &Recipe, cards: &Cards, pace: Option<Pace>) -> Self {
        let budget = recipe.budget();
        let rewards = cards.rewards.len() as u64;
        let editors = used(recipe, cards);
        let (edit, judging) = (dearest(editors), cards.judging());
        let search = recipe.search_factory();
        // Counts end a run for certain; what costs less than it can leaves room for more.
        let called = budget.reward_calls.and_then(|calls| calls.checked_div(rewards)).unwrap_or(u64::MAX);
        let allowed = budget.edits.unwrap_or(u64::MAX).min(called);
        let plan = search.most(cards, allowed);
        let most = Extent { judged: plan.judged.min(called), ..plan };
        let looks = plan.judged.div_ceil(plan.edits.max(1)).max(1);
        let affordable =
            budget.after(&Ledger::default()).candidates(edit, looks.saturating_mul(rewards), times(judging, looks));
        let finalists = recipe.settings().finalists.as_ref();
        let (again, again_cost) = finalists.map(|finalists| finalists.most(cards, most.edits)).unwrap_or_default();
        let calls_left =
            budget.reward_calls.map_or(u64::MAX, |calls| calls.saturating_sub(most.judged.saturating_mul(rewards)));
        Self {
            finals: (again.min(calls_left), again_cost),
            editor: named(editors),
            most,
            planned: search.planned(cards, allowed).filter(|planned| is_less(planned, &most)),
            affordable: affordable.min(most.edits),
            rewards,
            critiques: if cards.critics.is_empty() { 0 } else { recipe.settings().search.critiques() },
            edit,
            judging,
            critique: critic_cost(recipe, cards),
            usd_budget: budget.usd,
            wall_budget: budget.wall,
            pace,
        }
    }

    /// The most that is spent: by all candidates, or all that the budget has.
    fn usd(&self) -> Usd {
        let Extent { edits, judged, .. } = self.most;
        let micros = self.edit.usd.micros.saturating_mul(edits);
        let micros = micros.saturating_add(self.judging.usd.micros.saturating_mul(judged));
        let micros = micros.saturating_add(self.critique.usd.micros.saturating_mul(self.critiques));
        let most = Usd { micros: micros.saturating_add(self.finals.1.usd.micros) };
        self.usd_budget.map_or(most, |budget| budget.min(most))
    }

    fn tokens(&self) -> u64 {
        let Extent { edits, judged, .. } = self.most;
        let made = self.edit.tokens.saturating_mul(edits).saturating_add(self.judging.tokens.saturating_mul(judged));
        let critiques = self.critique.tokens.saturating_mul(self.critiques);
        made.saturating_add(critiques).saturating_add(self.finals.1.tokens)
    }

    /// Of rewards and of critics.
    fn reward_calls(&self) -> u64 {
        self.calls_for(self.most.judged)
    }

    fn calls_for(&self, judged: u64) -> u64 {
        judged.saturating_mul(self.rewards).saturating_add(self.critiques).saturating_add(self.finals.0)
    }

    /// Evaluations of the denoiser.
    fn nfe(&self, extent: &Extent) -> u64 {
        (self.edit.nfe as f64 * extent.work).ceil() as u64
    }

    fn seconds(&self) -> Option<f64> {
        let judged = self.planned.unwrap_or(self.most).judged;
        let seconds = self.pace?.seconds_each * judged as f64;
        Some(self.wall_budget.map_or(seconds, |wall| seconds.min(wall.as_secs_f64())))
    }

    /// For people, a line each.
    pub(crate) fn lines(&self) -> Vec<String> {
        let Self { editor, most, rewards, .. } = self;
        let calls = self.reward_calls();
        let finals = if self.finals.0 > 0 { format!(" and {} of finalists", self.finals.0) } else { String::new() };
        let mut lines = vec![
            "forecast: nothing is sent, and no run begins".to_owned(),
            format!("edits       at most {} by {editor}", most.edits),
            format!("judgements  at most {calls}, {rewards} a {}{finals}", self.judged_thing()),
        ];
        if self.critiques > 0 {
            lines.push(format!("critiques   at most {}, each a reward call", self.critiques));
        }
        let nfe = self.nfe(most);
        if nfe > 0 {
            lines.push(format!("evaluations at most {nfe} of the denoiser"));
        }
        lines.extend(self.planned.map(|planned| self.plan(&planned)));
        if self.tokens() > 0 {
            lines.push(format!("tokens      at most {}", self.tokens()));
        }
        lines.push(self.money());
        if self.affordable < most.edits {
            lines.push(format!(
                "budget      enough for {} of {} candidates for certain; more where they cost less than they can",
                self.affordable, most.edits
            ));
        }
        lines.push(self.time());
        lines
    }

    /// What a reward is shown.
    fn judged_thing(&self) -> &'static str {
        if self.most.judged > self.most.edits { "picture, previews among them" } else { "candidate" }
    }

    /// What is done where nothing fails.
    fn plan(&self, planned: &Extent) -> String {
        let (edits, calls) = (planned.edits, self.calls_for(planned.judged));
        let nfe = match self.nfe(planned) {
            0 => String::new(),
            nfe => format!(" and {nfe} evaluations"),
        };
        format!("planned     at most {edits} edits, {calls} judgements{nfe}, if no candidate fails or is barred")
    }

    fn money(&self) -> String {
        let (edit, judging) = (self.edit.usd, self.judging.usd);
        if edit == Usd::default() && judging == Usd::default() && self.critique.usd == Usd::default() {
            return "money       none: the recipe has no prices".to_owned();
        }
        let of = self.usd_budget.map_or_else(String::new, |budget| format!(" of a budget of {budget}"));
        let critique = match self.critique.usd {
            nothing if nothing == Usd::default() => String::new(),
            usd => format!(", and {usd} a critique"),
        };
        format!("money       at most {}{of}: {edit} an edit and {judging} for judging it{critique}", self.usd())
    }

    fn time(&self) -> String {
        match (self.seconds(), self.pace) {
            (Some(seconds), Some(pace)) => {
                let runs =
                    if pace.runs == 1 { "1 earlier run".to_owned() } else { format!("{} earlier runs", pace.runs) };
                format!("seconds     about {seconds:.0}, by {runs} with the same editor and rewards")
            }
            _ => {
                "seconds     unknown: no earlier run here has the same editor and rewards; `editscale doctor --recipe` \
                  measures one call"
                    .to_owned()
            }
        }
    }

    /// For programs: see `docs/json.md`.
    pub(crate) fn json(&self) -> Value {
        json!({
            "version": 1,
            "forecast": {
                "edits": self.most.edits,
                "affordable_edits": self.affordable,
                "reward_calls": self.reward_calls(),
                "critiques": self.critiques,
                "nfe": self.nfe(&self.most),
                "tokens": self.tokens(),
                "usd": self.usd().dollars(),
                "usd_per_edit": self.edit.usd.dollars(),
                "usd_per_judging": self.judging.usd.dollars(),
                "seconds": self.seconds(),
                "planned": self.planned.map(|planned| json!({
                    "edits": planned.edits,
                    "reward_calls": self.calls_for(planned.judged),
                    "nfe": self.nfe(&planned),
                })),
            },
        })
    }
}

/// Whether some of it is less, and nothing more.
fn is_less(one: &Extent, other: &Extent) -> bool {
    one != other && one.edits <= other.edits && one.judged <= other.judged && one.work <= other.work
}

/// The cost of so many.
fn times(cost: Cost, count: u64) -> Cost {
    Cost {
        nfe: cost.nfe.saturating_mul(count),
        tokens: cost.tokens.saturating_mul(count),
        usd: Usd { micros: cost.usd.micros.saturating_mul(count) },
    }
}

/// The cards of the editors that a search asks.
fn used<'c>(recipe: &Recipe, cards: &'c Cards) -> &'c [EditorCard] {
    &cards.editors[..used_editors(recipe).len().min(cards.editors.len())]
}

/// The editors that a search asks: all where it chooses among them, else the first.
pub(crate) fn used_editors(recipe: &Recipe) -> &[Editor] {
    let editors = recipe.editors();
    let count = if recipe.settings().search.routes() { editors.len() } else { 1 };
    &editors[..count.min(editors.len())]
}

/// The most of everything that an edit of any of them costs.
fn dearest(editors: &[EditorCard]) -> Cost {
    let most = |of: fn(&Cost) -> u64| editors.iter().map(|card| of(&card.cost)).max().unwrap_or(0);
    Cost {
        nfe: most(|cost| cost.nfe),
        tokens: most(|cost| cost.tokens),
        usd: Usd { micros: most(|cost| cost.usd.micros) },
    }
}

/// Their names as people read them.
fn named(editors: &[EditorCard]) -> String {
    let names: Vec<String> = editors.iter().map(|card| format!("`{}`", card.name)).collect();
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

/// The most that one critique of the critic that the search asks costs.
fn critic_cost(recipe: &Recipe, cards: &Cards) -> Cost {
    let named = recipe.settings().search.critic();
    let card = cards.critics.iter().find(|card| named.is_none_or(|name| card.name == *name));
    card.map_or_else(Cost::default, |card| card.cost)
}

/// How long candidates took in the earlier runs that lie in a folder: the median of the runs that had the same editor and
/// rewards. Runs that cannot be read say nothing.
pub(crate) fn pace(runs: &Path, recipe: &Recipe, cards: &Cards) -> Option<Pace> {
    let mut folders: Vec<(SystemTime, std::path::PathBuf)> = fs::read_dir(runs)
        .ok()?
        .flatten()
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    folders.sort_by(|a, b| b.cmp(a));
    let (editors, rewards) = Manifest::revisions(cards);
    let count = used(recipe, cards).len();
    let is_same = |record: &RunRecord| {
        let asked = record.manifest.editors.get(..count);
        asked.is_some() && asked == editors.get(..count) && record.manifest.rewards == rewards
    };
    let records = folders.iter().take(MOST_RUNS).filter_map(|(_, path)| read_run(path).ok()).filter(is_same);
    let mut each: Vec<f64> = records.filter_map(|record| seconds_each(&record)).collect();
    each.sort_by(f64::total_cmp);
    let seconds_each = *each.get(each.len() / 2)?;
    Some(Pace { runs: each.len(), seconds_each })
}

fn seconds_each(record: &RunRecord) -> Option<f64> {
    let finished = record.candidates.iter().filter(|candidate| candidate.made.is_some()).count();
    (record.outcome.is_some() && finished > 0).then(|| record.active.as_secs_f64() / finished as f64)
}

#[cfg(test)]
mod tests {
    use editscale_core::{EditorName, PauseSupport, RewardCard, RewardName};

    use super::*;

    fn cards(usd: u64) -> Cards {
        let cost = Cost { nfe: 28, tokens: 100, usd: Usd { micros: usd } };
        let editor = EditorCard { cost, ..EditorCard::plain(EditorName::new("far").unwrap(), "1") };
        let cost = Cost { tokens: 10, usd: Usd { micros: usd / 2 }, nfe: 0 };
        let reward = RewardCard { cost, ..RewardCard::plain(RewardName::new("judge").unwrap(), "1") };
        Cards { editors: vec![editor], rewards: vec![reward], critics: Vec::new() }
    }

    fn forecast(budget: &str, usd: u64, pace: Option<Pace>) -> Forecast {
        forecast_with("", budget, usd, pace)
    }

    fn forecast_with(finalists: &str, budget: &str, usd: u64, pace: Option<Pace>) -> Forecast {
        let text = format!(
            "version: 1\neditor: {{darkroom: {{}}}}\nrewards: [{{model: {{photometric: {{}}}}}}]\n\
             search: {{best_of_n: {{samples: 8}}}}\nbudget: {budget}\n{finalists}\n"
        );
        let (recipe, _) = Recipe::parse(text.as_bytes(), &crate::catalogue::catalogue()).unwrap();
        Forecast::new(&recipe, &cards(usd), pace)
    }

    #[test]
    fn a_search_that_routes_is_forecast_by_its_dearest_editor() {
        let text = "version: 1\neditors: {far: {darkroom: {}}, near: {darkroom: {}}}\n\
                    rewards: [{model: {photometric: {}}}]\nsearch: {thompson: {samples: 8}}\nbudget: {usd: 0.2}\n";
        let (recipe, _) = Recipe::parse(text.as_bytes(), &crate::catalogue::catalogue()).unwrap();
        let mut both = cards(40_000);
        let cost = Cost { nfe: 500, tokens: 0, usd: Usd { micros: 1000 } };
        both.editors.push(EditorCard { name: EditorName::new("near").unwrap(), cost, ..both.editors[0].clone() });
        let found = Forecast::new(&recipe, &both, None);
        assert_eq!((found.most.edits, found.affordable, found.edit.nfe), (8, 3, 500));
        assert_eq!((found.edit.usd.micros, found.edit.tokens), (40_000, 100));
        let lines = found.lines().join("\n");
        assert!(lines.contains("at most 8 by `far` or `near`"), "{lines}");
    }

    #[test]
    fn the_budget_bounds_what_is_forecast() {
        for (budget, usd, edits, affordable, micros) in [
            ("{}", 40_000, 8, 8, 480_000),
            ("{edits: 5}", 40_000, 5, 5, 300_000),
            ("{reward_calls: 3}", 40_000, 3, 3, 180_000),
            ("{usd: 0.2}", 40_000, 8, 3, 200_000),
            ("{tokens: 220}", 0, 8, 2, 0),
        ] {
            let found = forecast(budget, usd, None);
            assert_eq!(
                (found.most.edits, found.affordable, found.usd().micros),
                (edits, affordable, micros),
                "{budget}"
            );
        }
    }

    #[test]
    fn candidates_that_stop_half_way_are_counted_once() {
        let text = "version: 1\neditor: {darkroom: {}}\nrewards: [{model: {photometric: {}}}]\n\
                    search: {preview_pruning: {samples: 8, checkpoints: [0.25, 0.5]}}\n";
        let of = |budget: &str| {
            let text = format!("{text}{budget}");
            let (recipe, _) = Recipe::parse(text.as_bytes(), &crate::catalogue::catalogue()).unwrap();
            let mut pausing = cards(0);
            (pausing.editors[0].pause, pausing.editors[0].steps) = (PauseSupport::Resume, Some(28));
            Forecast::new(&recipe, &pausing, None)
        };
        // 8 are looked at, then 4; 2 are finished, or all anew where nothing comes of these.
        let found = of("");
        assert_eq!((found.most.edits, found.reward_calls(), found.nfe(&found.most)), (8, 20, 8 * 7 + 4 * 7 + 8 * 28));
        let lines = found.lines().join("\n");
        let planned = "at most 8 edits, 14 judgements and 112 evaluations, if no candidate fails or is barred";
        assert!(lines.contains(planned) && lines.contains("20, 1 a picture, previews among them"), "{lines}");
        assert_eq!(found.json()["forecast"]["planned"]["nfe"], 112);
        let scarce = of("budget: {edits: 4, reward_calls: 9}\n");
        let planned = scarce.planned.map(|planned| (planned.edits, planned.judged));
        assert_eq!((scarce.most.edits, scarce.reward_calls(), planned), (4, 9, Some((4, 7))));
    }

    #[test]
    fn finalists_are_judged_on_top() {
        for (budget, calls, micros) in
            [("{}", 14, 600_000), ("{reward_calls: 11}", 11, 600_000), ("{edits: 1}", 1, 60_000)]
        {
            let found = forecast_with("finalists: {count: 3, votes: 2}", budget, 40_000, None);
            assert_eq!((found.reward_calls(), found.usd().micros), (calls, micros), "{budget}");
        }
    }

    #[test]
    fn it_is_told_in_words() {
        let pace = Pace { runs: 2, seconds_each: 2.5 };
        let lines = forecast("{usd: 0.2}", 40_000, Some(pace)).lines().join("\n");
        for words in [
            "at most 8 by `far`",
            "at most $0.2000 of a budget of $0.2000: $0.0400 an edit and $0.0200 for judging it",
            "enough for 3 of 8 candidates",
            "about 20, by 2 earlier runs",
        ] {
            assert!(lines.contains(words), "{words} is not in:\n{lines}");
        }
        let free = forecast("{}", 0, None).lines().join("\n");
        assert!(free.contains("no prices") && free.contains("seconds     unknown"), "{free}");
    }
}
