//! How a fence device wants to be used: its delays, and for each action a command, a time and a
//! number of attempts.
//!
//! *Pacemaker Explained*, "Special Meta-Attributes for Fencing Resources": `pcmk_delay_base`,
//! `pcmk_delay_max`, and `pcmk_ACTION_action`, `pcmk_ACTION_timeout` and `pcmk_ACTION_retries`. A
//! reboot is always off, read back, and on; where a device has a time for reboots only, that is
//! its time for switching off.

use super::PowerAction;
use core::time::Duration;
use diarch_cib::nvpairs::value;
use diarch_cib::time::interval_ms;

/// How long an action may take where nothing else is said.
pub const WITHIN_DEFAULT: Duration = Duration::from_secs(60);
/// How often an action is tried where nothing else is said.
const TRIES_DEFAULT: u32 = 2;
/// No configured number of attempts is believed beyond this.
const TRIES_MAX: u32 = 100;

/// How one action is carried out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Order {
    /// What the device is told to do.
    pub command: String,
    /// How long all attempts together may take, delays left out.
    pub within: Duration,
    /// How often it is tried at most.
    pub tries: u32,
}

/// How a device is used about one node.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    /// The part of the delay before switching off that is always the same.
    pub delay_base: Duration,
    /// The whole delay is random between the base and this; never less than the base.
    pub delay_max: Duration,
    /// Whether a node is switched on again after it was switched off.
    pub comes_back: bool,
    /// Whether it has to let a node in before anything is started there that needs it.
    pub unfences: bool,
    /// The parameter that names the plug, if one does.
    pub plug_argument: Option<String>,
    list: Order,
    status: Order,
    off: Order,
    on: Order,
}

impl Default for Settings {
    fn default() -> Self {
        Self::read("", &[], "", None, &mut Vec::new())
    }
}

impl Settings {
    /// Those of the parameters of device `id` about `node`; `within` is the cluster's time for
    /// fencing. What cannot be understood is left out and added to `warnings`.
    pub(super) fn read(
        id: &str,
        pairs: &[(&str, &str)],
        node: &str,
        within: Option<Duration>,
        warnings: &mut Vec<String>,
    ) -> Self {
        let mut wrong = |name: &str, text: &str| {
            warnings.push(format!("fence device {id}: {name}='{text}' is not understood"));
        };
        let mut time = |name: &str| {
            let text = value(pairs, name)?;
            let millis = interval_ms(text);
            if millis.is_none() {
                wrong(name, text);
            }
            millis.map(Duration::from_millis)
        };
        let delay_max = time("pcmk_delay_max");
        let reboot_within = time("pcmk_reboot_timeout");
        let within = within.unwrap_or(WITHIN_DEFAULT);
        let status_within = time("pcmk_status_timeout").unwrap_or(within);
        let off_within = time("pcmk_off_timeout").or(reboot_within).unwrap_or(within);
        let list_within = time("pcmk_list_timeout").unwrap_or(within);
        let on_within = time("pcmk_on_timeout").unwrap_or(within);
        let base = value(pairs, "pcmk_delay_base").unwrap_or_default();
        let delay_base = delay_of(base, node).unwrap_or_else(|| {
            wrong("pcmk_delay_base", base);
            Duration::ZERO
        });
        let mut tries = |name: &str| {
            let text = value(pairs, name)?;
            let number: Option<u32> = text.trim().parse().ok();
            if number.is_none() {
                wrong(name, text);
            }
            number.map(|number| number.clamp(1, TRIES_MAX))
        };
        let reboot_tries = tries("pcmk_reboot_retries");
        let mut order = |action: &str, within, default: u32| Order {
            command: value(pairs, &format!("pcmk_{action}_action")).unwrap_or(action).to_owned(),
            within,
            tries: tries(&format!("pcmk_{action}_retries")).unwrap_or(default),
        };
        Self {
            delay_base: delay_max.map_or(delay_base, |max| delay_base.min(max)),
            delay_max: delay_max.unwrap_or(delay_base),
            comes_back: value(pairs, "pcmk_reboot_action") != Some("off"),
            unfences: false,
            plug_argument: Some(value(pairs, "pcmk_host_argument").unwrap_or("port"))
                .filter(|argument| *argument != "none")
                .map(str::to_owned),
            list: order("list", list_within, TRIES_DEFAULT),
            status: order("status", status_within, TRIES_DEFAULT),
            off: order("off", off_within, reboot_tries.unwrap_or(TRIES_DEFAULT)),
            on: order("on", on_within, TRIES_DEFAULT),
        }
    }

    /// How an action is carried out.
    #[must_use]
    pub const fn order(&self, action: PowerAction) -> &Order {
        match action {
            PowerAction::Status => &self.status,
            PowerAction::Off => &self.off,
            PowerAction::On => &self.on,
        }
    }

    /// How it is asked for a list of what it fences.
    #[must_use]
    pub const fn list(&self) -> &Order {
        &self.list
    }

