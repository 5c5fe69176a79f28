//! Names and shapes of released weights, listed from the code that they were published with and not from what this program asks for:
//! diffusers 0.37.1 (`AutoencoderKLQwenImage`, `QwenImageTransformer2DModel`), transformers 4.57.1 (Qwen2.5-VL, under the names of
//! the files) and the fork of Step1X-Edit's authors (`transformer_step1x_edit.py`), each with its defaults.

/// Tensors by name, with their shapes.
pub(crate) type Tensors = Vec<(String, Vec<u64>)>;

/// How many numbers they are.
pub(crate) fn numbers(tensors: &Tensors) -> u64 {
    tensors.iter().map(|(_, shape)| shape.iter().product::<u64>()).sum()
}

/// A list that grows layer by layer.
#[derive(Default)]
struct List(Tensors);

impl List {
    fn add(&mut self, name: impl Into<String>, shape: &[u64]) {
        self.0.push((name.into(), shape.to_vec()));
    }

    /// A weight, and a bias of its first side.
    fn layer(&mut self, name: &str, shape: &[u64]) {
        self.add(format!("{name}.weight"), shape);
        self.add(format!("{name}.bias"), &shape[..1]);
    }

    fn layers(&mut self, prefix: &str, layers: &[(&str, &[u64])]) {
        layers.iter().for_each(|(name, shape)| self.layer(&format!("{prefix}.{name}"), shape));
    }

    fn norms(&mut self, prefix: &str, names: &[&str], width: u64) {
        names.iter().for_each(|name| self.add(format!("{prefix}.{name}.weight"), &[width]));
    }

    /// A residual block of Qwen-Image's autoencoder, whose kernels reach over three frames.
    fn residual(&mut self, name: &str, (inputs, outputs): (u64, u64)) {
        for (at, inputs) in [(1, inputs), (2, outputs)] {
            self.add(format!("{name}.norm{at}.gamma"), &[inputs, 1, 1, 1]);
            self.layer(&format!("{name}.conv{at}"), &[outputs, inputs, 3, 3, 3]);
        }
        if inputs != outputs {
            self.layer(&format!("{name}.conv_shortcut"), &[outputs, inputs, 1, 1, 1]);
        }
    }

    /// What lies at the lowest resolution of either half.
    fn middle(&mut self, half: &str, width: u64) {
        let attention = format!("{half}.mid_block.attentions.0");
        self.add(format!("{attention}.norm.gamma"), &[width, 1, 1]);
        self.layers(&attention, &[("to_qkv", &[3 * width, width, 1, 1]), ("proj", &[width, width, 1, 1])]);
        (0..2).for_each(|at| self.residual(&format!("{half}.mid_block.resnets.{at}"), (width, width)));
    }
}

/// The autoencoder of Qwen-Image, with all that only frames after the first need.
pub(crate) fn qwen_autoencoder() -> Tensors {
    let mut all = List::default();
    all.layer("encoder.conv_in", &[96, 3, 3, 3, 3]);
    // Of each number of `down_blocks` what it maps from and to; nothing where it halves the picture, and whether it halves time.
    let down = [(96, 96), (96, 96), (96, 0), (96, 192), (192, 192), (192, 1), (192, 384), (384, 384), (384, 1)];
    for (at, (inputs, outputs)) in down.into_iter().chain([(384, 384), (384, 384)]).enumerate() {
        let name = format!("encoder.down_blocks.{at}");
        if outputs > 1 {
            all.residual(&name, (inputs, outputs));
            continue;
        }
        all.layer(&format!("{name}.resample.1"), &[inputs, inputs, 3, 3]);
        if outputs == 1 {
            all.layer(&format!("{name}.time_conv"), &[inputs, inputs, 3, 1, 1]);
        }
    }
    all.middle("encoder", 384);
    all.add("encoder.norm_out.gamma", &[384, 1, 1, 1]);
    all.layer("encoder.conv_out", &[32, 384, 3, 3, 3]);
    all.layer("quant_conv", &[32, 32, 1, 1, 1]);
    all.layer("post_quant_conv", &[16, 16, 1, 1, 1]);
    all.layer("decoder.conv_in", &[384, 16, 3, 3, 3]);
    all.middle("decoder", 384);
    for (level, (inputs, width)) in [(384, 384), (192, 384), (192, 192), (96, 96)].into_iter().enumerate() {
        let name = format!("decoder.up_blocks.{level}");
        (0..3).for_each(|at| {
            all.residual(&format!("{name}.resnets.{at}"), (if at == 0 { inputs } else { width }, width));
        });
        if level < 3 {
            all.layer(&format!("{name}.upsamplers.0.resample.1"), &[width / 2, width, 3, 3]);
        }
        if level < 2 {
            all.layer(&format!("{name}.upsamplers.0.time_conv"), &[2 * width, width, 3, 1, 1]);
        }
    }
    all.add("decoder.norm_out.gamma", &[96, 1, 1, 1]);
    all.layer("decoder.conv_out", &[3, 96, 3, 3, 3]);
    all.0
}

