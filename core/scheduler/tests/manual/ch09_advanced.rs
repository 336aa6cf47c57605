//! Chapter 9, "Advanced Configuration".

use crate::world::{Cib, DUMMY, Decision, block, dummy, nodes, pair, primitive};
use diarch_cib::digest::of_parameters;
use diarch_cib::upgrade::{Dialect, upgrade};
use diarch_cib::xml::Document;

/// *Pacemaker Explained* 9.1, "Specifying When Recurring Actions are Performed".
#[test]
fn ex_9_1_a_weekly_monitor_waits_for_the_begin_of_the_next_week() {
    let ops = "<operations><op id='op' name='monitor' interval='P7D' \
               interval-origin='2009-W10-1'/></operations>";
    let cib = pair().resources(&primitive("app", ops));
    let delay = |when: &str| {
        let decision = cib.decide_at(when);
        let step = "app_monitor_604800000 amber";
        decision.attribute(step, "CRM_meta_start_delay").map(str::to_owned)
    };
    // A Monday.
    assert_eq!(delay("2023-11-19 23:00:00Z").as_deref(), Some("3600000"));
    assert_eq!(delay("2023-11-14 00:00:00Z").as_deref(), Some("518400000"));
}

fn ping() -> String {
    let parameters = [("dampen", "5s"), ("multiplier", "1000"), ("host_list", "192.0.2.1")];
    format!(
        "<clone id='ping-clone'><primitive id='ping' class='ocf' provider='pacemaker' \
         type='ping'>{}<operations><op id='ping-m' name='monitor' interval='60s'/></operations>\
         </primitive></clone>",
        block("instance_attributes", "ping-p", &parameters)
    )
}

/// *Pacemaker Explained* 9.3.2, "Moving Resources Due to Connectivity Changes".
#[test]
fn ex_9_2_a_cloned_ping_runs_on_each_node_with_its_parameters() {
    let decision = pair().resources(&ping()).decide();
    assert_eq!(decision.place("ping"), "amber, birch");
    for node in ["amber", "birch"] {
        let start = format!("ping_start_0 {node}");
        assert_eq!(decision.attribute(&start, "multiplier"), Some("1000"));
        assert_eq!(decision.attribute(&start, "dampen"), Some("5s"));
        decision.assert_order(&[&start, &format!("ping_monitor_60000 {node}")]);
    }
}

/// Where the resource goes: each node has the connectivity given, or none.
fn reached(rules: &str, values: [Option<&str>; 3], names: [&str; 3]) -> Decision {
    let mut cib = nodes(&names)
        .resources(&dummy("web"))
        .constraints(&format!("<rsc_location id='conn' rsc='web'>{rules}</rsc_location>"));
    for (node, value) in names.iter().zip(values) {
        if let Some(value) = value {
            cib = cib.transient(node, "pingd", value);
        }
    }
    cib.decide()
}

fn place(rules: &str, values: [Option<&str>; 3]) -> String {
    reached(rules, values, ["amber", "birch", "cedar"]).place("web")
}

const DEFINED: &str = "<rule id='exclude' score='-INFINITY'><expression id='e' attribute='pingd' \
                       operation='not_defined'/></rule>";
const ENOUGH: &str = "<rule id='limit' score='-INFINITY'><expression id='e2' attribute='pingd' \
                      operation='lt' value='3000'/></rule>";
const BETTER: &str = "<rule id='prefer' score-attribute='pingd'><expression id='e3' \
                      attribute='pingd' operation='defined'/></rule>";

/// *Pacemaker Explained* 9.3.2, "Moving Resources Due to Connectivity Changes".
#[test]
fn ex_9_3_nothing_runs_where_the_connectivity_is_not_known() {
    assert_eq!(place(DEFINED, [None, None, Some("0")]), "cedar");
    assert_eq!(place(DEFINED, [None, Some("1000"), None]), "birch");
    assert_eq!(place(DEFINED, [None; 3]), "");
}

/// *Pacemaker Explained* 9.3.2, "Moving Resources Due to Connectivity Changes".
#[test]
fn ex_9_4_nothing_runs_where_too_few_are_reached_counted_as_numbers() {
    assert_eq!(place(ENOUGH, [Some("2000"), Some("3000"), Some("1000")]), "birch");
    // As texts, 10000 would be less than 3000.
    assert_eq!(place(ENOUGH, [Some("2999"), Some("900"), Some("10000")]), "cedar");
    assert_eq!(place(ENOUGH, [Some("0"); 3]), "");
}

/// *Pacemaker Explained* 9.3.2, "Moving Resources Due to Connectivity Changes".
#[test]
fn ex_9_5_the_better_connected_node_is_preferred() {
    assert_eq!(place(BETTER, [Some("1000"), Some("5000"), Some("2000")]), "birch");
    assert_eq!(place(BETTER, [Some("1000"), None, Some("2000")]), "cedar");
    assert_eq!(place(BETTER, [None; 3]), "amber");
}

