//! Makes pairs to train a judge on: photographs, instructions, and candidates whose right and wrong is known, because the darkroom
//! made them so.
//!
//! ```sh
//! cargo run --release -p editscale-darkroom --example judge_pairs -- --photos DIR --out DIR --sources 2000 --seed 1
//! ```
//!
//! `OUT/pairs.jsonl` has one line a (source, candidate, instruction) with two gold values in 0..=1, `OUT/pictures` the small
//! PNG files that it names. The rule of the gold values stands in `gold.rs`. Equal arguments give equal files. A fifth of the
//! photographs and a fifth of the phrasings are held out, and used together: a line says so.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for a terminal")]

mod asks;
mod candidates;
mod damage;
mod draw;
mod edits;
mod gold;
mod kinds;
mod photos;
mod phrases;

use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use editscale_core::Seed;
use editscale_darkroom::plan::{Change, Edit};
use editscale_picture::{EncodeOptions, Metadata, encode};
use rayon::prelude::*;
use serde_json::{Map, Value, json};

use asks::Ask;
use candidates::{Role, play};
use damage::Damage;
use draw::Draw;
use edits::{Move, Moved, carry_out};
use gold::gold;
use photos::{Photo, Source};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Candidates made for each instruction, the right one among them.
const CANDIDATES: usize = 6;

struct Options {
    photos: PathBuf,
    out: PathBuf,
    sources: u64,
    seed: Seed,
}

const USAGE: &str = "usage: judge_pairs --photos DIR --out DIR [--sources N] [--seed S]";

fn options(arguments: impl Iterator<Item = String>) -> Result<Options> {
    let (mut photos, mut out, mut sources, mut seed) = (None, None, 500, Seed::new(0)?);
    let mut arguments = arguments;
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{name} needs a value; {USAGE}"))?;
        match name.as_str() {
            "--photos" => photos = Some(PathBuf::from(value)),
            "--out" => out = Some(PathBuf::from(value)),
            "--sources" => sources = value.parse().map_err(|error| format!("--sources {value}: {error}"))?,
            "--seed" => seed = Seed::new(value.parse().map_err(|error| format!("--seed {value}: {error}"))?)?,
            _ => return Err(format!("unknown argument {name}; {USAGE}").into()),
        }
    }
    Ok(Options { photos: photos.ok_or(USAGE)?, out: out.ok_or(USAGE)?, sources, seed })
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("judge_pairs: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let options = options(std::env::args().skip(1))?;
    let (photos, skipped) = photos::read_all(&options.photos)?;
    for line in skipped {
        eprintln!("{line}");
    }
    if photos.is_empty() {
        return Err(format!("no photograph could be read in {}", options.photos.display()).into());
    }
    let count = make(&photos, &options)?;
    let held_out = photos.iter().filter(|photo| photo.held_out).count();
    println!(
        "{count} pairs of {} sources from {} photographs ({held_out} held out) in {}",
        options.sources,
        photos.len(),
        options.out.display()
    );
    Ok(())
}

/// Makes everything; how many pairs there are.
fn make(photos: &[Photo], options: &Options) -> Result<usize> {
    fs::create_dir_all(options.out.join("pictures"))?;
    let lines: Vec<Vec<Value>> = (0..options.sources)
        .into_par_iter()
        .map(|number| one_source(photos, number, options).map_err(|error| format!("source {number}: {error}").into()))
        .collect::<Result<_>>()?;
    let mut file = std::io::BufWriter::new(fs::File::create(options.out.join("pairs.jsonl"))?);
    for line in lines.iter().flatten() {
        writeln!(file, "{line}")?;
    }
    file.flush()?;
    Ok(lines.iter().map(Vec::len).sum())
}

/// A candidate, made and written.
struct Made {
    /// Its path below the output folder.
    path: String,
    role: Role,
    moves: Vec<Move>,
    damage: Option<Damage>,
}

