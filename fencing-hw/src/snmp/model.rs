//! Which switched PDUs there are: where each keeps its outlets' states, and what the values mean.
//!
//! Values differ from vendor to vendor and between two generations of one vendor. So each row names
//! the values that mean on *and* those that mean off; every other value means neither.

use super::Oid;
use crate::power::PowerState;
use heapless::Vec;

/// Numbers in an outlet's index.
pub const INDEX_MAX: usize = 4;
/// `iso.org.dod.internet.private.enterprises`.
const ENTERPRISES: &[u32] = &[1, 3, 6, 1, 4, 1];

/// An outlet as people write it: its number, or unit and number, outermost first.
pub type Plug = Vec<u32, INDEX_MAX>;

/// A column of a table: the objects of all outlets.
#[derive(Debug)]
pub struct Column {
    /// Its name below `enterprises`.
    root: &'static [u32],
    /// What is added to the outlet's number.
    shift: i32,
    /// What follows the index.
    tail: &'static [u32],
}

impl Column {
    const fn at(root: &'static [u32]) -> Self {
        Self { root, shift: 0, tail: &[] }
    }
}

/// One kind of PDU.
#[derive(Debug)]
pub struct Model {
    /// What it is called in parameters.
    pub name: &'static str,
    /// What its `sysObjectID` begins with, below `enterprises`.
    object: &'static [u32],
    /// Numbers in an index, and the leading ones where people write fewer.
    width: usize,
    lead: &'static [u32],
    state: Column,
    on: &'static [i32],
    off: &'static [i32],
    set_on: (Column, i32),
    set_off: (Column, i32),
}

/// A row whose indices are single numbers, and whose orders are values of one column.
macro_rules! simple {
    ($name:literal, $object:expr, $state:expr, on $on:literal, off $off:literal,
     $control:expr, $set_on:literal, $set_off:literal) => {
        Model {
            name: $name,
            object: &$object,
            width: 1,
            lead: &[],
            state: Column::at(&$state),
            on: &[$on],
            off: &[$off],
            set_on: (Column::at(&$control), $set_on),
            set_off: (Column::at(&$control), $set_off),
        }
    };
}

const MASTER_SWITCH: [u32; 8] = [318, 1, 1, 4, 4, 2, 1, 3];
const EATON_MANAGED: [u32; 9] = [534, 6, 6, 6, 1, 2, 2, 1, 3];

/// Every kind, those that are told apart by probing in the order in which they are probed.
pub static MODELS: &[Model] = &[
    simple!("apc-rpdu", [318, 1, 3, 4], [318, 1, 1, 12, 3, 5, 1, 1, 4], on 1, off 2,
        [318, 1, 1, 12, 3, 3, 1, 1, 4], 1, 2),
    // The same vendor's next generation has the two values the other way round.
    simple!("apc-rpdu2", [318, 1, 3, 4], [318, 1, 1, 26, 9, 2, 3, 1, 5], on 2, off 1,
        [318, 1, 1, 26, 9, 2, 4, 1, 5], 1, 2),
    simple!("apc-masterswitch", [318], MASTER_SWITCH, on 1, off 2, MASTER_SWITCH, 1, 2),
    Model {
        name: "apc-masterswitch-plus",
        object: &[318, 1, 3, 4, 4],
        width: 3,
        lead: &[1, 1],
        state: Column::at(&[318, 1, 1, 6, 7, 1, 1, 5]),
        on: &[1],
        off: &[3],
        set_on: (Column::at(&[318, 1, 1, 6, 5, 1, 1, 5]), 1),
        set_off: (Column::at(&[318, 1, 1, 6, 5, 1, 1, 5]), 3),
    },
    Model {
        name: "eaton-g2",
        object: &[534],
        width: 2,
        lead: &[0],
        state: Column::at(&[534, 6, 6, 7, 6, 6, 1, 2]),
        on: &[1],
        off: &[0],
        // The value is the delay in seconds.
        set_on: (Column::at(&[534, 6, 6, 7, 6, 6, 1, 4]), 0),
        set_off: (Column::at(&[534, 6, 6, 7, 6, 6, 1, 3]), 0),
    },
    Model {
        name: "eaton-managed",
        object: &[534],
        width: 1,
        lead: &[],
        state: Column { root: &EATON_MANAGED, shift: -1, tail: &[] },
        on: &[1],
        off: &[0],
        set_on: (Column { root: &EATON_MANAGED, shift: -1, tail: &[] }, 1),
        set_off: (Column { root: &EATON_MANAGED, shift: -1, tail: &[] }, 0),
    },
    Model {
        name: "eaton-switched",
        object: &[20677],
        width: 1,
        lead: &[],
        state: Column { root: &[20677, 2, 6, 3], shift: 0, tail: &[0] },
        on: &[1],
        off: &[2],
        set_on: (Column { root: &[20677, 2, 6, 2], shift: 1, tail: &[0] }, 1),
        set_off: (Column { root: &[20677, 2, 6, 2], shift: 1, tail: &[0] }, 2),
    },
    Model {
        name: "raritan",
        object: &[13742, 6],
        width: 2,
        lead: &[1],
        state: Column::at(&[13742, 6, 4, 1, 2, 1, 3]),
        on: &[7],
        off: &[8],
        set_on: (Column::at(&[13742, 6, 4, 1, 2, 1, 2]), 1),
        set_off: (Column::at(&[13742, 6, 4, 1, 2, 1, 2]), 0),
    },
    Model {
        name: "servertech-sentry3",
        object: &[1718, 3],
        width: 3,
        lead: &[1, 1],
        state: Column::at(&[1718, 3, 2, 3, 1, 10]),
        on: &[1],
        off: &[0],
        set_on: (Column::at(&[1718, 3, 2, 3, 1, 11]), 1),
        set_off: (Column::at(&[1718, 3, 2, 3, 1, 11]), 2),
    },
    Model {
        name: "servertech-sentry4",
        object: &[1718, 4],
        width: 3,
        lead: &[1, 1],
        state: Column::at(&[1718, 4, 1, 8, 5, 1, 1]),
        on: &[1],
        off: &[0],
        set_on: (Column::at(&[1718, 4, 1, 8, 5, 1, 2]), 1),
        set_off: (Column::at(&[1718, 4, 1, 8, 5, 1, 2]), 2),
    },
    simple!("cyberpower", [3808], [3808, 1, 1, 3, 3, 5, 1, 1, 4], on 1, off 2,
        [3808, 1, 1, 3, 3, 3, 1, 1, 4], 1, 2),
    Model {
        name: "tripplite",
        object: &[850],
        width: 2,
        lead: &[1],
        state: Column::at(&[850, 10, 2, 3, 5, 1, 2]),
        on: &[2],
        off: &[1],
        set_on: (Column::at(&[850, 10, 2, 3, 5, 1, 4]), 2),
        set_off: (Column::at(&[850, 10, 2, 3, 5, 1, 4]), 1),
    },
    Model {
        name: "emerson",
        object: &[476],
        width: 3,
        lead: &[],
        state: Column::at(&[476, 1, 42, 3, 8, 50, 20, 1, 95]),
        on: &[2],
        off: &[1],
        set_on: (Column::at(&[476, 1, 42, 3, 8, 50, 20, 1, 100]), 1),
        set_off: (Column::at(&[476, 1, 42, 3, 8, 50, 20, 1, 100]), 0),
    },
];

