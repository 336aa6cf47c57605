//! Chapter 5, "Resource Constraints", up to colocation.

use crate::world::{Cib, dummies, nodes, pair, primitive};

fn location(rsc: &str, node: &str, score: &str) -> String {
    format!("<rsc_location id='{rsc}-{node}' rsc='{rsc}' node='{node}' score='{score}'/>")
}

fn three() -> Cib {
    nodes(&["amber", "birch", "cedar"]).resources(&dummies(&["web", "db"]))
}

/// *Pacemaker Explained* 5.2.2, "Asymmetrical Opt-In Clusters".
#[test]
fn ex_5_1_in_an_opt_in_cluster_resources_run_only_where_they_are_listed() {
    let cib = three().option("symmetric-cluster", "false");
    assert_eq!(cib.decide().place("web"), "");
    let cib = cib.constraints(&location("web", "amber", "200"));
    let cib = cib.constraints(&location("web", "cedar", "0"));
    let cib = cib.constraints(&location("db", "birch", "200"));
    let cib = cib.constraints(&location("db", "cedar", "0"));
    let decision = cib.decide();
    assert_eq!(decision.place("web"), "amber");
    assert_eq!(decision.place("db"), "birch");
    // A score of 0 allows.
    let cib = cib.attribute("amber", "standby", "true").attribute("birch", "standby", "true");
    let decision = cib.decide();
    assert_eq!(decision.place("web"), "cedar");
    assert_eq!(decision.place("db"), "cedar");
    let decision = cib.attribute("cedar", "standby", "true").decide();
    assert_eq!(decision.work(), [""; 0]);
}

/// *Pacemaker Explained* 5.2.3, "Symmetrical Opt-Out Clusters".
#[test]
fn ex_5_2_an_opt_out_cluster_can_say_the_same() {
    let bans = [("web", "birch"), ("db", "amber")].map(|(r, n)| location(r, n, "-INFINITY"));
    let likes = [("web", "amber"), ("db", "birch")].map(|(r, n)| location(r, n, "200"));
    let cib = three().constraints(&bans.concat()).constraints(&likes.concat());
    let decision = cib.decide();
    assert_eq!(decision.place("web"), "amber");
    assert_eq!(decision.place("db"), "birch");
    let cib = cib.attribute("amber", "standby", "true");
    assert_eq!(cib.decide().place("web"), "cedar");
    let decision = cib.attribute("cedar", "standby", "true").decide();
    assert_eq!(decision.place("web"), "");
    assert_eq!(decision.place("db"), "birch");
}

/// *Pacemaker Explained* 5.2.4, "What if Two Nodes Have the Same Score".
#[test]
fn ex_5_3_equal_scores_spread_the_load_and_are_decided_alike_each_time() {
    let likes = [
        location("web", "amber", "INFINITY"),
        location("web", "birch", "INFINITY"),
        location("db", "amber", "500"),
        location("db", "birch", "300"),
        "<rsc_location id='db-more' rsc='db' node='birch' score='200'/>".to_owned(),
    ];
    let cib = pair().resources(&dummies(&["web", "db"])).constraints(&likes.concat());
    let decision = cib.decide();
    assert_eq!(decision.place("web"), "amber");
    assert_eq!(decision.place("db"), "birch");
    assert_eq!(cib.decide().steps(), decision.steps());
}

/// *Pacemaker Explained* 5.3.2, "Optional and mandatory ordering".
#[test]
fn ex_5_4_a_mandatory_order_moves_what_follows_and_an_optional_one_only_orders() {
    let order = |kind: &str| {
        let text =
            format!("<rsc_order id='order' first='db' then='web' first-action='start' {kind}/>");
        pair().resources(&dummies(&["web", "db"])).constraints(&text)
    };
    for kind in ["kind='Optional'", "kind='Mandatory'", ""] {
        let decision = order(kind).decide();
        let (db, web) = (decision.place("db"), decision.place("web"));
        decision.assert_order(&[&format!("db_start_0 {db}"), &format!("web_start_0 {web}")]);
        // Stopped the other way round.
        let both = order(kind).active("db", "amber").active("web", "birch");
        let stop = both.option("stop-all-resources", "true").decide();
        stop.assert_order(&["web_stop_0 birch", "db_stop_0 amber"]);
    }
    // Only the first has to move.
    let moved = |kind: &str| {
        let cib = order(kind).active("db", "amber").active("web", "birch");
        cib.attribute("amber", "standby", "true").decide()
    };
    assert!(!moved("kind='Optional'").does("web_stop_0 birch"));
    moved("kind='Mandatory'").assert_order(&[
        "web_stop_0 birch",
        "db_stop_0 amber",
        "db_start_0 birch",
        "web_start_0 birch",
    ]);
    // The first cannot run at all.
    let never = |kind: &str| {
        let bans = ["amber", "birch"].map(|node| location("db", node, "-INFINITY")).concat();
        order(kind).constraints(&bans).decide().place("web")
    };
    assert_eq!(never("kind='Mandatory'"), "");
    assert_ne!(never("kind='Optional'"), "");
}

