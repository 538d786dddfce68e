//! Labels, matchers, relabelling, samples, native histograms, durations and series iterators.

pub mod duration;
pub mod gomath;
pub mod histogram;
pub mod kahan;
pub mod labels;
pub mod matcher;
pub mod quote;
pub mod regex;
pub mod relabel;
pub mod series;
pub mod time;
pub mod value;
pub mod varint;
mod wide;
