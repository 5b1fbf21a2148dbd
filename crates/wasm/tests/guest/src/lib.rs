//! Does what the path of the request says.

#![cfg_attr(target_os = "unknown", no_std)]

extern crate alloc;

#[cfg(target_os = "unknown")]
mod bare;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};
use wasip2::filesystem::preopens::get_directories;
use wasip2::filesystem::types::{DescriptorFlags, ErrorCode, OpenFlags, PathFlags};
use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    Fields, IncomingBody, IncomingRequest, Method, OutgoingBody, OutgoingRequest, OutgoingResponse, ResponseOutparam,
    Scheme,
};
use wasip2::io::streams::InputStream;

wasip2::http::proxy::export!(Guest);

struct Guest;

/// What would still be there in the next call, if anything were.
static CALLS: AtomicU32 = AtomicU32::new(0);

impl wasip2::exports::http::incoming_handler::Guest for Guest {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let target = request.path_with_query().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let number = || query.parse::<usize>().unwrap_or(0);
        match path {
            "/hello" => respond(out, 200, b"hello"),
            "/count" => respond(out, 200, (CALLS.fetch_add(1, Ordering::Relaxed) + 1).to_string().as_bytes()),
            "/echo" => respond(out, 200, &body(&request)),
            "/request" => respond(out, 200, describe(&request).as_bytes()),
            "/env" => respond(out, 200, environment().as_bytes()),
            "/status" => respond(out, number() as u16, b"as asked"),
            "/error" => respond(out, 500, br#"{"errorType":"Orders.Closed","errorMessage":"no orders today"}"#),
            "/large" => respond(out, 200, &alloc::vec![b'x'; number()]),
            "/print" => {
                print("first\nsec");
                print("ond\nlast");
                respond(out, 200, b"printed");
            }
            "/trap" => core::arch::wasm32::unreachable(),
            "/spin" => loop {
                core::hint::black_box(());
            },
            "/sleep" => {
                wasip2::clocks::monotonic_clock::subscribe_duration(number() as u64 * 1_000_000).block();
                respond(out, 200, b"slept");
            }
            "/silent" => {}
            "/exit" => {
                wasip2::cli::exit::exit_with_code(number() as u8);
            }
            "/allocate" => respond(out, 200, allocate(number()).as_bytes()),
            "/recurse" => respond(out, 200, recurse(number()).to_string().as_bytes()),
            "/write" => respond(out, 200, write_file(number()).as_bytes()),
            "/list" => respond(out, 200, list().as_bytes()),
            "/open" => respond(out, 200, open_many(number()).as_bytes()),
            "/fetch" => respond(out, 200, fetch(query).as_bytes()),
            "/socket" => respond(out, 200, socket().as_bytes()),
            "/random" => respond(out, 200, format!("{:016x}", wasip2::random::random::get_random_u64()).as_bytes()),
            // An event: nothing asks for a path.
            "/" => event(&request, out),
            _ => respond(out, 404, b"no such path"),
        }
    }
}

