//! Chapter 10, "Collective Resources": groups and clones.

use crate::world::{Cib, Decision, dummies, dummy, nodes, pair};

const STATEFUL: &str = "ocf:pacemaker:Stateful";

fn group(id: &str, members: &[&str]) -> String {
    format!("<group id='{id}'>{}</group>", dummies(members))
}

fn never(rsc: &str) -> String {
    let bans = ["amber", "birch"].map(|node| {
        format!("<rsc_location id='{rsc}-{node}' rsc='{rsc}' node='{node}' score='-INFINITY'/>")
    });
    bans.concat()
}

fn stopping(cib: Cib) -> Decision {
    cib.option("stop-all-resources", "true").decide()
}

/// *Pacemaker Explained* 10.1, "Groups".
#[test]
fn ex_10_1_a_group_starts_in_order_stops_in_reverse_and_depends_on_its_first() {
    let cib = pair().resources(&group("shortcut", &["addr", "mail"]));
    let decision = cib.decide();
    assert_eq!([decision.place("addr"), decision.place("mail")], ["amber", "amber"]);
    decision.assert_order(&["addr_start_0 amber", "mail_start_0 amber"]);
    let running = cib.clone().active("addr", "amber").active("mail", "amber");
    stopping(running).assert_order(&[
        "addr_monitor_0 birch",
        "mail_stop_0 amber",
        "addr_stop_0 amber",
    ]);
    let without = |rsc: &str| {
        let decision = cib.clone().constraints(&never(rsc)).decide();
        // As far as it gets, it begins.
        assert_eq!(decision.does("shortcut_start_0"), decision.does("addr_start_0 amber"));
        assert!(!decision.does("shortcut_running_0"));
        [decision.place("addr"), decision.place("mail")]
    };
    assert_eq!(without("addr"), ["", ""]);
    assert_eq!(without("mail"), ["amber", ""]);
}

/// *Pacemaker Explained* 10.1, "Groups".
#[test]
fn ex_10_2_a_group_does_what_colocation_and_order_of_two_do() {
    let pairs = "<rsc_colocation id='c' rsc='mail' with-rsc='addr' score='INFINITY'/>\
                 <rsc_order id='o' first='addr' then='mail'/>";
    let plain = pair().resources(&dummies(&["addr", "mail"])).constraints(pairs);
    let grouped = pair().resources(&group("shortcut", &["addr", "mail"]));
    let run = |cib: &Cib| {
        let (all, half) = (cib.decide(), cib.clone().constraints(&never("mail")).decide());
        all.assert_order(&["addr_start_0 amber", "mail_start_0 amber"]);
        let moved = cib.clone().active("addr", "amber").active("mail", "amber");
        let moved = moved.attribute("amber", "standby", "true").decide();
        let mut steps = moved.work();
        steps.sort();
        moved.assert_order(&[
            "mail_stop_0 amber",
            "addr_stop_0 amber",
            "addr_start_0 birch",
            "mail_start_0 birch",
        ]);
        (all.work(), half.place("addr"), half.place("mail"), steps)
    };
    assert_eq!(run(&grouped), run(&plain));
}

/// *Pacemaker Explained* 10.1.5, "Group Constraints".
#[test]
fn ex_10_3_constraints_may_name_a_group() {
    let constraints = "<rsc_location id='l' rsc='grp' node='birch' score='500'/>\
                       <rsc_colocation id='c' rsc='web' with-rsc='grp' score='INFINITY'/>\
                       <rsc_order id='o' first='grp' then='web'/>";
    let cib = pair()
        .resources(&group("grp", &["addr", "mail"]))
        .resources(&dummy("web"))
        .constraints(constraints);
    let decision = cib.decide();
    assert_eq!(["addr", "mail", "web"].map(|rsc| decision.place(rsc)), ["birch"; 3]);
    decision.assert_order(&["mail_start_0 birch", "web_start_0 birch"]);
    // The whole group has to be up.
    let half = cib.constraints(&never("mail")).decide();
    assert_eq!(half.place("addr"), "birch");
    assert_eq!(half.place("web"), "");
}

/// *Pacemaker Explained* 10.2.5, "Clone Options" and the example after it.
#[test]
fn ex_10_4_a_cloned_service_runs_and_is_watched_on_every_node() {
    let clone = "<clone id='httpd-clone'><meta_attributes id='m'><nvpair id='u' \
                 name='globally-unique' value='false'/></meta_attributes><primitive id='httpd' \
                 class='lsb' type='httpd'><operations><op id='op' name='monitor' \
                 interval='30s'/></operations></primitive></clone>";
    let decision = nodes(&["amber", "birch", "cedar"]).resources(clone).decide();
    assert_eq!(decision.place("httpd"), "amber, birch, cedar");
    for node in ["amber", "birch", "cedar"] {
        decision.assert_order(&[
            "httpd-clone_start_0",
            &format!("httpd_start_0 {node}"),
            &format!("httpd_monitor_30000 {node}"),
        ]);
        decision.assert_order(&[&format!("httpd_start_0 {node}"), "httpd-clone_running_0"]);
    }
}

