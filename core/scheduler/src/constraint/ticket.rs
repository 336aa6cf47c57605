//! Ticket constraints (*Pacemaker Explained*, "Multi-Site Clusters and Tickets").

use crate::fence;
use crate::model::{LossPolicy, Role, RscIdx, Tables, TicketConstraint};
use crate::status::find::ban_everywhere;
use crate::unpack::nvpairs::resolve as follow;
use diarch_cib::xml::Element;

/// Reads a `rsc_ticket`.
pub(crate) fn unpack<'c>(t: &mut Tables<'c>, element: Element<'c>) {
    let Some(ticket) = element.attribute("ticket") else { return };
    t.tickets.entry(ticket).or_default();
    let mut all: Vec<(RscIdx, Role)> = Vec::new();
    for set in element.children_named("resource_set") {
        let set = follow(t, set);
        let role = set.attribute("role").and_then(Role::parse).unwrap_or(Role::Unknown);
        for member in set.children_named("resource_ref") {
            for rsc in super::resolve(t, element, member.attribute("id").unwrap_or("")) {
                all.push((rsc, role));
            }
        }
    }
    if let Some(id) = element.attribute("rsc") {
        let role = element.attribute("rsc-role").and_then(Role::parse).unwrap_or(Role::Unknown);
        for rsc in super::resolve(t, element, id) {
            all.push((rsc, role));
        }
    }
    for (rsc, role) in all {
        let loss = match element.attribute("loss-policy") {
            Some("fence") if t.options.fencing_enabled => LossPolicy::Fence,
            Some("demote") => LossPolicy::Demote,
            Some("freeze") => LossPolicy::Freeze,
            None if role == Role::Promoted => LossPolicy::Demote,
            _ => LossPolicy::Stop,
        };
        let id = element.attribute("id").unwrap_or("");
        t.ticket_constraints.push(TicketConstraint { id, rsc, role, ticket, loss });
        let index = t.ticket_constraints.len() - 1;
        t.resources[rsc].tickets.push(index);
        let state = &t.tickets[ticket];
        if !state.granted || state.standby {
            lose(t, rsc, index);
        }
    }
}

/// Applies the loss of a ticket.
pub(crate) fn lose(t: &mut Tables<'_>, rsc: RscIdx, index: usize) {
    let constraint = &t.ticket_constraints[index];
    let (loss, role) = (constraint.loss, constraint.role);
    let ticket = t.tickets.get(constraint.ticket).cloned().unwrap_or_default();
    if !t.resources[rsc].is_primitive() {
        for child in t.resources[rsc].children.clone() {
            lose(t, child, index);
        }
        return;
    }
    let concerned = role != Role::Promoted || t.resources[rsc].role == role;
    if !ticket.granted {
        match loss {
            LossPolicy::Fence | LossPolicy::Freeze if !concerned => {}
            LossPolicy::Stop => ban_everywhere(t, rsc),
            LossPolicy::Demote => {
                if role != Role::Promoted {
                    ban_everywhere(t, rsc);
                }
            }
            LossPolicy::Fence => {
                let active = t.resources[rsc].active_on.clone();
                ban_everywhere(t, rsc);
                for node in active {
                    fence::demand(t, node, "deadman ticket was lost");
                }
            }
            LossPolicy::Freeze => {
                if !t.resources[rsc].active_on.is_empty() {
                    t.resources[rsc].managed = false;
                    t.resources[rsc].blocked = true;
                }
            }
        }
        if ticket.last_granted.is_none()
            && t.resources[rsc].active_on.is_empty()
            && loss == LossPolicy::Freeze
            && role != Role::Promoted
        {
            ban_everywhere(t, rsc);
        }
    } else if ticket.standby && (role != Role::Promoted || loss == LossPolicy::Stop) {
        ban_everywhere(t, rsc);
    }
}
