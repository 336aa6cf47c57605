//! Ticket states (*Pacemaker Explained*, "Multi-Site Clusters and Tickets").

use crate::model::Tables;
use crate::unpack::duration::{integer, is_true};
use diarch_cib::xml::Element;

/// Reads the `tickets` section.
pub(super) fn unpack<'c>(t: &mut Tables<'c>, status: Element<'c>) {
    let Some(section) = status.child("tickets") else { return };
    for element in section.children_named("ticket_state") {
        let Some(id) = element.attribute("id") else { continue };
        let ticket = t.tickets.entry(id).or_default();
        ticket.attributes = element.attributes().collect();
        ticket.granted = is_true(element.attribute("granted"));
        ticket.last_granted = element.attribute("last-granted").and_then(integer);
        ticket.standby = is_true(element.attribute("standby"));
    }
}
