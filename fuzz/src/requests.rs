//! What a request says outside its body: query, `Origin`, `Host`, cookies, the path of a file, who it was forwarded for. A line
//! each.
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use actix_web::HttpRequest;
use actix_web::http::{Uri, header};
use actix_web::test::TestRequest;
use letshang::config::{Config, Networks};
use letshang::http::auth::{is_loopback_host, is_own_origin};
use letshang::http::peer::{Peer, own_origin};
use letshang::http::query::{Query, days};

use super::oracle::is_sound;

/// The longest span that any call allows, days.
const LONGEST: i32 = 366;

/// Parameters are values or refusals in few words; only our own origin is ours; only a loopback name is one.
pub fn hold(input: &[u8]) {
    let mut lines = input.splitn(8, |byte| *byte == b'\n');
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
    if let Some(origin) = own_origin(&req) {
        assert_eq!(origin.as_bytes(), [b"http://", host].concat(), "nobody said that it came by TLS");
        assert!(!host.iter().any(|byte| b"/@?#\\ ".contains(byte)), "{origin}");
    }
    client(line(), line());
    if let Ok(cookies) = req.cookies() {
        assert!(cookies.len() <= cookie.len());
    }
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

static TRUSTED: LazyLock<Networks> = LazyLock::new(|| {
    let text = "[server]\ntrusted_proxies = [\"127.0.0.1\", \"10.0.0.0/8\", \"fd00::/8\"]";
    Config::from_toml(text).map(|config| config.server.trusted_proxies).unwrap_or_default()
});

/// Whoever is no trusted proxy is the client; else it is a hop that the ones on its right, all trusted, have named.
fn client(forwarded: &[u8], proto: &[u8]) {
    let mut headers = header::HeaderMap::new();
    for (name, value) in [(header::X_FORWARDED_FOR, forwarded), (header::X_FORWARDED_PROTO, proto)] {
        let Ok(value) = header::HeaderValue::from_bytes(value) else { return };
        headers.insert(name, value);
    }
    let stranger = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9));
    assert_eq!(Peer::seen(stranger, false, &headers, &TRUSTED), Peer { address: stranger, secure: false });
    let proxy = IpAddr::V6(Ipv4Addr::LOCALHOST.to_ipv6_mapped());
    let Peer { address, secure } = Peer::seen(proxy, false, &headers, &TRUSTED);
    assert!(!secure || proto.to_ascii_lowercase().windows(5).any(|word| word == b"https"));
    assert!(Peer::seen(proxy, true, &headers, &TRUSTED).secure && address == address.to_canonical());
    if address == proxy.to_canonical() {
        return;
    }
    let hops = std::str::from_utf8(forwarded).unwrap_or_default().rsplit(',').map(|hop| address_of(hop.trim()));
    let mut known = hops.map_while(|hop| hop).take_while(|hop| *hop != address);
    assert!(known.all(|hop| TRUSTED.contains(hop)), "{address} is behind somebody who is not trusted");
    assert!(
        std::str::from_utf8(forwarded)
            .is_ok_and(|text| text.split(',').any(|hop| address_of(hop.trim()) == Some(address)))
    );
}

fn address_of(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|hop| hop.strip_suffix(']')).and_then(|hop| hop.parse::<Ipv6Addr>().ok());
    let with_port = || hop.parse::<std::net::SocketAddr>().ok().map(|address| address.ip());
    let address = hop.parse().ok().or(bare.map(IpAddr::V6)).or_else(with_port);
    address.map(|address: IpAddr| address.to_canonical())
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
