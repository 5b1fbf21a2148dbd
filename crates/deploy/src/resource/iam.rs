//! `AWS::IAM::Role`, `AWS::IAM::Policy` and `AWS::IAM::ManagedPolicy`.

use crate::resource::tags::{self, Tagging};
use crate::resource::{
    Call, Deleting, Made, Making, NameRule, Properties, Property, ResourceType, Shape, gone_is_fine, text,
};
use fogbank_wire::Fault;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const ROLE_TAGS: Tagging = Tagging {
    service: "iam",
    operations: ("TagRole", "UntagRole"),
    members: ("RoleName", "Tags", "TagKeys"),
    kind: None,
    form: tags::list,
};

fn texts(properties: &Properties, name: &str) -> Vec<String> {
    let items = properties.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let mut texts: Vec<String> = Vec::with_capacity(items.len());
    for text in items.iter().filter_map(Value::as_str) {
        // A policy may be listed twice, by SAM and by the template; it is attached, and taken off, once.
        if !texts.iter().any(|known| known == text) {
            texts.push(text.to_owned());
        }
    }
    texts
}

fn document(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A role with its inline and attached policies.
pub struct IamRole;

/// The inline policies of a role, by name.
fn inline_policies(properties: &Properties) -> BTreeMap<String, String> {
    let policies = properties.get("Policies").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let entry = |policy: &Value| {
        Some((policy.get("PolicyName")?.as_str()?.to_owned(), document(policy.get("PolicyDocument")?)))
    };
    policies.iter().filter_map(entry).collect()
}

async fn set_policies(call: &Call<'_>, role: &str, before: &Properties, wanted: &Properties) -> Result<(), Fault> {
    let (old, new) = (inline_policies(before), inline_policies(wanted));
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        gone_is_fine(call.run("iam", "DeleteRolePolicy", json!({"RoleName": role, "PolicyName": name})).await)?;
    }
    for (name, text) in new.iter().filter(|(name, text)| old.get(*name) != Some(text)) {
        call.run("iam", "PutRolePolicy", json!({"RoleName": role, "PolicyName": name, "PolicyDocument": text})).await?;
    }
    let (old, new) = (texts(before, "ManagedPolicyArns"), texts(wanted, "ManagedPolicyArns"));
    for arn in old.iter().filter(|arn| !new.contains(arn)) {
        gone_is_fine(call.run("iam", "DetachRolePolicy", json!({"RoleName": role, "PolicyArn": arn})).await)?;
    }
    for arn in new.iter().filter(|arn| !old.contains(arn)) {
        call.run("iam", "AttachRolePolicy", json!({"RoleName": role, "PolicyArn": arn})).await?;
    }
    Ok(())
}

impl ResourceType for IamRole {
    fn name(&self) -> &'static str {
        "AWS::IAM::Role"
    }

    fn properties(&self) -> &'static [Property] {
        const POLICY: &[Property] =
            &[Property::required("PolicyName", Shape::Text), Property::required("PolicyDocument", Shape::Json)];
        const {
            &[
                Property::optional("RoleName", Shape::Text).replacing(),
                Property::required("AssumeRolePolicyDocument", Shape::Json),
                Property::optional("Description", Shape::Text),
                Property::optional("ManagedPolicyArns", Shape::Texts),
                Property::optional("MaxSessionDuration", Shape::Int),
                Property::optional("Path", Shape::Text).replacing(),
                Property::optional("Policies", Shape::Structs(POLICY)),
                Property::optional("Tags", Shape::Tags),
                Property::optional("PermissionsBoundary", Shape::Unsupported("remove it; a later release brings it")),
            ]
        }
    }

    fn name_property(&self) -> Option<NameRule> {
        Some(NameRule { property: "RoleName", max: 64, host: false, unique: true })
    }

    fn lookup(&self, wanted: &Properties) -> Option<(&'static str, &'static str, Value)> {
        Some(("iam", "GetRole", json!({"RoleName": wanted.get("RoleName")?})))
    }

    fn create<'a>(&'a self, call: &'a Call<'a>, wanted: &'a Properties) -> Making<'a> {
        Box::pin(async move {
            let mut input = wanted.clone();
            input.remove("Policies");
            input.remove("ManagedPolicyArns");
            input.insert("AssumeRolePolicyDocument".into(), document(&wanted["AssumeRolePolicyDocument"]).into());
            input.insert("Tags".into(), tags::list(&tags::of(wanted)));
            let output = call.run("iam", "CreateRole", input).await?;
            let role = &output["Role"];
            let name = text(role.get("RoleName"));
            set_policies(call, name, &Properties::new(), wanted).await?;
            Ok(Made::of(name).with("Arn", role["Arn"].clone()).with("RoleId", role["RoleId"].clone()))
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
            let role = &made.physical_id;
            let trust = document(&wanted["AssumeRolePolicyDocument"]);
            call.run("iam", "UpdateAssumeRolePolicy", json!({"RoleName": role, "PolicyDocument": trust})).await?;
            let mut changed = json!({"RoleName": role, "Description": wanted.get("Description").unwrap_or(&json!(""))});
            if let Some(seconds) = wanted.get("MaxSessionDuration") {
                changed["MaxSessionDuration"] = seconds.clone();
            }
            call.run("iam", "UpdateRole", changed).await?;
            set_policies(call, role, before, wanted).await?;
            ROLE_TAGS.change(call, role.as_str(), before, wanted).await?;
            Ok(made.clone())
        })
    }

    fn delete<'a>(&'a self, call: &'a Call<'a>, made: &'a Made, before: &'a Properties) -> Deleting<'a> {
        Box::pin(async move {
            set_policies(call, &made.physical_id, before, &Properties::new()).await?;
            gone_is_fine(call.run("iam", "DeleteRole", json!({"RoleName": made.physical_id})).await)
        })
    }
}

