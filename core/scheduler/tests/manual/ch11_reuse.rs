//! Chapter 11, "Reusing Parts of the Configuration".

use crate::world::{Cib, Decision, dummies, dummy, pair};

const PARTS: &str = "<meta_attributes id='t-m'><nvpair id='t-mm' name='allow-migrate' \
                     value='true'/></meta_attributes><utilization id='t-u'><nvpair id='t-um' \
                     name='memory' value='512'/></utilization><operations><op id='t-o1' \
                     name='monitor' interval='15s' timeout='60s'/><op id='t-o2' name='start' \
                     interval='0' timeout='90s'/><op id='t-o3' name='stop' interval='0' \
                     timeout='100s'/></operations>";

fn template() -> String {
    format!("<template id='vm' class='ocf' provider='heartbeat' type='Xen'>{PARTS}</template>")
}

fn instance(inside: &str) -> String {
    format!("<primitive id='vm1' template='vm'>{inside}</primitive>")
}

fn capable(resources: &str) -> Cib {
    let mut cib = pair().option("placement-strategy", "utilization").resources(resources);
    for node in ["amber", "birch"] {
        let capacity = format!(
            "<utilization id='u-{node}'><nvpair id='u-{node}-m' name='memory' value='600'/>\
             </utilization>"
        );
        cib = cib.in_node(node, &capacity);
    }
    cib
}

/// *Pacemaker Explained* 11.1.1, "Configuring Resources with Templates".
#[test]
fn ex_11_1_a_template_is_valid_and_no_resource() {
    assert_eq!(capable(&template()).decide().steps(), [""; 0]);
}

fn assert_from_template(decision: &Decision) {
    assert_eq!(decision.place("vm1"), "amber");
    let timeout = |step| decision.attribute(step, "CRM_meta_timeout");
    assert_eq!(timeout("vm1_start_0 amber"), Some("90000"));
    assert_eq!(timeout("vm1_monitor_15000 amber"), Some("60000"));
}

/// *Pacemaker Explained* 11.1.1, "Configuring Resources with Templates".
#[test]
fn ex_11_2_a_primitive_has_all_that_its_template_has() {
    let cib = capable(&(template() + &instance("")));
    assert_from_template(&cib.decide());
    let second = "<primitive id='vm2' template='vm'/><primitive id='vm3' template='vm'/>";
    let full = cib.resources(second).decide();
    // Each needs what the template says, and each node has room for one.
    assert_eq!(["vm1", "vm2", "vm3"].map(|rsc| full.place(rsc)), ["amber", "birch", ""]);
}

/// *Pacemaker Explained* 11.1.1, "Configuring Resources with Templates".
#[test]
fn ex_11_3_a_primitive_by_template_is_decided_like_one_written_out() {
    let text = format!(
        "<primitive id='vm1' class='ocf' provider='heartbeat' type='Xen'>{PARTS}</primitive>"
    );
    let (plain, short) = (capable(&text).decide(), capable(&(template() + &instance(""))).decide());
    assert_from_template(&plain);
    assert_eq!(short.graph, plain.graph);
}

/// *Pacemaker Explained* 11.1.1, "Configuring Resources with Templates".
#[test]
fn ex_11_4_what_a_primitive_says_itself_stands_before_its_template() {
    let own = "<meta_attributes id='m'><nvpair id='mm' name='allow-migrate' value='false'/>\
               </meta_attributes><utilization id='u'><nvpair id='um' name='memory' \
               value='1024'/></utilization><operations><op id='o1' name='monitor' \
               interval='45s' timeout='20s'/><op id='o2' name='stop' interval='0' \
               timeout='200s'/></operations>";
    let resources = template() + &instance(own);
    assert_eq!(capable(&resources).decide().place("vm1"), "");
    let decision = pair().resources(&resources).decide();
    // An operation of the same name and role takes the place of the template's.
    assert!(!decision.does("vm1_monitor_15000 amber"));
    assert!(decision.does("vm1_monitor_45000 amber"));
    let running = pair().resources(&resources).ran("amber", "vm1", "ocf:heartbeat:Xen", "start", 0);
    let moved = running.attribute("amber", "standby", "true").decide();
    let timeout = moved.attribute("vm1_stop_0 amber", "CRM_meta_timeout");
    assert_eq!(timeout, Some("200000"));
    assert!(!moved.does("vm1_migrate_to_0 amber"));
}

