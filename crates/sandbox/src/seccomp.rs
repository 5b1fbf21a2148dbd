//! The system calls that code in a sandbox may not make. A list of refusals: what runs in it is arbitrary code, for which a list of
//! permissions would break something every week; namespaces, lost capabilities and the read-only root carry the isolation, this filter
//! takes away the parts of the kernel that ordinary programs never need and that past escapes went through.

use crate::error::{Context, Failure};
use libc::sock_filter;

const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
const REFUSE: u32 = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;
const UNKNOWN: u32 = libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32;
const NO_FAMILY: u32 = libc::SECCOMP_RET_ERRNO | libc::EAFNOSUPPORT as u32;

#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 0xc000_00b7;

/// On x86-64 the x32 variants of all calls begin here; they would slip past the list.
const X32: u32 = 0x4000_0000;

const NAMESPACES: u32 = (libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET) as u32;

const REFUSED: &[libc::c_long] = &[
    libc::SYS_acct,
    libc::SYS_add_key,
    libc::SYS_adjtimex,
    libc::SYS_bpf,
    libc::SYS_chroot,
    libc::SYS_clock_adjtime,
    libc::SYS_clock_settime,
    libc::SYS_delete_module,
    libc::SYS_fanotify_init,
    libc::SYS_finit_module,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_init_module,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
    libc::SYS_kcmp,
    libc::SYS_kexec_file_load,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_lookup_dcookie,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_move_pages,
    libc::SYS_name_to_handle_at,
    libc::SYS_nfsservctl,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_perf_event_open,
    libc::SYS_personality,
    libc::SYS_pidfd_getfd,
    libc::SYS_pivot_root,
    libc::SYS_process_madvise,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_reboot,
    libc::SYS_request_key,
    libc::SYS_setdomainname,
    libc::SYS_sethostname,
    libc::SYS_setns,
    libc::SYS_settimeofday,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_syslog,
    libc::SYS_umount2,
    libc::SYS_userfaultfd,
    libc::SYS_vhangup,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_modify_ldt,
    #[cfg(target_arch = "x86_64")]
    libc::SYS__sysctl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_uselib,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ustat,
];

/// Terminal requests that put words into another's mouth.
const REFUSED_REQUESTS: &[u32] = &[libc::TIOCSTI as u32, libc::TIOCLINUX as u32];

const NUMBER: u32 = 0;
const ARCH: u32 = 4;

fn argument(index: u32) -> u32 {
    16 + 8 * index
}

fn load(offset: u32) -> sock_filter {
    sock_filter { code: (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16, jt: 0, jf: 0, k: offset }
}

fn jump(test: u32, value: u32, yes: u8, no: u8) -> sock_filter {
    sock_filter { code: (libc::BPF_JMP | test | libc::BPF_K) as u16, jt: yes, jf: no, k: value }
}

fn answer(action: u32) -> sock_filter {
    sock_filter { code: (libc::BPF_RET | libc::BPF_K) as u16, jt: 0, jf: 0, k: action }
}

/// The filter's program; built once by the spawner.
pub(crate) fn program() -> Vec<sock_filter> {
    let number = |call: libc::c_long| call as u32;
    let mut program = vec![
        load(ARCH),
        jump(libc::BPF_JEQ, ARCHITECTURE, 1, 0),
        answer(libc::SECCOMP_RET_KILL_PROCESS),
        load(NUMBER),
        jump(libc::BPF_JGE, X32, 0, 1),
        answer(UNKNOWN),
    ];
    for call in REFUSED {
        program.extend([jump(libc::BPF_JEQ, number(*call), 0, 1), answer(REFUSE)]);
    }
    // clone3 hides its flags behind a pointer; told that it is unknown, the C libraries fall back to clone.
    program.extend([jump(libc::BPF_JEQ, number(libc::SYS_clone3), 0, 1), answer(UNKNOWN)]);
    for call in [libc::SYS_clone, libc::SYS_unshare] {
        program.extend([
            jump(libc::BPF_JEQ, number(call), 0, 4),
            load(argument(0)),
            jump(libc::BPF_JSET, NAMESPACES | time_namespace(call), 0, 1),
            answer(REFUSE),
            answer(ALLOW),
        ]);
    }
    for call in [libc::SYS_socket, libc::SYS_socketpair] {
        program.extend([
            jump(libc::BPF_JEQ, number(call), 0, 9),
            load(argument(0)),
            jump(libc::BPF_JEQ, libc::AF_UNIX as u32, 6, 0),
            jump(libc::BPF_JEQ, libc::AF_INET as u32, 5, 0),
            jump(libc::BPF_JEQ, libc::AF_INET6 as u32, 4, 0),
            jump(libc::BPF_JEQ, libc::AF_NETLINK as u32, 0, 2),
            // The list of the (own) network's interfaces is read over this one protocol.
            load(argument(2)),
            jump(libc::BPF_JEQ, libc::NETLINK_ROUTE as u32, 1, 0),
            answer(NO_FAMILY),
            answer(ALLOW),
        ]);
    }
    program.extend([
        jump(libc::BPF_JEQ, number(libc::SYS_ioctl), 0, 2 * REFUSED_REQUESTS.len() as u8 + 2),
        load(argument(1)),
    ]);
    for request in REFUSED_REQUESTS {
        program.extend([jump(libc::BPF_JEQ, *request, 0, 1), answer(REFUSE)]);
    }
    program.extend([answer(ALLOW), answer(ALLOW)]);
    program
}

/// The flag of a time namespace shares its bit with clone's exit signal, so only unshare can be asked for it.
fn time_namespace(call: libc::c_long) -> u32 {
    if call == libc::SYS_unshare { 0x80 } else { 0 }
}

/// Puts the calling process and all its descendants under the filter. Needs no_new_privs.
pub(crate) fn apply(program: &[sock_filter]) -> Result<(), Failure> {
    let filter = libc::sock_fprog { len: program.len() as u16, filter: program.as_ptr().cast_mut() };
    // SAFETY: `filter` points to `program`, which outlives the call; the kernel only reads it.
    let result = unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &raw const filter) };
    crate::error::check(result).while_doing(|| "installing the system call filter").map(drop)
}
