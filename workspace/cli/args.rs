//! The command line's words. Nothing is looked up or opened here.

mod benching;
mod curating;
mod models;
mod plugins;
mod pooling;
mod running;
mod serving;
mod sharing;
mod studying;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use editscale_core::{ImageSize, Seed, Usd};

pub(crate) use benching::{
    AgainstPart, Bench, BenchAgreement, BenchCalibrate, BenchCommand, BenchData, BenchJudges, BenchMeasure,
    BenchParity, BenchPosition, BenchPreset, BenchRules,
};
pub(crate) use curating::{Curate, CurateCommand, CurateReview, Curating};
pub(crate) use models::{Models, ModelsCommand, ModelsConvert, ModelsList, ModelsPull, ModelsVerify};
pub(crate) use plugins::{KindWord, LangWord, Plugin, PluginCheck, PluginCommand, PluginNew};
pub(crate) use pooling::Pool;
pub(crate) use running::Run;
pub(crate) use serving::{Keys, KeysCommand, LogWord, Mcp, Serve, Served};
pub(crate) use sharing::{RoleWord, Sharing};
pub(crate) use studying::{CostWord, Study, StudyCommand, StudyPlan, Studying};

/// Better pictures out of an image-editing model: makes several candidates, scores them, searches, keeps the best.
#[derive(Debug, Parser)]
#[command(name = "editscale", version, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Edit(Edit),
    Check(Check),
    Doctor(Doctor),
    Score(Score),
    Report(Report),
    Models(Models),
    Run(Run),
    Pool(Pool),
    Curate(Curating),
    Serve(Serve),
    Mcp(Mcp),
    Keys(Keys),
    Plugin(Plugin),
    Bench(Bench),
    Study(Studying),
}

impl Command {
    /// Whether it prints one JSON object, which tells of what went wrong as well.
    pub(crate) fn is_json(&self) -> bool {
        match self {
            Self::Edit(edit) => edit.json,
            Self::Check(check) => check.json,
            Self::Doctor(doctor) => doctor.json,
            // Pairs are answered line by line.
            Self::Score(score) => score.json && score.pairs.is_none(),
            Self::Report(_) | Self::Serve(_) | Self::Mcp(_) | Self::Keys(_) => false,
            Self::Models(models) => models.command.is_json(),
            Self::Run(run) => run.json,
            Self::Pool(pool) => pool.json,
            Self::Curate(curating) => curating.scoring.as_ref().is_some_and(|curate| curate.json),
            Self::Plugin(plugin) => plugin.command.is_json(),
            Self::Bench(bench) => bench.command.is_json(),
            Self::Study(studying) => studying.is_json(),
        }
    }
}

/// Edit one picture.
///
/// Prints the path of the best picture. The full record of the run lies beside it.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags are independent")]
pub(crate) struct Edit {
    /// The picture to edit, and the instruction: what to do to it. With --from, the instruction alone; with --resume, nothing.
    #[arg(value_name = "IMAGE INSTRUCTION", num_args = 0..)]
    pub(crate) words: Vec<OsString>,
    /// A recipe file, or the name of a built-in one: quickstart, quickstart-judge, best-of-n, beam, diverse-trees, adaptive, reflection,
    /// routing, guarded, reward-weighted.
    #[arg(long, value_name = "FILE|NAME", default_value = "quickstart")]
    pub(crate) recipe: String,
    /// Where to write the best picture as well. The ending picks the format.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Overwrite the output if it exists.
    #[arg(long)]
    pub(crate) force: bool,
    /// The folder for the run's record; a new one under `runs/` where it is not given.
    #[arg(long, value_name = "DIR")]
    pub(crate) run_dir: Option<PathBuf>,
    /// Go on with a run that was stopped.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["words", "run_dir", "recipe", "seed", "from", "mask", "size", "partial"])]
    pub(crate) resume: Option<PathBuf>,
    /// Continue from a candidate of an earlier run, by its number or as `best`: its picture becomes the source.
    #[arg(long, value_name = "RUN:CANDIDATE")]
    pub(crate) from: Option<String>,
    /// The root of all seeds: equal seeds give equal runs.
    #[arg(long, value_name = "N", default_value = "0", value_parser = seed)]
    pub(crate) seed: Seed,
    /// A picture of the source's size: white = edit here.
    #[arg(long, value_name = "FILE")]
    pub(crate) mask: Option<PathBuf>,
    /// The size of the result.
    #[arg(long, value_name = "WIDTHxHEIGHT", value_parser = size)]
    pub(crate) size: Option<ImageSize>,
    /// Write the best K pictures, not the best alone.
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) keep: u32,
    /// Do what is understood of the instruction, and say what was left out.
    #[arg(long)]
    pub(crate) partial: bool,
    /// Keep position, camera and other private metadata of the source in what is written.
    #[arg(long)]
    pub(crate) keep_metadata: bool,
    /// Say what the run would call, spend and take at most, and what is understood, where that can be told; send nothing.
    #[arg(long, conflicts_with_all = ["resume", "output"])]
    pub(crate) dry_run: bool,
    /// Print one JSON object about the run instead of a path.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Check recipes: lists every mistake in every file, with its place.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The recipe files, or names of built-in ones.
    #[arg(required = true, value_name = "FILE|NAME")]
    pub(crate) files: Vec<PathBuf>,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Probe the editors and rewards of a recipe: reachable, model known, same seed same picture, mask honoured, how fast.
