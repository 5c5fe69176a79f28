//! Groups as runs leave them, drawn in code: for tests, and for the sample that other programs read.

#![allow(
    clippy::unwrap_used,
    clippy::struct_excessive_bools,
    clippy::result_large_err,
    dead_code,
    reason = "a test that cannot go on fails; not every user uses all; a data set is small"
)]

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use editscale_picture::{Rgb8, encode_rgb8};
use editscale_rollout::Place;
use editscale_rollout::advantage::{AdvantageKind, GRPO_CLIP, GRPO_FLOOR, advantages, is_flat};
use editscale_rollout::group::{
    CandidateRow, Cost, DrawFigures, FailureNote, Group, MadeBy, PartRow, Picture, PolicyStamp, Said,
};
use editscale_rollout::pack::Pack;
use editscale_rollout::queue::{End, Item, Spent};
use safetensors::tensor::{Dtype, TensorView};

/// Pixels of a side of all pictures.
pub(crate) const SIDE: u32 = 24;

/// Denoising steps of a trajectory.
pub(crate) const STEPS: usize = 4;

/// What is particular about a group.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Traits {
    pub(crate) candidates: u32,
    pub(crate) has_mask: bool,
    pub(crate) has_trajectories: bool,
    pub(crate) is_flat: bool,
    pub(crate) has_failures: bool,
    pub(crate) is_drawn: bool,
}

/// A picture: soft stripes, a little different for each number.
pub(crate) fn drawn(number: u64) -> Bytes {
    let mut pixels = Vec::new();
    for y in 0..SIDE {
        for x in 0..SIDE {
            let shade = (x * 9 + y * 4 + number as u32 * 7) % 256;
            pixels.extend([shade as u8, (255 - shade) as u8, (number.wrapping_mul(37) % 256) as u8]);
        }
    }
    encode_rgb8(&Rgb8 { width: SIDE as usize, height: SIDE as usize, data: pixels }).unwrap().into()
}

