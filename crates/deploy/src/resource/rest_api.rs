//! `AWS::ApiGateway::*`: REST APIs.

use crate::resource::http_api::tags_with_name;
use crate::resource::{Call, Crud, Made, Making, NameRule, Properties, Property, ResourceType, Shape, gone_is_fine};
use fogbank_model::BoxFuture;
use fogbank_wire::{Fault, Value as WireValue};
use serde_json::{Value, json};

type Deleting<'a> = BoxFuture<'a, Result<(), Fault>>;
const SERVICE: &str = "apigateway";
const LATER: &str = "remove it; a later release brings it";

/// `AWS::ApiGateway::RestApi`, from single resources or from an OpenAPI document.
pub struct RestApi;

async fn import(call: &Call<'_>, id: &Value, body: &Value) -> Result<(), Fault> {
    let input = vec![
        ("restApiId".to_owned(), WireValue::Text(id.as_str().unwrap_or_default().to_owned())),
        ("mode".to_owned(), "overwrite".into()),
        ("body".to_owned(), WireValue::Blob(body.to_string().into())),
    ];
    call.send(SERVICE, "PutRestApi", WireValue::Map(input)).await.map(drop)
}

fn replace(path: &str, value: Option<&Value>) -> Value {
    json!({"op": "replace", "path": path, "value": value.and_then(Value::as_str).unwrap_or_default()})
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
                Property::optional("BinaryMediaTypes", Shape::Texts).replacing(),
                Property::optional("EndpointConfiguration", Shape::Struct(ENDPOINT)).replacing(),
                Property::optional("FailOnWarnings", Shape::Bool),
                Property::optional("Mode", Shape::Text),
                Property::optional("Parameters", Shape::TextMap),
                Property::optional("Tags", Shape::Tags).replacing(),
                Property::optional("Policy", Shape::Unsupported(LATER)),
                Property::optional("BodyS3Location", Shape::Unsupported("put the document into Body")),
                Property::optional("MinimumCompressionSize", Shape::Unsupported(LATER)),
            ]
        }
    }

    fn name_property(&self) -> Option<NameRule> {
        Some(NameRule { property: "ApiId", max: 60, host: true })
    }

    fn create<'a>(&'a self, call: &'a Call<'a>, wanted: &'a Properties) -> Making<'a> {
        Box::pin(async move {
            let name = wanted.get("Name").or_else(|| wanted.get("ApiId")).cloned().unwrap_or_default();
            let mut input = json!({"name": name, "tags": tags_with_name(wanted)});
            for (property, member) in [("Description", "description"), ("BinaryMediaTypes", "binaryMediaTypes")] {
                if let Some(value) = wanted.get(property) {
                    input[member] = value.clone();
                }
            }
            if let Some(types) = wanted.get("EndpointConfiguration").and_then(|endpoint| endpoint.get("Types")) {
                input["endpointConfiguration"] = json!({"types": types});
            }
            let output = call.run(SERVICE, "CreateRestApi", input).await?;
            if let Some(body) = wanted.get("Body") {
                import(call, &output["id"], body).await?;
            }
            let attributes = [("RestApiId", &output["id"]), ("RootResourceId", &output["rootResourceId"])];
            let attributes = attributes.map(|(name, value)| (name.to_owned(), value.clone())).into();
            Ok(Made { physical_id: output["id"].as_str().unwrap_or_default().to_owned(), attributes })
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
            let changes = [replace("/name", name), replace("/description", wanted.get("Description"))];
            call.run(SERVICE, "UpdateRestApi", json!({"restApiId": id, "patchOperations": changes})).await?;
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
};

/// `AWS::ApiGateway::Deployment`.
pub const DEPLOYMENT: Crud = Crud {
    name: "AWS::ApiGateway::Deployment",
    properties: &[
        Property::required("RestApiId", Shape::Text).replacing(),
        Property::optional("StageName", Shape::Text).replacing(),
        Property::optional("Description", Shape::Text).replacing(),
    ],
    service: SERVICE,
    create: "CreateDeployment",
    update: None,
    delete: "DeleteDeployment",
    parents: &["RestApiId"],
    id: ("id", "deploymentId"),
    attributes: &[("DeploymentId", "id")],
    name_rule: None,
    lower_case: true,
};

/// `AWS::ApiGateway::Method` with its integration.
pub struct RestMethod;

impl ResourceType for RestMethod {
    fn name(&self) -> &'static str {
        "AWS::ApiGateway::Method"
    }

    fn properties(&self) -> &'static [Property] {
        const INTEGRATION: &[Property] = &[
            Property::required("Type", Shape::Text),
            Property::optional("IntegrationHttpMethod", Shape::Text),
            Property::optional("Uri", Shape::Text),
            Property::optional("TimeoutInMillis", Shape::Int),
            Property::optional("PassthroughBehavior", Shape::Text),
            Property::optional("ContentHandling", Shape::Text),
            Property::optional("RequestTemplates", Shape::TextMap),
            Property::optional("RequestParameters", Shape::TextMap),
            Property::optional("IntegrationResponses", Shape::Json),
        ];
        const {
            &[
                Property::required("RestApiId", Shape::Text).replacing(),
                Property::required("ResourceId", Shape::Text).replacing(),
                Property::required("HttpMethod", Shape::Text).replacing(),
                Property::optional("AuthorizationType", Shape::Text).replacing(),
                Property::optional("ApiKeyRequired", Shape::Bool).replacing(),
                Property::optional("OperationName", Shape::Text).replacing(),
                Property::optional("Integration", Shape::Struct(INTEGRATION)).replacing(),
                Property::optional("MethodResponses", Shape::Json).replacing(),
                Property::optional("AuthorizerId", Shape::Unsupported(LATER)),
                Property::optional("RequestValidatorId", Shape::Unsupported(LATER)),
            ]
        }
    }

    fn create<'a>(&'a self, call: &'a Call<'a>, wanted: &'a Properties) -> Making<'a> {
        Box::pin(async move {
            let address = address(wanted);
            let mut input = address.clone();
            input["authorizationType"] = wanted.get("AuthorizationType").cloned().unwrap_or_else(|| json!("NONE"));
            input["apiKeyRequired"] = wanted.get("ApiKeyRequired").cloned().unwrap_or_else(|| json!(false));
            call.run(SERVICE, "PutMethod", input).await?;
            if let Some(Value::Object(integration)) = wanted.get("Integration") {
                let mut input = address.clone();
                for (name, value) in integration.iter().filter(|(name, _)| *name != "IntegrationResponses") {
                    input[lower_first(name)] = value.clone();
                }
                call.run(SERVICE, "PutIntegration", input).await?;
            }
            let id = format!(
                "{}-{}",
                wanted["ResourceId"].as_str().unwrap_or_default(),
                wanted["HttpMethod"].as_str().unwrap_or_default()
            );
            Ok(Made { physical_id: id, ..Made::default() })
        })
    }

    fn update<'a>(&'a self, _: &'a Call<'a>, made: &'a Made, _: &'a Properties, _: &'a Properties) -> Making<'a> {
        Box::pin(async move { Ok(made.clone()) })
    }

    fn delete<'a>(&'a self, call: &'a Call<'a>, _: &'a Made, before: &'a Properties) -> Deleting<'a> {
        Box::pin(async move { gone_is_fine(call.run(SERVICE, "DeleteMethod", address(before)).await) })
    }

    fn left_over(&self, _: &Properties) -> Option<Made> {
        Some(Made::default())
    }
}

