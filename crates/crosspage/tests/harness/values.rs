//! Values that show whether they are whole, and every way to write and to read one.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crosspage::Result;
use crosspage::latest::{RawReader, RawWriter};
use crosspage::layout::{Field, Scalar, StructType, Type};

const WORDS: usize = 12;
/// Bytes of a value. It begins and ends with a word that is partly padding.
pub const SIZE: usize = 120;

fn fields(end: usize) -> Vec<Field> {
    let array = |of, n| Type::Array(Box::new(Type::Scalar(of)), n);
    vec![
        Field::new("id", Type::Scalar(Scalar::U8)),
        Field::new("nonce", Type::Scalar(Scalar::U64)),
        Field::new("pattern", array(Scalar::U64, WORDS)),
        Field::new("end", array(Scalar::U8, end)),
    ]
}

fn natural(fields: Vec<Field>) -> Arc<StructType> {
    let layout = StructType::natural("Value", fields, None).unwrap();
    assert_eq!(layout.size(), SIZE);
    Arc::new(layout)
}

/// What pages hold.
pub fn layout() -> &'static Arc<StructType> {
    static LAYOUT: OnceLock<Arc<StructType>> = OnceLock::new();
    LAYOUT.get_or_init(|| natural(fields(5)))
}

/// One field is longer (in what is padding for the others), so that no page agrees with both.
pub fn other_layout() -> &'static Arc<StructType> {
    static LAYOUT: OnceLock<Arc<StructType>> = OnceLock::new();
    LAYOUT.get_or_init(|| natural(fields(6)))
}

/// The same fields the other way round, as a program may declare them that attaches by name.
pub fn reversed_layout() -> &'static Arc<StructType> {
    static LAYOUT: OnceLock<Arc<StructType>> = OnceLock::new();
    LAYOUT.get_or_init(|| natural(fields(5).into_iter().rev().collect()))
}

pub fn mix(nonce: u64, turn: u64) -> u64 {
    // splitmix64
    let mut z = nonce.wrapping_add(turn).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

/// The bytes of a value; all of them follow from `nonce`.
pub fn encode(nonce: u64) -> [u8; SIZE] {
    let mut bytes = [0; SIZE];
    bytes[0] = mix(nonce, 100) as u8;
    bytes[8..16].copy_from_slice(&nonce.to_le_bytes());
    for (turn, word) in bytes[16..112].chunks_exact_mut(8).enumerate() {
        word.copy_from_slice(&mix(nonce, turn as u64).to_le_bytes());
    }
    bytes[112..117].copy_from_slice(&mix(nonce, 200).to_le_bytes()[..5]);
    bytes
}

/// The nonce of a value, which must be whole.
pub fn decode(bytes: &[u8]) -> u64 {
    let nonce = u64::from_le_bytes(bytes[8..16].try_into().unwrap());
    assert!(bytes == encode(nonce), "TORN: {bytes:02x?}");
    nonce
}

/// A version and the nonce of its value; `None`: no value yet.
pub type Seen = Option<(u64, u64)>;

/// Reads a value, which must be whole.
pub fn read(reader: &RawReader) -> Result<Seen> {
    let mut bytes = [0xaa; SIZE];
    // SAFETY: `bytes` has the layout's size.
    let meta = unsafe { reader.read(bytes.as_mut_ptr()) }?;
    Ok(meta.map(|meta| (meta.version, decode(&bytes))))
}

pub fn wait_changed(reader: &RawReader, since: u64, limit: Duration) -> Result<(u64, u64)> {
    let mut bytes = [0xaa; SIZE];
    // SAFETY: `bytes` has the layout's size.
    let meta = unsafe { reader.wait_changed(since, Some(limit), bytes.as_mut_ptr()) }?;
    Ok((meta.version, decode(&bytes)))
}

pub fn write(writer: &mut RawWriter, nonce: u64) -> Result<u64> {
    let bytes = encode(nonce);
    // SAFETY: `bytes` are a value of the layout.
    unsafe { writer.write(bytes.as_ptr()) }
}

/// By a writer that has the fields the other way round.
pub fn write_reversed(writer: &mut RawWriter, nonce: u64) -> Result<u64> {
    let (from, mut bytes) = (encode(nonce), [0; SIZE]);
    for field in reversed_layout().fields() {
        let there = layout().field(&field.name).unwrap().offset;
        let len = field.ty.size();
        bytes[field.offset..][..len].copy_from_slice(&from[there..][..len]);
    }
    // SAFETY: `bytes` are a value of the layout.
    unsafe { writer.write(bytes.as_ptr()) }
}

/// Fills the slot in place, in an order and in pieces that no copy would have.
pub fn write_with(writer: &mut RawWriter, nonce: u64) -> Result<u64> {
    let bytes = encode(nonce);
    writer.write_with(&mut |slot| {
        slot.write_at(57, &bytes[57..])?;
        slot.write_at(0, &bytes[..57])
    })
}

/// Gives the value the nonce that `next` makes of the old one.
pub fn update(writer: &mut RawWriter, mut next: impl FnMut(u64) -> u64) -> Result<u64> {
    let mut scratch = [0u8; SIZE];
    // SAFETY: `scratch` has the layout's size and is only used by `update`, which fills it before
    // it hands it over; all of it is written anew.
    unsafe {
        writer.update(scratch.as_mut_ptr(), &mut |bytes| {
            let bytes = std::slice::from_raw_parts_mut(bytes, SIZE);
            let old = decode(bytes);
            bytes.copy_from_slice(&encode(next(old)));
            Ok(())
        })
    }
}
