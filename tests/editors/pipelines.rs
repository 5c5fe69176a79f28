//! Tiny pipelines, and the recipes that put them to work.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use editscale_testkit::copy_folder;

use crate::desk::SIZE;

pub(crate) const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/workspace/models/tests/fixtures");

pub(crate) const BEST_OF_N: &str = "{best_of_n: {samples: 3}}";
pub(crate) const BEAM: &str =
    "{beam: {width: 1, children: 3, depth: 1, edges: {re_edit: 1, edit_of_edit: 1, fresh: 1}}}";
/// For an editor without knobs.
const BEAM_WITHOUT_KNOBS: &str = "{beam: {width: 1, children: 2, depth: 1, edges: {edit_of_edit: 1, fresh: 1}}}";

/// A pipeline, with what tests have to know of it.
#[derive(Clone, Copy)]
pub(crate) struct Pipeline {
    pub(crate) name: &'static str,
    /// Its recipe, of its folder, options and a search.
    pub(crate) of: fn(&str, &str, &str) -> String,
    /// How often a step asks its network.
    pub(crate) asks: u64,
    /// A beam that it can follow.
    pub(crate) beam: &'static str,
    /// Options with which its sampler adds noise.
    pub(crate) noise: &'static str,
    /// The size of the picture that it edits.
    pub(crate) size: (u32, u32),
}

impl Pipeline {
    pub(crate) fn recipe(&self, options: &str, search: &str) -> String {
        (self.of)(&pipeline(self.name), options, search)
    }

    /// The pipelines of these names.
    pub(crate) fn named<const N: usize>(names: [&str; N]) -> [Self; N] {
        names.map(|name| *PIPELINES.iter().find(|pipeline| pipeline.name == name).unwrap())
    }
}

pub(crate) const KONTEXT: Pipeline =
    Pipeline { name: "kontext_f16", of: kontext, asks: 1, beam: BEAM, noise: "eta: 0.7", size: SIZE };
const PIX2PIX: Pipeline = Pipeline { name: "pix2pix_f16", of: pix2pix, asks: 3, beam: BEAM, noise: "", size: SIZE };

pub(crate) const PIPELINES: [Pipeline; 6] = [
    PIX2PIX,
    Pipeline { name: "pix2pix_deep_bf16", noise: "sampler: euler_ancestral", ..PIX2PIX },
    KONTEXT,
    Pipeline { name: "kontext_no_guidance_bf16", beam: BEAM_WITHOUT_KNOBS, ..KONTEXT },
    Pipeline { name: "step1x", of: step1x, asks: 2, ..KONTEXT },
    Pipeline { name: "2511", of: qwen, asks: 2, ..KONTEXT },
];

pub(crate) fn pipeline(name: &str) -> String {
    format!("{FIXTURES}/editors/pipelines/{name}")
}

/// A recipe with a tiny judge. `options` are those of the editor beside its folder.
pub(crate) fn recipe(kind: &str, dir: &str, options: &str, search: &str) -> String {
    judged(&format!("{{{kind}: {{dir: '{dir}', {options}}}}}"), search)
}

/// A recipe with a tiny judge of what an editor makes.
fn judged(editor: &str, search: &str) -> String {
    judged_by(&format!("dir: '{FIXTURES}/editreward/models/small_budget_f16'"), editor, search)
}

/// The same with a judge of these settings.
pub(crate) fn judged_by(judge: &str, editor: &str, search: &str) -> String {
    format!("version: 1\neditor: {editor}\nrewards: [{{model: {{editreward: {{{judge}}}}}}}]\nsearch: {search}\n")
}

/// The editor of a recipe.
pub(crate) fn editor_of(recipe: &str) -> &str {
    recipe.lines().find_map(|line| line.strip_prefix("editor: ")).unwrap()
}

pub(crate) fn pix2pix(dir: &str, options: &str, search: &str) -> String {
    recipe("instruct_pix2pix", dir, &format!("steps: 3, {options}"), search)
}

pub(crate) fn kontext(dir: &str, options: &str, search: &str) -> String {
    recipe("flux_kontext", dir, &format!("steps: 3, max_pixels: 1024, fit_source: false, {options}"), search)
}

/// Authors' files in place of a folder.
pub(crate) fn step1x(_: &str, options: &str, search: &str) -> String {
    let encoder = format!("{FIXTURES}/step1x/encoder");
    judged(&step1x_editor(&encoder, &format!("size_level: 48, {options}")), search)
}

/// The same with the encoder of a folder.
pub(crate) fn step1x_editor(encoder: &str, options: &str) -> String {
    let home = format!("{FIXTURES}/step1x");
    format!(
        "{{step1x_edit: {{transformer: '{home}/transformers/v1_0/step1x.safetensors', vae: '{home}/vae/ae.safetensors', \
         encoder: '{encoder}', steps: 3, {options}}}}}"
    )
}

/// The release of 2511.
pub(crate) fn qwen(_: &str, options: &str, search: &str) -> String {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| qwen_folder("qwen_image_edit"));
    judged(&qwen_editor(folder.path().to_str().unwrap(), options), search)
}

/// The release of 2511 in a folder.
pub(crate) fn qwen_editor(folder: &str, options: &str) -> String {
    let sizes = "max_pixels: 1024, source_pixels: 1024";
    format!("{{qwen_image_edit: {{dir: '{folder}', steps: 3, {sizes}, {options}}}}}")
}

/// The folder of a release of 2511, put together of networks that other tests have as well. Its encoder is that of the judge
/// `shards_bf16`, and sees pictures as this folder of fixtures says.
pub(crate) fn qwen_folder(processor: &str) -> tempfile::TempDir {
    let processor = format!("{processor}/preprocessor_config.json");
    let folder = tempfile::tempdir().unwrap();
    for (from, to) in [
        ("qwen_image_edit/pipelines/2511/model_index.json", "model_index.json"),
        ("qwen_image_edit/pipelines/2511/transformer.json", "transformer/config.json"),
        ("qwen_image_edit/cases/clean/scheduler_config.json", "scheduler/scheduler_config.json"),
        (&processor, "processor/preprocessor_config.json"),
        (
            "layers/qwen_image/two_blocks/diffusion_pytorch_model.safetensors",
            "transformer/diffusion_pytorch_model.safetensors",
        ),
        ("layers/autoencoder_qwen/two_levels/config.json", "vae/config.json"),
        (
            "layers/autoencoder_qwen/two_levels/diffusion_pytorch_model.safetensors",
            "vae/diffusion_pytorch_model.safetensors",
        ),
        ("editreward/models/shards_bf16/tokenizer.json", "processor/tokenizer.json"),
        ("editreward/models/shards_bf16", "text_encoder"),
    ] {
        let (from, to) = (Path::new(FIXTURES).join(from), folder.path().join(to));
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        if from.is_dir() {
            copy_folder(&from, &to);
        } else {
            fs::copy(from, to).unwrap();
        }
    }
    folder
}
