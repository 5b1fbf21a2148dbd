//! Code packages made here: inline text of a template, or a directory, as a ZIP whose bytes depend on its content alone.

use crate::tree::Node;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// How the address of an object begins, where a template may name a local path too.
pub const BUCKET_SCHEME: &str = "s3://";

/// The property under which a rewritten template names an uploaded package by its SHA-256 digest.
pub const ARTIFACT: &str = "FogbankArtifact";

/// What a template says about a place in a bucket, under the names that Lambda has for them: SAM's `{Bucket, Key, Version}` and `s3://BUCKET/KEY`.
/// Anything else is left as it is.
pub(crate) fn bucket_object(code: &Node) -> Node {
    if let Some((bucket, key)) = code.as_text().and_then(|text| text.strip_prefix(BUCKET_SCHEME)?.split_once('/')) {
        let part = |name, text| (name, Node::text(code.at, text));
        return Node::map(code.at, [part("S3Bucket", bucket), part("S3Key", key)]);
    }
    let mut renamed = code.clone();
    for (sam, lambda) in [("Bucket", "S3Bucket"), ("Key", "S3Key"), ("Version", "S3ObjectVersion")] {
        if let Some(node) = renamed.remove(sam) {
            renamed.set(lambda, node);
        }
    }
    renamed
}

/// The package of a function whose code stands in the template (`Code: {ZipFile: …}`).
///
/// # Errors
/// The text could not be packed.
pub fn inline(runtime: &str, text: &str) -> std::io::Result<Vec<u8>> {
    let name = if runtime.starts_with("python") { "index.py" } else { "index.js" };
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file(name, options(0o644))?;
    zip.write_all(text.as_bytes())?;
    Ok(zip.finish()?.into_inner())
}

/// The package of what is in `directory`. Links are followed as far as they stay inside it.
///
/// # Errors
/// A file could not be read, or a link leads outside.
pub fn directory(directory: &Path) -> std::io::Result<Vec<u8>> {
    let root = directory.canonicalize()?;
    let mut files = Vec::new();
    collect(&root, &root, &mut files)?;
    files.sort();
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for file in files {
        let path = root.join(&file);
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path)?.permissions());
        zip.start_file(file.to_string_lossy(), options(if mode & 0o111 == 0 { 0o644 } else { 0o755 }))?;
        zip.write_all(&std::fs::read(&path)?)?;
    }
    Ok(zip.finish()?.into_inner())
}

/// A fixed time and two modes, so that equal content gives equal bytes, and so an equal digest.
fn options(mode: u32) -> SimpleFileOptions {
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    options.last_modified_time(DateTime::default()).unix_permissions(mode)
}

fn collect(root: &Path, directory: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let real = path.canonicalize()?;
        if !real.starts_with(root) {
            let text = format!("{} leads outside of {}; copy it in", path.display(), root.display());
            return Err(std::io::Error::other(text));
        }
        let skipped =
            path.file_name().is_some_and(|name| matches!(name.to_str(), Some("__pycache__" | ".git" | ".fogbank")));
        match std::fs::metadata(&path)? {
            _ if skipped => {}
            // A link to a directory above itself would never end.
            kind if kind.is_dir() && (real == path || !path.starts_with(&real)) => collect(root, &path, files)?,
            kind if kind.is_file() => files.extend(path.strip_prefix(root).map(Path::to_path_buf)),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_directories_give_equal_packages() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for dir in [&one, &two] {
            std::fs::create_dir(dir.path().join("inner")).unwrap();
            std::fs::write(dir.path().join("inner/a.py"), "1").unwrap();
            std::fs::write(dir.path().join("b.py"), "2").unwrap();
        }
        let package = directory(one.path()).unwrap();
        assert_eq!(package, directory(two.path()).unwrap());
        let mut zip = zip::ZipArchive::new(Cursor::new(package)).unwrap();
        let names: Vec<String> =
            (0..2).map(|index| zip.by_index(index).unwrap().name().unwrap().into_owned()).collect();
        assert_eq!(names, ["b.py", "inner/a.py"]);
        std::fs::write(two.path().join("b.py"), "3").unwrap();
        assert_ne!(directory(one.path()).unwrap(), directory(two.path()).unwrap());
    }

    #[test]
    fn a_link_out_of_the_directory_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/etc/hostname", dir.path().join("x")).unwrap();
        assert!(directory(dir.path()).unwrap_err().to_string().contains("leads outside"));
    }
}
