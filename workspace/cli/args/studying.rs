//! The words of `editscale study`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// Compare recipes by the runs that they made: what more candidates bring, at which cost, and whether a difference is real.
///
/// Reads run folders as `edit`, `pool` and `serve` write them, or folders of such; rollouts of `run` are not read, and `pool` makes run
/// folders of the same data set. Requests are paired by source and instruction; runs of one
/// recipe that differ by their seed alone are averaged. Writes study.html, study.json, tables as CSV and plots as SVG, and
/// prints the page's path.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Studying {
    #[command(subcommand)]
    pub(crate) command: Option<StudyCommand>,
    #[command(flatten)]
    pub(crate) study: Option<Study>,
}

impl Studying {
    /// Whether it prints one JSON object.
    pub(crate) fn is_json(&self) -> bool {
        match &self.command {
            Some(StudyCommand::Plan(plan)) => plan.json,
            None => self.study.as_ref().is_some_and(|study| study.json),
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum StudyCommand {
    Plan(StudyPlan),
}

/// What is studied, and how.
#[derive(Debug, Args)]
pub(crate) struct Study {
    /// Run folders, or folders that hold them, however deep. Runs with equal recipes make a group.
    #[arg(value_name = "DIR")]
    pub(crate) dirs: Vec<PathBuf>,
    /// Runs that make one group, whatever their recipes, as NAME=DIR. May be given several times, also with one name.
    #[arg(long, value_name = "NAME=DIR", value_parser = group)]
    pub(crate) group: Vec<(String, PathBuf)>,
    /// What the policies chose by: `utility`, or one reward of the recipes by its name.
    #[arg(long, value_name = "utility|REWARD", default_value = "utility")]
    pub(crate) proxy: String,
    /// What is wanted: a reward that the runs recorded and did not choose by, such as one of weight 0. What they chose by
    /// where neither this nor --judge is given.
    #[arg(long, value_name = "REWARD", conflicts_with = "judge")]
    pub(crate) gold: Option<String>,
    /// What is wanted: the rewards of this recipe judge every picture of the runs now. What is judged in the output folder is not
    /// judged again.
    #[arg(long, value_name = "FILE|NAME")]
    pub(crate) judge: Option<String>,
    /// In what cost is counted.
    #[arg(long, value_enum, default_value_t = CostWord::Edits)]
    pub(crate) cost: CostWord,
    /// Sizes of the scaling curves; powers of two up to what nine of ten requests have where it is not given.
    #[arg(long, value_name = "K,…", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) k: Vec<u32>,
    /// How sure intervals are.
    #[arg(long, value_name = "SHARE", default_value_t = 0.95)]
    pub(crate) confidence: f64,
    /// What resampling and sign flips are counted from.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// The folder for what is written.
    #[arg(short, long, value_name = "DIR", default_value = "study")]
    pub(crate) out: PathBuf,
    /// Print study.json instead of the page's path.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Say how many requests are needed to see a difference, or which difference so many can show.
#[derive(Debug, Args)]
pub(crate) struct StudyPlan {
    /// The mean difference between two recipes that should be seen.
    #[arg(long, value_name = "D", required_unless_present = "requests")]
    pub(crate) difference: Option<f64>,
    /// How many requests there are: says which difference they can show.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(2..=1_000_000_000))]
    pub(crate) requests: Option<u64>,
    /// The standard deviation of the difference from request to request.
    #[arg(long, value_name = "S", required_unless_present = "from")]
    pub(crate) spread: Option<f64>,
    /// Take the spread from a study that was made: from its comparison at the end of the runs, of several that with the largest.
    #[arg(long, value_name = "FILE", conflicts_with = "spread")]
    pub(crate) from: Option<PathBuf>,
    /// Which two groups of the study, in either order; only with --from.
    #[arg(long, value_name = "A,B", requires = "from", conflicts_with = "spread")]
    pub(crate) between: Option<String>,
    /// The chance to see a difference that is there.
    #[arg(long, value_name = "CHANCE", default_value_t = 0.8)]
    pub(crate) power: f64,
    /// The chance to see one that is not there.
    #[arg(long, value_name = "CHANCE", default_value_t = 0.05)]
    pub(crate) alpha: f64,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What runs spend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CostWord {
    /// Denoiser evaluations.
    Nfe,
    /// Edits, failed ones included.
    Edits,
    /// Judgements, one a candidate and reward, and critiques.
    #[value(name = "reward_calls")]
    RewardCalls,
    /// Active time.
    Seconds,
    /// US dollars.
    Usd,
}

fn group(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, dir)) if !name.trim().is_empty() && !dir.is_empty() => Ok((name.to_owned(), dir.into())),
        _ => Err("expected NAME=DIR".to_owned()),
    }
}
