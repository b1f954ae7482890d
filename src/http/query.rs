//! Query strings: typed values or a refusal that names the parameter.
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]
use actix_web::HttpRequest;
use jiff::civil::Date;

use crate::domain::{Code, Refusal};

/// A request's parameters.
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads them. What cannot be decoded is left out and then reads as absent.
    #[must_use]
    pub fn of(req: &HttpRequest) -> Self {
        let decode = |text: &str| {
            let spaced = text.replace('+', " ");
            percent_encoding::percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
        };
        let pairs = req.query_string().split('&').filter(|pair| !pair.is_empty());
        Self(
            pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(|(k, v)| (decode(k), decode(v))).collect(),
        )
    }

    /// A parameter's text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A number.
    ///
    /// # Errors
    /// `bad_field` when it is something else.
    pub fn number<T: std::str::FromStr>(&self, name: &'static str) -> Result<Option<T>, Refusal> {
        let wrong = |_| Refusal::of_field(Code::BadField, name, format!("{name} must be a number"));
        self.text(name).map(|text| text.parse().map_err(|_| ()).map_err(wrong)).transpose()
    }

    /// `true` or `false`.
    ///
    /// # Errors
    /// `bad_field` when it is something else.
    pub fn flag(&self, name: &'static str) -> Result<Option<bool>, Refusal> {
        match self.text(name) {
            None => Ok(None),
            Some("true" | "1" | "") => Ok(Some(true)),
            Some("false" | "0") => Ok(Some(false)),
            Some(_) => Err(Refusal::of_field(Code::BadField, name, format!("{name} must be true or false"))),
        }
    }

    /// A day.
    ///
    /// # Errors
    /// `bad_field` when it is not `YYYY-MM-DD`.
    pub fn date(&self, name: &'static str) -> Result<Option<Date>, Refusal> {
        let wrong = || Refusal::of_field(Code::BadField, name, format!("{name} must be a day as YYYY-MM-DD"));
        let parse = |text: &str| {
            let is_plain = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
            text.parse().ok().filter(|_| is_plain).ok_or_else(wrong)
        };
        self.text(name).map(parse).transpose()
    }

    /// Two days, `from` not after `to`, at most `longest` days apart.
    ///
    /// # Errors
    /// `missing_field`, `bad_field` or `out_of_range`.
    pub fn span(&self, longest: i32) -> Result<(Date, Date), Refusal> {
        let from = self.date("from")?.ok_or_else(|| Refusal::missing("from"))?;
        let to = self.date("to")?.ok_or_else(|| Refusal::missing("to"))?;
        let days = from.until(to).map(|span| span.get_days()).unwrap_or(i32::MAX);
        if !(0..longest).contains(&days) {
            let message = format!("to must be from or up to {longest} days after it");
            return Err(Refusal::of_field(Code::OutOfRange, "to", message));
        }
        Ok((from, to))
    }
}

/// Every day from `from` to `to`.
pub fn days(from: Date, to: Date) -> impl Iterator<Item = Date> {
    let next = |day: &Date| day.tomorrow().ok();
    std::iter::successors(Some(from), next).take_while(move |day| *day <= to)
}
