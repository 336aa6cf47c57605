//! Failed operations, as a sentence each.

use super::outline::Outline;
use super::{Show, history, time};
use crate::model::{Failure, Tables};

/// Says what an agent's exit code means.
#[must_use]
pub fn meaning(code: &str) -> &'static str {
    match code {
        "0" => "ok",
        "1" => "error",
        "2" => "invalid parameter",
        "3" => "unimplemented feature",
        "4" => "insufficient privileges",
        "5" => "not installed",
        "6" => "not configured",
        "7" => "not running",
        "8" => "promoted",
        "9" => "promoted (failed)",
        "190" => "OCF_DEGRADED",
        "191" => "OCF_DEGRADED_PROMOTED",
        "193" => "not yet known",
        _ => "unknown",
    }
}

/// Names how an operation's execution ended.
#[must_use]
pub fn ending(status: &str) -> &'static str {
    match status {
        "-1" => "pending",
        "0" => "complete",
        "1" => "Cancelled",
        "2" => "Timed Out",
        "3" => "Not Supported",
        "4" => "Error",
        "5" => "Hard error",
        "6" => "Fatal error",
        "7" => "Not installed",
        "8" => "No executor connection",
        "9" => "Cannot execute now",
        _ => "Unknown",
    }
}

/// Lists the failures that are shown.
pub(super) fn shown<'t, 'c>(t: &'t Tables<'c>, show: &Show) -> Vec<&'t Failure<'c>> {
    let wanted = |failure: &&Failure<'c>| {
        show.node(t, failure.node) && failure.rsc.is_none_or(|rsc| show.resource(t, rsc))
    };
    t.failures.iter().filter(wanted).collect()
}

/// Writes the list of failed operations; nothing where none failed.
pub(super) fn list(t: &Tables<'_>, show: &Show, out: &mut Outline) -> bool {
    let failures = shown(t, show);
    if failures.is_empty() {
        return false;
    }
    out.separate();
    out.open("Failed Resource Actions");
    for failure in failures {
        out.item(&sentence(t, failure));
    }
    out.close();
    true
}

fn sentence(t: &Tables<'_>, failure: &Failure<'_>) -> String {
    let entry = failure.entry;
    let get = |name| entry.attribute(name).unwrap_or_default();
    let rsc = failure.rsc.map_or("unknown resource", |rsc| t.resources[rsc].history_name());
    let task = history::task(entry);
    let interval: u64 = get("interval").parse().unwrap_or(0);
    let mut text = if interval > 0 {
        format!("{rsc} {}-interval {task}", time::duration(interval))
    } else {
        format!("{rsc} {task}")
    };
    text.push_str(&format!(" on {}", t.nodes[failure.node].name));
    let reason = get("exit-reason");
    if matches!(get("op-status"), "" | "0" | "4") {
        text.push_str(&format!(" returned '{}'", meaning(get("rc-code"))));
        if !reason.is_empty() {
            text.push_str(&format!(" ({reason})"));
        }
    } else {
        text.push_str(&format!(" could not be executed ({})", ending(get("op-status"))));
        if !reason.is_empty() {
            text.push_str(&format!(" because '{reason}'"));
        }
    }
    if let Ok(when) = get("last-rc-change").parse::<i64>() {
        text.push_str(&format!(" at {}", time::text(when)));
    }
    match get("exec-time").parse::<u64>() {
        Ok(ms) if ms > 0 => text.push_str(&format!(" after {}", time::duration(ms))),
        Ok(_) | Err(_) => {}
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{ending, meaning};

    #[test]
    fn codes_have_the_words_that_agents_know() {
        assert_eq!(meaning("7"), "not running");
        assert_eq!(meaning("77"), "unknown");
        assert_eq!(ending("2"), "Timed Out");
    }
}
