//! Texts of recipes that are right, of every kind.

mod curating;

use proptest::prelude::*;

use curating::curate;

/// Names that other readers could take for something else.
fn name() -> impl Strategy<Value = String> {
    const AWKWARD: [&str; 11] = ["no", "y", "null", "1", "1.5", "0x1F", "1e3", "true", "8bit", "on", "N"];
    prop_oneof!["[a-zA-Z0-9][a-zA-Z0-9_.-]{0,20}", prop::sample::select(&AWKWARD[..]).prop_map(str::to_owned),]
}

fn line(key: &'static str, value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    prop::option::of(value).prop_map(move |value| value.map_or(String::new(), |value| format!("{key}: {value}\n")))
}

/// An option that is given or not.
fn option<V: std::fmt::Debug>(key: &'static str, value: impl Strategy<Value = V> + 'static) -> BoxedStrategy<String> {
    prop::option::of(value)
        .prop_map(move |value| value.map_or(String::new(), |value| format!("{key}: {value:?}")))
        .boxed()
}

/// An alternative with those of its options that are given.
fn tagged(kind: &'static str, options: Vec<BoxedStrategy<String>>) -> BoxedStrategy<String> {
    let given = |options: Vec<String>| options.into_iter().filter(|it| !it.is_empty()).collect::<Vec<_>>().join(", ");
    options.prop_map(move |options| format!("{{{kind}: {{{}}}}}", given(options))).boxed()
}

fn path() -> impl Strategy<Value = String> {
    prop_oneof![name(), "[a-z/.~][a-zA-Z0-9_./: #-]{0,30}[a-z]"]
}

fn word(words: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    prop::sample::select(words)
}

fn darkroom() -> BoxedStrategy<String> {
    tagged("darkroom", vec![option("partial", any::<bool>()), option("workers", 1u32..=256)])
}

/// The options that the diffusion models share.
fn diffusion() -> Vec<BoxedStrategy<String>> {
    let on_card = (word(&["auto", "cuda"]), word(&["auto", "f32", "bf16", "f16"]));
    let on_processor = (Just("cpu"), word(&["auto", "f32"]));
    let computing = prop_oneof![on_card, on_processor];
    vec![
        option("result_size", word(&["model", "source"])),
        option("latents", path()),
        option("trajectory", any::<bool>()),
        computing.prop_map(|(device, dtype)| format!("device: {device}, dtype: {dtype}")).boxed(),
        option("activation_mib", 1u32..=1 << 20),
        option("paused_mib", 0u32..=1 << 20),
        option("batch", 1u32..=1024),
        option("cache_mib", 0u32..=1 << 20),
        option("max_pixels", 64u32..=1 << 24),
        option("steps", 1u32..=1000),
        option("guidance", 0.0f64..=50.0),
    ]
}

fn instruct_pix2pix() -> BoxedStrategy<String> {
    let sampling = prop_oneof![
        Just("sampler: euler_ancestral".to_owned()),
        (word(&["file", "ddim"]), 0.0f64..=1.0).prop_map(|(sampler, eta)| format!("sampler: {sampler}, eta: {eta:?}")),
        Just(String::new()),
    ];
    let own = vec![
        path().prop_map(|dir| format!("dir: {dir:?}")).boxed(),
        option("image_guidance", 0.0f64..=50.0),
        sampling.boxed(),
    ];
    tagged("instruct_pix2pix", [own, diffusion()].concat())
}

fn flux_kontext() -> BoxedStrategy<String> {
    let file = (path(), word(&["gguf", "safetensors"])).prop_map(|(path, ending)| format!("{path}.{ending}"));
    let own = vec![
        path().prop_map(|dir| format!("dir: {dir:?}")).boxed(),
        option("transformer", file),
        option("eta", 0.0f64..=10.0),
        option("fit_source", any::<bool>()),
        option("text_tokens", 2u32..=4096),
        option("adapter", path()),
        option("adapter_scale", -100.0f64..=100.0),
        option("text_device", word(&["same", "cpu"])),
        option("weights", word(&["auto", "converted", "stored"])),
    ];
    tagged("flux_kontext", [own, diffusion()].concat())
}

fn qwen_image_edit() -> BoxedStrategy<String> {
    let references = prop::collection::vec(path(), 0..4).prop_map(|all| format!("references: {all:?}"));
    let own = vec![
        path().prop_map(|dir| format!("dir: {dir:?}")).boxed(),
        references.boxed(),
        option("residency", word(&["together", "in_turn"])),
        option("encoder", path()),
        option("vae", path()),
        option("adapter", path()),
        option("schedule", word(&["pipeline", "lightning"])),
        option("negative", path()),
        option("eta", 0.0f64..=10.0),
        option("source_pixels", 1u32..=1 << 24),
        option("tile", 64u32..=1 << 14),
        option("text_device", word(&["same", "cpu"])),
        option("weights", word(&["auto", "converted", "stored"])),
    ];
    tagged("qwen_image_edit", [own, diffusion()].concat())
}

