//! The words of `editscale bench`.

#![expect(clippy::doc_markdown, reason = "these comments are what --help prints")]

use std::path::PathBuf;

use clap::{Args, Subcommand};
use editscale_benchmarks::Preset;
use editscale_benchmarks::layouts::Part;

/// Hold rewards against people, and measure what is installed here.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    #[command(subcommand)]
    pub(crate) command: BenchCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BenchCommand {
    /// EditReward-Bench (TIGER-Lab): groups of 2, 3 and 4 edits in people's order. PATH: its folder, with 2pair, 3pair and 4pair.
    #[command(name = "editreward-bench")]
    EditRewardBench(BenchPreset),
    /// GenAI-Bench, image editing: people's votes on pairs. PATH: its folder, or a JSON file of pairs.
    #[command(name = "genai-bench")]
    GenaiBench(BenchPreset),
    /// AURORA-Bench: people's verdicts on pairs, and ratings. PATH: a JSON file, or a folder with one of each.
    #[command(name = "aurora-bench")]
    AuroraBench(BenchPreset),
    /// ImagenHub, text-guided editing: ratings by editing model. PATH: raters' tables beside the museum's pictures, or a JSON file.
    Imagenhub(BenchPreset),
    /// Pairs of your own: source, instruction, edited_a, edited_b, preference. PATH: CSV, JSONL, a JSON list or Parquet.
    Pairs(BenchPreset),
    /// Ratings of your own: source, instruction, edited, rating. PATH: CSV, JSONL, a JSON list or Parquet.
    Ratings(BenchPreset),
    Measure(BenchMeasure),
    Agreement(BenchAgreement),
    Position(BenchPosition),
    Calibrate(BenchCalibrate),
    Parity(BenchParity),
}

impl BenchCommand {
    /// Whether it prints one JSON object.
    pub(crate) fn is_json(&self) -> bool {
        match self {
            Self::EditRewardBench(bench)
            | Self::GenaiBench(bench)
            | Self::AuroraBench(bench)
            | Self::Imagenhub(bench)
            | Self::Pairs(bench)
            | Self::Ratings(bench) => bench.json,
            Self::Measure(measure) => measure.json,
            Self::Agreement(agreement) => agreement.json,
            Self::Position(position) => position.json,
            Self::Calibrate(calibrate) => calibrate.json,
            Self::Parity(parity) => parity.json,
        }
    }
}

/// Judge a benchmark with a recipe's rewards and measure how far they agree with people.
#[derive(Debug, Args)]
pub(crate) struct BenchPreset {
    #[command(flatten)]
    pub(crate) data: BenchData,
    #[command(flatten)]
    pub(crate) judges: BenchJudges,
    /// The folder for judged.jsonl, bench.json and report.html. What is judged there already is not judged again.
    #[arg(short, long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Data that was chosen or trained on: a folder that `curate` wrote (what its last choice kept, or all that was scored where
    /// nothing was chosen), one that `bench` wrote, or any data set. Pictures that it shares with the benchmark are listed. May be given several times.
    #[arg(long, value_name = "PATH")]
    pub(crate) against: Vec<PathBuf>,
    /// With --against: which column holds which part (source, instruction or edited) of a data set, where it has another name than
    /// usual, such as `edited=after`. May be given several times.
    #[arg(long, value_name = "PART=NAME", value_parser = against_column, requires = "against")]
    pub(crate) against_column: Vec<(AgainstPart, String)>,
    /// With --against: how many bits of 64 may differ between the perceptual hashes of pictures that count as the same.
    #[arg(long, value_name = "BITS", default_value_t = 6, value_parser = clap::value_parser!(u32).range(0..=15))]
    pub(crate) near: u32,
    /// With --against: exit with 1 where pictures are shared.
    #[arg(long, requires = "against")]
    pub(crate) refuse_shared: bool,
    #[command(flatten)]
    pub(crate) rules: BenchRules,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

/// A part of a data set of --against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AgainstPart {
    Source,
    Instruction,
    Edited,
}

/// A benchmark on disk.
#[derive(Debug, Args)]
pub(crate) struct BenchData {
    /// The benchmark's files; nothing is downloaded.
    #[arg(value_name = "PATH")]
    pub(crate) path: PathBuf,
    /// Which column holds which part, where it has another name than usual, such as `preference=vote`. May be given several times.
    #[arg(long, value_name = "PART=NAME", value_parser = column)]
    pub(crate) column: Vec<(Part, String)>,
    /// The folder that relative paths of pictures begin in; that of the file where it is not given.
    #[arg(long, value_name = "DIR")]
    pub(crate) images: Option<PathBuf>,
    /// Read no more than so many cases, for trying things out.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: Option<u64>,
}

/// Who judges.
#[derive(Debug, Args)]
pub(crate) struct BenchJudges {
    /// The recipe whose rewards judge, and whose objective makes one score of them.
    #[arg(long, value_name = "FILE|NAME")]
    pub(crate) recipe: String,
    /// Only this reward of the recipe, by its name there. May be given several times.
    #[arg(long, value_name = "NAME")]
    pub(crate) reward: Vec<String>,
}

