//! What such an editor is told.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use editscale_core::EditorName;
use editscale_schema::remote::SecretHeader;

use super::sizes;
use crate::SetupError;
use crate::editors::card::revised;
use crate::editors::knobs::{FieldKnob, check_foreign, defaults, names};
use crate::fleet::Connection;
use crate::picture::PictureLimits;
use crate::price::{Prices, TokenBounds};
use crate::trouble::retry::Repeat;

/// The header that carries the secret where none is named.
pub(super) const HEADER: &str = "x-goog-api-key";

/// Fields of `generationConfig` that this program writes itself, or that would make the answer another.
const OWN_FIELDS: [&str; 7] = [
    "candidateCount",
    "imageConfig",
    "maxOutputTokens",
    "responseMimeType",
    "responseModalities",
    "seed",
    "stopSequences",
];

/// What an editor behind `generateContent` is told.
#[derive(Debug, Clone, PartialEq)]
pub struct GeminiOptions {
    /// Its name among the editors of a recipe.
    pub name: EditorName,
    /// The model, such as `gemini-2.5-flash-image`.
    pub model: String,
    /// The servers, and how they are spoken to.
    pub connection: Connection,
    /// What else tells one revision of the answers from another.
    pub revision: Option<String>,
    /// What edits cost. Text and pictures that come out have one price here: give that of pictures, which is the higher.
    pub prices: Prices,
    /// The most tokens that one edit takes.
    pub bounds: TokenBounds,
    /// Denoiser evaluations that one edit counts as.
    pub nfe: u64,
    /// Numeric fields of `generationConfig` that a search may turn, such as `temperature`.
    pub knobs: Vec<FieldKnob>,
    /// Thresholds of the service's own checks by category, such as `HARM_CATEGORY_HARASSMENT: BLOCK_ONLY_HIGH`.
    pub safety: BTreeMap<String, String>,
    /// The proportions that can be asked for, such as `16:9`.
    pub aspects: Vec<String>,
    /// The resolutions that can be asked for, such as `2K`; none where the model has but one. The first is asked for where
    /// the request leaves the size open.
    pub resolutions: Vec<String>,
    /// Whether the same seed is known to give the same picture.
    pub is_reproducible: bool,
    /// Whether an edit that may have been done is sent again. The service knows no keys.
    pub repeat: Repeat,
    /// Limits on what comes back.
    pub limits: PictureLimits,
}

impl GeminiOptions {
    /// Where Google serves them.
    pub const BASE: &'static str = "https://generativelanguage.googleapis.com/v1beta";

    /// A model on these servers, with nothing special about it. Servers that name no header for their secret are shown it
    /// under `x-goog-api-key`.
    pub fn new(name: EditorName, model: &str, mut connection: Connection) -> Self {
        for server in &mut connection.servers {
            if server.secret_header == SecretHeader::Bearer {
                server.secret_header = SecretHeader::Named(HEADER.to_owned());
            }
        }
        Self {
            name,
            model: model.to_owned(),
            connection,
            revision: None,
            prices: Prices::default(),
            // A picture of 4K is 2000 tokens out, and one going in 1120 at most; models that think first take more.
            bounds: TokenBounds { input: 8000, output: 16_000 },
            nfe: 0,
            knobs: Vec::new(),
            safety: BTreeMap::new(),
            aspects: sizes::aspects(model),
            resolutions: sizes::resolutions(model),
            is_reproducible: false,
            repeat: Repeat::Never,
            limits: PictureLimits::default(),
        }
    }

    /// Refuses what cannot be sent, and what would contradict what this program writes itself.
    pub(crate) fn check(&self) -> Result<(), SetupError> {
        let is_plain = |character: char| character.is_ascii_alphanumeric() || "-._".contains(character);
        if self.model.is_empty() || !self.model.chars().all(is_plain) {
            return Err(SetupError::setting("model", "a name such as gemini-2.5-flash-image", &self.model));
        }
        check_foreign("knobs", names(&self.knobs), &OWN_FIELDS)?;
        if let Some(aspect) = self.aspects.iter().find(|text| sizes::proportion(text).is_none()) {
            return Err(SetupError::setting("aspects", "proportions such as 16:9", aspect));
        }
        if let Some(word) = self.resolutions.iter().find(|word| sizes::side(word).is_none()) {
            return Err(SetupError::setting("resolutions", "512, 1K, 2K or 4K", word));
        }
        Repeat::check_unkeyed(Some(self.repeat), "this service knows")?;
        self.prices.check_bounds(self.bounds)?;
        self.prices.check_repeat(Some(self.repeat))
    }

    /// Everything that changes a picture and is not in a proposal.
    pub(crate) fn full_revision(&self, version: u32) -> String {
        let mut text = format!("gemini/{version} {}", self.model);
        // Writing to a text cannot fail.
        if let Some(first) = self.resolutions.first() {
            _ = write!(text, " resolution={first}");
        }
        if self.resolutions != sizes::resolutions(&self.model) {
            _ = write!(text, " resolutions={}", self.resolutions.join(","));
        }
        if self.aspects != sizes::aspects(&self.model) {
            _ = write!(text, " aspects={}", self.aspects.join(","));
        }
        for (category, threshold) in &self.safety {
            _ = write!(text, " {category}={threshold}");
        }
        _ = write!(text, "{}", defaults(self.knobs.iter().map(|knob| &knob.spec)));
        revised(text, self.revision.as_ref())
    }
}
