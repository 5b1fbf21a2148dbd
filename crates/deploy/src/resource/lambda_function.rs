//! `AWS::Lambda::Function`.

use crate::package;
use crate::resource::tags::{self, Tagging};
use crate::resource::{
    Call, Deleting, Made, Making, NameRule, Properties, Property, ResourceType, Shape, gone_is_fine, text,
};
use fogbank_wire::{Fault, Value};
use serde_json::json;

/// The type.
pub struct LambdaFunction;

const TAGS: Tagging = Tagging::usual("lambda", "Resource", tags::map);
const LATER: &str = "remove it; a later release brings it";

/// A code package: inline text, one that was uploaded to the platform under its SHA-256 digest, or an object of a bucket.
pub(crate) const CODE: &[Property] = &[
    Property::optional("ZipFile", Shape::Text),
    Property::optional(package::ARTIFACT, Shape::Text),
    Property::optional("S3Bucket", Shape::Text),
    Property::optional("S3Key", Shape::Text),
    Property::optional("S3ObjectVersion", Shape::Text),
    Property::optional("ImageUri", Shape::Unsupported("package the function as a ZIP")),
];

const PROPERTIES: &[Property] = &[
    Property::optional("FunctionName", Shape::Text).replacing(),
    Property::required("Code", Shape::Struct(CODE)),
    Property::optional("Runtime", Shape::Text),
    Property::optional("Handler", Shape::Text),
    Property::required("Role", Shape::Text),
    Property::optional("Description", Shape::Text),
    Property::optional("MemorySize", Shape::Int),
    Property::optional("Timeout", Shape::Int),
    Property::optional("Environment", Shape::Struct(&[Property::optional("Variables", Shape::TextMap)])),
    Property::optional("EphemeralStorage", Shape::Struct(&[Property::required("Size", Shape::Int)])),
    Property::optional("Layers", Shape::Texts),
    Property::optional("Architectures", Shape::Texts),
    Property::optional("PackageType", Shape::Text).replacing(),
    Property::optional("ReservedConcurrentExecutions", Shape::Int),
    Property::optional("TracingConfig", Shape::Struct(&[Property::required("Mode", Shape::Text)])),
    Property::optional(
        "LoggingConfig",
        Shape::Struct(&[
            Property::optional("LogGroup", Shape::Text),
            Property::optional("LogFormat", Shape::Text),
            Property::optional("ApplicationLogLevel", Shape::Text),
            Property::optional("SystemLogLevel", Shape::Text),
        ]),
    ),
    Property::optional("SnapStart", Shape::Struct(&[Property::required("ApplyOn", Shape::Text)])),
    Property::optional("Tags", Shape::Tags),
    Property::optional("KmsKeyArn", Shape::Unsupported(LATER)),
    Property::optional("DeadLetterConfig", Shape::Struct(&[Property::optional("TargetArn", Shape::Text)])),
    Property::optional("VpcConfig", Shape::Unsupported("functions have no network but the platform's own; remove it")),
    Property::optional("FileSystemConfigs", Shape::Unsupported(LATER)),
    Property::optional("ImageConfig", Shape::Unsupported("package the function as a ZIP")),
    Property::optional("CodeSigningConfigArn", Shape::Unsupported(LATER)),
];

