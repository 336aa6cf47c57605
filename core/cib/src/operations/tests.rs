//! What each operation does to a small CIB.

use super::*;

const CIB: &str = "<cib admin_epoch=\"0\" epoch=\"5\" num_updates=\"3\"><configuration>\
    <crm_config/>\
    <nodes><node id=\"1\" uname=\"a\"/></nodes><resources><primitive id=\"x\" class=\"ocf\"/>\
    <primitive id=\"y\" class=\"ocf\"/></resources><constraints/></configuration><status/></cib>";

fn operation<'a>(kind: Kind, section: Option<&'a str>, input: &'a str) -> Operation<'a> {
    Operation {
        kind,
        section,
        xpath: None,
        input: Some(input),
        allow_create: false,
        score: false,
        no_children: false,
    }
}

/// Applies an operation; the resources section and the version, or the refusal.
fn after(operation: &Operation<'_>) -> String {
    let mut document = Document::parse(CIB).unwrap();
    match apply(&mut document, operation) {
        Ok(_) => {
            let id = section(&document, Some("resources")).unwrap();
            let resources = Document::from_element(document.element(id)).write_compact();
            let version =
                ["epoch", "num_updates"].map(|name| document.root().attribute(name).unwrap());
            format!("{} {resources}", version.join("."))
        }
        Err(refusal) => {
            assert_eq!(document.write_compact(), CIB, "a refused change leaves nothing behind");
            format!("{} {}", refusal.rc, refusal.message)
        }
    }
}

#[test]
fn create_adds_and_refuses_what_exists() {
    let new = operation(Kind::Create, Some("resources"), "<primitive id=\"z\"/>");
    assert!(after(&new).starts_with("6.0") && after(&new).contains("id=\"z\"/></resources>"));
    let old = operation(Kind::Create, Some("resources"), "<primitive id=\"x\"/>");
    assert_eq!(after(&old), "108 File exists");
    let homeless = operation(Kind::Create, None, "<primitive id=\"z\"/>");
    assert!(after(&homeless).contains("id=\"z\"/></resources>"));
}

#[test]
fn modify_merges_and_creates_only_if_allowed() {
    let old = operation(Kind::Modify, Some("resources"), "<primitive id=\"x\" class=\"lsb\"/>");
    assert!(after(&old).contains("<primitive id=\"x\" class=\"lsb\"/><primitive id=\"y\""));
    let mut new = operation(Kind::Modify, Some("resources"), "<primitive id=\"z\"/>");
    assert_eq!(after(&new), "105 No such device or address");
    new.allow_create = true;
    assert!(after(&new).contains("id=\"z\"/></resources>"));
}

#[test]
fn replace_keeps_the_place() {
    let one = operation(Kind::Replace, Some("resources"), "<primitive id=\"x\" type=\"T\"/>");
    assert!(after(&one).contains("<resources><primitive id=\"x\" type=\"T\"/><primitive id=\"y\""));
    let all = operation(Kind::Replace, Some("resources"), "<resources/>");
    assert_eq!(after(&all), "6.0 <resources/>");
    let older = operation(Kind::Replace, None, "<cib epoch=\"4\"><configuration/></cib>");
    assert!(after(&older).starts_with("103"));
}

#[test]
fn delete_of_what_is_absent_is_no_error_and_no_change() {
    let absent = operation(Kind::Delete, Some("resources"), "<primitive id=\"z\"/>");
    assert!(after(&absent).starts_with("5.3"));
    let there = operation(Kind::Delete, Some("resources"), "<primitive id=\"x\"/>");
    assert!(after(&there).starts_with("6.0 <resources><primitive id=\"y\""));
    let mut path = operation(Kind::Delete, None, "");
    path.xpath = Some("//primitive");
    assert!(after(&path).contains("\"y\""));
    path.kind = Kind::DeleteAll;
    assert_eq!(after(&path), "6.0 <resources/>");
}

#[test]
fn a_change_of_the_status_counts_updates_only() {
    let status = "<status><node_state id=\"1\" uname=\"a\"/></status>";
    assert!(after(&operation(Kind::Modify, Some("status"), status)).starts_with("5.4"));
}

#[test]
fn scores_count_up_where_asked_for() {
    let text = "<primitive id=\"x\" n=\"n+=4\" m=\"m++\"/>";
    let mut counted = operation(Kind::Modify, Some("resources"), text);
    counted.score = true;
    assert!(after(&counted).contains("n=\"4\" m=\"1\""));
}

