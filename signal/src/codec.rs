//! Little-endian state bytes for checkpoints. Reading never panics.

use stream::{FrameId, Nanos, Price, Side};

/// Appends fixed-size values.
#[derive(Debug)]
pub struct Writer<'a>(&'a mut Vec<u8>);

impl<'a> Writer<'a> {
    /// Appends to `bytes`.
    pub fn new(bytes: &'a mut Vec<u8>) -> Self {
        Self(bytes)
    }

    /// One byte.
    pub fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    /// Two bytes.
    pub fn u16(&mut self, value: u16) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    /// Four bytes.
    pub fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    /// Eight bytes.
    pub fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    /// Eight bytes.
    pub fn i64(&mut self, value: i64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    /// Sixteen bytes.
    pub fn i128(&mut self, value: i128) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }
}

/// Takes values off; every method says what is wrong when the bytes end or do not fit.
#[derive(Debug)]
pub struct Reader<'a>(&'a [u8]);

const SHORT: &str = "the saved state ends too early";

impl<'a> Reader<'a> {
    /// Reads from `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], &'static str> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(SHORT)?;
        self.0 = rest;
        Ok(*head)
    }

    /// One byte.
    ///
    /// # Errors
    /// When the bytes end.
    pub fn u8(&mut self) -> Result<u8, &'static str> {
        Ok(self.take::<1>()?[0])
    }

    /// Two bytes.
    ///
    /// # Errors
    /// When the bytes end.
    pub fn u16(&mut self) -> Result<u16, &'static str> {
        Ok(u16::from_le_bytes(self.take()?))
    }

    /// Four bytes.
    ///
    /// # Errors
    /// When the bytes end.
    pub fn u32(&mut self) -> Result<u32, &'static str> {
        Ok(u32::from_le_bytes(self.take()?))
    }

    /// Eight bytes.
    ///
    /// # Errors
    /// When the bytes end.
    pub fn u64(&mut self) -> Result<u64, &'static str> {
        Ok(u64::from_le_bytes(self.take()?))
    }

    /// Eight bytes.
    ///
    /// # Errors
    /// When the bytes end.
    pub fn i64(&mut self) -> Result<i64, &'static str> {
        Ok(i64::from_le_bytes(self.take()?))
    }

    /// Sixteen bytes.
    ///
    /// # Errors
    /// When the bytes end.
    pub fn i128(&mut self) -> Result<i128, &'static str> {
        Ok(i128::from_le_bytes(self.take()?))
    }

    /// A price.
    ///
    /// # Errors
    /// When the bytes end.
    pub fn price(&mut self) -> Result<Price, &'static str> {
        Ok(Price(self.i64()?))
    }

    /// A time or span.
    ///
    /// # Errors
    /// When the bytes end.
    pub fn nanos(&mut self) -> Result<Nanos, &'static str> {
        Ok(Nanos(self.u64()?))
    }

    /// A frame's name.
    ///
    /// # Errors
    /// When the bytes end.
    pub fn frame(&mut self) -> Result<FrameId, &'static str> {
        Ok(FrameId(self.u64()?))
    }

    /// A side that is not `None`.
    ///
    /// # Errors
    /// When the bytes end or name no side.
    pub fn side(&mut self) -> Result<Side, &'static str> {
        match self.u8()? {
            1 => Ok(Side::Buy),
            2 => Ok(Side::Sell),
            _ => Err("the saved state holds a side that does not exist"),
        }
    }

    /// Nothing may be left.
    ///
    /// # Errors
    /// When something is.
    pub fn end(&self) -> Result<(), &'static str> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err("the saved state is longer than its layout")
        }
    }
}
