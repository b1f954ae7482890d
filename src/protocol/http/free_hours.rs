//! Weekly hours as they are written: `[{"days": ["mon"], "from": "18:00", "to": "22:00"}]`.
use serde::Serialize;

use super::fields::Field;
use crate::domain::weekly_hours::{DAY_NAMES, DayHours, Days, parse_minutes, write_minutes};
use crate::domain::{Code, Refusal, WeeklyHours};

/// One entry of `free_hours`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DayHoursReply {
    /// `mon` to `sun`.
    pub days: Vec<&'static str>,
    /// `HH:MM`.
    pub from: String,
    /// `HH:MM`; `24:00` is the end of the day.
    pub to: String,
}

impl DayHoursReply {
    /// All entries, as they were said.
    #[must_use]
    pub fn all(hours: &WeeklyHours) -> Vec<Self> {
        let entry = |hours: &DayHours| Self {
            days: hours.days().names().collect(),
            from: write_minutes(hours.from()),
            to: write_minutes(hours.to()),
        };
        hours.entries().iter().map(entry).collect()
    }
}

/// Reads the field; `null` and an empty list: none. `None` when it is absent.
///
/// # Errors
/// `bad_field`, `out_of_range` and `too_many`, with what it must be.
pub(super) fn parse_free_hours(field: &Field<'_>) -> Result<Option<WeeklyHours>, Refusal> {
    match field {
        Field::Absent => Ok(None),
        Field::Null => Ok(Some(WeeklyHours::default())),
        Field::List(entries) => {
            let entries: Vec<_> = entries.iter().map(parse_entry).collect::<Result<_, _>>()?;
            Ok(Some(WeeklyHours::new(&entries)?))
        }
        _ => Err(wrong("a list of {days, from, to}, or null")),
    }
}

fn parse_entry(field: &Field<'_>) -> Result<DayHours, Refusal> {
    let Field::Object(parts) = field else { return Err(wrong("a list of {days, from, to}")) };
    let part = |name: &str| -> Result<&Field<'_>, Refusal> {
        let mut found = parts.iter().filter(|(key, _)| key == name).map(|(_, value)| value);
        match (found.next(), found.next()) {
            (Some(value), None) => Ok(value),
            (None, _) => Err(wrong(&format!("entries that each have {name}"))),
            (Some(_), Some(_)) => Err(wrong(&format!("entries that each have {name} once"))),
        }
    };
    let minutes = |name: &str| -> Result<u16, Refusal> {
        let text = match part(name)? {
            Field::Text(text) => parse_minutes(text),
            _ => None,
        };
        text.ok_or_else(|| wrong(&format!("entries whose {name} is HH:MM, 00:00 to 24:00")))
    };
    DayHours::new(parse_days(part("days")?)?, minutes("from")?, minutes("to")?)
}

fn parse_days(field: &Field<'_>) -> Result<Days, Refusal> {
    let none = || wrong("entries whose days are a list of mon, tue, wed, thu, fri, sat and sun");
    let Field::List(names) = field else { return Err(none()) };
    let bit = |name: &Field<'_>| match name {
        Field::Text(name) => day_bit(name),
        _ => None,
    };
    let bits = names.iter().try_fold(0_u8, |bits, name| Some(bits | bit(name)?));
    bits.and_then(Days::from_bits).ok_or_else(none)
}

fn day_bit(name: &str) -> Option<u8> {
    DAY_NAMES.into_iter().zip(0_u8..7).find(|(day, _)| *day == name).map(|(_, day)| 1 << day)
}

fn wrong(what: &str) -> Refusal {
    Refusal::of_field(Code::BadField, "free_hours", format!("free_hours must be {what}"))
}

#[cfg(test)]
mod tests {
    use super::super::fields::Fields;
    use super::*;

    fn parse(value: &str) -> Result<Option<WeeklyHours>, Refusal> {
        let body = format!(r#"{{"free_hours": {value}}}"#);
        parse_free_hours(&Fields::read(body.as_bytes()).unwrap().free_hours)
    }

    #[test]
    fn hours_are_read_and_written_alike() {
        let said = r#"[{"days":["mon","wed"],"from":"18:00","to":"22:30"},{"days":["fri"],"from":"20:00","to":"02:00"},{"days":["sun"],"from":"00:00","to":"24:00"}]"#;
        let hours = parse(said).unwrap().unwrap();
        assert_eq!(serde_json::to_string(&DayHoursReply::all(&hours)).unwrap(), said);
        assert!(hours.entries()[1].is_over_midnight());
        for none in ["null", "[]"] {
            assert_eq!(parse(none), Ok(Some(WeeklyHours::default())), "{none}");
        }
        assert_eq!(parse_free_hours(&Fields::read(b"{}").unwrap().free_hours), Ok(None));
    }

    #[test]
    fn what_is_wrong_is_said_with_what_it_must_be() {
        let entry = |days: &str, from: &str, to: &str| format!(r#"[{{"days":{days},"from":{from},"to":{to}}}]"#);
        let rows = [
            ("7".to_owned(), Code::BadField, "a list"),
            ("[7]".to_owned(), Code::BadField, "{days, from, to}"),
            (r#"[{"days":["mon"],"from":"18:00"}]"#.to_owned(), Code::BadField, "have to"),
            (r#"[{"days":["mon"],"from":"18:00","to":"19:00","to":"20:00"}]"#.to_owned(), Code::BadField, "to once"),
            (entry(r#"["monday"]"#, r#""18:00""#, r#""19:00""#), Code::BadField, "mon, tue"),
            (entry("[]", r#""18:00""#, r#""19:00""#), Code::BadField, "mon, tue"),
            (entry(r#""mon""#, r#""18:00""#, r#""19:00""#), Code::BadField, "mon, tue"),
            (entry(r#"["mon"]"#, "18", r#""19:00""#), Code::BadField, "from is HH:MM"),
            (entry(r#"["mon"]"#, r#""18:00""#, r#""7 pm""#), Code::BadField, "to is HH:MM"),
            (entry(r#"["mon"]"#, r#""24:00""#, r#""19:00""#), Code::OutOfRange, "23:59"),
        ];
        for (value, code, words) in rows {
            let refusal = parse(&value).unwrap_err();
            assert_eq!((refusal.code, refusal.field), (code, Some("free_hours")), "{value}");
            assert!(refusal.message.contains(words), "{value}: {}", refusal.message);
        }
        let many = format!("[{}]", [r#"{"days":["mon"],"from":"00:00","to":"01:00"}"#; 22].join(","));
        assert_eq!(parse(&many).unwrap_err().code, Code::TooMany);
    }
}
