//! Rules on a small world: one node, one moment.

use super::*;
use crate::xml::Document;

fn node<'a>(name: &str) -> Option<&'a str> {
    match name {
        "#uname" => Some("node-a"),
        "ram" => Some("64"),
        "load" => Some("1.5"),
        "version" => Some("2.10.1"),
        "empty" => Some(""),
        _ => None,
    }
}

fn result(xml: &str) -> (bool, Option<String>) {
    let document = Document::parse(xml).unwrap();
    let next = Cell::new(None);
    let context = Context {
        node: Some(&node),
        operation: Some(("monitor", 10_000)),
        resource: Some(["ocf", "heartbeat", "IPaddr2"]),
        next_change: Some(&next),
        ..Context::at("2019-06-05 12:30:00".parse().unwrap())
    };
    (holds(document.root(), &context), next.get().map(|when| when.to_string()))
}

fn rule(inside: &str) -> bool {
    result(&format!("<rule id='r'>{inside}</rule>")).0
}

#[test]
fn attributes_are_compared_by_kind() {
    for (operation, attribute, value, kind, expected) in [
        ("eq", "ram", "64", "", true),
        ("eq", "#uname", "NODE-A", "", true),
        ("gt", "ram", "8", "", true),
        ("gt", "ram", "8", "string", false),
        ("lt", "load", "1.6", "", true),
        ("gt", "version", "2.9", "version", true),
        ("eq", "absent", "x", "", false),
        ("ne", "absent", "x", "", true),
        ("lt", "absent", "5", "", false),
        ("eq", "empty", "", "", true),
        ("defined", "empty", "", "", true),
        ("not_defined", "absent", "", "", true),
        ("nonsense", "ram", "64", "", false),
    ] {
        let kind = if kind.is_empty() { String::new() } else { format!("type='{kind}'") };
        let text = format!(
            "<expression id='e' attribute='{attribute}' operation='{operation}' value='{value}' \
             {kind}/>"
        );
        assert_eq!(rule(&text), expected, "{text}");
    }
}

#[test]
fn rules_nest_and_combine() {
    let yes = "<expression id='e' attribute='ram' operation='defined'/>";
    let no = "<expression id='e' attribute='ram' operation='not_defined'/>";
    assert!(!rule(&format!("{yes}{no}")));
    assert!(result(&format!("<rule id='r' boolean-op='or'>{yes}{no}</rule>")).0);
    assert!(rule(&format!("<rule id='s' boolean-op='or'>{no}{yes}</rule>{yes}")));
    assert!(rule(""));
    assert!(!result("<rule id='r' boolean-op='or'/>").0);
}

#[test]
fn time_is_a_range_a_limit_or_a_pattern() {
    for (text, expected, next) in [
        ("start='2019-06-01' end='2019-06-30'", true, Some("2019-06-30 00:00:01Z")),
        ("start='2019-07-01'", false, Some("2019-07-01 00:00:00Z")),
        ("end='2019-06-05 12:30:00'", true, Some("2019-06-05 12:30:01Z")),
        ("operation='lt' end='2019-06-06'", true, Some("2019-06-06 00:00:00Z")),
        ("operation='gt' start='2019-06-06'", false, Some("2019-06-06 00:00:01Z")),
        ("operation='gt' start='2019-06-04'", true, None),
        ("start='nonsense'", false, None),
        ("", false, None),
    ] {
        let text = format!("<rule id='r'><date_expression id='d' {text}/></rule>");
        assert_eq!(result(&text), (expected, next.map(str::to_owned)), "{text}");
    }
    let with = |inside: &str, attributes: &str| {
        rule(&format!("<date_expression id='d' {attributes}>{inside}</date_expression>"))
    };
    assert!(with("<duration id='x' months='1'/>", "operation='in_range' start='2019-05-20'"));
    assert!(!with("<duration id='x' days='1'/>", "operation='in_range' start='2019-05-20'"));
    for (spec, expected) in [
        ("hours='9-16' weekdays='1-5'", true),
        ("hours='13-'", false),
        ("years='-2019' months='6'", true),
        ("weekdays='6-7'", false),
        ("yeardays='156' weeks='23'", true),
    ] {
        let text = format!("<date_spec id='s' {spec}/>");
        assert_eq!(with(&text, "operation='date_spec'"), expected, "{spec}");
    }
}

#[test]
fn resources_and_operations_match_by_what_is_given() {
    assert!(rule("<rsc_expression id='e' class='ocf' type='IPaddr2'/>"));
    assert!(!rule("<rsc_expression id='e' class='ocf' type='Dummy'/>"));
    assert!(rule("<op_expression id='e' name='monitor' interval='10s'/>"));
    assert!(!rule("<op_expression id='e' name='monitor' interval='20s'/>"));
}

#[test]
fn names_take_submatches() {
    let document = Document::parse(
        "<rule id='r'><expression id='e' attribute='%1' operation='defined'/></rule>",
    )
    .unwrap();
    let now = "2019-06-05".parse().unwrap();
    let submatches = ["resource-ram", "ram"];
    let context = Context { node: Some(&node), submatches: &submatches, ..Context::at(now) };
    assert!(holds(document.root(), &context));
}