/// How intervals and levels of chance are made.
#[derive(Debug, Args)]
pub(crate) struct BenchRules {
    /// How many resamples an interval is made of, and rounds a level of chance.
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) resamples: u32,
    /// What resamples are counted from.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// The share of resamples inside an interval.
    #[arg(long, value_name = "SHARE", default_value_t = 0.95, value_parser = share)]
    pub(crate) confidence: f64,
    /// Into how many folds sources are cut where a threshold is held out.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(2..=1_000))]
    pub(crate) folds: u32,
}

/// Measure a benchmark that is judged already once more, without judging.
#[derive(Debug, Args)]
pub(crate) struct BenchMeasure {
    /// A folder that `bench` wrote with --out. Its bench.json and report.html are written anew.
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
    #[command(flatten)]
    pub(crate) rules: BenchRules,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Tell how far two judges agree on the same cases.
#[derive(Debug, Args)]
pub(crate) struct BenchAgreement {
    /// The first judge: a folder that `bench` wrote with --out, or a recipe.
    #[arg(value_name = "DIR|RECIPE")]
    pub(crate) first: String,
    /// The second judge.
    #[arg(value_name = "DIR|RECIPE")]
    pub(crate) second: String,
    /// With recipes: which benchmark they judge.
    #[arg(long, value_name = "NAME", value_parser = preset, requires = "data")]
    pub(crate) preset: Option<Preset>,
    /// With recipes: where it lies.
    #[arg(long, value_name = "PATH", requires = "preset")]
    pub(crate) data: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) rules: BenchRules,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Tell whether a judge that compares favours a place: every pair of a benchmark is asked in both orders.
#[derive(Debug, Args)]
pub(crate) struct BenchPosition {
    /// Which benchmark: editreward-bench, genai-bench, aurora-bench or pairs.
    #[arg(value_name = "PRESET", value_parser = preset)]
    pub(crate) preset: Preset,
    #[command(flatten)]
    pub(crate) data: BenchData,
    #[command(flatten)]
    pub(crate) judges: BenchJudges,
    /// The folder for pairs.jsonl and position.json. Pairs that are there already are not asked again.
    #[arg(short, long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) rules: BenchRules,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Fit scores to what people would say, for `calibration:` in recipes.
#[derive(Debug, Args)]
pub(crate) struct BenchCalibrate {
    /// A folder that `bench` wrote with --out.
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// The reward whose score is fitted; the only one where it is not given.
    #[arg(long, value_name = "NAME")]
    pub(crate) reward: Option<String>,
    /// Where the calibration is written.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Overwrite the output if it exists.
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) rules: BenchRules,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Compare two ways to the same reward: scores every pair with both, and tells how far they are apart and how fast each is.
///
/// The usual use is a model's official code behind a plugin against the native one.
#[derive(Debug, Args)]
pub(crate) struct BenchParity {
    /// The recipe whose rewards are the measure.
    #[arg(long, value_name = "FILE|NAME")]
    pub(crate) reference: String,
    /// The recipe whose rewards are held against them, under the same names; where each recipe has one reward, names do not matter.
    #[arg(long, value_name = "FILE|NAME")]
    pub(crate) native: String,
    /// The pairs: a file as `score --pairs` reads it, or a folder of pictures, each of which is judged against the first by name.
    #[arg(long, value_name = "FILE|DIR")]
    pub(crate) pairs: PathBuf,
    /// With a folder: what was asked for.
    #[arg(long, value_name = "TEXT", default_value = "improve the picture")]
    pub(crate) instruction: String,
    /// Exit with 1 where the largest difference of any score is above this, or one side alone scores a pair.
    #[arg(long, value_name = "X", value_parser = difference)]
    pub(crate) at_most: Option<f64>,
    /// How many of the worst pairs are named.
    #[arg(long, value_name = "K", default_value_t = 5, value_parser = clap::value_parser!(u32).range(0..=1000))]
    pub(crate) worst: u32,
    /// How often speed is measured at each size of batch; 0 measures none.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(0..=1000))]
    pub(crate) rounds: u32,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

fn difference(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|number: &f64| number.is_finite() && *number >= 0.0)
        .ok_or_else(|| "expected a number of at least 0, such as 0.01".to_owned())
}

fn column(text: &str) -> Result<(Part, String), String> {
    let known = || Part::ALL.map(Part::name).join(", ");
    let (part, name) = text.split_once('=').ok_or("expected PART=NAME, such as preference=vote")?;
    let part = Part::from_name(part).ok_or_else(|| format!("there is no part `{part}`: the parts are {}", known()))?;
    Ok((part, name.to_owned()))
}

fn against_column(text: &str) -> Result<(AgainstPart, String), String> {
    let (part, name) = text.split_once('=').ok_or("expected PART=NAME, such as edited=after")?;
    let part = match part {
        "source" => AgainstPart::Source,
        "instruction" => AgainstPart::Instruction,
        "edited" => AgainstPart::Edited,
        _ => return Err(format!("there is no part `{part}`: the parts are source, instruction, edited")),
    };
    Ok((part, name.to_owned()))
}

fn preset(text: &str) -> Result<Preset, String> {
    let known = || Preset::ALL.map(Preset::name).join(", ");
    Preset::from_name(text).ok_or_else(|| format!("there is no benchmark `{text}`: they are {}", known()))
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share: &f64| *share > 0.0 && *share < 1.0);
    share.ok_or_else(|| "expected a share between 0 and 1, such as 0.95".to_owned())
}