/// An inline policy put into one or more roles.
pub struct IamPolicy;

impl ResourceType for IamPolicy {
    fn name(&self) -> &'static str {
        "AWS::IAM::Policy"
    }

    fn properties(&self) -> &'static [Property] {
        const {
            &[
                Property::required("PolicyName", Shape::Text).replacing(),
                Property::required("PolicyDocument", Shape::Json),
                Property::required("Roles", Shape::Texts),
                Property::optional("Users", Shape::Unsupported("attach the policy to roles")),
                Property::optional("Groups", Shape::Unsupported("attach the policy to roles")),
            ]
        }
    }

    fn create<'a>(&'a self, call: &'a Call<'a>, wanted: &'a Properties) -> Making<'a> {
        Box::pin(async move {
            let (name, document) = (&wanted["PolicyName"], document(&wanted["PolicyDocument"]));
            for role in texts(wanted, "Roles") {
                let input = json!({"RoleName": role, "PolicyName": name, "PolicyDocument": document});
                call.run("iam", "PutRolePolicy", input).await?;
            }
            Ok(Made::of(text(Some(name))))
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
            let kept = texts(wanted, "Roles");
            let mut left = before.clone();
            left.insert(
                "Roles".into(),
                texts(before, "Roles").into_iter().filter(|role| !kept.contains(role)).collect(),
            );
            self.delete(call, made, &left).await?;
            self.create(call, wanted).await
        })
    }

    fn delete<'a>(&'a self, call: &'a Call<'a>, made: &'a Made, before: &'a Properties) -> Deleting<'a> {
        Box::pin(async move {
            for role in texts(before, "Roles") {
                let input = json!({"RoleName": role, "PolicyName": made.physical_id});
                gone_is_fine(call.run("iam", "DeleteRolePolicy", input).await)?;
            }
            Ok(())
        })
    }
}

/// A managed policy, attached to the roles it names.
pub struct IamManagedPolicy;

async fn attach(call: &Call<'_>, arn: &str, before: &Properties, wanted: &Properties) -> Result<(), Fault> {
    let (old, new) = (texts(before, "Roles"), texts(wanted, "Roles"));
    for role in old.iter().filter(|role| !new.contains(role)) {
        gone_is_fine(call.run("iam", "DetachRolePolicy", json!({"RoleName": role, "PolicyArn": arn})).await)?;
    }
    for role in new.iter().filter(|role| !old.contains(role)) {
        call.run("iam", "AttachRolePolicy", json!({"RoleName": role, "PolicyArn": arn})).await?;
    }
    Ok(())
}

impl ResourceType for IamManagedPolicy {
    fn name(&self) -> &'static str {
        "AWS::IAM::ManagedPolicy"
    }

    fn properties(&self) -> &'static [Property] {
        const {
            &[
                Property::optional("ManagedPolicyName", Shape::Text).replacing(),
                Property::required("PolicyDocument", Shape::Json),
                Property::optional("Description", Shape::Text).replacing(),
                Property::optional("Path", Shape::Text).replacing(),
                Property::optional("Roles", Shape::Texts),
                Property::optional("Users", Shape::Unsupported("attach the policy to roles")),
                Property::optional("Groups", Shape::Unsupported("attach the policy to roles")),
            ]
        }
    }

    fn name_property(&self) -> Option<NameRule> {
        Some(NameRule { property: "ManagedPolicyName", max: 128, host: false, unique: true })
    }

    fn create<'a>(&'a self, call: &'a Call<'a>, wanted: &'a Properties) -> Making<'a> {
        Box::pin(async move {
            let mut input = json!({"PolicyName": wanted["ManagedPolicyName"], "PolicyDocument": document(&wanted["PolicyDocument"])});
            for name in ["Description", "Path"] {
                if let Some(value) = wanted.get(name) {
                    input[name] = value.clone();
                }
            }
            let output = call.run("iam", "CreatePolicy", input).await?;
            let arn = text(output["Policy"].get("Arn"));
            attach(call, arn, &Properties::new(), wanted).await?;
            Ok(Made::of(arn).with("PolicyArn", arn))
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
            let arn = &made.physical_id;
            if before.get("PolicyDocument") != wanted.get("PolicyDocument") {
                let text = document(&wanted["PolicyDocument"]);
                let input = json!({"PolicyArn": arn, "PolicyDocument": text, "SetAsDefault": true});
                call.run("iam", "CreatePolicyVersion", input).await?;
                forget_old_versions(call, arn).await?;
            }
            attach(call, arn, before, wanted).await?;
            Ok(made.clone())
        })
    }

    fn delete<'a>(&'a self, call: &'a Call<'a>, made: &'a Made, before: &'a Properties) -> Deleting<'a> {
        Box::pin(async move {
            attach(call, &made.physical_id, before, &Properties::new()).await?;
            gone_is_fine(call.run("iam", "DeletePolicy", json!({"PolicyArn": made.physical_id})).await)
        })
    }

    fn left_over(&self, _: &Properties) -> Option<Made> {
        None
    }
}

/// A policy has at most five versions; a template needs one.
async fn forget_old_versions(call: &Call<'_>, arn: &str) -> Result<(), Fault> {
    let output = call.run("iam", "ListPolicyVersions", json!({"PolicyArn": arn})).await?;
    let versions = output["Versions"].as_array().map_or(&[][..], Vec::as_slice);
    for version in versions.iter().filter(|version| version["IsDefaultVersion"] != true) {
        let input = json!({"PolicyArn": arn, "VersionId": version["VersionId"]});
        gone_is_fine(call.run("iam", "DeletePolicyVersion", input).await)?;
    }
    Ok(())
}
