//! The steps to 2.0 and to 3.0.

use super::*;

#[test]
fn access_control_lists_become_roles_and_permissions() {
    check(
        "1.2",
        "2.0",
        "<acls><acl_role id=\"r\"><read id=\"a\" xpath=\"/cib\" attribute=\"epoch\"/>\
         <write id=\"b\" ref=\"p\"/><deny id=\"c\" tag=\"nvpair\" attribute=\"x\"/></acl_role>\
         <acl_user id=\"alice\"><role_ref id=\"r\"/></acl_user>\
         <acl_user id=\"bob\"><read id=\"d\" xpath=\"//x\"/></acl_user></acls>",
        "<acls><acl_role id=\"r\">\
         <acl_permission id=\"a\" kind=\"read\" xpath=\"/cib[@epoch]\"/>\
         <acl_permission id=\"b\" kind=\"write\" reference=\"p\"/>\
         <acl_permission id=\"c\" kind=\"deny\" object-type=\"nvpair\" attribute=\"x\"/>\
         </acl_role><acl_target id=\"alice\"><role id=\"r\"/></acl_target>\
         <acl_target id=\"bob\"><role id=\"auto-bob\"/></acl_target>\
         <acl_role id=\"auto-bob\"><acl_permission id=\"d\" kind=\"read\" xpath=\"//x\"/>\
         </acl_role></acls>",
        &["a: changed: an attribute joined"],
    );
}

/// One `<cluster_property_set>` with these pairs of name and value.
fn options(pairs: &[(&str, &str)]) -> String {
    let mut text = String::from("<crm_config><cluster_property_set id=\"s\">");
    for (at, (name, value)) in pairs.iter().enumerate() {
        text += &format!("<nvpair id=\"o{at}\" name=\"{name}\" value=\"{value}\"/>");
    }
    text + "</cluster_property_set></crm_config>"
}

#[test]
fn options_have_one_spelling() {
    check(
        "2.10",
        "3.0",
        &options(&[
            ("no_quorum_policy", "stop"),
            ("transition_idle_timeout", "60s"),
            ("x_y", "1"),
            ("stonith_enabled", "false"),
            ("stonith-enabled", "true"),
        ]),
        "<crm_config><cluster_property_set id=\"s\">\
         <nvpair id=\"o0\" name=\"no-quorum-policy\" value=\"stop\"/>\
         <nvpair id=\"o1\" name=\"cluster-delay\" value=\"60s\"/>\
         <nvpair id=\"o2\" name=\"x_y\" value=\"1\"/>\
         <nvpair id=\"o4\" name=\"stonith-enabled\" value=\"true\"/>\
         </cluster_property_set></crm_config>",
        &["o3: dropped: cluster option stonith_enabled"],
    );
}

#[test]
fn options_that_are_defaults_move_to_the_defaults() {
    check(
        "2.10",
        "3.0",
        &options(&[
            ("default-resource-stickiness", "100"),
            ("is_managed_default", "false"),
            ("default-action-timeout", "20s"),
        ]),
        "<crm_config/><rsc_defaults><meta_attributes id=\"_2TO3_-rsc-defaults\">\
         <nvpair id=\"o0\" name=\"resource-stickiness\" value=\"100\"/>\
         <nvpair id=\"o1\" name=\"is-managed\" value=\"false\"/></meta_attributes></rsc_defaults>\
         <op_defaults><meta_attributes id=\"_2TO3_-op-defaults\">\
         <nvpair id=\"o2\" name=\"timeout\" value=\"20s\"/></meta_attributes></op_defaults>",
        &[],
    );
}

#[test]
fn a_failure_stickiness_of_minus_infinity_is_a_threshold_of_one() {
    check(
        "2.10",
        "3.0",
        &options(&[
            ("default-resource-failure-stickiness", "-INFINITY"),
            ("default_resource_failure_stickiness", "-100"),
        ]),
        "<crm_config/><rsc_defaults><meta_attributes id=\"_2TO3_-rsc-defaults\">\
         <nvpair id=\"o0\" name=\"migration-threshold\" value=\"1\"/></meta_attributes>\
         </rsc_defaults>",
        &["o0: changed: a failure stickiness", "o1: dropped: cluster option default_resource"],
    );
    check(
        "2.10",
        "3.0",
        "<resources><primitive id=\"p\"><meta_attributes id=\"m\">\
         <nvpair id=\"a\" name=\"resource-failure-stickiness\" value=\"-INFINITY\"/>\
         <nvpair id=\"b\" name=\"resource-failure-stickiness\" value=\"-1\"/>\
         </meta_attributes></primitive></resources>",
        "<resources><primitive id=\"p\"><meta_attributes id=\"m\">\
         <nvpair id=\"a\" name=\"migration-threshold\" value=\"1\"/>\
         </meta_attributes></primitive></resources>",
        &["a: changed", "b: dropped"],
    );
}

#[test]
fn options_without_effect_are_dropped() {
    check(
        "2.10",
        "3.0",
        &options(&[
            ("cluster-infrastructure", "cman"),
            ("cluster-infrastructure", "corosync"),
            ("expected-quorum-votes", "2"),
            ("notification-agent", "/bin/true"),
            ("notification-recipient", "x"),
            ("default-migration-threshold", "3"),
        ]),
        "<crm_config><cluster_property_set id=\"s\">\
         <nvpair id=\"o1\" name=\"cluster-infrastructure\" value=\"corosync\"/>\
         </cluster_property_set></crm_config>",
        &["o0: dropped", "o2: dropped", "o3: dropped", "o4: dropped", "o5: dropped"],
    );
}

