//! `AWS::ApiGatewayV2::*`: HTTP APIs.

use crate::resource::crud::Search;
use crate::resource::rest_api;
use crate::resource::tags::{self, Tagging};
use crate::resource::{
    Call, Crud, Deleting, Made, Making, NameRule, Properties, Property, ResourceType, Shape, gone_is_fine, text,
};
use serde_json::{Value, json};

const SERVICE: &str = "apigatewayv2";
const TAGS: Tagging = Tagging::usual(SERVICE, "ResourceArn", tags::map);

/// The tag by which an API is given the name it is reached under, `http://NAME.localhost/`.
pub(crate) const NAME_TAG: &str = "fogbank:api-id";

pub(crate) const CORS: &[Property] = &[
    Property::optional("AllowCredentials", Shape::Bool),
    Property::optional("AllowHeaders", Shape::Texts),
    Property::optional("AllowMethods", Shape::Texts),
    Property::optional("AllowOrigins", Shape::Texts),
    Property::optional("ExposeHeaders", Shape::Texts),
    Property::optional("MaxAge", Shape::Int),
];

/// `AWS::ApiGatewayV2::Api`, from single properties or from an OpenAPI document.
pub struct HttpApi;

/// The tags that the template gives, and the one that fixes the API's name.
pub(crate) fn tags_with_name(wanted: &Properties) -> Value {
    let mut tags = wanted.get("Tags").and_then(Value::as_object).cloned().unwrap_or_default();
    tags.insert(NAME_TAG.into(), wanted.get("ApiId").cloned().unwrap_or_default());
    Value::Object(tags)
}

fn made(output: &Value) -> Made {
    let made = Made::of(text(output.get("ApiId")));
    made.with("ApiId", output["ApiId"].clone()).with("ApiEndpoint", output["ApiEndpoint"].clone())
}

/// What is set apart from a document: an imported API still takes its CORS, name and tags from the properties.
fn settings(wanted: &Properties) -> Properties {
    let mut input = wanted.clone();
    input.retain(|name, _| !matches!(name.as_str(), "Body" | "ApiId" | "Tags" | "FailOnWarnings" | "ProtocolType"));
    input
}

impl ResourceType for HttpApi {
    fn name(&self) -> &'static str {
        "AWS::ApiGatewayV2::Api"
    }

    fn properties(&self) -> &'static [Property] {
        const {
            &[
                Property::optional("Name", Shape::Text),
                Property::optional("ProtocolType", Shape::Text).replacing(),
                Property::optional("Body", Shape::Json),
                Property::optional("CorsConfiguration", Shape::Struct(CORS)),
                Property::optional("Description", Shape::Text),
                Property::optional("Version", Shape::Text),
                Property::optional("RouteKey", Shape::Text).replacing(),
                Property::optional("Target", Shape::Text).replacing(),
                Property::optional("FailOnWarnings", Shape::Bool),
                Property::optional("DisableExecuteApiEndpoint", Shape::Bool),
                Property::optional("IpAddressType", Shape::Unsupported("leave it out")),
                Property::optional("Tags", Shape::TextMap),
            ]
        }
    }

    fn name_property(&self) -> Option<NameRule> {
        Some(NameRule { property: "ApiId", max: 60, host: true, unique: true })
    }

    fn create<'a>(&'a self, call: &'a Call<'a>, wanted: &'a Properties) -> Making<'a> {
        Box::pin(async move {
            let mut input = settings(wanted);
            input.insert("Tags".into(), tags_with_name(wanted));
            input.insert("ProtocolType".into(), wanted.get("ProtocolType").cloned().unwrap_or_else(|| json!("HTTP")));
            input.entry("Name").or_insert_with(|| wanted.get("ApiId").cloned().unwrap_or_default());
            let mut output = call.run(SERVICE, "CreateApi", input).await?;
            if let Some(body) = wanted.get("Body") {
                let input = json!({"ApiId": output["ApiId"], "Body": body.to_string()});
                output = call.run(SERVICE, "ReimportApi", input).await?;
            }
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
            if let Some(body) = wanted.get("Body").filter(|body| before.get("Body") != Some(body)) {
                let input = json!({"ApiId": made.physical_id, "Body": body.to_string()});
                call.run(SERVICE, "ReimportApi", input).await?;
            }
            if before.contains_key("CorsConfiguration") && !wanted.contains_key("CorsConfiguration") {
                let input = json!({"ApiId": made.physical_id});
                gone_is_fine(call.run(SERVICE, "DeleteCorsConfiguration", input).await)?;
            }
            let mut input = settings(wanted);
            input.insert("ApiId".into(), made.physical_id.clone().into());
            let output = call.run(SERVICE, "UpdateApi", input).await?;
            let arn = rest_api::arn(call, &format!("/apis/{}", made.physical_id));
            TAGS.change(call, arn, before, wanted).await?;
            Ok(self::made(&output))
        })
    }

    fn delete<'a>(&'a self, call: &'a Call<'a>, made: &'a Made, _: &'a Properties) -> Deleting<'a> {
        Box::pin(async move { gone_is_fine(call.run(SERVICE, "DeleteApi", json!({"ApiId": made.physical_id})).await) })
    }
}

