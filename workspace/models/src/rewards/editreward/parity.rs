//! Parity with the official code, stage by stage: the cases that `tests/parity` makes with PyTorch.
//!
//! Tolerances are absolute differences in single precision, about twenty times what the reference itself differs by
//! between single and double precision.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_core::{DType, Device, Tensor};
use editscale_core::{Counters, Digest, Image, ImageSize, MediaType};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::tokens::Tokens;
use super::*;
use crate::layers::qwen25_vl::{Decoder, Grid, Pass, canonical, multimodal_positions, plain_positions};
use crate::layers::{Compute, RopeTables, Scope, Segment};
use crate::weights::{Checkpoint, Storage};

/// At the heads, and at every stage before them.
const TOLERANCE: f64 = 1e-4;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/editreward")
}

#[derive(Deserialize)]
struct Case {
    model: String,
    pairs: Vec<GoldenPair>,
    stages: StageRows,
    #[serde(skip)]
    folder: PathBuf,
}

#[derive(Deserialize)]
struct GoldenPair {
    source: String,
    edited: String,
    instruction: String,
    sizes: [[usize; 2]; 2],
    sizes_half_away: [[usize; 2]; 2],
    resized_sha256: [String; 2],
    pixel_values_sha256: String,
    prompts: BTreeMap<String, GoldenPrompt>,
    scores: BTreeMap<String, GoldenScores>,
}

#[derive(Deserialize)]
struct GoldenPrompt {
    ids: Vec<u32>,
    reward_index: usize,
}

#[derive(Deserialize)]
struct GoldenScores {
    instruction_following: [f64; 2],
    visual_quality: [f64; 2],
    fused: BTreeMap<String, [f64; 2]>,
}

#[derive(Deserialize)]
struct StageRows {
    vision_rows: Vec<u32>,
    merger_rows: Vec<u32>,
    decoder_rows: BTreeMap<String, Vec<usize>>,
}

fn cases() -> Vec<Case> {
    let mut folders: Vec<PathBuf> =
        fs::read_dir(fixtures().join("cases")).expect("the cases").map(|entry| entry.expect("an entry").path()).collect();
    folders.sort();
    let read = |folder: PathBuf| {
        let text = fs::read(folder.join("case.json")).expect("a case");
        Case { folder, ..serde_json::from_slice(&text).expect("a case") }
    };
    folders.into_iter().map(read).collect()
}

impl Case {
    fn directory(&self) -> Directory {
        Directory::Folder(fixtures().join("models").join(&self.model))
    }

    fn judge(&self, options: Options) -> EditReward {
        EditReward::load(&self.directory(), options).expect("a judge")
    }

    fn pair(&self, golden: &GoldenPair) -> Pair {
        Pair {
            source: image(&self.folder.join(&golden.source)),
            edited: image(&self.folder.join(&golden.edited)),
            instruction: golden.instruction.as_str().into(),
        }
    }

    fn pairs(&self) -> Vec<Pair> {
        self.pairs.iter().map(|golden| self.pair(golden)).collect()
    }

    fn stages(&self) -> std::collections::HashMap<String, Tensor> {
        candle_core::safetensors::load(self.folder.join("stages.safetensors"), &Device::Cpu).expect("stages")
    }
}

pub(super) fn image(path: &Path) -> Image {
    let bytes: Arc<[u8]> = fs::read(path).expect("a picture").into();
    let facts = editscale_picture::probe(&bytes, &editscale_picture::Limits::default()).expect("a picture");
    let size = ImageSize { width: facts.width, height: facts.height };
    Image::new(Digest::from_bytes(*blake3::hash(&bytes).as_bytes()), MediaType::Png, size, Arc::new(bytes))
}

fn options(tables: RopeTables) -> Options {
    Options { rope_tables: tables, ..Options::cpu(false) }
}

fn never() -> bool {
    false
}

