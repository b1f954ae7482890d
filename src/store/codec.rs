//! The bytes of a row: a small binary codec that reads any input without a panic.
//!
//! Numbers are little-endian or LEB128 variable length; text and byte strings carry their length in front. Every value
//! begins with a version byte, so that a row written by a newer server is told apart from a damaged one.
use thiserror::Error;

use crate::domain::Refusal;

/// Why the bytes of a row cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RowError {
    /// The bytes end before the row does.
    #[error("the row ends too early")]
    Short,
    /// More bytes than the row needs.
    #[error("the row has bytes left over")]
    Long,
    /// A value that no server writes.
    #[error("{0} cannot be what was written")]
    Value(&'static str),
    /// Written by a server that knows more.
    #[error("the row was written by a newer version (row version {0})")]
    Newer(u8),
}

impl From<Refusal> for RowError {
    fn from(refusal: Refusal) -> Self {
        Self::Value(refusal.field.unwrap_or("a field"))
    }
}

/// Appends fields to a buffer.
#[derive(Debug, Default)]
pub struct Encoder(Vec<u8>);

impl Encoder {
    /// Starts a row of the given version.
    #[must_use]
    pub fn versioned(version: u8) -> Self {
        let mut bytes = Vec::with_capacity(96);
        bytes.push(version);
        Self(bytes)
    }

    /// The bytes written so far.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.0
    }

    /// One byte.
    pub fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    /// An unsigned number, 1 to 10 bytes.
    pub fn uint(&mut self, mut value: u64) {
        while value >= 0x80 {
            #[expect(clippy::cast_possible_truncation, reason = "the low seven bits")]
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        #[expect(clippy::cast_possible_truncation, reason = "below 0x80")]
        self.0.push(value as u8);
    }

    /// A signed number; small ones of either sign are short.
    pub fn int(&mut self, value: i64) {
        self.uint(((value << 1) ^ (value >> 63)).cast_unsigned());
    }

    /// Four bytes of a float.
    pub fn f32(&mut self, value: f32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    /// Eight bytes of a float.
    pub fn f64(&mut self, value: f64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    /// Bytes whose number the reader knows.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// A length and that many bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.uint(bytes.len() as u64);
        self.raw(bytes);
    }

    /// Text, as [`Encoder::bytes`].
    pub fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }
}

/// Reads fields in the order in which an [`Encoder`] wrote them.
#[derive(Debug)]
pub struct Decoder<'a> {
    rest: &'a [u8],
}

impl<'a> Decoder<'a> {
    /// Reads from the beginning of `bytes`, without a version.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Reads from the beginning of a row.
    ///
    /// # Errors
    /// [`RowError::Newer`] when its version is above `newest`, [`RowError::Short`] when there is none.
    pub fn versioned(bytes: &'a [u8], newest: u8) -> Result<Self, RowError> {
        Self::of_any(bytes, newest).map(|(_, decoder)| decoder)
    }

    /// As [`Decoder::versioned`], for rows that are read differently by their version: from 1 to `newest`.
    ///
    /// # Errors
    /// As [`Decoder::versioned`].
    pub fn of_any(bytes: &'a [u8], newest: u8) -> Result<(u8, Self), RowError> {
        let mut decoder = Self::new(bytes);
        match decoder.u8()? {
            0 => Err(RowError::Value("row version")),
            version if version > newest => Err(RowError::Newer(version)),
            version => Ok((version, decoder)),
        }
    }

    /// Ends the row.
    ///
    /// # Errors
    /// [`RowError::Long`] when bytes are left.
    pub fn finish(self) -> Result<(), RowError> {
        if self.rest.is_empty() { Ok(()) } else { Err(RowError::Long) }
    }