#[test]
fn a_normal_node_is_a_member() {
    check(
        "2.10",
        "3.0",
        "<nodes><node id=\"1\" uname=\"a\" type=\"normal\"/><node id=\"2\" uname=\"b\"/></nodes>",
        "<nodes><node id=\"1\" uname=\"a\" type=\"member\"/><node id=\"2\" uname=\"b\"/></nodes>",
        &[],
    );
}

#[test]
fn fence_parameters_are_renamed() {
    check(
        "2.10",
        "3.0",
        "<resources><primitive id=\"f\" class=\"stonith\"><instance_attributes id=\"i\">\
         <nvpair id=\"a\" name=\"pcmk_reboot_cmd\" value=\"off\"/>\
         <nvpair id=\"b\" name=\"pcmk_arg_map\" value=\"port:plug\"/>\
         <nvpair id=\"c\" name=\"pcmk_arg_map\" value=\"foo:bar\"/>\
         </instance_attributes></primitive></resources>",
        "<resources><primitive id=\"f\" class=\"stonith\"><instance_attributes id=\"i\">\
         <nvpair id=\"a\" name=\"pcmk_reboot_action\" value=\"off\"/>\
         <nvpair id=\"b\" name=\"pcmk_host_argument\" value=\"plug\"/>\
         </instance_attributes></primitive></resources>",
        &["c: dropped: pcmk_arg_map=\"foo:bar\""],
    );
}

#[test]
fn an_isolated_resource_is_disabled() {
    check(
        "2.10",
        "3.0",
        "<resources><primitive id=\"p\"><meta_attributes id=\"m\">\
         <nvpair id=\"a\" name=\"isolation\" value=\"true\"/>\
         <nvpair id=\"b\" name=\"isolation-host\" value=\"h\"/>\
         <nvpair id=\"c\" name=\"target-role\" value=\"Started\"/></meta_attributes></primitive>\
         <primitive id=\"q\"><meta_attributes id=\"n\">\
         <nvpair id=\"d\" name=\"isolation\" value=\"true\"/></meta_attributes></primitive>\
         </resources>",
        "<resources><primitive id=\"p\"><meta_attributes id=\"m\">\
         <nvpair id=\"a\" name=\"target-role\" value=\"Stopped\"/>\
         <nvpair id=\"c\" name=\"target-role\" value=\"Started\"/></meta_attributes></primitive>\
         <primitive id=\"q\"/></resources>",
        &["a: changed: isolation is gone", "b: dropped", "d: dropped"],
    );
}

#[test]
fn what_an_operation_requires_the_resource_requires() {
    check(
        "2.10",
        "3.0",
        "<resources><primitive id=\"p\"><operations>\
         <op id=\"a\" name=\"start\" interval=\"0\" requires=\"nothing\"/>\
         <op id=\"b\" name=\"monitor\" interval=\"9\" requires=\"quorum\"/></operations>\
         </primitive><primitive id=\"q\"><meta_attributes id=\"m\">\
         <nvpair id=\"n\" name=\"requires\" value=\"fencing\"/></meta_attributes><operations>\
         <op id=\"c\" name=\"start\" interval=\"0\" requires=\"nothing\"/></operations>\
         </primitive></resources>",
        "<resources><primitive id=\"p\"><operations>\
         <op id=\"a\" name=\"start\" interval=\"0\"/>\
         <op id=\"b\" name=\"monitor\" interval=\"9\"/></operations>\
         <meta_attributes id=\"_2TO3_p-meta\">\
         <nvpair id=\"_2TO3_a-meta-requires\" name=\"requires\" value=\"nothing\"/>\
         </meta_attributes></primitive><primitive id=\"q\"><meta_attributes id=\"m\">\
         <nvpair id=\"n\" name=\"requires\" value=\"fencing\"/></meta_attributes><operations>\
         <op id=\"c\" name=\"start\" interval=\"0\"/></operations></primitive></resources>",
        &["a: changed", "b: dropped", "c: changed", "q: dropped"],
    );
}

#[test]
fn an_operations_options_are_meta_attributes() {
    check(
        "2.10",
        "3.0",
        "<resources><primitive id=\"p\"><operations><op id=\"a\" name=\"start\" interval=\"0\">\
         <instance_attributes id=\"i\"><nvpair id=\"x\" name=\"on-fail\" value=\"block\"/>\
         <nvpair id=\"y\" name=\"foo\" value=\"1\"/></instance_attributes></op></operations>\
         </primitive></resources>",
        "<resources><primitive id=\"p\"><operations><op id=\"a\" name=\"start\" interval=\"0\">\
         <instance_attributes id=\"i\"><nvpair id=\"y\" name=\"foo\" value=\"1\"/>\
         </instance_attributes><meta_attributes id=\"_2TO3_a-meta\">\
         <nvpair id=\"x\" name=\"on-fail\" value=\"block\"/></meta_attributes></op></operations>\
         </primitive></resources>",
        &[],
    );
}

#[test]
fn a_colocation_loses_scores_that_never_counted() {
    check(
        "2.10",
        "3.0",
        "<constraints><rsc_colocation id=\"c\" rsc=\"a\" with-rsc=\"b\" score-attribute=\"x\" \
         score-attribute-mangle=\"y\"/></constraints>",
        "<constraints><rsc_colocation id=\"c\" rsc=\"a\" with-rsc=\"b\"/></constraints>",
        &[],
    );
}
