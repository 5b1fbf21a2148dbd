//! Packages as attackers build them. Each is refused in AWS's words, and nothing is written outside.
#![allow(clippy::unwrap_used)]

use super::*;
use std::io::Write;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

pub(crate) fn zip_of(files: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        writer.start_file(*name, SimpleFileOptions::default().unix_permissions(0o644)).unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// One entry, made by hand: name, Unix mode, content, the size that the header claims, flags.
struct Raw<'a> {
    name: &'a [u8],
    mode: u32,
    content: &'a [u8],
    claimed: u32,
    flags: u16,
}

impl<'a> Raw<'a> {
    fn file(name: &'a str, content: &'a str) -> Self {
        Self::of(name, 0o100_644, content)
    }

    fn of(name: &'a str, mode: u32, content: &'a str) -> Self {
        Self { name: name.as_bytes(), mode, content: content.as_bytes(), claimed: content.len() as u32, flags: 0 }
    }
}

/// Writes what a well-behaved writer would refuse to.
fn raw_zip(entries: &[Raw<'_>]) -> Vec<u8> {
    let (mut body, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let offset = body.len() as u32;
        let sizes = [crc(entry.content), entry.content.len() as u32, entry.claimed];
        let shared = |out: &mut Vec<u8>| {
            for half in [20, entry.flags, 0, 0, 0x21] {
                out.extend(half.to_le_bytes());
            }
            sizes.iter().for_each(|size| out.extend(size.to_le_bytes()));
            out.extend((entry.name.len() as u16).to_le_bytes());
            out.extend(0u16.to_le_bytes());
        };
        body.extend(b"PK\x03\x04");
        shared(&mut body);
        body.extend(entry.name);
        body.extend(entry.content);
        directory.extend(b"PK\x01\x02");
        directory.extend((3u16 << 8 | 20).to_le_bytes());
        shared(&mut directory);
        directory.extend([0; 6]);
        directory.extend(0u16.to_le_bytes().iter().take(0));
        directory.extend((entry.mode << 16).to_le_bytes());
        directory.extend(offset.to_le_bytes());
        directory.extend(entry.name);
    }
    let (start, size, count) = (body.len() as u32, directory.len() as u32, entries.len() as u16);
    body.extend(directory);
    body.extend(b"PK\x05\x06\0\0\0\0");
    body.extend(count.to_le_bytes());
    body.extend(count.to_le_bytes());
    body.extend(size.to_le_bytes());
    body.extend(start.to_le_bytes());
    body.extend(0u16.to_le_bytes());
    body
}

fn crc(content: &[u8]) -> u32 {
    !content.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

struct Tried {
    home: tempfile::TempDir,
    result: Result<u64, Error>,
}

fn try_unpack(content: &[u8]) -> Tried {
    let home = tempfile::tempdir().unwrap();
    let result = unpack(content, &home.path().join("code"));
    Tried { home, result }
}

fn refused(content: &[u8]) -> String {
    let tried = try_unpack(content);
    let outside: Vec<_> =
        std::fs::read_dir(tried.home.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(outside.iter().all(|name| name == "code"), "wrote outside: {outside:?}");
    tried.result.expect_err("it was accepted").to_string()
}

const BROKEN: &str = "Could not unzip uploaded file. Please check your file, then try to upload again.";

#[test]
fn a_package_is_unpacked_with_its_modes() {
    let content = raw_zip(&[
        Raw::of("bin/", 0o040_700, ""),
        Raw::of("bin/run", 0o104_711, "#!/bin/sh"),
        Raw::of("secret.txt", 0o100_600, "s"),
        Raw::of("dos.txt", 0, "d"),
        Raw::of("link", 0o120_777, "bin/run"),
        Raw::of("deep/link", 0o120_777, "../bin/./run"),
    ]);
    let tried = try_unpack(&content);
    assert_eq!(tried.result.unwrap(), 11);
    let code = tried.home.path().join("code");
    let mode = |path: &str| code.join(path).metadata().unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode("bin"), mode("bin/run"), mode("secret.txt"), mode("dos.txt")), (0o755, 0o755, 0o644, 0o644));
    assert_eq!(std::fs::read_to_string(code.join("link")).unwrap(), "#!/bin/sh");
    assert_eq!(std::fs::read_to_string(code.join("deep/link")).unwrap(), "#!/bin/sh");
}

#[test]
fn what_is_not_a_whole_zip_is_refused() {
    let good = zip_of(&[("a.py", "x = 1"), ("b.py", "y = 2")]);
    for content in [&b""[..], b"hello", b"PK\x03\x04", &good[..good.len() - 30], &good[40..], &good[..good.len() / 2]] {
        assert_eq!(refused(content), BROKEN);
    }
    let mut damaged = zip_of(&[("a.py", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaabbbbbbbbbbb")]);
    damaged[36] ^= 0xff;
    assert_eq!(refused(&damaged), BROKEN);
    assert_eq!(refused(&raw_zip(&[])), "Uploaded file must be a non-empty zip");
}

#[test]
fn names_that_lead_outside_are_refused() {
    for name in ["../evil", "a/../../evil", "/etc/evil", "a/..", "..", "a\0b", ""] {
        assert_eq!(refused(&raw_zip(&[Raw::file(name, "x")])), BROKEN, "{name:?}");
    }
    let long = "n".repeat(300);
    assert_eq!(refused(&raw_zip(&[Raw::file(&long, "x")])), BROKEN);
}

#[test]
fn links_that_lead_outside_are_refused() {
    let link = |name, target| Raw::of(name, 0o120_777, target);
    for target in ["/etc/passwd", "..", "../x", "a/../../x", "b/../../../x"] {
        assert_eq!(refused(&raw_zip(&[Raw::file("a/f", ""), link("l", target)])), BROKEN, "{target}");
    }
    // Each looks harmless alone: `up` is the root, and `up/..` is above it.
    let pair = [Raw::file("d/e/f", ""), link("d/e/up", "../.."), link("out", "d/e/up/../x")];
    assert_eq!(refused(&raw_zip(&pair)), BROKEN);
    assert_eq!(refused(&raw_zip(&[link("a", "b"), link("b", "a")])), BROKEN);
    assert_eq!(refused(&raw_zip(&[link("a", "d"), Raw::file("a/f", "written through the link")])), BROKEN);
    assert_eq!(refused(&raw_zip(&[link("a", "")])), BROKEN);
}

#[test]
fn special_files_are_refused() {
    for mode in [0o020_644, 0o060_644, 0o010_644, 0o140_644] {
        assert_eq!(refused(&raw_zip(&[Raw::of("dev", mode, "")])), BROKEN, "{mode:o}");
    }
}

#[test]
fn a_name_may_stand_in_a_package_once() {
    assert_eq!(refused(&raw_zip(&[Raw::file("a", "1"), Raw::file("a", "2")])), BROKEN);
    assert_eq!(refused(&raw_zip(&[Raw::file("a", "1"), Raw::file("a/b", "2")])), BROKEN);
    assert_eq!(refused(&raw_zip(&[Raw::file("a", "1"), Raw::file("./a", "2")])), BROKEN);
    assert_eq!(refused(&raw_zip(&[Raw::file("a", "1"), Raw::of("a/", 0o040_755, "")])), BROKEN);
}

#[test]
fn encrypted_packages_are_refused() {
    let secret = Raw { flags: 1, ..Raw::file("a", "xxxxxxxxxxxxxxxx") };
    assert_eq!(refused(&raw_zip(&[secret])), BROKEN);
}

#[test]
fn bombs_are_stopped_at_the_limit_whatever_they_claim() {
    let too_large = "Unzipped size must be smaller than 262144000 bytes";
    let claims = [Raw { claimed: 262_144_001, ..Raw::file("a", "x") }];
    assert_eq!(refused(&raw_zip(&claims)), too_large);
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    let zeros = vec![0u8; 1 << 20];
    for name in ["a", "b"] {
        writer.start_file(name, options).unwrap();
        (0..130).for_each(|_| writer.write_all(&zeros).unwrap());
    }
    let mut bomb = writer.finish().unwrap().into_inner();
    assert!(bomb.len() < 1 << 20);
    assert_eq!(refused(&bomb), too_large);
    // The same, with headers that claim one byte each.
    for at in 0..bomb.len() - 4 {
        if bomb[at..at + 4] == (130u32 << 20).to_le_bytes() {
            bomb[at..at + 4].copy_from_slice(&1u32.to_le_bytes());
        }
    }
    assert!([too_large, BROKEN].contains(&refused(&bomb).as_str()));
}
