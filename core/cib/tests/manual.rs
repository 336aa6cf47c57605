//! The examples of *Pacemaker Explained*, chapter 8 "Rules", as claims on conditions.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its data has failed")]

use core::cell::Cell;
use diarch_cib::rules::{Context, holds};
use diarch_cib::time::DateTime;
use diarch_cib::validate;
use diarch_cib::xml::Document;

/// Whether a rule holds at a time, and when that may change.
fn at(rule: &str, when: &str) -> (bool, Option<String>) {
    let document = Document::parse(rule).unwrap();
    let next: Cell<Option<DateTime>> = Cell::new(None);
    let now = Context::at(when.parse().unwrap());
    let held = holds(document.root(), &Context { next_change: Some(&next), ..now });
    (held, next.get().map(|when| when.to_string()))
}

fn assert_held(rule: &str, moments: &[(&str, bool)]) {
    for (when, expected) in moments {
        assert_eq!(at(rule, when).0, *expected, "{when}: {rule}");
    }
}

/// *Pacemaker Explained* 8.3.3, "Example Time-Based Expressions".
#[test]
fn ex_8_1_a_year_is_its_first_day_and_a_duration_of_a_year() {
    let rule = "<rule id='r' score='INFINITY'><date_expression id='e' operation='in_range' \
                start='2005-001'><duration id='d' years='1'/></date_expression></rule>";
    assert_held(
        rule,
        &[
            ("2004-12-31 23:59:59Z", false),
            ("2005-01-01 00:00:00Z", true),
            ("2005-12-31 23:59:59Z", true),
            ("2006-01-01 00:00:01Z", false),
        ],
    );
    let next = at(rule, "2004-12-31 12:00:00Z").1.unwrap();
    assert!(next.starts_with("2005-01-01 00:00:00"), "{next}");
}

/// *Pacemaker Explained* 8.3.3, "Example Time-Based Expressions".
#[test]
fn ex_8_2_a_year_is_also_a_specification_of_years() {
    let rule = "<rule id='r' score='INFINITY'><date_expression id='e' operation='date_spec'>\
                <date_spec id='s' years='2005'/></date_expression></rule>";
    assert_held(
        rule,
        &[
            ("2004-12-31 23:59:59Z", false),
            ("2005-01-01 00:00:00Z", true),
            ("2005-12-31 23:59:59Z", true),
            ("2006-01-01 00:00:00Z", false),
        ],
    );
}

const WORK: &str = "<date_expression id='e1' operation='date_spec'>\
                    <date_spec id='s1' hours='9-16' weekdays='1-5'/></date_expression>";
const SATURDAY: &str = "<date_expression id='e2' operation='date_spec'>\
                        <date_spec id='s2' weekdays='6'/></date_expression>";

/// *Pacemaker Explained* 8.3.3, "Example Time-Based Expressions": 16 is the hour, not its begin.
#[test]
fn ex_8_3_working_hours_end_with_the_last_second_of_their_last_hour() {
    assert_held(
        &format!("<rule id='r'>{WORK}</rule>"),
        &[
            ("2023-11-17 08:59:59Z", false),
            ("2023-11-17 09:00:00Z", true),
            ("2023-11-17 16:59:59Z", true),
            ("2023-11-17 17:00:00Z", false),
            ("2023-11-18 12:00:00Z", false),
        ],
    );
}

/// *Pacemaker Explained* 8.3.3, "Example Time-Based Expressions".
#[test]
fn ex_8_4_working_hours_or_saturday() {
    assert_held(
        &format!("<rule id='r' boolean-op='or'>{WORK}{SATURDAY}</rule>"),
        &[
            ("2023-11-17 16:59:59Z", true),
            ("2023-11-17 17:00:00Z", false),
            ("2023-11-18 00:00:00Z", true),
            ("2023-11-18 23:59:59Z", true),
            ("2023-11-19 12:00:00Z", false),
        ],
    );
}

/// *Pacemaker Explained* 8.3.3, "Example Time-Based Expressions".
#[test]
fn ex_8_5_an_alternative_may_stand_within_a_rule_that_asks_for_all() {
    let night = "<date_expression id='e3' operation='date_spec'>\
                 <date_spec id='s3' hours='0-12'/></date_expression>";
    assert_held(
        &format!("<rule id='r'><rule id='n' boolean-op='or'>{WORK}{SATURDAY}</rule>{night}</rule>"),
        &[
            ("2023-11-17 10:00:00Z", true),
            ("2023-11-17 13:00:00Z", false),
            ("2023-11-18 03:00:00Z", true),
            ("2023-11-18 15:00:00Z", false),
            ("2023-11-19 10:00:00Z", false),
        ],
    );
}

