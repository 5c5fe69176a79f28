//! Pictures as agents name them: a file, a resource, an edit of the conversation, a data URL.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use editscale_core::{EncodedImage, Image};
use editscale_engine::digest_of;
use editscale_picture::{EncodeOptions, Format, Metadata, encode};
use rmcp::model::{ContentBlock, Resource};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::desk::{Call, Desk};
use super::tree::{Deed, EditId, Made};
use super::trouble::Trouble;
use super::uri::{self, Place};
use crate::http::fields::bytes_of;
use crate::http::image::{Wanted, Which, find, rendered};
use crate::runs::{Live, Owner};
use crate::service::Service;
use crate::wish::Picture;

/// The longest edge of a picture that is shown within an answer.
const SMALL: u32 = 512;

/// What an argument says is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Named {
    /// An edit of the conversation.
    Edit(EditId),
    /// A candidate of a run of the same caller.
    Candidate(Made),
    /// The picture that a run edits.
    Source(String),
    /// A file within the roots.
    File(String),
    /// The bytes themselves.
    Data(Arc<[u8]>),
}

/// Reads an argument that names a picture.
pub(crate) fn named(param: &'static str, text: &str) -> Result<Named, Trouble> {
    if text.starts_with("data:") {
        return data(param, text);
    }
    if text.starts_with(uri::SCHEME) {
        return match uri::read(text) {
            Some(Place::Source(run)) => Ok(Named::Source(run)),
            Some(Place::Candidate(run, candidate)) => Ok(Named::Candidate(Made { run, candidate })),
            Some(Place::Trace(_)) => Err(Trouble::invalid(format!("`{param}` names a trace: expected a picture"))),
            None => Err(Trouble::invalid(format!("`{param}`: expected `{}` or `{}`", uri::CANDIDATE, uri::SOURCE))),
        };
    }
    if let Some(id) = EditId::read(text) {
        return Ok(Named::Edit(id));
    }
    if let Some((run, candidate)) = text.split_once(':').and_then(|(run, number)| Some((run, uri::number(number)?))) {
        return Ok(Named::Candidate(Made { run: run.to_owned(), candidate }));
    }
    if text.split_once("://").is_some_and(|(scheme, _)| scheme.bytes().all(|byte| byte.is_ascii_alphanumeric())) {
        let message = format!(
            "`{param}`: addresses are not fetched; expected a path, an edit such as `e1`, \
                               an editscale:// resource or a data URL"
        );
        return Err(Trouble::invalid(message));
    }
    Ok(Named::File(text.to_owned()))
}

fn data(param: &'static str, url: &str) -> Result<Named, Trouble> {
    let bytes = bytes_of(url).map_err(|why| Trouble::invalid(format!("`{param}`: {why}")))?;
    Ok(Named::Data(bytes.into()))
}

/// What the argument is called where it is repeated.
pub(crate) fn called(text: &str) -> String {
    if text.starts_with("data:") { "data URL".to_owned() } else { super::trouble::quoted(text, 200) }
}

impl Desk {
    /// The run that holds a picture of this caller.
    pub(crate) fn run(&self, run: &str, owner: &Owner) -> Result<Arc<Live>, Trouble> {
        Ok(self.service.runs().find(run, owner)?)
    }

    /// The bytes of a file within the roots.
    fn file(&self, path: &str) -> Result<Arc<[u8]>, Trouble> {
        let most = self.service.settings().body_bytes as u64;
        Ok(self.roots.read(path, most)?.into())
    }
}

impl Call {
    /// What a run is to edit, and the edit that it goes on from. Reads files.
    pub(crate) fn source(&self, param: &'static str, named: Named) -> Result<(Picture, Option<EditId>), Trouble> {
        match named {
            Named::Edit(id) => {
                let made = self.conversation.tree().find(id)?.made.clone();
                Ok((Picture::Candidate { run: made.run, id: made.candidate }, Some(id)))
            }
            Named::Candidate(made) => {
                let id = self.edit_of(&made)?;
                Ok((Picture::Candidate { run: made.run, id: made.candidate }, Some(id)))
            }
            Named::File(path) => Ok((Picture::File { bytes: self.desk.file(&path)?, name: path }, None)),
            other => {
                let bytes = self.image(param, other)?.read().map_err(|_| gone(param))?;
                Ok((Picture::File { name: "image".to_owned(), bytes }, None))
            }
        }
    }

    /// The edit of which a candidate is the picture; it becomes one where it was none. Reads files.
    pub(crate) fn edit_of(&self, made: &Made) -> Result<EditId, Trouble> {
        let live = self.desk.run(&made.run, self.owner())?;
        let service = &self.desk.service;
        find(service, &live, Which::Candidate(made.candidate))?;
        let absent = || crate::Refusal::absent("record of the run", live.id().as_str());
        let record = service.record(&live).ok_or_else(absent)?;
        let ranked = record.outcome.iter().flat_map(|outcome| &outcome.verdict.ranked);
        let utility = ranked.into_iter().find(|ranked| ranked.id.0 == made.candidate).map(|it| it.utility.get());
        let deed = || Deed {
            parent: None,
            made: made.clone(),
            instruction: record.manifest.request.instruction.to_string(),
            recipe: live.recipe(),
            utility,
        };
        let mut tree = self.conversation.tree();
        tree.check_room()?;
        let id = tree.of(made, deed);
        Ok(id)
    }

