//! One or two managers in a small world: agents that do as they are told, a guardian whose views
//! the test writes, and a scheduler that knows just enough to be checked by eye.

mod fencing;
mod scheduler;
mod world;

use crate::controller::policy;
use crate::fencing::{Failure, Power};
use crate::request::{CibOperation, CibRequest, Request};
use crate::view::{FenceOutcome, Proof, Refusal, Report};
use core::time::Duration;
use world::{World, primitive, random};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_node_that_may_not_act_runs_no_agent() {
    let mut world = World::new(&[primitive("r")]);
    world.alone(0, false);
    world.run(SECOND * 60);
    assert_eq!(world.ran, [] as [&str; 0]);
}

#[test]
fn a_node_alone_probes_starts_and_monitors() {
    let mut world = World::new(&[primitive("r")]);
    world.alone(0, true);
    world.run(SECOND * 25);
    let expected = ["a r monitor", "a r start", "a r monitor", "a r monitor", "a r monitor"];
    assert_eq!(world.ran, expected);
    assert_eq!(world.active("r"), [0]);
}

#[test]
fn the_guardian_knows_of_something_to_protect_before_the_first_start() {
    let mut world = World::new(&[primitive("r")]);
    world.alone(0, true);
    world.run(SECOND);
    let log = &world.log;
    let start = log.iter().position(|line| line == "a run r start").unwrap();
    let protecting = log.iter().position(|line| line.starts_with("a protecting true")).unwrap();
    assert!(protecting < start, "{log:?}");
}

#[test]
fn two_nodes_join_and_start_a_resource_once() {
    let mut world = World::new(&[primitive("r")]);
    world.both();
    world.run(SECOND * 5);
    assert_eq!(world.active("r"), [0]);
    assert!(world.ran.contains(&"b r monitor".to_owned()), "{:?}", world.ran);
    assert_eq!(world.count("start"), 1);
    world.assert_same_cib();
}

/// *Pacemaker Explained* 3.1, "Defining a Cluster Node".
#[test]
fn ex_3_1_a_node_entry_has_the_members_id_and_name_and_no_type() {
    let mut world = World::new(&[]);
    world.both();
    world.run(SECOND * 5);
    let cib = world.cib(1);
    let entries = r#"<nodes><node id="1" uname="a"/><node id="2" uname="b"/></nodes>"#;
    assert!(cib.contains(entries), "{cib}");
    world.assert_same_cib();
}