/// Properties that `UpdateFunctionConfiguration` takes, and what puts each back when the template drops it.
fn configuration_defaults() -> [(&'static str, serde_json::Value); 13] {
    [
        ("Runtime", serde_json::Value::Null),
        ("Handler", serde_json::Value::Null),
        ("Role", serde_json::Value::Null),
        ("Description", json!("")),
        ("MemorySize", json!(128)),
        ("Timeout", json!(3)),
        ("Environment", json!({"Variables": {}})),
        ("EphemeralStorage", json!({"Size": 512})),
        ("Layers", json!([])),
        ("TracingConfig", json!({"Mode": "PassThrough"})),
        ("DeadLetterConfig", json!({"TargetArn": ""})),
        ("SnapStart", json!({"ApplyOn": "None"})),
        ("LoggingConfig", serde_json::Value::Null),
    ]
}

impl ResourceType for LambdaFunction {
    fn name(&self) -> &'static str {
        "AWS::Lambda::Function"
    }

    fn properties(&self) -> &'static [Property] {
        PROPERTIES
    }

    fn name_property(&self) -> Option<NameRule> {
        Some(NameRule { property: "FunctionName", max: 64, host: false, unique: true })
    }

    fn lookup(&self, wanted: &Properties) -> Option<(&'static str, &'static str, serde_json::Value)> {
        Some(("lambda", "GetFunctionConfiguration", json!({"FunctionName": wanted.get("FunctionName")?})))
    }

    fn create<'a>(&'a self, call: &'a Call<'a>, wanted: &'a Properties) -> Making<'a> {
        Box::pin(async move {
            let mut input = wanted.clone();
            input.remove("Code");
            input.remove("ReservedConcurrentExecutions");
            let code = Value::Map(code_of(call, text(wanted.get("Runtime")), wanted.get("Code"))?);
            let mut input = fogbank_wire::to_value(&input).map_err(Fault::internal)?;
            if let Value::Map(members) = &mut input {
                members.push(("Code".into(), code));
            }
            let output = call.send("lambda", "CreateFunction", input).await?;
            set_concurrency(call, &Properties::new(), wanted).await?;
            Ok(made(&output))
        })
    }

    fn update<'a>(
        &'a self,
        call: &'a Call<'a>,
        made: &'a Made,
        before: &'a Properties,
        wanted: &'a Properties,
    ) -> Making<'a> {
        Box::pin(async move {
            let name = &made.physical_id;
            if before.get("Code") != wanted.get("Code") || before.get("Architectures") != wanted.get("Architectures") {
                let mut members = code_of(call, text(wanted.get("Runtime")), wanted.get("Code"))?;
                members.push(("FunctionName".into(), name.as_str().into()));
                if let Some(architectures) = wanted.get("Architectures") {
                    let value = fogbank_wire::to_value(architectures).map_err(Fault::internal)?;
                    members.push(("Architectures".into(), value));
                }
                call.send("lambda", "UpdateFunctionCode", Value::Map(members)).await?;
            }
            let mut changed = Properties::new();
            for (property, default) in configuration_defaults() {
                if before.get(property) != wanted.get(property) {
                    changed.insert(property.into(), wanted.get(property).cloned().unwrap_or(default));
                }
            }
            changed.retain(|_, value| !value.is_null());
            if !changed.is_empty() {
                changed.insert("FunctionName".into(), name.as_str().into());
                call.run("lambda", "UpdateFunctionConfiguration", changed).await?;
            }
            set_concurrency(call, before, wanted).await?;
            TAGS.change(call, made.attributes["Arn"].clone(), before, wanted).await?;
            Ok(made.clone())
        })
    }

    fn delete<'a>(&'a self, call: &'a Call<'a>, made: &'a Made, _: &'a Properties) -> Deleting<'a> {
        Box::pin(async move {
            gone_is_fine(call.run("lambda", "DeleteFunction", json!({"FunctionName": made.physical_id})).await)
        })
    }
}

fn made(output: &serde_json::Value) -> Made {
    Made::of(text(output.get("FunctionName"))).with("Arn", output["FunctionArn"].clone())
}

async fn set_concurrency(call: &Call<'_>, before: &Properties, wanted: &Properties) -> Result<(), Fault> {
    const PROPERTY: &str = "ReservedConcurrentExecutions";
    let name = &wanted["FunctionName"];
    match (before.get(PROPERTY), wanted.get(PROPERTY)) {
        (before, wanted) if before == wanted => Ok(()),
        (_, Some(count)) => {
            let input = json!({"FunctionName": name, PROPERTY: count});
            call.run("lambda", "PutFunctionConcurrency", input).await.map(drop)
        }
        (_, None) => call.run("lambda", "DeleteFunctionConcurrency", json!({"FunctionName": name})).await.map(drop),
    }
}

/// Members of a request that bring the package that the `Code` of a function or the `Content` of a layer means.
pub(crate) fn code_of(
    call: &Call<'_>,
    runtime: &str,
    code: Option<&serde_json::Value>,
) -> Result<Vec<(String, Value)>, Fault> {
    let given = |name: &str| code.and_then(|code| code.get(name)).and_then(serde_json::Value::as_str);
    if given("S3Bucket").is_some() {
        let names = ["S3Bucket", "S3Key", "S3ObjectVersion"];
        return Ok(names.iter().filter_map(|name| Some(((*name).into(), given(name)?.into()))).collect());
    }
    let zip = match given("ZipFile") {
        Some(text) => Value::Blob(package::inline(runtime, text).map_err(Fault::internal)?.into()),
        None => artifact(call, code)?,
    };
    Ok(vec![("ZipFile".into(), zip)])
}

/// An uploaded package.
fn artifact(call: &Call<'_>, code: Option<&serde_json::Value>) -> Result<Value, Fault> {
    let digest = code.and_then(|code| code.get(package::ARTIFACT)).and_then(|digest| digest.as_str());
    let missing = || Fault::client("ValidationError", "the code package was not uploaded; run `fogbank deploy` again");
    let content = call.blobs.get(digest.ok_or_else(missing)?).map_err(Fault::internal)?;
    content.map(Value::Blob).ok_or_else(missing)
}
