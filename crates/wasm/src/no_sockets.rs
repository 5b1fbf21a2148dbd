//! Sockets that cannot be made. Components made from C, Python or Rust's standard library import the interfaces, so they must be there.

use wasmtime::component::{HasData, Resource};
use wasmtime_wasi::p2::bindings::sockets::network::{ErrorCode, IpAddressFamily};
use wasmtime_wasi::p2::bindings::sockets::{network, tcp_create_socket, udp_create_socket};
use wasmtime_wasi::p2::{SocketError, SocketResult, TcpSocket, UdpSocket};

/// Refuses every socket.
pub(crate) struct NoSockets;

impl HasData for NoSockets {
    type Data<'a> = Self;
}

impl network::Host for NoSockets {
    fn convert_error_code(&mut self, error: SocketError) -> wasmtime::Result<ErrorCode> {
        error.downcast()
    }

    fn network_error_code(&mut self, _error: Resource<wasmtime::Error>) -> wasmtime::Result<Option<ErrorCode>> {
        Ok(None)
    }
}

impl network::HostNetwork for NoSockets {
    fn drop(&mut self, _network: Resource<network::Network>) -> wasmtime::Result<()> {
        // Networks are linked to Wasmtime's own; only the bound asks for this.
        wasmtime::bail!("there is no network")
    }
}

impl tcp_create_socket::Host for NoSockets {
    fn create_tcp_socket(&mut self, _family: IpAddressFamily) -> SocketResult<Resource<TcpSocket>> {
        Err(ErrorCode::AccessDenied.into())
    }
}

impl udp_create_socket::Host for NoSockets {
    async fn create_udp_socket(&mut self, _family: IpAddressFamily) -> SocketResult<Resource<UdpSocket>> {
        Err(ErrorCode::AccessDenied.into())
    }
}
