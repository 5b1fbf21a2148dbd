//! Sandboxes that are forked from a zygote: what they are, what they see of each other, and what outlives what.

use crate::harness::{Arena, finish, says};
use fogbank_sandbox::{Assignment, Fork, Kind, Sandbox, Spec};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Forks when told to; the child becomes what a line of its own socket says, a piece of Python, in a process of its own.
const ZYGOTE: &str = r#"
import array, json, os, signal, socket, sys
secret = os.environ.pop("SECRET", "")
control = socket.socket(fileno=3)
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
control.sendall(b"r")
while True:
    word, fds, _, _ = socket.recv_fds(control, 1, 3)
    if not word:
        os._exit(0)
    own, output, report = fds
    if os.fork() == 0:
        break
    for fd in fds:
        os.close(fd)
control.close()
control = socket.socket(fileno=own)
os.dup2(output, 1)
os.dup2(output, 2)
os.close(output)
signal.signal(signal.SIGCHLD, signal.SIG_DFL)
script = control.makefile().readline()
pid = os.fork()
if pid == 0:
    os.close(report)
    os.chdir("/var/task")
    try:
        exec(json.loads(script))
    finally:
        sys.stdout.flush()
        os._exit(0)
os.close(1)
os.close(2)
_, status = os.waitpid(pid, 0)
how = {"Signal": os.WTERMSIG(status)} if os.WIFSIGNALED(status) else {"Code": os.WEXITSTATUS(status)}
os.write(report, json.dumps(how).encode())
os._exit(0)
"#;

async fn zygote(arena: &Arena) -> Sandbox {
    let mut spec = arena.python_spec(ZYGOTE);
    (spec.kind, spec.code, spec.directory) = (Kind::Zygote, None, "/".into());
    let mut sandbox = arena.launch(spec).await;
    let mut ready = [0];
    sandbox.socket.as_mut().unwrap().read_exact(&mut ready).await.unwrap();
    sandbox
}

fn fork() -> Fork {
    Fork { memory_mb: 128, tmp_mb: 64, max_processes: 64, doors: vec![9001] }
}

async fn forked(arena: &Arena, zygote: &Sandbox) -> Sandbox {
    let sandbox = zygote.control().fork(zygote.socket.as_ref().unwrap(), fork()).await.unwrap();
    let code = arena.directory.path().join("code");
    let assignment = Assignment { code, layers: vec![], memory_mb: 128, max_processes: 64 };
    sandbox.control().assign(assignment).await.unwrap();
    sandbox
}

async fn run(sandbox: &mut Sandbox, script: &str) {
    let line = format!("{}\n", serde_json::to_string(script).unwrap());
    sandbox.socket.as_mut().unwrap().write_all(line.as_bytes()).await.unwrap();
}

async fn output_of(arena: &Arena, zygote: &Sandbox, script: &str) -> String {
    let mut sandbox = forked(arena, zygote).await;
    run(&mut sandbox, script).await;
    finish(sandbox).await.0
}

#[tokio::test]
async fn a_fork_is_a_sandbox_like_any_other() {
    let arena = Arena::new();
    let zygote = zygote(&arena).await;
    let script = r#"
def line(file, *names):
    return [text.split() for text in open(file) if text.startswith(names)]
print(line("/proc/self/status", "Cap", "NoNewPrivs", "Seccomp:", "Uid"))
print("pids", sorted(int(name) for name in os.listdir("/proc") if name.isdigit()) == sorted([1, os.getpid()]))
print("code", open("/var/task/app.txt").read(), os.listdir("/opt"), os.listdir("/tmp"))
print("group", {text.split(":")[2].strip() for text in open("/proc/self/cgroup") if "memory" in text})
print("files", sorted(int(fd) for fd in os.listdir("/proc/self/fd"))[:-1])
for place in ["/tmp/x", "/dev/shm/x", "/var/task/x", "/var/x", "/etc/x", "/proc/sys/kernel/hostname"]:
    try:
        open(place, "w").write("x")
        print("wrote", place)
    except OSError:
        pass
"#;
    let told = output_of(&arena, &zygote, script).await;
    assert!(told.contains("['CapEff:', '0000000000000000']"), "{told}");
    assert!(told.contains("['CapPrm:', '0000000000000000']"), "{told}");
    assert!(told.contains("['CapBnd:', '0000000000000000']"), "{told}");
    assert!(told.contains("['NoNewPrivs:', '1'], ['Seccomp:', '2']"), "{told}");
    assert!(told.contains("['Uid:', '993', '993', '993', '993']"), "{told}");
    assert!(told.contains("pids True"), "{told}");
    assert!(told.contains("code code [] []"), "{told}");
    assert!(told.contains("group {'/'}"), "{told}");
    let written: Vec<&str> = told.lines().filter(|line| line.starts_with("wrote")).collect();
    assert_eq!(written, ["wrote /tmp/x", "wrote /dev/shm/x"], "{told}");
}

