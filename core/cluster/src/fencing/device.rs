//! The fence devices that the configuration names, and which of them fence which node.
//!
//! *Pacemaker Explained*, "Fencing": `pcmk_host_map`, `pcmk_host_list`, `pcmk_host_check`,
//! `pcmk_host_argument`, and fencing levels by node name, pattern and attribute. Of a device that
//! names no node it has to be known before it is needed whom it fences ([`super::survey`]).

use super::place::is_barred;
use super::settings::Settings;
use super::survey::{Check, Survey};
use crate::controller::policy;
use crate::manager_io::WallClock;
use core::time::Duration;
use diarch_cib::nvpairs::{self, resolved, value};
use diarch_cib::rules::Context;
use diarch_cib::time::{DateTime, interval_ms};
use diarch_cib::{Document, Element};
use regex_lite::Regex;
use std::collections::BTreeMap;

/// The agent that stands for the watchdog. It switches nothing: the guardian knows when a node's
/// watchdog must have fired, with or without such a resource.
const WATCHDOG: &str = "fence_watchdog";

/// A device's parameters. Printing them prints their names only.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Parameters(pub Vec<(String, String)>);

impl core::fmt::Debug for Parameters {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_set().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// A device as it is asked about one node.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Device {
    /// The resource's id.
    pub id: String,
    /// The fence agent's name.
    pub agent: String,
    /// What the agent is told, the plug included.
    pub parameters: Parameters,
    /// How it wants to be used.
    pub settings: Box<Settings>,
}

/// What can fence one node: level by level, each level as a whole.
pub type Levels = Vec<Vec<Device>>;

/// The levels that can fence `node`, and what an administrator has to know about the rest; only
/// with what may be used on the node `here`, if that is given.
#[must_use]
pub fn levels(
    cib: &Document,
    node: &str,
    here: Option<&str>,
    wall: WallClock,
    survey: &Survey,
) -> (Levels, Vec<String>) {
    let now = DateTime::from_epoch(wall.0);
    let mut warnings = Vec::new();
    let mut devices = Vec::new();
    for (device, plug, reach) in configured(cib, node, wall, &mut warnings) {
        if let Some(here) = here.filter(|here| is_barred(cib, &device.id, here, now)) {
            if reach != Reach::Others {
                warnings.push(kept_away(&device.id, node, here));
            }
            continue;
        }
        match (reach, reach.check().map(|_| survey.knows(&device.id))) {
            (Reach::Named, _) | (_, Some(Some(true))) => {
                devices.push(device.with_plug(node, &plug));
            }
            (_, Some(None)) => warnings.push(format!(
                "fence device {} is not used: it has not said yet whom it fences \
                 (set pcmk_host_list)",
                device.id
            )),
            (Reach::Others | Reach::Asked(_), _) => {}
        }
    }
    let configured = topology(cib, node, &mut warnings);
    if configured.is_empty() {
        return (devices.into_iter().map(|device| vec![device]).collect(), warnings);
    }
    let mut levels = Levels::new();
    for (index, names) in configured {
        let found: Option<Vec<Device>> =
            names.iter().map(|name| devices.iter().find(|d| d.id == *name).cloned()).collect();
        match found {
            Some(level) => levels.push(level),
            None => warnings.push(format!(
                "fencing level {index} of {node} names a device that does not fence it"
            )),
        }
    }
    (levels, warnings)
}

/// The devices that have to let `node` in before anything is started there that needs it.
#[must_use]
pub fn unfencing(cib: &Document, node: &str, wall: WallClock) -> Vec<Device> {
    let all = configured(cib, node, wall, &mut Vec::new()).into_iter();
    all.filter(|(device, _, reach)| device.settings.unfences && *reach == Reach::Named)
        .map(|(device, plug, _)| device.with_plug(node, &plug))
        .collect()
}

fn kept_away(id: &str, node: &str, here: &str) -> String {
    format!("fence device {id} of {node} is not used: location constraints keep it off {here}")
}