fn colocation(score: &str) -> String {
    format!("<rsc_colocation id='with' rsc='web' with-rsc='db' score='{score}'/>")
}

/// *Pacemaker Explained* 5.4.2, "Mandatory Placement".
#[test]
fn ex_5_5_an_infinite_colocation_keeps_two_together_or_stops_the_dependent() {
    let cib = pair()
        .resources(&dummies(&["web", "db"]))
        .constraints(&colocation("INFINITY"))
        .constraints(&location("db", "birch", "100"))
        .constraints(&location("web", "amber", "50"));
    let decision = cib.decide();
    assert_eq!(decision.place("db"), "birch");
    assert_eq!(decision.place("web"), "birch");
    let bans = ["amber", "birch"].map(|node| {
        format!("<rsc_location id='no-{node}' rsc='db' node='{node}' score='-INFINITY'/>")
    });
    let decision = cib.constraints(&bans.concat()).decide();
    assert_eq!(decision.place("db"), "");
    assert_eq!(decision.place("web"), "");
}

/// *Pacemaker Explained* 5.4.2, "Mandatory Placement".
#[test]
fn ex_5_6_two_that_exclude_each_other_never_share_a_node() {
    let cib = pair().resources(&dummies(&["web", "db"])).constraints(&colocation("-INFINITY"));
    let cib = cib.constraints(&location("db", "amber", "100"));
    let cib = cib.constraints(&location("web", "amber", "50"));
    let decision = cib.decide();
    assert_eq!(decision.place("db"), "amber");
    assert_eq!(decision.place("web"), "birch");
    // Only what is looked for on the same node is waited for.
    decision.assert_order(&["db_monitor_0 birch", "web_start_0 birch"]);
    assert!(!decision.waits("web_start_0 birch", "db_monitor_0 amber"));
    let decision = cib.attribute("birch", "standby", "true").decide();
    assert_eq!(decision.place("db"), "amber");
    assert_eq!(decision.place("web"), "");
}

/// *Pacemaker Explained* 5.4.3, "Advisory Placement".
#[test]
fn ex_5_7_a_finite_colocation_gives_way_to_stickiness_and_location() {
    let cib = pair()
        .resources(&dummies(&["web", "db"]))
        .constraints(&colocation("500"))
        .constraints(&location("db", "birch", "INFINITY"));
    assert_eq!(cib.decide().place("web"), "birch");
    let banned = cib.clone().constraints(&location("web", "birch", "-INFINITY")).decide();
    assert_eq!(banned.place("web"), "amber");
    assert_eq!(banned.place("db"), "birch");
    let sticky = |stickiness: &str| {
        let meta = crate::world::block(
            "meta_attributes",
            "defaults",
            &[("resource-stickiness", stickiness)],
        );
        let cib = cib.clone().section(&format!("<rsc_defaults>{meta}</rsc_defaults>"));
        cib.active("web", "amber").decide().place("web")
    };
    assert_eq!(sticky("1000"), "amber");
    assert_eq!(sticky("100"), "birch");
}

const TRIO: &str = "<resource_set id='set'><resource_ref id='a'/><resource_ref id='b'/>\
                    <resource_ref id='c'/></resource_set>";

/// *Pacemaker Explained* 5.5, "Resource Sets".
#[test]
fn ex_5_8_a_bare_set_of_three_is_read_in_each_kind_of_constraint() {
    let with = |text: &str| pair().resources(&dummies(&["a", "b", "c"])).constraints(text);
    let order = with(&format!("<rsc_order id='o'>{TRIO}</rsc_order>")).decide();
    let at = |rsc: &str| format!("{rsc}_start_0 {}", order.place(rsc));
    order.assert_order(&[&at("a"), &at("b"), &at("c")]);
    let colocated = "<rsc_colocation id='o' score='INFINITY'>";
    let together = with(&format!("{colocated}{TRIO}</rsc_colocation>")).decide();
    let places = ["a", "b", "c"].map(|rsc| together.place(rsc));
    assert_eq!(places, ["amber", "amber", "amber"]);
    let location = "<rsc_location id='o' node='birch' score='100'>";
    let there = with(&format!("{location}{TRIO}</rsc_location>")).decide();
    assert_eq!(["a", "b", "c"].map(|rsc| there.place(rsc)), ["birch", "birch", "birch"]);
    let ticket = "<rsc_ticket id='o' ticket='site' loss-policy='stop'>";
    let ticket = with(&format!("{ticket}{TRIO}</rsc_ticket>"));
    assert_eq!(ticket.decide().work(), [""; 0]);
    let granted = ticket.ticket("<ticket_state id='site' granted='true'/>").decide();
    assert!(["a", "b", "c"].iter().all(|rsc| !granted.place(rsc).is_empty()));
}

/// A resource that is configured in a set is no less a resource.
#[test]
fn a_set_leaves_what_it_does_not_name_alone() {
    let text = format!("<rsc_colocation id='o' score='INFINITY'>{TRIO}</rsc_colocation>");
    let all = dummies(&["a", "b", "c"]) + &primitive("other", "");
    assert_eq!(pair().resources(&all).constraints(&text).decide().place("other"), "birch");
}
