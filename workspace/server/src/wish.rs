//! What a caller wishes for, by whichever door: checked, and made into what a run begins with.

use editscale_config::{Catalogue, Recipe, Report, Retain};
use editscale_core::{Budget, EncodedImage, ImageSize, Instruction, MediaType, Seed};
use editscale_picture::{EncodeOptions, Limits, Metadata, Pixels, decode, encode, probe};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

use crate::offer::Offer;
use crate::refusal::Refusal;
use crate::runs::{Idempotency, Owner, Runs};
use crate::settings::Settings;

/// A picture that a caller names.
#[derive(Debug, Clone)]
pub enum Picture {
    /// The bytes of a file.
    File {
        /// What the caller calls it; never a path that is opened.
        name: String,
        /// The file.
        bytes: Arc<[u8]>,
    },
    /// A candidate of an earlier run of the same caller.
    Candidate {
        /// The run.
        run: String,
        /// The candidate.
        id: u32,
    },
}

/// How a mask says where to edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaskRule {
    /// White is where to edit.
    White,
    /// Transparent is where to edit, as the images API of `OpenAI` has it.
    Transparent,
}

/// One edit that a caller wishes for; not yet checked.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The recipe's name; the first one where it is not said.
    pub recipe: Option<String>,
    /// What to edit.
    pub source: Picture,
    /// What to do to it.
    pub instruction: String,
    /// Where to edit.
    pub mask: Option<(Arc<[u8]>, MaskRule)>,
    /// The size that the result should have.
    pub size: Option<ImageSize>,
    /// The root of all seeds; 0 where it is not said.
    pub seed: Option<u64>,
    /// Sections of the recipe that are to be others, in its own words: `budget`, `search`, `stop`.
    pub sections: Vec<(&'static str, Value)>,
    /// How long it may take, waiting included.
    pub deadline: Option<Duration>,
    /// Whose wish it is.
    pub owner: Owner,
    /// Under which key the same wish may come again.
    pub idempotency: Option<Idempotency>,
    /// Whether its caller alone can have what comes of it, by waiting: should the server end first, nobody wants it any more.
    pub tied: bool,
}

impl Wish {
    /// What tells this wish from others of the same caller.
    pub(crate) fn digest(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        let said = format!(
            "{:?} {:?} {:?} {:?} {:?} {:?}",
            self.recipe, self.instruction, self.size, self.seed, self.sections, self.deadline
        );
        hasher.update(said.as_bytes());
        match &self.source {
            Picture::File { bytes, .. } => hasher.update(blake3::hash(bytes).as_bytes()),
            Picture::Candidate { run, id } => hasher.update(format!("{run}:{id}").as_bytes()),
        };
        if let Some((bytes, rule)) = &self.mask {
            hasher.update(format!("{rule:?}").as_bytes()).update(blake3::hash(bytes).as_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }
}

/// A wish that can be carried out.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) offer: Arc<Offer>,
    pub(crate) recipe: Recipe,
    pub(crate) source: EncodedImage,
    pub(crate) source_name: String,
    pub(crate) instruction: Instruction,
    pub(crate) mask: Option<EncodedImage>,
    pub(crate) size: Option<ImageSize>,
    pub(crate) seed: Seed,
    pub(crate) continues: Option<String>,
    pub(crate) deadline: Duration,
    pub(crate) owner: Owner,
    pub(crate) idempotency: Option<Idempotency>,
    pub(crate) tied: bool,
}

/// What wishes are checked against.
pub(crate) struct Checker<'a> {
    pub(crate) offers: &'a [Arc<Offer>],
    pub(crate) catalogue: &'a Catalogue,
    pub(crate) settings: &'a Settings,
    pub(crate) runs: &'a Runs,
}

