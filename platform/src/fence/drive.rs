//! Plays a driver over a UDP socket until its request ends.

use crate::clock;
use core::time::Duration;
use diarch_fencing_hw::power::{
    DATAGRAM_MAX, DriverError, Input, Output, PowerRequest, PowerState, PowerSwitch, Step,
};
use diarch_fencing_hw::time::Instant;
use smol::{Async, Timer};
use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// The longest wait, so that a driver without a time of its own is asked now and then.
const WAIT_MAX: Duration = Duration::from_secs(1);

/// Nothing came. Where nobody listens or no way leads now, the device may be starting: it is asked
/// again.
const NO_DATAGRAM: &[ErrorKind] = &[
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

/// Asks the device behind `driver` at `address` for `request`, for at most `within`, and for at
/// most
/// `silence` if nothing at all is heard of it.
///
/// # Errors
/// Every failure, none of which says anything about the machine's power.
pub(crate) async fn ask(
    driver: &mut dyn PowerSwitch,
    address: SocketAddr,
    request: PowerRequest,
    within: Duration,
    silence: Duration,
) -> Result<PowerState, Failure> {
    let any: SocketAddr = match address {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any)?;
    socket.connect(address)?;
    let socket = Async::new(socket)?;
    let mut silent_until = Some(now().after(silence));
    driver.handle_input(now(), Input::Request { request, within });
    let mut buffer = [0; DATAGRAM_MAX];
    loop {
        while let Some(output) = driver.poll_output() {
            match output {
                Output::Done(result) => return result.map_err(Failure::Driver),
                // A datagram that could not be sent is one that was lost: it is sent again.
                Output::Send(datagram) => drop(socket.get_ref().send(&datagram)),
            }
        }
        let due = [driver.poll_timeout(), silent_until].into_iter().flatten().min();
        if let Some(length) = receive(&socket, due, &mut buffer).await? {
            silent_until = None;
            driver.handle_input(now(), Input::Datagram(&buffer[..length]));
        } else if silent_until.is_some_and(|until| until <= now()) {
            return Err(Failure::Driver(DriverError::NoAnswer(Step::Open)));
        } else {
            driver.handle_timeout(now());
        }
    }
}

/// One datagram, or nothing when it is time for the driver.
async fn receive(
    socket: &Async<UdpSocket>,
    due: Option<Instant>,
    buffer: &mut [u8],
) -> Result<Option<usize>, std::io::Error> {
    let wait = due.map_or(WAIT_MAX, |due| due.since(now())).min(WAIT_MAX);
    if wait.is_zero() {
        return Ok(None);
    }
    let received = async { socket.recv(buffer).await.map(Some) };
    let over = async {
        Timer::after(wait).await;
        Ok(None)
    };
    match smol::future::or(received, over).await {
        Err(error) if NO_DATAGRAM.contains(&error.kind()) => Ok(None),
        result => result,
    }
}

/// The driver's clock: that of this process.
fn now() -> Instant {
    Instant::from_micros(clock::now().as_micros())
}