/// *Pacemaker Explained* 8.3.3, "Example Time-Based Expressions".
#[test]
fn ex_8_6_the_end_of_a_range_is_in_it_to_the_second() {
    let range = "<date_expression id='e' operation='in_range' start='2005-03-01' \
                 end='2005-04-01'/>";
    let mondays = "<date_expression id='f' operation='date_spec'><date_spec id='s' \
                   weekdays='1'/></date_expression>";
    let rule = format!("<rule id='r'>{range}{mondays}</rule>");
    assert_held(
        &rule,
        &[
            ("2005-02-28 12:00:00Z", false),
            ("2005-03-07 00:00:00Z", true),
            ("2005-03-08 00:00:00Z", false),
            ("2005-03-28 23:59:59Z", true),
            ("2005-04-04 12:00:00Z", false),
        ],
    );
    let alone = format!("<rule id='r'>{range}</rule>");
    assert_held(&alone, &[("2005-04-01 00:00:00Z", true), ("2005-04-01 00:00:01Z", false)]);
    let next = at(&rule, "2005-03-07 00:00:00Z").1.unwrap();
    assert!(next.starts_with("2005-04-01 00:00:01"), "{next}");
}

/// *Pacemaker Explained* 8.3.1, "Date Specifications"; 4 is the full moon.
#[test]
fn ex_8_7_the_moon_counts_until_the_last_dialect_that_knows_it() {
    let rule = "<rule id='r' score='INFINITY'><date_expression id='e' operation='date_spec'>\
                <date_spec id='s' weekdays='5' monthdays='13' moon='4'/></date_expression></rule>";
    // Fridays, the thirteenth: full moon, and a waning one.
    assert_held(rule, &[("2014-06-13 12:00:00Z", true), ("2019-12-13 12:00:00Z", false)]);
    let findings = |dialect: &str| {
        let text = format!(
            "<cib admin_epoch='0' epoch='1' num_updates='0' validate-with='pacemaker-{dialect}'>\
             <configuration><crm_config/><nodes/><resources><primitive id='x' class='ocf' \
             provider='p' type='T'/></resources><constraints><rsc_location id='l' rsc='x'>{rule}\
             </rsc_location></constraints></configuration><status/></cib>"
        );
        let found = validate::check(&Document::parse(&text).unwrap());
        found.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    for dialect in ["1.2", "2.10", "3.0", "3.10"] {
        assert_eq!(findings(dialect), [""; 0], "{dialect}");
    }
    let found = findings("4.0");
    assert!(found[0].ends_with("<date_spec> has no attribute moon"), "{found:?}");
}

fn for_resource(rule: &str, resource: [&str; 3]) -> bool {
    let document = Document::parse(&format!("<rule id='r'>{rule}</rule>")).unwrap();
    let now = Context::at(DateTime::from_epoch(0));
    holds(document.root(), &Context { resource: Some(resource), ..now })
}

/// *Pacemaker Explained* 8.4, "Resource Expressions".
#[test]
fn ex_8_8_a_resource_is_known_by_class_provider_and_type() {
    let rule = "<rsc_expression id='e' class='ocf' provider='heartbeat' type='IPaddr2'/>";
    assert!(for_resource(rule, ["ocf", "heartbeat", "IPaddr2"]));
    for other in [
        ["ocf", "heartbeat", "IPaddr"],
        ["ocf", "pacemaker", "IPaddr2"],
        ["systemd", "heartbeat", "IPaddr2"],
    ] {
        assert!(!for_resource(rule, other), "{other:?}");
    }
}

/// *Pacemaker Explained* 8.4, "Resource Expressions".
#[test]
fn ex_8_9_a_fencing_device_is_known_without_provider() {
    let rule = "<rsc_expression id='e' class='stonith' type='fence_xvm'/>";
    assert!(for_resource(rule, ["stonith", "", "fence_xvm"]));
    assert!(!for_resource(rule, ["stonith", "", "fence_virt"]));
    assert!(!for_resource(rule, ["ocf", "heartbeat", "fence_xvm"]));
}

fn for_operation(rule: &str, operation: (&str, u64)) -> bool {
    let document = Document::parse(&format!("<rule id='r'>{rule}</rule>")).unwrap();
    let now = Context::at(DateTime::from_epoch(0));
    holds(document.root(), &Context { operation: Some(operation), ..now })
}

/// *Pacemaker Explained* 8.5, "Operation Expressions".
#[test]
fn ex_8_10_an_operation_is_known_by_name_whatever_its_interval() {
    let rule = "<op_expression id='e' name='monitor'/>";
    assert!(for_operation(rule, ("monitor", 0)));
    assert!(for_operation(rule, ("monitor", 10_000)));
    assert!(!for_operation(rule, ("start", 0)));
}

/// *Pacemaker Explained* 8.5, "Operation Expressions".
#[test]
fn ex_8_11_an_operation_is_known_by_name_and_interval() {
    let rule = "<op_expression id='e' name='monitor' interval='10s'/>";
    assert!(for_operation(rule, ("monitor", 10_000)));
    assert!(!for_operation(rule, ("monitor", 0)));
    assert!(!for_operation(rule, ("monitor", 20_000)));
    assert!(!for_operation(rule, ("stop", 10_000)));
}