/// What an administrator has to know about the devices and the levels of `node` as they are
/// configured.
#[must_use]
pub fn mistakes(cib: &Document, node: &str, here: &str, wall: WallClock) -> Vec<String> {
    let now = DateTime::from_epoch(wall.0);
    let mut warnings = Vec::new();
    let devices = configured(cib, node, wall, &mut warnings);
    for (device, _, reach) in &devices {
        if *reach != Reach::Others && is_barred(cib, &device.id, here, now) {
            warnings.push(kept_away(&device.id, node, here));
        }
    }
    for (index, names) in topology(cib, node, &mut warnings) {
        for name in names.iter().filter(|name| !devices.iter().any(|(d, ..)| d.id == **name)) {
            warnings.push(format!(
                "fencing level {index} of {node} names {name}, which is no device in use"
            ));
        }
    }
    warnings
}

/// The devices that have to be asked whether they fence `node`: what they call it, and how.
#[must_use]
pub fn to_ask(cib: &Document, node: &str, wall: WallClock) -> Vec<(Device, String, Check)> {
    let asked = |(device, plug, reach): (Device, String, Reach)| {
        reach.check().map(|check| (device.with_plug(node, &plug), plug, check))
    };
    configured(cib, node, wall, &mut Vec::new()).into_iter().filter_map(asked).collect()
}

/// Whether a device fences a node, as far as the configuration says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Reach {
    /// It does.
    Named,
    /// It does not.
    Others,
    /// The device knows.
    Asked(Check),
}

impl Reach {
    const fn check(self) -> Option<Check> {
        match self {
            Self::Asked(check) => Some(check),
            Self::Named | Self::Others => None,
        }
    }
}

/// Every device that is in use: what it calls `node`, and whether it fences it.
fn configured(
    cib: &Document,
    node: &str,
    wall: WallClock,
    warnings: &mut Vec<String>,
) -> Vec<(Device, String, Reach)> {
    let context = Context::at(DateTime::from_epoch(wall.0));
    let found = primitives(cib).filter_map(|one| for_node(one, node, &context, warnings));
    found.collect()
}

/// Whether the administrator wants nodes to be fenced at all.
#[must_use]
pub fn is_enabled(option: impl Fn(&str) -> Option<String>) -> bool {
    let named = option("fencing-enabled").or_else(|| option("stonith-enabled"));
    !named.is_some_and(|text| matches!(text.to_lowercase().as_str(), "false" | "off" | "no" | "0"))
}

fn primitives(cib: &Document) -> impl Iterator<Item = Element<'_>> {
    let config = cib.root().child("configuration");
    let resources = config.and_then(|config| config.child("resources"));
    let all = resources.into_iter().flat_map(|resources| resources.descendants());
    all.filter(|element| element.name() == "primitive")
}

/// A device without its plug, what it calls `node`, and whether it fences it; nothing if it is no
/// device, or not in use.
fn for_node(
    primitive: Element<'_>,
    node: &str,
    context: &Context<'_>,
    warnings: &mut Vec<String>,
) -> Option<(Device, String, Reach)> {
    let template = template_of(primitive);
    let own = |name| {
        primitive.attribute(name).or_else(|| template.and_then(|owner| owner.attribute(name)))
    };
    if own("class") != Some("stonith") {
        return None;
    }
    if own("type") == Some(WATCHDOG) {
        return None;
    }
    let id = primitive.attribute("id").unwrap_or_default();
    let mut meta = nvpairs::collect(primitive, "meta_attributes", context, None);
    let mut pairs = nvpairs::collect(primitive, "instance_attributes", context, None);
    if let Some(template) = template {
        nvpairs::add(&mut meta, template, "meta_attributes", context, None);
        nvpairs::add(&mut pairs, template, "instance_attributes", context, None);
    }
    if value(&meta, "target-role").is_some_and(|role| role.eq_ignore_ascii_case("stopped")) {
        return None;
    }
    let internal = |name: &str| name.starts_with("pcmk_") || matches!(name, "action" | "option");
    let parameters: Vec<(String, String)> = pairs
        .iter()
        .filter(|(name, _)| !internal(name))
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let within = time_for_fencing(primitive.document());
    let mut settings = Settings::read(id, &pairs, node, within, warnings);
    // What bars a node from a fabric lets it in again only when that node asks for it.
    settings.unfences = unfences(&meta);
    settings.comes_back &= !settings.unfences;
    let map = value(&pairs, "pcmk_host_map").map(host_map).unwrap_or_default();
    let plug = map.get(node).map_or(node, String::as_str).to_owned();
    let reach = reach(id, &pairs, &map, node, warnings);
    let (id, agent) = (id.to_owned(), own("type").unwrap_or_default().to_owned());
    let parameters = Parameters(parameters);
    Some((Device { id, agent, parameters, settings: Box::new(settings) }, plug, reach))
}