/// What every editor and judge behind HTTP is told; some can also be told whether a call is sent again.
fn remote(repeats: bool) -> Vec<BoxedStrategy<String>> {
    let secret = prop_oneof![
        Just(String::new()),
        "[A-Z_][A-Z0-9_]{0,20}".prop_map(|name| format!(", secret_env: {name:?}")),
        (path(), "[a-z-]{1,20}")
            .prop_map(|(file, header)| format!(", secret_file: {file:?}, secret_header: {header:?}")),
    ];
    let pace = prop::option::of((1u32..=1_000_000, 1u32..=1000))
        .prop_map(|pace| pace.map_or(String::new(), |(rate, burst)| format!(", per_minute: {rate}, burst: {burst}")));
    let server = ("[a-z0-9.-]{0,20}", secret, 1u32..=4096, pace).prop_map(|(host, secret, concurrency, pace)| {
        (host.clone(), format!("{{url: \"https://a{host}/v1\"{secret}, concurrency: {concurrency}{pace}}}"))
    });
    let servers = prop::collection::vec(server, 1..4).prop_map(|servers| {
        let different: std::collections::BTreeMap<String, String> = servers.into_iter().collect();
        format!("servers: [{}]", different.into_values().collect::<Vec<_>>().join(", "))
    });
    let calls = (1u32..=20, 0.001f64..86_400.0)
        .prop_map(|(attempts, answer)| format!("calls: {{attempts: {attempts}, answer_secs: {answer:?}}}"));
    let prices = (0u64..=1_000_000_000_000, prop::option::of(1u64..=100_000_000)).prop_map(|(micros, most)| {
        let most = most.map_or(String::new(), |most| format!(", most_input_tokens: {most}"));
        format!("prices: {{picture: {:?}{most}}}", micros as f64 / 1e6)
    });
    let repeat = repeats.then(|| option("repeat", word(&["never", "harmless", "keyed"])));
    let told = vec![servers.boxed(), calls.boxed(), prices.boxed(), option("revision", path())];
    told.into_iter().chain(repeat).collect()
}

/// A value of a field, as JSON writes it: every JSON text is YAML.
fn field_value() -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|flag| flag.to_string()),
        any::<i64>().prop_map(|whole| whole.to_string()),
        any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(|number| format!("{number:?}")),
        path().prop_map(|text| format!("{text:?}")),
    ];
    let nested = leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(|items| format!("[{}]", items.join(", "))),
            prop::collection::btree_map("[a-z]{1,8}", inner, 0..3).prop_map(|entries| map(&entries)),
        ]
    });
    nested.boxed()
}

fn map(entries: &std::collections::BTreeMap<String, String>) -> String {
    let entries: Vec<String> = entries.iter().map(|(name, value)| format!("{name:?}: {value}")).collect();
    format!("{{{}}}", entries.join(", "))
}

/// The options that editors behind HTTP share.
fn remote_editor() -> Vec<BoxedStrategy<String>> {
    let sizes = prop_oneof![
        Just("any".to_owned()),
        (1u32..=4096).prop_map(|step| step.to_string()),
        prop::collection::vec((1u32..=16_384, 1u32..=16_384), 1..4).prop_map(|sizes| {
            let sizes: Vec<String> = sizes.iter().map(|(width, height)| format!("{width}x{height}")).collect();
            format!("[{}]", sizes.join(", "))
        }),
    ];
    let fields = prop::collection::btree_map("field_[a-z]{1,8}", field_value(), 0..3);
    let knobs = (0u32..10, 10u32..20, any::<bool>()).prop_map(|(low, high, whole)| {
        format!("knobs: {{guidance: {{low: {low}, high: {high}, default: {high}, whole: {whole}}}}}")
    });
    vec![
        prop::option::of(sizes)
            .prop_map(|sizes| sizes.map_or(String::new(), |sizes| format!("sizes: {sizes}")))
            .boxed(),
        option("nfe", 0u32..=1_000_000),
        fields.prop_map(|fields| format!("fields: {}", map(&fields))).boxed(),
        knobs.boxed(),
    ]
}

fn openai_images() -> BoxedStrategy<String> {
    let own = vec![
        word(&["openai", "vllm_omni", "sglang", "sdcpp", "litellm", "generic"])
            .prop_map(|profile| format!("profile: {profile}"))
            .boxed(),
        option("model", path()),
        option("seeds", word(&["none", "field", "prompt"])),
        option("masks", word(&["none", "transparent", "white"])),
        option("partial_images", 0u32..=3),
        option("stream", any::<bool>()),
    ];
    tagged("openai_images", [own, remote_editor(), remote(true)].concat())
}

fn polls() -> BoxedStrategy<String> {
    (0.001f64..1.0, 1.0f64..10.0, 10.0f64..604_800.0)
        .prop_map(|(first, longest, deadline)| {
            format!(
                "polls: {{first_wait_secs: {first:?}, longest_wait_secs: {longest:?}, deadline_secs: {deadline:?}}}"
            )
        })
        .boxed()
}

fn sdcpp_jobs() -> BoxedStrategy<String> {
    let own = vec![option("model", path()), option("picture", word(&["reference", "start"])), polls()];
    tagged("sdcpp_jobs", [own, remote_editor(), remote(true)].concat())
}

fn submit_poll() -> BoxedStrategy<String> {
    let size = prop_oneof![
        Just(String::new()),
        (path(), path()).prop_map(|(width, height)| format!(", width: {width:?}, height: {height:?}")),
        path().prop_map(|size| format!(", size: {size:?}")),
        path().prop_map(|proportion| format!(", proportion: {proportion:?}")),
    ];
    let inputs = (any::<bool>(), prop::option::of(path()), size).prop_map(|(list, seed, size)| {
        let seed = seed.map_or(String::new(), |seed| format!(", seed: {seed:?}"));
        format!("inputs: {{picture_list: {list}{seed}{size}}}")
    });
    let own = vec![
        word(&["bfl", "fal", "replicate"]).prop_map(|service| format!("service: {service}")).boxed(),
        path().prop_map(|model| format!("model: {model:?}")).boxed(),
        option("server_limit_secs", 5.0f64..=604_800.0),
        inputs.boxed(),
        polls(),
    ];
    tagged("submit_poll", [own, remote_editor(), remote(false)].concat())
}

