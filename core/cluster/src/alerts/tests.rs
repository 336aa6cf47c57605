//! The examples of *Pacemaker Explained*, chapter 7 "Alerts", as claims on what is called.

use super::*;
use crate::executor::operation::AgentName;

fn cib(alerts: &str) -> Document {
    let text = format!("<cib><configuration><alerts>{alerts}</alerts></configuration></cib>");
    Document::parse(&text).unwrap()
}

fn fenced() -> Fencing {
    Fencing {
        target: "b".to_owned(),
        action: "off".to_owned(),
        client: "diarch".to_owned(),
        origin: "a".to_owned(),
        delegate: "a".to_owned(),
        ..Fencing::default()
    }
}

fn record(operation: &str, rc: i32, expected: i32) -> Record {
    Record {
        node: "a".to_owned(),
        resource: "r".to_owned(),
        agent: AgentName::default(),
        operation: operation.to_owned(),
        interval_ms: 0,
        key: format!("r_{operation}_0"),
        transition_key: format!("3:1:{expected}:uuid"),
        rc,
        status: Status::Done,
        exit_reason: String::new(),
        call_id: 1,
        changed: 0,
        run: Duration::from_millis(40),
        queued: Duration::ZERO,
        migrate_source: None,
        migrate_target: None,
        feature_set: String::new(),
        digests: Vec::new(),
    }
}

const JOINED: Event<'_> = Event::Node { name: "b", id: "2", member: true };

fn attribute(name: &str) -> Event<'_> {
    Event::Attribute { node: "a", id: "1", name, value: Some("7") }
}

/// The calls of every kind of event, by kind.
fn kinds(alerts: &str) -> Vec<String> {
    let cib = cib(alerts);
    let (fenced, record) = (fenced(), record("start", 0, 0));
    let events = [JOINED, Event::Fencing(&fenced), Event::Resource(&record), attribute("pingd")];
    let mut sent = Alerts::default();
    let calls = events.into_iter().flat_map(|event| sent.calls(&cib, WallClock(0), event));
    calls.map(|call| variable(&call, "CRM_alert_kind").unwrap().to_owned()).collect()
}

fn variable<'c>(call: &'c AlertCall, name: &str) -> Option<&'c str> {
    call.environment.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

fn calls(alerts: &str, event: Event<'_>) -> Vec<AlertCall> {
    Alerts::default().calls(&cib(alerts), WallClock(1_800_000_000), event)
}

/// 7.1, "Alert Agents".
#[test]
fn ex_7_1_an_alert_without_recipient_is_called_once_for_each_event() {
    let alerts = "<alert id='my-alert' path='/path/to/my-script.sh'/>";
    assert_eq!(kinds(alerts), ["node", "fencing", "resource"]);
    let called = calls(alerts, JOINED);
    assert_eq!(
        (called[0].id.as_str(), called[0].path.as_str()),
        ("my-alert", "/path/to/my-script.sh")
    );
    assert_eq!(called[0].timeout, Duration::from_secs(30));
    assert_eq!(called[0].timestamp_format, "%H:%M:%S.%06N");
    assert_eq!(variable(&called[0], "CRM_alert_recipient"), None);
    assert_eq!(kinds(""), [] as [&str; 0]);
}

/// 7.2, "Alert Recipients".
#[test]
fn ex_7_2_each_recipient_gets_a_call_of_its_own() {
    let called = calls(
        "<alert id='a' path='/p'><recipient id='r1' value='some-address'/>\
         <recipient id='r2' value='/some/file'/></alert><alert id='b' path='/q'/>",
        JOINED,
    );
    let told: Vec<_> = called
        .iter()
        .map(|call| (call.id.as_str(), variable(call, "CRM_alert_recipient")))
        .collect();
    assert_eq!(told, [("a", Some("some-address")), ("a", Some("/some/file")), ("b", None)]);
}

