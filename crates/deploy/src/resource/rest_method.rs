//! `AWS::ApiGateway::Method`.

use crate::resource::rest_api::{LATER, SERVICE, lower_first};
use crate::resource::{Call, Deleting, Made, Making, Properties, Property, ResourceType, Shape, gone_is_fine, text};
use fogbank_wire::Fault;
use serde_json::{Value, json};

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
            Property::optional("IntegrationResponses", Shape::Structs(INTEGRATION_RESPONSE)),
            Property::optional("CacheNamespace", Shape::Unsupported(LATER)),
            Property::optional("CacheKeyParameters", Shape::Unsupported(LATER)),
            Property::optional("ConnectionId", Shape::Unsupported(LATER)),
            Property::optional("ConnectionType", Shape::Text),
            Property::optional(
                "Credentials",
                Shape::Unsupported("the gateway needs no role to call functions; remove it"),
            ),
        ];
        const INTEGRATION_RESPONSE: &[Property] = &[
            Property::required("StatusCode", Shape::Text),
            Property::optional("SelectionPattern", Shape::Text),
            Property::optional("ResponseParameters", Shape::TextMap),
            Property::optional("ResponseTemplates", Shape::TextMap),
            Property::optional("ContentHandling", Shape::Text),
        ];
        const METHOD_RESPONSE: &[Property] = &[
            Property::required("StatusCode", Shape::Text),
            Property::optional("ResponseParameters", Shape::Json),
            Property::optional("ResponseModels", Shape::TextMap),
        ];
        const {
            &[
                Property::required("RestApiId", Shape::Text).replacing(),
                Property::required("ResourceId", Shape::Text).replacing(),
                Property::required("HttpMethod", Shape::Text).replacing(),
                Property::optional("AuthorizationType", Shape::Text),
                Property::optional("ApiKeyRequired", Shape::Bool),
                Property::optional("OperationName", Shape::Text),
                Property::optional("RequestParameters", Shape::Json),
                Property::optional("RequestModels", Shape::TextMap),
                Property::optional("Integration", Shape::Struct(INTEGRATION)),
                Property::optional("MethodResponses", Shape::Structs(METHOD_RESPONSE)),
                Property::optional("AuthorizationScopes", Shape::Unsupported(LATER)),
                Property::optional("AuthorizerId", Shape::Unsupported(LATER)),
                Property::optional("RequestValidatorId", Shape::Unsupported(LATER)),
            ]
        }
    }

    fn create<'a>(&'a self, call: &'a Call<'a>, wanted: &'a Properties) -> Making<'a> {
        Box::pin(async move {
            put(call, wanted).await?;
            Ok(Made::of(format!("{}-{}", text(wanted.get("ResourceId")), text(wanted.get("HttpMethod")))))
        })
    }

    /// What stages serve is a copy, so the method may be gone for a moment.
    fn update<'a>(
        &'a self,
        call: &'a Call<'a>,
        made: &'a Made,
        before: &'a Properties,
        wanted: &'a Properties,
    ) -> Making<'a> {
        Box::pin(async move {
            gone_is_fine(call.run(SERVICE, "DeleteMethod", address(before)).await)?;
            put(call, wanted).await?;
            Ok(made.clone())
        })
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

/// The method, its responses, its integration and that one's responses: each is an operation of its own.
async fn put(call: &Call<'_>, wanted: &Properties) -> Result<(), Fault> {
    let mut input = address(wanted);
    input["authorizationType"] = wanted.get("AuthorizationType").cloned().unwrap_or_else(|| json!("NONE"));
    input["apiKeyRequired"] = wanted.get("ApiKeyRequired").cloned().unwrap_or_else(|| json!(false));
    for property in ["OperationName", "RequestModels"] {
        if let Some(value) = wanted.get(property) {
            input[lower_first(property)] = value.clone();
        }
    }
    if let Some(parameters) = wanted.get("RequestParameters") {
        input["requestParameters"] = truths(parameters, "RequestParameters")?;
    }
    call.run(SERVICE, "PutMethod", input).await?;
    for response in list(wanted.get("MethodResponses")) {
        let mut input = with(address(wanted), response);
        if let Some(parameters) = response.get("ResponseParameters") {
            input["responseParameters"] = truths(parameters, "ResponseParameters")?;
        }
        call.run(SERVICE, "PutMethodResponse", input).await?;
    }
    let Some(integration) = wanted.get("Integration") else { return Ok(()) };
    let mut input = with(address(wanted), integration);
    if let Some(input) = input.as_object_mut() {
        input.remove("integrationResponses");
    }
    call.run(SERVICE, "PutIntegration", input).await?;
    for response in list(integration.get("IntegrationResponses")) {
        call.run(SERVICE, "PutIntegrationResponse", with(address(wanted), response)).await?;
    }
    Ok(())
}

fn list(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

/// `address` with the members of `properties`, spelled as the API spells them.
fn with(mut address: Value, properties: &Value) -> Value {
    for (name, value) in properties.as_object().into_iter().flatten() {
        address[lower_first(name)] = value.clone();
    }
    address
}

/// A mapping from names to truth values, which templates also write as text.
fn truths(value: &Value, property: &str) -> Result<Value, Fault> {
    let wrong = || Fault::client("ValidationError", format!("{property} must map names to true or false"));
    let members = value.as_object().ok_or_else(wrong)?;
    let truth = |(name, value): (&String, &Value)| match value {
        Value::Bool(truth) => Ok((name.clone(), json!(truth))),
        Value::String(text) => text.parse::<bool>().map(|truth| (name.clone(), json!(truth))).map_err(|_| wrong()),
        _ => Err(wrong()),
    };
    members.iter().map(truth).collect::<Result<serde_json::Map<_, _>, Fault>>().map(Value::Object)
}
