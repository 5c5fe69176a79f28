//! A command as an editor: a picture and an instruction in, a picture out.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use editscale_sdk::{Call, CancelRule, Edit, Editor, EditorCard, Failed, Made, NewImage, Welcome};
use serde_json::{Map, Value};

use super::files::{Bench, Workshop};
use super::line::Placeholder;
use super::score::notes;
use super::settings::Ready;
use super::shell::Job;

/// The longest picture that is taken.
const LONGEST_PICTURE: usize = 512 << 20;

/// A command that edits.
pub(super) struct CommandEditor {
    ready: Ready,
    workshop: Workshop,
}

impl CommandEditor {
    pub(super) fn load(welcome: &Welcome) -> Result<Self, Failed> {
        Ok(Self { ready: Ready::of(welcome)?, workshop: Workshop::of(welcome) })
    }

    fn make(&self, edit: &Edit, call: &Call) -> Result<Made, Failed> {
        let Ready { settings, line, limit, .. } = &self.ready;
        let mut bench = self.workshop.bench()?;
        let output = bench.path(&format!("output.{}", settings.output.extension()));
        self.lay_out(edit, &mut bench)?;
        bench.set(&Placeholder::Output, &output);
        let job = Job { script: &line.script, bench: &bench, call, limit: *limit, most: LONGEST_PICTURE };
        let printed = job.run()?;
        if !line.uses(&Placeholder::Output) {
            return Ok(Made::new(picture(printed, "standard output")?));
        }
        let mut made = Made::new(picture(read(&output)?, "`{output}`")?);
        if let Ok(said) = serde_json::from_slice::<Map<String, Value>>(&printed) {
            made.notes = said.get("notes").map(notes).transpose()?.unwrap_or_default();
        }
        Ok(made)
    }

    fn lay_out(&self, edit: &Edit, bench: &mut Bench) -> Result<(), Failed> {
        bench.picture(&Placeholder::Source, &edit.start_picture)?;
        bench.mask(edit.mask.as_ref())?;
        bench.instruction(edit.instruction(), &self.ready.line)?;
        bench.set(&Placeholder::Seed, edit.proposal.seed.to_string());
        for knob in self.ready.settings.cards() {
            let value = edit.knob(&knob.name).unwrap_or(knob.default);
            bench.set(&Placeholder::Knob(knob.name), value.to_string());
        }
        Ok(())
    }
}

impl Editor for CommandEditor {
    fn card(&self) -> EditorCard {
        let Ready { settings, line, revision, .. } = &self.ready;
        let has_seeds = settings.seeds.unwrap_or_else(|| line.uses(&Placeholder::Seed));
        EditorCard {
            seed_bits: has_seeds.then_some(53),
            slots: settings.slots,
            edits_candidates: true,
            cancel: CancelRule::Promptly,
            masks: line.uses(&Placeholder::Mask),
            knobs: settings.cards(),
            ..EditorCard::new(revision)
        }
    }

    fn edit(&self, edits: &[Edit], call: &Call) -> Vec<Result<Made, Failed>> {
        edits.iter().map(|edit| self.make(edit, call)).collect()
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failed> {
    let lacks =
        |error: std::io::Error| Failed::internal(format!("the command left no picture in `{{output}}`: {error}"));
    let file = File::open(path).map_err(lacks)?;
    let mut bytes = Vec::new();
    file.take(LONGEST_PICTURE as u64 + 1).read_to_end(&mut bytes).map_err(lacks)?;
    if bytes.len() > LONGEST_PICTURE {
        return Err(Failed::internal(format!("the picture in `{{output}}` is longer than {LONGEST_PICTURE} bytes")));
    }
    Ok(bytes)
}

/// How pictures begin.
const BEGINNINGS: [(&[u8], &str); 7] = [
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"RIFF", "image/webp"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"BM", "image/bmp"),
    (b"GIF8", "image/gif"),
];

/// The host decodes it; here it only gets its name.
fn picture(bytes: Vec<u8>, place: &str) -> Result<NewImage, Failed> {
    let media = BEGINNINGS.iter().find(|(beginning, _)| bytes.starts_with(beginning)).map(|(_, media)| *media);
    let start: Vec<u8> = bytes.iter().copied().take(16).collect();
    let media = media.ok_or_else(|| {
        let found = if bytes.is_empty() { "nothing".to_owned() } else { format!("\"{}\"", start.escape_ascii()) };
        Failed::internal(format!(
            "{place} of the command begins with {found}: expected a PNG, JPEG, WebP, TIFF, BMP or GIF"
        ))
    })?;
    Ok(NewImage::new(media, bytes))
}
