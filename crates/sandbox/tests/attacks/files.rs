//! Reading and changing what is not one's own.

use crate::harness::{Arena, finish, outside};
use fogbank_sandbox::{Bind, ExitStatus};

#[tokio::test(flavor = "multi_thread")]
async fn host_files_are_out_of_sight() {
    let arena = Arena::new();
    let secret = tempfile::Builder::new().prefix("secret").tempfile_in("/root").unwrap();
    std::fs::write(secret.path(), "the secret").unwrap();
    let state = arena.directory.path().join("state");
    let attack = format!(
        "cat {secret}; cat /proc/1/root{secret}; cat /etc/shadow; ls {state}; ls /root; ls /sys/kernel; ls /home; cat /proc/1/environ; cd ../../../..; ls -d work",
        secret = secret.path().display(),
        state = state.display()
    );
    let open = outside(&attack);
    assert!(open.contains("the secret") && open.contains("root:"), "{open}");
    let (text, _) = arena.shell(&format!("({attack}) 2>/dev/null")).await;
    assert_eq!(text, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_root_cannot_be_changed() {
    let arena = Arena::new();
    let places = [
        "/",
        "/usr",
        "/etc",
        "/var",
        "/var/task",
        "/opt",
        "/dev",
        "/bin",
        "/proc",
        "/proc/sys/kernel",
        "/home",
        "/run",
    ];
    let script = places.map(|place| format!("touch {place}/x 2>/dev/null && echo {place}")).join("\n");
    let (text, _) = arena.shell(&script).await;
    assert_eq!(text, "");
    let (text, _) = arena.shell("touch /tmp/x /dev/shm/x && echo yes; echo x > /etc/passwd; echo 1 > /proc/sys/kernel/core_pattern; echo x > /var/task/app.txt").await;
    assert!(text.starts_with("yes\n"), "{text}");
    assert_eq!(text.matches("Read-only file system").count() + text.matches("Permission denied").count(), 3, "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_was_shown_of_a_directory_is_there() {
    let arena = Arena::new();
    // Not below /tmp, which a sandbox has of its own.
    let directory = tempfile::tempdir_in("/root").unwrap();
    let (shown, hidden) = (directory.path().join("shown"), directory.path().join("hidden"));
    for place in [&shown, &hidden] {
        std::fs::create_dir(place).unwrap();
        std::fs::write(place.join("app.txt"), "shown").unwrap();
    }
    let mut spec = arena.shell_spec(&format!(
        "cat {}/app.txt; ls -A {}; cat {}/app.txt",
        shown.display(),
        directory.path().display(),
        hidden.display()
    ));
    spec.binds.push(Bind { source: shown.clone(), target: shown });
    let (text, _) = finish(arena.launch(spec).await).await;
    assert!(text.starts_with("shownshown\n"), "{text}");
    assert!(text.contains("No such file"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn later_layers_win_and_none_can_be_changed() {
    let arena = Arena::new();
    let (first, second) = (arena.code("first"), arena.code("second"));
    std::fs::write(first.join("only-first"), "1").unwrap();
    let mut spec = arena.shell_spec("cat /opt/app.txt /opt/only-first; touch /opt/x 2>/dev/null && echo changed");
    spec.layers = vec![first, second];
    let (text, _) = finish(arena.launch(spec).await).await;
    assert_eq!(text, "second1");
}

#[tokio::test(flavor = "multi_thread")]
async fn setuid_programs_give_nothing() {
    let arena = Arena::new();
    let copy = arena.directory.path().join("code/id");
    std::fs::copy("/usr/bin/id", &copy).unwrap();
    std::fs::set_permissions(&copy, std::os::unix::fs::PermissionsExt::from_mode(0o4755)).unwrap();
    let as_user = outside(&format!(
        "chmod 755 {d}; setpriv --reuid 65534 --clear-groups {d}/code/id -u",
        d = arena.directory.path().display()
    ));
    assert_eq!(as_user.trim(), "0", "outside, the program makes its caller root");
    let (text, _) = arena.shell("/var/task/id -u; grep -E 'Cap(Prm|Eff|Bnd|Inh|Amb)' /proc/self/status | sort -u -k2 | wc -l; grep CapBnd /proc/self/status").await;
    assert_eq!(text, "993\n1\nCapBnd:\t0000000000000000\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_the_platform_is_inherited() {
    let arena = Arena::new();
    let (text, ended) = arena.shell("ls /proc/self/fd; env | sort; cat /proc/self/cgroup | grep -c fogbank; tty").await;
    assert_eq!(
        text, "0\n1\n2\n3\nPATH=/usr/sbin:/usr/bin:/bin\nPWD=/var/task\n0\nnot a tty\n",
        "3 is the directory that ls reads"
    );
    assert_eq!(ended.status, Some(ExitStatus::Code(1)));
}
