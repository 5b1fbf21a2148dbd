//! Going through the kernel.

use crate::harness::{Arena, python_outside};

/// Makes system calls by number and prints the name of each that is not refused.
fn calls(list: &str) -> String {
    format!(
        "
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
null = ctypes.c_void_p(0)
for name, number, arguments, allowed in [{list}]:
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(one) for one in arguments])
    if result >= 0 or errno.errorcode.get(ctypes.get_errno()) not in allowed:
        print(name, result, errno.errorcode.get(ctypes.get_errno()))
print('done')"
    )
}

#[tokio::test(flavor = "multi_thread")]
#[cfg(target_arch = "x86_64")]
async fn dangerous_calls_are_refused() {
    let arena = Arena::new();
    let refused = "
    ('mount', 165, [0, 0, 0, 0, 0], ['EPERM']), ('umount', 166, [0, 0], ['EPERM']), ('pivot_root', 155, [0, 0], ['EPERM']),
    ('fsopen', 430, [0, 0], ['EPERM']), ('open_tree', 428, [0, 0, 0], ['EPERM']), ('move_mount', 429, [0, 0, 0, 0, 0], ['EPERM']),
    ('mount_setattr', 442, [0, 0, 0, 0, 0], ['EPERM']), ('ptrace', 101, [0, 0, 0, 0], ['EPERM']), ('bpf', 321, [0, 0, 0], ['EPERM']),
    ('keyctl', 250, [0, 0, 0], ['EPERM']), ('add_key', 248, [0, 0, 0, 0, 0], ['EPERM']), ('request_key', 249, [0, 0, 0, 0], ['EPERM']),
    ('init_module', 175, [0, 0, 0], ['EPERM']), ('finit_module', 313, [0, 0, 0], ['EPERM']), ('kexec_load', 246, [0, 0, 0, 0], ['EPERM']),
    ('perf_event_open', 298, [0, 0, 0, 0, 0], ['EPERM']), ('userfaultfd', 323, [0], ['EPERM']), ('io_uring_setup', 425, [1, 0], ['EPERM']),
    ('open_by_handle_at', 304, [0, 0, 0], ['EPERM']), ('process_vm_readv', 310, [1, 0, 0, 0, 0, 0], ['EPERM']),
    ('setns', 308, [0, 0], ['EPERM']), ('unshare user', 272, [0x10000000], ['EPERM']), ('unshare mount', 272, [0x20000], ['EPERM']),
    ('unshare time', 272, [0x80], ['EPERM']), ('clone user', 56, [0x10000011, 0, 0, 0, 0], ['EPERM']), ('clone3', 435, [0, 0], ['ENOSYS']),
    ('reboot', 169, [0, 0, 0, 0], ['EPERM']), ('swapon', 167, [0, 0], ['EPERM']), ('personality', 135, [0x40000], ['EPERM']),
    ('chroot', 161, [0], ['EPERM']), ('sethostname', 170, [0, 0], ['EPERM']), ('syslog', 103, [3, 0, 0], ['EPERM']),
    ('x32 getpid', 0x40000000 + 39, [], ['ENOSYS']), ('tiocsti', 16, [0, 0x5412, 0], ['EPERM']), ('setuid', 105, [0], ['EPERM', 'EINVAL']),
    ('packet socket', 41, [17, 3, 0], ['EAFNOSUPPORT']), ('vsock', 41, [40, 1, 0], ['EAFNOSUPPORT']), ('alg', 41, [38, 5, 0], ['EAFNOSUPPORT']),
    ('netfilter', 41, [16, 3, 12], ['EAFNOSUPPORT']), ('raw socket', 41, [2, 3, 1], ['EPERM']), ('mknod', 133, [0, 0, 0], ['EFAULT']),
    ";
    let (text, _) = arena.python(&calls(refused)).await;
    assert_eq!(text, "done\n");
    // Outside, some of them do not fail, and others fail for another reason: the filter is what refuses them.
    let outside = python_outside(&calls(
        "('unshare user', 272, [0x10000000], ['EPERM']), ('keyctl', 250, [0, -3, 1], ['EPERM']), ('io_uring_setup', 425, [1, 0], ['EPERM'])",
    ));
    assert_eq!(outside.lines().count(), 4, "{outside}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ordinary_work_is_not_refused() {
    let arena = Arena::new();
    let script = "
import socket, subprocess, threading, tempfile, os, mmap, select
assert subprocess.run(['/bin/sh', '-c', 'exit 3']).returncode == 3
threading.Thread(target=lambda: None).start()
server = socket.create_server(('127.0.0.1', 0))
socket.create_connection(server.getsockname()).close()
socket.socketpair()[0].close()
tempfile.NamedTemporaryFile().write(b'x')
mmap.mmap(-1, 4096).close()
select.epoll().close()
os.getrandom(8)
assert socket.if_nameindex() == [(1, 'lo')], socket.if_nameindex()
assert os.path.exists('/proc/meminfo') and os.path.exists('/proc/cpuinfo')
assert os.getuid() == 993 and os.uname().nodename == 'sandbox'
print('fine')";
    let (text, _) = arena.python(script).await;
    assert_eq!(text, "fine\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn kernel_files_are_hidden() {
    let arena = Arena::new();
    let script = "for f in kcore keys key-users timer_list kallsyms kmsg sysrq-trigger; do [ -e /proc/$f ] && head -c 1 /proc/$f; done 2>/dev/null | wc -c; \
        cat /proc/1/maps /proc/1/mem 2>/dev/null | wc -c; ls /proc | grep -c '^[0-9]'; readlink /proc/1/exe";
    let (text, _) = arena.shell(script).await;
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[..2], ["0", "0"], "{text}");
    assert!(lines[2].parse::<u32>().unwrap() <= 6, "only its own processes: {text}");
    assert_eq!(lines.len(), 3, "the platform's path is not told: {text}");
}