fn judge_all(judge: &mut EditReward, pairs: &[Pair]) -> Vec<Verdict> {
    judge.judge(pairs, &never).into_iter().map(|verdict| verdict.expect("a verdict")).collect()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn difference(ours: Estimate, golden: [f64; 2]) -> f64 {
    (ours.mean - golden[0]).abs().max((ours.sigma.ln() - golden[1]).abs())
}

fn largest(ours: &Verdict, golden: &GoldenScores, fusion: &str) -> f64 {
    difference(ours.fused, golden.fused[fusion])
        .max(difference(ours.parts[0], golden.instruction_following))
        .max(difference(ours.parts[1], golden.visual_quality))
}

#[test]
fn scores_are_those_of_the_official_code() {
    let fusions = [(Fusion::Mean, "mean"), (Fusion::Min, "min"), (Fusion::Sum, "sum")];
    for case in cases() {
        for (tables, mode) in [(RopeTables::Official, "official"), (RopeTables::Exact, "exact")] {
            for (fusion, name) in fusions {
                let mut judge = case.judge(Options { fusion, ..options(tables) });
                let pairs = if fusion == Fusion::Mean { case.pairs() } else { vec![case.pair(&case.pairs[0])] };
                for (verdict, golden) in judge_all(&mut judge, &pairs).iter().zip(&case.pairs) {
                    let off = largest(verdict, &golden.scores[mode], name);
                    let what = format!("{} {mode} {name} {}", case.folder.display(), golden.edited);
                    assert!(off < TOLERANCE, "{what}: off by {off:e}");
                }
            }
        }
    }
}

#[test]
fn pictures_are_prepared_to_the_last_bit() {
    use crate::pictures::{Size, resize, target_size};
    for case in cases() {
        let config = case.directory().config().expect("a config");
        let preparation = pictures::Preparation::load(&case.directory(), &config).expect("a preparation");
        for golden in &case.pairs {
            let pair = case.pair(golden);
            let mut values = Vec::new();
            for (at, picture) in [&pair.source, &pair.edited].into_iter().enumerate() {
                let bytes = picture.read().expect("bytes");
                let pixels = editscale_picture::decode_rgb8(&bytes, &editscale_picture::Limits::default()).expect("pixels");
                let size = Size { height: pixels.height, width: pixels.width };
                let budget = preparation.most_pixels();
                let target = target_size(size, config.vision.token_pixels(), budget, budget).expect("a size");
                let name = format!("{} picture {at} of {}", case.folder.display(), golden.edited);
                assert_eq!([target.height, target.width], golden.sizes[at], "{name}");
                assert_eq!(sha256(&resize(&pixels, target).data), golden.resized_sha256[at], "{name}");
                values.extend(preparation.prepare(picture).expect("patches").patches);
            }
            let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            assert_eq!(sha256(&bytes), golden.pixel_values_sha256, "{} {}", case.folder.display(), golden.edited);
        }
    }
}

#[test]
fn tokens_are_those_of_the_official_code() {
    for case in cases() {
        let judge = case.judge(options(RopeTables::Official));
        for golden in &case.pairs {
            let tokens = judge.prompts.tokens(&golden.instruction).expect("tokens");
            for (part, name) in PARTS.into_iter().enumerate() {
                let prompt = &golden.prompts[name];
                let ids = expanded(&tokens[part], &golden.sizes, judge.prompts.picture());
                assert_eq!(ids, prompt.ids[..=prompt.reward_index], "{} {name}", case.folder.display());
            }
        }
    }
}

/// A prompt with its pictures' tokens spelt out, as the official code has it.
fn expanded(tokens: &Tokens, sizes: &[[usize; 2]; 2], picture: u32) -> Vec<u32> {
    let pads = |at: usize| vec![picture; sizes[at][0] * sizes[at][1] / 784];
    [tokens.before.clone(), pads(0), tokens.between.clone(), pads(1), tokens.after.clone()].concat()
}

/// One prompt of a pair run in one piece, without tree or cache, with what every stage gave.
struct Plain {
    vision: Vec<Tensor>,
    merged: Tensor,
    decoder: Vec<Tensor>,
    normed: Tensor,
    head: (f64, f64),
}

#[derive(Clone, Copy, PartialEq)]
enum Positions {
    Plain,
    Spread,
}

fn plain(judge: &EditReward, pair: &Pair, part: usize, positions: Positions) -> candle_core::Result<Plain> {
    let prepared = [&pair.source, &pair.edited].map(|picture| judge.preparation.prepare(picture).expect("patches"));
    let grids: Vec<Grid> = prepared.iter().map(|prepared| prepared.grid).collect();
    let counts: Vec<usize> = grids.iter().map(|grid| grid.patches() / judge.merged).collect();
    let values = prepared.concat_patches();
    let values = Tensor::from_vec(values, (grids.iter().map(|grid| grid.patches()).sum(), ()), &Device::Cpu)?;
    let mut vision = Vec::new();
    let merged = judge.vision.forward_watched(&values, &grids, &mut |_, stage| {
        vision.push(stage.clone());
        Ok(())
    })?;
    let tokens = &judge.prompts.tokens(&pair.instruction).expect("tokens")[part];
    let embed = |ids: &[u32]| judge.decoder.embed(ids);
    let pictures = [merged.narrow(0, 0, counts[0])?, merged.narrow(0, counts[0], counts[1])?];
    let parts = [
        embed(&tokens.before)?,
        pictures[0].clone(),
        embed(&tokens.between)?,
        pictures[1].clone(),
        embed(&tokens.after)?,
    ];
    let hidden = Tensor::cat(&parts, 0)?;
    let rows = hidden.dim(0)?;
    let pads = |at: usize| vec![judge.prompts.picture(); counts[at]];
    let ids = [tokens.before.clone(), pads(0), tokens.between.clone(), pads(1), tokens.after.clone()].concat();
    let positions = match positions {
        Positions::Plain => plain_positions(0, rows).collect(),
        Positions::Spread => multimodal_positions(&ids, judge.prompts.picture(), &grids, 2),
    };
    let segment = Segment { queries: 0..rows, keys: vec![0..rows], causal: true };
    let pass = Pass { hidden, positions, segments: vec![segment], past: Vec::new(), read: vec![rows - 1], keep_keys: false };
    let mut decoder = Vec::new();
    let passed = judge.decoder.forward_watched(pass, &mut |_, stage| {
        decoder.push(stage.clone());
        Ok(())
    })?;
    let head = judge.heads.answer(part, &passed.read)?[0];
    Ok(Plain { vision, merged, decoder, normed: passed.read, head })
}

trait ConcatPatches {
    fn concat_patches(&self) -> Vec<f32>;
}

impl ConcatPatches for [pictures::Prepared; 2] {
    fn concat_patches(&self) -> Vec<f32> {
        self.iter().flat_map(|prepared| prepared.patches.iter().copied()).collect()
    }
}

fn off(ours: &Tensor, rows: &[u32], golden: &Tensor) -> f64 {
    let rows = Tensor::new(rows, &Device::Cpu).expect("rows");
    let ours = ours.index_select(&rows, 0).expect("rows").to_dtype(DType::F32).expect("numbers");
    let off = (ours - golden.reshape(((), golden.dims()[golden.rank() - 1])).expect("rows")).expect("one shape");
    f64::from(off.abs().and_then(|off| off.max_all()).and_then(|off| off.to_scalar::<f32>()).expect("a number"))
}

#[test]
fn every_stage_is_that_of_the_official_code() {
    let mut worst: BTreeMap<&str, f64> = BTreeMap::new();
    let mut note = |stage: &'static str, what: &str, off: f64| {
        assert!(off < TOLERANCE, "{what}: off by {off:e}");
        let most = worst.entry(stage).or_default();
        *most = most.max(off);
    };
    for case in cases() {
        let stages = case.stages();
        for (tables, mode) in [(RopeTables::Official, "official"), (RopeTables::Exact, "exact")] {
            let judge = case.judge(options(tables));
            let pair = case.pair(&case.pairs[0]);
            for (part, name) in PARTS.into_iter().enumerate() {
                let ours = plain(&judge, &pair, part, Positions::Plain).expect("a run");
                let what = |stage: String| format!("{} {mode}.{stage}", case.folder.display());
                for (at, stage) in ours.vision.iter().enumerate() {
                    let golden = &stages[&format!("{mode}.vision.{at}")];
                    note("vision", &what(format!("vision.{at}")), off(stage, &case.stages.vision_rows, golden));
                }
                let golden = &stages[&format!("{mode}.merger")];
                note("merger", &what("merger".to_owned()), off(&ours.merged, &case.stages.merger_rows, golden));
                for (at, stage) in ours.decoder.iter().enumerate() {
                    let golden = &stages[&format!("{mode}.decoder.{name}.{at}")];
                    // What stands behind the reward token is not computed.
                    let rows = &case.stages.decoder_rows[name];
                    let seen = rows.iter().filter(|&&row| row < stage.dims()[0]).map(|&row| row as u32);
                    let seen: Vec<u32> = seen.collect();
                    let golden = golden.narrow(0, 0, seen.len()).expect("rows");
                    note("decoder", &what(format!("decoder.{name}.{at}")), off(stage, &seen, &golden));
                }
                let golden = &stages[&format!("{mode}.normed.{name}")];
                note("normed", &what(format!("normed.{name}")), off(&ours.normed, &[0], golden));
                let golden = stages[&format!("{mode}.head.{name}")].to_vec1::<f32>().expect("two numbers");
                let (mean, log_sigma) = ours.head;
                let head = (mean - f64::from(golden[0])).abs().max((log_sigma - f64::from(golden[1])).abs());
                note("head", &what(format!("head.{name}")), head);
            }
        }
    }
    println!("largest differences by stage: {worst:?}");
}

