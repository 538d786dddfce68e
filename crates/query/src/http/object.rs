//! JSON objects, written field by field.

use std::fmt::Write as _;

use proto::label_set_labels;
use proto::thanos::ZLabelSet;

use super::json::{push_float, push_label_object, push_list, push_string};
use crate::fanout::Sourced;

/// A JSON object that is written field by field.
pub(super) struct Object<'a> {
    out: &'a mut String,
    first: bool,
}

impl<'a> Object<'a> {
    pub(super) fn new(out: &'a mut String) -> Self {
        out.push('{');
        Object { out, first: true }
    }

    pub(super) fn field(&mut self, name: &str, push: impl FnOnce(&mut String)) -> &mut Self {
        if !std::mem::take(&mut self.first) {
            self.out.push(',');
        }
        push_string(self.out, name, true);
        self.out.push(':');
        push(self.out);
        self
    }

    pub(super) fn text(&mut self, name: &str, text: &str) -> &mut Self {
        self.field(name, |out| push_string(out, text, true))
    }

    /// Left out when it is empty.
    pub(super) fn some_text(&mut self, name: &str, text: &str) -> &mut Self {
        if text.is_empty() { self } else { self.text(name, text) }
    }

    pub(super) fn float(&mut self, name: &str, value: f64) -> &mut Self {
        self.field(name, |out| push_float(out, value))
    }

    pub(super) fn display(&mut self, name: &str, value: impl std::fmt::Display) -> &mut Self {
        self.field(name, |out| write!(out, "{value}").expect("writing to a string"))
    }

    /// Left out when it is zero.
    pub(super) fn some_number(&mut self, name: &str, number: u64) -> &mut Self {
        if number == 0 { self } else { self.display(name, number) }
    }

    pub(super) fn labels(&mut self, name: &str, labels: Option<&ZLabelSet>) -> &mut Self {
        self.field(name, |out| push_label_object(out, &label_set_labels(labels), true))
    }

    /// The endpoints that have it, when they were asked for.
    pub(super) fn sources<T>(&mut self, shown: bool, sourced: &Sourced<T>) -> &mut Self {
        match shown {
            true => self.field("sources", |out| {
                push_list(out, &sourced.sources, |out, name| push_string(out, name, true));
            }),
            false => self,
        }
    }

    pub(super) fn time(&mut self, name: &str, time: Option<&prost_types::Timestamp>) -> &mut Self {
        self.text(name, &go_timestamp(time))
    }

    pub(super) fn end(self) {
        self.out.push('}');
    }
}

fn go_timestamp(time: Option<&prost_types::Timestamp>) -> String {
    time.and_then(|time| jiff::Timestamp::new(time.seconds, time.nanos).ok())
        .map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), |time| time.to_string())
}