fn digest(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

/// A pack on its way.
struct Maker {
    images: BTreeMap<String, Bytes>,
    trajectories: BTreeMap<u32, Bytes>,
}

impl Maker {
    fn picture(&mut self, number: u64, name: Option<&str>) -> Picture {
        let bytes = drawn(number);
        let digest = blake3::hash(&bytes).to_hex().to_string();
        self.images.insert(digest.clone(), bytes);
        Picture { digest, format: "png".to_owned(), width: SIDE, height: SIDE, name: name.map(ToOwned::to_owned) }
    }
}

/// The group of row `row`, equal for equal arguments.
pub(crate) fn pack(row: u64, traits: Traits) -> Pack {
    let mut maker = Maker { images: BTreeMap::new(), trajectories: BTreeMap::new() };
    let source = maker.picture(row * 1000, Some(&format!("photos/Fluß {row}.png")));
    let mask = traits.has_mask.then(|| maker.picture(row * 1000 + 999, None));
    let mut candidates: Vec<_> =
        (0..traits.candidates).map(|number| candidate(&mut maker, row, number, traits)).collect();
    let rewards: Vec<_> = candidates.iter().map(|each| each.reward).collect();
    let worth = advantages(AdvantageKind::Grpo { floor: GRPO_FLOOR, clip: Some(GRPO_CLIP) }, &rewards);
    candidates.iter_mut().zip(worth).for_each(|(each, advantage)| each.advantage = advantage);
    rank(&mut candidates);
    let mut group = group(row, traits, source, candidates);
    group.mask = mask;
    group.is_flat = is_flat(&rewards, GRPO_FLOOR);
    Pack { group, images: maker.images, trajectories: maker.trajectories }
}

fn rank(candidates: &mut [CandidateRow]) {
    let mut order: Vec<usize> = (0..candidates.len()).filter(|at| candidates[*at].reward.is_some()).collect();
    order.sort_by(|one, other| candidates[*other].reward.unwrap().total_cmp(&candidates[*one].reward.unwrap()));
    for (rank, at) in order.into_iter().enumerate() {
        candidates[at].rank = Some(rank as u32);
        candidates[at].is_selected = rank == 0;
    }
}

fn group(row: u64, traits: Traits, source: Picture, candidates: Vec<CandidateRow>) -> Group {
    let instruction = format!("make the sky of picture {row} redder, \"bitte\" 夕焼け");
    let recipe = digest("recipe");
    let edits = u64::from(traits.candidates);
    let spent =
        Spent { edits, reward_calls: edits, nfe: edits * 28, tokens: 0, usd_micros: 250 * edits, wall_secs: 1.5 };
    Group {
        version: Group::VERSION,
        rollout_id: digest(&format!("rollout {row}")),
        group_id: digest(&format!("group {} {instruction} {recipe}", source.digest)),
        row,
        row_id: format!("photo-{row}"),
        repeat: 0,
        resampled: u32::from(traits.is_flat),
        is_flat: false,
        instruction,
        source,
        mask: None,
        root_seed: 1000 + row,
        recipe,
        behaviour_policy: r#"{"best_of_n": {"n": 4}}"#.to_owned(),
        objective: r#"{"reward": "judge"}"#.to_owned(),
        policy: PolicyStamp { version: "step-12".to_owned(), checksum: digest("weights") },
        editors: BTreeMap::from([("kontext".to_owned(), "tiny-kontext@1".to_owned())]),
        rewards: BTreeMap::from([
            ("judge".to_owned(), "nano@3".to_owned()),
            ("safety".to_owned(), "safe@1".to_owned()),
        ]),
        stop_reason: "complete".to_owned(),
        draw: traits.is_drawn.then_some(DrawFigures { temperature: 0.5, effective_sample_size: 2.25, kl: 0.4 }),
        candidates,
        spent,
        extra: serde_json::from_str(r#"{"category": "colour", "difficulty": 2, "tags": ["a", "b"]}"#).unwrap(),
        made: MadeBy { worker: "host-1-0".to_owned(), finished_unix_secs: 1.8e9, wall_secs: 1.5, delivery: 1 },
    }
}

fn candidate(maker: &mut Maker, row: u64, number: u32, traits: Traits) -> CandidateRow {
    let is_failed = traits.has_failures && number == 1;
    let is_unscored = traits.has_failures && number == 2;
    // The last one of a group with failures gives the source back as it is.
    let is_source = traits.has_failures && number + 1 == traits.candidates;
    let shown = if is_source { row * 1000 } else { row * 1000 + u64::from(number) + 1 };
    let reward = if traits.is_flat { 0.5 } else { f64::from((number * 7 + row as u32 * 3) % 11) / 10.0 };
    let image = (!is_failed).then(|| maker.picture(shown, None));
    let has_trajectory = traits.has_trajectories && !is_failed;
    if has_trajectory {
        maker.trajectories.insert(number, trajectory(row, number));
    }
    let note = |kind: &str, message: &str| FailureNote { kind: kind.to_owned(), message: message.to_owned() };
    CandidateRow {
        candidate: number,
        round: u32::from(number >= 4),
        parents: if number >= 4 { vec![0, 1] } else { Vec::new() },
        edge: if number >= 4 { "re_edit" } else { "fresh" }.to_owned(),
        start: "source".to_owned(),
        until_step: None,
        effective_instruction: format!("make the sky of picture {row} redder"),
        editor: "kontext".to_owned(),
        knobs: BTreeMap::from([("guidance".to_owned(), serde_json::json!(2.5)), ("steps".to_owned(), STEPS.into())]),
        seed: (1 << 52) + row * 100 + u64::from(number),
        effective_seed: (number == 3).then_some(77),
        failure: is_failed.then(|| note("refused", "the editor refused: \"no\"")),
        notes: if number == 0 { vec!["scaled to 24 × 24".to_owned()] } else { Vec::new() },
        scores: if is_failed { BTreeMap::new() } else { scores(reward, is_unscored.then(|| note("timeout", "60 s"))) },
        reward: (!is_failed && !is_unscored).then_some(reward),
        advantage: None,
        rank: None,
        is_selected: false,
        selection_probability: traits.is_drawn.then(|| 1.0 / f64::from(traits.candidates)),
        cost: Cost { nfe: 28, tokens: 0, usd_micros: 250 },
        took_secs: 0.25,
        has_trajectory,
        image,
    }
}

fn scores(reward: f64, failure: Option<FailureNote>) -> BTreeMap<String, Said> {
    let parts =
        ["following", "quality"].map(|name| PartRow { name: name.to_owned(), mean: reward, sigma: Some(0.125) });
    let judged = Said::Score { mean: reward, sigma: Some(0.1), parts: parts.to_vec() };
    let judge = failure.map_or(judged, Said::Failed);
    let safety = Said::Score { mean: 1.0, sigma: None, parts: Vec::new() };
    BTreeMap::from([("judge".to_owned(), judge), ("safety".to_owned(), safety)])
}

/// A trajectory as the engine writes it.
pub(crate) fn trajectory(row: u64, number: u32) -> Bytes {
    let value = |at: usize| (at as f32 * 0.01 + row as f32 + number as f32 * 0.1).sin();
    let bytes = |values: Vec<f32>| values.into_iter().flat_map(f32::to_le_bytes).collect::<Vec<u8>>();
    let sigmas: Vec<f32> = (0..=STEPS).map(|at| 1.0 - at as f32 / STEPS as f32).collect();
    // The last step adds no noise.
    let log_probabilities = (0..STEPS).map(|at| if at + 1 == STEPS { f32::NAN } else { -1.0 - value(at).abs() });
    let timesteps = sigmas.iter().take(STEPS).map(|sigma| sigma * 1000.0).collect();
    let parts = [
        ("latents", vec![STEPS + 1, 4, 3, 3], bytes((0..(STEPS + 1) * 36).map(value).collect())),
        ("log_probabilities", vec![STEPS], bytes(log_probabilities.collect())),
        ("sigmas", vec![STEPS + 1], bytes(sigmas)),
        ("timesteps", vec![STEPS], bytes(timesteps)),
    ];
    let views =
        parts.iter().map(|(name, shape, data)| (*name, TensorView::new(Dtype::F32, shape.clone(), data).unwrap()));
    let format = HashMap::from([("format".to_owned(), "editscale-trajectory/1".to_owned())]);
    safetensors::serialize(views, Some(format)).unwrap().into()
}

/// The items of a small data set in ordinal order, and what came of them.
pub(crate) fn dataset() -> Vec<Result<Pack, (Item, End)>> {
    let plain = Traits { candidates: 4, ..Traits::default() };
    let all = [
        plain,
        Traits { has_trajectories: true, ..plain },
        Traits { is_flat: true, ..plain },
        plain,
        Traits { candidates: 8, has_failures: true, has_trajectories: true, ..plain },
        Traits { has_mask: true, is_drawn: true, ..plain },
        Traits { candidates: 6, has_mask: true, has_trajectories: true, ..plain },
        plain,
        Traits { candidates: 1, ..plain },
        Traits { candidates: 8, is_drawn: true, has_trajectories: true, ..plain },
        Traits { candidates: 0, ..plain },
        Traits { candidates: 5, has_failures: true, has_mask: true, ..plain },
    ];
    let ends = (0..).zip(all).map(|(row, traits)| match row {
        3 => Err((item(row), End::Skipped { reason: "the picture is not one: expected PNG, JPEG, …".to_owned() })),
        7 => {
            let spent = Spent { edits: 8, nfe: 224, ..Spent::default() };
            Err((item(row), End::Dead { reason: "the editor is away".to_owned(), deliveries: 10, spent }))
        }
        _ => Ok(pack(row, traits)),
    });
    ends.collect()
}

/// The first repeat of a row, which is also its item.
pub(crate) fn item(row: u64) -> Item {
    Item { ordinal: row, row, repeat: 0, place: Place(format!("data.jsonl:{}", row + 1)) }
}
