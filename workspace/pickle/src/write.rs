//! Plain data as a pickle of protocol 4, with nothing in it but data.
//!
//! Source: `Lib/pickletools.py` of `CPython`, which describes every opcode.

use crate::error::PickleError;
use crate::value::Pickled;

/// The pickle. Python 3.4 and later read it.
pub fn write(value: &Pickled) -> Result<Vec<u8>, PickleError> {
    let mut pickle = vec![0x80, 4];
    put(value, &mut pickle).map_err(PickleError::Value)?;
    pickle.push(b'.');
    Ok(pickle)
}

fn put(value: &Pickled, to: &mut Vec<u8>) -> Result<(), String> {
    match value {
        Pickled::None => to.push(b'N'),
        Pickled::Bool(truth) => to.push(if *truth { 0x88 } else { 0x89 }),
        Pickled::Int(number) => int(*number, to),
        Pickled::Float(number) => {
            to.push(b'G');
            to.extend(number.to_be_bytes());
        }
        Pickled::Text(text) => counted(b'X', text.as_bytes(), to)?,
        Pickled::Bytes(bytes) => counted(b'B', bytes, to)?,
        Pickled::List(items) => {
            to.extend(b"](");
            items.iter().try_for_each(|item| put(item, to))?;
            to.push(b'e');
        }
        Pickled::Tuple(items) => {
            to.push(b'(');
            items.iter().try_for_each(|item| put(item, to))?;
            to.push(b't');
        }
        Pickled::Dict(entries) => {
            to.extend(b"}(");
            entries.iter().try_for_each(|(key, value)| put(key, to).and_then(|()| put(value, to)))?;
            to.push(b'u');
        }
    }
    Ok(())
}

/// Four bytes where they are enough, else eight with their length before them.
fn int(number: i64, to: &mut Vec<u8>) {
    if let Ok(short) = i32::try_from(number) {
        to.push(b'J');
        to.extend(short.to_le_bytes());
    } else {
        to.extend([0x8a, 8]);
        to.extend(number.to_le_bytes());
    }
}

fn counted(opcode: u8, bytes: &[u8], to: &mut Vec<u8>) -> Result<(), String> {
    let too_long = |_| format!("expected at most 4 GiB in one value, found {} bytes", bytes.len());
    let length = u32::try_from(bytes.len()).map_err(too_long)?;
    to.push(opcode);
    to.extend(length.to_le_bytes());
    to.extend(bytes);
    Ok(())
}