/// One source with two instructions: each has its own candidates and borrows two of the other's.
fn one_source(photos: &[Photo], number: u64, options: &Options) -> Result<Vec<Value>> {
    let mut draw = Draw::new(options.seed.mix(number));
    for _ in 0..20 {
        let Some(source) = Source::cut(photos, &mut draw)? else { continue };
        let Some(asks) = asks::two(&source, &mut draw) else { continue };
        let folder = format!("pictures/{number:06}");
        fs::create_dir_all(options.out.join(&folder))?;
        fs::write(options.out.join(&folder).join("source.png"), &source.png)?;
        let mut made = Vec::new();
        for (n, ask) in asks.iter().enumerate() {
            made.push(candidates_of(ask, &source, &options.out, &format!("{folder}/{n}"), &mut draw)?);
        }
        let mut lines = Vec::new();
        for (n, ask) in asks.iter().enumerate() {
            let other = &made[1 - n];
            let borrowed = [&other[0], &other[1 + (draw.unit() * (other.len() - 1) as f32) as usize]];
            let own = made[n].iter().map(|made| (made, made.role.name()));
            let all = own.chain(borrowed.into_iter().map(|made| (made, "of another instruction")));
            lines.extend(all.map(|(made, role)| line(&source, &folder, ask, made, role)));
        }
        return Ok(lines);
    }
    Err("no crop of any photograph suits an instruction".into())
}

fn candidates_of(ask: &Ask, source: &Source, out: &Path, stem: &str, draw: &mut Draw) -> Result<Vec<Made>> {
    let mut made: Vec<Made> = Vec::new();
    for n in 0..CANDIDATES {
        let role = if n == 0 { Role::Right } else { Role::draw(draw) };
        let (moves, damage) = play(role, ask, source, draw);
        let edited = carry_out(&source.pixels, &source.scene, &moves, draw.seed())?;
        let edited = match damage {
            Some(damage) => damage.done_to(&edited, draw.seed())?,
            None => edited,
        };
        let path = format!("{stem}-{n}.png");
        fs::write(out.join(&path), encode(&edited, &Metadata::default(), EncodeOptions::PNG)?)?;
        made.push(Made { path, role, moves, damage });
    }
    Ok(made)
}

fn line(source: &Source, folder: &str, ask: &Ask, made: &Made, role: &str) -> Value {
    let gold = gold(&ask.edits, &made.moves, made.damage);
    let asked: Vec<Move> = ask.edits.iter().map(|edit: &Edit| Move::of(edit, 1.0)).collect();
    json!({
        "source": format!("{folder}/source.png"),
        "candidate": made.path,
        "instruction": ask.text,
        "following": rounded(gold.following),
        "quality": rounded(gold.quality),
        "kind": ask.kind,
        "role": role,
        "photo": source.photo,
        "held_out": source.held_out,
        "asked": numbers(&asked, None),
        "done": numbers(&made.moves, made.damage),
    })
}

/// Edits as named numbers, in plain amounts; what is not named is 0.
fn numbers(moves: &[Move], damage: Option<Damage>) -> Map<String, Value> {
    let mut numbers = Map::new();
    for step in moves {
        let name = match step.change {
            Change::Recolour { to, .. } => {
                let from = step.region.colour.map_or("other", phrases::name_of);
                numbers.insert(format!("from {from}"), rounded(step.size()));
                format!("to {}", phrases::name_of(to))
            }
            Change::Rotate { degrees } => format!("rotate {degrees}"),
            Change::Flip(axis) => format!("flip {axis:?}").to_lowercase(),
            change => Moved::by(change).name().to_owned(),
        };
        numbers.insert(name, rounded(step.size()));
        numbers.extend(step.region.position.map(|place| (format!("at {place:?}").to_lowercase(), json!(1.0))));
        let subject = step.region.subject.filter(|_| step.region.colour.is_none());
        numbers.extend(subject.map(|subject| (format!("at {subject:?}").to_lowercase(), json!(1.0))));
    }
    numbers.extend(damage.map(|damage| (format!("damage {}", damage.harm.name()), rounded(damage.severity))));
    numbers
}