/// The transformer of Qwen-Image-Edit, of any release.
pub(crate) fn qwen_transformer() -> Tensors {
    const WIDTH: u64 = 3072;
    let mut all = List::default();
    let square: &[u64] = &[WIDTH, WIDTH];
    for (name, shape) in [
        ("img_in", [WIDTH, 64]),
        ("txt_in", [WIDTH, 3584]),
        ("time_text_embed.timestep_embedder.linear_1", [WIDTH, 256]),
        ("time_text_embed.timestep_embedder.linear_2", [WIDTH, WIDTH]),
        ("norm_out.linear", [2 * WIDTH, WIDTH]),
        ("proj_out", [64, WIDTH]),
    ] {
        all.layer(name, &shape);
    }
    all.add("txt_norm.weight", &[3584]);
    for block in (0..60).map(|at| format!("transformer_blocks.{at}")) {
        for stream in ["img", "txt"] {
            all.layer(&format!("{block}.{stream}_mod.1"), &[6 * WIDTH, WIDTH]);
            all.layer(&format!("{block}.{stream}_mlp.net.0.proj"), &[4 * WIDTH, WIDTH]);
            all.layer(&format!("{block}.{stream}_mlp.net.2"), &[WIDTH, 4 * WIDTH]);
        }
        let maps = ["to_q", "to_k", "to_v", "to_out.0", "add_q_proj", "add_k_proj", "add_v_proj", "to_add_out"];
        maps.iter().for_each(|name| all.layer(&format!("{block}.attn.{name}"), square));
        all.norms(&format!("{block}.attn"), &["norm_q", "norm_k", "norm_added_q", "norm_added_k"], 128);
    }
    all.0
}

/// The encoder of both editors, Qwen2.5-VL-7B, as its files call it, with the way to the next token.
pub(crate) fn qwen25_vl() -> Tensors {
    let mut all = List::default();
    all.add("visual.patch_embed.proj.weight", &[1280, 3, 2, 14, 14]);
    for block in (0..32).map(|at| format!("visual.blocks.{at}")) {
        all.norms(&block, &["norm1", "norm2"], 1280);
        all.layers(&block, &[("attn.qkv", &[3840, 1280]), ("attn.proj", &[1280, 1280])]);
        all.layers(&block, &[("mlp.gate_proj", &[3420, 1280]), ("mlp.up_proj", &[3420, 1280])]);
        all.layers(&block, &[("mlp.down_proj", &[1280, 3420])]);
    }
    all.norms("visual.merger", &["ln_q"], 1280);
    all.layers("visual.merger", &[("mlp.0", &[5120, 5120]), ("mlp.2", &[3584, 5120])]);
    all.add("model.embed_tokens.weight", &[152_064, 3584]);
    for layer in (0..28).map(|at| format!("model.layers.{at}")) {
        all.norms(&layer, &["input_layernorm", "post_attention_layernorm"], 3584);
        let maps: [(&str, &[u64]); 3] = [("q_proj", &[3584, 3584]), ("k_proj", &[512, 3584]), ("v_proj", &[512, 3584])];
        all.layers(&format!("{layer}.self_attn"), &maps);
        all.add(format!("{layer}.self_attn.o_proj.weight"), &[3584, 3584]);
        for (name, shape) in [("gate", [18944, 3584]), ("up", [18944, 3584]), ("down", [3584, 18944])] {
            all.add(format!("{layer}.mlp.{name}_proj.weight"), &shape);
        }
    }
    all.add("model.norm.weight", &[3584]);
    all.add("lm_head.weight", &[152_064, 3584]);
    all.0
}

