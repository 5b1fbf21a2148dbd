//! The platform run by somebody who is not root.

use crate::harness::spawner_program;
use std::process::Command;

/// Makes a sandbox as an unprivileged user, by way of the test's small platform.
#[test]
fn sandboxes_can_be_made_without_root() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().display();
    // The program is copied because the build directory may be closed to others.
    let script = format!(
        "cp {program} {place}/platform; mkdir {place}/code; chmod 755 {place} {place}/platform; chown -R 65534:65534 {place}; \
         setpriv --reuid 65534 --regid 65534 --clear-groups {place}/platform platform {place}/state {place}/code > {place}/out 2>&1 & \
         for i in $(seq 200); do grep -q . {place}/out && break; sleep 0.05; done; cat {place}/out; kill -9 $!",
        program = spawner_program()
    );
    let output = Command::new("/bin/sh").args(["-c", &script]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "ready\n", "{}", String::from_utf8_lossy(&output.stderr));
}
