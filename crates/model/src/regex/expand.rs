//! Templates as of Go's `Regexp.Expand`.

use super::Groups;

/// Appends `template` with its variables replaced; a `$` that starts none stands for itself, an unknown group is empty.
pub(super) fn expand(groups: &Groups<'_, '_>, mut template: &str, out: &mut String) {
    while let Some((before, after)) = template.split_once('$') {
        out.push_str(before);
        template = after;
        if let Some(rest) = template.strip_prefix('$') {
            out.push('$');
            template = rest;
            continue;
        }
        let Some((name, rest)) = variable(template) else {
            out.push('$');
            continue;
        };
        template = rest;
        let value = match group_number(name) {
            Some(number) => groups.get(number),
            None => groups.named(name),
        };
        out.push_str(value.unwrap_or(""));
    }
    out.push_str(template);
}

/// The leading `name` or `{name}`, and what follows it. The longest run of letters, digits and underscores counts.
fn variable(text: &str) -> Option<(&str, &str)> {
    let braced = text.strip_prefix('{');
    let text = braced.unwrap_or(text);
    let end = text.find(|c: char| !(c == '_' || is_letter_or_digit(c))).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if name.is_empty() {
        return None;
    }
    match braced {
        Some(_) => rest.strip_prefix('}').map(|rest| (name, rest)),
        None => Some((name, rest)),
    }
}

/// Go counts letters (L) and decimal digits (Nd); Rust's notions are a little wider beyond ASCII, which no group name can hold anyway.
fn is_letter_or_digit(c: char) -> bool {
    c.is_alphanumeric()
}

fn group_number(name: &str) -> Option<usize> {
    let plain = name.bytes().all(|b| b.is_ascii_digit())
        && name.len() <= 9
        && (name.len() == 1 || !name.starts_with('0'));
    plain.then(|| name.parse().ok()).flatten()
}
