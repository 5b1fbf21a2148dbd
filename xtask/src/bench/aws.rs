//! AWS's JSON protocol, as far as the bench needs it: requests made once as bytes, sent over connections that stay open.

use super::Failure;
use super::http::{self, Connection};
use serde_json::Value;
use std::net::SocketAddr;

/// A service at an address.
#[derive(Debug, Clone, Copy)]
pub struct Aws {
    service: &'static str,
    pub address: SocketAddr,
}

/// A connection to it.
pub struct Connected<'a> {
    pub aws: &'a Aws,
    connection: Connection,
}

impl Aws {
    pub fn at(service: &'static str, address: SocketAddr) -> Self {
        Self { service, address }
    }

    /// The request for `target`, such as `AmazonSQS.SendMessage`.
    pub fn request(&self, target: &str, input: &Value) -> Vec<u8> {
        http::aws_json(self.service, target, self.address, &input.to_string())
    }

    /// A request of a REST service, with its body unsigned.
    pub fn rest(&self, method: &str, path: &str, body: &[u8]) -> Vec<u8> {
        [http::unsigned(self.service, method, path, self.address, body.len()), body.to_vec()].concat()
    }

    pub fn connect(&self) -> Result<Connected<'_>, Failure> {
        Ok(Connected { aws: self, connection: Connection::open(self.address)? })
    }

    /// Calls once, over a connection of its own.
    pub fn call(&self, target: &str, input: &Value) -> Result<Value, Failure> {
        self.connect()?.send(&self.request(target, input))
    }
}

impl Connected<'_> {
    /// Sends a request of [`Aws::request`].
    pub fn send(&mut self, request: &[u8]) -> Result<Value, Failure> {
        Ok(serde_json::from_slice(&self.exchange(request)?).unwrap_or_default())
    }

    /// The same, for whoever has no use for more of the answer than its bytes.
    pub fn exchange(&mut self, request: &[u8]) -> Result<Vec<u8>, Failure> {
        let answer = self.connection.call(request)?;
        if answer.status != 200 {
            return Err(format!("{} answered {}", self.aws.address, answer.text()).into());
        }
        Ok(answer.body)
    }
}