    /// A picture whose pixels can be read. Reads files, and decodes what comes from outside.
    pub(crate) fn image(&self, param: &'static str, named: Named) -> Result<Image, Trouble> {
        let of_run = |run: &str, which| Ok(find(&self.desk.service, &*self.desk.run(run, self.owner())?, which)?);
        match named {
            Named::Edit(id) => {
                let made = self.conversation.tree().find(id)?.made.clone();
                of_run(&made.run, Which::Candidate(made.candidate))
            }
            Named::Candidate(made) => of_run(&made.run, Which::Candidate(made.candidate)),
            Named::Source(run) => of_run(&run, Which::Source),
            Named::File(path) => self.checked(param, &self.desk.file(&path)?),
            Named::Data(bytes) => self.checked(param, &bytes),
        }
    }

    fn checked(&self, param: &'static str, bytes: &Arc<[u8]>) -> Result<Image, Trouble> {
        let EncodedImage { media, size, bytes } = self.desk.service.checker().picture(param, bytes)?;
        Ok(Image::new(digest_of(&bytes), media, size, Arc::new(bytes)))
    }

    /// The bytes of a mask. Reads files.
    pub(crate) fn bytes(&self, param: &'static str, text: &str) -> Result<Arc<[u8]>, Trouble> {
        match named(param, text)? {
            Named::File(path) => self.desk.file(&path),
            Named::Data(bytes) => Ok(bytes),
            other => self.image(param, other)?.read().map_err(|_| gone(param)),
        }
    }
}

fn gone(param: &'static str) -> Trouble {
    Trouble::absent(format!("`{param}`: the picture is not kept any more"))
}

/// A picture of a run, as it is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct PictureForm {
    /// The resource that holds it, for `resources/read` and for arguments that name a picture.
    pub(crate) uri: String,
    /// Its media type.
    pub(crate) mime_type: String,
    /// Pixels from left to right.
    pub(crate) width: u32,
    /// Pixels from top to bottom.
    pub(crate) height: u32,
    /// Bytes of the file.
    pub(crate) bytes: u64,
}

/// A picture that goes along with an answer.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub(crate) form: PictureForm,
    pub(crate) image: Image,
    pub(crate) name: String,
    pub(crate) description: String,
}

impl Shown {
    /// A candidate's picture. Reads it.
    pub(crate) fn candidate(service: &Service, live: &Live, id: u32) -> Result<Self, Trouble> {
        let (run, image) = (live.id().as_str(), find(service, live, Which::Candidate(id))?);
        let extension = image.media().extension();
        let description = format!("candidate {id} of run {run}");
        Self::of(image, uri::candidate(run, id), (format!("candidate-{id}.{extension}"), description))
    }

    /// What a run edits. Reads it.
    pub(crate) fn source(service: &Service, live: &Live) -> Result<Self, Trouble> {
        let (run, image) = (live.id().as_str(), find(service, live, Which::Source)?);
        let extension = image.media().extension();
        let description = format!("the picture that run {run} edits");
        Self::of(image, uri::source(run), (format!("source.{extension}"), description))
    }

    fn of(image: Image, uri: String, (name, description): (String, String)) -> Result<Self, Trouble> {
        let bytes = image.read().map_err(|_| gone("image"))?.len() as u64;
        let size = image.size();
        let mime_type = image.media().mime().to_owned();
        let form = PictureForm { uri, mime_type, width: size.width, height: size.height, bytes };
        Ok(Self { form, image, name, description })
    }

    /// The link that a client can follow.
    pub(crate) fn link(&self) -> ContentBlock {
        let resource = Resource::new(&self.form.uri, &self.name)
            .with_description(format!("{} ({}x{})", self.description, self.form.width, self.form.height))
            .with_mime_type(&self.form.mime_type)
            .with_size(self.form.bytes);
        ContentBlock::resource_link(resource)
    }

    /// The picture itself, small enough for models that look. Computes.
    pub(crate) fn inline(&self, desk: &Desk) -> Result<ContentBlock, Trouble> {
        let failed = |error: &dyn ToString| {
            Trouble::new("cannot_show", "the picture cannot be made small").reported(&error.to_string())
        };
        let bytes = self.image.read().map_err(|_| gone("image"))?;
        let picture = desk.service.pictures().get(*self.image.digest().as_bytes(), &bytes);
        let picture = picture.map_err(|error| failed(&error))?;
        let options = EncodeOptions { format: Format::Jpeg, quality: 85, deep: false, keep_metadata: false };
        let small = encode(&picture.pixels.reduced(SMALL), &Metadata::default(), options);
        Ok(ContentBlock::image(STANDARD.encode(small.map_err(|error| failed(&error))?), "image/jpeg"))
    }

    /// The file in a format. Computes where it is another one.
    pub(crate) fn file(&self, format: Format, desk: &Desk) -> Result<Arc<[u8]>, Trouble> {
        let wanted = Wanted { format: Some(format), quality: None };
        Ok(rendered(&self.image, wanted, desk.service.pictures())?.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_have_several_kinds_of_names() {
        let candidate = |run: &str, candidate| Named::Candidate(Made { run: run.to_owned(), candidate });
        for (text, expected) in [
            ("e3", Named::Edit(EditId(3))),
            ("e3.png", Named::File("e3.png".to_owned())),
            ("./e3", Named::File("./e3".to_owned())),
            ("holidays/sea.jpg", Named::File("holidays/sea.jpg".to_owned())),
            ("r12ab:4", candidate("r12ab", 4)),
            ("editscale://runs/r1/candidates/4", candidate("r1", 4)),
            ("editscale://runs/r1/source", Named::Source("r1".to_owned())),
            ("data:image/png;base64,aGk=", Named::Data(Arc::from(&b"hi"[..]))),
        ] {
            assert_eq!(named("image", text).unwrap(), expected, "{text}");
        }
        for text in [
            "data:image/png,hi",
            "data:image/png;base64,h!",
            "https://example.org/a.png",
            "file:///etc/passwd",
            "editscale://runs/r1/trace",
            "editscale://elsewhere",
        ] {
            assert!(named("image", text).is_err(), "{text}");
        }
    }
}
