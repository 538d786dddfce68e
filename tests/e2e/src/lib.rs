//! Helpers that start the real binaries, one module per component.
