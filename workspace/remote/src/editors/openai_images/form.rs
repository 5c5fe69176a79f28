//! The form that one edit is sent as.

use editscale_core::{EditItem, Failure, Image, ImageSize};

use super::OpenAiImages;
use super::arguments::{is_of_the_form, written};
use super::profile::{MaskRule, OpenSize, SeedPlace};
use crate::editors::item::{SEED_BITS, effective, file, invalid, sent};
use crate::editors::knobs::values;
use crate::editors::masks;
use crate::editors::size::SizeRule;
use crate::editors::wish::Wish;
use crate::http::multipart::{Multipart, Payload};
use crate::picture::mask::transparent_where_white;

/// The most bytes of a picture that is sent: what GPT-Image takes.
const MOST_BYTES: usize = 50_000_000;

/// A form, and what became of the wishes behind it.
#[derive(Debug)]
pub(crate) struct Form {
    pub(crate) payload: Payload,
    /// The seed as it was sent, where that is not the proposal's own.
    pub(crate) effective_seed: Option<u64>,
    pub(crate) wish: Wish,
}

impl OpenAiImages {
    /// Writes the form. Anything that the server would refuse or ignore is refused here, where nothing was sent.
    pub(crate) fn form(&self, item: &EditItem) -> Result<Form, Failure> {
        let profile = self.options.profile;
        let seed = (self.seeds != SeedPlace::Nowhere).then(|| sent(item.proposal.seed, SEED_BITS));
        let wish = self.wish(item);
        let source = file(&item.start, MOST_BYTES, |media| profile.reads(media))?;
        let mask = self.mask(item)?;
        let mut form = Multipart::default();
        if !self.options.model.is_empty() {
            form.text("model", &self.options.model);
        }
        form.text("prompt", &self.prompt(item, seed));
        form.text("n", "1");
        self.settings(item, seed, wish.asked, &mut form);
        let name = |what: &str, image: &Image| format!("{what}.{}", image.media().extension());
        form.shared(profile.picture_field(), name("source", &item.start), item.start.media().mime(), source);
        if let (Some(mask), Some(image)) = (&mask, &item.request.mask) {
            let is_png = self.masks == MaskRule::Transparent;
            let (name, mime) =
                if is_png { ("mask.png".to_owned(), "image/png") } else { (name("mask", image), image.media().mime()) };
            form.file(profile.mask_field(), name, mime, &**mask);
        }
        let effective_seed = seed.and_then(|seed| effective(seed, item));
        Ok(Form { payload: form.finish(), effective_seed, wish })
    }

    fn settings(&self, item: &EditItem, seed: Option<u64>, size: Option<ImageSize>, form: &mut Multipart<'_>) {
        match (size, self.options.profile.open_size()) {
            (Some(size), _) => form.text("size", &size.to_string()),
            (None, OpenSize::Auto) => form.text("size", "auto"),
            (None, _) => {}
        }
        if let Some(format) = self.options.profile.response_format() {
            form.text("response_format", format);
        }
        if self.options.streams() {
            form.text("stream", "true");
        }
        if let Some(count) = self.options.partial_images {
            form.text("partial_images", &count.to_string());
        }
        let in_prompt = self.options.writes_arguments();
        let fields = self.options.fields.iter().filter(|(name, _)| !in_prompt || is_of_the_form(name));
        fields.for_each(|(name, value)| form.text(name, value));
        if self.seeds == SeedPlace::Field
            && let Some(seed) = seed
        {
            form.text("seed", &seed.to_string());
        }
        if !in_prompt {
            values(&self.options.knobs, &item.proposal)
                .into_iter()
                .for_each(|(name, value)| form.text(&name, &value.to_string()));
        }
    }

    /// The instruction, after which stable-diffusion.cpp reads its own arguments. What an instruction holds of that kind
    /// is taken apart, so that it stays text.
    fn prompt(&self, item: &EditItem, seed: Option<u64>) -> String {
        let instruction = &item.proposal.instruction;
        if !self.options.writes_arguments() {
            return instruction.to_string();
        }
        let seed = seed.filter(|_| self.seeds == SeedPlace::PromptArguments);
        let arguments = written(&self.options.fields, values(&self.options.knobs, &item.proposal), seed);
        let instruction = instruction.replace("sd_cpp_extra_args>", "sd_cpp_extra_args >");
        format!("{instruction}<sd_cpp_extra_args>{arguments}</sd_cpp_extra_args>")
    }

    fn wish(&self, item: &EditItem) -> Wish {
        let own = self.options.profile.open_size() == OpenSize::OfThePicture;
        let wished = item.request.output_size;
        let asked = wished.or_else(|| own.then(|| item.start.size())).map(|size| self.nearest(size));
        Wish { wished, asked }
    }

    fn nearest(&self, size: ImageSize) -> ImageSize {
        let usual = || self.options.profile.nearest(&self.options.model, size);
        self.options.sizes.as_ref().map_or_else(usual, |sizes: &SizeRule| sizes.nearest(size))
    }

    fn mask(&self, item: &EditItem) -> Result<Option<Vec<u8>>, Failure> {
        let takes = self.masks != MaskRule::None;
        let Some(mask) = masks::mask(item, &self.options.name, takes)? else { return Ok(None) };
        let bytes = masks::file(mask)?;
        match self.masks {
            MaskRule::Transparent => transparent_where_white(&bytes, mask.size()).map(Some).map_err(invalid),
            _ => Ok(Some(bytes.to_vec())),
        }
    }
}
