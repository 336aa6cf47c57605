//! The step to 4.0.

use super::*;

/// Checks the step from 3.10 to 4.0.
#[track_caller]
fn step(before: &str, after: &str, hints: &[&str]) {
    check("3.10", "4.0", before, after, hints);
}

#[test]
fn a_reference_stays_one_and_a_lost_definition_goes_to_the_first_that_needs_it() {
    step(
        "<resources><primitive id=\"a\"><meta_attributes id=\"m\">\
         <nvpair id=\"x\" name=\"priority\" value=\"1\"/></meta_attributes></primitive>\
         <primitive id=\"b\"><meta_attributes id-ref=\"m\"/></primitive></resources>",
        "<resources><primitive id=\"a\"><meta_attributes id=\"m\">\
         <nvpair id=\"x\" name=\"priority\" value=\"1\"/></meta_attributes></primitive>\
         <primitive id=\"b\"><meta_attributes id-ref=\"m\"/></primitive></resources>",
        &[],
    );
    step(
        "<resources><primitive id=\"a\" class=\"upstart\"><meta_attributes id=\"m\">\
         <nvpair id=\"x\" name=\"priority\" value=\"1\"/></meta_attributes></primitive>\
         <primitive id=\"b\"><meta_attributes id-ref=\"m\"/></primitive>\
         <primitive id=\"c\"><meta_attributes id-ref=\"m\"/></primitive></resources>",
        "<resources><primitive id=\"b\"><meta_attributes id=\"m\">\
         <nvpair id=\"x\" name=\"priority\" value=\"1\"/></meta_attributes></primitive>\
         <primitive id=\"c\"><meta_attributes id-ref=\"m\"/></primitive></resources>",
        &["a: dropped"],
    );
}

#[test]
fn a_reference_that_comes_to_mean_something_else_gets_an_id_of_its_own() {
    step(
        "<crm_config><cluster_property_set id=\"s\"><nvpair id-ref=\"x\"/>\
         </cluster_property_set></crm_config><resources><primitive id=\"a\">\
         <instance_attributes id=\"i\"><nvpair id=\"x\" name=\"crmd-transition-delay\" \
         value=\"1\"/></instance_attributes></primitive></resources>",
        "<crm_config><cluster_property_set id=\"s\">\
         <nvpair id=\"pcmk__3_10_upgrade-x\" name=\"transition-delay\" value=\"1\"/>\
         </cluster_property_set></crm_config><resources><primitive id=\"a\">\
         <instance_attributes id=\"i\"><nvpair id=\"x\" name=\"crmd-transition-delay\" \
         value=\"1\"/></instance_attributes></primitive></resources>",
        &[],
    );
}

#[test]
fn references_in_a_circle_or_without_end_do_no_harm() {
    let circle = "<resources><primitive id=\"a\"><meta_attributes id=\"m\"><rule id=\"r\">\
                  <rule id-ref=\"r\"/></rule></meta_attributes></primitive></resources>";
    step(circle, circle, &[]);
    let mut rules = String::from("<rule id=\"r0\"/>");
    for at in 1..40 {
        let below = at - 1;
        rules += &format!(
            "<rule id=\"r{at}\"><rule id-ref=\"r{below}\"/><rule id-ref=\"r{below}\"/></rule>"
        );
    }
    let mut document = cib("3.10", &format!("<constraints>{rules}</constraints>"));
    assert_eq!(upgrade(&mut document, None), Err(UpgradeError::TooLarge));
}

#[test]
fn sets_stand_in_the_order_in_which_they_count() {
    let set = |id: &str, score: &str| format!("<cluster_property_set id=\"{id}\"{score}/>");
    let [low, high, plain, best, worst] = [
        set("low", " score=\"-5\""),
        set("high", " score=\"5\""),
        set("plain", ""),
        set("best", " score=\"INFINITY\""),
        set("worst", " score=\"-INFINITY\""),
    ];
    let first = set("cib-bootstrap-options", " score=\"-9\"");
    step(
        &format!("<crm_config>{worst}{low}{high}{plain}{first}{best}</crm_config>"),
        &format!("<crm_config>{first}{best}{high}{plain}{low}{worst}</crm_config>"),
        &[],
    );
}