impl Device {
    /// The device, told which plug of which node it is about.
    fn with_plug(mut self, node: &str, plug: &str) -> Self {
        let all = &mut self.parameters.0;
        let fixed = all.iter().any(|(name, _)| matches!(name.as_str(), "port" | "plug"));
        if let Some(argument) = self.settings.plug_argument.clone().filter(|_| !fixed) {
            all.push((argument, plug.to_owned()));
        }
        if !all.iter().any(|(name, _)| name == "nodename") {
            all.push(("nodename".to_owned(), node.to_owned()));
        }
        self
    }
}

/// Whether a device with these meta-attributes has to let a node in before it may start anything.
fn unfences(meta: &[(&str, &str)]) -> bool {
    let provided = value(meta, "provides").unwrap_or_default();
    provided.split([' ', ',', ';']).any(|one| one == "unfencing")
}

/// The cluster's time for one fencing action.
fn time_for_fencing(cib: &Document) -> Option<Duration> {
    let option = |name| policy::option(cib, name);
    let text = option("fencing-timeout").or_else(|| option("stonith-timeout"))?;
    interval_ms(text).map(Duration::from_millis)
}

fn template_of(primitive: Element<'_>) -> Option<Element<'_>> {
    let name = primitive.attribute("template")?;
    let mut all = primitive.document().root().descendants();
    all.find(|e| e.name() == "template" && e.attribute("id") == Some(name)).map(resolved)
}

/// Whether a device fences `node`, by `pcmk_host_check` and what goes with it.
fn reach(
    id: &str,
    pairs: &[(&str, &str)],
    map: &BTreeMap<String, String>,
    node: &str,
    warnings: &mut Vec<String>,
) -> Reach {
    let list = value(pairs, "pcmk_host_list").unwrap_or_default();
    let named = map.contains_key(node) || list.split([' ', ',', ';', '\t']).any(|n| n == node);
    let fixed = if named { Reach::Named } else { Reach::Others };
    let says_nothing = map.is_empty() && list.trim().is_empty();
    let usual = if says_nothing { Reach::Asked(Check::Able) } else { fixed };
    match value(pairs, "pcmk_host_check") {
        None => usual,
        Some("none") => Reach::Named,
        Some("dynamic-list") => Reach::Asked(Check::List),
        Some("status") => Reach::Asked(Check::Status),
        Some("static-list") if says_nothing => {
            warnings.push(format!(
                "fence device {id} is not used: it does not say whom it fences (set pcmk_host_list)"
            ));
            Reach::Others
        }
        Some("static-list") => fixed,
        Some(other) => {
            warnings
                .push(format!("fence device {id}: pcmk_host_check='{other}' is not understood"));
            usual
        }
    }
}

/// `node1:1;node2:2,3` and its other separators; a backslash takes the meaning from what follows.
fn host_map(text: &str) -> BTreeMap<String, String> {
    let mut map = BTreeMap::new();
    let (mut name, mut plug) = (String::new(), None::<String>);
    let mut letters = text.chars();
    loop {
        let letter = letters.next();
        match letter {
            None | Some(' ' | ';' | '\t') => {
                let name = core::mem::take(&mut name);
                if let Some(plug) = plug.take().filter(|plug| !(plug.is_empty() || name.is_empty()))
                {
                    map.insert(name, plug);
                }
                if letter.is_none() {
                    return map;
                }
            }
            Some(':' | '=') if plug.is_none() => plug = Some(String::new()),
            Some('\\') => plug.as_mut().unwrap_or(&mut name).extend(letters.next()),
            Some(other) => plug.as_mut().unwrap_or(&mut name).push(other),
        }
    }
}

/// The levels of `node` by their index: those that name it, or else those whose pattern or
/// attribute it matches.
fn topology<'d>(
    cib: &'d Document,
    node: &str,
    warnings: &mut Vec<String>,
) -> BTreeMap<u32, Vec<&'d str>> {
    let config = cib.root().child("configuration");
    let topology = config.and_then(|config| config.child("fencing-topology"));
    let levels = || topology.into_iter().flat_map(|inside| inside.children_named("fencing-level"));
    let mut chosen: Vec<Element<'_>> =
        levels().filter(|level| level.attribute("target") == Some(node)).collect();
    if chosen.is_empty() {
        chosen = levels().filter(|level| is_meant(cib, *level, node, warnings)).collect();
    }
    chosen
        .into_iter()
        .filter_map(|level| {
            let index = level.attribute("index")?.parse().ok()?;
            let names = level.attribute("devices")?.split(',').map(str::trim);
            let used = |name: &&str| !(name.is_empty() || is_watchdog(cib, name));
            Some((index, names.filter(used).collect()))
        })
        .collect()
}

