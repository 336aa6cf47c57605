//! Third stage: constraints, those of the configuration and those that follow from it.

pub(crate) mod colocation;
pub(crate) mod implicit;
pub(crate) mod location;
pub(crate) mod ordering;
pub(crate) mod sets;
pub(crate) mod ticket;

use crate::model::{RscIdx, Tables};
use diarch_cib::xml::Element;

/// Reads the `constraints` section.
pub(crate) fn unpack(t: &mut Tables<'_>) {
    let configuration = t.cib.child("configuration");
    let Some(section) = configuration.and_then(|at| at.child("constraints")) else { return };
    for element in section.children() {
        if element.attribute("id").is_none() {
            t.error(format!("ignoring <{}> constraint without id", element.name()));
            continue;
        }
        match element.name() {
            "rsc_location" => location::unpack(t, element),
            "rsc_colocation" => colocation::unpack(t, element),
            "rsc_order" => ordering::unpack(t, element),
            "rsc_ticket" => ticket::unpack(t, element),
            other => {
                let message = format!("unsupported constraint type <{other}>");
                t.error(message);
            }
        }
    }
}

/// Gives the resources that a reference means: one, or all behind a tag or template.
pub(crate) fn referenced(t: &Tables<'_>, id: &str) -> Vec<RscIdx> {
    if let Some(rsc) = t.configured(id) {
        return vec![rsc];
    }
    let members = t.tags.get(id);
    members.into_iter().flatten().filter_map(|member| t.configured(member)).collect()
}

/// As [`referenced`], with a diagnostic where nothing is meant.
pub(crate) fn resolve(t: &mut Tables<'_>, element: Element<'_>, id: &str) -> Vec<RscIdx> {
    let found = referenced(t, id);
    if found.is_empty() {
        let constraint = element.attribute("id").unwrap_or("");
        t.error(format!("ignoring constraint '{constraint}': no resource '{id}'"));
    }
    found
}
