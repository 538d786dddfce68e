//! Labels, matchers, relabelling, samples, native histograms, durations and series iterators.
