//! Chapter 4, "Cluster Resources".

use crate::world::{DUMMY, block, pair, primitive};

/// *Pacemaker Explained* 4.2.2, "System Services".
#[test]
fn ex_4_1_a_system_service_is_probed_and_started_and_given_no_parameters() {
    let decision = pair().resources("<primitive id='post' class='lsb' type='postd'/>").decide();
    assert_eq!(decision.place("post"), "amber");
    decision.assert_order(&["post_monitor_0 birch", "post_start_0 amber"]);
    decision.assert_order(&["post_monitor_0 amber", "post_start_0 amber"]);
    let start = decision.graph.synapses.iter().find(|at| at.action.key == "post_start_0").unwrap();
    let own = start.action.attributes.iter().map(|(name, _)| name.as_str());
    let own: Vec<&str> = own.filter(|name| !name.starts_with("CRM_meta_")).collect();
    assert_eq!(own, [""; 0]);
    let agent = start.action.primitive.as_ref().unwrap();
    assert_eq!((agent.class.as_str(), agent.provider.as_str()), ("lsb", ""));
}

/// *Pacemaker Explained* 4.2.1, "Open Cluster Framework".
#[test]
fn ex_4_2_an_ocf_agent_is_named_with_its_provider_and_given_its_parameter() {
    let parameters = block("instance_attributes", "addr-p", &[("ip", "192.0.2.7")]);
    let text = format!(
        "<primitive id='addr' class='ocf' provider='heartbeat' type='IPaddr2'>{parameters}\
         </primitive>"
    );
    let decision = pair().resources(&text).decide();
    assert_eq!(decision.attribute("addr_start_0 amber", "ip"), Some("192.0.2.7"));
    let start = decision.graph.synapses.iter().find(|at| at.action.key == "addr_start_0").unwrap();
    let agent = start.action.primitive.as_ref().unwrap();
    let name = [&agent.class, &agent.provider, &agent.kind].map(String::as_str);
    assert_eq!(name, ["ocf", "heartbeat", "IPaddr2"]);
}

/// *Pacemaker Explained* 4.4.1, "Resource Meta-Attributes".
#[test]
fn ex_4_3_meta_attributes_of_a_system_service_are_honoured() {
    let twice = |meta: &[(&str, &str)]| {
        let meta = block("meta_attributes", "post-m", meta);
        let text = format!("<primitive id='post' class='lsb' type='postd'>{meta}</primitive>");
        let cib = pair().resources(&text).ran("amber", "post", "lsb:postd", "start", 0);
        cib.ran("birch", "post", "lsb:postd", "start", 0).decide()
    };
    let blocked = twice(&[("multiple-active", "block"), ("priority", "100")]);
    assert_eq!(blocked.work(), [""; 0]);
    let restarted = twice(&[("priority", "100")]);
    assert_eq!(restarted.place("post"), "amber");
    assert_eq!(restarted.summary, ["Restart post ( amber )"]);
    assert!(restarted.waits("post_start_0 amber", "post_stop_0 birch"));
    assert!(restarted.waits("post_start_0 amber", "post_stop_0 amber"));
}

/// *Pacemaker Explained* 4.4.3, "Resource Instance Attributes".
#[test]
fn ex_4_4_every_operation_is_given_the_instance_attributes() {
    let parameters = block("instance_attributes", "p", &[("fake", "north"), ("op_sleep", "0")]);
    let cib = pair()
        .resources(&primitive("app", &parameters))
        .attribute("amber", "standby", "true")
        .active("app", "amber");
    let decision = cib.decide();
    for step in ["app_stop_0 amber", "app_start_0 birch", "app_monitor_0 birch"] {
        assert_eq!(decision.attribute(step, "fake"), Some("north"), "{step}");
        assert_eq!(decision.attribute(step, "op_sleep"), Some("0"), "{step}");
    }
}

/// *Pacemaker Explained* 4.5.1, "Operation Properties": an interval has to be given.
#[test]
fn ex_4_6_an_operation_without_interval_is_refused_and_its_timeout_used_with_one() {
    let with = |interval: &str| {
        let op = format!("<op id='op' name='start' {interval} timeout='60s'/>");
        pair().resources(&primitive("app", &format!("<operations>{op}</operations>")))
    };
    let found = with("").findings();
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].ends_with("op[@id='op']: <op> needs the attribute interval"), "{found:?}");
    let decision = with("interval='0'").decide();
    assert_eq!(decision.attribute("app_start_0 amber", "CRM_meta_timeout"), Some("60000"));
    assert_eq!(decision.attribute("app_monitor_0 amber", "CRM_meta_timeout"), Some("20000"));
}

