//! Which part of the items a process does, where many machines share a data set without a server: shard `i` of `n`.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The variable that says how many indexes a Kubernetes Indexed Job has, which Kubernetes itself does not tell its pods.
pub const JOB_COMPLETIONS: &str = "JOB_COMPLETIONS";

/// A share of the items: those whose number leaves `index` when divided by `count`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sharding {
    index: u32,
    count: u32,
}

/// Why a share is none.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ShardingError {
    /// A text is no share.
    #[error("`{text}` is no shard: {reason}")]
    Text {
        /// The text.
        text: String,
        /// What was expected and found.
        reason: String,
    },
    /// Variables of the environment contradict each other, or some are missing.
    #[error("the shard cannot be taken from the environment: {0}")]
    Environment(String),
}

/// A share that was found in the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundSharding {
    /// The share.
    pub sharding: Sharding,
    /// What said so: names and values of variables.
    pub from: Vec<(&'static str, String)>,
}

impl Sharding {
    /// Shard `index`, counted from 0, of `count`.
    pub fn new(index: u32, count: u32) -> Result<Self, ShardingError> {
        let text = format!("{index}/{count}");
        if count == 0 {
            return Err(ShardingError::Text { text, reason: "expected at least one shard".to_owned() });
        }
        if index >= count {
            let reason = format!("shards are counted from 0, so the last one of {count} is {}/{count}", count - 1);
            return Err(ShardingError::Text { text, reason });
        }
        Ok(Self { index, count })
    }

    /// Which share, from 0.
    pub fn index(self) -> u32 {
        self.index
    }

    /// How many there are.
    pub fn count(self) -> u32 {
        self.count
    }

    /// Which item of its queue the item of this number is: of one queue for all, or of that of a share; nothing where it is not
    /// in that share.
    pub fn ordinal(share: Option<Self>, number: u64) -> Option<u64> {
        let Some(share) = share else { return Some(number) };
        share.has(number).then(|| number / u64::from(share.count()))
    }

    /// Whether an item of the whole data set, by its number from 0, belongs to this share.
    pub fn has(self, number: u64) -> bool {
        number % u64::from(self.count) == u64::from(self.index)
    }

    /// The share that a cluster's scheduler gave this process; nothing where there is no such scheduler. A Slurm array, a
    /// Kubernetes Indexed Job (with the number of its indexes in [`JOB_COMPLETIONS`]), the tasks of a Slurm job, and the nodes
    /// of a `SkyPilot` task are known. The tasks of one job of a Slurm array would all do the same share: that is refused.
    pub fn from_environment(lookup: impl Fn(&str) -> Option<String>) -> Result<Option<FoundSharding>, ShardingError> {
        let environment = Environment { lookup: &lookup };
        let mut found: Vec<FoundSharding> = Vec::new();
        for source in [Environment::slurm, Environment::kubernetes, Environment::skypilot] {
            found.extend(source(&environment)?);
        }
        let mut found = found.into_iter();
        let first = found.next();
        if let (Some(first), Some(other)) = (&first, found.next()) {
            let reason = format!("{first} and {other} are both set; say which shard this is with `--shard i/n`");
            return Err(ShardingError::Environment(reason));
        }
        Ok(first)
    }
}

impl FromStr for Sharding {
    type Err = ShardingError;

    /// `i/n`, with `i` from 0.
    fn from_str(text: &str) -> Result<Self, ShardingError> {
        let bad = || ShardingError::Text {
            text: text.to_owned(),
            reason: "expected i/n, such as 0/4 for the first of four shards".to_owned(),
        };
        let (index, count) = text.trim().split_once('/').ok_or_else(bad)?;
        Self::new(index.trim().parse().map_err(|_| bad())?, count.trim().parse().map_err(|_| bad())?)
    }
}

impl fmt::Display for Sharding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl fmt::Display for FoundSharding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said: Vec<String> = self.from.iter().map(|(name, value)| format!("{name}={value}")).collect();
        write!(f, "shard {} ({})", self.sharding, said.join(", "))
    }
}

/// Reads variables and remembers nothing.
struct Environment<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
}

