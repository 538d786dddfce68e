//! Shell patterns over file names: `*` and `?` within one part of a path, `[a-z]`, `[^x]`, `\` before a plain character.

use std::path::{Component, Path, PathBuf};

/// The files that match, sorted. Directories that cannot be read hold none.
pub(super) fn expand(pattern: &str) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::new()];
    for component in Path::new(pattern).components() {
        match component {
            Component::Normal(part) => {
                let part = part.to_string_lossy();
                if !has_magic(&part) {
                    found.iter_mut().for_each(|path| path.push(&*part));
                    continue;
                }
                let parents = std::mem::take(&mut found);
                for parent in parents {
                    let directory = if parent.as_os_str().is_empty() { Path::new(".") } else { &parent };
                    let Ok(entries) = std::fs::read_dir(directory) else { continue };
                    for entry in entries.flatten() {
                        let name = entry.file_name();
                        if name.to_str().is_some_and(|name| matches(&part, name)) {
                            found.push(parent.join(name));
                        }
                    }
                }
            }
            other => found.iter_mut().for_each(|path| path.push(other)),
        }
    }
    found.retain(|path| path.is_file());
    found.sort();
    found
}

/// The deepest directory of the pattern that holds no magic.
pub(super) fn fixed_directory(pattern: &str) -> PathBuf {
    let mut directory = PathBuf::new();
    let parent = Path::new(pattern).parent().unwrap_or(Path::new(""));
    for component in parent.components() {
        if component.as_os_str().to_str().is_none_or(has_magic) {
            break;
        }
        directory.push(component);
    }
    if directory.as_os_str().is_empty() { PathBuf::from(".") } else { directory }
}

fn has_magic(text: &str) -> bool {
    text.contains(['*', '?', '[', '\\'])
}

fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // Where the last star was and what it has taken so far; going back there is all the search that is needed.
    let mut star: Option<(usize, usize)> = None;
    loop {
        if p < pattern.len() && pattern[p] == '*' {
            star = Some((p, n));
            p += 1;
            continue;
        }
        if n == name.len() && p == pattern.len() {
            return true;
        }
        if n < name.len()
            && let Some(next) = one(&pattern, p, name[n])
        {
            (p, n) = (next, n + 1);
            continue;
        }
        match star {
            Some((at, taken)) if taken < name.len() => {
                star = Some((at, taken + 1));
                (p, n) = (at + 1, taken + 1);
            }
            _ => return false,
        }
    }
}

/// Matches one character and returns where the pattern goes on.
fn one(pattern: &[char], at: usize, c: char) -> Option<usize> {
    match *pattern.get(at)? {
        '?' => Some(at + 1),
        '\\' => (*pattern.get(at + 1)? == c).then_some(at + 2),
        '[' => {
            let negated = pattern.get(at + 1) == Some(&'^');
            let start = at + 1 + usize::from(negated);
            let end = start + pattern.get(start..)?.iter().position(|&c| c == ']')?;
            let mut inside = false;
            let mut i = start;
            while i < end {
                let low = pattern[i];
                let range = i + 2 < end && pattern[i + 1] == '-';
                let high = if range { pattern[i + 2] } else { low };
                inside |= low <= c && c <= high;
                i += if range { 3 } else { 1 };
            }
            (inside != negated).then_some(end + 1)
        }
        plain => (plain == c).then_some(at + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, name, expected) in [
            ("*.json", "a.json", true),
            ("*.json", "a.jso", false),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxbyy", false),
            ("?[a-c]", "xb", true),
            ("?[^a-c]", "xb", false),
            ("\\*", "*", true),
            ("[", "[", false),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
        assert_eq!(fixed_directory("/a/b*/c"), PathBuf::from("/a"));
        assert_eq!(fixed_directory("c.json"), PathBuf::from("."));
    }
}
