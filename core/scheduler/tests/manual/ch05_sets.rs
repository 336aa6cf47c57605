//! Chapter 5, "Resource Constraints": sets.

use crate::world::{Cib, Decision, dummies, nodes, pair};

const FOUR: [&str; 4] = ["a", "b", "c", "d"];

fn set(id: &str, attributes: &str, members: &[&str]) -> String {
    let members: String = members.iter().map(|rsc| format!("<resource_ref id='{rsc}'/>")).collect();
    format!("<resource_set id='{id}' {attributes}>{members}</resource_set>")
}

fn order(sets: &[String]) -> String {
    format!("<rsc_order id='order'>{}</rsc_order>", sets.concat())
}

fn start(decision: &Decision, rsc: &str) -> String {
    format!("{rsc}_start_0 {}", decision.place(rsc))
}

/// Claims that each of the first start before each of the second.
fn assert_before(decision: &Decision, first: &[&str], second: &[&str]) {
    for (one, two) in first.iter().flat_map(|one| second.iter().map(move |two| (one, two))) {
        decision.assert_order(&[&start(decision, one), &start(decision, two)]);
    }
}

fn assert_free(decision: &Decision, one: &str, other: &str) {
    decision.assert_free(&start(decision, one), &start(decision, other));
}

/// *Pacemaker Explained* 5.6.1, "Ordered Set".
#[test]
fn ex_5_9_a_chain_of_orders_starts_one_after_another() {
    let decision = pair()
        .resources(&dummies(&["r1", "r2", "r3", "r4"]))
        .constraints(
            &[("r1", "r2"), ("r2", "r3"), ("r3", "r4")]
                .map(|(one, two)| format!("<rsc_order id='o{one}' first='{one}' then='{two}'/>"))
                .concat(),
        )
        .decide();
    assert_before(&decision, &["r1"], &["r2"]);
    assert_before(&decision, &["r2"], &["r3"]);
    assert_before(&decision, &["r3"], &["r4"]);
}

/// *Pacemaker Explained* 5.6.1, "Ordered Set".
#[test]
fn ex_5_10_one_sequential_set_makes_the_same_transition_as_the_chain() {
    let ids = ["r1", "r2", "r3", "r4"];
    let chain = ids
        .windows(2)
        .map(|two| format!("<rsc_order id='o-{}' first='{}' then='{}'/>", two[0], two[0], two[1]));
    let chain: String = chain.collect();
    let set = order(&[set("set", "sequential='true'", &ids)]);
    let with = |text: &str| pair().resources(&dummies(&ids)).constraints(text).decide();
    assert_eq!(with(&chain).graph, with(&set).graph);
}

/// *Pacemaker Explained* 5.6.2, "Ordering Multiple Sets".
#[test]
fn ex_5_11_members_of_unordered_sets_start_together_and_sets_one_after_another() {
    let sets = [
        set("one", "sequential='false'", &["a", "b"]),
        set("two", "sequential='false'", &["c", "d"]),
    ];
    let decision = pair().resources(&dummies(&FOUR)).constraints(&order(&sets)).decide();
    assert_before(&decision, &["a", "b"], &["c", "d"]);
    assert_free(&decision, "a", "b");
    assert_free(&decision, "c", "d");
}

/// *Pacemaker Explained* 5.6.2, "Ordering Multiple Sets".
#[test]
fn ex_5_12_an_ordered_set_may_stand_between_unordered_ones() {
    let sets = [
        set("one", "sequential='false'", &["a", "b"]),
        set("two", "sequential='true'", &["c", "d"]),
        set("three", "sequential='false'", &["e", "f"]),
    ];
    let all = dummies(&["a", "b", "c", "d", "e", "f"]);
    let decision = pair().resources(&all).constraints(&order(&sets)).decide();
    assert_before(&decision, &["a", "b"], &["c"]);
    assert_before(&decision, &["c"], &["d"]);
    assert_before(&decision, &["d"], &["e", "f"]);
    assert_free(&decision, "a", "b");
    assert_free(&decision, "e", "f");
}

fn any_of_two() -> Cib {
    let sets = [
        set("one", "sequential='false' require-all='false'", &["a", "b"]),
        set("two", "sequential='false'", &["c"]),
        set("three", "sequential='false'", &["e", "f"]),
    ];
    nodes(&["amber", "birch"])
        .resources(&dummies(&["a", "b", "c", "e", "f"]))
        .constraints(&order(&sets))
}

fn never(rsc: &str) -> String {
    let bans = ["amber", "birch"].map(|node| {
        format!("<rsc_location id='{rsc}-{node}' rsc='{rsc}' node='{node}' score='-INFINITY'/>")
    });
    bans.concat()
}

