//! When a rule says that something happens, in wall clock time: the library's answer, asked in a way that costs little.
//!
//! The library walks from the first time on, one period after the other, and looks for up to 100,000 of them. So the walk
//! begins near the window where the rule does not count its times, dense rules are refused before, and every walk is paid from
//! a budget that the whole file shares.
use calcard::common::PartialDateTime;
use calcard::common::timezone::Tz;
use calcard::icalendar::{
    ICalendar, ICalendarComponent, ICalendarComponentType, ICalendarDay, ICalendarEntry, ICalendarFrequency,
    ICalendarMonth, ICalendarProperty, ICalendarRecurrenceRule, ICalendarValue, ICalendarWeekday,
};
use jiff::civil::{Date, DateTime, Weekday};
use jiff::{Span, ToSpan as _};

/// Steps that all rules of a file may take together: a step is about a microsecond.
const STEPS: usize = 600_000;
/// How many rules of a file may turn out to say nothing for ever: the library gives each of them up after 40 ms.
const NEVERS: usize = 12;
/// The most times of one rule that are walked through.
const MOST_WALKED: usize = 20_000;
/// The most times of one rule in the window.
pub(super) const MOST_TIMES: usize = 500;
/// The most ways in which the parts of a rule may be combined.
const MOST_COMBINED: usize = 1_000;

/// Why a rule gives no times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RuleError {
    /// It would take too long.
    TooComplex,
    /// It contradicts itself.
    Bad,
}

/// What is left for a file.
#[derive(Debug)]
pub(super) struct Budget {
    steps: usize,
    nevers: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { steps: STEPS, nevers: NEVERS }
    }
}

impl Budget {
    /// Takes steps, or the last ones that are left.
    fn spend(&mut self, steps: usize) -> Result<(), RuleError> {
        let left = self.steps.checked_sub(steps);
        self.steps = left.unwrap_or(0);
        left.map(|_| ()).ok_or(RuleError::TooComplex)
    }
}

/// The times that `rule` gives something that first happens at `first`, from `from` to `to`, by the wall clock. Whether `first` itself
/// is among them is the rule's to say. `until` is the rule's end by that clock.
pub(super) fn times(
    rule: &ICalendarRecurrenceRule,
    first: DateTime,
    (from, to): (DateTime, DateTime),
    until: Option<DateTime>,
    budget: &mut Budget,
) -> Result<Vec<DateTime>, RuleError> {
    if is_dense(rule) {
        return Err(RuleError::TooComplex);
    }
    let end = until.map_or(to, |until| until.min(to));
    if end < first || end < from {
        return Ok(Vec::new());
    }
    let mut rule = ICalendarRecurrenceRule { until: None, ..rule.clone() };
    let start = if rule.count.is_none() { brought_near(&mut rule, first, from) } else { first };
    budget.spend(1)?;
    if !comes_round(&rule, first) {
        // Does it ever say anything? Asked alone, because a rule that never does costs most.
        if budget.nevers == 0 {
            return Err(RuleError::TooComplex);
        }
        let once = ICalendarRecurrenceRule { count: None, ..rule.clone() };
        let Some(earliest) = walk(&once, start, 1)?.first().copied() else {
            budget.nevers = budget.nevers.saturating_sub(1);
            return Ok(Vec::new());
        };
        budget.spend(periods(rule.freq, start, earliest))?;
        if earliest > end {
            return Ok(Vec::new());
        }
    }
    rule.until = partial(end);
    let found = walk(&rule, start, MOST_WALKED)?;
    budget.spend(found.len())?;
    if found.len() >= MOST_WALKED {
        return Err(RuleError::TooComplex);
    }
    let found: Vec<_> = found.into_iter().filter(|time| *time >= from && *time <= end).collect();
    if found.len() > MOST_TIMES { Err(RuleError::TooComplex) } else { Ok(found) }
}

/// True for a rule that says something many times a day or combines long lists.
fn is_dense(rule: &ICalendarRecurrenceRule) -> bool {
    let lists = [
        rule.bysecond.len(),
        rule.byminute.len(),
        rule.byhour.len(),
        rule.byday.len(),
        rule.bymonthday.len(),
        rule.byyearday.len(),
        rule.byweekno.len(),
        rule.bymonth.len(),
    ];
    let combined = lists.into_iter().try_fold(1_usize, |product, length| product.checked_mul(length.max(1)));
    matches!(rule.freq, ICalendarFrequency::Minutely | ICalendarFrequency::Secondly)
        || combined.is_none_or(|product| product > MOST_COMBINED)
        || rule.bysetpos.len() > 366
}