#[test]
fn a_lost_peer_is_taken_over_only_with_proof_and_its_history_is_erased() {
    let mut world = World::new(&[primitive("r")]);
    world.both();
    world.run(SECOND * 5);
    world.kill(0);
    world.lost(1);
    world.run(SECOND * 60);
    assert_eq!(world.count("start"), 1, "{:?}", world.ran);
    world.down(1, Proof::PowerOff);
    world.run(SECOND);
    assert_eq!(world.active("r"), [1]);
    let cib = world.cib(1);
    assert!(!cib.contains(r#"on_node="a""#), "{cib}");
    assert!(cib.contains(r#"<node_state id="1" uname="a""#) && cib.contains(r#"expected="down""#));
}

#[test]
fn an_upgrade_asked_of_either_node_is_one_on_both() {
    let upgrade = || Request::Cib(CibRequest::new(CibOperation::Upgrade));
    for node in 0..2 {
        let mut world = World::new(&[primitive("r")]);
        world.both();
        world.run(SECOND * 5);
        world.ask(node, upgrade());
        world.run(SECOND * 5);
        world.ask(node, upgrade());
        world.run(SECOND * 5);
        let rcs: Vec<i32> = world.answers.iter().map(|reply| reply.rc).collect();
        assert_eq!(rcs, [0, 1], "{:?}", world.answers);
        assert!(world.answers[1].message.contains("already the latest"), "{:?}", world.answers);
        let cib = world.cib(0);
        assert!(cib.contains("pacemaker-4.0") && cib.contains("admin_epoch=\"1\""), "{cib}");
        assert_eq!((world.count("r start"), world.count("stop")), (1, 0), "{:?}", world.ran);
        world.assert_same_cib();
    }
}

#[test]
fn a_loss_that_only_one_side_saw_is_mended() {
    for node in 0..2 {
        let mut world = World::new(&[primitive("r")]);
        world.both();
        world.run(SECOND * 5);
        world.lost(node);
        world.run(Duration::from_millis(20));
        world.both();
        world.run(SECOND * 5);
        world.ask(1, create("q"));
        world.run(SECOND * 5);
        assert_eq!(world.answers[0].rc, 0, "{:?}", world.answers);
        assert_eq!(world.active("q"), [0], "{:?}", world.ran);
        assert_eq!((world.count("r start"), world.count("stop")), (1, 0), "{:?}", world.ran);
        world.assert_same_cib();
    }
}

#[test]
fn a_restarted_manager_restarts_no_service() {
    let mut world = World::new(&[primitive("r")]);
    world.both();
    world.run(SECOND * 5);
    for node in 0..2 {
        world.restart_manager(node);
        world.run(SECOND * 15);
        assert_eq!(world.count("start"), 1, "{:?}", world.ran);
        assert_eq!(world.count("stop"), 0, "{:?}", world.ran);
        world.assert_same_cib();
    }
    // Its monitor goes on.
    let before = world.ran.len();
    world.run(SECOND * 25);
    assert!(world.ran[before..].contains(&"a r monitor".to_owned()));
}

#[test]
fn a_manager_restarted_alone_restarts_no_service() {
    let mut world = World::new(&[primitive("r")]);
    world.alone(0, true);
    world.run(SECOND * 5);
    world.restart_manager(0);
    world.run(SECOND * 25);
    assert_eq!((world.count("start"), world.count("stop")), (1, 0), "{:?}", world.ran);
}

#[test]
fn a_failed_monitor_is_counted_and_recovered_in_place() {
    let mut world = World::new(&[primitive("r")]);
    world.both();
    world.run(SECOND * 5);
    world.stop_behind_the_back("r");
    world.run(SECOND * 15);
    assert_eq!(world.active("r"), [0]);
    assert_eq!((world.count("start"), world.count("stop")), (2, 1));
    assert!(world.cib(1).contains(r#"name="fail-count-r#monitor_10000" value="1""#));
    assert!(world.cib(1).contains(r#"name="last-failure-r#monitor_10000""#));
    world.assert_same_cib();
}

#[test]
fn what_could_not_run_is_no_failure() {
    let mut world = World::new(&[primitive("r")]);
    world.alone(0, true);
    world.starved = true;
    world.run(SECOND * 3);
    assert_eq!(world.active("r"), [] as [usize; 0]);
    world.starved = false;
    world.run(SECOND * 10);
    assert_eq!(world.active("r"), [0]);
    assert!(!world.cib(0).contains("fail-count"));
}

#[test]
fn a_change_is_acknowledged_when_it_is_on_both_disks() {
    let mut world = World::new(&[]);
    world.both();
    world.run(SECOND * 5);
    for node in 0..2 {
        world.slow_disk = [false, false];
        world.slow_disk[1 - node] = true;
        let id = format!("new{node}");
        world.ask(node, create(&id));
        world.run(Duration::from_millis(500));
        assert_eq!(world.answers.len(), node, "not before it is durable there");
        world.run(SECOND * 5);
        assert_eq!(world.answers.len(), node + 1);
        assert_eq!(world.answers[node].rc, 0);
        let id = format!("id=\"{id}\"");
        assert!(world.disks.iter().all(|disk| disk.contains(&id)), "{:?}", world.disks);
    }
    world.assert_same_cib();
}

#[test]
fn a_change_is_acknowledged_alone_when_the_peer_is_gone() {
    let mut world = World::new(&[]);
    world.both();
    world.run(SECOND * 5);
    world.kill(1);
    world.ask(0, create("x"));
    world.run(SECOND);
    assert_eq!(world.answers.len(), 0);
    world.lost(0);
    world.run(SECOND);
    assert_eq!(world.answers.len(), 1);
}

#[test]
fn a_refused_change_changes_nothing_and_says_why() {
    let mut world = World::new(&[primitive("r")]);
    world.both();
    world.run(SECOND * 5);
    let before = world.cib(0);
    world.ask(1, create("r"));
    world.run(SECOND);
    assert_eq!(world.answers[0].rc, 108, "{:?}", world.answers);
    assert_eq!(world.cib(0), before);
}

#[test]
fn an_invalid_change_is_refused_and_a_patch_is_applied() {
    let mut world = World::new(&[primitive("r")]);
    world.both();
    world.run(SECOND * 5);
    let change = |operation, section: Option<&str>, input: &str| {
        Request::Cib(CibRequest {
            section: section.map(str::to_owned),
            input: Some(input.to_owned()),
            ..CibRequest::new(operation)
        })
    };
    world.ask(0, change(CibOperation::Create, Some("resources"), "<nonsense id=\"n\"/>"));
    world.run(SECOND);
    assert_eq!(world.answers[0].rc, 78, "{:?}", world.answers);
    let path = "/cib/configuration/resources";
    let patch = format!(
        "<diff format=\"2\"><change operation=\"create\" path=\"{path}\" position=\"1\">{}\
         </change></diff>",
        primitive("patched")
    );
    world.ask(1, change(CibOperation::Patch, None, &patch));
    world.run(SECOND * 5);
    assert_eq!(world.answers[1].rc, 0, "{:?}", world.answers);
    assert_eq!(world.active("patched"), [0]);
    world.assert_same_cib();
}

#[test]
fn the_newer_generation_wins_whatever_the_version() {
    let mut world = World::new(&[]);
    world.alone(0, true);
    world.ask(0, create("survivors"));
    world.run(SECOND);
    for n in 0..5 {
        world.alone(1, true);
        world.ask(1, create(&format!("old{n}")));
        world.run(SECOND);
    }
    world.generation = [7, 3];
    world.both();
    world.run(SECOND * 5);
    let cib = world.cib(1);
    assert!(cib.contains("survivors") && !cib.contains("<primitive id=\"old"), "{cib}");
    world.assert_same_cib();
}

#[test]
fn a_survivor_that_does_not_lead_brings_its_configuration() {
    let mut world = World::new(&[]);
    world.alone(1, true);
    world.ask(1, create("survivors"));
    world.run(SECOND);
    world.generation = [3, 7];
    world.both();
    world.run(SECOND * 5);
    assert!(world.cib(0).contains("survivors"));
    world.assert_same_cib();
}

#[test]
fn a_node_that_leaves_stops_everything_first_and_the_other_takes_over() {
    for leaver in 0..2 {
        let mut world = World::new(&[primitive("r")]);
        world.both();
        world.run(SECOND * 5);
        world.ask(leaver, Request::Shutdown);
        world.run(SECOND * 5);
        assert!(world.log.iter().any(|line| line == &world::named(leaver, "leave")));
        assert_eq!(world.active("r"), [1 - leaver]);
        world.kill(leaver);
        world.down(1 - leaver, Proof::LeftCleanly);
        world.run(SECOND * 5);
        assert_eq!(world.active("r"), [1 - leaver]);
    }
}

#[test]
fn attributes_are_gathered_shared_and_lost_with_the_node() {
    let mut world = World::new(&[]);
    world.both();
    world.run(SECOND * 5);
    world.ask(1, world::attribute("pingd", "100", Some(2000)));
    world.run(SECOND);
    assert!(!world.cib(0).contains("pingd"));
    world.run(SECOND * 2);
    assert!(world.cib(0).contains(r#"name="pingd" value="100""#));
    assert!(world.cib(1).contains(r#"name="pingd" value="100""#));
    world.kill(1);
    world.down(0, Proof::PowerOff);
    world.run(SECOND);
    assert!(!world.cib(0).contains("pingd"));
}

/// *Pacemaker Explained* 7, "Alerts": each node tells what it sees, and what its own agents did.
#[test]
fn alerts_tell_of_members_results_attributes_and_fencing() {
    let alerts = "<alerts><alert id=\"all\" path=\"/p\"><select><select_nodes/><select_fencing/>\
                  <select_resources/><select_attributes/></select></alert></alerts>";
    let mut world = World::new(&[primitive("r")]);
    world.both();
    world.run(SECOND * 5);
    world.ask(
        1,
        Request::Cib(CibRequest {
            section: Some("configuration".to_owned()),
            input: Some(alerts.to_owned()),
            ..CibRequest::new(CibOperation::Create)
        }),
    );
    world.run(SECOND);
    assert_eq!(world.answers[0].rc, 0, "{:?}", world.answers);
    world.ask(0, world::attribute("pingd", "100", None));
    world.ask(1, create("q"));
    world.run(SECOND * 5);
    world.kill(0);
    world.lost(1);
    world.down(1, Proof::PowerOff);
    world.run(SECOND * 5);
    let told: Vec<_> = world.log.iter().filter(|line| line.contains(" alert all")).collect();
    for wanted in [
        "a alert all kind=attribute node=a attribute_name=pingd",
        "a alert all kind=resource node=a rsc=q task=start desc=ok",
        "b alert all kind=node node=a desc=lost",
        "b alert all kind=resource node=b rsc=r task=start desc=ok",
    ] {
        let count = told.iter().filter(|line| line.as_str() == wanted).count();
        assert_eq!(count, 1, "{wanted}: {told:#?}");
    }
    let fencing = told.iter().filter(|line| line.contains("kind=fencing")).count();
    assert_eq!(fencing, 1, "{told:#?}");
}

#[test]
fn cleanup_forgets_the_failure_and_probes_again() {
    let mut world = World::new(&[primitive("r")]);
    world.both();
    world.run(SECOND * 5);
    world.stop_behind_the_back("r");
    world.run(SECOND * 15);
    let probes = world.count("monitor");
    world.ask(
        1,
        Request::Forget {
            resource: Some("r".to_owned()),
            node: None,
            operation: None,
            interval_ms: None,
            failed_only: true,
        },
    );
    world.run(SECOND * 2);
    assert!(!world.cib(0).contains("fail-count") && !world.cib(0).contains("last-failure"));
    assert!(world.count("monitor") > probes);
    assert_eq!((world.count("start"), world.count("stop")), (2, 1), "nothing is restarted");
}

#[test]
fn waiting_for_idle_ends_when_everything_is_started() {
    let mut world = World::new(&[primitive("r")]);
    world.both();
    world.ask(1, Request::WaitIdle);
    world.run(SECOND * 5);
    assert_eq!(world.answers.len(), 1);
    assert_eq!(world.active("r"), [0]);
}

#[test]
fn an_idle_pair_wakes_for_its_progress_reports_and_monitors_only() {
    let mut world = World::new(&[primitive("r")]);
    world.both();
    world.run(SECOND * 30);
    world.wakeups = 0;
    world.run(SECOND * 60);
    // Each node: a report every 1.5 s; the resource: a monitor every 10 s, begun and ended.
    assert!(world.wakeups <= 2 * 41 + 2 * 7, "{}", world.wakeups);
}

/// Restarted managers, a changing lead, lost segments, slow disks, failing resources and tools on
/// both nodes, in any order: afterwards both know the same and everything runs exactly once.
#[test]
fn whatever_happens_in_between_the_pair_agrees_in_the_end() {
    for seed in 0..60 {
        let mut world = World::new(&[primitive("r"), primitive("s")]);
        world.lose_one_of = 3 + seed % 20;
        world.both();
        let (mut asked, mut restarts) = (0, 0);
        for step in 0..12 {
            let number = random(seed * 100 + step);
            let node = usize::from(number & 1 == 1);
            match number / 2 % 7 {
                0 => {
                    world.restart_manager(node);
                    restarts += 1;
                }
                1 => world.stop_behind_the_back(if number & 64 == 0 { "r" } else { "s" }),
                2 => world.slow_disk[node] ^= true,
                3 => world.starved ^= true,
                4 => world.led_by(node),
                _ => {
                    world.ask(node, create(&format!("new{step}")));
                    asked += 1;
                }
            }
            world.run(Duration::from_millis(number / 128 % 6000));
        }
        world.starved = false;
        world.run(SECOND * 120);
        assert_eq!(world.cib(0), world.cib(1), "seed {seed}");
        for resource in ["r", "s"] {
            assert_eq!(world.active(resource).len(), 1, "seed {seed}: {:?}", world.ran);
        }
        assert!(world.answers.len() <= asked, "seed {seed}");
        if restarts == 0 {
            assert_eq!(world.answers.len(), asked, "seed {seed}");
        }
        for disk in &world.disks {
            assert!(disk.contains("have-watchdog"), "seed {seed}");
        }
    }
}

fn fence_device(id: &str, host: &str) -> String {
    format!(
        "<primitive id=\"{id}\" class=\"stonith\" type=\"fence_test\">\
         <instance_attributes id=\"{id}-i\"><nvpair id=\"{id}-h\" name=\"pcmk_host_list\" \
         value=\"{host}\"/></instance_attributes></primitive>"
    )
}

/// A device that lets nodes in, and itself fences them.
fn fabric(hosts: &str) -> String {
    let provides = "<meta_attributes id=\"m\"><nvpair id=\"p\" name=\"provides\" \
                    value=\"unfencing\"/></meta_attributes></primitive>";
    fence_device("fabric", hosts).replace("</primitive>", provides)
}

/// A primitive with a monitor, as an administrator writes it.
fn monitored(id: &str) -> String {
    format!(
        "<primitive id=\"{id}\" class=\"ocf\" provider=\"test\" type=\"agent\"><operations>\
         <op id=\"{id}-monitor\" name=\"monitor\" interval=\"10s\" timeout=\"20s\"/>\
         </operations></primitive>"
    )
}

#[test]
fn the_real_scheduler_starts_monitors_recovers_and_takes_over() {
    let group = format!("<group id=\"g\">{}{}</group>", monitored("r"), monitored("s"));
    let mut world = World::scheduled_by(policy::plan, &[group]);
    world.both();
    world.run(SECOND * 25);
    let home = world.active("r")[0];
    assert_eq!(world.active("s"), [home], "{:?}", world.ran);
    assert_eq!((world.count("start"), world.count("stop")), (2, 0), "{:?}", world.ran);
    world.stop_behind_the_back("s");
    world.run(SECOND * 15);
    assert_eq!((world.active("r"), world.active("s")), (vec![home], vec![home]));
    world.restart_manager(home);
    world.run(SECOND * 15);
    world.restart_manager(1 - home);
    world.run(SECOND * 15);
    assert_eq!((world.count("start"), world.count("stop")), (3, 1), "{:?}", world.ran);
    world.kill(home);
    world.lost(1 - home);
    world.run(SECOND);
    world.down(1 - home, Proof::PowerOff);
    world.run(SECOND);
    assert_eq!(world.active("s"), [1 - home], "{:?}", world.ran);
}

#[test]
fn with_the_real_scheduler_nodes_are_let_in_once_and_before_anything_is_started() {
    let needs = "<meta_attributes id=\"r-m\"><nvpair id=\"r-q\" name=\"requires\" \
                 value=\"unfencing\"/></meta_attributes></primitive>";
    let resource = monitored("r").replace("</primitive>", needs);
    assert!(resource.contains("unfencing"));
    let mut world = World::scheduled_by(policy::plan, &[fabric("a b"), resource]);
    world.power = Some(Ok(Power::On));
    world.both();
    world.run(SECOND * 40);
    assert_eq!(world.count("r start"), 1, "{:?}", world.log);
    let log: Vec<&str> = world.log.iter().map(String::as_str).collect();
    let place = |what: &str| log.iter().position(|line| *line == what);
    let home = if world.active("r") == [0] { "a" } else { "b" };
    let (on, start) = (format!("{home} ask fabric for On"), format!("{home} run r start"));
    assert!(place(&on).unwrap() < place(&start).unwrap(), "{log:?}");
    let let_in = |node: &str| {
        let wanted = format!("{node} ask fabric for On");
        log.iter().filter(|line| **line == wanted).count()
    };
    assert_eq!((let_in("a"), let_in("b")), (1, 1), "{log:?}");
}

#[test]
fn with_the_real_scheduler_a_node_leaves_only_when_everything_is_stopped() {
    let mut world = World::scheduled_by(policy::plan, &[monitored("r")]);
    world.both();
    world.run(SECOND * 25);
    for leaver in [1, 0] {
        let home = world.active("r")[0];
        world.ask(leaver, Request::Shutdown);
        world.run(SECOND * 5);
        let left = world.log.iter().any(|line| line == &world::named(leaver, "leave"));
        assert!(left, "{:?} {}", world.log, world.cib(0));
        assert_eq!(world.active("r"), if leaver == 0 { vec![] } else { vec![home] });
        if leaver == 1 {
            world.kill(1);
            world.down(0, Proof::LeftCleanly);
            world.run(SECOND);
            assert_eq!(world.active("r"), [0]);
        }
    }
}

fn create(id: &str) -> Request {
    Request::Cib(CibRequest {
        section: Some("resources".to_owned()),
        input: Some(primitive(id)),
        ..CibRequest::new(CibOperation::Create)
    })
}