fn comfyui() -> BoxedStrategy<String> {
    let fixed = prop::collection::btree_map("/[0-9]{1,3}/inputs/[a-z]{1,8}", field_value(), 0..3);
    let knobs = (0u32..10, 10u32..20).prop_map(|(low, high)| {
        format!("knobs: {{a: {{low: {low}, high: {high}, default: {high}}}}}, knob_places: {{a: /9/inputs/a}}")
    });
    let outputs = prop::collection::vec(prop_oneof![(0u32..1000).prop_map(|id| id.to_string()), path()], 1..4);
    let text = |key: &'static str| path().prop_map(move |value| format!("{key}: {value:?}")).boxed();
    let sides = prop::option::of((path(), path())).prop_map(|sides| {
        sides.map_or(String::new(), |(width, height)| format!("width: {width:?}, height: {height:?}"))
    });
    let own = vec![
        text("workflow"),
        text("image"),
        text("instruction"),
        text("seed"),
        option("mask", path()),
        sides.boxed(),
        outputs.prop_map(|outputs| format!("outputs: {outputs:?}")).boxed(),
        fixed.prop_map(|fixed| format!("fixed: {}", map(&fixed))).boxed(),
        knobs.boxed(),
        option("seed_bits", 1u32..=53),
        option("masks", word(&["transparent", "white"])),
        option("sizes", 1u32..=4096),
        option("progress", any::<bool>()),
        polls(),
    ];
    tagged("comfyui", [own, remote(false)].concat())
}

fn gemini() -> BoxedStrategy<String> {
    let own = vec![
        path().prop_map(|model| format!("model: {model:?}")).boxed(),
        option("resolution", word(&["512", "1K", "2K", "4K"])),
        option("reproducible", any::<bool>()),
        path().prop_map(|threshold| format!("safety: {{HARM: {threshold:?}}}")).boxed(),
        option("nfe", 0u32..=1_000_000),
    ];
    tagged("gemini", [own, remote(true)].concat())
}

fn ark() -> BoxedStrategy<String> {
    let own = vec![
        path().prop_map(|model| format!("model: {model:?}")).boxed(),
        option("generation", word(&["seededit_3", "seedream_4", "seedream_4_5", "seedream_5"])),
        option("size", word(&["1K", "2K", "3K", "4K"])),
        option("inline", any::<bool>()),
        option("seeds", any::<bool>()),
    ];
    tagged("ark", [own, remote(true)].concat())
}

fn sglang_rollout() -> BoxedStrategy<String> {
    // In order: a resolved recipe sorts them.
    let steps = prop::collection::btree_set(0u32..=9999, 0..4).prop_map(|steps| steps.into_iter().collect::<Vec<_>>());
    let steps = prop::option::of(steps);
    let own = vec![
        path().prop_map(|model| format!("model: {model:?}")).boxed(),
        option("sampler", word(&["sde", "cps"])),
        option("noise_level", 0.001f64..=100.0),
        steps.prop_map(|steps| steps.map_or(String::new(), |steps| format!("noisy_steps: {steps:?}"))).boxed(),
        option("trajectory", any::<bool>()),
        option("negative_prompt", path()),
        option("generator_device", word(&["cuda", "cpu"])),
        word(&["any", "16", "[64x48]"]).prop_map(|sizes| format!("sizes: {sizes}")).boxed(),
    ];
    tagged("sglang_rollout", [own, remote(true)].concat())
}

fn chat_judge() -> BoxedStrategy<String> {
    let own = vec![
        path().prop_map(|model| format!("model: {model:?}")).boxed(),
        (1u32..=64)
            .prop_flat_map(|votes| (Just(votes), 1..=votes))
            .prop_map(|(votes, least)| format!("votes: {votes}, least_votes: {least}"))
            .boxed(),
        option("combination", word(&["geometric_mean", "mean", "least"])),
        prop_oneof![
            path().prop_map(|file| format!("prompts: {{quality: {file:?}}}")),
            (name(), path(), word(&["both", "candidate"])).prop_map(|(part, file, pictures)| {
                format!("questions: [{{part: {part:?}, prompt: {file:?}, scores: [a, \"b c\"], pictures: {pictures}}}]")
            }),
        ]
        .boxed(),
        (0.0f64..1.0, 1.0f64..100.0).prop_map(|(low, high)| format!("low: {low:?}, high: {high:?}")).boxed(),
        option("temperature", 0.0f64..=2.0),
        option("max_tokens", 1u32..=1_000_000),
        option("structured", word(&["schema", "object", "prompt"])),
        option("sends_seed", any::<bool>()),
        option("counts_reasoning", any::<bool>()),
        option("pixel_budget", 1u64..=1 << 40),
    ];
    tagged("chat_judge", [own, remote(true)].concat())
}

/// The judges that compare.
fn comparing() -> BoxedStrategy<String> {
    let shared = || {
        vec![
            path().prop_map(|model| format!("model: {model:?}")).boxed(),
            option("prompt", path()),
            option("shows_source", any::<bool>()),
            option("most_candidates", 1u32..=64),
            option("prior_sigma", 0.1f64..=10.0),
            option("temperature", 0.0f64..=2.0),
            option("structured", word(&["schema", "schema_without_range", "object", "prompt"])),
        ]
    };
    let neighbours = (1u32..=32).prop_map(|half| format!("neighbours: {}", half * 2)).boxed();
    let pairwise = vec![neighbours, option("finalists", 0u32..=16), option("votes", 1u32..=16)];
    let listwise = vec![option("most_pictures", 2u32..=64), option("orders", 1u32..=16)];
    prop_oneof![
        tagged("pairwise_judge", [pairwise, shared(), remote(true)].concat()),
        tagged("listwise_judge", [listwise, shared(), remote(true)].concat()),
    ]
    .boxed()
}

