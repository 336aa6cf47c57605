//! Appendix A, "Sample Configurations".

use crate::world::{Decision, decide, findings};
use diarch_cib::upgrade::{Dialect, upgrade};
use diarch_cib::xml::Document;

/// What is decided in the old dialect and, the same, after an upgrade.
fn both(configuration: &str, status: &str) -> Decision {
    let text = format!(
        "<cib admin_epoch='0' epoch='1' num_updates='0' validate-with='pacemaker-1.2' \
         have-quorum='1'><configuration>{configuration}</configuration><status>{status}</status>\
         </cib>"
    );
    assert_eq!(findings(&text), [""; 0]);
    let mut document = Document::parse(&text).unwrap();
    upgrade(&mut document, Some(Dialect::NEWEST)).unwrap();
    let newest = document.write();
    assert_eq!(findings(&newest), [""; 0], "{newest}");
    let (old, new) =
        (decide(&text, "2023-11-14 22:13:20Z"), decide(&newest, "2023-11-14 22:13:20Z"));
    assert_eq!(new.steps(), old.steps());
    old
}

fn online(ids: &[&str]) -> String {
    ids.iter()
        .map(|id| {
            format!(
                "<node_state id='{id}' uname='{id}' in_ccm='true' crmd='online' join='member' \
                 expected='member'><lrm id='{id}'><lrm_resources/></lrm></node_state>"
            )
        })
        .collect()
}

const NODES: &str = "<nodes><node id='amber' uname='amber' type='normal'/>\
                     <node id='birch' uname='birch' type='normal'/></nodes>";

/// *Pacemaker Explained* A.1, "Empty".
#[test]
fn ex_a_1_an_empty_configuration_is_upgraded_and_asks_for_nothing() {
    let decision = both("<crm_config/><nodes/><resources/><constraints/>", "");
    assert_eq!(decision.steps(), [""; 0]);
}

/// *Pacemaker Explained* A.2, "Simple".
#[test]
fn ex_a_2_a_simple_configuration_is_upgraded_and_runs_on_the_node_that_it_prefers() {
    let configuration = format!(
        "<crm_config><cluster_property_set id='cib-bootstrap-options'><nvpair id='o1' \
         name='symmetric-cluster' value='true'/><nvpair id='o2' name='no-quorum-policy' \
         value='stop'/><nvpair id='o3' name='stonith-enabled' value='0'/>\
         </cluster_property_set></crm_config>{NODES}<resources><primitive id='addr' class='ocf' \
         provider='heartbeat' type='IPaddr'><operations><op id='op' name='monitor' \
         interval='300s'/></operations><instance_attributes id='p'><nvpair id='p1' name='ip' \
         value='192.0.2.30'/></instance_attributes></primitive></resources><constraints>\
         <rsc_location id='l' rsc='addr' node='amber' score='INFINITY'/></constraints>\
         <rsc_defaults><meta_attributes id='d'><nvpair id='d1' name='resource-stickiness' \
         value='INFINITY'/></meta_attributes></rsc_defaults>"
    );
    let decision = both(&configuration, &online(&["amber", "birch"]));
    assert_eq!(decision.place("addr"), "amber");
    assert_eq!(decision.attribute("addr_start_0 amber", "ip"), Some("192.0.2.30"));
    decision.assert_order(&["addr_start_0 amber", "addr_monitor_300000 amber"]);
}

/// *Pacemaker Explained* A.3, "Advanced Configuration".
#[test]
fn ex_a_3_groups_clones_and_fencing_are_upgraded_and_run() {
    let configuration = format!(
        "<crm_config><cluster_property_set id='cib-bootstrap-options'><nvpair id='o1' \
         name='stonith-enabled' value='true'/></cluster_property_set></crm_config>{NODES}\
         <resources><primitive id='disk' class='ocf' provider='pacemaker' type='Dummy'/>\
         <group id='address'><primitive id='a1' class='ocf' provider='heartbeat' \
         type='IPaddr'/><primitive id='a2' class='ocf' provider='heartbeat' type='IPaddr'/>\
         </group><master id='replica'><primitive id='db' class='ocf' provider='pacemaker' \
         type='Stateful'/></master><clone id='fencing'><meta_attributes id='cm'><nvpair \
         id='cm1' name='globally-unique' value='false'/></meta_attributes><primitive id='gun' \
         class='stonith' type='external/ssh'><operations><op id='gun-m' name='monitor' \
         interval='5s'/></operations><instance_attributes id='gp'><nvpair id='gp1' \
         name='hostlist' value='amber birch'/></instance_attributes></primitive></clone>\
         </resources><constraints><rsc_location id='l' rsc='address' node='birch' \
         score='500'/><rsc_location id='w' rsc='disk'><rule id='r' score='INFINITY'>\
         <expression id='e' attribute='#uname' operation='eq' value='amber'/></rule>\
         </rsc_location></constraints>"
    );
    let decision = both(&configuration, &online(&["amber", "birch"]));
    assert_eq!(["a1", "a2"].map(|rsc| decision.place(rsc)), ["birch", "birch"]);
    assert_eq!(decision.place("disk"), "amber");
    assert_eq!(decision.place("db"), "amber, birch");
    assert_eq!(decision.place("gun"), "amber, birch");
    decision.assert_order(&["a1_start_0 birch", "a2_start_0 birch"]);
}