/// A variable with its number.
type Variable = (&'static str, u32);

impl Environment<'_> {
    fn number(&self, name: &'static str) -> Result<Option<Variable>, ShardingError> {
        let Some(text) = (self.lookup)(name).filter(|text| !text.trim().is_empty()) else { return Ok(None) };
        let number = text
            .trim()
            .parse()
            .map_err(|_| ShardingError::Environment(format!("expected a whole number in {name}, found `{text}`")))?;
        Ok(Some((name, number)))
    }

    fn needed(&self, name: &'static str, beside: &str) -> Result<Variable, ShardingError> {
        let missing = || ShardingError::Environment(format!("{beside} is set and {name} is not"));
        self.number(name)?.ok_or_else(missing)
    }

    fn slurm(&self) -> Result<Option<FoundSharding>, ShardingError> {
        match self.number("SLURM_ARRAY_TASK_ID")? {
            Some(task) => self.array(task).map(Some),
            None => self.tasks(),
        }
    }

    /// A job of a Slurm array. Its numbers may begin anywhere and leave gaps of equal size.
    fn array(&self, task: Variable) -> Result<FoundSharding, ShardingError> {
        if let Some((name, several)) = self.number("SLURM_NTASKS")?.filter(|(_, tasks)| *tasks > 1) {
            let reason = format!(
                "{} is set and {name} is {several}: all tasks of this job of the array would do the same shard; start one \
                 task a job, or say which shard each is with `--shard i/n`",
                task.0
            );
            return Err(ShardingError::Environment(reason));
        }
        let first = self.needed("SLURM_ARRAY_TASK_MIN", task.0)?;
        let count = self.needed("SLURM_ARRAY_TASK_COUNT", task.0)?;
        let last = self.number("SLURM_ARRAY_TASK_MAX")?;
        let step = self.number("SLURM_ARRAY_TASK_STEP")?;
        let width = step.map_or(1, |(_, step)| step.max(1));
        let used = [Some(task), Some(first), last, step, Some(count)];
        let is_even = last.is_none_or(|(_, last)| {
            u64::from(last) == u64::from(first.1) + u64::from(width) * u64::from(count.1.saturating_sub(1))
        });
        let offset = task.1.checked_sub(first.1).filter(|offset| offset % width == 0 && is_even);
        let Some(offset) = offset else {
            let reason = format!(
                "{} do not make shards without gaps; number the array from 0, as in --array=0-{}",
                listed(&used),
                count.1.saturating_sub(1)
            );
            return Err(ShardingError::Environment(reason));
        };
        found(offset / width, count.1, &used)
    }

    /// A task of a Slurm job with several.
    fn tasks(&self) -> Result<Option<FoundSharding>, ShardingError> {
        let Some(count) = self.number("SLURM_NTASKS")?.filter(|(_, count)| *count > 1) else { return Ok(None) };
        // A batch script itself is process 0 of its job whether or not it starts the others.
        let index = self.needed("SLURM_PROCID", count.0)?;
        found(index.1, count.1, &[Some(index), Some(count)]).map(Some)
    }

    fn kubernetes(&self) -> Result<Option<FoundSharding>, ShardingError> {
        let Some(index) = self.number("JOB_COMPLETION_INDEX")? else { return Ok(None) };
        let Some(count) = self.number(JOB_COMPLETIONS)? else {
            let reason = format!(
                "JOB_COMPLETION_INDEX is set and {JOB_COMPLETIONS} is not: Kubernetes does not tell a pod how many indexes \
                 there are, so set it to `completions` of the job in the manifest"
            );
            return Err(ShardingError::Environment(reason));
        };
        found(index.1, count.1, &[Some(index), Some(count)]).map(Some)
    }

    fn skypilot(&self) -> Result<Option<FoundSharding>, ShardingError> {
        let (rank, nodes) = (self.number("SKYPILOT_NODE_RANK")?, self.number("SKYPILOT_NUM_NODES")?);
        let (rank, nodes) = match (rank, nodes) {
            (None, None) => return Ok(None),
            (Some(rank), _) => (rank, self.needed("SKYPILOT_NUM_NODES", rank.0)?),
            (None, Some(nodes)) => (self.needed("SKYPILOT_NODE_RANK", nodes.0)?, nodes),
        };
        found(rank.1, nodes.1, &[Some(rank), Some(nodes)]).map(Some)
    }
}