#[tokio::test]
async fn forks_share_nothing_that_one_could_leave_for_the_other() {
    let arena = Arena::new();
    let zygote = zygote(&arena).await;
    let mut first = forked(&arena, &zygote).await;
    run(&mut first, "import time; open('/tmp/left', 'w').write('x'); open('/dev/shm/left', 'w').write('x')\nprint('ids', os.getpid(), [os.readlink('/proc/self/ns/' + n) for n in sorted(os.listdir('/proc/self/ns')) if not n.startswith('time')], flush=True)\ntime.sleep(60)").await;
    let one = says(&mut first, "\n").await;
    let two = output_of(&arena, &zygote, "print('left', os.listdir('/tmp'), os.listdir('/dev/shm'))\nprint('ids', os.getpid(), [os.readlink('/proc/self/ns/' + n) for n in sorted(os.listdir('/proc/self/ns')) if not n.startswith('time')])").await;
    assert!(two.contains("left [] []"), "{two}");
    let ids = |text: &str| -> Vec<String> {
        let line = text.lines().find(|line| line.starts_with("ids")).unwrap();
        line.split(|letter: char| !letter.is_ascii_digit()).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    };
    let (one, two) = (ids(&one), ids(&two));
    assert_eq!(one.len(), two.len());
    assert!(one.iter().zip(&two).all(|(one, two)| one != two), "{one:?} {two:?}");
}

#[tokio::test]
async fn a_fork_goes_on_when_its_zygote_is_retired_and_tells_how_it_ended() {
    let arena = Arena::new();
    let zygote = zygote(&arena).await;
    let mut sandbox = forked(&arena, &zygote).await;
    run(&mut sandbox, "print('alive', flush=True); os.read(control.fileno(), 1); os._exit(7)").await;
    says(&mut sandbox, "alive").await;
    zygote.control().retire().await;
    let refused = zygote.control().fork(zygote.socket.as_ref().unwrap(), fork()).await;
    assert!(refused.is_err());
    sandbox.socket.as_mut().unwrap().write_all(b"x").await.unwrap();
    let (_, ended) = finish(sandbox).await;
    assert_eq!(ended.status, Some(fogbank_sandbox::ExitStatus::Code(7)));
    assert!(tokio::time::timeout(Duration::from_secs(5), zygote.control().ended()).await.is_ok());
}

#[tokio::test]
async fn a_zygote_that_does_not_fork_is_given_up() {
    let arena = Arena::new();
    let mut spec: Spec = arena.python_spec("import time\ntime.sleep(600)");
    (spec.kind, spec.code, spec.directory) = (Kind::Zygote, None, "/".into());
    let zygote = arena.launch(spec).await;
    assert!(zygote.control().fork(zygote.socket.as_ref().unwrap(), fork()).await.is_err());
    let (told, _) = arena.shell("echo still here").await;
    assert_eq!(told, "still here\n");
}

#[tokio::test]
async fn the_memory_limit_of_a_fork_is_its_own() {
    let arena = Arena::new();
    let zygote = zygote(&arena).await;
    let mut sandbox = forked(&arena, &zygote).await;
    run(&mut sandbox, "x = bytearray(300 * 1024 * 1024); print('too much')").await;
    let (told, ended) = finish(sandbox).await;
    assert!(!told.contains("too much"));
    assert!(ended.out_of_memory);
    assert!(output_of(&arena, &zygote, "print('next')").await.contains("next"));
}

