//! How recipes set `vllm_plugin`.

use std::sync::Arc;

use editscale_core::RewardName;
use editscale_schema::remote::{FieldValue, read_fields, write_fields};
use editscale_schema::{
    Absent, Fields, FreeQuestion, House, Key, Keys, Made, MadeReward, MakeError, Mistake, Options, RewardChoice,
    Section, Text, Yaml,
};

use super::which_models;
use crate::judges::recipe::{MODEL, servers_of};
use crate::judges::scoring::recipe::{ScoringRecipe, keys};
use crate::judges::vllm::pooling::{VllmPlugin, VllmPooling, VllmPoolingOptions, VllmPoolingTask};
use crate::recipe::json_fields;

/// What a recipe says of a reward behind an IO-processor plugin of vLLM.
#[derive(Debug, Clone, PartialEq)]
pub struct VllmPluginRecipe {
    /// The model's name as the server knows it.
    model: String,
    /// What the plugin is sent; the instruction and both pictures under their names where it is not said.
    data: Vec<(String, FieldValue)>,
    /// The score's place in what it answers.
    pointer: String,
    /// The place of the score's standard deviation.
    sigma: Option<String>,
    /// What is told of any judge that answers with numbers.
    scoring: ScoringRecipe,
}

const DATA: Section = Section {
    name: "data",
    allowed: "a map from names to values",
    default: "`{instruction: \"{{instruction}}\", source: \"{{source}}\", candidate: \"{{candidate}}\"}`",
    meaning: "what the plugin is sent; in texts `{{instruction}}`, `{{source}}` and `{{candidate}}` are filled in, pictures as \
              data URLs",
};

const POINTER: Key<Text> = Key {
    name: "pointer",
    rule: Text,
    absent: Absent::Unset("`/score`"),
    meaning: "the score's place under `data` in the answer, as a JSON pointer",
};

const SIGMA: Key<Text> = Key {
    name: "sigma",
    rule: Text,
    absent: Absent::Unset("none"),
    meaning: "the place of the score's standard deviation, likewise",
};

impl Options for VllmPluginRecipe {
    const NAME: &'static str = "vllm_plugin";
    const ABOUT: &'static str = "A reward behind an IO-processor plugin of vLLM, at `/pooling`.";
    const KEYS: Keys = keys!(&MODEL, &DATA, &POINTER, &SIGMA);

    fn read(fields: &Fields<'_>) -> Option<Self> {
        let (model, data) = (fields.take(&MODEL), read_fields(fields, &DATA));
        let (pointer, sigma, scoring) = (fields.take(&POINTER), fields.take(&SIGMA), ScoringRecipe::read(fields));
        for (key, given) in [(POINTER.name, &pointer), (SIGMA.name, &sigma)] {
            if given.as_ref().is_some_and(|pointer| !pointer.starts_with('/')) {
                let mistake = Mistake::new(format!("`{key}` is no JSON pointer")).hint("begin it with `/`");
                fields.error(&fields.span_of(key), mistake);
            }
        }
        let pointer = pointer.unwrap_or_else(|| "/score".to_owned());
        Some(Self { model: model?, data: data?, pointer, sigma, scoring: scoring? })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        let own = [
            MODEL.write(Some(&self.model)),
            write_fields(&DATA, &self.data),
            POINTER.write(Some(&self.pointer)),
            SIGMA.write(self.sigma.as_ref()),
        ];
        own.into_iter().flatten().chain(self.scoring.write()).collect()
    }
}

impl RewardChoice for VllmPluginRecipe {
    fn make(&self, name: &RewardName, _: &House) -> Result<MadeReward, MakeError> {
        let task = VllmPoolingTask::Plugin(self.plugin());
        let usual = VllmPoolingOptions::new(name.clone(), task, self.scoring.connection());
        let scoring = self.scoring.options(usual.scoring);
        let judge = VllmPooling::new(VllmPoolingOptions { scoring, task: usual.task })?;
        Ok(Made::Ready(Arc::new(judge)))
    }

    servers_of!(scoring);

    fn free_question(&self) -> FreeQuestion<'_> {
        which_models(&self.model)
    }
}

impl VllmPluginRecipe {
    fn plugin(&self) -> VllmPlugin {
        let usual = VllmPlugin::new(&self.model);
        let data = if self.data.is_empty() { usual.data } else { json_fields(&self.data).into() };
        VllmPlugin { data, score: self.pointer.clone(), sigma: self.sigma.clone(), ..usual }
    }
}