/// What every reward of numbers is told.
fn scores(own: Vec<BoxedStrategy<String>>) -> Vec<BoxedStrategy<String>> {
    let shared = vec![
        option("scale", prop_oneof![-1e9f64..-1e-9, 1e-9f64..1e9]),
        option("offset", -1e9f64..1e9),
        prop::option::of((-1e9f64..0.0, 1.0f64..1e9))
            .prop_map(|range| range.map_or(String::new(), |(low, high)| format!("low: {low:?}, high: {high:?}")))
            .boxed(),
        option("pixel_budget", 1u64..=1 << 40),
    ];
    [own, shared, remote(true)].concat()
}

/// The rewards behind HTTP that answer with numbers.
fn numbers() -> BoxedStrategy<String> {
    let text = |key: &'static str| path().prop_map(move |text| format!("{key}: {text:?}")).boxed();
    let pictures = || option("pictures", word(&["both", "edited"]));
    let batch = || option("batch", 1u32..=1024);
    let conversation = || {
        let fields = prop::collection::btree_map("field_[a-z]{1,8}", field_value(), 0..3);
        vec![
            text("model"),
            option("prompt", path()),
            pictures(),
            option("use_activation", any::<bool>()),
            option("add_generation_prompt", any::<bool>()),
            fields.prop_map(|fields| format!("fields: {}", map(&fields))).boxed(),
        ]
    };
    let classify = scores([conversation(), vec![option("index", 0u32..=1_000_000)]].concat());
    let task = prop_oneof![
        (0u32..9).prop_map(|index| format!("task: embed, index: {index}")),
        Just("task: classify".to_owned()),
    ];
    let data = prop::collection::btree_map("field_[a-z]{1,8}", field_value(), 0..3);
    let vllm_plugin = vec![
        text("model"),
        data.prop_map(|data| format!("data: {}", map(&data))).boxed(),
        option("pointer", "/[a-z/0-9]{0,9}"),
        option("sigma", "/[a-z/0-9]{0,9}"),
    ];
    let metadata = prop::collection::btree_map("field_[a-z]{1,8}", field_value(), 0..3);
    let profile = prop_oneof![
        word(&["deqa", "unified_reward"]).prop_map(|profile| format!("profile: {profile}")),
        metadata.prop_map(|metadata| format!("profile: geneval, metadata: {}", map(&metadata))),
    ];
    let pickled = vec![profile.boxed(), option("scores", path()), option("only_jpeg", any::<bool>()), batch()];
    prop_oneof![
        tagged("vllm_classify", classify),
        tagged("vllm_pooling", scores([conversation(), vec![task.boxed()]].concat())),
        tagged("vllm_plugin", scores(vllm_plugin)),
        tagged("unirl_score", scores(vec![text("reward"), option("metric", path()), pictures(), batch()])),
        tagged("flow_factory", scores(vec![pictures(), batch()])),
        tagged("editscale", scores(vec![option("reward", path()), option("gives_sigma", any::<bool>()), batch()])),
        tagged("pickled_reward", scores(pickled)),
        plugin(),
        command_reward(),
    ]
    .boxed()
}

/// How long and how often something with a process of its own is put up with.
fn put_up_with() -> Vec<BoxedStrategy<String>> {
    vec![
        prop::collection::vec("[A-Z_][A-Z0-9_]{0,9}", 0..3)
            .prop_map(|names| if names.is_empty() { String::new() } else { format!("environment: {names:?}") })
            .boxed(),
        option("start_secs", 1e-3f64..1e6),
        option("call_secs", 1e-3f64..1e6),
        option("silence_secs", 1e-3f64..1e6),
        option("crashes", 1u32..=100),
        option("restarts", 0u32..=1_000_000),
    ]
}

fn plugin() -> BoxedStrategy<String> {
    let run = prop::collection::vec(path(), 1..4).prop_map(|run| format!("run: {run:?}"));
    let config = prop::collection::btree_map("field_[a-z]{1,8}", field_value(), 0..3);
    let own = vec![run.boxed(), config.prop_map(|config| format!("config: {}", map(&config))).boxed()];
    let memory = vec![option("memory_mib", 1u64..=1 << 30)];
    tagged("plugin", [own, memory, put_up_with()].concat())
}

fn command(own: Vec<BoxedStrategy<String>>) -> BoxedStrategy<String> {
    let run = prop_oneof![Just("./do {source}"), Just("a | b \"{instruction}\"; echo 1")];
    let shared = vec![
        run.prop_map(|run| format!("run: {run:?}")).boxed(),
        option("slots", 1u32..=256),
        option("revision", path()),
    ];
    tagged("command", [shared, own, put_up_with()].concat())
}

fn command_reward() -> BoxedStrategy<String> {
    let range = prop::option::of((-1e9f64..0.0, 1.0f64..1e9))
        .prop_map(|range| range.map_or(String::new(), |(low, high)| format!("range: [{low:?}, {high:?}]")));
    command(vec![option("score", "[a-z]{1,9}"), range.boxed(), option("gives_sigma", any::<bool>())])
}

fn command_editor() -> BoxedStrategy<String> {
    command(vec![option("seeds", any::<bool>()), option("output", word(&["png", "jpg", "webp"]))])
}

fn editors() -> impl Strategy<Value = String> {
    let remote =
        prop_oneof![openai_images(), sdcpp_jobs(), submit_poll(), gemini(), ark(), sglang_rollout(), comfyui()];
    let apart = prop_oneof![plugin(), command_editor()];
    let local = prop_oneof![darkroom(), instruct_pix2pix(), flux_kontext(), qwen_image_edit()];
    let one = prop_oneof![local, apart, remote].boxed();
    prop_oneof![
        one.clone().prop_map(|one| format!("editor: {one}\n")),
        prop::collection::btree_map(name(), one, 1..4).prop_map(|several| {
            let lines: Vec<String> = several.iter().map(|(name, one)| format!("  {name:?}: {one}\n")).collect();
            format!("editors:\n{}", lines.concat())
        }),
    ]
}

