//! The dashboard.
use std::borrow::Cow;
/// A file.
pub struct Asset {
    /// x
    pub body: Cow<'static, [u8]>,
    /// x
    pub content_type: &'static str,
    /// x
    pub etag: &'static str,
    /// x
    pub encoding: Option<&'static str>,
    /// x
    pub immutable: bool,
}
/// Whether.
pub const BUILT: bool = false;
/// One.
#[must_use]
pub fn asset(_: &str, _: &str) -> Option<Asset> {
    None
}