#[test]
fn a_query_of_several_matches_comes_in_one_element() {
    let document = Document::parse(CIB).unwrap();
    let mut asked = operation(Kind::Query, None, "");
    asked.xpath = Some("//primitive");
    let found = query(&document, &asked).unwrap();
    assert_eq!(found.root().name(), "xpath-query");
    assert_eq!(found.root().children().count(), 2);
    asked.xpath = Some("//none");
    assert_eq!(query(&document, &asked).unwrap_err().rc, 105);
}

#[test]
fn a_patch_changes_the_configuration_like_any_change() {
    let path = "/cib/configuration/resources/primitive[@id='y']";
    let gone = format!("<diff format=\"2\"><change operation=\"delete\" path=\"{path}\"/></diff>");
    let patch = operation(Kind::Patch, None, &gone);
    assert_eq!(after(&patch), "6.0 <resources><primitive id=\"x\" class=\"ocf\"/></resources>");
    let old = "<diff format=\"2\"><version><source admin_epoch=\"0\" epoch=\"4\" \
        num_updates=\"0\"/></version></diff>";
    let patch = operation(Kind::Patch, None, old);
    assert_eq!(after(&patch), "103 Update was older than existing configuration");
}

#[test]
fn a_change_after_which_more_is_wrong_is_refused() {
    let before = Document::parse(CIB).unwrap();
    let mut document = before.clone();
    let twice = operation(Kind::Create, Some("constraints"), "<rsc_order id=\"x\"/>");
    apply(&mut document, &twice).unwrap();
    let said = not_less_valid(&before, &document).unwrap_err();
    assert_eq!(said.rc, 78);
    let first = said.message.lines().next().unwrap();
    assert_eq!(first, "Update does not conform to the configured schema");
    assert_eq!(not_less_valid(&document, &before), Ok(()));
    assert_eq!(not_less_valid(&document, &document), Ok(()));
}

#[test]
fn several_matches_are_shown_without_their_children_on_request() {
    let document = Document::parse(CIB).unwrap();
    let mut wanted = operation(Kind::Query, None, "");
    wanted.xpath = Some("//nodes | //resources");
    wanted.no_children = true;
    let found = query(&document, &wanted).unwrap().write_compact();
    assert_eq!(found, "<xpath-query><nodes/><resources/></xpath-query>");
}

#[test]
fn a_section_given_without_a_scope_is_filled() {
    let text = "<cib epoch='1' num_updates='0' admin_epoch='0'><configuration><resources>\
                <primitive id='A'/></resources></configuration><status/></cib>";
    let mut document = Document::parse(text).unwrap();
    let operation = Operation {
        kind: Kind::Create,
        section: None,
        xpath: None,
        input: Some("<resources><primitive id='B'/></resources>"),
        allow_create: false,
        score: false,
        no_children: false,
    };
    apply(&mut document, &operation).unwrap();
    let sections = document.root().descendants().filter(|e| e.name() == "resources");
    assert_eq!(sections.count(), 1);
    let path = "/cib/configuration/resources/primitive";
    assert_eq!(xpath::select(&document, path).unwrap().len(), 2);
}

#[test]
fn an_upgrade_begins_a_new_administrative_epoch() {
    let mut document = Document::parse(CIB).unwrap();
    let mut upgrade = operation(Kind::Upgrade, None, "");
    upgrade.input = None;
    assert_eq!(apply(&mut document, &upgrade).unwrap_err().rc, 78);
    let root = document.root().id();
    document.set_attribute(root, "validate-with", "pacemaker-3.10");
    let before = document.clone();
    let applied = apply(&mut document, &upgrade).unwrap();
    assert!(applied.changed && applied.configuration);
    let text = |name: &str| document.root().attribute(name).unwrap();
    let names = ["validate-with", "admin_epoch", "epoch", "num_updates"];
    assert_eq!(names.map(text), ["pacemaker-4.0", "1", "1", "0"]);
    not_less_valid(&before, &document).unwrap();
    let refused = apply(&mut document, &upgrade).unwrap_err();
    assert_eq!(refused.message, "Schema is already the latest available");
}

#[test]
fn an_upgrade_goes_as_far_as_it_is_told() {
    let mut document = Document::parse(CIB).unwrap();
    let root = document.root().id();
    document.set_attribute(root, "validate-with", "pacemaker-1.2");
    let to = operation(Kind::Upgrade, None, "<cib validate-with=\"pacemaker-3.0\"/>");
    apply(&mut document, &to).unwrap();
    assert_eq!(document.root().attribute("validate-with"), Some("pacemaker-3.0"));
    let beyond = operation(Kind::Upgrade, None, "<cib validate-with=\"pacemaker-9.0\"/>");
    assert_eq!(apply(&mut document, &beyond).unwrap_err().rc, 78);
}
