//! Figures: times as minimum, median and maximum; a process's memory, threads and wakeups.

use super::shell::slurp;
use nix::unistd::Pid;
use std::time::Duration;

/// `min/median/max` of some times, in seconds.
pub(crate) fn spread(times: &[Duration]) -> String {
    let mut sorted = times.to_vec();
    sorted.sort();
    match (sorted.first(), sorted.get(sorted.len() / 2), sorted.last()) {
        (Some(min), Some(median), Some(max)) => format!(
            "{:.2} / {:.2} / {:.2} s (min/median/max of {})",
            min.as_secs_f64(),
            median.as_secs_f64(),
            max.as_secs_f64(),
            sorted.len()
        ),
        _ => "not measured".into(),
    }
}

/// What a process costs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    /// Resident memory, in KiB.
    pub(crate) resident_kib: u64,
    /// Proportional share of memory, in KiB.
    pub(crate) proportional_kib: u64,
    /// Number of threads.
    pub(crate) threads: u64,
    /// Context switches of all threads since they started.
    pub(crate) switches: u64,
}

/// What `pid` costs now.
pub(crate) fn cost(pid: Pid) -> Cost {
    let status = slurp(format!("/proc/{pid}/status"));
    let rollup = slurp(format!("/proc/{pid}/smaps_rollup"));
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let switches = tasks.map(|task| {
        let status = slurp(task.path().join("status"));
        field(&status, "voluntary_ctxt_switches:")
    });
    Cost {
        resident_kib: field(&status, "VmRSS:"),
        proportional_kib: field(&rollup, "Pss:"),
        threads: field(&status, "Threads:"),
        switches: switches.sum(),
    }
}

fn field(text: &str, name: &str) -> u64 {
    text.lines()
        .find_map(|line| line.strip_prefix(name))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_names_the_median_and_the_count() {
        let times = [3, 1, 2].map(Duration::from_secs);
        assert_eq!(spread(&times), "1.00 / 2.00 / 3.00 s (min/median/max of 3)");
        assert_eq!(spread(&[]), "not measured");
    }

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let status = "nonvoluntary_ctxt_switches:\t7\nvoluntary_ctxt_switches:\t5\n";
        assert_eq!(field(status, "voluntary_ctxt_switches:"), 5);
    }
}
