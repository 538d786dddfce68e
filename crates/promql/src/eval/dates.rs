//! Parts of dates, in UTC.

use crate::ast::FunctionId as F;

/// A civil date.
struct Date {
    year: i64,
    /// 1 to 12.
    month: i64,
    /// 1 to 31.
    day: i64,
}

/// The date of seconds since the epoch. All of `i64` is fine: floats as times may be anything.
fn date(seconds: i64) -> Date {
    let days = seconds.div_euclid(86_400);
    // Years from March on, in eras of 400, so that the leap day comes last.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
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
        F::Minute => |s| (s.rem_euclid(3600) / 60) as f64,
        F::Hour => |s| (s.rem_euclid(86_400) / 3600) as f64,
        F::DayOfWeek => |s| (s.div_euclid(86_400) + 4).rem_euclid(7) as f64,
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