/// 7.3, "Alert Meta-Attributes".
#[test]
fn ex_7_3_a_recipients_format_and_timeout_win_over_the_alerts() {
    let called = calls(
        "<alert id='a' path='/p'><meta_attributes id='m'><nvpair id='m1' name='timeout' \
         value='15s'/></meta_attributes><recipient id='r1' value='x'><meta_attributes id='n'>\
         <nvpair id='n1' name='timestamp-format' value='%D %H:%M'/></meta_attributes></recipient>\
         <recipient id='r2' value='y'><meta_attributes id='o'><nvpair id='o1' \
         name='timestamp-format' value='%c'/><nvpair id='o2' name='timeout' value='2min'/>\
         </meta_attributes></recipient></alert>",
        JOINED,
    );
    let told: Vec<_> = called
        .iter()
        .map(|call| (call.timeout.as_secs(), call.timestamp_format.as_str()))
        .collect();
    assert_eq!(told, [(15, "%D %H:%M"), (120, "%c")]);
}

/// 7.3, "Alert Meta-Attributes": `enabled`, and blocks with rules.
#[test]
fn what_is_disabled_or_out_of_its_time_is_not_called() {
    let off = "<meta_attributes id='m'><nvpair id='m1' name='enabled' value='false'/>\
               </meta_attributes>";
    assert!(calls(&format!("<alert id='a' path='/p'>{off}</alert>"), JOINED).is_empty());
    let one = format!(
        "<alert id='a' path='/p'><recipient id='r1' value='x'>{off}</recipient>\
         <recipient id='r2' value='y'/></alert>"
    );
    assert_eq!(calls(&one, JOINED).len(), 1);
    for (start, count) in [("2020-01-01", 0), ("2040-01-01", 1)] {
        let rule = off.replace(
            "<nvpair",
            &format!(
                "<rule id='u' boolean-op='and'><date_expression id='e' operation='gt' \
                 start='{start}'/></rule><nvpair"
            ),
        );
        let called = calls(&format!("<alert id='a' path='/p'>{rule}</alert>"), JOINED);
        assert_eq!(called.len(), count, "{start}");
    }
}

/// 7.4, "Alert Instance Attributes".
#[test]
fn ex_7_4_an_instance_attribute_is_a_variable_of_its_own_name() {
    let called = calls(
        "<alert id='a' path='/p'><instance_attributes id='i'><nvpair id='i1' name='debug' \
         value='false'/></instance_attributes>\
         <recipient id='r' value='x'><instance_attributes id='j'><nvpair id='j1' name='debug' \
         value='true'/></instance_attributes></recipient><recipient id='s' value='y'/></alert>",
        JOINED,
    );
    let told: Vec<_> = called.iter().map(|call| variable(call, "debug")).collect();
    assert_eq!(told, [Some("true"), Some("false")]);
}

/// 7.5, "Alert Filters".
#[test]
fn ex_7_5_only_what_is_selected_is_told() {
    let alerts =
        "<alert id='a' path='/p'><select><select_nodes/><select_fencing/></select></alert>";
    assert_eq!(kinds(alerts), ["node", "fencing"]);
}

/// 7.5, "Alert Filters".
#[test]
fn ex_7_6_only_the_attributes_that_are_named_are_told() {
    let select = |inside: &str| {
        format!(
            "<alert id='a' path='/p'><select><select_attributes>{inside}</select_attributes>\
             </select></alert>"
        )
    };
    let named = select("<attribute id='1' name='standby'/><attribute id='2' name='shutdown'/>");
    assert_eq!(calls(&named, attribute("standby")).len(), 1);
    assert_eq!(calls(&named, attribute("pingd")).len(), 0);
    assert_eq!(kinds(&select("")), ["attribute"]);
    let called = calls(&named, attribute("shutdown"));
    assert_eq!(variable(&called[0], "CRM_alert_attribute_name"), Some("shutdown"));
    assert_eq!(variable(&called[0], "CRM_alert_attribute_value"), Some("7"));
    assert_eq!(variable(&called[0], "CRM_alert_nodeid"), Some("1"));
}