    /// As many bytes as asked for.
    ///
    /// # Errors
    /// [`RowError::Short`].
    pub fn raw(&mut self, length: usize) -> Result<&'a [u8], RowError> {
        let (head, rest) = self.rest.split_at_checked(length).ok_or(RowError::Short)?;
        self.rest = rest;
        Ok(head)
    }

    /// A fixed number of bytes.
    ///
    /// # Errors
    /// [`RowError::Short`].
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], RowError> {
        let (head, rest) = self.rest.split_first_chunk().ok_or(RowError::Short)?;
        self.rest = rest;
        Ok(*head)
    }

    /// One byte.
    ///
    /// # Errors
    /// [`RowError::Short`].
    pub fn u8(&mut self) -> Result<u8, RowError> {
        let (head, rest) = self.rest.split_first().ok_or(RowError::Short)?;
        self.rest = rest;
        Ok(*head)
    }

    /// A big-endian number, as it stands in a key.
    ///
    /// # Errors
    /// [`RowError::Short`].
    pub fn key_u32(&mut self) -> Result<u32, RowError> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    /// A big-endian number of 64 bits, as it stands in a key.
    ///
    /// # Errors
    /// [`RowError::Short`].
    pub fn key_u64(&mut self) -> Result<u64, RowError> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    /// A number written by [`Encoder::uint`].
    ///
    /// # Errors
    /// [`RowError::Short`], or [`RowError::Value`] when it has more than 64 bits.
    pub fn uint(&mut self) -> Result<u64, RowError> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            let bits = u64::from(byte & 0x7F);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(RowError::Value("a number"))
    }

    /// A number written by [`Encoder::uint`] that fits 32 bits.
    ///
    /// # Errors
    /// As [`Decoder::uint`].
    pub fn uint32(&mut self) -> Result<u32, RowError> {
        u32::try_from(self.uint()?).map_err(|_| RowError::Value("a number"))
    }

    /// A number written by [`Encoder::int`].
    ///
    /// # Errors
    /// As [`Decoder::uint`].
    pub fn int(&mut self) -> Result<i64, RowError> {
        let value = self.uint()?;
        Ok((value >> 1).cast_signed() ^ (value & 1).cast_signed().wrapping_neg())
    }

    /// Four bytes of a float.
    ///
    /// # Errors
    /// [`RowError::Short`].
    pub fn f32(&mut self) -> Result<f32, RowError> {
        Ok(f32::from_le_bytes(self.array()?))
    }

    /// Eight bytes of a float.
    ///
    /// # Errors
    /// [`RowError::Short`].
    pub fn f64(&mut self) -> Result<f64, RowError> {
        Ok(f64::from_le_bytes(self.array()?))
    }

    /// A length and that many bytes.
    ///
    /// # Errors
    /// [`RowError::Short`].
    pub fn bytes(&mut self) -> Result<&'a [u8], RowError> {
        let length = usize::try_from(self.uint()?).map_err(|_| RowError::Short)?;
        self.raw(length)
    }

    /// Text, as [`Decoder::bytes`].
    ///
    /// # Errors
    /// [`RowError::Short`], or [`RowError::Value`] when it is not UTF-8.
    pub fn text(&mut self) -> Result<&'a str, RowError> {
        std::str::from_utf8(self.bytes()?).map_err(|_| RowError::Value("text"))
    }

    /// A number of items, each of which takes a byte at least: so nobody reserves memory for more than can follow.
    ///
    /// # Errors
    /// [`RowError::Short`].
    pub fn count(&mut self) -> Result<usize, RowError> {
        let count = usize::try_from(self.uint()?).map_err(|_| RowError::Short)?;
        if count > self.rest.len() { Err(RowError::Short) } else { Ok(count) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_back(unsigned: u64, signed: i64, text: String) {
            let mut encoder = Encoder::versioned(1);
            encoder.uint(unsigned);
            encoder.int(signed);
            encoder.text(&text);
            let bytes = encoder.finish();
            let mut decoder = Decoder::versioned(&bytes, 1).unwrap();
            prop_assert_eq!(decoder.uint(), Ok(unsigned));
            prop_assert_eq!(decoder.int(), Ok(signed));
            prop_assert_eq!(decoder.text(), Ok(text.as_str()));
            prop_assert_eq!(decoder.finish(), Ok(()));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let mut decoder = Decoder::new(&bytes);
            while decoder.uint().is_ok() | decoder.text().is_ok() | decoder.count().is_ok() {}
        }
    }

    #[test]
    fn a_number_of_more_than_64_bits_is_refused() {
        assert_eq!(Decoder::new(&[0xFF; 11]).uint(), Err(RowError::Value("a number")));
        assert_eq!(Decoder::new(&[0xFF; 9]).uint(), Err(RowError::Short));
    }

    #[test]
    fn a_row_of_a_newer_version_is_told_apart_from_a_damaged_one() {
        assert_eq!(Decoder::versioned(&[2], 1).unwrap_err(), RowError::Newer(2));
        assert_eq!(Decoder::versioned(&[0], 1).unwrap_err(), RowError::Value("row version"));
        assert_eq!(Decoder::versioned(&[], 1).unwrap_err(), RowError::Short);
    }
}
