//! Chapter 14, "Status": what is recorded and what is made of it.

use crate::world::{Cib, DUMMY, decide, dummy, pair, primitive};

const NOW: &str = "2023-11-14 22:13:20Z";

/// *Pacemaker Explained* 14.1, "Node Status".
#[test]
fn ex_14_1_a_node_is_online_by_words_and_by_points_in_time() {
    let text = pair().resources(&dummy("web")).text();
    let old = decide(&text, NOW);
    let new = text
        .replace("in_ccm='true' crmd='online'", "in_ccm='1699990000' crmd='1699990001'")
        .replace("3.15.0", "3.19.0");
    assert!(old.does("web_start_0 amber"));
    assert_eq!(decide(&new, NOW).steps(), old.steps());
    let gone =
        new.replace("crmd='1699990001'", "crmd='0'").replace("in_ccm='1699990000'", "in_ccm='0'");
    assert_eq!(decide(&gone, NOW).work(), [""; 0]);
}

/// *Pacemaker Explained* 14.2, "Transient Node Attributes".
#[test]
fn ex_14_2_an_attribute_counts_until_the_node_leaves_and_old_fail_counts_too() {
    let threshold = "<meta_attributes id='m'><nvpair id='m1' name='migration-threshold' \
                     value='3'/></meta_attributes>";
    let cib = pair().resources(&primitive("web", threshold)).active("web", "amber").probed("web");
    let place =
        |name: &str, value: &str| cib.clone().transient("amber", name, value).decide().place("web");
    assert_eq!(place("fail-count-web#monitor_10000", "2"), "amber");
    assert_eq!(place("fail-count-web#monitor_10000", "3"), "birch");
    // Before operations were counted apart.
    let old = cib.clone().transient("amber", "fail-count-web", "3").text();
    let old = old.replacen("crm_feature_set='3.15.0'", "crm_feature_set='3.0.12'", 1);
    assert_eq!(decide(&old, NOW).place("web"), "birch");
    assert_eq!(place("standby", "on"), "birch");
}

/// *Pacemaker Explained* 14.3, "Operation History".
#[test]
fn ex_14_3_what_ran_is_known_by_class_provider_and_type() {
    let running = |agent: &str| pair().ran("amber", "old", agent, "start", 0).decide();
    for (agent, kind) in [
        ("ocf:heartbeat:Dummy", ["ocf", "heartbeat", "Dummy"]),
        ("lsb:crond", ["lsb", "", "crond"]),
    ] {
        // It is configured no more, and stopped by what its history says of it.
        let decision = running(agent);
        assert_eq!(decision.work()[0], "old_stop_0 amber");
        let mut steps = decision.graph.synapses.iter();
        let stop = steps.find(|at| at.action.key == "old_stop_0").unwrap();
        let named = stop.action.primitive.as_ref().unwrap();
        assert_eq!([&named.class, &named.provider, &named.kind].map(String::as_str), kind);
    }
}

fn web() -> Cib {
    pair().resources(&dummy("web"))
}

/// *Pacemaker Explained* 14.3.1, "Simple Operation History Example".
#[test]
fn ex_14_4_a_probe_that_finds_nothing_as_expected_is_no_failure() {
    let decision = web().ran("amber", "web", DUMMY, "monitor", 7).decide();
    assert!(!decision.does("web_monitor_0 amber"));
    assert!(decision.does("web_monitor_0 birch"));
    assert_eq!(decision.work(), ["web_start_0 amber"]);
}

/// *Pacemaker Explained* 14.3.2, "Complex Operation History Example".
#[test]
fn ex_14_5_the_last_call_decides_what_a_resource_does_now() {
    let started = web().ran("amber", "web", DUMMY, "monitor", 7).active("web", "amber");
    let started = started.probed("web");
    assert_eq!(started.decide().steps(), [""; 0]);
    let stopped = started.clone().ran("amber", "web", DUMMY, "stop", 0);
    assert_eq!(stopped.decide().work(), ["web_start_0 amber"]);
    let again = stopped.active("web", "amber").ran("amber", "web", DUMMY, "monitor 20", 0);
    let ops = "<operations><op id='op' name='monitor' interval='20s'/></operations>";
    let watched = again
        .text()
        .replace("type='Dummy'></primitive>", &format!("type='Dummy'>{ops}</primitive>"));
    assert_eq!(decide(&watched, NOW).steps(), [""; 0]);
    // Where it has to move, it stops before it starts.
    let moved = started.attribute("amber", "standby", "true").decide();
    moved.assert_order(&["web_stop_0 amber", "web_start_0 birch"]);
}