/// Events say in their member `path` what to do.
fn event(request: &IncomingRequest, out: ResponseOutparam) {
    let text = String::from_utf8(body(request)).unwrap_or_default();
    let wants = |word: &str| text.contains(word);
    if wants("trap") {
        core::arch::wasm32::unreachable()
    } else if wants("spin") {
        loop {
            core::hint::black_box(());
        }
    } else if wants("error") {
        respond(out, 500, br#"{"errorType":"Orders.Closed","errorMessage":"no orders today"}"#)
    } else if wants("teapot") {
        respond(out, 418, b"short and stout")
    } else if wants("count") {
        respond(out, 200, (CALLS.fetch_add(1, Ordering::Relaxed) + 1).to_string().as_bytes())
    } else if wants("request") {
        respond(out, 200, describe(request).as_bytes())
    } else if wants("large") {
        respond(out, 200, &alloc::vec![b'x'; 7 * 1024 * 1024])
    } else if wants("print") {
        print("printed\n");
        respond(out, 200, b"null")
    } else if wants("write") {
        respond(out, 200, format!("\"{}\"", write_file(10)).as_bytes())
    } else if wants("list") {
        respond(out, 200, format!("\"{}\"", list()).as_bytes())
    } else {
        respond(out, 200, text.as_bytes())
    }
}

fn respond(out: ResponseOutparam, status: u16, body: &[u8]) {
    let headers = Fields::new();
    let _ = headers.set("content-type", &[b"text/plain".to_vec()]);
    let _ = headers.set("x-guest", &[b"1".to_vec()]);
    let response = OutgoingResponse::new(headers);
    let _ = response.set_status_code(status);
    let outgoing = response.body().unwrap();
    ResponseOutparam::set(out, Ok(response));
    let stream = outgoing.write().unwrap();
    for piece in body.chunks(4096) {
        if stream.blocking_write_and_flush(piece).is_err() {
            return;
        }
    }
    drop(stream);
    let _ = OutgoingBody::finish(outgoing, None);
}

fn body(request: &IncomingRequest) -> Vec<u8> {
    let Ok(incoming) = request.consume() else { return Vec::new() };
    read(incoming)
}

fn read(incoming: IncomingBody) -> Vec<u8> {
    let mut whole = Vec::new();
    {
        let stream: InputStream = incoming.stream().unwrap();
        while let Ok(piece) = stream.blocking_read(64 * 1024) {
            whole.extend_from_slice(&piece);
        }
    }
    whole
}

fn describe(request: &IncomingRequest) -> String {
    let method = match request.method() {
        Method::Get => "GET".into(),
        Method::Post => "POST".into(),
        Method::Put => "PUT".into(),
        Method::Other(other) => other,
        _ => String::from("?"),
    };
    let mut text = format!(
        "{method} {} {}\n",
        request.path_with_query().unwrap_or_default(),
        request.authority().unwrap_or_default()
    );
    for (name, value) in request.headers().entries() {
        text.push_str(&format!("{name}: {}\n", String::from_utf8_lossy(&value)));
    }
    text
}

fn environment() -> String {
    wasip2::cli::environment::get_environment().iter().map(|(name, value)| format!("{name}={value}\n")).collect()
}

fn print(text: &str) {
    let _ = wasip2::cli::stdout::get_stdout().blocking_write_and_flush(text.as_bytes());
}

/// Takes `mb` MiB and uses them.
fn allocate(mb: usize) -> String {
    let mut taken: Vec<Vec<u8>> = Vec::new();
    for _ in 0..mb {
        taken.push(alloc::vec![1; 1024 * 1024]);
    }
    format!("{}", core::hint::black_box(&taken).len())
}

fn recurse(depth: usize) -> usize {
    let here = core::hint::black_box([depth; 64]);
    if depth == 0 { 0 } else { recurse(depth - 1) + here[depth % 64].min(1) }
}

/// Writes a file of `mb` MiB to `/tmp`, where none must be, and tells how far it came.
fn write_file(mb: usize) -> String {
    let directories = get_directories();
    let Some((tmp, name)) = directories.first() else { return "no directory".into() };
    let create = OpenFlags::CREATE | OpenFlags::EXCLUSIVE;
    let file = match tmp.open_at(PathFlags::empty(), "secret", create, DescriptorFlags::READ | DescriptorFlags::WRITE) {
        Ok(file) => file,
        Err(error) => return format!("open: {error:?}"),
    };
    let stream = file.write_via_stream(0).unwrap();
    let piece = [7; 4096];
    for at in 0..mb * 256 {
        if let Err(error) = stream.blocking_write_and_flush(&piece) {
            let code = match &error {
                wasip2::io::streams::StreamError::LastOperationFailed(error) => {
                    wasip2::filesystem::types::filesystem_error_code(error)
                }
                wasip2::io::streams::StreamError::Closed => None,
            };
            let full = code == Some(ErrorCode::InsufficientSpace);
            return format!("{} MiB of {name}{}", at / 256, if full { ", full" } else { ", failed" });
        }
    }
    format!("{mb} MiB of {name}, {} bytes", file.stat().map_or(0, |stat| stat.size))
}

fn list() -> String {
    let directories = get_directories();
    let Some((tmp, name)) = directories.first() else { return "no directory".into() };
    let entries = tmp.read_directory().unwrap();
    let mut names: Vec<String> = Vec::new();
    while let Ok(Some(entry)) = entries.read_directory_entry() {
        names.push(entry.name);
    }
    // Neither may lead out.
    let above = tmp.open_at(PathFlags::SYMLINK_FOLLOW, "..", OpenFlags::DIRECTORY, DescriptorFlags::READ);
    let linked = tmp.symlink_at("/etc/passwd", "link").is_ok()
        && tmp.open_at(PathFlags::SYMLINK_FOLLOW, "link", OpenFlags::empty(), DescriptorFlags::READ).is_ok();
    format!("{}: {name}: [{}], out: {}", directories.len(), names.join(" "), above.is_ok() || linked)
}

fn open_many(count: usize) -> String {
    let directories = get_directories();
    let Some((tmp, _)) = directories.first() else { return "no directory".into() };
    let mut open = Vec::new();
    for at in 0..count {
        let flags = DescriptorFlags::WRITE;
        match tmp.open_at(PathFlags::empty(), &format!("f{at}"), OpenFlags::CREATE, flags) {
            Ok(file) => open.push(file),
            Err(error) => return format!("{at}: {error:?}"),
        }
    }
    format!("{}", open.len())
}

/// Asks `AUTHORITY/PATH` over HTTP, and gives status and body.
fn fetch(target: &str) -> String {
    let (authority, path) = target.split_once('/').unwrap_or((target, ""));
    let request = OutgoingRequest::new(Fields::new());
    let _ = request.set_scheme(Some(&Scheme::Http));
    let _ = request.set_authority(Some(authority));
    let _ = request.set_path_with_query(Some(&format!("/{path}")));
    let outgoing = request.body().unwrap();
    let response = match outgoing_handler::handle(request, None) {
        Ok(response) => response,
        Err(error) => return format!("{error:?}"),
    };
    let _ = OutgoingBody::finish(outgoing, None);
    response.subscribe().block();
    match response.get() {
        Some(Ok(Ok(response))) => {
            let status = response.status();
            let text = response.consume().map(read).unwrap_or_default();
            format!("{status} {}", String::from_utf8_lossy(&text))
        }
        Some(Ok(Err(error))) => format!("{error:?}"),
        _ => "no answer".into(),
    }
}

fn socket() -> String {
    use wasip2::sockets::network::IpAddressFamily;
    let tcp = wasip2::sockets::tcp_create_socket::create_tcp_socket(IpAddressFamily::Ipv4).map(drop);
    let udp = wasip2::sockets::udp_create_socket::create_udp_socket(IpAddressFamily::Ipv4).map(drop);
    format!("{tcp:?} {udp:?}")
}