#[tokio::test]
async fn a_fork_can_say_how_its_program_ended_and_nothing_else() {
    let arena = Arena::new();
    // Descriptors beside the words would be opened doors, or somebody to be killed.
    let honest = "os.write(report, json.dumps(how).encode())";
    for said in
        ["{\"Cloned\":{\"number\":1}}", "{\"Gone\":{\"out_of_memory\":true,\"peak_bytes\":1}}", "\"Ready\"", "x", ""]
    {
        let lying = ZYGOTE.replace(honest, &format!("os.write(report, b'{said}')"));
        assert_ne!(lying, ZYGOTE);
        let mut spec = arena.python_spec(&lying);
        (spec.kind, spec.code, spec.directory) = (Kind::Zygote, None, "/".into());
        let mut zygote = arena.launch(spec).await;
        zygote.socket.as_mut().unwrap().read_exact(&mut [0]).await.unwrap();
        let mut sandbox = forked(&arena, &zygote).await;
        run(&mut sandbox, "print('done')").await;
        let (told, ended) = finish(sandbox).await;
        assert_eq!((told.as_str(), ended.status, ended.out_of_memory), ("done\n", None, false));
    }
}

/// The parent shares the memory that holds the child's next instruction, and changes it while the child is furnished.
#[tokio::test]
async fn a_zygote_cannot_lead_what_is_forked_from_it() {
    let arena = Arena::new();
    // clone(SIGCHLD), as `fork` calls it, in shared memory; after it, getpid in the child where the tracer expects its own calls.
    let hostile = "\
import ctypes, mmap, time
shared = os.memfd_create('x')
os.ftruncate(shared, 4096)
memory = mmap.mmap(shared, 4096, mmap.MAP_SHARED, 7)
code = bytes.fromhex('b838000000bf1100000031f631d24531d24531c00f05c3')
memory[0:len(code)] = code
evil = bytes.fromhex('b8270000000f05c3')
memory[64:64 + len(evil)] = evil
begin = ctypes.PYFUNCTYPE(ctypes.c_long)(ctypes.addressof(ctypes.c_char.from_buffer(memory)))
plain_fork = os.fork
def fork():
    if os.getpid() == 1:
        return plain_fork()
    memory[20:22] = bytes.fromhex('0f05')
    ctypes.pythonapi.PyOS_BeforeFork()
    pid = begin()
    if pid == 0:
        ctypes.pythonapi.PyOS_AfterFork_Child()
        return 0
    ctypes.pythonapi.PyOS_AfterFork_Parent()
    time.sleep(0.0015)
    memory[20:22] = bytes.fromhex('eb2a')
    time.sleep(0.05)
    return pid
os.fork = fork
control = socket.socket(fileno=3)";
    let zygote_text = ZYGOTE.replace("control = socket.socket(fileno=3)", hostile);
    assert_ne!(zygote_text, ZYGOTE);
    let mut spec = arena.python_spec(&zygote_text);
    (spec.kind, spec.code, spec.directory) = (Kind::Zygote, None, "/".into());
    let mut zygote = arena.launch(spec).await;
    zygote.socket.as_mut().unwrap().read_exact(&mut [0]).await.unwrap();
    let script = "print([line.split() for line in open('/proc/self/status') if line.startswith(('Cap', 'Seccomp:'))])";
    for _ in 0..10 {
        // It is refused, or has nothing.
        let Ok(mut sandbox) = zygote.control().fork(zygote.socket.as_ref().unwrap(), fork()).await else { continue };
        let code = arena.directory.path().join("code");
        let assignment = Assignment { code, layers: vec![], memory_mb: 128, max_processes: 64 };
        sandbox.control().assign(assignment).await.unwrap();
        run(&mut sandbox, script).await;
        let (told, _) = finish(sandbox).await;
        let powerless = "[['CapInh:', '0000000000000000'], ['CapPrm:', '0000000000000000'], ['CapEff:', '0000000000000000'], \
             ['CapBnd:', '0000000000000000'], ['CapAmb:', '0000000000000000'], ['Seccomp:', '2']]\n";
        assert!(told.is_empty() || told == powerless, "{told}");
    }
}

#[tokio::test]
async fn one_fork_cannot_take_what_the_kernel_counts_for_all_of_them() {
    let arena = Arena::new();
    let zygote = zygote(&arena).await;
    let script = "import ctypes\nlibc = ctypes.CDLL(None)\nmade = 0\nwhile libc.inotify_init1(0) >= 0: made += 1\nprint('made', made, flush=True)\nimport time\ntime.sleep(60)";
    let mut greedy = forked(&arena, &zygote).await;
    run(&mut greedy, script).await;
    let first = says(&mut greedy, "made").await;
    let second = output_of(&arena, &zygote, &script.replace("time.sleep(60)", "")).await;
    assert_eq!(first.split_whitespace().nth(1), second.split_whitespace().nth(1), "{first} {second}");
}