/// 7.6, "Using the Sample Alert Agents".
#[test]
fn ex_7_7_and_7_8_the_sample_agents_get_their_parameters_and_time() {
    let called = calls(
        "<alert id='snmp' path='/var/lib/pacemaker/alert_snmp.sh'><instance_attributes id='i'>\
         <nvpair id='i1' name='trap_node_states' value='all'/></instance_attributes>\
         <meta_attributes id='m'><nvpair id='m1' name='timestamp-format' \
         value='%Y-%m-%d,%H:%M:%S.%01N'/></meta_attributes><recipient id='r' value='192.0.2.1'/>\
         </alert><alert id='smtp' path='/var/lib/pacemaker/alert_smtp.sh'><instance_attributes \
         id='k'><nvpair id='k1' name='email_sender' value='donotreply@example.com'/>\
         </instance_attributes><recipient id='s' value='admin@example.com'/></alert>",
        JOINED,
    );
    assert_eq!(variable(&called[0], "trap_node_states"), Some("all"));
    assert_eq!(called[0].timestamp_format, "%Y-%m-%d,%H:%M:%S.%01N");
    assert_eq!(variable(&called[1], "email_sender"), Some("donotreply@example.com"));
    assert_eq!(variable(&called[1], "CRM_alert_recipient"), Some("admin@example.com"));
    assert_eq!(variable(&called[1], "trap_node_states"), None);
}

/// 7.7, "Writing an Alert Agent".
#[test]
fn a_result_is_told_with_what_was_expected_and_how_long_it_took() {
    let failed = record("start", 1, 0);
    let called = calls("<alert id='a' path='/p'/>", Event::Resource(&failed));
    for (name, expected) in [
        ("kind", "resource"),
        ("node", "a"),
        ("rsc", "r"),
        ("task", "start"),
        ("interval", "0"),
        ("desc", "error"),
        ("status", "0"),
        ("rc", "1"),
        ("target_rc", "0"),
        ("exec_time", "40"),
        ("node_sequence", "1"),
        ("version", "3.0.2"),
    ] {
        assert_eq!(variable(&called[0], &format!("CRM_alert_{name}")), Some(expected), "{name}");
    }
    let late = Record { status: Status::TimedOut, ..record("start", 1, 0) };
    let called = calls("<alert id='a' path='/p'/>", Event::Resource(&late));
    assert_eq!(variable(&called[0], "CRM_alert_desc"), Some("Timed Out"));
}

#[test]
fn a_probe_that_finds_what_was_expected_is_no_news() {
    for (record, count) in [
        (record("monitor", 7, 7), 0),
        (record("monitor", 0, 7), 1),
        (Record { interval_ms: 10_000, ..record("monitor", 0, 0) }, 1),
        (Record { status: Status::Pending, ..record("start", 193, 0) }, 0),
    ] {
        let called = calls("<alert id='a' path='/p'/>", Event::Resource(&record));
        assert_eq!(called.len(), count, "{record:?}");
    }
}

#[test]
fn the_sequence_rises_by_one_for_each_event_that_anybody_is_told() {
    let cib = cib("<alert id='a' path='/p'><recipient id='r' value='x'/>\
                   <recipient id='s' value='y'/></alert>");
    let mut sent = Alerts::default();
    let mut sequence = |event| {
        let called = sent.calls(&cib, WallClock(0), event);
        let numbers = called.iter().map(|call| variable(call, "CRM_alert_node_sequence"));
        numbers.map(|number| number.unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(sequence(JOINED), ["1", "1"]);
    assert_eq!(sequence(attribute("a")), [] as [&str; 0]);
    assert_eq!(sequence(JOINED), ["2", "2"]);
}
