//! Recipes that are right, and what they mean.

use std::any::Any;
use std::num::NonZeroU32;
use std::time::Duration;

use editscale_config::{
    Advantage, AllImages, BestImages, BestWorst, DataColumns, Export, Grpo, Output, OutputFormat, PairChoice, Pairs,
    Policy, Retain, Retry, Rollout, Stop, Weighted, WinnerImage,
};
use editscale_core::{Budget, EditorName, Need, Scale, Usd};
use editscale_darkroom::DarkroomRecipe;
use editscale_models::device::{DeviceChoice, DtypeChoice};
use editscale_models::editors::diffusion::ResultSize;
use editscale_models::editors::flux_kontext::FluxKontextRecipe;
use editscale_models::editors::instruct_pix2pix::InstructPix2PixRecipe;
use editscale_models::editors::qwen_image_edit::QwenImageEditRecipe;
use editscale_models::editors::step1x_edit::Step1xEditRecipe;
use editscale_models::recipe::{DiffusionSettings, FlowSettings, TextDevice, WeightChoice};
use editscale_schema::EditorChoice;
use editscale_search::{RewardWeightedRecipe, Weighting};
use insta::assert_snapshot;

use crate::{parse, recipe, with_search};

/// The example of the design page.
const DESIGN: &str = "version: 1
editor: {darkroom: {}}        # or editors: {fast: {…}, good: {…}} for a search that routes
rewards:
  - {model: {photometric: {}}, weight: 1.0}
search: {best_of_n: {samples: 8}}
stop: {target_score: 0.95}
budget: {edits: 32, wall_secs: 120}
";

#[test]
fn the_example_of_the_design_is_read() {
    let (recipe, warnings) = parse(DESIGN.as_bytes()).unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    assert_eq!(recipe.settings().stop, Stop { target_score: Some(0.95), patience: None });
    assert_eq!(recipe.budget().edits, Some(32));
    assert_eq!(recipe.budget().wall, Some(Duration::from_secs(120)));
    assert_eq!(recipe.search_factory().largest_run(), 8);
    assert_eq!(recipe.objective().scale(), Scale::Absolute);
}

#[test]
fn defaults_are_spelled_out_when_resolved() {
    assert_snapshot!(recipe(DESIGN).to_yaml(), @r"
    version: 1
    editor: {darkroom: {partial: false}}
    rewards: [{model: {photometric: {}}, weight: 1.0, name: photometric}]
    combine: {weighted: {}}
    gates: []
    search: {best_of_n: {samples: 8}}
    stop: {target_score: 0.95}
    budget: {edits: 32, wall_secs: 120.0}
    retain: {all: {}}
    retry: {attempts: 3, base_delay_secs: 0.5, max_delay_secs: 30.0}
    output: {format: png, quality: 92, keep_metadata: false}
    ");
}

/// Everything set to something other than its default.
const EVERYTHING: &str = "
version: 1
editors:
  fast: {darkroom: {partial: true, workers: 2}}
  'no': {darkroom: {}}
rewards:
  - model: {photometric: {}}
    weight: -0.5
    name: strict.one
  - model: {photometric: {}}
    name: \"8\"
combine: {weighted: {}}
gates:
  - {reward: strict.one, part: preservation, at_least: 0.5}
  - {reward: '8', at_least: -1e-3}
search:
  beam:
    width: 3
    children: 4
    depth: 5
    edges: {re_edit: 2, edit_of_edit: 0.5}
stop: {target_score: 0.9, patience: 3}
budget: {edits: 60, nfe: 1000, reward_calls: 120, tokens: 9007199254740991, usd: 1.234567, wall_secs: 0.5}
retain: {best: {count: 4}}
retry: {attempts: 1, base_delay_secs: 0, max_delay_secs: 0.25}
output: {format: jpeg, quality: 80, keep_metadata: true}
rollout:
  columns: {source: before, instruction: what to do, mask: '', id: 'no', seed: '', keep: [topic, meta.licence]}
  repeats: 3
  advantage: {grpo: {floor: 0.01, clip: 5}}
  flat_below: 0.5
  resample: 2
  export:
    parquet: false
    webdataset: true
    trajectories: false
    groups_per_shard: 8
    pairs: {choose: adjacent, margin: 0.05}
    best_worst: {count: 2}
    sft: {temperature: 0.5}
  policy: {version: step-8, editor: 'no', adapter: adapters/step-8, scale: 0.5, follow: adapters/policy.json}
";

/// The editor of a recipe, as what it is.
fn chosen<T: 'static>(model: &dyn EditorChoice) -> &T {
    let model: &dyn Any = model;
    model.downcast_ref().unwrap()
}

