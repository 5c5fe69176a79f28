//! Who is judged again when a search ends.

use editscale_core::RewardName;
use editscale_schema::{
    Absent, Documented, Fields, Key, Keys, Mistake, Mistakes, Node, Scalar, Section, Value, Whole, Yaml,
};
use editscale_search::Finalists;

use crate::gates::unknown_reward;

const COUNT: Key<Whole> = Key {
    name: "count",
    rule: Whole { low: 2, high: Finalists::MOST as u64 },
    absent: Absent::Default(4),
    meaning: "how many of the best are judged again",
};

const VOTES: Key<Whole> = Key {
    name: "votes",
    rule: Whole { low: 1, high: Finalists::MOST as u64 },
    absent: Absent::Default(3),
    meaning: "how often each reward is asked about each of them; their mean takes the place of the first score",
};

const REWARDS: Section = Section {
    name: "rewards",
    allowed: "a list of rewards",
    default: "all of the recipe",
    meaning: "which rewards are asked again, by their names in this recipe",
};

pub(crate) const FINALIST_KEYS: Keys = &[&COUNT as &dyn Documented, &VOTES, &REWARDS];

/// Reads the section. `rewards` are the names that it can name, where all of them are known.
pub(crate) fn read_finalists(fields: &Fields<'_>, rewards: Option<&[RewardName]>) -> Option<Finalists> {
    let (count, votes) = (fields.take(&COUNT), fields.take(&VOTES));
    let names = match fields.entry(REWARDS.name) {
        None => Some(Vec::new()),
        Some(entry) => {
            let names = fields.list(entry)?.iter().map(|item| read_name(item, rewards, fields.mistakes()));
            let names: Vec<Option<RewardName>> = names.collect();
            if names.is_empty() {
                let mistake = Mistake::new("`rewards` of `finalists` is empty").hint("leave it out to ask all rewards");
                fields.error(&entry.node.span, mistake);
            }
            names.into_iter().collect()
        }
    };
    Some(Finalists { count: count? as u32, votes: votes? as u32, rewards: names? })
}

fn read_name(item: &Node, rewards: Option<&[RewardName]>, mistakes: &Mistakes<'_>) -> Option<RewardName> {
    let text = match &item.value {
        Value::Scalar(Scalar::Text(text)) => text,
        Value::Refused => return None,
        _ => {
            let mistake = Mistake::new("an item of `rewards` is no name: expected the name of a reward");
            mistakes.error(&item.span, mistake);
            return None;
        }
    };
    if let Some(rewards) = rewards
        && rewards.iter().all(|reward| reward.as_str() != text)
    {
        mistakes.error(&item.span, unknown_reward(text, rewards));
    }
    RewardName::new(text).map_err(|error| mistakes.error(&item.span, Mistake::new(error.to_string()))).ok()
}

pub(crate) fn write_finalists(finalists: &Finalists) -> Yaml {
    let names = || finalists.rewards.iter().map(|name| Yaml::text(name.as_str())).collect();
    let rewards = (!finalists.rewards.is_empty()).then(|| (REWARDS.name.to_owned(), Yaml::List(names())));
    let keys = [COUNT.write(Some(&finalists.count.into())), VOTES.write(Some(&finalists.votes.into())), rewards];
    Yaml::Map(keys.into_iter().flatten().collect())
}