/// A calibration with the comma before it, or nothing.
fn calibration() -> impl Strategy<Value = String> {
    let knots = prop::collection::vec((1e-3f64..1e3, 0.0f64..10.0), 2..5).prop_map(|steps| {
        let (mut score, mut value) = (-1e3, -5.0);
        let knots = steps.iter().map(|(right, up)| {
            (score, value) = (score + right, value + up);
            format!("[{score:?}, {value:?}]")
        });
        format!("knots: [{}]", knots.collect::<Vec<_>>().join(", "))
    });
    let rest = (option("between", word(&["line", "step"])), option("revision", path()));
    let here = (knots, rest).prop_map(|(knots, (between, revision))| {
        let keys: Vec<String> = [knots, between, revision].into_iter().filter(|key| !key.is_empty()).collect();
        format!(", calibration: {{{}}}", keys.join(", "))
    });
    prop_oneof![3 => Just(String::new()), 1 => path().prop_map(|path| format!(", calibration: {path:?}")), 1 => here]
}

/// The names of the rewards, with their lines.
fn rewards() -> impl Strategy<Value = (Vec<String>, String)> {
    let model = prop_oneof![Just("{photometric: {}}".to_owned()), chat_judge(), comparing(), numbers()];
    let reward = (prop::option::of(0.001f64..10.0), model, calibration());
    prop::collection::btree_map(name(), reward, 1..4).prop_map(|rewards| {
        let one = |(name, (weight, model, calibration)): (&String, &(Option<f64>, String, String))| {
            let weight = weight.map_or(String::new(), |weight| format!(", weight: {weight:?}"));
            format!("  - {{model: {model}{weight}, name: {name:?}{calibration}}}\n")
        };
        let lines: Vec<String> = rewards.iter().map(one).collect();
        (rewards.keys().cloned().collect(), format!("rewards:\n{}", lines.concat()))
    })
}

/// A search, with the critics that it asks where it asks some.
fn asking() -> impl Strategy<Value = (String, String)> {
    let alone = search().prop_map(|search| (search, String::new()));
    prop_oneof![4 => alone, 1 => reflection()]
}

fn reflection() -> impl Strategy<Value = (String, String)> {
    let chat = tagged(
        "chat_critic",
        [vec![Just("model: m".to_owned()).boxed(), option("prompt", path())], remote(false)].concat(),
    );
    let critic = (prop_oneof![Just("{darkroom_critic: {}}".to_owned()), chat], "[a-z][a-z0-9_-]{0,9}");
    let start = prop_oneof![
        Just(String::new()),
        word(&["re_edit", "edit_of_edit", "mixed"]).prop_map(|start| format!(", start: {start}")),
        (0.0f64..=1.0).prop_map(|share| format!(", start: mixed, edit_of_edit: {share:?}")),
    ];
    (critic, 1u32..=1000, 0u32..1000, 1u32..=90, start, 0u32..=16, any::<bool>()).prop_map(
        |((critic, name), samples, fewer, rounds, start, show, is_named)| {
            let width = samples.saturating_sub(fewer).max(1);
            let named = if is_named { format!(", critic: {name:?}") } else { String::new() };
            let critics = format!("critics: [{{model: {critic}, name: {name:?}}}]\n");
            let size = format!("samples: {samples}, width: {width}, rounds: {rounds}{start}, show: {show}{named}");
            (format!("{{reflection: {{{size}}}}}"), critics)
        },
    )
}

fn noise_search() -> impl Strategy<Value = String> {
    let cosine = prop::option::of(0.0f64..0.9999).prop_map(|cosine| given("cosine", cosine));
    let narrowing = prop::option::of(0.01f64..1.0).prop_map(|narrowing| given("narrowing", narrowing));
    let count = |name, most| prop::option::of(1u32..=most).prop_map(move |count| given(name, count));
    let counts = (count("pivots", 1000), count("neighbours", 90), count("restart_after", 1000));
    (1u32..=1000, counts, cosine, narrowing).prop_map(|(rounds, (pivots, neighbours, restart), cosine, narrowing)| {
        format!("{{noise_search: {{rounds: {rounds}{pivots}{neighbours}{restart}{cosine}{narrowing}}}}}")
    })
}

fn path_search() -> impl Strategy<Value = String> {
    let first = prop::option::of(0.01f64..0.99).prop_map(|first| given("first", first));
    let shares = prop::option::of((0.01f64..0.5, 0.02f64..0.4)).prop_map(|shares| {
        shares.map_or(String::new(), |(back, more)| format!(", back: {back:?}, forward: {:?}", back + more))
    });
    (1u32..=40, 1u32..=40, first, shares).prop_map(|(paths, children, first, shares)| {
        format!("{{path_search: {{paths: {paths}, children: {children}{first}{shares}}}}}")
    })
}

/// A key with its value, where it is given.
fn given(name: &str, value: Option<impl std::fmt::Debug>) -> String {
    value.map_or(String::new(), |value| format!(", {name}: {value:?}"))
}

