//! The executor against agents that end as the test says.

use super::*;
use crate::manager_io::AgentEnd;

const WALL: WallClock = WallClock(1000);

fn at(millis: u64) -> Instant {
    Instant::from_micros(millis * 1000)
}

fn operation(name: &str, interval_ms: u64, expected: i32) -> Operation {
    Operation {
        resource: "r".to_owned(),
        agent: AgentName { class: "lsb".to_owned(), provider: String::new(), kind: "x".to_owned() },
        name: name.to_owned(),
        interval_ms,
        key: format!("r_{name}_{interval_ms}"),
        node: "a".to_owned(),
        attributes: Vec::new(),
        transition_key: format!("1:1:{expected}:u"),
    }
}

fn ended(end: AgentEnd) -> AgentResult {
    AgentResult {
        end,
        stdout: String::new(),
        stderr: "ocf-exit-reason:why".to_owned(),
        run: Duration::from_millis(5),
    }
}

/// What is run, killed and reported, as words.
fn effects(executor: &mut Executor) -> Vec<String> {
    core::iter::from_fn(|| executor.poll_effect())
        .filter_map(|effect| match effect {
            Effect::Run { job, call } => Some(format!("run {} {}", job.0, call.action)),
            Effect::Kill(job) => Some(format!("kill {}", job.0)),
            Effect::Report(record) => {
                Some(format!("{} {} {}", record.row_ids().join("+"), record.rc, record.exit_reason))
            }
            Effect::Cancelled { key, .. } => Some(format!("cancelled {key}")),
            Effect::Began { .. } | Effect::Ended { .. } => None,
        })
        .collect()
}

#[test]
fn one_resource_does_one_thing_at_a_time() {
    let mut executor = Executor::default();
    executor.execute(at(0), WALL, operation("start", 0, 0));
    executor.execute(at(0), WALL, operation("stop", 0, 0));
    assert_eq!(effects(&mut executor), ["run 1 start"]);
    assert_eq!(executor.active().collect::<Vec<_>>(), ["r"]);
    executor.agent_ended(at(5), WALL, JobId(1), &ended(AgentEnd::Exited(0)));
    assert_eq!(effects(&mut executor), ["r_last_0 0 why", "run 2 stop"]);
    executor.agent_ended(at(9), WALL, JobId(2), &ended(AgentEnd::Exited(0)));
    assert_eq!(executor.active().count(), 0);
}

#[test]
fn a_monitor_recurs_an_interval_after_its_end_and_reports_changes_only() {
    let mut executor = Executor::default();
    executor.execute(at(0), WALL, operation("monitor", 100, 0));
    assert_eq!(effects(&mut executor), ["run 1 monitor"]);
    executor.agent_ended(at(30), WALL, JobId(1), &ended(AgentEnd::Exited(0)));
    assert_eq!(effects(&mut executor), ["r_monitor_100 0 why"]);
    assert_eq!(executor.poll_timeout(), Some(at(130)));
    executor.handle_timeout(at(129));
    assert!(effects(&mut executor).is_empty());
    executor.handle_timeout(at(130));
    assert_eq!(effects(&mut executor), ["run 2 monitor"]);
    executor.agent_ended(at(140), WALL, JobId(2), &ended(AgentEnd::Exited(0)));
    assert!(effects(&mut executor).is_empty());
    executor.handle_timeout(at(240));
    executor.agent_ended(at(250), WALL, JobId(3), &ended(AgentEnd::Exited(3)));
    assert_eq!(effects(&mut executor), ["run 3 monitor", "r_last_failure_0 7 why"]);
}

#[test]
fn a_monitor_asked_for_anew_while_it_runs_reports_to_the_new_request() {
    let mut executor = Executor::default();
    executor.execute(at(0), WALL, operation("monitor", 100, 0));
    let again = Operation { transition_key: "2:2:0:u".to_owned(), ..operation("monitor", 100, 0) };
    executor.execute(at(10), WALL, again);
    assert_eq!(effects(&mut executor), ["run 1 monitor"]);
    executor.agent_ended(at(30), WALL, JobId(1), &ended(AgentEnd::Exited(0)));
    assert_eq!(effects(&mut executor), ["run 2 monitor"]);
    executor.agent_ended(at(40), WALL, JobId(2), &ended(AgentEnd::Exited(0)));
    assert_eq!(effects(&mut executor), ["r_monitor_100 0 why"]);
    assert!(executor.rows().all(|row| row.transition_key == "2:2:0:u"));
}