/// True for a rule of which it is plain that it says something every few years.
fn comes_round(rule: &ICalendarRecurrenceRule, first: DateTime) -> bool {
    let every = rule.interval.unwrap_or(1) <= 1;
    let has_lists = !rule.byday.is_empty() || !rule.bymonthday.is_empty() || !rule.bymonth.is_empty();
    let says_days = !rule.byday.is_empty() || !rule.bymonthday.is_empty();
    // The day of the first time, in months that may be without it.
    let implied = says_days || rule.bymonth.is_empty() || first.day() <= 28;
    let usual_days =
        rule.bymonthday.is_empty() || rule.bymonthday.iter().any(|day| (1..=28).contains(&day.unsigned_abs()));
    let usual_weeks = rule.byday.iter().any(|day| day.ordwk.is_none_or(|nth| (1..=4).contains(&nth.unsigned_abs())));
    rule.bysetpos.is_empty()
        && rule.byyearday.is_empty()
        && rule.byweekno.is_empty()
        && usual_days
        && implied
        && (rule.byday.is_empty() || usual_weeks)
        && match rule.freq {
            ICalendarFrequency::Yearly | ICalendarFrequency::Weekly => true,
            ICalendarFrequency::Monthly => every || rule.bymonth.is_empty(),
            ICalendarFrequency::Daily => every || !has_lists,
            _ => every && !has_lists && rule.byhour.is_empty(),
        }
}

/// Where the walk may begin so that it meets the same times from `from` on: whole intervals after `first`, at the beginning of
/// a period. What the rule takes from the first time is then said in the rule itself.
fn brought_near(rule: &mut ICalendarRecurrenceRule, first: DateTime, from: DateTime) -> DateTime {
    let interval = i64::from(rule.interval.unwrap_or(1).max(1));
    let near = || -> Option<DateTime> {
        let (first_day, from_day) = (first.date(), from.date());
        Some(match rule.freq {
            ICalendarFrequency::Yearly => {
                let years = whole(i64::from(from_day.year()) - i64::from(first_day.year()), interval)?;
                let year = i16::try_from(i64::from(first_day.year()).checked_add(years)?).ok()?;
                Date::new(year, 1, 1).ok()?.to_datetime(jiff::civil::Time::midnight())
            }
            ICalendarFrequency::Monthly => {
                let months = |day: Date| i64::from(day.year()) * 12 + i64::from(day.month());
                let step = whole(months(from_day) - months(first_day), interval)?;
                let day = first_day.first_of_month().checked_add(Span::new().try_months(step).ok()?).ok()?;
                day.to_datetime(jiff::civil::Time::midnight())
            }
            ICalendarFrequency::Weekly => {
                let begins = weekday(rule.wkst.unwrap_or(ICalendarWeekday::Monday));
                let week = |day: Date| day.checked_sub(i64::from(day.weekday().since(begins)).days()).ok();
                let (first_week, from_week) = (week(first_day)?, week(from_day)?);
                let step = whole(days_between(first_week, from_week) / 7, interval)?;
                let day = first_week.checked_add(Span::new().try_weeks(step).ok()?).ok()?;
                day.to_datetime(jiff::civil::Time::midnight())
            }
            ICalendarFrequency::Daily => {
                let step = whole(days_between(first_day, from_day), interval)?;
                let day = first_day.checked_add(Span::new().try_days(step).ok()?).ok()?;
                day.to_datetime(jiff::civil::Time::midnight())
            }
            _ => {
                let hours = first.duration_until(from).as_hours();
                first.checked_add(Span::new().try_hours(whole(hours, interval)?).ok()?).ok()?
            }
        })
    };
    let Some(start) = near() else { return first };
    say_outright(rule, first);
    start
}

/// How many whole intervals fit, in periods; `None` when not even one does. One less than fit, so that the period in
/// which the window begins is certainly met.
fn whole(periods: i64, interval: i64) -> Option<i64> {
    let intervals = periods.checked_div(interval)?.checked_sub(1)?;
    if intervals < 1 { None } else { intervals.checked_mul(interval) }
}