fn address(properties: &Properties) -> Value {
    json!({
        "restApiId": properties["RestApiId"],
        "resourceId": properties["ResourceId"],
        "httpMethod": properties["HttpMethod"],
    })
}

/// API Gateway's first API writes its members with a small first letter, CloudFormation with a large one.
pub(crate) fn lower_first(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// `AWS::ApiGateway::Stage`.
pub struct RestStage;

impl ResourceType for RestStage {
    fn name(&self) -> &'static str {
        "AWS::ApiGateway::Stage"
    }

    fn properties(&self) -> &'static [Property] {
        const {
            &[
                Property::required("RestApiId", Shape::Text).replacing(),
                Property::required("DeploymentId", Shape::Text),
                Property::optional("StageName", Shape::Text).replacing(),
                Property::optional("Description", Shape::Text),
                Property::optional("Variables", Shape::TextMap),
                Property::optional("Tags", Shape::Tags).replacing(),
                Property::optional("TracingEnabled", Shape::Bool),
                Property::optional("CacheClusterEnabled", Shape::Unsupported(LATER)),
            ]
        }
    }

    fn name_property(&self) -> Option<NameRule> {
        Some(NameRule { property: "StageName", max: 128, host: false })
    }

    fn create<'a>(&'a self, call: &'a Call<'a>, wanted: &'a Properties) -> Making<'a> {
        Box::pin(async move {
            let input: Properties = wanted.iter().map(|(name, value)| (lower_first(name), value.clone())).collect();
            call.run(SERVICE, "CreateStage", input).await?;
            Ok(Made { physical_id: wanted["StageName"].as_str().unwrap_or_default().to_owned(), ..Made::default() })
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
            let mut changes = vec![replace("/deploymentId", wanted.get("DeploymentId"))];
            changes.push(replace("/description", wanted.get("Description")));
            let variables = |properties: &Properties| {
                properties.get("Variables").and_then(Value::as_object).cloned().unwrap_or_default()
            };
            let (old, new) = (variables(before), variables(wanted));
            changes.extend(new.iter().map(|(name, value)| replace(&format!("/variables/{name}"), Some(value))));
            let gone = old.keys().filter(|name| !new.contains_key(*name));
            changes.extend(gone.map(|name| json!({"op": "remove", "path": format!("/variables/{name}")})));
            let input =
                json!({"restApiId": wanted["RestApiId"], "stageName": made.physical_id, "patchOperations": changes});
            call.run(SERVICE, "UpdateStage", input).await?;
            Ok(made.clone())
        })
    }

    fn delete<'a>(&'a self, call: &'a Call<'a>, made: &'a Made, before: &'a Properties) -> Deleting<'a> {
        Box::pin(async move {
            let input = json!({"restApiId": before["RestApiId"], "stageName": made.physical_id});
            gone_is_fine(call.run(SERVICE, "DeleteStage", input).await)
        })
    }
}
