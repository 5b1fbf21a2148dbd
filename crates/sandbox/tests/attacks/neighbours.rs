//! Reaching the host's network and processes, and other sandboxes.

use crate::harness::{Arena, finish, outside, says};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test(flavor = "multi_thread")]
async fn the_hosts_loopback_is_another_network() {
    let arena = Arena::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let attack = format!(
        "import socket\ntry:\n    socket.create_connection(('127.0.0.1', {port}), 2); print('reached')\nexcept OSError as error: print(error.errno)"
    );
    assert_eq!(crate::harness::python_outside(&attack), "reached\n");
    let (text, _) = arena.python(&attack).await;
    assert_eq!(text, format!("{}\n", rustix::io::Errno::CONNREFUSED.raw_os_error()));
    let (text, _) = arena.python("import socket\ntry:\n    socket.create_connection(('192.0.2.1', 80), 2)\nexcept OSError as error: print(error.errno)").await;
    assert_eq!(text, format!("{}\n", rustix::io::Errno::NETUNREACH.raw_os_error()));
    // Nor the host's abstract sockets.
    let script = "import socket\ns = socket.socket(socket.AF_UNIX)\ns.bind('\\0fogbank-attack')\ns.listen()\ninput()";
    let mut host = std::process::Command::new("/usr/bin/python3")
        .args(["-c", script])
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let attack = "import socket\ntry:\n    socket.socket(socket.AF_UNIX).connect('\\0fogbank-attack'); print('reached')\nexcept OSError: print('refused')";
    crate::harness::eventually("the host's socket is there", || crate::harness::python_outside(attack) == "reached\n")
        .await;
    let (text, _) = arena.python(attack).await;
    assert_eq!(text, "refused\n");
    let _ = host.kill();
    let _ = host.wait();
}

#[tokio::test(flavor = "multi_thread")]
async fn host_processes_are_out_of_sight_and_reach() {
    let arena = Arena::new();
    let mut victim = std::process::Command::new("/bin/sleep").arg("1000").env("SECRET", "the secret").spawn().unwrap();
    let attack = format!(
        "grep -ac 'the secret' /proc/{pid}/environ; kill -9 {pid} && echo killed; cat /proc/*/environ | tr '\\0' '\\n' | grep -c SECRET",
        pid = victim.id()
    );
    let (text, _) = arena.shell(&format!("({attack}) 2>/dev/null")).await;
    assert_eq!(text, "0\n");
    assert!(victim.try_wait().unwrap().is_none());
    assert!(outside(&attack).contains("killed"));
    victim.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_neighbour_is_out_of_sight_and_reach() {
    let arena = Arena::new();
    let server = "import socket, time\nopen('/tmp/secret', 'w').write('the secret')\nopen('/dev/shm/secret', 'w').write('the secret')\ns = socket.create_server(('127.0.0.1', 7777))\nprint('up', flush=True)\ntime.sleep(1000)";
    let mut spec = arena.python_spec(server);
    spec.environment.push(("SECRET".into(), "the secret".into()));
    spec.code = Some(arena.code("other"));
    let mut neighbour = arena.launch(spec).await;
    says(&mut neighbour, "up").await;
    let attack = "
import glob, socket
for name in glob.glob('/proc/[0-9]*/environ') + ['/tmp/secret', '/dev/shm/secret', '/var/task/app.txt'] + glob.glob('/proc/*/root/tmp/secret'):
    try:
        text = open(name).read()
        if 'the secret' in text or 'other' in text: print(name, text)
    except OSError: pass
try: socket.create_connection(('127.0.0.1', 7777), 2); print('reached')
except OSError as error: print(error.errno)";
    let (text, _) = arena.python(attack).await;
    assert_eq!(text, format!("{}\n", rustix::io::Errno::CONNREFUSED.raw_os_error()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_door_leads_to_its_own_sandbox_only() {
    let arena = Arena::new();
    let script = "import socket\nprint(socket.create_connection(('127.0.0.1', 9001)).makefile().read())";
    let mut sandboxes = Vec::new();
    for name in ["first", "second"] {
        let mut spec = arena.python_spec(script);
        spec.doors = vec![9001, 4566];
        let mut sandbox = arena.launch(spec).await;
        let door = sandbox.doors.swap_remove(0);
        assert_eq!(door.local_addr().unwrap().port(), 9001);
        tokio::spawn(async move {
            let (mut stream, _) = door.accept().await.unwrap();
            stream.write_all(name.as_bytes()).await.unwrap();
        });
        sandboxes.push((name, sandbox));
    }
    for (name, sandbox) in sandboxes {
        assert_eq!(finish(sandbox).await.0.trim(), name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_left_in_the_background_ends_with_its_sandbox() {
    let arena = Arena::new();
    let mark = arena.directory.path().display().to_string();
    let mut spec =
        arena.shell_spec("setsid sh -c 'setsid sleep 1000 & sleep 1000' > /dev/null 2>&1 & echo up; sleep 0.1");
    spec.environment.push(("MARK".into(), mark.clone()));
    let mut sandbox = arena.launch(spec).await;
    says(&mut sandbox, "up").await;
    assert!(!crate::harness::processes_with(&format!("MARK={mark}")).is_empty());
    sandbox.control().ended().await;
    assert_eq!(crate::harness::processes_with(&format!("MARK={mark}")), Vec::<String>::new());
    let mut rest = String::new();
    sandbox.output.take().unwrap().read_to_string(&mut rest).await.unwrap();
}
