//! The shape of a denoiser, and where its weights lie.

use std::collections::BTreeMap;
use std::path::Path;

use crate::editors::flux::{FluxConfig, FluxTransformer, Naming, TransformerSource};
use crate::editors::step1x_edit::Version;
use crate::editors::step1x_edit::connector::ConnectorConfig;
use crate::load::{Fixed, LoadError, Settings};
use crate::weights::Checkpoint;

/// The class that a `config.json` has to name.
const CLASS: &str = "Step1XEditTransformer2DModel";

/// The keys of the transformer that are read.
const READ: [&str; 9] = [
    "in_channels",
    "out_channels",
    "num_layers",
    "num_single_layers",
    "num_attention_heads",
    "attention_head_dim",
    "axes_dims_rope",
    "joint_attention_dim",
    "enable_text_token_mapping",
];

/// What the other keys have to say.
const FIXED: [(&str, Fixed); 3] =
    [("patch_size", Fixed::Number(1.0)), ("timestep_in_dim", Fixed::Number(256.0)), ("guidance_embeds", Fixed::False)];

/// The shape of a denoiser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DenoiserConfig {
    /// The transformer behind the connector.
    pub transformer: FluxConfig,
    /// The connector.
    pub connector: ConnectorConfig,
    /// Whether marked tokens are mapped once more, past the connector.
    pub maps_marked: bool,
}

impl DenoiserConfig {
    /// Reads a `config.json` of the fork's `Step1XEditTransformer2DModel`.
    pub fn read(file: &Path) -> Result<Self, LoadError> {
        let settings = &Settings::read(file)?;
        // Beside one file of weights there may lie the `config.json` of anything.
        if settings.is_unset("_class_name") {
            return Err(settings.refuse("_class_name", format!("\"{CLASS}\"")));
        }
        settings.expect_class(CLASS)?;
        settings.refuse_others(&[READ.as_slice(), &ConnectorConfig::KEYS].concat(), &FIXED)?;
        let config = Self {
            transformer: FluxConfig::of(settings, file, "vector_in_dim")?,
            connector: ConnectorConfig::of(settings)?,
            maps_marked: settings.flag("enable_text_token_mapping", false)?,
        };
        config.check(file)?;
        Ok(config)
    }

    /// The shape of a denoiser whose file has no configuration, from its tensors.
    fn derive(file: &Path, checkpoint: &Checkpoint) -> Result<Self, LoadError> {
        let shapes: BTreeMap<String, Vec<usize>> =
            checkpoint.facts().map(|(name, fact)| (name.to_owned(), fact.shape)).collect();
        let config = Self {
            transformer: FluxConfig::derive(file, &shapes)?,
            connector: ConnectorConfig::derive(file, checkpoint)?,
            maps_marked: shapes.contains_key("text_token_mapping.weight"),
        };
        config.check(file)?;
        Ok(config)
    }

    /// The connector answers what the transformer takes.
    fn check(&self, file: &Path) -> Result<(), LoadError> {
        let Self { transformer, connector, .. } = self;
        if transformer.guidance {
            let reason = "the strength of guidance is an input, which Step1X-Edit has none for";
            return Err(LoadError::content(file, reason));
        }
        for (what, ours, theirs) in [
            ("text width", transformer.text_width, connector.width),
            ("pooled width", transformer.pooled_width, connector.pooled_width),
        ] {
            if ours != theirs {
                let reason = format!("the transformer has a {what} of {ours}: expected {theirs}, as the connector has");
                return Err(LoadError::content(file, reason));
            }
        }
        Ok(())
    }

    /// The version that a checkpoint of this shape is of, where nobody says.
    pub(crate) fn version(&self, checkpoint: &Checkpoint) -> Version {
        if self.maps_marked {
            Version::V1_2
        } else if checkpoint.fact("connector.scale_factor").is_some() {
            Version::V1_0
        } else {
            Version::V1_1
        }
    }
}

/// Opens a denoiser's weights: a folder of the fork, or a file of the authors.
pub(crate) fn open(source: &TransformerSource) -> Result<(Checkpoint, Naming, DenoiserConfig), LoadError> {
    match source {
        TransformerSource::Folder(folder) => {
            let config = DenoiserConfig::read(&folder.join("config.json"))?;
            Ok((FluxTransformer::open(folder)?, Naming::Step1x, config))
        }
        TransformerSource::File(file) => {
            let checkpoint = FluxTransformer::open_file(file)?;
            let beside = file.parent().unwrap_or(Path::new("")).join("config.json");
            let config = if beside.exists() {
                DenoiserConfig::read(&beside)?
            } else {
                DenoiserConfig::derive(file, &checkpoint)?
            };
            Ok((checkpoint, Naming::Original, config))
        }
    }
}
