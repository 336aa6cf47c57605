//! Chapter 8, "Rules": what they are used for. How they are read is tested with the CIB.

use crate::world::{DUMMY, block, dummies, dummy, epoch, pair, primitive};

fn ruled(rsc: &str, rule: &str) -> String {
    format!("<rsc_location id='loc' rsc='{rsc}'>{rule}</rsc_location>")
}

/// *Pacemaker Explained* 8.6, "Using Rules to Determine Resource Location".
#[test]
fn ex_8_12_a_plain_ban_keeps_a_resource_from_a_node() {
    let ban = "<rsc_location id='loc' rsc='web' node='amber' score='-INFINITY'/>";
    let decision = pair().resources(&dummy("web")).constraints(ban).decide();
    assert_eq!(decision.place("web"), "birch");
}

/// *Pacemaker Explained* 8.6, "Using Rules to Determine Resource Location".
#[test]
fn ex_8_13_a_rule_on_the_name_of_a_node_does_what_a_plain_ban_does() {
    let plain = "<rsc_location id='loc' rsc='web' node='amber' score='-INFINITY'/>";
    let rule = ruled(
        "web",
        "<rule id='r' score='-INFINITY'><expression id='e' attribute='#uname' operation='eq' \
         value='amber'/></rule>",
    );
    let cib = pair().resources(&dummy("web"));
    let (plain, rule) = (cib.clone().constraints(plain), cib.constraints(&rule));
    assert_eq!(rule.decide().place("web"), "birch");
    assert_eq!(rule.decide().graph, plain.decide().graph);
}

/// *Pacemaker Explained* 8.6, "Using Rules to Determine Resource Location".
#[test]
fn ex_8_14_a_score_taken_from_an_attribute_picks_the_stronger_node() {
    let rule = ruled(
        "web",
        "<rule id='need' score='-INFINITY'><expression id='e1' attribute='cpu_mips' \
         operation='lt' value='3000'/></rule><rule id='weight' score-attribute='cpu_mips'>\
         <expression id='e2' attribute='cpu_mips' operation='gte' value='3000'/></rule>",
    );
    let cib = pair().resources(&dummy("web")).constraints(&rule);
    let strong = |amber: &str, birch: &str| {
        let cib = cib.clone().attribute("amber", "cpu_mips", amber);
        cib.attribute("birch", "cpu_mips", birch).decide().place("web")
    };
    assert_eq!(strong("3000", "5600"), "birch");
    assert_eq!(strong("5600", "3000"), "amber");
    assert_eq!(strong("2999", "1234"), "");
    // The type of a node that old dialects wrote.
    let old = |dialect: &str| {
        let cib = cib.clone().dialect(dialect).attribute("birch", "cpu_mips", "5600").text();
        cib.replace("<node id='2'", "<node type='normal' id='2'")
    };
    assert_eq!(crate::world::findings(&old("2.10")), [""; 0]);
    let found = crate::world::findings(&old("3.0"));
    assert!(found[0].ends_with("type=\"normal\": one of member, ping, remote is expected"));
    let decision = crate::world::decide(&old("2.10"), "2023-11-14 22:13:20Z");
    assert_eq!(decision.place("web"), "birch");
}

/// *Pacemaker Explained* 8.7, "Using Rules to Define Options".
#[test]
fn ex_8_15_a_parameter_may_differ_by_node() {
    let special = "<instance_attributes id='p1' score='2'><rule id='r1' score='0'>\
                   <expression id='e1' attribute='#uname' operation='eq' value='amber'/></rule>\
                   <nvpair id='p1-i' name='interface' value='eth1'/></instance_attributes>";
    let usual = block("instance_attributes", "p3", &[("interface", "eth0"), ("port", "9999")])
        .replace("id='p3'", "id='p3' score='1'");
    let cib = pair().resources(&primitive("web", &[special, &usual].concat()));
    let on = |standby: &str| cib.clone().attribute(standby, "standby", "true").decide();
    let (amber, birch) = (on("birch"), on("amber"));
    assert_eq!(amber.attribute("web_start_0 amber", "interface"), Some("eth1"));
    assert_eq!(birch.attribute("web_start_0 birch", "interface"), Some("eth0"));
    // What the first block does not say, the second does.
    assert_eq!(amber.attribute("web_start_0 amber", "port"), Some("9999"));
    assert_eq!(birch.attribute("web_start_0 birch", "port"), Some("9999"));
}

