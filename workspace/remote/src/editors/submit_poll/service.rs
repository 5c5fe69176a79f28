//! What sets the services apart.

use std::fmt;
use std::time::Duration;

use editscale_core::CancelRule;
use editscale_schema::remote::SecretHeader;

use super::options::InputFields;

/// A service that takes jobs and is asked about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Service {
    /// Black Forest Labs: FLUX Kontext and FLUX.2.
    Bfl,
    /// The queue of fal.
    Fal,
    /// Predictions of Replicate.
    Replicate,
}

impl Service {
    /// The word used in recipes.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Bfl => "bfl",
            Self::Fal => "fal",
            Self::Replicate => "replicate",
        }
    }

    /// Its address on the public internet.
    pub fn base(self) -> &'static str {
        match self {
            Self::Bfl => "https://api.bfl.ai/v1",
            Self::Fal => "https://queue.fal.run",
            Self::Replicate => "https://api.replicate.com/v1",
        }
    }

    /// The header in which it looks for a secret.
    pub fn secret_header(self) -> SecretHeader {
        match self {
            Self::Bfl => SecretHeader::Named("x-key".to_owned()),
            Self::Fal => SecretHeader::Scheme("Key".to_owned()),
            Self::Replicate => SecretHeader::Bearer,
        }
    }

    /// How the models that are used most call their inputs. Only BFL documents what its seed is for.
    pub(super) fn inputs(self) -> InputFields {
        let picture = if self == Self::Fal { "image_url" } else { "input_image" };
        InputFields {
            prompt: "prompt".to_owned(),
            picture: picture.to_owned(),
            picture_is_list: false,
            seed: (self == Self::Bfl).then(|| "seed".to_owned()),
            mask: None,
        }
    }

    /// Where a job for this model is submitted.
    pub(super) fn path(self, model: &str) -> String {
        if self != Self::Replicate {
            return model.to_owned();
        }
        match model.split_once(':') {
            Some(_) => "predictions".to_owned(),
            None if model.starts_with("deployments/") => format!("{model}/predictions"),
            None => format!("models/{model}/predictions"),
        }
    }

    /// BFL has no way to stop a job.
    pub(super) fn cancel(self) -> CancelRule {
        if self == Self::Bfl { CancelRule::WhenDone } else { CancelRule::Promptly }
    }

    /// The header that limits how long a job may take on the server, and its value.
    pub(super) fn limit(self, limit: Duration) -> Option<(&'static str, String)> {
        let seconds = limit.as_secs().max(1);
        match self {
            Self::Bfl => None,
            Self::Fal => Some(("x-fal-request-timeout", seconds.to_string())),
            Self::Replicate => Some(("cancel-after", format!("{}s", seconds.max(5)))),
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