#[test]
fn a_set_says_every_name_once() {
    step(
        "<rsc_defaults><meta_attributes id=\"m\"><nvpair id=\"a\" name=\"x\" value=\"1\"/>\
         <nvpair id=\"b\" name=\"x\" value=\"2\"/><nvpair id=\"c\" name=\"y\"/>\
         <nvpair id=\"d\" name=\"z\" value=\"3\"/>\
         <nvpair id=\"e\" name=\"z\" value=\"#default\"/></meta_attributes></rsc_defaults>",
        "<rsc_defaults><meta_attributes id=\"m\"><nvpair id=\"a\" name=\"x\" value=\"1\"/>\
         <nvpair id=\"e\" name=\"z\" value=\"#default\"/></meta_attributes></rsc_defaults>",
        &["c: dropped", "b: dropped", "d: dropped"],
    );
}

#[test]
fn several_rules_of_a_set_are_one_that_asks_for_any() {
    step(
        "<rsc_defaults><meta_attributes id=\"m\"><rule id=\"r\" score=\"1\"/><rule id=\"s\"/>\
         </meta_attributes></rsc_defaults>",
        "<rsc_defaults><meta_attributes id=\"m\">\
         <rule id=\"pcmk__3_10_upgrade-m-rule\" boolean-op=\"or\"><rule id=\"r\"/>\
         <rule id=\"s\"/></rule></meta_attributes></rsc_defaults>",
        &[],
    );
}

#[test]
fn options_and_containers_have_new_names() {
    step(
        "<crm_config><cluster_property_set id=\"s\">\
         <nvpair id=\"a\" name=\"crmd-finalization-timeout\" value=\"1\"/>\
         <nvpair id=\"b\" name=\"crmd-integration-timeout\" value=\"1\"/>\
         <nvpair id=\"c\" name=\"stonith-action\" value=\"poweroff\"/>\
         <nvpair id=\"d\" name=\"remove-after-stop\" value=\"true\"/></cluster_property_set>\
         </crm_config><resources><bundle id=\"e\"><docker image=\"i\" masters=\"1\" \
         replicas=\"2\"/></bundle></resources>",
        "<crm_config><cluster_property_set id=\"s\">\
         <nvpair id=\"a\" name=\"join-finalization-timeout\" value=\"1\"/>\
         <nvpair id=\"b\" name=\"join-integration-timeout\" value=\"1\"/>\
         <nvpair id=\"c\" name=\"stonith-action\" value=\"off\"/></cluster_property_set>\
         </crm_config><resources><bundle id=\"e\"><docker image=\"i\" promoted-max=\"1\" \
         replicas=\"2\"/></bundle></resources>",
        &["d: dropped"],
    );
}

#[test]
fn a_rule_without_its_moon_is_wider_and_this_is_said() {
    step(
        "<constraints><rsc_location id=\"l\" rsc=\"a\"><rule id=\"r\"><date_expression id=\"e\" \
         operation=\"date_spec\"><date_spec id=\"d\" weekdays=\"5\" moon=\"4\"/>\
         </date_expression></rule></rsc_location></constraints>",
        "<constraints><rsc_location id=\"l\" rsc=\"a\"><rule id=\"r\"><date_expression id=\"e\" \
         operation=\"date_spec\"><date_spec id=\"d\" weekdays=\"5\"/>\
         </date_expression></rule></rsc_location></constraints>",
        &["d: widened: moon"],
    );
}

#[test]
fn a_fencing_level_above_nine_is_dropped() {
    step(
        "<fencing-topology><fencing-level id=\"a\" index=\"9\"/>\
         <fencing-level id=\"b\" index=\"10\"/></fencing-topology>",
        "<fencing-topology><fencing-level id=\"a\" index=\"9\"/></fencing-topology>",
        &["b: dropped"],
    );
}

#[test]
fn a_master_is_a_promotable_clone() {
    step(
        "<resources><master id=\"m\"><primitive id=\"p\"/></master></resources>",
        "<resources><clone id=\"m\"><meta_attributes \
         id=\"pcmk__3_10_upgrade-meta_attributes-m\" score=\"INFINITY\">\
         <nvpair id=\"pcmk__3_10_upgrade-meta_attributes-m-promotable\" name=\"promotable\" \
         value=\"true\"/></meta_attributes><primitive id=\"p\"/></clone></resources>",
        &[],
    );
}