/// *Pacemaker Explained* 8.7, "Using Rules to Define Options".
#[test]
fn ex_8_16_stickiness_may_follow_the_clock_and_says_when_to_look_again() {
    let core_hours = "<meta_attributes id='core' score='2'><rule id='r' score='0'>\
                      <date_expression id='e' operation='date_spec'><date_spec id='s' \
                      hours='9-16' weekdays='1-5'/></date_expression></rule>\
                      <nvpair id='core-s' name='resource-stickiness' value='INFINITY'/>\
                      </meta_attributes>";
    let after = "<meta_attributes id='after' score='1'><nvpair id='after-s' \
                 name='resource-stickiness' value='0'/></meta_attributes>";
    let cib = pair()
        .resources(&dummy("web"))
        .constraints("<rsc_location id='loc' rsc='web' node='birch' score='100'/>")
        .section(&format!("<rsc_defaults>{core_hours}{after}</rsc_defaults>"))
        .active("web", "amber")
        .probed("web");
    let during = cib.decide_at("2023-11-14 16:59:59Z");
    assert_eq!(during.steps(), [""; 0]);
    let later = cib.decide_at("2023-11-14 17:00:00Z");
    assert_eq!(later.place("web"), "birch");
    // Ranges tell when they change; specifications of dates do not.
    let bounded = core_hours
        .replace("operation='date_spec'", "operation='in_range' end='2023-11-14 16:59:59Z'")
        .replace("<date_spec id='s' hours='9-16' weekdays='1-5'/>", "");
    let cib = pair()
        .resources(&dummy("web"))
        .section(&format!("<rsc_defaults>{bounded}{after}</rsc_defaults>"));
    let recheck = cib.decide_at("2023-11-14 12:00:00Z").recheck_by;
    assert_eq!(recheck, Some(epoch("2023-11-14 17:00:00Z")));
    assert_eq!(cib.decide_at("2023-11-14 17:00:00Z").recheck_by, None);
}

fn defaults(section: &str, id: &str, condition: &str, name: &str, value: &str) -> String {
    format!(
        "<{section}><meta_attributes id='{id}'><rule id='{id}-r' score='INFINITY'>{condition}\
         </rule><nvpair id='{id}-v' name='{name}' value='{value}'/></meta_attributes></{section}>"
    )
}

const ADDRESS: &str = "<primitive id='addr' class='ocf' provider='heartbeat' type='IPaddr2'/>";

/// *Pacemaker Explained* 8.7, "Using Rules to Define Options".
#[test]
fn ex_8_17_a_default_may_hold_for_one_type_of_resource_only() {
    let condition = "<rsc_expression id='e' class='ocf' provider='heartbeat' type='IPaddr2'/>";
    let cib = pair().resources(ADDRESS).resources(&dummy("web")).section(&defaults(
        "rsc_defaults",
        "d",
        condition,
        "target-role",
        "Stopped",
    ));
    let decision = cib.decide();
    assert_eq!(decision.place("addr"), "");
    assert_eq!(decision.place("web"), "amber");
}

/// *Pacemaker Explained* 8.7, "Using Rules to Define Options".
#[test]
fn ex_8_18_a_timeout_may_be_the_default_of_monitors_only() {
    let ops = "<operations><op id='op' name='monitor' interval='30s'/></operations>";
    let condition = "<op_expression id='e' name='monitor'/>";
    let decision = pair()
        .resources(&primitive("web", ops))
        .section(&defaults("op_defaults", "d", condition, "timeout", "10s"))
        .decide();
    let timeout = |step| decision.attribute(step, "CRM_meta_timeout");
    assert_eq!(timeout("web_monitor_30000 amber"), Some("10000"));
    assert_eq!(timeout("web_monitor_0 amber"), Some("10000"));
    assert_eq!(timeout("web_start_0 amber"), Some("20000"));
}

/// *Pacemaker Explained* 8.7, "Using Rules to Define Options".
#[test]
fn ex_8_19_a_default_may_ask_for_resource_and_operation_at_once() {
    let op = |id: &str| {
        format!("<operations><op id='{id}' name='monitor' interval='10s'/></operations>")
    };
    let condition = "<rsc_expression id='e1' class='ocf' provider='heartbeat' type='IPaddr2'/>\
                     <op_expression id='e2' name='monitor' interval='10s'/>";
    let address = ADDRESS.replace("/>", &format!(">{}</primitive>", op("op1")));
    let decision = pair()
        .resources(&address)
        .resources(&primitive("web", &op("op2")))
        .section(&defaults("op_defaults", "d", condition, "timeout", "8s"))
        .decide();
    let timeout = |step| decision.attribute(step, "CRM_meta_timeout");
    assert_eq!(timeout("addr_monitor_10000 amber"), Some("8000"));
    assert_eq!(timeout("addr_monitor_0 amber"), Some("20000"));
    assert_eq!(timeout("addr_start_0 amber"), Some("20000"));
    assert_eq!(timeout("web_monitor_10000 birch"), Some("20000"));
}

