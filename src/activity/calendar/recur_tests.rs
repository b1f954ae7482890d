//! The shortcut to the window finds what the long way finds, and what is called plain is.
use calcard::{Entry, Parser};
use proptest::prelude::*;

use super::*;

fn rule_of(text: &str) -> Option<ICalendarRecurrenceRule> {
    let block = format!("BEGIN:VEVENT\nRRULE:{text}\nEND:VEVENT\n");
    let Entry::ICalendar(calendar) = Parser::new(&block).entry() else { return None };
    match calendar.components.first()?.entries.first()?.values.first()? {
        ICalendarValue::RecurrenceRule(rule) => Some(ICalendarRecurrenceRule::clone(rule)),
        _ => None,
    }
}

fn list(name: &'static str, items: impl Strategy<Value = String> + 'static) -> impl Strategy<Value = String> {
    let some = proptest::collection::vec(items, 1..4).prop_map(move |items| format!(";{name}={}", items.join(",")));
    prop_oneof![3 => Just(String::new()), 1 => some]
}

prop_compose! {
    fn any_rule()(
        freq in prop_oneof![Just("YEARLY"), Just("MONTHLY"), Just("WEEKLY"), Just("DAILY"), Just("HOURLY")],
        interval in prop_oneof![2 => Just(1), 1 => 2..15_u16],
        months in list("BYMONTH", (1..=12_u8).prop_map(|n| n.to_string())),
        days in list("BYMONTHDAY", prop_oneof![(1..=31_i8), (-31..=-1_i8)].prop_map(|n| n.to_string())),
        weekdays in list("BYDAY", proptest::sample::select(vec!["MO", "TU", "WE", "TH", "FR", "SA", "SU"]).prop_map(str::to_owned)),
        hours in list("BYHOUR", (0..24_u8).prop_map(|n| n.to_string())),
        week_start in prop_oneof![Just(""), Just(";WKST=SU"), Just(";WKST=WE")],
        position in prop_oneof![5 => Just(String::new()), 1 => (-2..=2_i8).prop_filter("no 0", |n| *n != 0).prop_map(|n| format!(";BYSETPOS={n}"))],
    ) -> String {
        // Days of the month mean nothing within a week.
        let days = if freq == "WEEKLY" { String::new() } else { days };
        format!("FREQ={freq};INTERVAL={interval}{months}{days}{weekdays}{hours}{week_start}{position}")
    }
}

prop_compose! {
    fn any_start()(days in 0..9_000_i64, hour in 0..24_i8, minute in 0..60_i8) -> DateTime {
        let date = Date::constant(2001, 1, 1).checked_add(days.days()).unwrap();
        date.at(hour, minute, 0, 0)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn the_shortcut_finds_what_the_long_way_finds(text in any_rule(), first in any_start()) {
        let Some(rule) = rule_of(&text) else { return Ok(()) };
        prop_assume!(!is_dense(&rule));
        let (from, to) = (Date::constant(2026, 10, 20).at(0, 0, 0, 0), Date::constant(2026, 11, 6).at(0, 0, 0, 0));
        let near = times(&rule, first, (from, to), None, &mut Budget::default());
        let long = ICalendarRecurrenceRule { until: partial(to), ..rule.clone() };
        let far = walk(&long, first, 1_000_000).map(|all| {
            all.into_iter().filter(|time| *time >= from && *time <= to).collect::<Vec<_>>()
        });
        match (near, far) {
            (Ok(near), Ok(far)) => prop_assert_eq!(near, far, "{} from {}", text, first),
            (Err(RuleError::TooComplex), Ok(far)) => prop_assert!(far.len() > MOST_TIMES, "{} from {}", text, first),
            (near, far) => prop_assert_eq!(near.is_err(), far.is_err(), "{} from {}", text, first),
        }
    }

    #[test]
    fn what_is_called_plain_comes_round(text in any_rule(), first in any_start()) {
        let Some(rule) = rule_of(&text) else { return Ok(()) };
        if is_dense(&rule) || !comes_round(&rule, first) {
            return Ok(());
        }
        let Ok(found) = walk(&rule, first, 1) else { return Ok(()) };
        let next = found.first().copied();
        prop_assert!(next.is_some_and(|next| days_between(first.date(), next.date()) < 200 * 366), "{} {}: {:?}", text, first, next);
    }
}

#[test]
fn a_day_that_a_month_does_not_have_is_not_plain() {
    let first = Date::constant(2004, 8, 30).at(9, 0, 0, 0);
    for (text, plain) in [("FREQ=YEARLY;BYMONTH=2", false), ("FREQ=MONTHLY;BYMONTH=2", false), ("FREQ=YEARLY", true)] {
        assert_eq!(comes_round(&rule_of(text).unwrap(), first), plain, "{text}");
    }
}

#[test]
fn the_end_of_a_rule_and_its_count_hold() {
    let first = Date::constant(2026, 11, 1).at(9, 0, 0, 0);
    let window = (Date::constant(2026, 11, 1).at(0, 0, 0, 0), Date::constant(2026, 11, 15).at(0, 0, 0, 0));
    let count = |text: &str, until: Option<DateTime>| {
        times(&rule_of(text).unwrap(), first, window, until, &mut Budget::default()).unwrap().len()
    };
    assert_eq!(count("FREQ=DAILY", None), 14);
    assert_eq!(count("FREQ=DAILY;COUNT=3", None), 3);
    assert_eq!(count("FREQ=DAILY", Some(Date::constant(2026, 11, 4).at(9, 0, 0, 0))), 4, "the end itself counts");
    assert_eq!(count("FREQ=DAILY", Some(Date::constant(2026, 11, 4).at(8, 59, 59, 0))), 3);
    assert_eq!(count("FREQ=DAILY", Some(Date::constant(2020, 11, 4).at(8, 59, 59, 0))), 0);
}
