//! Whether a JPEG file is whole. Its decoder fills what is missing with grey and says nothing.

/// Ends the picture.
const END: u8 = 0xd9;

/// Whether the end marker follows the scans. Bytes after it, which some cameras append, do not matter.
pub(crate) fn is_whole(bytes: &[u8]) -> bool {
    let mut at = 2;
    while let Some((marker, after)) = next_marker(bytes, at) {
        at = match marker {
            END => return true,
            // Restarts and a few others stand alone.
            0x01 | 0xd0..=0xd8 => after,
            _ => match bytes.get(after..after + 2) {
                Some(&[high, low]) => after + usize::from(u16::from_be_bytes([high, low])),
                _ => return false,
            },
        };
    }
    false
}

/// The first marker from here on, and where it ends. In coded data 0xff is followed by 0.
fn next_marker(bytes: &[u8], from: usize) -> Option<(u8, usize)> {
    let rest = bytes.get(from..)?;
    let place = rest.windows(2).position(|pair| pair[0] == 0xff && !matches!(pair[1], 0 | 0xff))?;
    Some((rest[place + 1], from + place + 2))
}