#[test]
fn a_ping_node_is_a_member_that_everything_avoids() {
    step(
        "<nodes><node id=\"1\" uname=\"a\" type=\"ping\"/></nodes><constraints/>",
        "<nodes><node id=\"1\" uname=\"a\" type=\"member\"/></nodes><constraints>\
         <rsc_location id=\"pcmk__3_10_upgrade-ping-node-1\" rsc-pattern=\".*\" \
         resource-discovery=\"never\"><rule id=\"pcmk__3_10_upgrade-ping-node-1-rule\" \
         score=\"-INFINITY\" boolean-op=\"or\">\
         <expression id=\"pcmk__3_10_upgrade-ping-node-1-rule-expr\" attribute=\"#uname\" \
         operation=\"eq\" value=\"a\"/></rule></rsc_location></constraints>",
        &["1: changed"],
    );
}

#[test]
fn a_location_with_several_rules_is_split() {
    step(
        "<constraints><rsc_location id=\"l\" rsc=\"a\"><rule id=\"r\" score=\"1\"/>\
         <rule id=\"s\" score=\"2\"/></rsc_location></constraints>\
         <tags><tag id=\"t\"><obj_ref id=\"l\"/></tag></tags>\
         <acls><acl_role id=\"w\"><acl_permission id=\"p\" kind=\"read\" reference=\"l\"/>\
         </acl_role></acls>",
        "<constraints><rsc_location id=\"l\" rsc=\"a\"><rule id=\"r\" score=\"1\"/>\
         </rsc_location><rsc_location id=\"pcmk__3_10_upgrade-l\" rsc=\"a\">\
         <rule id=\"s\" score=\"2\"/></rsc_location></constraints>\
         <tags><tag id=\"t\"><obj_ref id=\"l\"/><obj_ref id=\"pcmk__3_10_upgrade-l\"/></tag>\
         </tags><acls><acl_role id=\"w\"><acl_permission id=\"p\" kind=\"read\" \
         xpath=\"//rsc_location[@id='l' or @id='pcmk__3_10_upgrade-l']\"/></acl_role></acls>",
        &["p: changed"],
    );
}

#[test]
fn a_lifetime_of_a_location_becomes_part_of_its_rules() {
    step(
        "<constraints><rsc_location id=\"l\" rsc=\"a\" node=\"n\" score=\"5\"><lifetime>\
         <rule id=\"t\"/><rule id=\"u\"/></lifetime></rsc_location></constraints>",
        "<constraints><rsc_location id=\"l\" rsc=\"a\">\
         <rule id=\"pcmk__3_10_upgrade-l-rule\" boolean-op=\"and\" score=\"5\">\
         <rule id=\"pcmk__3_10_upgrade-l-node\" boolean-op=\"and\">\
         <expression id=\"pcmk__3_10_upgrade-l-node-expr\" attribute=\"#uname\" \
         operation=\"eq\" value=\"n\"/></rule>\
         <rule id=\"pcmk__3_10_upgrade-l-lifetime\" boolean-op=\"or\"><rule id=\"t\"/>\
         <rule id=\"u\"/></rule></rule></rsc_location></constraints>",
        &[],
    );
    step(
        "<constraints><rsc_location id=\"l\" rsc=\"a\"><rule id=\"r\" score=\"1\"/>\
         <rule id=\"s\" score=\"2\"/><lifetime><rule id=\"t\"/></lifetime></rsc_location>\
         </constraints>",
        "<constraints><rsc_location id=\"l\" rsc=\"a\">\
         <rule id=\"pcmk__3_10_upgrade-l-rule\" boolean-op=\"and\" score=\"1\">\
         <rule id=\"r\"/><rule id=\"t\"/></rule></rsc_location>\
         <rsc_location id=\"pcmk__3_10_upgrade-l\" rsc=\"a\">\
         <rule id=\"pcmk__3_10_upgrade-l-rule-1\" boolean-op=\"and\" score=\"2\">\
         <rule id=\"s\"/><rule id=\"pcmk__3_10_upgrade-t\"/></rule></rsc_location>\
         </constraints>",
        &[],
    );
}