/// *Pacemaker Explained* 11.2, "Reusing Rules, Options and Sets of Operations".
#[test]
fn ex_11_5_a_rule_may_be_used_by_a_second_constraint() {
    let constraints = "<rsc_location id='l1' rsc='web'><rule id='shared' score='-INFINITY'>\
                       <expression id='e' attribute='#uname' operation='eq' value='amber'/>\
                       </rule></rsc_location><rsc_location id='l2' rsc='db'>\
                       <rule id-ref='shared'/></rsc_location>";
    let cib = pair().resources(&dummies(&["web", "db"])).constraints(constraints);
    let decision = cib.decide();
    assert_eq!([decision.place("web"), decision.place("db")], ["birch", "birch"]);
}

/// *Pacemaker Explained* 11.2, "Reusing Rules, Options and Sets of Operations".
#[test]
fn ex_11_6_parameters_options_and_operations_may_be_those_of_another() {
    let first = "<primitive id='one' class='ocf' provider='pacemaker' type='Dummy'>\
                 <instance_attributes id='p'><nvpair id='p1' name='fake' value='north'/>\
                 </instance_attributes><meta_attributes id='m'><nvpair id='m1' \
                 name='resource-stickiness' value='7'/></meta_attributes><operations id='ops'>\
                 <op id='o1' name='monitor' interval='30s' timeout='11s'/></operations>\
                 </primitive>";
    let second = "<primitive id='two' class='ocf' provider='pacemaker' type='Dummy'>\
                  <instance_attributes id-ref='p'/><meta_attributes id-ref='m'/>\
                  <operations id-ref='ops'/></primitive>";
    let decision = pair().resources(first).resources(second).decide();
    assert_eq!(decision.place("two"), "birch");
    assert_eq!(decision.attribute("two_start_0 birch", "fake"), Some("north"));
    let timeout = decision.attribute("two_monitor_30000 birch", "CRM_meta_timeout");
    assert_eq!(timeout, Some("11000"));
    // One id for two operations is refused.
    let twice =
        first.replace("</operations>", "<op id='o1' name='stop' interval='0'/></operations>");
    let found = pair().resources(&twice).findings();
    assert!(found[0].contains("the id \"o1\" is already that of"), "{found:?}");
}

const TAG: &str = "<tags><tag id='vms'><obj_ref id='vm1'/><obj_ref id='vm2'/>\
                   <obj_ref id='vm3'/></tag></tags>";

/// *Pacemaker Explained* 11.3.1, "Configuring Tags".
#[test]
fn ex_11_7_a_tag_names_several_and_changes_nothing_of_them() {
    let cib = pair().resources(&dummies(&["vm1", "vm2", "vm3"]));
    let tagged = cib.clone().section(TAG).decide();
    assert_eq!(tagged.graph, cib.decide().graph);
}

/// *Pacemaker Explained* 11.3.2, "Using Tags in Constraints and Resource Sets".
#[test]
fn ex_11_8_an_order_of_a_tag_holds_for_each_of_its_members() {
    let order = "<rsc_order id='o' first='store' then='vms' kind='Mandatory'/>";
    let cib = pair()
        .resources(&dummy("store"))
        .resources(&dummies(&["vm1", "vm2", "vm3"]))
        .constraints(order)
        .section(TAG);
    let decision = cib.decide();
    let at = |rsc: &str| format!("{rsc}_start_0 {}", decision.place(rsc));
    for rsc in ["vm1", "vm2", "vm3"] {
        decision.assert_order(&[&at("store"), &at(rsc)]);
    }
    decision.assert_free(&at("vm1"), &at("vm2"));
}

/// *Pacemaker Explained* 11.3.2, "Using Tags in Constraints and Resource Sets".
#[test]
fn ex_11_9_orders_of_each_member_do_what_the_order_of_the_tag_does() {
    let cib = pair().resources(&dummy("store")).resources(&dummies(&["vm1", "vm2", "vm3"]));
    let each = ["vm1", "vm2", "vm3"].map(|rsc| {
        format!("<rsc_order id='o-{rsc}' first='store' then='{rsc}' kind='Mandatory'/>")
    });
    let order = "<rsc_order id='o' first='store' then='vms' kind='Mandatory'/>";
    let tagged = cib.clone().section(TAG).constraints(order).decide();
    assert_eq!(tagged.graph, cib.constraints(&each.concat()).decide().graph);
}
