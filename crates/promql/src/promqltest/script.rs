//! Scripts: commands, one behind the other.

use model::quote::quote;

use super::eval::Eval;
use super::load::Load;
use super::{MemoryStorage, ScriptError};

/// A parsed script.
#[derive(Clone, Debug)]
pub struct Script {
    pub(super) commands: Vec<Command>,
}

#[derive(Clone, Debug)]
pub(super) enum Command {
    Clear,
    Load(Load),
    Eval(Box<Eval>),
}

impl Script {
    /// Parses a script. The first line that is wrong is reported.
    pub fn parse(text: &str) -> Result<Self, ScriptError> {
        let lines: Vec<String> = text
            .lines()
            .map(str::trim)
            .map(|line| if line.starts_with('#') { String::new() } else { line.to_owned() })
            .collect();
        let mut commands = Vec::new();
        let mut at = 0;
        while let Some(line) = lines.get(at) {
            let number = at + 1;
            let rest = &lines[at..];
            let command = line.split_whitespace().next().unwrap_or_default().to_lowercase();
            at += match command.as_str() {
                "" => 1,
                "clear" => {
                    commands.push(Command::Clear);
                    1
                }
                c if c.starts_with("load") => {
                    let (load, taken) = Load::parse(rest, number)?;
                    commands.push(Command::Load(load));
                    taken
                }
                c if c.starts_with("eval") => {
                    let (eval, taken) = Eval::parse(rest, number)?;
                    commands.push(Command::Eval(Box::new(eval)));
                    taken
                }
                _ => return Err(ScriptError::new(number, format!("invalid command {}", quote(line)))),
            };
        }
        Ok(Self { commands })
    }

    /// Returns a storage with all that the script loads, whatever it clears in between.
    pub fn storage(&self) -> Result<MemoryStorage, ScriptError> {
        let mut storage = MemoryStorage::new();
        for command in &self.commands {
            if let Command::Load(load) = command {
                load.append_to(&mut storage)?;
            }
        }
        Ok(storage)
    }

    /// Returns the queries of the script with their lines.
    pub fn queries(&self) -> impl Iterator<Item = (usize, &str)> {
        self.commands.iter().filter_map(|c| match c {
            Command::Eval(eval) => Some((eval.line, eval.expr.as_str())),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_line_that_is_wrong() {
        for (text, line, message) in [
            ("load 5m\n  a 1\n\nlaod 5m", 4, "invalid command \"laod 5m\""),
            (
                "# c\nload 5m\n  a{b=c} 1",
                3,
                "1:5: parse error: unexpected identifier \"c\" in label set, expected string",
            ),
            ("eval instant at 5m sum(", 1, "sum(: 1:5: parse error: unclosed left parenthesis"),
            ("eval instant at 5m a\n  expect sorted", 2, "invalid expected error/annotation type sorted"),
            (
                "eval instant at 5m a\n  expect warn\n  expect no_warn",
                3,
                "invalid expect lines, warn and no_warn cannot be used together",
            ),
            (
                "eval instant at 5m a\n  a 1 2",
                2,
                "more than one value expected of an instant query without 'expect range vector'",
            ),
            (
                "eval range from 5m to 1m step 1m a",
                1,
                "invalid test definition, end timestamp (1m) is before start timestamp (5m)",
            ),
        ] {
            let error = Script::parse(text).unwrap_err();
            assert_eq!((error.line, error.message.as_str()), (line, message), "{text}");
        }
    }
}