#[test]
fn positions_that_spread_over_pictures_would_be_caught() {
    for case in cases() {
        let judge = case.judge(options(RopeTables::Official));
        for golden in &case.pairs[..1] {
            for (part, name) in PARTS.into_iter().enumerate() {
                let scores = |mode: &str| {
                    let scores = &golden.scores[mode];
                    if name == PARTS[0] { scores.instruction_following } else { scores.visual_quality }
                };
                let (mean, log_sigma) = plain(&judge, &case.pair(golden), part, Positions::Spread).expect("a run").head;
                let off = |golden: [f64; 2]| (mean - golden[0]).abs().max((log_sigma - golden[1]).abs());
                // They are computed rightly, and are far from what the released code computes.
                assert!(off(scores("mrope")) < TOLERANCE, "{} {name}", case.folder.display());
                assert!(off(scores("official")) > 10.0 * TOLERANCE, "{} {name}", case.folder.display());
            }
        }
    }
}

#[test]
fn an_unrounded_table_would_be_caught() {
    for case in cases() {
        let mut judge = case.judge(options(RopeTables::Official));
        let checkpoint = case.directory().checkpoint().expect("weights");
        let compute = Compute::cpu();
        let scope = Scope::root(&checkpoint, &compute).at("model").at("language_model");
        let config = case.directory().config().expect("a config");
        judge.decoder = Decoder::load(&scope, &config.text, RopeTables::Exact).expect("a decoder");
        let verdict = judge_all(&mut judge, &[case.pair(&case.pairs[0])])[0];
        let scores = &case.pairs[0].scores;
        assert!(largest(&verdict, &scores["unrounded_text"], "mean") < TOLERANCE, "{}", case.folder.display());
        assert!(largest(&verdict, &scores["official"], "mean") > 10.0 * TOLERANCE, "{}", case.folder.display());
    }
}

