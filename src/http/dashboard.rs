//! The web page, out of the binary.
use actix_web::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue,
    IF_NONE_MATCH, VARY,
};
use actix_web::{HttpRequest, HttpResponse};

/// Everything the page may do: no inline script or style, no request to anybody else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; worker-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; \
    frame-ancestors 'none'; form-action 'self'";

/// What a node that was built without the dashboard shows in its place.
const PLAIN: &str = include_str!("plain.html");

/// Longer paths are nobody's.
const LONGEST_PATH: usize = 256;

/// Serves the dashboard's files; every path without a dot is the page itself.
pub async fn page(req: HttpRequest) -> HttpResponse {
    if !is_plain(req.uri().path()) {
        return not_found();
    }
    if !letshang_web::BUILT {
        return HttpResponse::Ok().insert_header((CONTENT_TYPE, "text/html; charset=utf-8")).body(PLAIN);
    }
    let path = req.path().trim_start_matches('/');
    let last = path.rsplit('/').next().unwrap_or_default();
    let path = if last.contains('.') { path } else { "index.html" };
    let accepts = req.headers().get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Some(asset) = letshang_web::asset(path, accepts) else {
        return not_found();
    };
    let etag = format!("\"{}\"", asset.etag.trim_matches('"'));
    let known = req.headers().get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let cache = if asset.immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut response = if known == Some(etag.as_str()) { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((CACHE_CONTROL, cache))
        .insert_header((ETAG, etag.clone()))
        .insert_header((VARY, "Accept-Encoding"));
    if known == Some(etag.as_str()) {
        return response.finish();
    }
    if let Some(encoding) = asset.encoding {
        response.insert_header((CONTENT_ENCODING, encoding));
    }
    response.insert_header((CONTENT_TYPE, asset.content_type)).body(asset.body.into_owned())
}

/// Whether a path, as it was sent, could be one of ours: no escapes, no way up, nothing that a file system would read
/// differently.
fn is_plain(path: &str) -> bool {
    let is_ours = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte);
    path.len() <= LONGEST_PATH && path.bytes().all(is_ours) && !path.contains("..") && !path.contains("//")
}

fn not_found() -> HttpResponse {
    HttpResponse::NotFound().insert_header((CONTENT_TYPE, "text/plain; charset=utf-8")).body("not found\n")
}

/// Headers on every answer.
pub fn harden(path: &str, headers: &mut HeaderMap) {
    let mut set = |name: HeaderName, value: &'static str| headers.insert(name, HeaderValue::from_static(value));
    set(HeaderName::from_static("content-security-policy"), POLICY);
    set(HeaderName::from_static("x-content-type-options"), "nosniff");
    set(HeaderName::from_static("referrer-policy"), "no-referrer");
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    set(
        HeaderName::from_static("permissions-policy"),
        "geolocation=(self), camera=(), microphone=(), payment=(), usb=()",
    );
    let is_private = |root: &str| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if ["/v1", "/t", "/p", "/owntracks", "/pub", "/overland", "/gpslogger", "/api"].into_iter().any(is_private) {
        set(CACHE_CONTROL, "no-store");
    }
}
