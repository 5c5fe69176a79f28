//! The shape of a denoiser, and where its weights lie.

use std::collections::BTreeMap;
use std::path::Path;

use crate::editors::flux::{FluxConfig, FluxTransformer, Naming, Opened, TransformerSource};
use crate::editors::step1x_edit::Version;
use crate::editors::step1x_edit::connector::ConnectorConfig;
use crate::load::{Fixed, LoadError, Settings};

/// The class that a `config.json` has to name.
const CLASS: &str = "Step1XEditTransformer2DModel";

/// Whether marked tokens are mapped once more.
const MAPPING: &str = "enable_text_token_mapping";

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
        let settings = &Settings::read_of(file, CLASS)?;
        settings.refuse_others(&[FluxConfig::KEYS.as_slice(), &ConnectorConfig::KEYS, &[MAPPING]].concat(), &FIXED)?;
        let config = Self {
            transformer: FluxConfig::of(settings, file, "vector_in_dim")?,
            connector: ConnectorConfig::of(settings)?,
            maps_marked: settings.flag(MAPPING, false)?,
        };
        config.check(file)?;
        Ok(config)
    }

    /// The shape of a denoiser whose file has no configuration, from its tensors.
    fn derive(file: &Path, shapes: &BTreeMap<String, Vec<usize>>) -> Result<Self, LoadError> {
        let config = Self {
            transformer: FluxConfig::derive(file, shapes)?,
            connector: ConnectorConfig::derive(file, shapes)?,
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

    /// The version that weights of this shape are of: the one that is said, unless tensors contradict it, else as tensors tell.
    pub(in crate::editors) fn version(&self, weights: &Opened, said: Option<Version>) -> Result<Version, LoadError> {
        let (told, left_open, why) = self.told(weights);
        match said {
            Some(said) if said != told && left_open != Some(said) => {
                let others = left_open.map_or_else(String::new, |other| format!(" or `{other}`"));
                let reason = format!("{why}: expected `version` to be `{told}`{others}, or left out, found `{said}`");
                Err(LoadError::content(&weights.root(), reason))
            }
            _ => Ok(said.unwrap_or(told)),
        }
    }

    /// The version that tensors tell, another one that they leave open, and by what.
    fn told(&self, weights: &Opened) -> (Version, Option<Version>, &'static str) {
        if self.maps_marked {
            (Version::V1_2, None, "has `text_token_mapping`, which only v1.2 has")
        } else if weights.shapes().contains_key("connector.scale_factor") {
            (Version::V1_0, None, "has `connector.scale_factor`, which only v1.0 has")
        } else {
            // One of v1.0 may lack the factor, which is 1 then.
            (Version::V1_1, Some(Version::V1_0), "has no `text_token_mapping`, which v1.2 has")
        }
    }
}

/// Opens a denoiser's weights: a folder of the fork, or a file of the authors, which may be quantised.
pub(in crate::editors) fn open(source: &TransformerSource) -> Result<(Opened, DenoiserConfig), LoadError> {
    match source {
        TransformerSource::Folder(folder) => {
            let config = DenoiserConfig::read(&folder.join("config.json"))?;
            Ok((Opened::Diffusers(FluxTransformer::open(folder)?.into(), Naming::Step1x), config))
        }
        TransformerSource::File(file) => {
            let opened = Opened::file(file)?;
            let beside = file.parent().unwrap_or(Path::new("")).join("config.json");
            let config = if beside.exists() {
                DenoiserConfig::read(&beside)?
            } else {
                DenoiserConfig::derive(file, &opened.shapes())?
            };
            Ok((opened, config))
        }
    }
}
