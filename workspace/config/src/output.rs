//! How the winner is written.

use editscale_schema::{Absent, Fields, Flag, Key, Keys, Whole, Word, Yaml};

/// How pictures are written for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Output {
    /// The file format.
    pub format: OutputFormat,
    /// Quality of JPEG files, from 1 to 100; the other formats are written without loss.
    pub quality: u8,
    /// Whether position, camera and other private metadata of the source stay in what is written.
    pub keep_metadata: bool,
}

/// A file format that results can be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OutputFormat {
    /// PNG, without loss.
    Png,
    /// JPEG.
    Jpeg,
    /// WebP, without loss.
    Webp,
}

impl OutputFormat {
    /// The usual file extension, without a dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::Webp => "webp",
        }
    }
}

const FORMAT: Key<Word<OutputFormat>> = Key {
    name: "format",
    rule: Word(&[("png", OutputFormat::Png), ("jpeg", OutputFormat::Jpeg), ("webp", OutputFormat::Webp)]),
    absent: Absent::Default(OutputFormat::Png),
    meaning: "the file format of what is written for people, where the command line does not name a file",
};

const QUALITY: Key<Whole> = Key {
    name: "quality",
    rule: Whole { low: 1, high: 100 },
    absent: Absent::Default(92),
    meaning: "quality of JPEG files; the other formats lose nothing and ignore it",
};

const KEEP_METADATA: Key<Flag> = Key {
    name: "keep_metadata",
    rule: Flag,
    absent: Absent::Default(false),
    meaning: "whether position, camera and other private metadata of the source stay in what is written",
};

pub(crate) const KEYS: Keys = &[&FORMAT, &QUALITY, &KEEP_METADATA];

impl Output {
    pub(crate) fn read(fields: &Fields<'_>) -> Option<Self> {
        let (format, quality) = (fields.take(&FORMAT), fields.take(&QUALITY));
        let keep_metadata = fields.take(&KEEP_METADATA);
        Some(Self { format: format?, quality: quality? as u8, keep_metadata: keep_metadata? })
    }

    pub(crate) fn write(self) -> Yaml {
        let keys = [
            FORMAT.write(Some(&self.format)),
            QUALITY.write(Some(&self.quality.into())),
            KEEP_METADATA.write(Some(&self.keep_metadata)),
        ];
        Yaml::Map(keys.into_iter().flatten().collect())
    }
}
