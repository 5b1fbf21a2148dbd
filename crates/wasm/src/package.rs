//! Which file of a package is the component.

use std::path::{Path, PathBuf};

/// Finds the component in the unpacked package: the file that `handler` names, or the only `*.wasm` at the top.
///
/// # Errors
/// What to do about the package.
pub(crate) fn component(code: &Path, handler: &str) -> Result<PathBuf, String> {
    let is_plain = !handler.is_empty() && Path::new(handler).file_name().is_some_and(|name| name == handler);
    if is_plain && handler.ends_with(".wasm") {
        let named = code.join(handler);
        return match is_file(&named) {
            true => Ok(named),
            false => Err(format!("The package has no file {handler}, which the handler names.")),
        };
    }
    let entries = std::fs::read_dir(code).map_err(|error| format!("The package cannot be read: {error}"))?;
    let paths = entries.flatten().map(|entry| entry.path());
    let mut found: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|end| end == "wasm") && is_file(path)).collect();
    match (found.pop(), found.len()) {
        (Some(only), 0) => Ok(only),
        (None, _) => Err("The package has no WebAssembly component: put one file *.wasm at its top.".into()),
        (Some(_), _) => {
            Err("The package has several files *.wasm: let the handler name the one that is the function's component."
                .into())
        }
    }
}

/// Links do not count: they could lead out of the package.
fn is_file(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|metadata| metadata.is_file())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_handler_names_the_component_where_there_are_several() {
        let home = tempfile::tempdir().unwrap();
        let find = |handler: &str| component(home.path(), handler).map(|path| path.file_name().unwrap().to_owned());
        assert!(find("any").unwrap_err().contains("no WebAssembly component"));
        std::fs::write(home.path().join("a.wasm"), "").unwrap();
        assert_eq!(find("any").unwrap(), "a.wasm");
        std::fs::write(home.path().join("b.wasm"), "").unwrap();
        assert!(find("any").unwrap_err().contains("several"));
        assert_eq!(find("b.wasm").unwrap(), "b.wasm");
        assert!(find("c.wasm").unwrap_err().contains("no file c.wasm"));
        assert!(find("../b.wasm").is_err());
    }

    #[test]
    fn a_link_is_no_component() {
        let home = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/etc/passwd", home.path().join("a.wasm")).unwrap();
        assert!(component(home.path(), "a.wasm").is_err());
        assert!(component(home.path(), "").is_err());
    }
}