fn found(index: u32, count: u32, used: &[Option<Variable>]) -> Result<FoundSharding, ShardingError> {
    let wrong = |error: ShardingError| ShardingError::Environment(format!("{}: {error}", listed(used)));
    let sharding = Sharding::new(index, count).map_err(wrong)?;
    let from = used.iter().flatten().map(|(name, value)| (*name, value.to_string())).collect();
    Ok(FoundSharding { sharding, from })
}

fn listed(used: &[Option<Variable>]) -> String {
    used.iter().flatten().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_shards_or_say_why_not() {
        assert_eq!("2/3".parse(), Sharding::new(2, 3));
        let third = "3/3".parse::<Sharding>().unwrap_err().to_string();
        assert_eq!(third, "`3/3` is no shard: shards are counted from 0, so the last one of 3 is 2/3");
        for bad in ["", "1", "1/", "/2", "-1/2", "a/b", "0/0", "1/2/3", "1.0/2"] {
            assert!(bad.parse::<Sharding>().is_err(), "{bad}");
        }
    }

    #[test]
    fn shards_split_everything() {
        let shards: Vec<_> = (0..7).map(|index| Sharding::new(index, 7).unwrap()).collect();
        assert!((0..1000).all(|number| shards.iter().filter(|shard| shard.has(number)).count() == 1));
    }

    fn from(variables: &[(&str, &str)]) -> Result<Option<FoundSharding>, ShardingError> {
        Sharding::from_environment(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn schedulers_say_which_shard() {
        const ARRAY: &str = "SLURM_ARRAY_TASK_ID";
        let slurm = |id, min, max, count, step| {
            let names =
                ["SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_MAX", "SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_STEP"];
            let mut variables = vec![(ARRAY, id)];
            variables.extend(names.into_iter().zip([min, max, count, step]));
            from(&variables)
        };
        let cases = [
            (slurm("3", "0", "3", "4", "1"), "3/4"),
            (slurm("5", "1", "9", "3", "4"), "1/3"),
            (from(&[("SLURM_PROCID", "1"), ("SLURM_NTASKS", "2")]), "1/2"),
            (from(&[("JOB_COMPLETION_INDEX", "4"), ("JOB_COMPLETIONS", "5")]), "4/5"),
            (from(&[("SKYPILOT_NODE_RANK", "0"), ("SKYPILOT_NUM_NODES", "2")]), "0/2"),
        ];
        for (found, expected) in cases {
            assert_eq!(found.unwrap().unwrap().sharding.to_string(), expected);
        }
        assert_eq!(from(&[("SLURM_PROCID", "0"), ("SLURM_NTASKS", "1")]), Ok(None));
        assert_eq!(from(&[("SKYPILOT_NODE_RANK", "")]), Ok(None));
        let said = from(&[("SLURM_PROCID", "1"), ("SLURM_NTASKS", "2")]).unwrap().unwrap();
        assert_eq!(said.to_string(), "shard 1/2 (SLURM_PROCID=1, SLURM_NTASKS=2)");
    }

    #[test]
    fn contradictions_are_refused() {
        let array = [("SLURM_ARRAY_TASK_ID", "3"), ("SLURM_ARRAY_TASK_MIN", "0"), ("SLURM_ARRAY_TASK_COUNT", "3")];
        let uneven = [&array[..], &[("SLURM_ARRAY_TASK_MAX", "7")]].concat();
        let several = [&array[..], &[("SLURM_NTASKS", "8")]].concat();
        let both =
            [("SLURM_PROCID", "1"), ("SLURM_NTASKS", "2"), ("SKYPILOT_NODE_RANK", "0"), ("SKYPILOT_NUM_NODES", "2")];
        for (variables, words) in [
            (&array[..1], "SLURM_ARRAY_TASK_MIN is not"),
            (&array[..], "counted from 0"),
            (&uneven[..], "without gaps"),
            (&several[..], "the same shard"),
            (&[("JOB_COMPLETION_INDEX", "4")], "JOB_COMPLETIONS is not"),
            (&[("JOB_COMPLETION_INDEX", "x"), ("JOB_COMPLETIONS", "2")], "found `x`"),
            (&[("SKYPILOT_NUM_NODES", "2")], "SKYPILOT_NODE_RANK is not"),
            (&[("SLURM_NTASKS", "2")], "SLURM_PROCID is not"),
            (&both[..], "are both set"),
        ] {
            let error = from(variables).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
