//! Tables as CSV (RFC 4180), for spreadsheets.
use jiff::civil::Date;

/// A person's steps by day, as `date,steps`.
#[must_use]
pub fn steps_csv(days: impl IntoIterator<Item = (Date, u32)>) -> String {
    let mut table = String::from("date,steps\r\n");
    for (date, steps) in days {
        push_text(&mut table, &date.to_string());
        table.push_str(&format!(",{steps}\r\n"));
    }
    table
}

/// A cell of text. What a spreadsheet would take for a formula gets an apostrophe in front; numbers are written as numbers
/// and never come here, so that -73.96 stays one.
fn push_text(table: &mut String, text: &str) {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\0']);
    let quote = text.contains([',', '"', '\r', '\n']);
    if quote {
        table.push('"');
    }
    if is_formula {
        table.push('\'');
    }
    for c in text.chars() {
        if c == '"' {
            table.push('"');
        }
        table.push(c);
    }
    if quote {
        table.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(text: &str) -> String {
        let mut cell = String::new();
        push_text(&mut cell, text);
        cell
    }

    #[test]
    fn no_cell_is_a_formula() {
        for (text, expected) in [
            ("Ann", "Ann"),
            ("=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\""),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@a", "'@a"),
            ("\ta", "'\ta"),
            ("\ra", "\"'\ra\""),
            ("\0a", "'\0a"),
            ("a,b", "\"a,b\""),
            ("a\nb", "\"a\nb\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("a=b", "a=b"),
            ("", ""),
        ] {
            assert_eq!(cell(text), expected, "{text:?}");
        }
    }

    #[test]
    fn days_come_in_the_order_given() {
        let days = [(Date::constant(2027, 3, 14), 4_000), (Date::constant(2027, 3, 15), 0)];
        assert_eq!(steps_csv(days), "date,steps\r\n2027-03-14,4000\r\n2027-03-15,0\r\n");
        assert_eq!(steps_csv([(Date::constant(-1, 3, 14), 1)]), "date,steps\r\n'-000001-03-14,1\r\n");
    }
}
