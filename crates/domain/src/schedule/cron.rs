//! Cron expressions of five fields: minute, hour, day of month, month, day of week.
//!
//! Each field is `*`, a number, a range `a-b`, a range or `*` with a step (`*/15`, `8-18/2`), or several
//! of these with commas between them. Months and days of the week may be their three English letters;
//! Sunday is 0 or 7. When both day fields are restricted (neither is `*`), a day that fits one of them
//! is enough, as POSIX's `crontab` has it. Seconds, years, `@daily`, `L`, `W`, `#` and `?` are refused.

use std::fmt;
use std::ops::RangeInclusive;

use chrono::{Datelike, NaiveDate, NaiveTime};

/// The longest expression, in characters.
pub const LONGEST: usize = 200;

/// An expression that was understood. It may still fire never or too often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CronExpression {
    text: String,
    minutes: Values,
    hours: Values,
    days: Values,
    months: Values,
    weekdays: Values,
}

/// Which part of an expression is not valid, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadCron {
    #[error(
        "A cron expression has five fields (minute, hour, day of month, month, day of week); this one has {0}."
    )]
    FieldCount(usize),
    #[error("A cron expression has at most {LONGEST} characters.")]
    TooLong,
    /// The field by its name, and what is wrong with it.
    #[error("The field {0}: {1}")]
    Field(&'static str, String),
}

/// The values of a field, as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Values {
    bits: u64,
    /// Whether the field is `*`.
    every: bool,
}

/// What one of the five fields may hold.
struct Field {
    name: &'static str,
    range: RangeInclusive<u32>,
    /// Words for numbers from the range's beginning on.
    words: &'static [&'static str],
}

const MINUTE: Field = Field {
    name: "minute",
    range: 0..=59,
    words: &[],
};
const HOUR: Field = Field {
    name: "hour",
    range: 0..=23,
    words: &[],
};
const DAY: Field = Field {
    name: "day of month",
    range: 1..=31,
    words: &[],
};
const MONTH: Field = Field {
    name: "month",
    range: 1..=12,
    words: &[
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ],
};
const WEEKDAY: Field = Field {
    name: "day of week",
    range: 0..=7,
    words: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
};

impl CronExpression {
    /// Reads an expression.
    ///
    /// # Errors
    /// [`BadCron`] names the first field that is not valid.
    pub fn parse(text: &str) -> Result<Self, BadCron> {
        if text.chars().count() > LONGEST {
            return Err(BadCron::TooLong);
        }
        let fields: Vec<&str> = text.split_whitespace().collect();
        let &[minute, hour, day, month, weekday] = fields.as_slice() else {
            return Err(BadCron::FieldCount(fields.len()));
        };
        let mut weekdays = WEEKDAY.parse(weekday)?;
        if weekdays.has(7) {
            weekdays.bits = weekdays.bits & !(1 << 7) | 1;
        }
        Ok(Self {
            text: fields.join(" "),
            minutes: MINUTE.parse(minute)?,
            hours: HOUR.parse(hour)?,
            days: DAY.parse(day)?,
            months: MONTH.parse(month)?,
            weekdays,
        })
    }

    /// The expression, with one space between its fields.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it fires on the day.
    #[must_use]
    pub fn fires_on(&self, date: NaiveDate) -> bool {
        let day = self.days.has(date.day());
        let weekday = self.weekdays.has(date.weekday().num_days_from_sunday());
        let fits = match (self.days.every, self.weekdays.every) {
            (false, false) => day || weekday,
            _ => day && weekday,
        };
        fits && self.months.has(date.month())
    }

    /// The times of each day on which it fires, in order.
    pub fn times(&self) -> impl Iterator<Item = NaiveTime> + use<> {
        let minutes = self.minutes;
        let hours = self.hours.iter();
        hours.flat_map(move |hour| {
            let minutes = minutes.iter();
            minutes.filter_map(move |minute| NaiveTime::from_hms_opt(hour, minute, 0))
        })
    }
}

impl Field {
    fn parse(&self, text: &str) -> Result<Values, BadCron> {
        let mut bits = 0;
        for part in text.split(',') {
            bits |= self.part(part)?;
        }
        Ok(Values {
            bits,
            every: text == "*",
        })
    }

    fn part(&self, part: &str) -> Result<u64, BadCron> {
        let (span, step) = match part.split_once('/') {
            Some((span, step)) => (span, Some(step)),
            None => (part, None),
        };
        let (first, last) = match (span, span.split_once('-')) {
            ("*", _) => (*self.range.start(), *self.range.end()),
            (_, Some((first, last))) => (self.value(first)?, self.value(last)?),
            (_, None) if step.is_some() => {
                return Err(self.bad(format_args!(
                    "a step follows * or a range, as in */15; '{part}' has neither"
                )));
            }
            (_, None) => {
                let only = self.value(span)?;
                (only, only)
            }
        };
        if first > last {
            return Err(self.bad(format_args!("the range '{span}' ends before it begins")));
        }
        let step = step.map_or(Ok(1), |step| self.step(step))?;
        Ok((first..=last).step_by(step).map(|value| 1 << value).sum())
    }