#[test]
fn rounding_halves_away_from_zero_would_be_caught() {
    let differs = |golden: &GoldenPair| golden.sizes != golden.sizes_half_away;
    let caught = cases().iter().flat_map(|case| &case.pairs).filter(|golden| differs(golden)).count();
    assert!(caught > 0, "no case has a picture whose size would come out differently");
}

#[test]
fn weights_kept_as_stored_give_the_same_scores() {
    for case in cases().iter().filter(|case| ["groups", "halves"].iter().any(|name| case.folder.ends_with(name))) {
        let mut judge = case.judge(Options::cpu(true));
        assert_eq!(judge.options.compute.kept, Storage::Stored);
        let verdict = judge_all(&mut judge, &[case.pair(&case.pairs[0])])[0];
        assert!(largest(&verdict, &case.pairs[0].scores["official"], "mean") < TOLERANCE, "{}", case.folder.display());
    }
}

#[test]
fn answers_do_not_depend_on_the_cut_or_the_cache() {
    for case in cases() {
        let pairs = case.pairs();
        let whole = judge_all(&mut case.judge(options(RopeTables::Official)), &pairs);
        let cramped = Options { activation_bytes: 1, cache_bytes: 0, ..options(RopeTables::Official) };
        let cut = judge_all(&mut case.judge(cramped), &pairs);
        let mut kept = case.judge(options(RopeTables::Official));
        judge_all(&mut kept, &pairs);
        let again = judge_all(&mut kept, &pairs);
        for other in [&cut, &again] {
            for (one, other) in whole.iter().zip(other) {
                let off = difference(one.fused, [other.fused.mean, other.fused.sigma.ln()]);
                assert!(off < 1e-5, "{}: off by {off:e}", case.folder.display());
            }
        }
    }
}

