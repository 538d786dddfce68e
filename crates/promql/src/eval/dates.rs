//! Parts of dates, in UTC.

use crate::ast::FunctionId as F;

/// The years before year 0 at which Go's absolute time begins: on a first of March, at a multiple of 400 years.
const YEARS_BEFORE: i64 = 292_277_022_400;
/// Days of 400 years.
const ERA_DAYS: u64 = 146_097;
/// From the beginning of absolute time to the epoch, in seconds.
const TO_EPOCH: u64 = (YEARS_BEFORE as u64 / 400 * ERA_DAYS + 719_468) * 86_400;

/// A civil date.
struct Date {
    year: i64,
    /// 1 to 12.
    month: i64,
    /// 1 to 31.
    day: i64,
}

/// Seconds since the epoch as Go's absolute time. It wraps around, so that any float has a date, and the one that Go gives it.
fn absolute(seconds: i64) -> u64 {
    (seconds as u64).wrapping_add(TO_EPOCH)
}

/// The date of seconds since the epoch.
fn date(seconds: i64) -> Date {
    let days = absolute(seconds) / 86_400;
    // Years from March on, in eras of 400, so that the leap day comes last.
    let era = (days / ERA_DAYS) as i64;
    let day_of_era = (days % ERA_DAYS) as i64;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2) - YEARS_BEFORE;
    Date { year, month, day: day_of_year - (153 * shifted_month + 2) / 5 + 1 }
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_month(date: &Date) -> i64 {
    match date.month {
        2 if is_leap(date.year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The function of seconds since the epoch that a date function computes.
pub(super) fn part(func: F) -> Option<fn(i64) -> f64> {
    Some(match func {
        F::Minute => |s| (absolute(s) % 3600 / 60) as f64,
        F::Hour => |s| (absolute(s) % 86_400 / 3600) as f64,
        // Absolute time begins on a Wednesday.
        F::DayOfWeek => |s| ((absolute(s) / 86_400 + 3) % 7) as f64,
        F::DayOfMonth => |s| date(s).day as f64,
        F::DayOfYear => |s| {
            let d = date(s);
            let before: i64 = (1..d.month).map(|month| days_in_month(&Date { month, ..d })).sum();
            (before + d.day) as f64
        },
        F::DaysInMonth => |s| days_in_month(&date(s)) as f64,
        F::Month => |s| date(s).month as f64,
        F::Year => |s| date(s).year as f64,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_around_leap_days() {
        let at = |func, s| part(func).unwrap()(s);
        // 2000-02-29T23:59:59Z
        let t = 951_868_799;
        assert_eq!((at(F::Year, t), at(F::Month, t), at(F::DayOfMonth, t)), (2000.0, 2.0, 29.0));
        assert_eq!((at(F::DaysInMonth, t), at(F::DayOfYear, t), at(F::DayOfWeek, t)), (29.0, 60.0, 2.0));
        assert_eq!((at(F::Hour, t), at(F::Minute, t)), (23.0, 59.0));
        assert_eq!((at(F::Year, -1), at(F::Month, -1), at(F::DayOfYear, -1)), (1969.0, 12.0, 365.0));
        assert_eq!(at(F::DayOfWeek, -1), 3.0);
    }

    #[test]
    fn any_time_is_fine() {
        for t in [i64::MIN, i64::MAX] {
            assert!(part(F::Year).unwrap()(t).is_finite());
        }
    }
}
