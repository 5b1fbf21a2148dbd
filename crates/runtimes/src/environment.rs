//! The environment that a function finds.
//! <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>

use crate::config::SessionKeys;
use crate::interpreters::{Language, Wanted};
use fogbank_functions::runtime::InstanceSpec;
use std::collections::BTreeMap;

/// The Runtime API's port inside a sandbox.
pub(crate) const RUNTIME_API_PORT: u16 = 9001;
/// The AWS endpoint's port inside a sandbox.
pub(crate) const ENDPOINT_PORT: u16 = 4566;
/// Where the SDK for Python lies inside a sandbox. The platform's bootstrap puts it on `sys.path` after the function's code and layers.
pub(crate) const PYTHON_SDK: &str = "/var/lang/sdk";
/// Where the SDK for JavaScript lies. `import` looks for packages in the parents of `/var/task`, and heeds no `NODE_PATH`.
pub(crate) const NODE_SDK: &str = "/var/node_modules";

/// Everything in the environment, the user's variables last but never over a reserved one.
pub(crate) fn environment(spec: &InstanceSpec, wanted: Wanted, keys: &SessionKeys) -> Vec<(String, String)> {
    let mut all: BTreeMap<&str, String> = defaults(wanted);
    for (name, value) in &spec.environment {
        all.insert(name, value.clone());
    }
    for (name, value) in reserved(spec, wanted, keys) {
        all.insert(name, value);
    }
    all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// What an interpreter finds that is started before its function is known.
pub(crate) fn before_function(wanted: Wanted) -> Vec<(String, String)> {
    let address = ("AWS_LAMBDA_RUNTIME_API", format!("127.0.0.1:{RUNTIME_API_PORT}"));
    defaults(wanted).into_iter().chain([address]).map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Whether an interpreter must be started with this variable, because it is looked at only then.
pub(crate) fn matters_at_start(name: &str) -> bool {
    const PREFIXES: [&str; 7] = ["PYTHON", "NODE_", "UV_", "LD_", "LC_", "MALLOC_", "GLIBC_"];
    const NAMES: [&str; 4] = ["LANG", "LANGUAGE", "OPENSSL_CONF", "AWS_LAMBDA_EXEC_WRAPPER"];
    PREFIXES.iter().any(|prefix| name.starts_with(prefix)) || NAMES.contains(&name)
}

/// What a function may set otherwise.
fn defaults(wanted: Wanted) -> BTreeMap<&'static str, String> {
    let mut all: BTreeMap<&str, String> = BTreeMap::from([
        ("LANG", "en_US.UTF-8".into()),
        ("TZ", ":UTC".into()),
        ("PATH", "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin".into()),
        (
            "LD_LIBRARY_PATH",
            "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib".into(),
        ),
        ("AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR".into()),
        ("AWS_XRAY_DAEMON_ADDRESS", "127.0.0.1:2000".into()),
        ("AWS_LAMBDA_LOG_FORMAT", "Text".into()),
        ("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{ENDPOINT_PORT}")),
        // Programs that ask the network for the instance's role would wait for an answer that cannot come.
        ("AWS_EC2_METADATA_DISABLED", "true".into()),
    ]);
    match wanted {
        Wanted::Interpreted(Language::Python, _) => drop(all.insert("PYTHONPATH", "/var/runtime".into())),
        Wanted::Interpreted(Language::Node, major) => {
            let path = format!(
                "/opt/nodejs/node{major}/node_modules:/opt/nodejs/node_modules:{NODE_SDK}:/var/runtime:/var/task"
            );
            all.insert("NODE_PATH", path);
        }
        Wanted::Provided => {}
    }
    all
}

/// What tells a function who it is and whom it acts as, however it is run. It cannot set these itself.
pub fn identity(spec: &InstanceSpec, keys: &SessionKeys) -> Vec<(&'static str, String)> {
    vec![
        ("_HANDLER", spec.handler.clone()),
        ("AWS_REGION", spec.region.to_string()),
        ("AWS_DEFAULT_REGION", spec.region.to_string()),
        ("AWS_LAMBDA_FUNCTION_NAME", spec.name.clone()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", spec.memory_mb.to_string()),
        ("AWS_LAMBDA_FUNCTION_VERSION", spec.version.clone()),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", spec.initialization.into()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", spec.log.group.clone()),
        ("AWS_LAMBDA_LOG_STREAM_NAME", spec.log.stream.clone()),
        ("AWS_ACCESS_KEY_ID", keys.access_key_id.clone()),
        ("AWS_SECRET_ACCESS_KEY", keys.secret.clone()),
        ("AWS_SESSION_TOKEN", keys.token.clone()),
    ]
}

fn reserved(spec: &InstanceSpec, wanted: Wanted, keys: &SessionKeys) -> Vec<(&'static str, String)> {
    let mut all = identity(spec, keys);
    all.extend([
        ("AWS_LAMBDA_RUNTIME_API", format!("127.0.0.1:{RUNTIME_API_PORT}")),
        ("LAMBDA_TASK_ROOT", "/var/task".into()),
        ("LAMBDA_RUNTIME_DIR", "/var/runtime".into()),
    ]);
    if wanted != Wanted::Provided {
        all.push(("AWS_EXECUTION_ENV", format!("AWS_Lambda_{}", spec.runtime)));
    }
    all
}
