//! Keeps the blocks of a stretch of time.

use std::{fmt, str::FromStr};

use async_trait::async_trait;

use super::MetaFilter;
use crate::{
    Result,
    fetcher::{Counts, Metas, State},
};

/// A point in time, fixed or by its distance from the present.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeOrDuration {
    /// Milliseconds since 1970.
    Time(i64),
    /// Milliseconds from now; negative is the past.
    FromNow(i64),
}

impl TimeOrDuration {
    /// The time in ms since 1970 when it is `now_ms`.
    pub fn at(self, now_ms: i64) -> i64 {
        match self {
            TimeOrDuration::Time(time) => time,
            TimeOrDuration::FromNow(distance) => now_ms.saturating_add(distance),
        }
    }
}

impl FromStr for TimeOrDuration {
    type Err = String;

    /// Reads RFC 3339 (`2026-01-02T03:04:05Z`) or a duration with an optional sign (`-1d`).
    fn from_str(text: &str) -> std::result::Result<Self, String> {
        if let Ok(time) = model::time::parse_rfc3339_ms(text) {
            return Ok(TimeOrDuration::Time(time));
        }
        let (sign, rest) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text.strip_prefix('+').unwrap_or(text)),
        };
        match model::duration::parse_prometheus(rest) {
            Ok(distance) => Ok(TimeOrDuration::FromNow(sign * distance)),
            Err(_) => Err(format!("not a time in RFC 3339 or a duration: {text:?}")),
        }
    }
}

impl fmt::Display for TimeOrDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TimeOrDuration::Time(time) => f.write_str(&model::time::format_rfc3339(*time)),
            TimeOrDuration::FromNow(distance) => {
                let sign = if *distance < 0 { "-" } else { "" };
                write!(f, "{sign}{}", model::duration::format_prometheus(distance.saturating_abs()))
            }
        }
    }
}

/// Keeps a block when its time meets `[min_time, max_time]`. Distances from now are taken anew at every fetch.
#[derive(Debug, Clone, Copy)]
pub struct TimePartition {
    /// Start.
    pub min_time: TimeOrDuration,
    /// End, inclusive.
    pub max_time: TimeOrDuration,
}

#[async_trait]
impl MetaFilter for TimePartition {
    async fn filter(&self, now_ms: i64, metas: &mut Metas, counts: &mut Counts) -> Result<()> {
        let (min_time, max_time) = (self.min_time.at(now_ms), self.max_time.at(now_ms));
        metas.retain(|_, meta| {
            let kept = meta.max_time >= min_time && meta.min_time <= max_time;
            if !kept {
                counts.add(State::TimeExcluded);
            }
            kept
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_times_and_distances() {
        assert_eq!("1970-01-01T00:00:01Z".parse(), Ok(TimeOrDuration::Time(1000)));
        assert_eq!("-2h".parse(), Ok(TimeOrDuration::FromNow(-7_200_000)));
        assert_eq!("1d".parse(), Ok(TimeOrDuration::FromNow(86_400_000)));
        assert_eq!("0000-01-01T00:00:00Z".parse(), Ok(TimeOrDuration::Time(-62_167_219_200_000)));
        assert!("yesterday".parse::<TimeOrDuration>().is_err());
        assert_eq!(TimeOrDuration::FromNow(-5).at(100), 95);
        assert_eq!(TimeOrDuration::FromNow(-7_200_000).to_string(), "-2h");
    }
}