///
/// Prints what was found of each on each of its servers, and where that is not what the recipe assumes; exits with 1 then.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// The recipe file, or the name of a built-in one.
    #[arg(long, value_name = "FILE|NAME", default_value = "quickstart")]
    pub(crate) recipe: String,
    /// What may be spent on probes, in US dollars. Without it nothing is tried that could cost money.
    #[arg(long, value_name = "USD", value_parser = usd)]
    pub(crate) spend: Option<Usd>,
    /// Write the cards that were found to a JSON file.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Overwrite the output if it exists.
    #[arg(long)]
    pub(crate) force: bool,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Score an edited picture against its source and the instruction, or many of them.
#[derive(Debug, Args)]
pub(crate) struct Score {
    /// The picture before the edit, the picture after it, and what was asked for.
    #[arg(value_name = "SOURCE EDITED INSTRUCTION", num_args = 0..=3)]
    pub(crate) words: Vec<OsString>,
    /// A file of one JSON object a line with `source`, `edited` and `instruction`, paths from the file's folder; `-` is stdin.
    /// One line is printed for each, in order.
    #[arg(long, value_name = "FILE")]
    pub(crate) pairs: Option<PathBuf>,
    /// With --pairs: write the lines here. Lines that are there already are kept and not scored again.
    #[arg(short, long, value_name = "FILE", requires = "pairs")]
    pub(crate) output: Option<PathBuf>,
    /// The recipe whose rewards judge.
    #[arg(long, value_name = "FILE|NAME", default_value = "quickstart")]
    pub(crate) recipe: String,
    /// One reward that judges, instead of a recipe's: any that needs no options, such as `photometric`, or `editreward`.
    #[arg(long, value_name = "NAME", conflicts_with = "recipe")]
    pub(crate) reward: Option<String>,
    /// The model directory of `editreward`; `builtin` is the small judge that is part of the program.
    #[arg(long, value_name = "DIR", conflicts_with = "recipe")]
    pub(crate) model_dir: Option<PathBuf>,
    /// How `editreward` makes one score of its two parts; `mean` where it is not given.
    #[arg(long, value_enum, conflicts_with = "recipe")]
    pub(crate) fusion: Option<FusionWord>,
    /// How `editreward` rounds its rotation tables; `official` where it is not given.
    #[arg(long, value_enum, conflicts_with = "recipe")]
    pub(crate) rope_tables: Option<RopeTablesWord>,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// How two heads' answers become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FusionWord {
    /// Their mean, as released checkpoints were trained.
    Mean,
    /// The smaller.
    Min,
    /// Their sum.
    Sum,
}

/// How rotation tables are rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RopeTablesWord {
    /// As the released code does.
    Official,
    /// Not at all.
    Exact,
}

/// Write the report of a run anew, and print its path.
#[derive(Debug, Args)]
pub(crate) struct Report {
    /// The run's folder.
    pub(crate) run: PathBuf,
}

pub(crate) fn usd(text: &str) -> Result<Usd, String> {
    let dollars: f64 = text.parse().map_err(|_| "expected an amount in US dollars such as 0.5".to_owned())?;
    if !(0.0..=1e6).contains(&dollars) {
        return Err("expected 0 to 1000000".to_owned());
    }
    Ok(Usd { micros: (dollars * 1e6).round() as u64 })
}

fn seed(text: &str) -> Result<Seed, String> {
    let number = text.parse().map_err(|_| "expected a whole number from 0 to 9007199254740991".to_owned())?;
    Seed::new(number).map_err(|error| error.to_string())
}

fn size(text: &str) -> Result<ImageSize, String> {
    let parsed =
        text.split_once(['x', '×']).and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    match parsed {
        Some((width @ 1..=32_768, height @ 1..=32_768)) => Ok(ImageSize { width, height }),
        _ => Err("expected WIDTHxHEIGHT in pixels, each from 1 to 32768, as in 1024x768".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn sizes_are_checked() {
        assert_eq!(size("640x480"), Ok(ImageSize { width: 640, height: 480 }));
        for bad in ["640", "0x4", "4x0", "x", "40000x2", "-1x5", "1x2x3"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }
}