impl Model {
    /// The model of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        MODELS.iter().find(|model| model.name == name)
    }

    /// Whether a device that says it is `object` can be one of these.
    #[must_use]
    pub fn claims(&self, object: &[u32]) -> bool {
        let below = object.strip_prefix(ENTERPRISES);
        below.is_some_and(|below| below.starts_with(self.object))
    }

    /// The object that tells an outlet's state; nothing if the plug has not as many numbers as an
    /// outlet here needs.
    #[must_use]
    pub fn state_of(&self, plug: &[u32]) -> Option<Oid> {
        self.object(&self.state, plug)
    }

    /// The object that switches an outlet, and the value to set it to.
    #[must_use]
    pub fn order(&self, plug: &[u32], wanted: PowerState) -> Option<(Oid, i32)> {
        let (column, value) = match wanted {
            PowerState::On => &self.set_on,
            PowerState::Off => &self.set_off,
        };
        self.object(column, plug).map(|oid| (oid, *value))
    }

    /// What a value of the state means, if it means on or off.
    #[must_use]
    pub fn meaning(&self, value: i32) -> Option<PowerState> {
        if self.off.contains(&value) {
            Some(PowerState::Off)
        } else if self.on.contains(&value) {
            Some(PowerState::On)
        } else {
            None
        }
    }

    fn object(&self, column: &Column, plug: &[u32]) -> Option<Oid> {
        let missing = self.width.checked_sub(plug.len())?;
        let (number, outer) = plug.split_last()?;
        let number = number.checked_add_signed(column.shift)?;
        let lead = self.lead.get(..missing)?;
        let mut oid = Oid::new();
        for part in [ENTERPRISES, column.root, lead, outer, &[number], column.tail] {
            oid.extend_from_slice(part).ok()?;
        }
        Some(oid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_means_both_on_and_off_and_orders_differ() {
        for model in MODELS {
            assert!(model.on.iter().all(|value| !model.off.contains(value)), "{}", model.name);
            let plug = &[1, 1, 5][3 - model.width..];
            assert!(model.state_of(plug).is_some(), "{}", model.name);
            let (on, off) = (model.order(plug, PowerState::On), model.order(plug, PowerState::Off));
            assert!(on.is_some() && on != off, "{}", model.name);
            assert_eq!(model.meaning(99), None);
        }
    }

    #[test]
    fn an_outlet_has_the_index_that_its_table_uses() {
        let oid = |model: &str, plug: &[u32]| {
            let oid = Model::named(model).unwrap().state_of(plug)?;
            Some(oid[ENTERPRISES.len()..].to_vec())
        };
        assert_eq!(oid("apc-rpdu", &[3]).unwrap(), [318, 1, 1, 12, 3, 5, 1, 1, 4, 3]);
        assert_eq!(oid("apc-rpdu", &[1, 3]), None);
        assert_eq!(oid("eaton-g2", &[3]).unwrap(), [534, 6, 6, 7, 6, 6, 1, 2, 0, 3]);
        assert_eq!(oid("eaton-g2", &[2, 3]).unwrap(), [534, 6, 6, 7, 6, 6, 1, 2, 2, 3]);
        assert_eq!(oid("eaton-managed", &[1]).unwrap(), [534, 6, 6, 6, 1, 2, 2, 1, 3, 0]);
        assert_eq!(oid("eaton-managed", &[0]), None);
        assert_eq!(oid("eaton-switched", &[4]).unwrap(), [20677, 2, 6, 3, 4, 0]);
        assert_eq!(oid("emerson", &[4]), None);
    }
}