/// Writes into a rule what it would take from the first time.
fn say_outright(rule: &mut ICalendarRecurrenceRule, first: DateTime) {
    let (day, month) = (first.day(), first.month().unsigned_abs());
    let says_days = !rule.byweekno.is_empty()
        || !rule.byyearday.is_empty()
        || !rule.bymonthday.is_empty()
        || !rule.byday.is_empty();
    match rule.freq {
        ICalendarFrequency::Yearly if !says_days => {
            if rule.bymonth.is_empty() {
                rule.bymonth = vec![ICalendarMonth::new(month, false)];
            }
            rule.bymonthday = vec![day];
        }
        ICalendarFrequency::Monthly if !says_days => rule.bymonthday = vec![day],
        ICalendarFrequency::Weekly if !says_days => {
            let weekday = library_weekday(first.date().weekday());
            rule.byday = vec![ICalendarDay { ordwk: None, weekday }];
        }
        _ => {}
    }
    let fill = |list: &mut Vec<u8>, value: i8| {
        if list.is_empty() {
            list.push(value.unsigned_abs());
        }
    };
    if rule.freq < ICalendarFrequency::Hourly {
        fill(&mut rule.byhour, first.hour());
    }
    fill(&mut rule.byminute, first.minute());
    fill(&mut rule.bysecond, first.second());
}

/// How many periods the library looks at on its way.
fn periods(freq: ICalendarFrequency, start: DateTime, found: DateTime) -> usize {
    let days = days_between(start.date(), found.date()).max(0);
    let periods = match freq {
        ICalendarFrequency::Yearly => days / 365,
        ICalendarFrequency::Monthly => days / 28,
        ICalendarFrequency::Weekly => days / 7,
        _ => days,
    };
    usize::try_from(periods).unwrap_or(usize::MAX)
}

/// Asks the library for the first `most` times.
fn walk(rule: &ICalendarRecurrenceRule, start: DateTime, most: usize) -> Result<Vec<DateTime>, RuleError> {
    let start = partial(start).ok_or(RuleError::Bad)?;
    let entry = |name, value| ICalendarEntry { name, params: Vec::new(), values: vec![value] };
    let event = ICalendarComponent {
        component_type: ICalendarComponentType::VEvent,
        entries: vec![
            entry(ICalendarProperty::Dtstart, ICalendarValue::PartialDateTime(Box::new(start))),
            entry(ICalendarProperty::Rrule, ICalendarValue::RecurrenceRule(Box::new(rule.clone()))),
        ],
        component_ids: Vec::new(),
    };
    let found = ICalendar { components: vec![event] }.expand_dates(Tz::Floating, most);
    if !found.errors.is_empty() {
        return Err(RuleError::Bad);
    }
    Ok(found.events.iter().filter_map(|event| wall(event.timestamps().0)).collect())
}

/// The wall clock's time from the seconds that a clock in UTC would have.
fn wall(seconds: i64) -> Option<DateTime> {
    Some(jiff::tz::Offset::UTC.to_datetime(jiff::Timestamp::from_second(seconds).ok()?))
}

fn partial(time: DateTime) -> Option<PartialDateTime> {
    Some(PartialDateTime {
        year: Some(u16::try_from(time.year()).ok()?),
        month: Some(time.month().unsigned_abs()),
        day: Some(time.day().unsigned_abs()),
        hour: Some(time.hour().unsigned_abs()),
        minute: Some(time.minute().unsigned_abs()),
        second: Some(time.second().unsigned_abs()),
        ..PartialDateTime::default()
    })
}

fn days_between(from: Date, to: Date) -> i64 {
    from.duration_until(to).as_hours() / 24
}

const fn weekday(day: ICalendarWeekday) -> Weekday {
    match day {
        ICalendarWeekday::Sunday => Weekday::Sunday,
        ICalendarWeekday::Monday => Weekday::Monday,
        ICalendarWeekday::Tuesday => Weekday::Tuesday,
        ICalendarWeekday::Wednesday => Weekday::Wednesday,
        ICalendarWeekday::Thursday => Weekday::Thursday,
        ICalendarWeekday::Friday => Weekday::Friday,
        ICalendarWeekday::Saturday => Weekday::Saturday,
    }
}

const fn library_weekday(day: Weekday) -> ICalendarWeekday {
    match day {
        Weekday::Sunday => ICalendarWeekday::Sunday,
        Weekday::Monday => ICalendarWeekday::Monday,
        Weekday::Tuesday => ICalendarWeekday::Tuesday,
        Weekday::Wednesday => ICalendarWeekday::Wednesday,
        Weekday::Thursday => ICalendarWeekday::Thursday,
        Weekday::Friday => ICalendarWeekday::Friday,
        Weekday::Saturday => ICalendarWeekday::Saturday,
    }
}

#[cfg(test)]
#[path = "recur_tests.rs"]
mod tests;
