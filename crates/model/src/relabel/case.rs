//! Upper and lower case as Go maps it: each character to one character, without regard to its neighbours.

/// Lower case.
pub(super) fn lower(text: &str) -> String {
    text.chars().map(|c| if c == '\u{130}' { 'i' } else { single(c.to_lowercase(), c) }).collect()
}

/// Upper case.
pub(super) fn upper(text: &str) -> String {
    text.chars()
        .map(|c| match u32::from(c) {
            // Greek letters with iota below: in full they become two letters, alone the form with the iota beside.
            0x1f80..=0x1f87 | 0x1f90..=0x1f97 | 0x1fa0..=0x1fa7 => {
                char::from_u32(u32::from(c) + 8).unwrap_or(c)
            }
            0x1fb3 | 0x1fc3 | 0x1ff3 => char::from_u32(u32::from(c) + 9).unwrap_or(c),
            _ => single(c.to_uppercase(), c),
        })
        .collect()
}

/// The mapping when it is one character; longer ones exist only in the full mapping, which Go does not use.
fn single(mut mapped: impl Iterator<Item = char>, original: char) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(c), None) => c,
        _ => original,
    }
}
