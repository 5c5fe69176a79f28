//! `editscale bench parity`: two ways to the same reward, on the same pairs.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use editscale_picture::Format;

use crate::args::BenchParity;
use crate::commands::bench::compared::compare;
use crate::commands::bench::sides::{Side, measure};
use crate::commands::bench::table;
use crate::commands::score::{Pair, Pairs, item};
use crate::failure::{Misuse, print, tell};
use crate::photograph::{handle, read};

/// Scores all pairs with both recipes, one recipe after the other: both models need not fit into memory at once.
pub(crate) fn run(arguments: &BenchParity) -> Result<ExitCode> {
    // A recipe or file that cannot be used is found before hours of work.
    let native = crate::recipes::load_for_judging(&arguments.native)?;
    let reference = crate::recipes::load_for_judging(&arguments.reference)?;
    Source::open(arguments)?;
    let mut sides = Vec::with_capacity(2);
    for (role, recipe) in [("reference", reference), ("native", native)] {
        tell(&format!("{role}: {}", recipe.name));
        sides.push(measure(role, &recipe.recipe, arguments)?);
    }
    let [reference, native] = <[Side; 2]>::try_from(sides).map_err(|_| anyhow::anyhow!("a recipe was lost"))?;
    let comparison = compare(&reference, &native, arguments.worst as usize)?;
    if arguments.json {
        print(&serde_json::to_string_pretty(&table::object(&comparison, arguments))?)?;
    } else {
        table::lines(&comparison, arguments).iter().try_for_each(|line| print(line))?;
    }
    Ok(if comparison.is_passed(arguments.at_most) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Where pairs come from.
pub(super) enum Source {
    File(Pairs),
    /// Pictures of a folder, the last first; all are judged against the same one.
    Folder {
        first: PathBuf,
        rest: Vec<PathBuf>,
        instruction: String,
    },
}

impl Source {
    pub(super) fn open(arguments: &BenchParity) -> Result<Self> {
        let path = &arguments.pairs;
        if !path.is_dir() {
            return Ok(Self::File(Pairs::open(path)?));
        }
        let mut pictures = pictures(path)?;
        pictures.reverse();
        let Some(first) = pictures.last().cloned() else {
            return Err(Misuse::new(format!("there are no pictures in {}", path.display())).into());
        };
        if pictures.len() < 2 {
            let misuse = Misuse::new(format!("there is one picture in {}: expected at least 2", path.display()));
            return Err(misuse.hint("the first is the source that all others are held against").into());
        }
        pictures.pop();
        Ok(Self::Folder { first, rest: pictures, instruction: arguments.instruction.clone() })
    }

    /// The next pairs; none behind the last.
    pub(super) fn next(&mut self, most: usize) -> Result<Vec<Pair>> {
        match self {
            Self::File(pairs) => pairs.next(most),
            Self::Folder { first, rest, instruction } => {
                let left = rest.len().saturating_sub(most);
                let paths = rest.split_off(left);
                Ok(paths.iter().rev().map(|edited| pair(first, edited, instruction)).collect())
            }
        }
    }
}

fn pair(source: &Path, edited: &Path, instruction: &str) -> Pair {
    let picture = |path: &Path| read(path).map(|encoded| handle(&encoded)).map_err(|error| format!("{error:#}"));
    let item = picture(source).and_then(|source| item(source, picture(edited)?, instruction));
    Pair { names: format!("{} → {}", source.display(), edited.display()), item }
}

/// The files of a folder whose names end as pictures' do, in the order of their names.
fn pictures(folder: &Path) -> Result<Vec<PathBuf>> {
    let unreadable = |error: std::io::Error| Misuse::new(format!("cannot read {}: {error}", folder.display()));
    let formats = [Format::Png, Format::Jpeg, Format::WebP, Format::Tiff, Format::Bmp, Format::Gif];
    let is_picture = |path: &PathBuf| {
        let extension = path.extension().and_then(|extension| extension.to_str());
        path.is_file()
            && extension.is_some_and(|extension| formats.iter().any(|format| format.has_extension(extension)))
    };
    let entries = std::fs::read_dir(folder).map_err(unreadable)?;
    let paths: Result<Vec<PathBuf>, _> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut pictures: Vec<PathBuf> = paths.map_err(unreadable)?.into_iter().filter(is_picture).collect();
    pictures.sort();
    Ok(pictures)
}
