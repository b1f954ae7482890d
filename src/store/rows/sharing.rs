//! What people share with each other, as it stands inside other rows.
use crate::domain::{Precision, Sharing, UnixMs};
use crate::store::codec::{Decoder, Encoder, RowError};

const UNTIL: u8 = 1 << 4;

const fn bits(precision: Precision) -> u8 {
    match precision {
        Precision::Off => 0,
        Precision::Approximate => 1,
        Precision::Exact => 2,
    }
}

const fn precision(bits: u8) -> Result<Precision, RowError> {
    match bits {
        0 => Ok(Precision::Off),
        1 => Ok(Precision::Approximate),
        2 => Ok(Precision::Exact),
        _ => Err(RowError::Value("a precision")),
    }
}

pub(super) fn encode_sharing(row: &mut Encoder, sharing: &Sharing) {
    let Sharing { precision, until, then } = sharing;
    let until_bit = if until.is_some() { UNTIL } else { 0 };
    row.u8(bits(*precision) | bits(*then) << 2 | until_bit);
    if let Some(until) = until {
        row.int(until.0);
    }
}

pub(super) fn decode_sharing(row: &mut Decoder<'_>) -> Result<Sharing, RowError> {
    let flags = row.u8()?;
    if flags >= UNTIL << 1 {
        return Err(RowError::Value("what is shared"));
    }
    let until = if flags & UNTIL == 0 { None } else { Some(UnixMs(row.int()?)) };
    Ok(Sharing { precision: precision(flags & 3)?, until, then: precision(flags >> 2 & 3)? })
}