/// To four places.
fn rounded(value: f32) -> Value {
    json!((f64::from(value) * 1e4).round() / 1e4)
}

#[cfg(test)]
mod tests {
    use editscale_darkroom::language::read;

    use super::*;
    use crate::asks::meant;
    use crate::kinds::{Degree, KINDS};
    use crate::phrases::{COLOURS, PLACES, Wish};

    fn folder(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("judge-pairs-{}-{name}", std::process::id()))
    }

    fn fixtures() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/photos")
    }

    #[test]
    fn every_phrasing_is_read_as_what_it_was_made_from() {
        let mut draw = Draw::new(Seed::new(3).unwrap());
        let mut wrong = Vec::new();
        for kind in KINDS {
            let colours = (Moved::by(kind.change) == Moved::Recolour).then_some((COLOURS[0].0, COLOURS[4].0));
            for degree in Degree::ALL.into_iter().filter(|degree| kind.graded || *degree == Degree::Plain) {
                for place in
                    std::iter::once(None).chain(PLACES.iter().map(Some)).filter(|at| kind.regional || at.is_none())
                {
                    let wish = Wish { kind, degree, place, colours };
                    for phrasing in [false, true].map(|held_out| wish.phrasings(held_out)).concat() {
                        for object in [None, None, None, Some("it")] {
                            let text = wish.say(phrasing, object, &mut draw);
                            let plan = read(&text);
                            let read: Vec<_> =
                                plan.edits.iter().map(|edit| (edit.change, edit.region.clone())).collect();
                            if read != [meant(wish)] || !plan.not_understood.is_empty() {
                                wrong.push(format!("{}: `{text}` is {plan:?}", kind.name));
                            }
                        }
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
    }

    #[test]
    fn held_out_phrasings_use_known_words() {
        for kind in KINDS {
            let phrasings = phrases::phrasings(kind);
            let held_out = phrasings.iter().filter(|(_, held_out)| *held_out).count();
            assert!(
                held_out > 0 && held_out * 2 <= phrasings.len().max(2),
                "{}: {held_out} of {}",
                kind.name,
                phrasings.len()
            );
        }
    }

    #[test]
    fn pairs_are_complete_sensible_and_the_same_again() {
        let (photos, skipped) = photos::read_all(&fixtures()).unwrap();
        assert_eq!(photos.len(), 8);
        assert!(skipped.len() == 1 && skipped[0].starts_with("skipped CREDITS.md: "), "{skipped:?}");
        let written = ["one", "other"].map(|name| {
            let out = folder(name);
            let options = Options { photos: fixtures(), out: out.clone(), sources: 2, seed: Seed::new(5).unwrap() };
            let count = make(&photos, &options).unwrap();
            assert_eq!(count, 2 * 2 * (CANDIDATES + 2));
            let text = fs::read_to_string(out.join("pairs.jsonl")).unwrap();
            let pictures: Vec<Vec<u8>> = text.lines().map(|line| check(&out, line)).collect();
            fs::remove_dir_all(&out).unwrap();
            (text, pictures)
        });
        assert!(written[0] == written[1]);
    }

    /// The candidate's bytes, after a look at its line.
    fn check(out: &Path, line: &str) -> Vec<u8> {
        let pair: Value = serde_json::from_str(line).unwrap();
        let (following, quality) = (pair["following"].as_f64().unwrap(), pair["quality"].as_f64().unwrap());
        assert!((0.0..=1.0).contains(&following) && (0.0..=1.0).contains(&quality), "{pair}");
        match pair["role"].as_str().unwrap() {
            "right" => assert!(following == 1.0 && quality == 1.0, "{pair}"),
            "copy" => assert!(following < 0.11 && quality == 1.0, "{pair}"),
            "damaged" => assert!(quality < 0.7, "{pair}"),
            _ => {}
        }
        let bytes = fs::read(out.join(pair["candidate"].as_str().unwrap())).unwrap();
        assert!(editscale_picture::decode(&bytes, &editscale_picture::Limits::default()).is_ok());
        bytes
    }
}