/// Whether this device is the watchdog, under the name that it always has or that of a resource.
fn is_watchdog(cib: &Document, id: &str) -> bool {
    let named = |one: Element<'_>| one.attribute("id") == Some(id);
    let mut all = primitives(cib);
    id == "watchdog" || all.any(|one| named(one) && one.attribute("type") == Some(WATCHDOG))
}

/// Whether a level is for `node` by its pattern or by an attribute of the node.
fn is_meant(cib: &Document, level: Element<'_>, node: &str, warnings: &mut Vec<String>) -> bool {
    if let Some(pattern) = level.attribute("target-pattern") {
        return match Regex::new(pattern) {
            Ok(compiled) => compiled.is_match(node),
            Err(error) => {
                let id = level.attribute("id").unwrap_or_default();
                warnings.push(format!("fencing level {id}: target-pattern '{pattern}': {error}"));
                false
            }
        };
    }
    let Some(name) = level.attribute("target-attribute") else { return false };
    let wanted = level.attribute("target-value");
    wanted.is_some() && node_attribute(cib, node, name) == wanted
}

/// A node's permanent attribute.
fn node_attribute<'d>(cib: &'d Document, node: &str, name: &str) -> Option<&'d str> {
    let nodes = cib.root().child("configuration")?.child("nodes")?;
    let node = nodes.children_named("node").find(|e| e.attribute("uname") == Some(node))?;
    let blocks = node.children_named("instance_attributes").map(resolved);
    let mut pairs = blocks.flat_map(|block| block.children_named("nvpair"));
    pairs.find(|pair| pair.attribute("name") == Some(name))?.attribute("value")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cib(resources: &str, topology: &str) -> Document {
        let text = format!(
            "<cib><configuration><resources>{resources}</resources>\
             <fencing-topology>{topology}</fencing-topology></configuration></cib>"
        );
        Document::parse(&text).unwrap()
    }

    fn device(id: &str, pairs: &[(&str, &str)]) -> String {
        let pairs =
            pairs.iter().map(|(n, v)| format!("<nvpair id='{id}-{n}' name='{n}' value='{v}'/>"));
        format!(
            "<primitive id='{id}' class='stonith' type='fence_test'>\
             <instance_attributes id='{id}-i'>{}</instance_attributes></primitive>",
            pairs.collect::<String>()
        )
    }

    /// `DEVICE(NAME=VALUE …)`, levels separated by ` | `.
    fn found(cib: &Document, node: &str) -> String {
        let (levels, _) =
            levels(cib, node, Some("h"), WallClock(1_800_000_000), &Survey::default());
        let one = |device: &Device| {
            let pairs = device.parameters.0.iter().filter(|(name, _)| name != "nodename");
            let pairs = pairs.map(|(n, v)| format!("{n}={v}"));
            format!("{}({})", device.id, pairs.collect::<Vec<_>>().join(" "))
        };
        let level = |devices: &Vec<Device>| devices.iter().map(one).collect::<Vec<_>>().join(" + ");
        levels.iter().map(level).collect::<Vec<_>>().join(" | ")
    }

    #[test]
    fn a_device_fences_whom_its_map_or_its_list_names() {
        let cib = cib(
            &[
                device("ipmi", &[("ip", "10.0.0.2"), ("pcmk_host_list", "c b")]),
                device("pdu", &[("pcmk_host_map", "a:1;b:2,3"), ("pcmk_off_timeout", "9s")]),
                device("own", &[("pcmk_host_list", "b"), ("plug", "7")]),
                device("any", &[("pcmk_host_check", "none"), ("pcmk_host_argument", "none")]),
                device("other", &[("pcmk_host_list", "bb")]),
                device("fixed", &[("pcmk_host_list", "b"), ("pcmk_host_check", "static-list")]),
            ]
            .concat(),
            "",
        );
        assert_eq!(
            found(&cib, "b"),
            "ipmi(ip=10.0.0.2 port=b) | pdu(port=2,3) | own(plug=7) | any() | fixed(port=b)"
        );
        assert_eq!(found(&cib, "a"), "pdu(port=1) | any()");
    }

    #[test]
    fn a_device_that_unfences_does_not_come_back_by_itself_and_hears_the_nodes_name() {
        let provides = "<meta_attributes id='m'><nvpair id='p' name='provides' \
                        value='unfencing'/></meta_attributes></primitive>";
        let scsi = device("scsi", &[("pcmk_host_list", "a b"), ("pcmk_host_argument", "none")]);
        let ipmi = device("ipmi", &[("pcmk_host_list", "b")]);
        let cib = cib(&format!("{}{ipmi}", scsi.replace("</primitive>", provides)), "");
        let unfencing = unfencing(&cib, "b", WallClock(0));
        assert_eq!(unfencing.len(), 1);
        assert!(!unfencing[0].settings.comes_back);
        let nodename = ("nodename".to_owned(), "b".to_owned());
        assert_eq!(unfencing[0].parameters.0, [nodename]);
        assert!(super::unfencing(&cib, "c", WallClock(0)).is_empty());
    }

    #[test]
    fn a_device_that_names_nobody_is_used_once_it_has_said_whom_it_fences() {
        let cib = cib(
            &[
                device("list", &[("pcmk_host_check", "dynamic-list"), ("pcmk_host_map", "b:7")]),
                device("status", &[("pcmk_host_check", "status"), ("pcmk_host_list", "a")]),
                device("able", &[]),
                device("named", &[("pcmk_host_list", "b")]),
            ]
            .concat(),
            "",
        );
        let wanted = to_ask(&cib, "b", WallClock(0));
        let asked: Vec<_> = wanted.iter().map(|(d, plug, by)| (&*d.id, &**plug, *by)).collect();
        let expected = [
            ("list", "7", Check::List),
            ("status", "b", Check::Status),
            ("able", "b", Check::Able),
        ];
        assert_eq!(asked, expected);
        let now = crate::Instant::from_micros(0);
        let mut survey = Survey::default();
        survey.follow(now, wanted);
        let used = |survey: &Survey| {
            let (levels, warnings) = levels(&cib, "b", None, WallClock(0), survey);
            let ids: Vec<String> = levels.into_iter().flatten().map(|device| device.id).collect();
            (ids.join(" "), warnings.len())
        };
        assert_eq!(used(&survey), ("named".to_owned(), 3));
        for (job, fences) in [(1, true), (2, false), (3, true)] {
            survey.answered(now, crate::fencing::PowerJob(job), Ok(fences));
        }
        assert_eq!(used(&survey), ("status able named".to_owned(), 0));
    }

    #[test]
    fn a_host_map_is_read_with_every_separator_and_escape() {
        let pairs = |text: &str| {
            let map = host_map(text);
            map.iter().map(|(n, p)| format!("{n}>{p}")).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(pairs("a:1;b:2,3"), "a>1 b>2,3");
        assert_eq!(pairs(" a=1 b:2\t c:x:y;"), "a>1 b>2 c>x:y");
        assert_eq!(pairs("a:vm\\ one;b:\\;2;c\\:d:3"), "a>vm one b>;2 c:d>3");
        assert_eq!(pairs("a;:1;b:;c:4\\"), "c>4");
    }

    #[test]
    fn a_device_that_names_nobody_is_reported_and_one_that_is_stopped_is_not_used() {
        let stopped = "<primitive id='off' class='stonith' type='t'><meta_attributes id='m'>\
                       <nvpair id='r' name='target-role' value='Stopped'/></meta_attributes>\
                       <instance_attributes id='i'>\
                       <nvpair id='l' name='pcmk_host_list' value='b'/>\
                       </instance_attributes></primitive>";
        let cib = cib(&format!("{stopped}{}", device("silent", &[("ip", "10.0.0.2")])), "");
        let (levels, warnings) = levels(&cib, "b", None, WallClock(0), &Survey::default());
        assert!(levels.is_empty());
        assert_eq!(warnings.len(), 1);
        assert!(warnings[0].contains("silent") && warnings[0].contains("pcmk_host_list"));
    }

    #[test]
    fn levels_are_tried_in_the_order_of_their_index_and_only_those() {
        let host = [("pcmk_host_list", "b")];
        let devices = ["ipmi", "left", "right", "spare"].map(|id| device(id, &host)).concat();
        let level = |index: u32, names: &str| {
            format!("<fencing-level id='l{index}' target='b' index='{index}' devices='{names}'/>")
        };
        let text = format!("{}{}{}", level(2, "left, right"), level(1, "ipmi"), level(3, "gone"));
        let cib = cib(&devices, &text);
        assert_eq!(found(&cib, "b"), "ipmi(port=b) | left(port=b) + right(port=b)");
        let mistakes = mistakes(&cib, "b", "h", WallClock(0));
        assert_eq!(mistakes, ["fencing level 3 of b names gone, which is no device in use"]);
        assert_eq!(levels(&cib, "b", None, WallClock(0), &Survey::default()).1.len(), 1);
    }

    #[test]
    fn the_watchdog_is_no_switch_and_no_mistake() {
        let dog = device("dog", &[("pcmk_host_list", "b")]).replace("fence_test", "fence_watchdog");
        let level = |index: u32, names: &str| {
            format!("<fencing-level id='l{index}' target='b' index='{index}' devices='{names}'/>")
        };
        let text = [level(1, "ipmi"), level(2, "dog"), level(3, "watchdog")].concat();
        let cib = cib(&format!("{dog}{}", device("ipmi", &[("pcmk_host_list", "b")])), &text);
        assert_eq!(found(&cib, "b").split(" | ").next(), Some("ipmi(port=b)"));
        assert!(!found(&cib, "b").contains("dog"));
        assert!(mistakes(&cib, "b", "h", WallClock(0)).is_empty());
        assert!(levels(&cib, "b", None, WallClock(0), &Survey::default()).1.is_empty());
    }

    #[test]
    fn levels_may_be_meant_for_nodes_by_pattern_or_attribute_and_a_name_goes_first() {
        let host = [("pcmk_host_list", "b head-1 head-2")];
        let devices = ["ipmi", "pdu", "sbd"].map(|id| device(id, &host)).concat();
        let level = |id: &str, what: &str, device: &str| {
            format!("<fencing-level id='{id}' {what} index='1' devices='{device}'/>")
        };
        let text = [
            level("n", "target='b'", "ipmi"),
            level("p", "target-pattern='^(head|b)'", "pdu"),
            level("a", "target-attribute='rack' target-value='7'", "sbd"),
            level("x", "target-pattern='('", "ipmi"),
        ]
        .concat();
        let text = cib(&devices, &text).write();
        let rack = "<nodes><node id='1' uname='c'><instance_attributes id='i'>\
                    <nvpair id='v' name='rack' value='7'/></instance_attributes></node></nodes>";
        let text = text.replace("<resources>", &format!("{rack}<resources>"));
        let cib = Document::parse(&text.replace("head-2", "c")).unwrap();
        assert_eq!(found(&cib, "b"), "ipmi(port=b)");
        assert_eq!(found(&cib, "head-1"), "pdu(port=head-1)");
        assert_eq!(found(&cib, "c"), "sbd(port=c)");
        let (_, warnings) = levels(&cib, "head-1", None, WallClock(0), &Survey::default());
        assert!(warnings[0].starts_with("fencing level x: target-pattern '('"), "{warnings:?}");
    }

    #[test]
    fn a_level_whose_device_may_not_be_used_here_is_no_level() {
        let devices = ["ipmi", "pdu"].map(|id| device(id, &[("pcmk_host_list", "b")])).concat();
        let away = "<rsc_location id='l' rsc='pdu' node='h' score='-INFINITY'/>";
        let text = cib(&devices, "").write().replace(
            "</configuration>",
            &format!("<constraints>{away}</constraints></configuration>"),
        );
        let cib = Document::parse(&text).unwrap();
        assert_eq!(found(&cib, "b"), "ipmi(port=b)");
        let mistakes = mistakes(&cib, "b", "h", WallClock(0));
        assert!(mistakes[0].contains("keep it off h"), "{mistakes:?}");
        let anywhere = levels(&cib, "b", None, WallClock(0), &Survey::default()).0;
        assert_eq!(anywhere.len(), 2);
    }

    #[test]
    fn printing_a_device_prints_no_secret() {
        let device = Device {
            id: "ipmi".to_owned(),
            agent: "fence_ipmilan".to_owned(),
            parameters: Parameters(vec![("password".to_owned(), "hunter2".to_owned())]),
            settings: Box::default(),
        };
        assert!(!format!("{device:?}").contains("hunter2"));
    }
}
