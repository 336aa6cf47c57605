//! Fencing: demands and how they end, devices, letting nodes in, and a lost peer's power.

use super::*;

#[test]
fn a_fencing_demand_goes_to_the_guardian_and_its_outcome_into_the_history() {
    let mut world = World::new(&[]);
    world.both();
    world.run(SECOND * 5);
    let target = "b".to_owned();
    world.ask(0, Request::Fence { target, action: "reboot".to_owned(), timeout_s: 9, delay_s: 0 });
    world.run(SECOND);
    let Some(Report::Fence { request, target, off }) = world.fence else { panic!("no demand") };
    assert_eq!((target, off), (Some(world.boot(1)), false));
    assert_eq!(world.answers.len(), 0);
    let under_way = history(&mut world, 0);
    assert!(under_way.contains(r#"status="pending""#), "{under_way}");
    world.answers.clear();
    world.fenced(0, request, FenceOutcome::Failed(Refusal::NoDisk));
    world.run(SECOND);
    assert_eq!(world.answers[0].rc, 1);
    world.ask(0, Request::FenceHistory { target: None });
    world.run(SECOND);
    assert!(world.answers[1].payload.contains(r#"status="failed""#), "{:?}", world.answers);
    let events = |world: &mut World| {
        world.ask(0, Request::FenceHistory { target: None });
        world.run(SECOND);
        world.answers.last().unwrap().payload.matches("<fence_event").count()
    };
    world.ask(0, Request::ForgetFencing { target: Some("a".to_owned()) });
    assert_eq!(events(&mut world), 1, "that was another node");
    world.ask(0, Request::ForgetFencing { target: Some("b".to_owned()) });
    assert_eq!(events(&mut world), 0);
}

#[test]
fn fencing_that_ends_after_its_transition_confirms_nothing() {
    let mut world = World::scheduled_by(scheduler::fence_then_start, &[primitive("r")]);
    world.both();
    world.run(SECOND * 5);
    let request = |world: &World| match world.fence {
        Some(Report::Fence { request, .. }) => request,
        _ => panic!("no demand"),
    };
    let first = request(&world);
    // The step's timeout and the cluster delay, and the pause before the next attempt.
    world.run(SECOND * 75);
    assert_eq!(request(&world), first);
    world.run(SECOND * 10);
    let second = request(&world);
    assert_eq!(second, first + 1, "it is demanded anew, after a pause");
    world.fenced(0, first, FenceOutcome::Done(Proof::PowerOff));
    world.run(SECOND);
    assert_eq!(world.count("start"), 0, "that was not what this transition waits for");
    world.fenced(0, second, FenceOutcome::Done(Proof::PowerOff));
    world.run(SECOND);
    assert_eq!(world.count("start"), 1);
}

#[test]
fn a_failed_attempt_is_repeated_as_soon_as_anything_changes() {
    let mut world = World::new(&[fence_device("fence-b", "b")]);
    world.power = Some(Err(Failure::late("no answer".to_owned())));
    world.both();
    world.run(SECOND * 5);
    world.kill(1);
    world.may_fence(0);
    world.run(SECOND * 60);
    let asked = |world: &World| world.log.iter().filter(|l| l.contains("ask fence-")).count();
    // Waits until a long pause has just begun.
    let calm = |world: &mut World| {
        world.run(SECOND * 60);
        let before = asked(world);
        let mut quiet = 0;
        while asked(world) == before && quiet < 100 {
            world.run(Duration::from_millis(100));
            quiet += 1;
        }
        assert!(quiet > 10, "by now the pauses are long: {quiet}");
        world.run(SECOND);
        asked(world)
    };
    let before = calm(&mut world);
    world.may_fence(0);
    world.run(SECOND);
    assert_eq!(asked(&world), before, "nothing has changed");
    let before = calm(&mut world);
    world.ask(0, create_device("fence-c", "b"));
    world.run(SECOND);
    assert!(asked(&world) > before, "another device");
    let before = calm(&mut world);
    world.links(0, 1);
    world.run(SECOND);
    assert!(asked(&world) > before, "other evidence");
}

#[test]
fn a_transition_that_could_not_fence_goes_on_with_new_evidence() {
    let mut world = World::scheduled_by(scheduler::fence_then_start, &[primitive("r")]);
    world.both();
    world.run(SECOND * 5);
    let request = |world: &World| match world.fence {
        Some(Report::Fence { request, .. }) => request,
        _ => panic!("no demand"),
    };
    // The pauses grow.
    for _ in 0..3 {
        let refused = FenceOutcome::Failed(Refusal::NoDisk);
        world.fenced(0, request(&world), refused);
        world.run(SECOND * 9);
    }
    let before = request(&world);
    world.fenced(0, before, FenceOutcome::Failed(Refusal::NoDisk));
    world.run(SECOND);
    assert_eq!(request(&world), before, "after a pause");
    world.links(0, 1);
    world.run(SECOND);
    assert_eq!(request(&world), before + 1, "at once");
}

#[test]
fn the_health_names_a_device_that_does_not_work() {
    let mut world = World::new(&[fence_device("fence-b", "b")]);
    world.power = Some(Err(Failure::late("no answer".to_owned())));
    world.both();
    world.run(SECOND * 70);
    let health = |world: &mut World| {
        world.ask(0, Request::Health);
        world.run(SECOND);
        world.answers.last().unwrap().payload.clone()
    };
    let told = "fence device fence-b does not work: no answer";
    assert!(health(&mut world).contains(told));
    assert!(!world.log.iter().any(|line| line.starts_with("b ask fence-b")), "that is its own");
    world.power = Some(Ok(Power::On));
    world.run(SECOND * 30);
    assert!(!health(&mut world).contains(told));
}

fn create_device(id: &str, host: &str) -> Request {
    Request::Cib(CibRequest {
        section: Some("resources".to_owned()),
        input: Some(fence_device(id, host)),
        ..CibRequest::new(CibOperation::Create)
    })
}

#[test]
fn a_device_that_does_not_say_whom_it_fences_is_asked_before_it_is_needed() {
    let silent = fence_device("fence-x", "b").replace("pcmk_host_list", "login");
    let mut world = World::new(&[silent]);
    world.both();
    world.run(SECOND * 5);
    let asks = |world: &World| world.log.iter().filter(|l| l.contains("whom")).count();
    assert_eq!(asks(&world), 2, "by both nodes: {:?}", world.log);
    world.run(SECOND * 100);
    assert_eq!(asks(&world), 4, "nothing came of it in its time");
    world.fences = Some(true);
    world.run(SECOND * 100);
    world.kill(1);
    world.may_fence(0);
    world.run(SECOND);
    assert!(world.log.contains(&"a ask fence-x for Off".to_owned()), "{:?}", world.log);
}

fn fence_b(world: &mut World, node: usize, timeout_s: u32, delay_s: i32) {
    let (target, action) = ("b".to_owned(), "reboot".to_owned());
    world.ask(node, Request::Fence { target, action, timeout_s, delay_s });
    world.run(Duration::from_millis(100));
}

fn history(world: &mut World, node: usize) -> String {
    world.ask(node, Request::FenceHistory { target: None });
    world.run(SECOND);
    world.answers.last().unwrap().payload.clone()
}

#[test]
fn both_nodes_remember_what_was_fenced_and_forget_it_together() {
    let mut world = World::new(&[]);
    world.both();
    world.run(SECOND * 5);
    fence_b(&mut world, 1, 2, 0);
    world.run(SECOND * 5);
    let here = history(&mut world, 0);
    assert!(here.contains("origin=\"b\"") && here.contains("delegate=\"a\""), "{here}");
    assert_eq!(history(&mut world, 1), here);
    world.kill(1);
    world.down(0, Proof::PowerOff);
    world.run(SECOND);
    let here = history(&mut world, 0);
    assert_eq!(here.matches("<fence_event").count(), 2, "{here}");
    world.restart_manager(1);
    world.both();
    world.run(SECOND * 5);
    assert_eq!(history(&mut world, 1), here, "what happened while it was away");
    world.ask(1, Request::ForgetFencing { target: None });
    world.run(SECOND);
    assert!(!history(&mut world, 0).contains("<fence_event"));
}

fn demands(world: &World) -> usize {
    world.log.iter().filter(|line| line.contains("demands fencing")).count()
}

#[test]
fn the_same_demand_is_made_once_and_all_who_made_it_hear_how_it_ends() {
    let mut world = World::new(&[]);
    world.both();
    world.run(SECOND * 5);
    fence_b(&mut world, 0, 30, 0);
    fence_b(&mut world, 1, 30, 0);
    fence_b(&mut world, 0, 30, 0);
    assert_eq!(demands(&world), 1);
    let (target, action) = ("b".to_owned(), "off".to_owned());
    world.ask(0, Request::Fence { target, action, timeout_s: 30, delay_s: 0 });
    world.run(SECOND);
    assert_eq!(demands(&world), 2, "that is another demand");
    let Some(Report::Fence { request, .. }) = world.fence else { panic!("no demand") };
    world.fenced(0, request - 1, FenceOutcome::Done(Proof::PowerOff));
    world.run(SECOND);
    let rcs: Vec<i32> = world.answers.iter().map(|reply| reply.rc).collect();
    assert_eq!(rcs, [0, 0, 0]);
}

#[test]
fn who_waits_for_fencing_waits_as_long_as_they_said() {
    let mut world = World::new(&[]);
    world.both();
    world.run(SECOND * 5);
    fence_b(&mut world, 0, 9, 0);
    fence_b(&mut world, 0, 20, 0);
    world.run(SECOND * 8);
    assert_eq!(world.answers.len(), 0);
    world.run(SECOND);
    assert_eq!(world.answers.len(), 1, "the other one has more time");
    assert_eq!(world.answers[0].rc, 124);
    world.run(SECOND * 11);
    assert_eq!(world.answers[1].rc, 124);
    world.ask(0, Request::FenceHistory { target: None });
    world.run(SECOND);
    assert_eq!(world.answers[2].payload.matches("status=\"failed\"").count(), 1);
}

#[test]
fn who_has_the_node_fenced_that_they_ask_hears_if_nothing_comes_of_it() {
    let mut world = World::new(&[]);
    world.both();
    world.run(SECOND * 5);
    let fence_a = |world: &mut World| {
        let (target, action) = ("a".to_owned(), "reboot".to_owned());
        world.ask(0, Request::Fence { target, action, timeout_s: 9, delay_s: 0 });
        world.run(SECOND);
    };
    fence_a(&mut world);
    assert!(world.log.contains(&"b demands fencing".to_owned()), "{:?}", world.log);
    world.run(SECOND * 9);
    assert_eq!(world.answers[0].rc, 124, "{:?}", world.answers);
    fence_a(&mut world);
    world.lost(0);
    fence_a(&mut world);
    let rcs: Vec<i32> = world.answers.iter().map(|reply| reply.rc).collect();
    assert_eq!(rcs, [124, 1, 1], "{:?}", world.answers);
    assert!(!world.log.contains(&"a demands fencing".to_owned()), "{:?}", world.log);
}

#[test]
fn a_demand_with_a_delay_is_made_when_it_is_over_and_not_if_the_node_is_down_by_then() {
    for down in [false, true] {
        let mut world = World::new(&[]);
        world.both();
        world.run(SECOND * 5);
        fence_b(&mut world, 0, 9, 20);
        world.run(SECOND * 19);
        assert_eq!((demands(&world), world.answers.len()), (0, 0));
        if down {
            world.kill(1);
            world.down(0, Proof::PowerOff);
        }
        world.run(SECOND);
        assert_eq!(demands(&world), usize::from(!down));
        assert_eq!(world.answers.len(), usize::from(down));
        world.run(SECOND * 9);
        assert_eq!(world.answers[0].rc, if down { 0 } else { 124 });
    }
}

#[test]
fn the_delay_that_a_transition_hands_over_is_waited_for() {
    let mut world = World::scheduled_by(scheduler::fence_later, &[primitive("r")]);
    world.both();
    let begun = world.log.len();
    world.run(Duration::from_millis(14_500));
    assert_eq!(demands(&world), 0, "{:?}", &world.log[begun..]);
    world.run(SECOND);
    assert_eq!(demands(&world), 1);
}

#[test]
fn devices_wait_for_their_delay_unless_the_demand_says_that_nothing_waits() {
    for delay_s in [0, -1] {
        let device = fence_device("fence-b", "b");
        let base = "<nvpair id=\"base\" name=\"pcmk_delay_base\" value=\"5s\"/></instance";
        let mut world = World::new(&[device.replacen("</instance", base, 1)]);
        world.both();
        world.run(SECOND * 5);
        fence_b(&mut world, 0, 60, delay_s);
        world.run(SECOND * 4);
        let asked = |world: &World| world.log.contains(&"a ask fence-b for Off".to_owned());
        assert_eq!(asked(&world), delay_s < 0, "{:?}", world.log);
        world.run(SECOND);
        assert!(asked(&world), "{:?}", world.log);
    }
}

fn switch_on(world: &mut World, node: usize, target: &str) {
    let (target, action) = (target.to_owned(), "on".to_owned());
    world.ask(node, Request::Fence { target, action, timeout_s: 9, delay_s: 0 });
    world.run(SECOND);
}

#[test]
fn a_node_is_switched_on_on_demand_and_who_asked_hears_of_it() {
    let mut world = World::new(&[fence_device("fence-b", "b")]);
    world.power = Some(Ok(Power::On));
    world.both();
    world.run(SECOND * 5);
    switch_on(&mut world, 1, "b");
    assert!(world.log.contains(&"a ask fence-b for On".to_owned()), "{:?}", world.log);
    world.power = Some(Err(Failure::late("no answer".to_owned())));
    switch_on(&mut world, 0, "b");
    switch_on(&mut world, 0, "a");
    switch_on(&mut world, 0, "c");
    world.power = None;
    switch_on(&mut world, 0, "b");
    world.run(SECOND * 9);
    let rcs: Vec<i32> = world.answers.iter().map(|reply| reply.rc).collect();
    assert_eq!(rcs, [0, 1, 1, 1, 124], "{:?}", world.answers);
    assert!(world.answers[1].message.contains("fence-b: no answer"), "{:?}", world.answers);
    assert!(world.answers[2].message.contains("no fence device"), "{:?}", world.answers);
    assert!(world.cib(1).contains("#node-unfenced"));
}

#[test]
fn a_node_is_let_in_by_itself_and_the_transition_waits_for_it() {
    let devices = [fabric("a b"), fence_device("fence-b", "b"), primitive("r")];
    let mut world = World::scheduled_by(scheduler::unfence_then_start, &devices);
    world.both();
    world.run(SECOND * 5);
    let asked: Vec<_> = world.log.iter().filter(|line| line.ends_with("for On")).collect();
    assert_eq!(asked, ["b ask fabric for On"]);
    assert_eq!(world.count("start"), 0, "nothing came of it yet");
    world.power = Some(Ok(Power::On));
    world.run(SECOND * 100);
    assert_eq!(world.count("r start"), 1, "{:?}", world.log);
    let cib = world.cib(0);
    assert!(cib.contains("#node-unfenced") && cib.contains("fabric:fence_test:d,"), "{cib}");
    world.assert_same_cib();
}

#[test]
fn a_node_that_may_not_act_does_not_let_itself_in() {
    let mut world = World::new(&[fabric("a b")]);
    world.power = Some(Ok(Power::On));
    world.both();
    world.run(SECOND * 5);
    world.lost(0);
    switch_on(&mut world, 0, "a");
    assert_eq!(world.answers[0].rc, 1);
    assert!(world.answers[0].message.contains("may not act"), "{:?}", world.answers);
    switch_on(&mut world, 0, "b");
    assert!(world.answers[1].message.contains("not there"), "{:?}", world.answers);
    assert!(!world.log.iter().any(|line| line.ends_with("for On")), "{:?}", world.log);
}

#[test]
fn a_lost_peer_is_switched_off_only_with_the_right_to_and_its_proof_reaches_the_guardian() {
    let mut world = World::new(&[fence_device("fence-a", "a"), fence_device("fence-b", "b")]);
    world.power = Some(Ok(Power::On));
    world.both();
    world.run(SECOND * 5);
    world.kill(1);
    world.lost(0);
    world.run(SECOND * 5);
    let asked = |world: &World| world.log.iter().filter(|l| l.contains("ask ")).cloned().collect();
    let before: Vec<String> = asked(&world);
    assert!(!before.is_empty() && before.iter().all(|line| line == "a ask fence-b for Status"));
    world.power = Some(Ok(Power::Off));
    world.may_fence(0);
    world.run(SECOND);
    let after: Vec<String> = asked(&world);
    let boot = world.boot(1);
    assert_eq!(after[before.len()..], ["a ask fence-b for Off", "a ask fence-b for On"]);
    assert!(world.log.contains(&format!("a power is off: {:?}", Some(boot))), "{:?}", world.log);
}

#[test]
fn a_node_that_never_heard_its_peer_switches_nothing_off() {
    let mut world = World::new(&[fence_device("fence-b", "b")]);
    world.power = Some(Err(Failure::late("no answer".to_owned())));
    world.alone(0, false);
    world.run(SECOND * 50);
    assert!(!world.log.iter().any(|line| line.contains("ask ")), "it may still be booting");
    world.run(SECOND * 60);
    let asked = world.log.iter().filter(|line| line.contains("ask ")).collect::<Vec<_>>();
    assert!(asked.len() > 3 && asked.iter().all(|l| l.ends_with("for Status")), "{asked:?}");
    assert!(!world.log.iter().any(|line| line.contains("power is off")));
}

#[test]
fn power_switches_are_only_tried_out_and_that_rarely_while_both_are_there() {
    let mut world = World::new(&[fence_device("fence-b", "b")]);
    world.power = Some(Ok(Power::On));
    world.both();
    let asked = |world: &World| {
        let asked = world.log.iter().filter(|line| line.contains("ask "));
        asked.cloned().collect::<Vec<_>>().join(", ")
    };
    world.run(SECOND * 50);
    assert_eq!(asked(&world), "");
    world.run(SECOND * 600);
    assert_eq!(asked(&world), ["a ask fence-b for Status"; 2].join(", "));
}
