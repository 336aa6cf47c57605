//! The options of fence agents: names, spellings and defaults are those that the agents' metadata
//! has published for many years.

/// What an option's value is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Content {
    /// None on the command line; anything but `0`, `no`, `off` and `false` on standard input.
    Boolean,
    /// A whole number.
    Integer,
    /// Seconds.
    Seconds,
    /// Any text.
    Text,
    /// One of these.
    Choice(&'static [&'static str]),
}

/// One option.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Definition {
    /// Its name on standard input.
    pub(crate) name: &'static str,
    /// An older name for the same.
    pub(crate) old: Option<&'static str>,
    /// Its letter on the command line.
    pub(crate) short: Option<char>,
    /// Its word on the command line.
    pub(crate) long: &'static str,
    /// What its value is.
    pub(crate) content: Content,
    /// The value where none is given.
    pub(crate) default: Option<&'static str>,
    /// Whether an agent cannot do without it.
    pub(crate) required: bool,
    /// What it is for.
    pub(crate) about: &'static str,
}

impl Definition {
    const fn new(
        name: &'static str,
        short: Option<char>,
        long: &'static str,
        content: Content,
        about: &'static str,
    ) -> Self {
        Self { name, old: None, short, long, content, default: None, required: false, about }
    }

    const fn older(self, name: &'static str) -> Self {
        Self { old: Some(name), ..self }
    }

    const fn default(self, value: &'static str) -> Self {
        Self { default: Some(value), ..self }
    }

    const fn needed(self) -> Self {
        Self { required: true, ..self }
    }
}

use Content::{Boolean, Choice, Integer, Seconds, Text};

const ACTION: Definition =
    Definition::new("action", Some('o'), "action", Text, "What to do").default("reboot").needed();
const IP: Definition =
    Definition::new("ip", Some('a'), "ip", Text, "Address of the device, or a name in /etc/hosts")
        .older("ipaddr");
const USERNAME: Definition =
    Definition::new("username", Some('l'), "username", Text, "User name").older("login");
const PASSWORD: Definition =
    Definition::new("password", Some('p'), "password", Text, "Password").older("passwd");
const PASSWORD_SCRIPT: Definition = Definition::new(
    "password_script",
    Some('S'),
    "password-script",
    Text,
    "Command whose output is the password",
)
.older("passwd_script");

/// Those that every agent has, after its own.
const COMMON: &[Definition] = &[
    Definition::new("quiet", Some('q'), "quiet", Boolean, "Say nothing on standard error"),
    Definition::new("verbose", Some('v'), "verbose", Boolean, "Say how long each step took"),
    Definition::new("verbose_level", None, "verbose-level", Integer, "Accepted; as verbose"),
    Definition::new("debug_file", Some('D'), "debug-file", Text, "Accepted; nothing is written")
        .older("debug"),
    Definition::new("version", Some('V'), "version", Boolean, "Say the version and end"),
    Definition::new("help", Some('h'), "help", Boolean, "Say how to use this and end"),
    Definition::new("plug_separator", None, "plug-separator", Text, "Between several plugs")
        .default(","),
    Definition::new("delay", None, "delay", Seconds, "Wait before fencing").default("0"),
    Definition::new(
        "disable_timeout",
        None,
        "disable-timeout",
        Text,
        "Accepted; whoever calls limits the time",
    ),
    Definition::new("login_timeout", None, "login-timeout", Seconds, "To open a session in")
        .default("5"),
    Definition::new("power_timeout", None, "power-timeout", Seconds, "To read the new state in")
        .default("20"),
    Definition::new(
        "power_wait",
        None,
        "power-wait",
        Seconds,
        "Accepted; the state is read back instead",
    )
    .default("0"),
    Definition::new("shell_timeout", None, "shell-timeout", Seconds, "To answer one step in")
        .default("3"),
    Definition::new(
        "stonith_status_sleep",
        None,
        "stonith-status-sleep",
        Seconds,
        "Accepted; the state is read several times a second",
    )
    .default("1"),
    Definition::new("retry_on", None, "retry-on", Integer, "How often to try switching on")
        .default("1"),
];

