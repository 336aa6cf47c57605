//! Plays a driver over a UDP socket until its request ends.

use crate::clock;
use core::time::Duration;
use diarch_fencing_hw::power::{
    DATAGRAM_MAX, DriverError, Input, Output, PowerRequest, PowerState, PowerSwitch,
};
use diarch_fencing_hw::time::Instant;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// The shortest wait that a socket takes.
const WAIT_MIN: Duration = Duration::from_millis(1);
/// The longest wait, so that a driver without a time of its own is asked now and then.
const WAIT_MAX: Duration = Duration::from_secs(1);

/// Nothing came. Where nobody listens or no way leads now, the device may be starting: it is asked
/// again.
const NO_DATAGRAM: &[ErrorKind] = &[
    ErrorKind::WouldBlock,
    ErrorKind::TimedOut,
    ErrorKind::Interrupted,
    ErrorKind::ConnectionRefused,
    ErrorKind::HostUnreachable,
    ErrorKind::NetworkUnreachable,
];

/// Why a request failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// This machine has no way to the device.
    Socket(std::io::Error),
    /// The driver says why.
    Driver(DriverError),
}

impl core::fmt::Display for Failure {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Socket(error) => write!(f, "no way to the device: {error}"),
            Self::Driver(error) => error.fmt(f),
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Socket(error)
    }
}

/// Asks the device behind `driver` at `address` for `request`, for at most `within`.
///
/// # Errors
/// Every failure, none of which says anything about the machine's power.
pub(crate) fn ask(
    driver: &mut dyn PowerSwitch,
    address: SocketAddr,
    request: PowerRequest,
    within: Duration,
) -> Result<PowerState, Failure> {
    let any: SocketAddr = match address {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any)?;
    socket.connect(address)?;
    driver.handle_input(now(), Input::Request { request, within });
    let mut buffer = [0; DATAGRAM_MAX];
    loop {
        while let Some(output) = driver.poll_output() {
            match output {
                Output::Done(result) => return result.map_err(Failure::Driver),
                // A datagram that could not be sent is one that was lost: it is sent again.
                Output::Send(datagram) => drop(socket.send(&datagram)),
            }
        }
        match receive(&socket, driver.poll_timeout(), &mut buffer)? {
            Some(length) => driver.handle_input(now(), Input::Datagram(&buffer[..length])),
            None => driver.handle_timeout(now()),
        }
    }
}

/// One datagram, or nothing when it is time for the driver.
fn receive(
    socket: &UdpSocket,
    due: Option<Instant>,
    buffer: &mut [u8],
) -> Result<Option<usize>, std::io::Error> {
    let wait = due.map_or(WAIT_MAX, |due| due.since(now())).min(WAIT_MAX);
    if wait.is_zero() {
        return Ok(None);
    }
    socket.set_read_timeout(Some(wait.max(WAIT_MIN)))?;
    match socket.recv(buffer) {
        Ok(length) => Ok(Some(length)),
        Err(error) if NO_DATAGRAM.contains(&error.kind()) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The driver's clock: that of this process.
fn now() -> Instant {
    Instant::from_micros(clock::now().as_micros())
}