/// *Pacemaker Explained* 9.3.2, "Moving Resources Due to Connectivity Changes".
#[test]
fn ex_9_6_a_score_of_an_attribute_is_what_a_plain_constraint_of_it_would_be() {
    let plain = |node: &str, score: &str| {
        format!("<rsc_location id='plain-{node}' rsc='web' node='{node}' score='{score}'/>")
    };
    let plain = pair()
        .resources(&dummy("web"))
        .constraints(&(plain("amber", "2000") + &plain("birch", "5000")));
    let ruled = pair()
        .resources(&dummy("web"))
        .constraints(&format!("<rsc_location id='conn' rsc='web'>{BETTER}</rsc_location>"))
        .transient("amber", "pingd", "2000")
        .transient("birch", "pingd", "5000");
    let (plain, ruled) = (plain.decide(), ruled.decide());
    assert_eq!(ruled.place("web"), "birch");
    assert_eq!(ruled.graph, plain.graph);
}

/// *Pacemaker Explained* 9.3.2, "Moving Resources Due to Connectivity Changes".
#[test]
fn ex_9_7_two_rules_of_one_constraint_both_count_and_stay_so_when_they_are_split() {
    let both = [ENOUGH, BETTER].concat();
    assert_eq!(place(&both, [Some("2000"), Some("3000"), Some("5000")]), "cedar");
    assert_eq!(place(&both, [Some("2000"), Some("3000"), Some("1000")]), "birch");
    let cib = pair()
        .dialect("3.10")
        .resources(&dummy("web"))
        .constraints(&format!("<rsc_location id='conn' rsc='web'>{both}</rsc_location>"))
        .transient("amber", "pingd", "2000")
        .transient("birch", "pingd", "5000");
    assert_eq!(cib.decide().place("web"), "birch");
    let mut document = Document::parse(&cib.text()).unwrap();
    upgrade(&mut document, Some(Dialect::NEWEST)).unwrap();
    let locations = document.root().descendants().filter(|e| e.name() == "rsc_location");
    assert_eq!(locations.count(), 2);
    let newest = crate::world::decide(&document.write(), "2023-11-14 22:13:20Z");
    assert_eq!(newest.place("web"), "birch");
}

/// A resource that was started with some parameters and has others now; `restart` names the
/// parameters that its agent cannot take while it runs.
fn changed(
    before: [(&'static str, &'static str); 2],
    now: [(&str, &str); 2],
    advertised: Option<&str>,
) -> Cib {
    let reload = advertised.map_or_else(String::new, |restart| {
        let counted = before.into_iter().filter(|(name, _)| *name == restart);
        let digest = of_parameters(counted, false);
        format!("op-force-restart=' {restart} ' op-restart-digest='{digest}'")
    });
    let entry = format!(
        "<lrm_rsc_op id='app_last_0' operation_key='app_start_0' operation='start' \
         crm-debug-origin='test' crm_feature_set='3.15.0' \
         transition-key='1:1:0:3e1c9f5a-0000-4000-8000-000000000001' \
         transition-magic='0:0;1:1:0:3e1c9f5a-0000-4000-8000-000000000001' call-id='1' \
         rc-code='0' op-status='0' interval='0' op-digest='{}' {reload}/>",
        of_parameters(before, false)
    );
    pair()
        .resources(&primitive("app", &block("instance_attributes", "p", &now)))
        .record("amber", "app", DUMMY, &entry)
        .probed("app")
}

const BEFORE: [(&str, &str); 2] = [("fake", "north"), ("state", "/run/a")];

/// *Pacemaker Explained* 9.5, "Reloading Services After a Definition Change".
#[test]
fn ex_9_8_an_agent_that_reloads_is_reloaded_and_not_restarted() {
    let same = changed(BEFORE, BEFORE, Some("state")).decide();
    assert_eq!(same.steps(), [""; 0]);
    let other = changed(BEFORE, [("fake", "south"), ("state", "/run/a")], Some("state")).decide();
    assert_eq!(other.work(), ["app_reload-agent_0 amber"]);
    assert_eq!(other.attribute("app_reload-agent_0 amber", "fake"), Some("south"));
    assert_eq!(other.summary, ["Reload app ( amber )"]);
}

/// *Pacemaker Explained* 9.5, "Reloading Services After a Definition Change".
#[test]
fn ex_9_9_an_agent_that_does_not_advertise_reloading_is_restarted() {
    let other = changed(BEFORE, [("fake", "south"), ("state", "/run/a")], None).decide();
    assert_eq!(other.work(), ["app_stop_0 amber", "app_start_0 amber"]);
    other.assert_order(&["app_stop_0 amber", "app_start_0 amber"]);
}

/// *Pacemaker Explained* 9.5, "Reloading Services After a Definition Change".
#[test]
fn ex_9_10_a_change_of_what_cannot_be_reloaded_restarts_whatever_else_has_changed() {
    for now in [[("fake", "north"), ("state", "/run/b")], [("fake", "south"), ("state", "/run/b")]]
    {
        let other = changed(BEFORE, now, Some("state")).decide();
        assert_eq!(other.work(), ["app_stop_0 amber", "app_start_0 amber"], "{now:?}");
    }
}
