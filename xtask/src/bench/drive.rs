//! Many connections on one thread. With a thread for each, as many switches between threads as calls would go off what the platform has of the
//! processors: measured on two of them, that was a fifth of all calls per second.

use super::Failure;
use super::http::{Answer, Connection};
use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::fd::OwnedFd;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// How long no answer may come.
const PATIENCE: Timespec = Timespec { tv_sec: 60, tv_nsec: 0 };

/// What is called.
pub trait Calls {
    /// The next request of the connection number `place`, from zero.
    fn request(&mut self, place: usize) -> &[u8];

    /// Takes an answer, and how long it took.
    ///
    /// # Errors
    /// If it is not what it should be.
    fn answered(&mut self, answer: Answer, took: Duration) -> Result<(), Failure>;
}

/// A connection, and since when it waits for an answer.
struct Lane {
    connection: Connection,
    since: Instant,
}

/// Connections that are driven.
struct Lanes {
    epoll: OwnedFd,
    lanes: Vec<Lane>,
}

impl Lanes {
    fn open(address: SocketAddr, connections: usize) -> Result<Self, Failure> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let mut lanes = Vec::new();
        for place in 0..connections {
            let connection = Connection::open(address)?;
            epoll::add(&epoll, &connection, EventData::new_u64(place as u64), EventFlags::IN)?;
            lanes.push(Lane { connection, since: Instant::now() });
        }
        Ok(Self { epoll, lanes })
    }

    fn send(&mut self, place: usize, request: &[u8]) -> Result<(), Failure> {
        let Lane { connection, since } = &mut self.lanes[place];
        let is_new = connection.is_closed();
        *since = Instant::now();
        connection.send(request)?;
        if is_new {
            epoll::add(&self.epoll, connection, EventData::new_u64(place as u64), EventFlags::IN)?;
        }
        Ok(())
    }

    /// The answer that has begun to come on a connection. The rest of it is waited for: it is there, or on its way.
    fn receive(&mut self, place: usize) -> Result<(Answer, Duration), Failure> {
        let Lane { connection, since } = &mut self.lanes[place];
        let answer = connection.receive()?;
        Ok((answer, since.elapsed()))
    }
}

/// Calls over each of `connections` connections, one after another on each, for as long as `time`. Returns how long it was until the last answer.
pub fn drive(
    calls: &mut dyn Calls,
    address: SocketAddr,
    connections: usize,
    time: Duration,
) -> Result<Duration, Failure> {
    let mut lanes = Lanes::open(address, connections)?;
    let (begin, mut waiting) = (Instant::now(), connections);
    for place in 0..connections {
        lanes.send(place, calls.request(place))?;
    }
    let mut events = Vec::with_capacity(connections);
    while waiting > 0 {
        epoll::wait(&lanes.epoll, spare_capacity(&mut events), Some(&PATIENCE))?;
        if events.is_empty() {
            return Err(format!("{address} did not answer for {} s", PATIENCE.tv_sec).into());
        }
        for event in events.drain(..) {
            let place = event.data.u64() as usize;
            let (answer, took) = lanes.receive(place)?;
            calls.answered(answer, took)?;
            match begin.elapsed() < time {
                true => lanes.send(place, calls.request(place))?,
                false => {
                    // A server may close what is not used any more.
                    epoll::delete(&lanes.epoll, &lanes.lanes[place].connection)?;
                    waiting -= 1;
                }
            }
        }
    }
    Ok(begin.elapsed())
}