fn search() -> impl Strategy<Value = String> {
    let share = || 0.0f64..10.0;
    let best_of_n = (1u32..=100_000, prop::option::of(1u32..=100_000)).prop_map(|(samples, round)| {
        let round = round.map_or(String::new(), |round| format!(", round: {round}"));
        format!("{{best_of_n: {{samples: {samples}{round}}}}}")
    });
    let edges = prop::option::of((0.1f64..10.0, share(), share())).prop_map(|edges| {
        edges.map_or(String::new(), |(a, b, c)| {
            format!(", edges: {{re_edit: {a:?}, edit_of_edit: {b:?}, fresh: {c:?}}}")
        })
    });
    let near = prop_oneof![
        Just(String::new()),
        (0u32..=32).prop_map(|bits| format!(", deduplicate: {{bits: {bits}}}")),
        (0.01f64..=1.0).prop_map(|cosine| format!(", deduplicate: {{cosine: {cosine:?}}}")),
        (0u32..=32, 0.01f64..=1.0)
            .prop_map(|(bits, cosine)| format!(", deduplicate: {{bits: {bits}, cosine: {cosine:?}}}")),
    ];
    let ties = prop::option::of(0.0f64..10.0)
        .prop_map(|within| within.map_or(String::new(), |within| format!(", ties: {{centroid: {within:?}}}")));
    let count = || 1u32..=40;
    let refined = (any::<bool>(), count(), count(), count(), edges, near, ties).prop_map(
        |(is_beam, parents, children, depth, edges, near, ties)| {
            let (policy, wide) = if is_beam { ("beam", "width") } else { ("diverse_trees", "trees") };
            format!("{{{policy}: {{{wide}: {parents}, children: {children}, depth: {depth}{edges}{near}{ties}}}}}")
        },
    );
    let weighting = prop_oneof![
        (1e-9f64..1e6).prop_map(|value| format!("temperature: {value:?}")),
        (1.0f64..8.0).prop_map(|value| format!("target_ess: {value:?}")),
        (0.0f64..100.0).prop_map(|value| format!("target_kl: {value:?}")),
    ];
    let reward_weighted = (8u32..=1000, 1u32..=8, weighting).prop_map(|(samples, draw, weighting)| {
        format!("{{reward_weighted: {{samples: {samples}, draw: {draw}, {weighting}}}}}")
    });
    prop_oneof![
        best_of_n.boxed(),
        refined.boxed(),
        noise_search().boxed(),
        path_search().boxed(),
        reward_weighted.boxed(),
        adaptive(),
        preview_pruning(),
        particles().boxed(),
        thompson().boxed()
    ]
}

/// What a candidate costs.
fn price() -> impl Strategy<Value = String> {
    let amount = || 1e-9f64..1e6;
    prop_oneof![
        (amount(), amount(), amount()).prop_map(|(edit, reward, preview)| {
            format!("cost: {{edit: {edit:?}, reward: {reward:?}, preview: {preview:?}}}")
        }),
        (amount(), amount()).prop_map(|(nfe, usd)| format!("worth: {{per_nfe: {nfe:?}, per_usd: {usd:?}}}")),
    ]
}

fn preview_pruning() -> BoxedStrategy<String> {
    let counts =
        (1u32..=1000, 0u32..=1000).prop_map(|(samples, more)| format!("samples: {samples}, most: {}", samples + more));
    let checkpoint = prop_oneof![
        (0.001f64..0.999).prop_map(|share| format!("{share:?}")),
        (1u32..=1000).prop_map(|step| step.to_string()),
    ];
    let checkpoints =
        prop::collection::vec(checkpoint, 1..5).prop_map(|all| format!("checkpoints: [{}]", all.join(", ")));
    let prior =
        (0.0f64..0.99, option("spread", 0.0f64..1e3), 1.01f64..1e3).prop_map(|(correlation, spread, strength)| {
            let spread = if spread.is_empty() { spread } else { format!("{spread}, ") };
            format!("prior: {{correlation: {correlation:?}, {spread}strength: {strength:?}}}")
        });
    let maybe = |text: BoxedStrategy<String>| prop_oneof![Just(String::new()), text].boxed();
    let options = vec![
        counts.boxed(),
        maybe(checkpoints.boxed()),
        option("keep", 0.01f64..1.0),
        option("margin", 0.0f64..1e3),
        option("round", 1u32..=1000),
        maybe(price().boxed()),
        maybe(prior.boxed()),
    ];
    tagged("preview_pruning", options)
}

fn adaptive() -> BoxedStrategy<String> {
    let prior = (option("mean", -1e3f64..1e3), 0.0f64..1e3, 1e-3f64..1e3).prop_map(|(mean, spread, strength)| {
        let mean = if mean.is_empty() { mean } else { format!("{mean}, ") };
        format!("prior: {{{mean}spread: {spread:?}, strength: {strength:?}}}")
    });
    let counts = (1u32..=1000, 1u32..=1000).prop_map(|(a, b)| format!("most: {}, probe: {}", a.max(b), a.min(b)));
    let options = vec![
        counts.boxed(),
        price().boxed(),
        option("round", 1u32..=1000),
        option("optimism", 0.0f64..10.0),
        prop_oneof![Just(String::new()), prior].boxed(),
    ];
    tagged("adaptive", options)
}

fn particles() -> impl Strategy<Value = String> {
    let at = prop_oneof![
        Just(String::new()),
        prop::collection::btree_set(1u32..1000, 1..6).prop_map(|shares| {
            let shares: Vec<String> =
                shares.into_iter().map(|share| format!("{:?}", f64::from(share) / 1000.0)).collect();
            format!(", resample_at: [{}]", shares.join(", "))
        }),
        (1u32..=50, 1u32..=50, 50u32..=100)
            .prop_map(|(every, from, to)| format!(", resample_at: {{every: {every}, from: {from}, to: {to}}}")),
    ];
    let strength = prop_oneof![
        Just(String::new()),
        (1e-9f64..1e6).prop_map(|value| format!(", strength: {value:?}")),
        (1e-9f64..1e6).prop_map(|value| format!(", relative_strength: {value:?}")),
    ];
    let tempering = prop_oneof![
        Just(String::new()),
        Just(", tempering: constant".to_owned()),
        Just(", tempering: infinite".to_owned()),
        (1e-9f64..100.0).prop_map(|gamma| format!(", tempering: increasing, gamma: {gamma:?}")),
    ];
    let potential = prop::sample::select(vec!["current", "difference", "max", "sum"]);
    let resampling = prop::sample::select(vec!["multinomial", "systematic", "residual", "stratified", "ssp"]);
    let own = (tempering, potential, resampling, 1e-9f64..=1.0).prop_map(|(tempering, potential, resampling, ess)| {
        format!("{tempering}, potential: {potential}, resampling: {resampling}, ess: {ess:?}")
    });
    let preset =
        prop::sample::select(vec!["feynman_kac", "das", "svdd"]).prop_map(|preset| format!(", preset: {preset}"));
    let method = prop_oneof![Just(String::new()), own, preset];
    let rest = (
        prop::option::of(1u32..=10_000),
        prop::sample::select(vec!["", ", keep: best", ", keep: draw", ", renoise: 3"]),
    );
    (1u32..=500, at, strength, method, rest).prop_map(|(particles, at, strength, method, (steps, rest))| {
        let steps = steps.map_or(String::new(), |steps| format!(", steps: {steps}"));
        format!("{{particles: {{particles: {particles}{at}{strength}{method}{steps}{rest}}}}}")
    })
}