fn clone(id: &str) -> String {
    format!("<clone id='{id}-clone'>{}</clone>", dummy(id))
}

/// *Pacemaker Explained* 10.2.7, "Clone Constraints".
#[test]
fn ex_10_5_what_goes_with_a_clone_runs_where_an_instance_runs_and_waits_for_all() {
    let constraints = "<rsc_location id='l' rsc='apache-clone' node='amber' score='-INFINITY'/>\
                       <rsc_colocation id='c' rsc='stats' with-rsc='apache-clone' \
                       score='INFINITY'/><rsc_order id='o' first='apache-clone' then='stats'/>";
    let cib = nodes(&["amber", "birch", "cedar"])
        .resources(&clone("apache"))
        .resources(&dummy("stats"))
        .constraints(constraints);
    let decision = cib.decide();
    assert_eq!(decision.place("apache"), "birch, cedar");
    let stats = decision.place("stats");
    assert!(stats == "birch" || stats == "cedar", "{stats}");
    for node in ["birch", "cedar"] {
        let start = format!("stats_start_0 {stats}");
        decision.assert_order(&[&format!("apache_start_0 {node}"), &start]);
    }
    // The attribute is called with-rsc.
    let found = cib.constraints("<rsc_colocation id='w' rsc='stats' with='apache-clone'/>");
    assert!(found.findings()[0].ends_with("<rsc_colocation> has no attribute with"));
}

/// A promotable clone with each node's promotion score, its instances started.
fn promotable(cib: Cib, id: &str, scores: &[(&str, &str)]) -> Cib {
    let mut cib = cib.resources(&format!(
        "<clone id='{id}-clone'><meta_attributes id='{id}-m'><nvpair id='{id}-p' \
         name='promotable' value='true'/></meta_attributes><primitive id='{id}' class='ocf' \
         provider='pacemaker' type='Stateful'><operations><op id='{id}-u' name='monitor' \
         interval='60s' role='Unpromoted'/><op id='{id}-q' name='monitor' interval='61s' \
         role='Promoted'/></operations></primitive></clone>"
    ));
    for (node, score) in scores {
        cib = cib.transient(node, &format!("master-{id}"), score);
        cib = cib.ran(node, id, STATEFUL, "start", 0);
    }
    cib
}

/// *Pacemaker Explained* 10.2.7, "Clone Constraints".
#[test]
fn ex_10_6_colocation_and_order_may_name_the_role_of_a_promotable_clone() {
    let constraints = "<rsc_colocation id='c1' rsc='backup' with-rsc='db-clone' \
                       with-rsc-role='Unpromoted' score='INFINITY'/>\
                       <rsc_colocation id='c2' rsc='app' with-rsc='db-clone' \
                       with-rsc-role='Promoted' score='INFINITY'/>\
                       <rsc_order id='o' first='db-clone' first-action='promote' then='app' \
                       then-action='start'/>";
    for (scores, promoted, other) in [
        ([("amber", "5"), ("birch", "10")], "birch", "amber"),
        ([("amber", "10"), ("birch", "5")], "amber", "birch"),
    ] {
        let cib = promotable(pair(), "db", &scores).resources(&dummies(&["backup", "app"]));
        let decision = cib.constraints(constraints).decide();
        assert_eq!(decision.place("app"), promoted);
        assert_eq!(decision.place("backup"), other);
        decision.assert_order(&[
            &format!("db_promote_0 {promoted}"),
            &format!("app_start_0 {promoted}"),
        ]);
    }
}

const SCORES: [(&str, &str); 2] = [("amber", "5"), ("birch", "10")];

fn refs(members: &[&str]) -> String {
    members.iter().map(|id| format!("<resource_ref id='{id}'/>")).collect()
}