impl Checker<'_> {
    /// Checks a wish. Pictures are decoded for it: call it where blocking is allowed.
    pub(crate) fn check(&self, wish: Wish) -> Result<Asked, Refusal> {
        let offer = self.offer(wish.recipe.as_deref())?;
        let instruction =
            Instruction::new(&wish.instruction).map_err(|error| Refusal::invalid("prompt", error.to_string()))?;
        let seed = Seed::new(wish.seed.unwrap_or(0)).map_err(|error| Refusal::invalid("seed", error))?;
        let recipe = self.recipe(&offer, &wish.sections)?;
        let size = wish.size.map(|size| self.size(size)).transpose()?;
        let (source, source_name, continues) = self.source(&wish.source, &wish.owner)?;
        let mask = wish.mask.map(|(bytes, rule)| self.mask(&bytes, rule, source.size)).transpose()?;
        if let Some(card) = offer.editors.iter().map(|editor| editor.card()).find(|card| mask.is_some() && !card.masks)
        {
            return Err(Refusal::invalid("mask", format!("editor `{}` does not honour a mask", card.name)));
        }
        let deadline = wish.deadline.unwrap_or(self.settings.deadline).min(self.settings.deadline);
        let (owner, idempotency, tied) = (wish.owner, wish.idempotency, wish.tied);
        Ok(Asked {
            offer,
            recipe,
            source,
            source_name,
            instruction,
            mask,
            size,
            seed,
            continues,
            deadline,
            owner,
            idempotency,
            tied,
        })
    }

    /// The recipe that is meant by a name, or by one of its other names.
    pub(crate) fn offer(&self, name: Option<&str>) -> Result<Arc<Offer>, Refusal> {
        let alias = self.settings.aliases.iter().find(|(alias, _)| Some(alias.as_str()) == name);
        let found = match alias.map(|(_, recipe)| recipe.as_str()).or(name) {
            None => self.offers.first(),
            Some(name) => self.offers.iter().find(|offer| offer.name == name),
        };
        found.cloned().ok_or_else(|| {
            let names: Vec<&str> = self.offers.iter().map(|offer| offer.name.as_str()).collect();
            Refusal::unknown("model", name.unwrap_or("default"), &names.join(", "))
        })
    }

    /// The recipe with the caller's sections, and within the limits of both.
    fn recipe(&self, offer: &Offer, sections: &[(&'static str, Value)]) -> Result<Recipe, Refusal> {
        let ours = Budget { edits: Some(self.settings.most_edits), ..Budget::default() };
        let own = offer.recipe.budget();
        let keeps_all = matches!(offer.recipe.settings().retain, Retain::All(_)) || self.settings.retain;
        if sections.is_empty() && keeps_all {
            return Ok(offer.recipe.clone().within(&ours));
        }
        let mut texts: Vec<(&str, String)> = sections.iter().map(|(name, value)| (*name, value.to_string())).collect();
        if !keeps_all {
            texts.push(("retain", r#"{"all": {}}"#.to_owned()));
        }
        let told = |report: Report| {
            let is_wrong = |section: &&(&'static str, Value)| self.is_wrong(offer, section);
            let at_fault = sections.iter().find(is_wrong).or(sections.first());
            Refusal::Invalid { param: at_fault.map_or("search", |(name, _)| name), message: words(&report) }
        };
        let recipe = offer.recipe.with_sections(&texts, self.catalogue).map_err(told)?.within(&own).within(&ours);
        let cards = offer.ports(Arc::new(editscale_core::Silent)).cards();
        let lacks = Report::new(recipe.lacks(&cards));
        if lacks.has_errors() { Err(told(lacks)) } else { Ok(recipe) }
    }

    /// Whether a caller's section is wrong by itself.
    fn is_wrong(&self, offer: &Offer, (name, value): &(&'static str, Value)) -> bool {
        offer.recipe.with_sections(&[(*name, value.to_string())], self.catalogue).is_err()
    }

    fn size(&self, size: ImageSize) -> Result<ImageSize, Refusal> {
        let most = self.settings.pixels;
        let edges = 1..=32_768;
        let pixels = u64::from(size.width) * u64::from(size.height);
        if edges.contains(&size.width) && edges.contains(&size.height) && pixels <= most {
            return Ok(size);
        }
        let message = format!("{size}: expected edges of 1 to 32768 and at most {} megapixels", most / 1_000_000);
        Err(Refusal::invalid("size", message))
    }

    fn source(&self, picture: &Picture, owner: &Owner) -> Result<(EncodedImage, String, Option<String>), Refusal> {
        match picture {
            Picture::File { name, bytes } => Ok((self.picture("image", bytes)?, plain_name(name), None)),
            Picture::Candidate { run, id } => {
                let (image, name) = self.candidate(run, *id, owner)?;
                Ok((image, name, Some(format!("{run}:{id}"))))
            }
        }
    }

    /// A candidate's picture, and what its run called the source.
    fn candidate(&self, run: &str, id: u32, owner: &Owner) -> Result<(EncodedImage, String), Refusal> {
        let live = self.runs.find(run, owner)?;
        let absent = || Refusal::absent("candidate with a picture", &format!("{run}:{id}"));
        let record = live.read().ok_or_else(absent)?;
        let made =
            record.candidates.get(id as usize).and_then(|candidate| candidate.made.as_ref()).ok_or_else(absent)?;
        let image = &made.as_ref().map_err(|_| absent())?.image;
        let bytes = image.read().map_err(|_| absent())?;
        Ok((EncodedImage { media: image.media(), size: image.size(), bytes }, record.manifest.source_name))
    }

    fn limits(&self) -> Limits {
        Limits { pixels: self.settings.pixels, bytes: self.settings.body_bytes as u64, ..Limits::default() }
    }

    /// A picture whose pixels can all be read.
    pub(crate) fn picture(&self, param: &'static str, bytes: &Arc<[u8]>) -> Result<EncodedImage, Refusal> {
        let unusable = |error: &dyn ToString| Refusal::Invalid {
            param,
            message: format!("cannot use the picture: {}", error.to_string()),
        };
        let facts = probe(bytes, &self.limits()).map_err(|error| unusable(&error))?;
        decode(bytes, &self.limits()).map_err(|error| unusable(&error))?;
        let size = ImageSize { width: facts.width, height: facts.height };
        Ok(EncodedImage { media: facts.format.into(), size, bytes: Arc::clone(bytes) })
    }

    /// A mask in which white is where to edit.
    fn mask(&self, bytes: &Arc<[u8]>, rule: MaskRule, source: ImageSize) -> Result<EncodedImage, Refusal> {
        let mask = self.picture("mask", bytes)?;
        if mask.size != source {
            return Err(Refusal::invalid("mask", format!("the mask is {}: expected the image's {source}", mask.size)));
        }
        match rule {
            MaskRule::White => Ok(mask),
            MaskRule::Transparent => self.turned(&mask),
        }
    }

    /// Transparent made white, and all else black.
    fn turned(&self, mask: &EncodedImage) -> Result<EncodedImage, Refusal> {
        let picture = decode(&mask.bytes, &self.limits()).map_err(|error| Refusal::invalid("mask", error))?;
        let Some(alpha) = picture.pixels.alpha() else {
            let message = "the mask has no transparency: expected a picture that is transparent where to edit";
            return Err(Refusal::invalid("mask", message));
        };
        let white = alpha.iter().map(|alpha| [1.0 - alpha; 3]).collect();
        let pixels = Pixels::new(mask.size.width, mask.size.height, white);
        let pixels = pixels.ok_or_else(|| Refusal::invalid("mask", "the mask is empty"))?;
        let bytes = encode(&pixels, &Metadata::default(), EncodeOptions::PNG).map_err(Refusal::broken)?;
        Ok(EncodedImage { media: MediaType::Png, size: mask.size, bytes: bytes.into() })
    }
}

/// What a report says, in one line.
fn words(report: &Report) -> String {
    let line = |diagnostic: &editscale_config::Diagnostic| match &diagnostic.hint {
        Some(hint) => format!("{} ({hint})", diagnostic.message),
        None => diagnostic.message.clone(),
    };
    report.diagnostics().iter().map(line).collect::<Vec<_>>().join("; ")
}

/// A name as people may see it: the last part of what was sent, without control characters.
fn plain_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = last.chars().filter(|character| !character.is_control()).take(100).collect();
    if plain.is_empty() { "image".to_owned() } else { plain }
}