fn thompson() -> impl Strategy<Value = String> {
    let count = || prop::option::of(1u32..=1000);
    let cost = prop::sample::select(vec!["budget", "edits", "nfe", "tokens", "usd"]);
    (1u32..=100_000, count(), count(), count(), cost).prop_map(|(samples, round, least, drop_after, cost)| {
        let keys = [("round", round), ("least", least), ("drop_after", drop_after)];
        let keys: String = keys.into_iter().filter_map(|(name, count)| Some(format!(", {name}: {}", count?))).collect();
        format!("{{thompson: {{samples: {samples}{keys}, cost: {cost}}}}}")
    })
}

fn budget() -> impl Strategy<Value = String> {
    let count = || prop::option::of(10u64..(1 << 53));
    (
        count(),
        count(),
        count(),
        count(),
        prop::option::of(1u64..=1_000_000_000_000),
        prop::option::of(0.001f64..2_592_000.0),
    )
        .prop_map(|(edits, nfe, calls, tokens, micros, wall)| {
            let keys = [
                edits.map(|edits| format!("edits: {edits}")),
                nfe.map(|nfe| format!("nfe: {nfe}")),
                calls.map(|calls| format!("reward_calls: {calls}")),
                tokens.map(|tokens| format!("tokens: {tokens}")),
                micros.map(|micros| format!("usd: {:?}", micros as f64 / 1e6)),
                wall.map(|wall| format!("wall_secs: {wall:?}")),
            ];
            format!("{{{}}}", keys.into_iter().flatten().collect::<Vec<_>>().join(", "))
        })
}

fn stop() -> impl Strategy<Value = String> {
    (prop::option::of(any::<f64>().prop_filter("finite", |score| score.is_finite())), prop::option::of(1u32..=1000))
        .prop_map(|(target, patience)| {
            let target = target.map(|target| format!("target_score: {target:?}"));
            let patience = patience.map(|patience| format!("patience: {patience}"));
            format!("{{{}}}", target.into_iter().chain(patience).collect::<Vec<_>>().join(", "))
        })
}

fn rest() -> impl Strategy<Value = String> {
    let retain = prop_oneof![
        Just("{all: {}}".to_owned()),
        Just("{winner: {}}".to_owned()),
        (1u32..=100_000).prop_map(|count| format!("{{best: {{count: {count}}}}}")),
    ];
    let retry = (1u32..=20, 0.0f64..100.0, 100.0f64..3600.0).prop_map(|(attempts, base, most)| {
        format!("{{attempts: {attempts}, base_delay_secs: {base:?}, max_delay_secs: {most:?}}}")
    });
    let output = (prop::sample::select(&["png", "jpeg", "webp"][..]), 1u32..=100, any::<bool>())
        .prop_map(|(format, quality, keep)| format!("{{format: {format}, quality: {quality}, keep_metadata: {keep}}}"));
    (
        line("stop", stop()),
        line("budget", budget()),
        line("retain", retain),
        line("retry", retry),
        line("output", output),
    )
        .prop_map(|(stop, budget, retain, retry, output)| [stop, budget, retain, retry, output].concat())
}

/// What is done with whole data sets.
fn rollout() -> impl Strategy<Value = String> {
    let perhaps = || prop_oneof![path(), Just(String::new())];
    let keep = prop::option::of(prop::collection::vec(path(), 0..3))
        .prop_map(|names| names.map_or(String::new(), |names| format!("keep: {names:?}")));
    let columns = vec![
        option("source", path()),
        option("instruction", path()),
        option("mask", perhaps()),
        option("id", perhaps()),
        option("seed", perhaps()),
        keep.boxed(),
    ];
    let advantage = prop_oneof![
        tagged("grpo", vec![option("floor", 1e-12f64..1e6), option("clip", 1e-6f64..1e6)]),
        tagged("leave_one_out", Vec::new()),
        tagged("rank", Vec::new()),
    ];
    let flags = ["parquet", "webdataset", "trajectories"].map(|key| option(key, any::<bool>()));
    let views = vec![
        option("groups_per_shard", 1u32..=1_000_000),
        perhaps_map(
            "pairs",
            vec![option("choose", word(&["best_worst", "adjacent", "all"])), option("margin", 0.0f64..1e9)],
        ),
        perhaps_map("best_worst", vec![option("count", 1u32..=10_000)]),
        perhaps_map("sft", vec![option("temperature", 1e-9f64..1e9)]),
    ];
    let weights = prop_oneof![
        Just(String::new()),
        path().prop_map(|adapter| format!("adapter: {adapter:?}")),
        path().prop_map(|checkpoint| format!("checkpoint: {checkpoint:?}")),
    ];
    let policy = vec![
        path().prop_map(|version| format!("version: {version:?}")).boxed(),
        weights.boxed(),
        option("scale", 0.0f64..=100.0),
        option("follow", path()),
    ];
    let all = vec![
        perhaps_map("columns", columns),
        prop::option::of(advantage)
            .prop_map(|one| one.map_or(String::new(), |one| format!("advantage: {one}")))
            .boxed(),
        option("repeats", 1u32..=1_000_000),
        option("flat_below", 0.0f64..1e6),
        option("resample", 0u32..=100),
        perhaps_map("export", flags.into_iter().chain(views).collect()),
        perhaps_map("policy", policy),
    ];
    perhaps_map("rollout", all).prop_map(|map| if map.is_empty() { map } else { map + "\n" })
}