/// `AWS::ApiGatewayV2::Integration`.
pub const INTEGRATION: Crud = Crud {
    name: "AWS::ApiGatewayV2::Integration",
    properties: &[
        Property::required("ApiId", Shape::Text).replacing(),
        Property::required("IntegrationType", Shape::Text),
        Property::optional("IntegrationUri", Shape::Text),
        Property::optional("IntegrationMethod", Shape::Text),
        Property::optional("PayloadFormatVersion", Shape::Text),
        Property::optional("TimeoutInMillis", Shape::Int),
        Property::optional("Description", Shape::Text),
        Property::optional("ConnectionType", Shape::Text),
    ],
    service: SERVICE,
    create: "CreateIntegration",
    update: Some("UpdateIntegration"),
    delete: "DeleteIntegration",
    parents: &["ApiId"],
    id: ("IntegrationId", "IntegrationId"),
    attributes: &[("IntegrationId", "IntegrationId")],
    name_rule: None,
    lower_case: false,
    search: None,
    resets: &[("Description", "\"\""), ("PayloadFormatVersion", "\"1.0\""), ("TimeoutInMillis", "30000")],
};

/// `AWS::ApiGatewayV2::Route`.
pub const ROUTE: Crud = Crud {
    name: "AWS::ApiGatewayV2::Route",
    properties: &[
        Property::required("ApiId", Shape::Text).replacing(),
        Property::required("RouteKey", Shape::Text),
        Property::optional("Target", Shape::Text),
        Property::optional("OperationName", Shape::Text),
        Property::optional("AuthorizationType", Shape::Text),
    ],
    service: SERVICE,
    create: "CreateRoute",
    update: Some("UpdateRoute"),
    delete: "DeleteRoute",
    parents: &["ApiId"],
    id: ("RouteId", "RouteId"),
    attributes: &[("RouteId", "RouteId")],
    name_rule: None,
    lower_case: false,
    search: Some(Search {
        list: "GetRoutes",
        items: "Items",
        token: ("NextToken", "NextToken"),
        unique: &["RouteKey"],
    }),
    resets: &[("OperationName", "\"\"")],
};

/// `AWS::ApiGatewayV2::Stage`.
pub struct HttpStage;

impl ResourceType for HttpStage {
    fn name(&self) -> &'static str {
        "AWS::ApiGatewayV2::Stage"
    }

    fn properties(&self) -> &'static [Property] {
        const LATER: &str = "remove it; a later release brings it";
        const NO_SETTINGS: &[Property] = &[
            Property::optional("DetailedMetricsEnabled", Shape::Only("false", LATER)),
            Property::optional("DataTraceEnabled", Shape::Only("false", LATER)),
            Property::optional("LoggingLevel", Shape::Only("OFF", LATER)),
            Property::optional("ThrottlingBurstLimit", Shape::Unsupported(LATER)),
            Property::optional("ThrottlingRateLimit", Shape::Unsupported(LATER)),
        ];
        const {
            &[
                Property::required("ApiId", Shape::Text).replacing(),
                Property::required("StageName", Shape::Text).replacing(),
                Property::optional("AutoDeploy", Shape::Bool),
                Property::optional("DeploymentId", Shape::Text),
                Property::optional("Description", Shape::Text),
                Property::optional("StageVariables", Shape::TextMap),
                Property::optional("Tags", Shape::TextMap),
                Property::optional("AccessLogSettings", Shape::Unsupported(LATER)),
                Property::optional("AccessPolicyId", Shape::Unsupported(LATER)),
                Property::optional("ClientCertificateId", Shape::Unsupported(LATER)),
                Property::optional("DefaultRouteSettings", Shape::Struct(NO_SETTINGS)),
                Property::optional("RouteSettings", Shape::Unsupported(LATER)),
            ]
        }
    }

    fn name_property(&self) -> Option<NameRule> {
        Some(NameRule { property: "StageName", max: 128, host: false, unique: false })
    }

    fn create<'a>(&'a self, call: &'a Call<'a>, wanted: &'a Properties) -> Making<'a> {
        Box::pin(async move {
            call.run(SERVICE, "CreateStage", wanted).await?;
            Ok(Made::of(text(wanted.get("StageName"))))
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
            let mut input = wanted.clone();
            input.remove("Tags");
            for (name, default) in
                [("AutoDeploy", json!(false)), ("Description", json!("")), ("StageVariables", json!({}))]
            {
                input.entry(name).or_insert(default);
            }
            call.run(SERVICE, "UpdateStage", input).await?;
            let stage = format!("/apis/{}/stages/{}", text(wanted.get("ApiId")), made.physical_id);
            TAGS.change(call, rest_api::arn(call, &stage), before, wanted).await?;
            Ok(made.clone())
        })
    }

    fn delete<'a>(&'a self, call: &'a Call<'a>, made: &'a Made, before: &'a Properties) -> Deleting<'a> {
        Box::pin(async move {
            let input = json!({"ApiId": before["ApiId"], "StageName": made.physical_id});
            gone_is_fine(call.run(SERVICE, "DeleteStage", input).await)
        })
    }
}

/// `AWS::ApiGatewayV2::Deployment`.
pub const DEPLOYMENT: Crud = Crud {
    name: "AWS::ApiGatewayV2::Deployment",
    properties: &[
        Property::required("ApiId", Shape::Text).replacing(),
        Property::optional("StageName", Shape::Text).replacing(),
        Property::optional("Description", Shape::Text).replacing(),
    ],
    service: SERVICE,
    create: "CreateDeployment",
    update: None,
    delete: "DeleteDeployment",
    parents: &["ApiId"],
    id: ("DeploymentId", "DeploymentId"),
    attributes: &[("DeploymentId", "DeploymentId")],
    name_rule: None,
    lower_case: false,
    search: None,
    resets: &[],
};
