//! The frames that a GIF file declares. Its decoder makes room for each, however far it reaches beyond the screen.

/// Introduces an extension, whose kind is of no interest here.
const EXTENSION: u8 = 0x21;
/// Introduces a frame.
const FRAME: u8 = 0x2c;

/// What a file declares of its frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Frames {
    /// Width and height of the first.
    pub(crate) first: Option<(u32, u32)>,
    /// Whether there are others.
    pub(crate) has_more: bool,
}

/// Looks for frames up to the second, by the lengths of blocks alone (`GIF89a`, appendices A and B).
pub(crate) fn frames(bytes: &[u8]) -> Frames {
    let mut frames = Frames::default();
    // Signature, version and screen; the fifth byte from there on tells of a table of colours.
    let mut next = bytes.get(10).map(|flags| 13 + table(*flags));
    while let Some(at) = next {
        next = match bytes.get(at) {
            Some(&EXTENSION) => after_parts(bytes, at + 2),
            Some(&FRAME) if frames.first.is_some() => return Frames { has_more: true, ..frames },
            Some(&FRAME) => {
                frames.first = size(bytes, at + 5);
                // The table of colours, and the width of the codes.
                bytes.get(at + 9).and_then(|flags| after_parts(bytes, at + 11 + table(*flags)))
            }
            _ => None,
        };
    }
    frames
}

/// The bytes of a table of colours, of whose length the flags before it tell.
fn table(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

fn size(bytes: &[u8], at: usize) -> Option<(u32, u32)> {
    let &[low, high, below, above] = bytes.get(at..at + 4)? else { return None };
    Some((u16::from_le_bytes([low, high]).into(), u16::from_le_bytes([below, above]).into()))
}

/// Where the parts of a block end: each begins with its length, and one of no length is the last.
fn after_parts(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *bytes.get(at)? {
            0 => return Some(at + 1),
            length => at += 1 + usize::from(length),
        }
    }
}