/// *Pacemaker Explained* 4.5.2, "Monitoring Resources for Failure".
#[test]
fn ex_4_7_a_recurring_monitor_follows_the_start() {
    let op = |interval: &str| {
        format!("<operations><op id='op' name='monitor' {interval}/></operations>")
    };
    let found = pair().resources(&primitive("app", &op(""))).findings();
    assert!(found[0].contains("<op> needs the attribute interval"), "{found:?}");
    let decision = pair().resources(&primitive("app", &op("interval='60s'"))).decide();
    decision.assert_order(&["app_start_0 amber", "app_monitor_60000 amber"]);
    assert_eq!(decision.attribute("app_monitor_60000 amber", "CRM_meta_interval"), Some("60000"));
}

/// *Pacemaker Explained* 4.5.5, "Setting Global Defaults for Operations" and what follows it.
#[test]
fn ex_4_8_long_timeouts_stand_before_the_default_for_probe_start_and_stop() {
    let ops = "<operations><op id='probe' name='monitor' interval='0' timeout='15min'/>\
               <op id='start' name='start' interval='0' timeout='5min'/>\
               <op id='stop' name='stop' interval='0' timeout='600'/></operations>";
    let defaults = block("meta_attributes", "defaults", &[("timeout", "30s")]);
    let decision = pair()
        .resources(&primitive("slow", ops))
        .resources(&primitive("quick", ""))
        .section(&format!("<op_defaults>{defaults}</op_defaults>"))
        .attribute("amber", "standby", "true")
        .active("slow", "amber")
        .decide();
    for (step, timeout) in [
        ("slow_monitor_0 birch", "900000"),
        ("slow_start_0 birch", "300000"),
        ("slow_stop_0 amber", "600000"),
        ("quick_start_0 birch", "30000"),
        ("quick_monitor_0 birch", "30000"),
    ] {
        assert_eq!(decision.attribute(step, "CRM_meta_timeout"), Some(timeout), "{step}");
    }
}

/// *Pacemaker Explained* 4.5.6, "Multiple Monitor Operations".
#[test]
fn ex_4_9_two_monitors_differ_in_interval_and_depth() {
    let op = |id: &str, seconds: u32, depth: &str| {
        let depth = block("instance_attributes", &format!("{id}-p"), &[("OCF_CHECK_LEVEL", depth)]);
        format!("<op id='{id}' name='monitor' interval='{seconds}'>{depth}</op>")
    };
    let ops =
        format!("<operations>{}{}</operations>", op("often", 60, "10"), op("rare", 300, "20"));
    let decision = pair().resources(&primitive("app", &ops)).decide();
    for (step, depth) in [("app_monitor_60000 amber", "10"), ("app_monitor_300000 amber", "20")] {
        assert_eq!(decision.attribute(step, "OCF_CHECK_LEVEL"), Some(depth));
        assert!(decision.waits(step, "app_start_0 amber"));
    }
    assert_eq!(decision.attribute("app_start_0 amber", "OCF_CHECK_LEVEL"), None);
}

/// *Pacemaker Explained* 4.5.7, "Disabling a Monitor Operation".
#[test]
fn ex_4_10_a_disabled_monitor_is_not_begun_and_a_running_one_is_cancelled() {
    let ops =
        "<operations><op id='op' name='monitor' interval='10s' enabled='false'/></operations>";
    let cib = pair().resources(&primitive("app", ops));
    let fresh = cib.decide();
    assert!(fresh.does("app_start_0 amber"));
    assert!(!fresh.does("app_monitor_10000 amber"));
    let running = cib.active("app", "amber").ran("amber", "app", DUMMY, "monitor 10", 0).decide();
    assert_eq!(running.work(), ["app_monitor_10000 amber"]);
    let cancel = &running.graph.synapses;
    assert!(cancel.iter().any(|at| at.action.operation == "cancel"));
}