/// *Pacemaker Explained* 10.2.7, "Clone Constraints".
#[test]
fn ex_10_7_a_set_with_the_promoted_role_draws_the_others_to_its_node() {
    let sets = format!(
        "<rsc_colocation id='with' score='INFINITY'><resource_set id='s1'>{}</resource_set>\
         <resource_set id='s2' role='Promoted'>{}</resource_set></rsc_colocation>",
        refs(&["c", "d"]),
        refs(&["a-clone", "b-clone"])
    );
    let cib = promotable(promotable(pair(), "a", &SCORES), "b", &SCORES);
    let decision = cib.resources(&dummies(&["c", "d"])).constraints(&sets).decide();
    assert_eq!(["a", "b"].map(|rsc| decision.place(rsc)), ["amber, birch promoted"; 2]);
    assert_eq!(["c", "d"].map(|rsc| decision.place(rsc)), ["birch"; 2]);
}

/// *Pacemaker Explained* 10.2.7, "Clone Constraints".
#[test]
fn ex_10_8_a_set_of_promotions_comes_before_a_set_of_starts_and_a_score_is_tolerated() {
    let sets = format!(
        "<rsc_order id='o' score='INFINITY'><resource_set id='s1' sequential='true' \
         action='promote'>{}</resource_set><resource_set id='s2' action='start'>{}\
         </resource_set></rsc_order>",
        refs(&["a-clone", "b-clone"]),
        refs(&["c", "d"])
    );
    let cib = promotable(promotable(pair(), "a", &SCORES), "b", &SCORES);
    let cib = cib.resources(&dummies(&["c", "d"])).constraints(&sets);
    let decision = cib.decide();
    let at = |rsc: &str| format!("{rsc}_start_0 {}", decision.place(rsc));
    let [c, d] = ["c", "d"].map(at);
    decision.assert_order(&["a_promote_0 birch", "b_promote_0 birch", &c, &d]);
    for dialect in ["2.0", "2.10", "3.0", "3.10", "4.0"] {
        let cib = cib.clone().dialect(dialect);
        let found = cib.findings();
        assert!(!found.iter().any(|at| at.contains("score")), "{dialect}: {found:?}");
    }
}

/// *Pacemaker Explained* 10.2.9, "Clone Resource Agent Requirements".
#[test]
fn ex_10_9_a_notification_lists_resources_and_nodes_in_the_same_order() {
    let clone = clone("svc").replace(
        "<primitive",
        "<meta_attributes id='m'><nvpair id='n' name='notify' value='true'/></meta_attributes>\
         <primitive",
    );
    let decision = nodes(&["amber", "birch", "cedar"]).resources(&clone).decide();
    let step = "svc_post_notify_start_0 cedar";
    let words = |name: &str| {
        let value = decision.attribute(step, &format!("CRM_meta_notify_{name}"));
        value.unwrap_or_default().split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(words("start_resource"), ["svc:0", "svc:1", "svc:2"]);
    assert_eq!(words("start_uname").len(), 3);
    for (rsc, node) in words("start_resource").iter().zip(words("start_uname")) {
        assert_eq!(decision.place(rsc), node);
    }
    assert_eq!(decision.attribute(step, "CRM_meta_notify_type"), Some("post"));
    assert_eq!(decision.attribute(step, "CRM_meta_notify_operation"), Some("start"));
}

/// *Pacemaker Explained* 10.2.10, "Monitoring Promotable Clone Resources".
#[test]
fn ex_10_10_each_role_has_its_monitor_and_a_parameter_needs_an_id() {
    let cib = promotable(pair(), "db", &SCORES);
    let decision = cib.decide();
    assert!(decision.does("db_monitor_60000 amber"));
    assert!(!decision.does("db_monitor_61000 amber"));
    decision.assert_order(&["db_promote_0 birch", "db_monitor_61000 birch"]);
    assert!(!decision.does("db_monitor_60000 birch"));
    let without = cib.text().replace("<nvpair id='db-p'", "<nvpair");
    let found = crate::world::findings(&without);
    assert!(found[0].ends_with("<nvpair> needs the attribute id"), "{found:?}");
}

/// *Pacemaker Explained* 10.2.11, "Determining Which Instance is Promoted".
#[test]
fn ex_10_11_a_location_rule_of_the_promoted_role_adds_to_the_promotion_score() {
    let rule = "<rsc_location id='l' rsc='db-clone'><rule id='r' role='Master' score='100'>\
                <expression id='e' attribute='#uname' operation='eq' value='amber'/></rule>\
                </rsc_location>";
    let cib = promotable(pair(), "db", &SCORES);
    assert_eq!(cib.decide().place("db"), "amber, birch promoted");
    assert_eq!(cib.constraints(rule).decide().place("db"), "amber promoted, birch");
    // It adds, so that a higher score still wins.
    let cib = promotable(pair(), "db", &[("amber", "5"), ("birch", "106")]);
    assert_eq!(cib.constraints(rule).decide().place("db"), "amber, birch promoted");
}
