//! GPSLogger's custom URL: whatever names its owner wrote into the template, in a query, a form or a flat JSON object. Its
//! `%ALL` has the app's own names. Values that it does not know are empty or the word `null`.
use super::names::{Names, Said};
use super::{KM_H, Reading, first_byte, text};
use crate::domain::{FixFields, UnixMs};

/// Reads a request: its body, and its query when there is no body. Without a time it is `now`.
#[must_use]
pub fn parse(body: &[u8], query: &str, now: UnixMs) -> Reading {
    match first_byte(body) {
        None => read(&Names::of_query(query.as_bytes()), now),
        Some(b'{') => text(body).and_then(Names::of_json).map_or(Reading::Odd, |names| read(&names, now)),
        Some(_) => read(&Names::of_query(body), now),
    }
}

fn read(names: &Names<'_>, now: UnixMs) -> Reading {
    let (lat, lon) = match names.place() {
        Ok(Some(place)) => place,
        Ok(None) => return Reading::Heartbeat,
        Err(()) => return Reading::Odd,
    };
    let times = ["timestamp", "time", "t"];
    let t = match names.said(&times) {
        Said::Nothing => Some(now),
        _ => names.moment(&times),
    };
    let Some(t) = t else { return Reading::Odd };
    let known = |value: Option<f64>| value.filter(|value| *value >= 0.0);
    let m_s = known(names.number(&["speed", "spd"]));
    Reading::Fix(FixFields {
        lat,
        lon,
        t: t.0,
        acc: names.number(&["acc", "accuracy", "hacc"]),
        speed: m_s.or_else(|| known(names.number(&["spd_kph"])).map(|speed| speed * KM_H)),
        heading: names.number(&["bearing", "dir", "heading", "course"]),
        alt: names.number(&["alt", "altitude"]),
        battery: names.number(&["batt", "battery"]),
        steps: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = UnixMs(1_790_000_005_000);

    fn fields(query: &str) -> FixFields {
        *parse(b"", query, NOW).fields().unwrap_or_else(|| panic!("{query}"))
    }

    #[test]
    fn the_published_template_is_read() {
        let read =
            fields("lat=40.74061&lon=-73.98958&acc=12.0&alt=10.5&spd=1.4&dir=90.0&batt=81.0&timestamp=1790000000");
        assert_eq!((read.lat, read.lon, read.t), (40.74061, -73.98958, 1_790_000_000_000));
        assert_eq!((read.acc, read.speed, read.heading, read.battery), (Some(12.0), Some(1.4), Some(90.0), Some(81.0)));
    }

    #[test]
    fn everything_at_once_is_read_and_what_it_does_not_know_is_left_out() {
        let all = "lat=40.5&lon=-73.5&sat=0&desc=null&alt=null&acc=&dir=null&prov=gps&spd_kph=36.0&spd=null&timestamp=1790000000\
            &timeoffset=+02:00&time=2026-09-21T14:13:20.000Z&starttimestamp=1&date=2026-09-21&batt=null&ischarging=false&aid=x\
            &ser=y&act=&filename=f&profile=Default&hdop=&vdop=&pdop=&dist=0";
        let read = fields(all);
        assert_eq!(
            (read.t, read.speed, read.acc, read.alt, read.heading),
            (1_790_000_000_000, Some(10.0), None, None, None)
        );
        let iso = fields("lat=1&lon=2&timestamp=null&time=2026-09-21T14:13:20.000Z");
        assert_eq!(iso.t, 1_790_000_000_000);
        assert_eq!(fields("lat=1&lon=2").t, NOW.0);
    }

    #[test]
    fn a_body_may_be_a_form_or_json() {
        let expected = fields("lat=1.5&lon=2.5&acc=5&timestamp=1790000000");
        let json = br#"{"lat":"1.5","lon":2.5,"ACC":"5","timestamp":1790000000,"other":[1]}"#;
        for body in [&b"LAT=1.5&LON=2.5&ACC=5&TIMESTAMP=1790000000"[..], json] {
            assert_eq!(parse(body, "", NOW), Reading::Fix(expected));
        }
        assert_eq!(parse(b"{\"lat\":", "", NOW), Reading::Odd);
        assert_eq!(parse(b"hello", "", NOW), Reading::Heartbeat);
    }
}
