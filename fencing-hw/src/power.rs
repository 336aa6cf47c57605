//! What every power switch can be asked, and how it can fail.

use crate::time::Instant;
use core::fmt;
use core::time::Duration;
use heapless::Vec;

/// The largest datagram that any driver sends or understands, in bytes.
pub const DATAGRAM_MAX: usize = 512;

/// One datagram.
pub type Datagram = Vec<u8, DATAGRAM_MAX>;

/// What a device says about a machine's power. There is no "unknown" here: it is an error.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PowerState {
    /// Read back as on.
    On,
    /// Read back as off.
    Off,
}

/// What can be asked of a power switch.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PowerRequest {
    /// Read the state.
    Status,
    /// Switch off, and read back until it is off.
    Off,
    /// Switch on, and read back until it is on.
    On,
    /// Off, read back as off, then on. Done as soon as the machine has been seen off and the order
    /// to
    /// switch it on was accepted.
    Reboot,
}

/// Something happened.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// Do this, and be done within the time given.
    Request {
        /// What.
        request: PowerRequest,
        /// Within how long.
        within: Duration,
    },
    /// The device answered (or somebody sent something).
    Datagram(&'a [u8]),
}

/// What has to be done, in order.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "a datagram by value: nothing here is on the heap")]
pub enum Output {
    /// Send this to the device.
    Send(Datagram),
    /// The request ended.
    Done(Result<PowerState, DriverError>),
}

/// Where in a dialogue a driver was.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// Opening a session.
    Open,
    /// Finding out what the device is.
    Identify,
    /// Proving who we are, and checking who answers.
    Authenticate,
    /// Asking for the privilege to switch.
    Privilege,
    /// Reading the power state.
    Status,
    /// Giving the order.
    Control,
    /// Waiting until the state is what was ordered.
    Verify,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "opening a session",
            Self::Identify => "finding out what the device is",
            Self::Authenticate => "authenticating",
            Self::Privilege => "raising the privilege level",
            Self::Status => "reading the power state",
            Self::Control => "giving the power order",
            Self::Verify => "waiting for the power state to change",
        })
    }
}

/// Why a request failed: says nothing about the machine's power.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DriverError {
    /// No answer in time.
    NoAnswer(Step),
    /// The device refuses the user's name.
    UnknownUser,
    /// The password or the key is wrong, or somebody else answers in the device's place.
    WrongSecret,
    /// The user may not do this.
    NotAllowed(Step),
    /// The device does not offer the configured cipher suite.
    NoSuchSuite,
    /// The device has no free session.
    NoFreeSession,
    /// The device refused with this code.
    Refused(Step, u8),
    /// The device accepted the order, but the state did not change in time.
    NotObeyed(PowerState),
    /// The state is neither on nor off: this value.
    Unclear(i32),
    /// The device has no such outlet.
    NoSuchOutlet,
    /// The device is of no known kind.
    UnknownModel,
    /// Another request is still under way.
    Busy,
}

impl fmt::Display for DriverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAnswer(step) => write!(
                f,
                "no answer while {step}: check the address, the cable, and that the device lets us \
                 in from here"
            ),
            Self::UnknownUser => f.write_str("the device does not know this user: check the name"),
            Self::WrongSecret => f.write_str(
                "the device did not prove that it knows the password: check passwords and keys",
            ),
            Self::NotAllowed(step) => {
                write!(f, "not allowed while {step}: the user needs the privilege to switch")
            }
            Self::NoSuchSuite => f.write_str(
                "the device does not offer this cipher suite: try the other of 3 and 17",
            ),
            Self::NoFreeSession => f.write_str("the device has no free session: retry later"),
            Self::Refused(step, code) => write!(f, "refused with code {code:#04x} while {step}"),
            Self::NotObeyed(state) => {
                write!(f, "the order was accepted, but the power still reads {state:?}")
            }
            Self::Unclear(value) => {
                write!(f, "the power reads {value}, which is neither on nor off: retry later")
            }
            Self::NoSuchOutlet => f.write_str("the device has no such outlet: check plug"),
            Self::UnknownModel => {
                f.write_str("the device does not say that it is of a known kind: name its model")
            }
            Self::Busy => f.write_str("another request is under way"),
        }
    }
}

/// A power switch as a machine without I/O. Drain [`Self::poll_output`] after each `handle_*`.
pub trait PowerSwitch {
    /// Tells the machine that `input` happened at `now`.
    fn handle_input(&mut self, now: Instant, input: Input<'_>);
    /// Tells the machine that it is `now`; early and repeated calls are harmless.
    fn handle_timeout(&mut self, now: Instant);
    /// When [`Self::handle_timeout`] is next due, if ever.
    fn poll_timeout(&self) -> Option<Instant>;
    /// The next thing to do, in order.
    fn poll_output(&mut self) -> Option<Output>;
}