/// *Pacemaker Explained* 5.6.3, "Resource Set OR Logic".
#[test]
fn ex_5_13_where_not_all_are_required_any_member_of_the_set_is_enough() {
    let decision = any_of_two().decide();
    assert_before(&decision, &["c"], &["e", "f"]);
    assert_free(&decision, "a", "b");
    // Either alone lets the others start, none does not.
    for absent in ["a", "b"] {
        let decision = any_of_two().constraints(&never(absent)).decide();
        let there = if absent == "a" { "b" } else { "a" };
        assert_eq!(decision.place(absent), "");
        assert_before(&decision, &[there], &["c"]);
        assert_before(&decision, &["c"], &["e", "f"]);
    }
    let decision = any_of_two().constraints(&never("a")).constraints(&never("b")).decide();
    assert_eq!(["c", "e", "f"].map(|rsc| decision.place(rsc)), ["", "", ""]);
}

fn likes() -> String {
    "<rsc_location id='like' rsc='a' node='birch' score='100'/>".to_owned()
}

fn places(decision: &Decision) -> [String; 4] {
    FOUR.map(|rsc| decision.place(rsc))
}

fn pairs(members: &[(&str, &str)]) -> String {
    members
        .iter()
        .map(|(rsc, with)| {
            format!("<rsc_colocation id='c-{rsc}' rsc='{rsc}' with-rsc='{with}' score='INFINITY'/>")
        })
        .collect()
}

fn colocation(sets: &[String]) -> String {
    format!("<rsc_colocation id='together' score='INFINITY'>{}</rsc_colocation>", sets.concat())
}

/// What becomes of four when one of them may run nowhere.
fn without(constraints: &str, rsc: &str) -> [String; 4] {
    let cib = pair().resources(&dummies(&FOUR)).constraints(constraints);
    places(&cib.constraints(&never(rsc)).decide())
}

/// *Pacemaker Explained* 5.7, "Colocating Sets of Resources".
#[test]
fn ex_5_14_a_chain_of_colocations_is_placed_from_its_end() {
    let chain = pairs(&[("d", "c"), ("c", "b"), ("b", "a")]);
    let cib = pair().resources(&dummies(&FOUR)).constraints(&chain).constraints(&likes());
    assert_eq!(places(&cib.decide()), ["birch"; 4]);
    assert_eq!(without(&chain, "c"), ["amber", "amber", "", ""]);
}

/// *Pacemaker Explained* 5.7, "Colocating Sets of Resources".
#[test]
fn ex_5_15_in_a_sequential_set_each_is_placed_with_the_one_before_it() {
    let set = colocation(&[set("set", "sequential='true'", &FOUR)]);
    let cib = pair().resources(&dummies(&FOUR)).constraints(&set).constraints(&likes());
    assert_eq!(places(&cib.decide()), ["birch"; 4]);
    assert_eq!(without(&set, "c"), ["amber", "amber", "", ""]);
}

/// *Pacemaker Explained* 5.7, "Colocating Sets of Resources".
#[test]
fn ex_5_16_members_of_an_unordered_set_are_each_placed_with_the_first_alone() {
    let sets = [set("many", "sequential='false'", &["b", "c", "d"]), set("one", "", &["a"])];
    let set = colocation(&sets);
    let cib = pair().resources(&dummies(&FOUR)).constraints(&set).constraints(&likes());
    assert_eq!(places(&cib.decide()), ["birch"; 4]);
    assert_eq!(without(&set, "c"), ["amber", "amber", "", "amber"]);
    assert_eq!(without(&set, "a"), ["", "", "", ""]);
}

/// *Pacemaker Explained* 5.7, "Colocating Sets of Resources".
#[test]
fn ex_5_17_three_sets_are_placed_from_the_promoted_last_to_the_first() {
    let clone = |id: &str| {
        format!(
            "<clone id='{id}-clone'><meta_attributes id='{id}-m'>\
             <nvpair id='{id}-p' name='promotable' value='true'/></meta_attributes>\
             <primitive id='{id}' class='ocf' provider='pacemaker' type='Stateful'/></clone>"
        )
    };
    let sets = [
        set("s1", "sequential='true'", &["f", "g"]),
        set("s2", "sequential='false'", &["c", "d", "e"]),
        set("s3", "sequential='true' role='Promoted'", &["a-clone", "b-clone"]),
    ];
    let cib = pair()
        .resources(&[clone("a"), clone("b")].concat())
        .resources(&dummies(&["c", "d", "e", "f", "g"]))
        .constraints(&colocation(&sets));
    let mut cib = cib;
    for rsc in ["a", "b"] {
        for (node, score) in [("amber", "5"), ("birch", "10")] {
            cib = cib.transient(node, &format!("master-{rsc}"), score);
            cib = cib.ran(node, rsc, "ocf:pacemaker:Stateful", "start", 0);
        }
    }
    let decision = cib.decide();
    for rsc in ["a", "b"] {
        assert_eq!(decision.place(rsc), "amber, birch promoted");
    }
    assert_eq!(["c", "d", "e", "f", "g"].map(|rsc| decision.place(rsc)), ["birch"; 5]);
    let decision = cib.constraints(&never("d")).decide();
    assert_eq!(["c", "d", "e"].map(|rsc| decision.place(rsc)), ["birch", "", "birch"]);
}