/// *Pacemaker Explained* 8.7, "Using Rules to Define Options".
#[test]
fn ex_8_20_a_maintenance_window_holds_from_its_begin_to_its_end() {
    let window = "<cluster_property_set id='window'><nvpair id='window-m' \
                  name='maintenance-mode' value='true'/><rule id='r' score='0'>\
                  <date_expression id='e' operation='in_range' start='2023-11-14 22:00 -05:00' \
                  end='2023-11-15 04:00 -05:00'/></rule></cluster_property_set>";
    let cib = pair().resources(&dummies(&["web"])).options_block(window);
    assert!(cib.decide_at("2023-11-15 02:59:59Z").does("web_start_0 amber"));
    assert!(!cib.decide_at("2023-11-15 03:00:00Z").does("web_start_0 amber"));
    assert!(!cib.decide_at("2023-11-15 09:00:00Z").does("web_start_0 amber"));
    assert!(cib.decide_at("2023-11-15 09:00:01Z").does("web_start_0 amber"));
    let before = cib.decide_at("2023-11-14 12:00:00Z").recheck_by;
    assert_eq!(before, Some(epoch("2023-11-15 03:00:00Z")));
    let within = cib.decide_at("2023-11-15 05:00:00Z").recheck_by;
    assert_eq!(within, Some(epoch("2023-11-15 09:00:01Z")));
    // The set of the installation counts before any other.
    let cib = cib.option("maintenance-mode", "false").ran("amber", "web", DUMMY, "start", 0);
    assert!(cib.decide_at("2023-11-15 05:00:00Z").does("web_monitor_0 birch"));
    let standby = cib.attribute("amber", "standby", "true");
    assert!(standby.decide_at("2023-11-15 05:00:00Z").does("web_stop_0 amber"));
}

/// *Pacemaker Explained* 8.6, "Using Rules to Determine Resource Location": what the parts of a
/// pattern match may be named in rules.
#[test]
fn a_pattern_decides_for_each_resource_by_its_own_attribute() {
    let rule = "<rsc_location id='loc' rsc-pattern='^(vm|db)-([[:alpha:]]+)$'>\
         <rule id='r' score-attribute='prefer-%2'><expression id='e' attribute='prefer-%2' \
         operation='defined'/></rule></rsc_location>";
    let cib = pair().resources(&dummies(&["vm-mail", "db-books", "web-mail"])).constraints(rule);
    let cib = cib.attribute("amber", "prefer-mail", "10").attribute("birch", "prefer-mail", "20");
    let decision = cib
        .attribute("amber", "prefer-books", "INFINITY")
        .attribute("birch", "prefer-books", "-INFINITY")
        .decide();
    assert_eq!(decision.place("vm-mail"), "birch");
    assert_eq!(decision.place("db-books"), "amber");
}

/// *Pacemaker Explained* 5.2.1, "Location Properties".
#[test]
fn a_pattern_is_an_extended_regular_expression_and_may_be_inverted() {
    let ban = |pattern: &str, rsc: &str| {
        let constraint = format!(
            "<rsc_location id='loc' rsc-pattern='{pattern}' node='amber' score='-INFINITY'/>"
        );
        let cib = pair().resources(&dummy(rsc)).constraints(&constraint);
        let cib = cib.attribute("birch", "standby", "true");
        cib.decide().place(rsc).is_empty()
    };
    for (pattern, matching, other) in [
        ("sc1", "rsc1", "rsc2"),
        ("^sc|x$", "box", "rsc1"),
        ("^vm[0-9]+$", "vm12", "vmx"),
        ("^(a|b)-c?d{2}$", "b-dd", "b-d"),
        ("!^vm", "db", "vm1"),
    ] {
        assert!(ban(pattern, matching), "{pattern} {matching}");
        assert!(!ban(pattern, other), "{pattern} {other}");
    }
    let wrong = "<rsc_location id='loc' rsc-pattern='(' node='amber' score='-INFINITY'/>";
    assert_eq!(pair().resources(&dummy("r")).constraints(wrong).decide().place("r"), "amber");
}
