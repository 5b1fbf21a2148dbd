//! Putting and getting an object of 64 MB, beside what the disk and the loopback give: a file of the same size written and synced, and the same bytes over a
//! connection of this machine with itself.

use super::aws::Aws;
use super::http::Connection;
use super::table::{Goal, Row, Unit};
use super::{Failure, Plan, Programs, Server, median};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::Instant;

const SIZE: usize = 64 << 20;

pub fn measure(plan: &Plan, programs: &Programs) -> Result<Vec<Row>, Failure> {
    let platform = Server::fogbank(&programs.fogbank, &programs.scratch)?;
    // Not compressible, and not the same throughout.
    let mut state = 1_u64;
    let body: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    })
    .take(SIZE)
    .collect();
    let s3 = Aws::at("s3", platform.address);
    let expect = |request: &[u8], length: usize| -> Result<f64, Failure> {
        let mut connection = Connection::open(platform.address)?;
        let begin = Instant::now();
        let answer = connection.call(request)?;
        let took = begin.elapsed().as_secs_f64();
        if answer.status != 200 || answer.body.len() < length {
            return Err(format!("{} with {} bytes", answer.status, answer.body.len()).into());
        }
        Ok(SIZE as f64 / f64::from(1 << 20) / took)
    };
    expect(&s3.rest("PUT", "/bench", b""), 0)?;
    let (put, get) = (s3.rest("PUT", "/bench/large", &body), s3.rest("GET", "/bench/large", b""));
    let (mut puts, mut gets, mut disk, mut loopback) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..plan.samples(7, 3) {
        disk.push(write_and_sync(&programs.scratch, &body)?);
        puts.push(expect(&put, 0)?);
        loopback.push(over_loopback(&body)?);
        gets.push(expect(&get, SIZE)?);
    }
    let row = |name: &str, ours: Vec<f64>, peer: &str, theirs: Vec<f64>| {
        let row = Row::new(format!("object of 64 MiB, {name}"), Unit::MebibytesPerSecond, median(ours), None);
        row.with_peer(peer, Some(median(theirs))).with_goal(Goal::TimesPeer(0.5))
    };
    Ok(vec![
        row("PUT", puts, "a file, written and synced", disk),
        row("GET", gets, "a bare loopback connection", loopback),
    ])
}

fn write_and_sync(directory: &Path, body: &[u8]) -> Result<f64, Failure> {
    let path = directory.join("disk");
    let begin = Instant::now();
    let mut file = std::fs::File::create(&path)?;
    file.write_all(body)?;
    file.sync_all()?;
    let took = begin.elapsed().as_secs_f64();
    std::fs::remove_file(path)?;
    Ok(SIZE as f64 / f64::from(1 << 20) / took)
}

fn over_loopback(body: &[u8]) -> Result<f64, Failure> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let address = listener.local_addr()?;
    std::thread::scope(|scope| {
        let sent = scope.spawn(move || listener.accept()?.0.write_all(body));
        let begin = Instant::now();
        let mut received = Vec::with_capacity(SIZE);
        TcpStream::connect(address)?.read_to_end(&mut received)?;
        let took = begin.elapsed().as_secs_f64();
        sent.join().map_err(|_| "the sender panicked")??;
        Ok(SIZE as f64 / f64::from(1 << 20) / took)
    })
}