/// An alternative without the braces around it, and where it need not be there, perhaps nothing.
fn perhaps(tagged: BoxedStrategy<String>, must: bool) -> BoxedStrategy<String> {
    let map = tagged.prop_map(|tagged| tagged[1..tagged.len() - 1].to_owned());
    if must { map.boxed() } else { prop_oneof![map, Just(String::new())].boxed() }
}

/// A map with those of its options that are given, or nothing.
fn perhaps_map(key: &'static str, options: Vec<BoxedStrategy<String>>) -> BoxedStrategy<String> {
    perhaps(tagged(key, options), false)
}

/// What is drawn already is not drawn again; what is drawn for a last round, not for its own sake.
fn select(draws: bool, with_finalists: bool) -> impl Strategy<Value = String> {
    let weighting = prop_oneof![
        (1e-9f64..1e6).prop_map(|value| format!("temperature: {value:?}")),
        (1.0f64..100_000.0).prop_map(|value| format!("target_ess: {value:?}")),
        (0.0f64..100.0).prop_map(|value| format!("target_kl: {value:?}")),
    ];
    let most = if with_finalists { 1 } else { 100_000 };
    let amount = |absolute: &'static str, relative: &'static str| {
        prop_oneof![option(absolute, 1e-9f64..1e9), option(relative, 1e-9f64..1e9)].boxed()
    };
    let own = tagged("best", Vec::new());
    let other = prop_oneof![
        tagged("best", Vec::new()),
        tagged("soft", vec![weighting.boxed(), option("draw", 1u32..=most)]),
        tagged("pessimistic", vec![amount("beta", "relative_beta")]),
        tagged("regularised", vec![amount("strength", "relative_strength")]),
    ];
    if draws { own } else { other.boxed() }
}

/// What is done when the search ends.
fn conclusion(search: &str, names: &[String]) -> impl Strategy<Value = String> + use<> {
    let draws = search.contains("reward_weighted") || search.contains("keep: draw");
    let rewards = prop::option::of(prop::sample::subsequence(names.to_vec(), 1..=names.len()))
        .prop_map(|names| names.map_or(String::new(), |names| format!("rewards: {names:?}")));
    let options = vec![option("count", 2u32..=1000), option("votes", 1u32..=1000), rewards.boxed()];
    let finalists = perhaps_map("finalists", options);
    finalists.prop_flat_map(move |finalists| {
        let finalists = if finalists.is_empty() { finalists } else { finalists + "\n" };
        line("select", select(draws, !finalists.is_empty())).prop_map(move |select| select + &finalists)
    })
}

/// How scores become one, where no reward counts against.
fn combine() -> impl Strategy<Value = String> {
    let between = (-1e9f64..0.0, 1e-3f64..1e9).prop_map(|(low, high)| format!("low: {low:?}, high: {high:?}"));
    line(
        "combine",
        prop_oneof![
            tagged("weighted", Vec::new()),
            tagged("lower_bound", vec![option("kappa", 0.0f64..=100.0), option("assumed_sigma", 0.0f64..1e9)]),
            tagged("conjunctive", vec![between.boxed()]),
        ],
    )
}

fn gates(names: Vec<String>) -> impl Strategy<Value = String> {
    let gate =
        (prop::sample::select(names), prop::option::of(name()), -1e9f64..1e9).prop_map(|(reward, part, at_least)| {
            let part = part.map_or(String::new(), |part| format!(", part: {part:?}"));
            format!("{{reward: {reward:?}{part}, at_least: {at_least:?}}}")
        });
    line("gates", prop::collection::vec(gate, 0..3).prop_map(|gates| format!("[{}]", gates.join(", "))))
}

/// The text of a recipe that is right.
pub(crate) fn valid() -> impl Strategy<Value = String> {
    let judged = (rewards(), asking()).prop_flat_map(|((names, lines), (search, critics))| {
        let conclusion = conclusion(&search, &names);
        (Just(lines), gates(names.clone()), curate(names), Just((search, critics)), conclusion)
    });
    // On the heap: all together are too large for the stack of a thread that was not optimised.
    let parts = (editors().boxed(), judged.boxed(), combine().boxed(), rest().boxed(), rollout().boxed());
    parts.prop_map(|(editors, judged, combine, rest, rollout)| {
        let (rewards, gates, curate, (search, critics), conclusion) = judged;
        let judging = format!("{rewards}{combine}{gates}{critics}");
        format!("version: 1\n{editors}{judging}search: {search}\n{conclusion}{rest}{rollout}{curate}")
    })
}

/// The text of a recipe that is right to judge with, and its editor and search, without which it is so too.
pub(crate) fn valid_apart() -> impl Strategy<Value = (String, String)> {
    let rewards = rewards().prop_flat_map(|(names, lines)| (Just(lines), gates(names)));
    let budget = line("budget", (1u64..(1 << 53)).prop_map(|calls| format!("{{reward_calls: {calls}}}")));
    // The weights of a policy are those of one of the editors, which may not be there.
    let rollout = rollout().prop_filter("no policy", |rollout| !rollout.contains("policy: "));
    (editors(), rewards, search(), budget, rollout).prop_map(|(editors, (rewards, gates), search, budget, rollout)| {
        (format!("version: 1\n{rewards}{gates}{budget}{rollout}"), format!("{editors}search: {search}\n"))
    })
}
