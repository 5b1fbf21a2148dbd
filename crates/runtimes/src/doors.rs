//! Accepts connections at a sandbox's doors. Bounded, because what connects is arbitrary code and every connection costs the platform a descriptor.

use fogbank_model::BoxFuture;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// The most connections at one door at a time; more wait in the listener's queue.
const MAX_CONNECTIONS: usize = 128;
/// How long a door rests when the host is out of descriptors.
const REST: Duration = Duration::from_millis(50);

/// Serves each connection with `serve` until the returned future is dropped, and with it every connection.
pub(crate) async fn attend(door: TcpListener, serve: impl Fn(TcpStream) -> BoxFuture<'static, ()> + Send) {
    let mut connections = JoinSet::new();
    loop {
        while connections.len() >= MAX_CONNECTIONS {
            connections.join_next().await;
        }
        match door.accept().await {
            Ok((stream, _)) => {
                let _ = stream.set_nodelay(true);
                connections.spawn(serve(stream));
            }
            Err(_) => tokio::time::sleep(REST).await,
        }
        while connections.try_join_next().is_some() {}
    }
}