#[test]
fn everything_can_be_set() {
    let recipe = recipe(EVERYTHING);
    let settings = recipe.settings();
    let names: Vec<&str> = settings.editors.iter().map(|editor| editor.name.as_str()).collect();
    assert_eq!(names, ["fast", "no"]);
    assert_eq!(
        chosen::<DarkroomRecipe>(&*settings.editors[0].model),
        &DarkroomRecipe { partial: true, workers: NonZeroU32::new(2) }
    );
    let rewards: Vec<_> = settings.rewards.iter().map(|reward| (reward.name.as_str(), reward.weight)).collect();
    assert_eq!(rewards, [("strict.one", -0.5), ("8", 1.0)]);
    assert_eq!(settings.gates[0].part.as_ref().map(ToString::to_string).as_deref(), Some("preservation"));
    assert_eq!(settings.gates[1].at_least, -0.001);
    assert_eq!(
        settings.budget,
        Budget {
            edits: Some(60),
            nfe: Some(1000),
            reward_calls: Some(120),
            tokens: Some(9_007_199_254_740_991),
            usd: Some(Usd { micros: 1_234_567 }),
            wall: Some(Duration::from_millis(500)),
        }
    );
    assert_eq!(settings.retain, Retain::Best(BestImages { count: 4 }));
    let max_delay = Duration::from_millis(250);
    assert_eq!(settings.retry, Retry { attempts: 1, base_delay: Duration::ZERO, max_delay });
    assert_eq!(settings.output, Output { format: OutputFormat::Jpeg, quality: 80, keep_metadata: true });
    assert_eq!(recipe.search_factory().largest_run(), 72);
    let needs = [Need::Pointwise, Need::Seeds, Need::Knobs, Need::EditsCandidates];
    assert_eq!(recipe.search_factory().needs(), needs);
    assert_snapshot!(recipe.to_yaml(), @r#"
    version: 1
    editors: {fast: {darkroom: {partial: true, workers: 2}}, "no": {darkroom: {partial: false}}}
    rewards:
      - {model: {photometric: {}}, weight: -0.5, name: strict.one}
      - {model: {photometric: {}}, weight: 1.0, name: "8"}
    combine: {weighted: {}}
    gates: [{reward: strict.one, part: preservation, at_least: 0.5}, {reward: "8", at_least: -0.001}]
    search:
      beam: {width: 3, children: 4, depth: 5, edges: {re_edit: 2.0, edit_of_edit: 0.5, fresh: 0.0}}
    stop: {target_score: 0.9, patience: 3}
    budget:
      edits: 60
      nfe: 1000
      reward_calls: 120
      tokens: 9007199254740991
      usd: 1.234567
      wall_secs: 0.5
    retain: {best: {count: 4}}
    retry: {attempts: 1, base_delay_secs: 0.0, max_delay_secs: 0.25}
    output: {format: jpeg, quality: 80, keep_metadata: true}
    rollout:
      columns:
        source: before
        instruction: "what to do"
        mask: ""
        id: "no"
        seed: ""
        keep: [topic, meta.licence]
      repeats: 3
      advantage: {grpo: {floor: 0.01, clip: 5.0}}
      flat_below: 0.5
      resample: 2
      export:
        parquet: false
        webdataset: true
        trajectories: false
        groups_per_shard: 8
        pairs: {choose: adjacent, margin: 0.05}
        best_worst: {count: 2}
        sft: {temperature: 0.5}
      policy:
        version: step-8
        editor: "no"
        adapter: "adapters/step-8"
        scale: 0.5
        follow: "adapters/policy.json"
    "#);
}

#[test]
fn what_is_said_of_data_sets_is_read() {
    let rollout = recipe(EVERYTHING).rollout();
    let text = |text: &str| Some(text.to_owned());
    let columns = DataColumns {
        source: text("before"),
        instruction: text("what to do"),
        mask: text(""),
        id: text("no"),
        seed: text(""),
        keep: vec!["topic".to_owned(), "meta.licence".to_owned()],
    };
    let export = Export {
        parquet: false,
        webdataset: true,
        trajectories: false,
        groups_per_shard: 8,
        pairs: Some(Pairs { choose: PairChoice::Adjacent, margin: 0.05 }),
        best_worst: Some(BestWorst { count: 2 }),
        sft: Some(Weighted { temperature: 0.5 }),
    };
    let policy = Policy {
        version: "step-8".to_owned(),
        editor: EditorName::new("no").ok(),
        adapter: text("adapters/step-8"),
        checkpoint: None,
        scale: 0.5,
        follow: text("adapters/policy.json"),
    };
    let advantage = Advantage::Grpo(Grpo { floor: 0.01, clip: Some(5.0) });
    let policy = Some(policy);
    assert_eq!(rollout, Rollout { columns, repeats: 3, advantage, flat_below: 0.5, resample: 2, export, policy });
}

#[test]
fn what_is_left_out_of_data_sets_has_its_default() {
    let usual = recipe(DESIGN);
    let empty = recipe(&format!("{DESIGN}rollout: {{columns: {{}}, advantage: {{grpo: {{}}}}, export: {{}}}}\n"));
    assert_eq!((usual.rollout(), empty.rollout()), (Rollout::default(), Rollout::default()));
    let views = recipe(&format!("{DESIGN}rollout: {{export: {{pairs: {{}}, best_worst: {{}}, sft: {{}}}}}}\n"));
    let export = Export {
        pairs: Some(Pairs { choose: PairChoice::BestWorst, margin: 0.0 }),
        best_worst: Some(BestWorst { count: 1 }),
        sft: Some(Weighted { temperature: 1.0 }),
        ..Export::default()
    };
    assert_eq!(views.rollout().export, export);
    assert_snapshot!(empty.to_yaml().split_once("rollout:").unwrap().1, @r"
    columns: {keep: []}
    repeats: 1
    advantage: {grpo: {floor: 0.0001}}
    flat_below: 1e-6
    resample: 0
    export: {parquet: true, webdataset: false, trajectories: true, groups_per_shard: 64}
    ");
    assert_eq!(empty.for_single_runs(), usual, "single runs look at nothing of it");
}

/// What an editor's choice is read as, and how it is spelled out.
fn resolved(editor: &str) -> (Box<dyn EditorChoice>, String) {
    let text = with_search("{best_of_n: {samples: 8}}").replace("{darkroom: {}}", editor);
    let recipe = recipe(&text);
    let yaml = recipe.to_yaml();
    let (_, rest) = yaml.split_once('\n').unwrap();
    (recipe.editors()[0].model.clone(), rest[..rest.find("rewards:").unwrap()].to_owned())
}

#[test]
fn diffusion_models_are_spelled_out_when_resolved() {
    let (model, text) = resolved("{instruct_pix2pix: {dir: models/a}}");
    assert_eq!(chosen::<InstructPix2PixRecipe>(&*model), &InstructPix2PixRecipe::of("models/a"));
    assert_snapshot!(text, @r#"
    editor:
      instruct_pix2pix:
        dir: "models/a"
        steps: 20
        guidance: 7.5
        image_guidance: 1.5
        sampler: file
        eta: 0.0
        max_pixels: 393216
        result_size: model
        trajectory: false
        device: auto
        dtype: auto
        paused_mib: 1024
        batch: 32
        cache_mib: 256
    "#);
    let (model, text) = resolved("{flux_kontext: {dir: models/b}}");
    assert_eq!(chosen::<FluxKontextRecipe>(&*model), &FluxKontextRecipe::of("models/b"));
    assert_snapshot!(text, @r#"
    editor:
      flux_kontext:
        dir: "models/b"
        adapter_scale: 1.0
        steps: 28
        guidance: 2.5
        eta: 0.0
        max_pixels: 1048576
        fit_source: true
        text_tokens: 512
        result_size: model
        trajectory: false
        device: auto
        dtype: auto
        paused_mib: 1024
        batch: 32
        text_device: same
        weights: auto
        cache_mib: 512
    "#);
    let (model, text) = resolved("{qwen_image_edit: {dir: models/c}}");
    assert_eq!(chosen::<QwenImageEditRecipe>(&*model), &QwenImageEditRecipe::of("models/c"));
    assert_snapshot!(text, @r#"
    editor:
      qwen_image_edit:
        dir: "models/c"
        residency: together
        adapter_scale: 1.0
        steps: 40
        schedule: pipeline
        guidance: 4.0
        eta: 0.0
        max_pixels: 1048576
        source_pixels: 1048576
        result_size: model
        trajectory: false
        device: auto
        dtype: auto
        paused_mib: 1024
        batch: 32
        text_device: same
        weights: auto
        cache_mib: 512
    "#);
    let (model, text) = resolved("{step1x_edit: {dir: models/d}}");
    assert_eq!(chosen::<Step1xEditRecipe>(&*model), &Step1xEditRecipe::of("models/d"));
    assert_snapshot!(text, @r#"
    editor:
      step1x_edit:
        dir: "models/d"
        residency: together
        adapter_scale: 1.0
        steps: 28
        guidance: 6.0
        eta: 0.0
        size_level: 1024
        reference_latent: mean
        result_size: model
        trajectory: false
        device: auto
        dtype: auto
        paused_mib: 1024
        batch: 32
        text_device: same
        weights: auto
        cache_mib: 512
    "#);
}

#[test]
fn every_option_of_a_diffusion_model_is_read() {
    let (model, _) = resolved(
        "{flux_kontext: {dir: b, transformer: q4.gguf, adapter: step-8, adapter_scale: 0.5, steps: 4, guidance: 3, eta: 0.7, max_pixels: 64, fit_source: false, \
         text_tokens: 77, result_size: source, latents: n.safetensors, trajectory: true, device: cuda, dtype: f16, \
         activation_mib: 1, paused_mib: 0, batch: 4, text_device: cpu, weights: stored, cache_mib: 0}}",
    );
    let diffusion = DiffusionSettings {
        result_size: ResultSize::Source,
        latents: Some("n.safetensors".to_owned()),
        trajectory: true,
        device: DeviceChoice::Cuda,
        dtype: DtypeChoice::F16,
        activation_mib: Some(1),
        paused_mib: 0,
        batch: 4.try_into().unwrap(),
    };
    let expected = FluxKontextRecipe {
        dir: "b".to_owned(),
        transformer: Some("q4.gguf".to_owned()),
        adapter: Some("step-8".to_owned()),
        adapter_scale: 0.5,
        steps: 4,
        guidance: 3.0,
        eta: 0.7,
        max_pixels: 64,
        fit_source: false,
        text_tokens: 77,
        shared: FlowSettings { diffusion, text_device: TextDevice::Cpu, weights: WeightChoice::Stored, cache_mib: 0 },
    };
    assert_eq!(chosen::<FluxKontextRecipe>(&*model), &expected);
}

#[test]
fn json_is_read() {
    let json = r#"{"version": 1, "editor": {"darkroom": {"partial": true}},
        "rewards": [{"model": {"photometric": {}}, "weight": 1.5e0, "name": "a\u0062"}],
        "search": {"best_of_n": {"samples": 8}}, "budget": {"wall_secs": 12.5}}"#;
    let recipe = recipe(json);
    assert_eq!(recipe.rewards()[0].name.as_str(), "ab");
    assert_eq!(recipe.rewards()[0].weight, 1.5);
    assert_eq!(recipe.budget().wall, Some(Duration::from_millis(12_500)));
    assert_eq!(crate::recipe(&json.replace("        ", "\t")), recipe, "JSON may be indented by tabs");
}

#[test]
fn spelling_does_not_matter() {
    let expected = recipe(DESIGN);
    let check = |text: &str| assert_eq!(recipe(text), expected, "{text}");
    check(&format!("\u{feff}{DESIGN}"));
    check(&DESIGN.replace('\n', "\r\n"));
    check(&format!("---\n{DESIGN}...\n"));
    check(&format!("# a comment\n\n{DESIGN}\n\n# the end"));
    check(&DESIGN.replace("samples: 8", "\"samples\": 0x8"));
    check(&DESIGN.replace("weight: 1.0", "weight: 1"));
    check(&DESIGN.replace("budget: {", "budget: {\n  ").replace("120}", "120,\n  }"));
    let mut lines: Vec<&str> = DESIGN.lines().collect();
    lines.rotate_left(4);
    check(&lines.join("\n"));
}

#[test]
fn policies_are_built_as_written() {
    let check = |search: &str, revision: &str| {
        assert_eq!(recipe(&with_search(search)).search_factory().revision(), revision);
    };
    check("{best_of_n: {samples: 8}}", "best_of_n/1 samples=8 round=8");
    check("{best_of_n: {samples: 8, round: 2}}", "best_of_n/1 samples=8 round=2");
    check(
        "{beam: {width: 2, children: 3, depth: 4}}",
        "beam/1 width=2 children=3 depth=4 re_edit=1 edit_of_edit=1 fresh=1",
    );
    check(
        "{beam: {width: 2, children: 3, depth: 4, edges: {fresh: 0.5}}}",
        "beam/1 width=2 children=3 depth=4 re_edit=0 edit_of_edit=0 fresh=0.5",
    );
    check(
        "{beam: {width: 2, children: 3, depth: 4, deduplicate: {bits: 6}, ties: {centroid: 0.5}}}",
        "beam/1 width=2 children=3 depth=4 re_edit=1 edit_of_edit=1 fresh=1 deduplicate.bits=6 of phash/1 \
         ties.centroid=0.5 by features or phash/1",
    );
    check(
        "{diverse_trees: {trees: 2, children: 3, depth: 4, edges: {fresh: 1}, deduplicate: {cosine: 0.9}}}",
        "diverse_trees/1 trees=2 children=3 depth=4 re_edit=0 edit_of_edit=0 fresh=1 deduplicate.cosine=0.9",
    );
    check(
        "{noise_search: {rounds: 5}}",
        "noise_search/1 pivots=4 neighbours=4 rounds=5 cosine=0.95 narrowing=0.5 restart_after=3",
    );
    check("{path_search: {paths: 2, children: 3}}", "path_search/2 paths=2 children=3 first=0.3 back=0.1 forward=0.3");
    check("{reward_weighted: {samples: 8, temperature: 0.1}}", "reward_weighted/1 samples=8 draw=1 Temperature(0.1)");
}

#[test]
fn conclusions_are_built_as_written() {
    let check = |conclusion: &str, revision: &str, resolved: &str| {
        let recipe = recipe(&with_search(&format!("{{best_of_n: {{samples: 8}}}}\n{conclusion}\n")));
        assert_eq!(recipe.search_factory().revision(), format!("best_of_n/1 samples=8 round=8{revision}"));
        let whole = recipe.to_yaml();
        let lines: Vec<&str> =
            whole.lines().filter(|line| line.starts_with("select") || line.starts_with("finalists")).collect();
        assert_eq!(lines.join("\n"), resolved);
        let (search, stop) = (whole.find("\nsearch:").unwrap(), whole.find("\nstop:").unwrap());
        assert!(resolved.is_empty() || (search..stop).contains(&whole.find(resolved).unwrap()), "{whole}");
    };
    check("", "", "");
    // What is usual is written where it was said, and decides nothing.
    check("select: {best: {}}", "", "select: {best: {}}");
    check(
        "select: {soft: {target_ess: 3}}",
        " select soft/1 draw=1 TargetEss/2(3.0)",
        "select: {soft: {draw: 1, target_ess: 3.0}}",
    );
    let relative = "select: {pessimistic: {relative_beta: 1.0}}";
    check("select: {pessimistic: {}}", " select pessimistic/1 Relative(1.0)", relative);
    check(
        "select: {pessimistic: {beta: 0.2}}",
        " select pessimistic/1 Absolute(0.2)",
        "select: {pessimistic: {beta: 0.2}}",
    );
    check(
        "select: {regularised: {strength: 0}}",
        " select regularised/1 Absolute(0.0)",
        "select: {regularised: {strength: 0.0}}",
    );
    check("finalists: {}", " finalists/1 count=4 votes=3", "finalists: {count: 4, votes: 3}");
    check(
        "finalists: {votes: 1, rewards: [photometric]}\nselect: {pessimistic: {}}",
        " select pessimistic/1 Relative(1.0) finalists/1 count=4 votes=1 by=photometric",
        &format!("{relative}\nfinalists: {{count: 4, votes: 1, rewards: [photometric]}}"),
    );
}

#[test]
fn weightings_are_told_apart() {
    let check = |key: &str, expected: Weighting| {
        let text = with_search(&format!("{{reward_weighted: {{samples: 8, draw: 2, {key}: 2}}}}"));
        let recipe = recipe(&text);
        let search: &dyn Any = &*recipe.settings().search;
        assert_eq!(search.downcast_ref::<RewardWeightedRecipe>().unwrap().weighting, expected);
    };
    check("temperature", Weighting::Temperature(2.0));
    check("target_ess", Weighting::TargetEss(2.0));
    check("target_kl", Weighting::TargetKl(2.0));
}

#[test]
fn ranks_are_relative() {
    let rewards = "rewards: [{model: {photometric: {}}, name: a}, {model: {photometric: {}}, name: b}]";
    let text = with_search("{best_of_n: {samples: 8}}").replace("rewards: [{model: {photometric: {}}}]", rewards);
    let recipe = recipe(&format!("{text}combine: {{mean_rank: {{}}}}\nstop: {{patience: 2}}\n"));
    assert_eq!(recipe.settings().combine.kind(), "mean_rank");
    assert_eq!(recipe.objective().scale(), Scale::Relative);
    assert_eq!(recipe.objective().revision(), "mean_rank/1 a b");
}

#[test]
fn images_are_retained_as_written() {
    let check = |retain: &str, expected: Retain| {
        let text = format!("{}retain: {retain}\n", with_search("{best_of_n: {samples: 8}}"));
        assert_eq!(recipe(&text).settings().retain, expected);
    };
    check("{all: {}}", Retain::All(AllImages {}));
    check("{winner: {}}", Retain::Winner(WinnerImage {}));
    check("{best: {count: 3}}", Retain::Best(BestImages { count: 3 }));
}