    /// The delay before switching off, where chance says `roll`.
    #[must_use]
    pub fn delay(&self, roll: u64) -> Duration {
        let width = self.delay_max.saturating_sub(self.delay_base).as_millis();
        let width = u64::try_from(width).unwrap_or(u64::MAX - 1);
        self.delay_base + Duration::from_millis(roll % (width + 1))
    }
}

/// The delay that `5s`, or an entry of `node1:5s;node2:10s`, gives to a node; none for a node that
/// is not named.
fn delay_of(text: &str, node: &str) -> Option<Duration> {
    let millis = if text.trim().is_empty() {
        Some(0)
    } else if text.contains(':') {
        let mut entries = text.split([';', ' ', '\t']).filter_map(|one| one.split_once(':'));
        entries.find(|(name, _)| *name == node).map_or(Some(0), |(_, delay)| interval_ms(delay))
    } else {
        interval_ms(text)
    };
    millis.map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)], node: &str) -> (Settings, Vec<String>) {
        let mut warnings = Vec::new();
        let settings =
            Settings::read("ipmi", pairs, node, Some(Duration::from_secs(90)), &mut warnings);
        (settings, warnings)
    }

    /// The least and the greatest delay, in milliseconds.
    fn delays(pairs: &[(&str, &str)], node: &str) -> (u128, u128) {
        let (settings, warnings) = read(pairs, node);
        assert!(warnings.is_empty(), "{warnings:?}");
        let rolled = (0..50_000).map(|roll| settings.delay(roll).as_millis());
        (rolled.clone().min().unwrap(), rolled.max().unwrap())
    }

    #[test]
    fn the_delay_lies_between_base_and_max_and_base_never_exceeds_max() {
        assert_eq!(delays(&[], "a"), (0, 0));
        assert_eq!(delays(&[("pcmk_delay_base", "5s")], "a"), (5000, 5000));
        assert_eq!(delays(&[("pcmk_delay_max", "7")], "a"), (0, 7000));
        assert_eq!(
            delays(&[("pcmk_delay_base", "2s"), ("pcmk_delay_max", "7s")], "a"),
            (2000, 7000)
        );
        assert_eq!(
            delays(&[("pcmk_delay_base", "9s"), ("pcmk_delay_max", "7s")], "a"),
            (7000, 7000)
        );
    }

    #[test]
    fn a_delay_may_be_given_for_each_node_and_others_have_none() {
        let pairs = [("pcmk_delay_base", "a:5s;b:10s c:1m")];
        assert_eq!(delays(&pairs, "a"), (5000, 5000));
        assert_eq!(delays(&pairs, "b"), (10_000, 10_000));
        assert_eq!(delays(&pairs, "c"), (60_000, 60_000));
        assert_eq!(delays(&pairs, "d"), (0, 0));
    }

    #[test]
    fn each_action_has_its_command_its_time_and_its_attempts() {
        let (settings, warnings) = read(
            &[
                ("pcmk_off_action", "disable"),
                ("pcmk_off_timeout", "9s"),
                ("pcmk_off_retries", "4"),
                ("pcmk_status_timeout", "3"),
                ("pcmk_on_retries", "0"),
            ],
            "a",
        );
        assert!(warnings.is_empty(), "{warnings:?}");
        let order = |action| {
            let Order { command, within, tries } = settings.order(action);
            format!("{command} {} {tries}", within.as_secs())
        };
        assert_eq!(order(PowerAction::Off), "disable 9 4");
        assert_eq!(order(PowerAction::Status), "status 3 2");
        assert_eq!(order(PowerAction::On), "on 90 1", "the cluster's time, and at least once");
        assert!(settings.comes_back);
    }

    #[test]
    fn a_time_for_reboots_is_one_for_switching_off_where_there_is_no_other() {
        let (settings, _) = read(&[("pcmk_reboot_timeout", "300s")], "a");
        assert_eq!(settings.order(PowerAction::Off).within, Duration::from_secs(300));
        let both = [("pcmk_reboot_timeout", "300s"), ("pcmk_off_timeout", "20s")];
        let (settings, _) = read(&both, "a");
        assert_eq!(settings.order(PowerAction::Off).within, Duration::from_secs(20));
    }

    #[test]
    fn a_device_whose_reboot_is_off_leaves_the_node_off() {
        assert!(!read(&[("pcmk_reboot_action", "off")], "a").0.comes_back);
    }

    #[test]
    fn what_is_not_understood_is_left_out_and_told() {
        let pairs =
            [("pcmk_off_timeout", "soon"), ("pcmk_delay_base", "a:x"), ("pcmk_on_retries", "-1")];
        let (settings, warnings) = read(&pairs, "a");
        assert_eq!(warnings.len(), 3, "{warnings:?}");
        assert!(warnings[0].contains("pcmk_off_timeout='soon'"), "{warnings:?}");
        assert_eq!(settings.order(PowerAction::Off).within, Duration::from_secs(90));
        assert_eq!(settings.delay(7), Duration::ZERO);
    }
}
