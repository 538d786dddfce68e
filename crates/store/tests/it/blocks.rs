//! Which blocks answer: resolution, gaps, time, block matchers.