#[test]
fn other_constraints_hold_always_and_their_rules_stay_where_they_are_needed() {
    step(
        "<constraints><rsc_order id=\"o\" first=\"a\" then=\"b\"><lifetime><rule id=\"r\" \
         score=\"1\"/></lifetime></rsc_order><rsc_location id=\"l\" rsc=\"a\">\
         <rule id-ref=\"r\"/></rsc_location></constraints>",
        "<constraints><rsc_order id=\"o\" first=\"a\" then=\"b\"/>\
         <rsc_location id=\"l\" rsc=\"a\"><rule id=\"r\" score=\"1\"/></rsc_location>\
         </constraints>",
        &["o: widened"],
    );
}

#[test]
fn what_cannot_run_any_more_goes_with_all_that_speaks_of_it() {
    step(
        "<resources><template id=\"t\" class=\"nagios\"/><primitive id=\"a\" template=\"t\"/>\
         <clone id=\"c\"><group id=\"g\"><primitive id=\"b\" class=\"upstart\"/></group></clone>\
         <bundle id=\"d\"><rkt image=\"i\"/><primitive id=\"e\"/></bundle>\
         <primitive id=\"k\"/></resources>\
         <constraints><rsc_order id=\"o\" first=\"a\" then=\"k\"/>\
         <rsc_colocation id=\"p\"><resource_set id=\"q\"><resource_ref id=\"e\"/></resource_set>\
         </rsc_colocation><rsc_ticket id=\"s\" rsc=\"k\" ticket=\"x\"/>\
         <rsc_location id=\"u\" rsc=\"v\"/></constraints>\
         <tags><tag id=\"v\"><obj_ref id=\"c\"/></tag><tag id=\"w\"><obj_ref id=\"g\"/>\
         <obj_ref id=\"k\"/></tag></tags><acls><acl_role id=\"r\">\
         <acl_permission id=\"x\" kind=\"write\" reference=\"a\"/>\
         <acl_permission id=\"y\" kind=\"write\" reference=\"k\"/>\
         <acl_permission id=\"z\" kind=\"write\" xpath=\"//k\"/></acl_role></acls>",
        "<resources><primitive id=\"k\"/></resources>\
         <constraints><rsc_ticket id=\"s\" rsc=\"k\" ticket=\"x\"/></constraints>\
         <tags><tag id=\"w\"><obj_ref id=\"k\"/></tag></tags><acls><acl_role id=\"r\">\
         <acl_permission id=\"x\" kind=\"write\" xpath=\"/*[false()]\"/>\
         <acl_permission id=\"y\" kind=\"write\" reference=\"k\"/>\
         <acl_permission id=\"z\" kind=\"write\" xpath=\"//k\"/></acl_role></acls>",
        &[
            "t: dropped",
            "a: dropped",
            "b: dropped",
            "d: dropped",
            "g: dropped",
            "c: dropped",
            "q: dropped",
            "p: dropped",
            "v: dropped",
            "o: dropped",
            "u: dropped",
            "z: changed: permissions by XPath",
            "x: changed: a is gone",
        ],
    );
}

#[test]
fn meta_attributes_without_effect_are_dropped() {
    step(
        "<resources><primitive id=\"p\"><meta_attributes id=\"m\">\
         <nvpair id=\"a\" name=\"restart-type\" value=\"restart\"/></meta_attributes>\
         <operations><op id=\"o\" name=\"monitor\" interval=\"9\"><meta_attributes id=\"n\">\
         <nvpair id=\"b\" name=\"can_fail\" value=\"true\"/>\
         <nvpair id=\"c\" name=\"role_after_failure\" value=\"Stopped\"/></meta_attributes></op>\
         </operations></primitive></resources>",
        "<resources><primitive id=\"p\"><meta_attributes id=\"m\"/>\
         <operations><op id=\"o\" name=\"monitor\" interval=\"9\"><meta_attributes id=\"n\"/></op>\
         </operations></primitive></resources>",
        &["a: dropped", "b: dropped", "c: dropped"],
    );
}
