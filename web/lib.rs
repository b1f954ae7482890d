//! The dashboard's files, built by Vite (see `build.rs`) and part of the binary.
//!
//! Knows nothing of HTTP beyond names: the server asks for a path, gets bytes and the headers' values, and writes them.
#![forbid(unsafe_code)]
use std::borrow::Cow;

/// One embedded file in all the forms it can be sent in.
struct File {
    path: &'static str,
    content_type: &'static str,
    hash: &'static str,
    immutable: bool,
    plain: &'static [u8],
    br: Option<&'static [u8]>,
    gz: Option<&'static [u8]>,
}

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// Whether this binary has a dashboard. Without one (no Node when it was built) every path is unknown.
pub const BUILT: bool = IS_BUILT;

/// A file, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    /// The body, already compressed when `encoding` says so.
    pub body: Cow<'static, [u8]>,
    /// The value of `Content-Type`.
    pub content_type: &'static str,
    /// The value of `ETag`, with its quotes; differs by content and by encoding.
    pub etag: String,
    /// The value of `Content-Encoding`, if any. Send `Vary: Accept-Encoding` in either case.
    pub encoding: Option<&'static str>,
    /// True: the name contains a hash of the content, so it may be cached for ever. False: `no-cache`, by the `ETag`.
    pub immutable: bool,
}

/// The file at a path of the server (`/` is the page itself), in the best form that `accept_encoding` allows.
#[must_use]
pub fn asset(path: &str, accept_encoding: &str) -> Option<Asset> {
    let path = path.trim_start_matches('/');
    let path = if path.is_empty() { "index.html" } else { path };
    let file = FILES.iter().find(|file| file.path == path)?;
    let choices = [("br", file.br), ("gzip", file.gz)];
    let best =
        choices.into_iter().find_map(|(name, body)| body.filter(|_| accepts(accept_encoding, name)).map(|b| (name, b)));
    let (encoding, body) = best.map_or((None, file.plain), |(name, body)| (Some(name), body));
    Some(Asset {
        body: Cow::Borrowed(body),
        content_type: file.content_type,
        etag: encoding.map_or_else(|| format!("\"{}\"", file.hash), |name| format!("\"{}-{name}\"", file.hash)),
        encoding,
        immutable: file.immutable,
    })
}

/// Whether an `Accept-Encoding` header names a coding and does not refuse it by `q=0`.
fn accepts(header: &str, coding: &str) -> bool {
    header.split(',').any(|item| {
        let mut parts = item.split(';');
        let named = parts.next().unwrap_or_default().trim().eq_ignore_ascii_case(coding);
        let refused =
            parts.any(|p| p.trim().strip_prefix("q=").is_some_and(|q| q.trim().parse::<f32>().is_ok_and(|q| q <= 0.0)));
        named && !refused
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoding_is_accepted_when_named_and_not_refused() {
        assert!(accepts("gzip, deflate, br, zstd", "br"));
        assert!(accepts("GZIP;q=0.5", "gzip"));
        assert!(!accepts("gzip;q=0, br;q=0.0", "gzip"));
        assert!(!accepts("brotli", "br"));
        assert!(!accepts("", "gzip"));
    }

    #[test]
    fn the_root_is_the_page_and_strangers_find_nothing() {
        assert_eq!(asset("/", "").is_some(), BUILT);
        assert_eq!(asset("/", ""), asset("/index.html", ""));
        assert_eq!(asset("/../Cargo.toml", "br"), None);
        assert_eq!(asset("/assets", "br"), None);
    }

    #[test]
    fn scripts_come_compressed_with_an_etag_of_their_own() {
        let Some(script) = FILES.iter().find(|f| f.immutable && f.path.ends_with(".js")) else {
            println!("skipped: this build has no dashboard");
            return;
        };
        let plain = asset(script.path, "").unwrap();
        let small = asset(script.path, "gzip, br").unwrap();
        assert_eq!((plain.encoding, small.encoding), (None, Some("br")));
        assert!(small.body.len() * 2 < plain.body.len());
        assert_ne!(plain.etag, small.etag);
        assert!(plain.immutable && plain.content_type.starts_with("text/javascript"));
        assert!(!asset("/", "").unwrap().immutable);
    }
}
