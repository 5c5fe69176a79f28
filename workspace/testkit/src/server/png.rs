//! The simplest pictures that there are.

use std::sync::Arc;

use editscale_core::{Digest, Image, ImageSize, MediaType};
use sha2::{Digest as _, Sha256};

/// A PNG of one colour.
pub fn png(size: ImageSize, colour: [u8; 3]) -> Vec<u8> {
    let row = [&[0][..], &colour.repeat(size.width as usize)].concat();
    let rows = row.repeat(size.height as usize);
    let mut head = [size.width.to_be_bytes(), size.height.to_be_bytes()].concat();
    head.extend([8, 2, 0, 0, 0]);
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, data) in [(b"IHDR", head), (b"IDAT", stored(&rows)), (b"IEND", Vec::new())] {
        let body = [&name[..], &data].concat();
        file.extend((data.len() as u32).to_be_bytes());
        file.extend(&body);
        file.extend(crc(&body).to_be_bytes());
    }
    file
}

/// A picture's handle over bytes in memory. Its digest is no BLAKE3: it tells pictures apart, which is all that tests need.
pub fn named_picture(bytes: Vec<u8>, media: MediaType, size: ImageSize) -> Image {
    let digest = Digest::from_bytes(Sha256::digest(&bytes).into());
    let bytes: Arc<[u8]> = bytes.into();
    Image::new(digest, media, size, Arc::new(bytes))
}

/// A zlib stream whose blocks are stored as they are (RFC 1950, RFC 1951).
fn stored(bytes: &[u8]) -> Vec<u8> {
    let mut stream = vec![0x78, 0x01];
    let count = bytes.chunks(0xffff).count();
    for (place, block) in bytes.chunks(0xffff).enumerate() {
        let length = block.len() as u16;
        stream.push(u8::from(place + 1 == count));
        stream.extend(length.to_le_bytes());
        stream.extend((!length).to_le_bytes());
        stream.extend(block);
    }
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in bytes {
        a = (a + u32::from(*byte)) % 65521;
        b = (b + a) % 65521;
    }
    stream.extend((b << 16 | a).to_be_bytes());
    stream
}

fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    };
    !bytes.iter().fold(u32::MAX, step)
}