/// The denoiser of Step1X-Edit as the folders of its authors' fork hold it; of v1.2 it maps marked tokens as well.
pub(crate) fn step1x_denoiser(maps_marked: bool) -> Tensors {
    const WIDTH: u64 = 3072;
    let mut all = List::default();
    for (name, shape) in [
        ("time_embed.in_layer", [WIDTH, 256]),
        ("time_embed.out_layer", [WIDTH, WIDTH]),
        ("vec_embed.in_layer", [WIDTH, 768]),
        ("vec_embed.out_layer", [WIDTH, WIDTH]),
        ("context_embedder", [WIDTH, 4096]),
        ("x_embedder", [WIDTH, 64]),
        ("norm_out.linear", [2 * WIDTH, WIDTH]),
        ("proj_out", [64, WIDTH]),
    ] {
        all.layer(name, &shape);
    }
    for block in (0..19).map(|at| format!("transformer_blocks.{at}")) {
        for (norm, forward) in [("norm1", "ff"), ("norm1_context", "ff_context")] {
            all.layer(&format!("{block}.{norm}.linear"), &[6 * WIDTH, WIDTH]);
            all.layer(&format!("{block}.{forward}.net.0.proj"), &[4 * WIDTH, WIDTH]);
            all.layer(&format!("{block}.{forward}.net.2"), &[WIDTH, 4 * WIDTH]);
        }
        let maps = ["to_q", "to_k", "to_v", "to_out.0", "add_q_proj", "add_k_proj", "add_v_proj", "to_add_out"];
        maps.iter().for_each(|name| all.layer(&format!("{block}.attn.{name}"), &[WIDTH, WIDTH]));
        all.norms(&format!("{block}.attn"), &["norm_q", "norm_k", "norm_added_q", "norm_added_k"], 128);
    }
    for block in (0..38).map(|at| format!("single_transformer_blocks.{at}")) {
        let layers: [(&str, &[u64]); 3] = [
            ("norm.linear", &[3 * WIDTH, WIDTH]),
            ("proj_mlp", &[4 * WIDTH, WIDTH]),
            ("proj_out", &[WIDTH, 5 * WIDTH]),
        ];
        all.layers(&block, &layers);
        ["to_q", "to_k", "to_v"].iter().for_each(|name| all.layer(&format!("{block}.attn.{name}"), &[WIDTH, WIDTH]));
        all.norms(&format!("{block}.attn"), &["norm_q", "norm_k"], 128);
    }
    if maps_marked {
        all.layer("text_token_mapping", &[4096, 3584]);
    }
    all.0.extend(step1x_connector());
    all.0
}

/// What Step1X-Edit has beside a transformer of FLUX.1's shape.
fn step1x_connector() -> Tensors {
    const WIDTH: u64 = 4096;
    let mut all = List::default();
    for (name, shape) in [
        ("S.input_embedder", [WIDTH, 3584]),
        ("S.t_embedder.mlp.0", [WIDTH, 256]),
        ("S.t_embedder.mlp.2", [WIDTH, WIDTH]),
        ("S.c_embedder.linear_1", [WIDTH, 3584]),
        ("S.c_embedder.linear_2", [WIDTH, WIDTH]),
        ("global_proj_out", [768, 3584]),
    ] {
        all.layer(&format!("connector.{name}"), &shape);
    }
    for block in (0..2).map(|at| format!("connector.S.individual_token_refiner.blocks.{at}")) {
        let layers: [(&str, &[u64]); 7] = [
            ("norm1", &[WIDTH]),
            ("norm2", &[WIDTH]),
            ("self_attn_qkv", &[3 * WIDTH, WIDTH]),
            ("self_attn_proj", &[WIDTH, WIDTH]),
            ("mlp.fc1", &[4 * WIDTH, WIDTH]),
            ("mlp.fc2", &[WIDTH, 4 * WIDTH]),
            ("adaLN_modulation.1", &[2 * WIDTH, WIDTH]),
        ];
        all.layers(&block, &layers);
    }
    all.0
}