/// Those of agents for BMCs.
const IPMI: &[Definition] = &[
    ACTION,
    Definition::new(
        "auth",
        Some('A'),
        "auth",
        Choice(&["md5", "password", "none"]),
        "Open a session of IPMI 1.5 that authenticates so; none: as if not given",
    ),
    Definition::new(
        "cipher",
        Some('C'),
        "cipher",
        Text,
        "Cipher suite, 3 or 17; if none is given, 17 and then 3",
    ),
    Definition::new("hexadecimal_kg", None, "hexadecimal-kg", Text, "The BMC's key Kg, in hex"),
    IP,
    Definition::new("ipport", Some('u'), "ipport", Integer, "UDP port of the device")
        .default("623"),
    Definition::new(
        "lanplus",
        Some('P'),
        "lanplus",
        Boolean,
        "Never open a session of IPMI 1.5; if not given, only where the device speaks no other",
    )
    .default("0"),
    Definition::new(
        "method",
        Some('m'),
        "method",
        Choice(&["onoff", "cycle"]),
        "Accepted; a machine is always seen off before it is switched on again",
    )
    .default("onoff"),
    PASSWORD,
    PASSWORD_SCRIPT,
    Definition::new("plug", Some('n'), "plug", Text, "Address of the device, with port_as_ip")
        .older("port"),
    Definition::new(
        "privlvl",
        Some('L'),
        "privlvl",
        Choice(&["callback", "user", "operator", "administrator"]),
        "Privilege to ask for",
    )
    .default("administrator"),
    Definition::new("target", None, "target", Text, "Bridging to another controller: refused"),
    USERNAME,
    Definition::new("ipmitool_path", None, "ipmitool-path", Text, "Accepted; not used"),
    Definition::new("ipmitool_timeout", None, "ipmitool-timeout", Text, "Accepted; not used"),
    Definition::new("port_as_ip", None, "port-as-ip", Boolean, "Take plug for the address"),
    Definition::new("use_sudo", None, "use-sudo", Boolean, "Accepted; not used").older("sudo"),
    Definition::new("sudo_path", None, "sudo-path", Text, "Accepted; not used"),
];

/// Those of agents for PDUs.
const SNMP: &[Definition] = &[
    ACTION,
    Definition::new("community", Some('c'), "community", Text, "Community of versions 1 and 2c")
        .default("private"),
    IP.needed(),
    Definition::new("ipport", Some('u'), "ipport", Integer, "UDP port of the device")
        .default("161"),
    Definition::new(
        "model",
        None,
        "model",
        Text,
        "Kind of device, where it does not say what it is; a wrong name lists them all",
    ),
    PASSWORD,
    PASSWORD_SCRIPT,
    Definition::new(
        "plug",
        Some('n'),
        "plug",
        Text,
        "Outlet, or UNIT.OUTLET; several of one machine are off all at once",
    )
    .older("port")
    .needed(),
    Definition::new(
        "snmp_auth_prot",
        Some('b'),
        "snmp-auth-prot",
        Choice(&["MD5", "SHA", "SHA-256", "SHA-512"]),
        "How version 3 proves messages",
    ),
    Definition::new(
        "snmp_priv_passwd",
        Some('P'),
        "snmp-priv-passwd",
        Text,
        "Password under which version 3 hides messages",
    ),
    Definition::new(
        "snmp_priv_passwd_script",
        Some('R'),
        "snmp-priv-passwd-script",
        Text,
        "Command whose output is that password",
    ),
    Definition::new(
        "snmp_priv_prot",
        Some('B'),
        "snmp-priv-prot",
        Choice(&["AES"]),
        "How version 3 hides messages",
    ),
    Definition::new(
        "snmp_sec_level",
        Some('E'),
        "snmp-sec-level",
        Choice(&["noAuthNoPriv", "authNoPriv", "authPriv"]),
        "How far version 3 protects; if not given, as far as there are passwords",
    ),
    Definition::new(
        "snmp_version",
        Some('d'),
        "snmp-version",
        Choice(&["1", "2c", "3"]),
        "Version of SNMP",
    )
    .default("1"),
    USERNAME,
    Definition::new("separator", Some('C'), "separator", Text, "Between the fields of list")
        .default(","),
    Definition::new("snmpget_path", None, "snmpget-path", Text, "Accepted; not used"),
    Definition::new("snmpset_path", None, "snmpset-path", Text, "Accepted; not used"),
    Definition::new("snmpwalk_path", None, "snmpwalk-path", Text, "Accepted; not used"),
];

/// The options of one kind of agent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options(&'static [Definition]);

/// The options of agents for BMCs.
pub(crate) const OF_IPMI: Options = Options(IPMI);
/// The options of agents for PDUs.
pub(crate) const OF_SNMP: Options = Options(SNMP);

impl Options {
    /// All of them, in the order in which they are described.
    pub(crate) fn all(self) -> impl Iterator<Item = &'static Definition> {
        self.0.iter().chain(COMMON)
    }

    /// The one with this name, or this older name.
    pub(crate) fn named(self, name: &str) -> Option<&'static Definition> {
        self.all().find(|option| option.name == name || option.old == Some(name))
    }

    /// The one with this letter.
    pub(crate) fn lettered(self, letter: char) -> Option<&'static Definition> {
        self.all().find(|option| option.short == Some(letter))
    }

    /// The one with this word, or whose word alone begins so.
    pub(crate) fn worded(self, word: &str) -> Option<&'static Definition> {
        if let Some(exact) = self.all().find(|option| option.long == word) {
            return Some(exact);
        }
        let mut matching = self.all().filter(|option| option.long.starts_with(word));
        matching.next().filter(|_| matching.next().is_none())
    }
}