#[test]
fn a_stop_ends_what_recurs() {
    let mut executor = Executor::default();
    executor.execute(at(0), WALL, operation("monitor", 100, 0));
    executor.execute(at(1), WALL, operation("stop", 0, 0));
    assert_eq!(effects(&mut executor), ["run 1 monitor", "cancelled r_monitor_100", "kill 1"]);
    executor.agent_ended(at(2), WALL, JobId(1), &ended(AgentEnd::Cancelled));
    assert_eq!(effects(&mut executor), ["run 2 stop"]);
    executor.agent_ended(at(3), WALL, JobId(2), &ended(AgentEnd::Exited(0)));
    assert_eq!(effects(&mut executor), ["r_last_0 0 why"]);
    assert_eq!(executor.poll_timeout(), None);
}

#[test]
fn a_first_result_that_will_never_come_is_not_waited_for() {
    let mut executor = Executor::default();
    executor.execute(at(0), WALL, operation("monitor", 100, 0));
    executor.forget("r");
    assert_eq!(effects(&mut executor), ["run 1 monitor", "cancelled r_monitor_100", "kill 1"]);
    executor.agent_ended(at(2), WALL, JobId(1), &ended(AgentEnd::Cancelled));
    executor.execute(at(3), WALL, operation("monitor", 100, 0));
    executor.agent_ended(at(4), WALL, JobId(2), &ended(AgentEnd::Exited(0)));
    assert_eq!(effects(&mut executor), ["run 2 monitor", "r_monitor_100 0 why"]);
    executor.forget("r");
    assert!(effects(&mut executor).is_empty());
}

#[test]
fn what_could_not_run_is_tried_again_and_reported_by_nobody() {
    let mut executor = Executor::default();
    executor.execute(at(0), WALL, operation("start", 0, 0));
    executor.agent_ended(at(1), WALL, JobId(1), &ended(AgentEnd::CouldNotRun));
    assert_eq!(effects(&mut executor), ["run 1 start"]);
    assert_eq!(executor.poll_timeout(), Some(at(201)));
    executor.handle_timeout(at(201));
    assert_eq!(effects(&mut executor), ["run 2 start"]);
}

#[test]
fn a_timeout_is_a_failure_with_its_own_status() {
    let mut executor = Executor::default();
    executor.execute(at(0), WALL, operation("start", 0, 0));
    executor.agent_ended(at(1), WALL, JobId(1), &ended(AgentEnd::TimedOut));
    assert_eq!(effects(&mut executor), ["run 1 start", "r_last_0+r_last_failure_0 1 why"]);
    let statuses: Vec<Status> = executor.rows().map(|row| row.status).collect();
    assert_eq!(statuses, [Status::TimedOut, Status::TimedOut]);
}

#[test]
fn a_start_waits_for_its_agents_description() {
    let mut executor = Executor::default();
    let mut start = operation("start", 0, 0);
    start.agent.class = "ocf".to_owned();
    executor.execute(at(0), WALL, start);
    assert_eq!(effects(&mut executor), ["run 1 meta-data"]);
    let text = "<resource-agent><parameters><parameter name='ip' unique='1'/></parameters>\
                <actions><action name='reload'/></actions></resource-agent>";
    let described = AgentResult { stdout: text.to_owned(), ..ended(AgentEnd::Exited(0)) };
    executor.agent_ended(at(1), WALL, JobId(1), &described);
    assert_eq!(effects(&mut executor), ["run 2 start"]);
    executor.agent_ended(at(2), WALL, JobId(2), &ended(AgentEnd::Exited(0)));
    let row = executor.rows().next().map(|row| row.digests.clone()).unwrap_or_default();
    let names: Vec<&str> = row.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["op-digest", "op-force-restart", "op-restart-digest"]);
    assert_eq!(row[1].1, " ip ");
}

#[test]
fn a_fence_device_is_probed_without_being_asked_until_it_is_started() {
    let device = |name: &str| Operation {
        agent: AgentName { class: "stonith".to_owned(), ..operation(name, 0, 0).agent },
        ..operation(name, 0, 0)
    };
    let mut executor = Executor::default();
    executor.execute(at(0), WALL, device("monitor"));
    assert_eq!(effects(&mut executor), ["run 1 probe"]);
    executor.agent_ended(at(1), WALL, JobId(1), &ended(AgentEnd::Exited(ocf::NOT_RUNNING)));
    executor.execute(at(2), WALL, device("start"));
    assert_eq!(effects(&mut executor).last().unwrap(), "run 2 start");
    executor.agent_ended(at(3), WALL, JobId(2), &ended(AgentEnd::Exited(0)));
    executor.execute(at(4), WALL, device("monitor"));
    assert_eq!(effects(&mut executor).last().unwrap(), "run 3 monitor");
}
