//! Whether frames can be sent on an interface: asked again whenever the kernel says that one of
//! them, or an address of one, changed.

use nix::libc;
use socket2::{Domain, Protocol, SockAddr, SockAddrStorage, Socket, Type};
use std::io::{self, Read as _};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd};

/// `RTMGRP_LINK`, `RTMGRP_IPV4_IFADDR` and `RTMGRP_IPV6_IFADDR` of rtnetlink(7).
const GROUPS: u32 = 1 | 0x10 | 0x100;

/// `SIOCETHTOOL` of `linux/sockios.h`.
const SIOCETHTOOL: libc::Ioctl = 0x8946;
/// `ETHTOOL_GLINK` of `linux/ethtool.h`: whether there is a carrier.
const ETHTOOL_GLINK: u32 = 0x0a;

/// The kernel's `struct ethtool_value`.
#[repr(C)]
struct EthtoolValue {
    command: u32,
    data: u32,
}

/// The kernel's news about interfaces and addresses.
#[derive(Debug)]
pub(crate) struct Carrier {
    news: Socket,
    query: Socket,
}

impl Carrier {
    /// Subscribes to the news.
    ///
    /// # Errors
    /// The kernel refuses.
    pub(crate) fn new() -> io::Result<Self> {
        let kind = Type::RAW.nonblocking().cloexec();
        let domain = Domain::from(libc::AF_NETLINK);
        let news = Socket::new(domain, kind, Some(Protocol::from(libc::NETLINK_ROUTE)))?;
        let mut storage = SockAddrStorage::zeroed();
        // SAFETY: a `sockaddr_nl` is plain data and fits into every storage.
        let address = unsafe { storage.view_as::<libc::sockaddr_nl>() };
        address.nl_family =
            libc::sa_family_t::try_from(libc::AF_NETLINK).map_err(io::Error::other)?;
        address.nl_groups = GROUPS;
        let length = libc::socklen_t::try_from(size_of::<libc::sockaddr_nl>());
        // SAFETY: the storage holds a whole `sockaddr_nl` of that length.
        let address = unsafe { SockAddr::new(storage, length.map_err(io::Error::other)?) };
        news.bind(&address)?;
        let query = Socket::new(Domain::IPV4, Type::DGRAM.cloexec(), None)?;
        Ok(Self { news, query })
    }

    /// Takes all news; whatever they were, every interface has to be asked again.
    pub(crate) fn drain(&self) {
        let mut bytes = [0; 4096];
        // An overflow is news, too: it is read as an error and then gone.
        while matches!((&self.news).read(&mut bytes), Ok(count) if count > 0) {}
    }

    /// Whether `interface` exists, is switched on and has a carrier.
    pub(crate) fn is_up(&self, interface: &str) -> bool {
        // SAFETY: all zeroes are a valid `ifreq`.
        let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
        let room = request.ifr_name.len() - 1;
        for (place, byte) in request.ifr_name.iter_mut().zip(interface.bytes().take(room)) {
            *place = libc::c_char::from_ne_bytes([byte]);
        }
        let fd = self.query.as_raw_fd();
        // SAFETY: the descriptor is open and the request is the structure that the call fills.
        if unsafe { libc::ioctl(fd, libc::SIOCGIFFLAGS, &raw mut request) } != 0 {
            return false;
        }
        // SAFETY: this call has filled the flags.
        let flags = i32::from(unsafe { request.ifr_ifru.ifru_flags });
        // The flags tell of the carrier up to a second late; the driver knows it now.
        let mut carrier = EthtoolValue { command: ETHTOOL_GLINK, data: 0 };
        request.ifr_ifru.ifru_data = (&raw mut carrier).cast();
        // SAFETY: the request points to the structure that this command fills.
        let asked = unsafe { libc::ioctl(fd, SIOCETHTOOL, &raw mut request) } == 0;
        let running = if asked { carrier.data != 0 } else { flags & libc::IFF_RUNNING != 0 };
        flags & libc::IFF_UP != 0 && running
    }
}

impl AsFd for Carrier {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.news.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_that_does_not_exist_is_not_up() {
        assert!(!Carrier::new().unwrap().is_up("diarch-none"));
    }
}
