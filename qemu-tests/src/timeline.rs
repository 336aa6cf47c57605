//! What the nodes say on their consoles, as lines that a person follows.
//!
//! A line of the timeline is `event=NAME key=value … t=SECONDS`, with the node's own monotonic
//! seconds at the end; values hold no spaces unless they are quoted.

use crate::journal::{Record, Source};
use crate::pair::NAMES;

/// One line of a node's timeline.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Line<'a> {
    /// What happened.
    pub event: &'a str,
    /// The rest, without the time.
    pub fields: Vec<(&'a str, &'a str)>,
}

impl<'a> Line<'a> {
    /// The timeline's part of a console line, if it has one.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let at = text.find("event=")?;
        if at > 0 && !text[..at].ends_with(' ') {
            return None;
        }
        let mut fields = split_fields(&text[at..]);
        let (_, event) = fields.remove(0);
        fields.retain(|(key, _)| *key != "t");
        Some(Self { event, fields })
    }

    /// The value of the field `key`.
    #[must_use]
    pub fn field(&self, key: &str) -> Option<&'a str> {
        self.fields.iter().find(|(name, _)| *name == key).map(|(_, value)| *value)
    }
}

fn split_fields(text: &str) -> Vec<(&str, &str)> {
    let mut fields = Vec::new();
    let mut rest = text.trim();
    while let Some((key, after)) = rest.split_once('=') {
        let (value, next) = if let Some(quoted) = after.strip_prefix('"') {
            quoted.split_once('"').unwrap_or((quoted, ""))
        } else {
            after.split_once(' ').unwrap_or((after, ""))
        };
        fields.push((key.trim(), value));
        rest = next.trim_start();
    }
    fields
}

/// A record as one line for people, if it tells the story: who, and what.
#[must_use]
pub fn told(record: &Record) -> Option<String> {
    let text = record.text.as_str();
    match record.source {
        Source::Rig => Some(format!("{:<8} {text}", "rig")),
        Source::Client => Some(format!("{:<8} {text}", "client")),
        Source::Qmp(machine) => {
            let matters = ["RESET", "WATCHDOG", "SHUTDOWN", "STOP", "RESUME", "GUEST_PANICKED"];
            let name = text.split(' ').next().unwrap_or_default();
            matters.contains(&name).then(|| format!("{:<8} machine: {text}", NAMES[machine]))
        }
        Source::Console(machine) => {
            let node = NAMES[machine];
            if let Some(line) = Line::parse(text) {
                let fields: Vec<String> =
                    line.fields.iter().map(|(key, value)| format!("{key} {value}")).collect();
                let event = line.event.replace(['-', '_'], " ");
                return Some(format!("{node:<8} {event}  {}", fields.join(", ")));
            }
            let plain = ["boot: ", "cluster: ", "Kernel panic"];
            plain.iter().any(|start| text.contains(start)).then(|| format!("{node:<8} {text}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Line, told};
    use crate::journal::{Record, Source};
    use std::time::Instant;

    #[test]
    fn a_line_of_the_timeline_is_found_behind_a_log_prefix() {
        let line =
            Line::parse("12.345 info guardian: event=peer-silent silent=0.5 t=12.34").unwrap();
        assert_eq!(line.event, "peer-silent");
        assert_eq!(line.fields, [("silent", "0.5")]);
        assert_eq!(Line::parse("no such thing"), None);
    }

    #[test]
    fn a_quoted_value_may_hold_spaces() {
        let line = Line::parse("event=warning text=\"two words\" n=1 t=1").unwrap();
        assert_eq!(line.fields, [("text", "two words"), ("n", "1")]);
        assert_eq!(line.field("n"), Some("1"));
    }

    #[test]
    fn only_what_tells_the_story_is_told() {
        let record = |source, text: &str| Record { at: Instant::now(), source, text: text.into() };
        assert!(told(&record(Source::Qmp(0), "NIC_RX_FILTER_CHANGED")).is_none());
        let reset = told(&record(Source::Qmp(1), "RESET guest-reset")).unwrap();
        assert_eq!(reset, "node-b   machine: RESET guest-reset");
    }
}