/// What a call has to compute, from the tokens of its prompts alone: every beginning once.
fn tree_of(judge: &EditReward, pairs: &[Pair]) -> Counters {
    #[derive(PartialEq, Eq, Hash, Clone)]
    enum At {
        Token(u32),
        Picture(Digest, usize),
    }
    let mut beginnings = std::collections::HashSet::new();
    let mut pictures = std::collections::HashSet::new();
    for pair in pairs {
        for tokens in judge.prompts.tokens(&pair.instruction).expect("tokens") {
            let ids = |ids: &[u32]| ids.iter().copied().map(At::Token).collect();
            let picture = |picture: &Image| {
                let grid = judge.preparation.prepare(picture).expect("patches").grid;
                (0..grid.patches() / judge.merged).map(|at| At::Picture(picture.digest(), at)).collect::<Vec<_>>()
            };
            let (source, edited) = (picture(&pair.source), picture(&pair.edited));
            let sequence = [ids(&tokens.before), source, ids(&tokens.between), edited, ids(&tokens.after)].concat();
            beginnings.extend((1..=sequence.len()).map(|end| sequence[..end].to_vec()));
            pictures.extend([pair.source.digest(), pair.edited.digest()]);
        }
    }
    Counters { image_encodes: pictures.len() as u64, decoder_tokens: beginnings.len() as u64 }
}

fn total(verdicts: &[Verdict]) -> Counters {
    verdicts.iter().fold(Counters::default(), |mut total, verdict| {
        total += verdict.counters;
        total
    })
}

#[test]
fn nothing_is_computed_twice() {
    // The shortest sequences, so that the plain count of beginnings stays small: 112-pixel pictures.
    let case = cases().into_iter().find(|case| case.folder.ends_with("budget")).expect("the case");
    let mut judge = case.judge(options(RopeTables::Official));
    let names = ["source.png", "negative.png", "small.png", "square.png"];
    let images: Vec<Image> = names.iter().map(|name| image(&case.folder.join(name))).collect();
    let pair = |source: usize, edited: usize, instruction: &str| Pair {
        source: images[source].clone(),
        edited: images[edited].clone(),
        instruction: instruction.into(),
    };
    let first = [pair(0, 1, "warmer"), pair(0, 2, "warmer"), pair(0, 1, "warmer"), pair(0, 3, "warm tones")];
    let expected = tree_of(&judge, &first);
    assert_eq!(expected.image_encodes, 4, "one source and three edited pictures");
    assert_eq!(total(&judge_all(&mut judge, &first)), expected);

    // A later round on the same source: only what is behind the source is new.
    let later = [pair(0, 1, "colder"), pair(0, 0, "warmer")];
    let all: Vec<Pair> = first.iter().chain(&later).cloned().collect();
    let branches = |pairs: &[Pair]| tree_of(&judge, pairs).decoder_tokens - tree_of(&judge, &[pair(0, 1, "x")]).decoder_tokens;
    let tokens = judge.prompts.tokens("x").expect("tokens");
    let stem = tokens[0].before.len() + 12 + tokens[0].between.len();
    let alone = tree_of(&judge, &later).decoder_tokens - stem as u64;
    assert!(branches(&all) > alone, "the rounds share some branches");
    assert_eq!(total(&judge_all(&mut judge, &later)), Counters { image_encodes: 0, decoder_tokens: alone });

    // Another source has the opening in common, and its picture was seen.
    let other = [pair(1, 2, "warmer")];
    let opening = judge.prompts.tokens("x").expect("tokens")[0].before.len() as u64;
    let expected = tree_of(&judge, &other).decoder_tokens - opening;
    assert_eq!(total(&judge_all(&mut judge, &other)), Counters { image_encodes: 0, decoder_tokens: expected });
}

#[test]
fn names_of_both_schemes_load() {
    let schemes = cases().into_iter().map(|case| {
        let Directory::Folder(folder) = case.directory() else { panic!("a folder") };
        Checkpoint::open(&folder, |name| name.to_owned()).expect("weights").facts().any(|(name, _)| name != canonical(name))
    });
    let schemes: Vec<bool> = schemes.collect();
    assert!(schemes.contains(&true) && schemes.contains(&false), "cases of both schemes");
}