    fn step(&self, text: &str) -> Result<usize, BadCron> {
        let step: Option<usize> = digits(text).and_then(|text| text.parse().ok());
        let most = usize::try_from(*self.range.end()).unwrap_or(usize::MAX);
        step.filter(|step| (1..=most).contains(step))
            .ok_or_else(|| self.bad(format_args!("'{text}' is no step between 1 and {most}")))
    }

    fn value(&self, text: &str) -> Result<u32, BadCron> {
        let number = digits(text).and_then(|text| text.parse().ok());
        let word = || {
            let named = |word: &&str| word.eq_ignore_ascii_case(text);
            let at = self.words.iter().position(named)?;
            Some(self.range.start() + u32::try_from(at).ok()?)
        };
        let value: Option<u32> = number.or_else(word);
        value
            .filter(|value| self.range.contains(value))
            .ok_or_else(|| {
                let (first, last) = (self.range.start(), self.range.end());
                self.bad(format_args!("'{text}' is not between {first} and {last}"))
            })
    }

    fn bad(&self, why: fmt::Arguments<'_>) -> BadCron {
        BadCron::Field(self.name, format!("{why}."))
    }
}

/// The text, when it is nothing but digits.
fn digits(text: &str) -> Option<&str> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then_some(text)
}

impl Values {
    const fn has(self, value: u32) -> bool {
        self.bits >> value & 1 == 1
    }

    fn iter(self) -> impl Iterator<Item = u32> {
        (0..u64::BITS).filter(move |&value| self.has(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        CronExpression::parse(text).unwrap_err().to_string()
    }

    fn times(text: &str) -> Vec<String> {
        let cron = CronExpression::parse(text).unwrap();
        let times = cron.times().map(|time| time.format("%H:%M").to_string());
        times.collect()
    }

    #[test]
    fn lists_ranges_steps_and_names_are_understood() {
        assert_eq!(times("0,30 8-12/2 * * *").len(), 6);
        assert_eq!(times("*/20 3 * * *"), ["03:00", "03:20", "03:40"]);
        let cron = CronExpression::parse("  5  4 * JAN,feb-MAR  mon-FRI ").unwrap();
        assert_eq!(cron.as_str(), "5 4 * JAN,feb-MAR mon-FRI");
        let day = |day| NaiveDate::from_ymd_opt(2026, 1, day).unwrap();
        assert!(cron.fires_on(day(2)), "a Friday");
        assert!(!cron.fires_on(day(3)), "a Saturday");
    }

    #[test]
    fn sunday_is_0_and_7() {
        let sunday = NaiveDate::from_ymd_opt(2026, 11, 29).unwrap();
        for text in ["0 3 * * 0", "0 3 * * 7", "0 3 * * sun", "0 3 * * 5-7"] {
            let cron = CronExpression::parse(text).unwrap();
            assert!(cron.fires_on(sunday), "{text}");
        }
        let weekdays = CronExpression::parse("0 3 * * 1-6").unwrap();
        assert!(!weekdays.fires_on(sunday));
    }

    #[test]
    fn one_of_two_restricted_day_fields_is_enough() {
        let cron = CronExpression::parse("0 3 13 * 5").unwrap();
        let fires = |day| cron.fires_on(NaiveDate::from_ymd_opt(2026, 11, day).unwrap());
        assert!(fires(13), "Friday the 13th");
        assert!(fires(20), "another Friday");
        assert!(!fires(21));
    }

    #[test]
    fn a_refusal_names_the_field_and_what_is_wrong() {
        for (text, expected) in [
            ("0 3 * *", "this one has 4"),
            ("0 0 3 * * *", "this one has 6"),
            ("@daily", "this one has 1"),
            ("60 3 * * *", "minute: '60' is not between 0 and 59"),
            ("0 24 * * *", "hour: '24' is not between 0 and 23"),
            ("0 3 0 * *", "day of month: '0' is not between 1 and 31"),
            ("0 3 L * *", "day of month: 'L' is not between 1 and 31"),
            ("0 3 * 13 *", "month: '13' is not between 1 and 12"),
            ("0 3 * * 8", "day of week: '8' is not between 0 and 7"),
            ("0 3 * * 5#3", "day of week: '5#3' is not between 0 and 7"),
            ("0 20-4 * * *", "the range '20-4' ends before it begins"),
            ("5/15 3 * * *", "a step follows * or a range"),
            ("*/0 3 * * *", "minute: '0' is no step between 1 and 59"),
            ("0,,30 3 * * *", "minute: '' is not between 0 and 59"),
            ("+5 3 * * *", "minute: '+5' is not between 0 and 59"),
        ] {
            let refusal = refusal(text);
            assert!(refusal.contains(expected), "{text}: {refusal}");
        }
        assert!(refusal(&"1 ".repeat(101)).contains("at most 200 characters"));
    }
}
