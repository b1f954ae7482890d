//! What a request says outside its body: query, `Origin`, `Host`, cookies, the path of a file. A line each.
use actix_web::HttpRequest;
use actix_web::http::{Uri, header};
use actix_web::test::TestRequest;
use letshang::http::auth::{COOKIE, is_loopback_host, is_own_origin};
use letshang::http::query::{Query, days};

use super::oracle::is_sound;

/// The longest span that any call allows, days.
const LONGEST: i32 = 366;

/// Parameters are values or refusals in few words; only our own origin is ours; only a loopback name is one.
pub fn hold(input: &[u8]) {
    let mut lines = input.splitn(6, |byte| *byte == b'\n');
    let mut line = || lines.next().unwrap_or_default();
    let (uri, origin, host, cookie, accept) = (line(), line(), line(), line(), line());
    let Some(req) = request(uri, &[(header::ORIGIN, origin), (header::HOST, host), (header::COOKIE, cookie)]) else {
        return;
    };
    parameters(&req, uri);
    if is_own_origin(&req) {
        let authority = origin.strip_prefix(b"http://").or_else(|| origin.strip_prefix(b"https://"));
        assert_eq!(authority, Some(host));
        assert!(!is_own_origin_of(&req, b"null") && !is_own_origin_of(&req, &[origin, b".example"].concat()));
    }
    if is_loopback_host(&req) {
        let host = std::str::from_utf8(host).unwrap();
        let names = ["localhost", "127.", "[::1]", "[::ffff:127.", "::1", "["];
        assert!(names.iter().any(|name| host.starts_with(name)), "{host}");
    }
    let _ = req.cookie(COOKIE);
    let path = req.path();
    if let Some(asset) = letshang_web::asset(path, &String::from_utf8_lossy(accept)) {
        assert!(!path.contains("..") && asset.etag.starts_with('"'));
    }
}

fn request(uri: &[u8], headers: &[(header::HeaderName, &[u8])]) -> Option<HttpRequest> {
    let uri = Uri::try_from(uri).ok()?;
    let mut request = TestRequest::default().uri(&uri.to_string());
    for (name, value) in headers {
        let value = header::HeaderValue::from_bytes(value).ok()?;
        if !value.is_empty() {
            request = request.insert_header((name.clone(), value));
        }
    }
    Some(request.to_http_request())
}

fn is_own_origin_of(req: &HttpRequest, origin: &[u8]) -> bool {
    let host = req.headers().get(header::HOST).map(|host| host.as_bytes().to_vec()).unwrap_or_default();
    request(b"/", &[(header::ORIGIN, origin), (header::HOST, &host)]).is_some_and(|other| is_own_origin(&other))
}

fn parameters(req: &HttpRequest, uri: &[u8]) {
    let query = Query::of(req);
    for name in ["date", "from", "to", "radius", "limit", "free_only", "index", "format"] {
        let refusals = [
            query.number::<f64>(name).err(),
            query.number::<u64>(name).err(),
            query.flag(name).err(),
            query.date(name).err(),
        ];
        refusals.iter().flatten().for_each(|refusal| is_sound(refusal, uri));
        if let Ok(Some(date)) = query.date(name) {
            assert_eq!(query.text(name), Some(date.to_string().as_str()));
        }
    }
    match query.span(LONGEST) {
        Ok((from, to)) => {
            let days: Vec<_> = days(from, to).collect();
            assert!(from <= to && days.len() <= usize::try_from(LONGEST).unwrap_or_default(), "{from} to {to}");
            assert_eq!((days.first(), days.last()), (Some(&from), Some(&to)));
        }
        Err(refusal) => is_sound(&refusal, uri),
    }
}
