//! Whole blocks of our own making.
