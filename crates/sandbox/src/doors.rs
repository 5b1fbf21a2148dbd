//! Doors: listening sockets inside a sandbox's network namespace that the platform serves. Whoever connects to one can only be in that
//! sandbox, so the socket itself says who is speaking.

use crate::error::{Context, Failure, check};
use std::net::TcpListener;
use std::os::fd::{AsRawFd, OwnedFd};

/// Brings the loopback interface up and listens on `ports`. Runs inside the new network namespace.
pub(crate) fn open(ports: &[u16]) -> Result<Vec<OwnedFd>, Failure> {
    bring_loopback_up()?;
    ports
        .iter()
        .map(|port| {
            Ok(TcpListener::bind(("127.0.0.1", *port)).while_doing(|| format!("listening on port {port}"))?.into())
        })
        .collect()
}

fn bring_loopback_up() -> Result<(), Failure> {
    use rustix::net::{AddressFamily, SocketFlags, SocketType};
    let doing = || "bringing the loopback interface up";
    let socket = rustix::net::socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None)
        .while_doing(doing)?;
    // SAFETY: all fields are plain integers, for which zero is a value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    request.ifr_name[0] = b'l' as libc::c_char;
    request.ifr_name[1] = b'o' as libc::c_char;
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: `request` is a NUL-terminated name and flags, as SIOCSIFFLAGS reads them.
    check(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) })
        .while_doing(doing)
        .map(drop)
}
