//! `AWS::ApiGateway::RestApi` and its resources; methods, deployments and stages have files of their own.

use crate::resource::crud::Search;
use crate::resource::http_api::tags_with_name;
use crate::resource::tags::{self, Tagging};
use crate::resource::{
    Call, Crud, Deleting, Made, Making, NameRule, Properties, Property, ResourceType, Shape, gone_is_fine, text,
};
use fogbank_wire::{Fault, Value as WireValue};
use serde_json::{Value, json};

pub(super) const SERVICE: &str = "apigateway";
pub(super) const TAGS: Tagging = Tagging {
    service: SERVICE,
    operations: ("TagResource", "UntagResource"),
    members: ("resourceArn", "tags", "tagKeys"),
    kind: None,
    form: tags::map,
};
pub(super) const LATER: &str = "remove it; a later release brings it";

/// `AWS::ApiGateway::RestApi`, from single resources or from an OpenAPI document.
pub struct RestApi;

async fn import(call: &Call<'_>, id: &Value, body: &Value) -> Result<(), Fault> {
    let input = vec![
        ("restApiId".to_owned(), WireValue::Text(text(Some(id)).to_owned())),
        ("mode".to_owned(), "overwrite".into()),
        ("body".to_owned(), WireValue::Blob(body.to_string().into())),
    ];
    call.send(SERVICE, "PutRestApi", WireValue::Map(input)).await.map(drop)
}

/// Media types are patched one by one; a `/` within one is written `~1`.
fn binary_changes(before: &Properties, wanted: &Properties) -> Vec<Value> {
    let types = |properties: &Properties| -> Vec<String> {
        let listed = properties.get("BinaryMediaTypes").and_then(Value::as_array).into_iter().flatten();
        listed.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let (old, new) = (types(before), types(wanted));
    let patch =
        |op: &str, kind: &str| json!({"op": op, "path": format!("/binaryMediaTypes/{}", kind.replace('/', "~1"))});
    let gone = old.iter().filter(|kind| !new.contains(kind)).map(|kind| patch("remove", kind));
    gone.chain(new.iter().filter(|kind| !old.contains(kind)).map(|kind| patch("add", kind))).collect()
}

/// The ARN of `resource`, which either API has at that path. API Gateway's have no account.
pub(super) fn arn(call: &Call<'_>, resource: &str) -> String {
    format!("arn:aws:apigateway:{}::{resource}", call.context.region)
}

pub(super) fn replace(path: &str, value: Option<&Value>) -> Value {
    json!({"op": "replace", "path": path, "value": text(value)})
}

impl ResourceType for RestApi {
    fn name(&self) -> &'static str {
        "AWS::ApiGateway::RestApi"
    }

    fn properties(&self) -> &'static [Property] {
        const ENDPOINT: &[Property] =
            &[Property::optional("Types", Shape::Texts), Property::optional("IpAddressType", Shape::Text)];
        const {
            &[
                Property::optional("Name", Shape::Text),
                Property::optional("Body", Shape::Json),
                Property::optional("Description", Shape::Text),
                Property::optional("BinaryMediaTypes", Shape::Texts),
                Property::optional("DisableExecuteApiEndpoint", Shape::Bool),
                Property::optional("EndpointConfiguration", Shape::Struct(ENDPOINT)).replacing(),
                Property::optional("FailOnWarnings", Shape::Bool),
                Property::optional("Mode", Shape::Text),
                Property::optional("Parameters", Shape::TextMap),
                Property::optional("Tags", Shape::Tags),
                Property::optional("Policy", Shape::Unsupported(LATER)),
                Property::optional("ApiKeySourceType", Shape::Unsupported(LATER)),
                Property::optional("CloneFrom", Shape::Unsupported("put the API's OpenAPI document into Body")),
                Property::optional("BodyS3Location", Shape::Unsupported("put the document into Body")),
                Property::optional("MinimumCompressionSize", Shape::Unsupported(LATER)),
            ]
        }
    }

    fn name_property(&self) -> Option<NameRule> {
        Some(NameRule { property: "ApiId", max: 60, host: true, unique: true })
    }

    fn create<'a>(&'a self, call: &'a Call<'a>, wanted: &'a Properties) -> Making<'a> {
        Box::pin(async move {
            let name = wanted.get("Name").or_else(|| wanted.get("ApiId")).cloned().unwrap_or_default();
            let mut input = json!({"name": name, "tags": tags_with_name(wanted)});
            for property in ["Description", "BinaryMediaTypes", "DisableExecuteApiEndpoint"] {
                if let Some(value) = wanted.get(property) {
                    input[lower_first(property)] = value.clone();
                }
            }
            if let Some(types) = wanted.get("EndpointConfiguration").and_then(|endpoint| endpoint.get("Types")) {
                input["endpointConfiguration"] = json!({"types": types});
            }
            let output = call.run(SERVICE, "CreateRestApi", input).await?;
            if let Some(body) = wanted.get("Body") {
                import(call, &output["id"], body).await?;
            }
            let made = Made::of(text(output.get("id")));
            Ok(made.with("RestApiId", output["id"].clone()).with("RootResourceId", output["rootResourceId"].clone()))
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
            let id = json!(made.physical_id);
            if let Some(body) = wanted.get("Body").filter(|body| before.get("Body") != Some(body)) {
                import(call, &id, body).await?;
            }
            let name = wanted.get("Name").or_else(|| wanted.get("ApiId"));
            let closed = wanted.get("DisableExecuteApiEndpoint") == Some(&json!(true));
            let mut changes = vec![
                replace("/name", name),
                replace("/description", wanted.get("Description")),
                replace("/disableExecuteApiEndpoint", Some(&json!(closed.to_string()))),
            ];
            changes.extend(binary_changes(before, wanted));
            call.run(SERVICE, "UpdateRestApi", json!({"restApiId": id, "patchOperations": changes})).await?;
            TAGS.change(call, arn(call, &format!("/restapis/{}", made.physical_id)), before, wanted).await?;
            Ok(made.clone())
        })
    }

    fn delete<'a>(&'a self, call: &'a Call<'a>, made: &'a Made, _: &'a Properties) -> Deleting<'a> {
        Box::pin(async move {
            gone_is_fine(call.run(SERVICE, "DeleteRestApi", json!({"restApiId": made.physical_id})).await)
        })
    }
}

/// `AWS::ApiGateway::Resource`.
pub const RESOURCE: Crud = Crud {
    name: "AWS::ApiGateway::Resource",
    properties: &[
        Property::required("RestApiId", Shape::Text).replacing(),
        Property::required("ParentId", Shape::Text).replacing(),
        Property::required("PathPart", Shape::Text).replacing(),
    ],
    service: SERVICE,
    create: "CreateResource",
    update: None,
    delete: "DeleteResource",
    parents: &["RestApiId"],
    id: ("id", "resourceId"),
    attributes: &[("ResourceId", "id")],
    name_rule: None,
    lower_case: true,
    search: Some(Search {
        list: "GetResources",
        items: "items",
        token: ("position", "position"),
        unique: &["ParentId", "PathPart"],
    }),
    resets: &[],
};

/// API Gateway's first API writes its members with a small first letter, CloudFormation with a large one.
pub(crate) fn lower_first(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}
