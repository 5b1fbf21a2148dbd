//! `AWS::S3::Bucket` and `AWS::S3::BucketPolicy`.

use crate::resource::s3_inputs::{SETTINGS, Setting};
use crate::resource::{
    Call, Deleting, Made, Making, NameRule, Properties, Property, ResourceType, Shape, gone_is_fine, text,
};
use fogbank_wire::Fault;
use serde_json::{Value, json};

/// A bucket.
pub struct S3Bucket;

fn made(call: &Call<'_>, properties: &Properties) -> Made {
    let (name, region) = (text(properties.get("BucketName")), &call.context.region);
    let port = call.context.endpoint.rsplit_once(':').map_or("", |(_, port)| port);
    let port =
        if port.bytes().all(|b| b.is_ascii_digit()) && !port.is_empty() { format!(":{port}") } else { String::new() };
    Made::of(name)
        .with("Arn", format!("arn:aws:s3:::{name}"))
        .with("DomainName", format!("{name}.s3.localhost{port}"))
        .with("DualStackDomainName", format!("{name}.s3.{region}.localhost{port}"))
        .with("RegionalDomainName", format!("{name}.s3.{region}.localhost{port}"))
        .with("WebsiteURL", format!("http://{name}.s3.localhost{port}"))
}

/// Puts what has changed from `before` to `wanted`, and removes what is gone.
async fn apply(call: &Call<'_>, before: &Properties, wanted: &Properties) -> Result<(), Fault> {
    let bucket = text(wanted.get("BucketName"));
    // Versioning first: replication and object lock need it.
    for Setting { property, input, operation, undo } in SETTINGS {
        match (before.get(*property), wanted.get(*property)) {
            (old, Some(new)) if old != Some(new) => {
                let mut input = input(new);
                input["Bucket"] = bucket.into();
                call.run("s3", operation, input).await?;
            }
            (Some(_), None) => {
                let (operation, mut input) = undo();
                input["Bucket"] = bucket.into();
                gone_is_fine(call.run("s3", operation, input).await)?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// `PublicRead` as `public-read`.
fn canned(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !text.is_empty() {
            text.push('-');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}

impl ResourceType for S3Bucket {
    fn name(&self) -> &'static str {
        "AWS::S3::Bucket"
    }

    fn properties(&self) -> &'static [Property] {
        const {
            &[
                Property::optional("BucketName", Shape::Text).replacing(),
                Property::optional("AccelerateConfiguration", Shape::Json),
                Property::optional("AccessControl", Shape::Text),
                Property::optional("BucketEncryption", Shape::Json),
                Property::optional("CorsConfiguration", Shape::Json),
                Property::optional("LifecycleConfiguration", Shape::Json),
                Property::optional("LoggingConfiguration", Shape::Json),
                Property::optional("NotificationConfiguration", Shape::Json),
                Property::optional("ObjectLockConfiguration", Shape::Json),
                Property::optional("ObjectLockEnabled", Shape::Bool).replacing(),
                Property::optional("OwnershipControls", Shape::Json),
                Property::optional("PublicAccessBlockConfiguration", Shape::Json),
                Property::optional("ReplicationConfiguration", Shape::Json),
                Property::optional("Tags", Shape::Tags),
                Property::optional("VersioningConfiguration", Shape::Json),
                Property::optional("WebsiteConfiguration", Shape::Json),
            ]
        }
    }

    fn name_property(&self) -> Option<NameRule> {
        Some(NameRule { property: "BucketName", max: 63, host: true, unique: true })
    }

    fn lookup(&self, wanted: &Properties) -> Option<(&'static str, &'static str, Value)> {
        Some(("s3", "HeadBucket", json!({"Bucket": wanted.get("BucketName")?})))
    }

    fn create<'a>(&'a self, call: &'a Call<'a>, wanted: &'a Properties) -> Making<'a> {
        Box::pin(async move {
            let region = call.context.region.as_str();
            let mut input = json!({"Bucket": text(wanted.get("BucketName"))});
            if region != "us-east-1" {
                input["CreateBucketConfiguration"] = json!({"LocationConstraint": region});
            }
            if let Some(lock) = wanted.get("ObjectLockEnabled") {
                input["ObjectLockEnabledForBucket"] = lock.clone();
            }
            if let Some(acl) = wanted.get("AccessControl").and_then(Value::as_str) {
                input["ACL"] = canned(acl).into();
            }
            match call.run("s3", "CreateBucket", input).await {
                // A creation that was interrupted is repeated.
                Err(fault) if fault.code == "BucketAlreadyOwnedByYou" => {}
                other => drop(other?),
            }
            apply(call, &Properties::new(), wanted).await?;
            Ok(made(call, wanted))
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
            let acl = |properties: &Properties| {
                canned(properties.get("AccessControl").and_then(Value::as_str).unwrap_or("Private"))
            };
            if acl(before) != acl(wanted) {
                call.run("s3", "PutBucketAcl", json!({"Bucket": made.physical_id, "ACL": acl(wanted)})).await?;
            }
            apply(call, before, wanted).await?;
            Ok(made.clone())
        })
    }

    /// A bucket that holds something is not removed.
    fn delete<'a>(&'a self, call: &'a Call<'a>, made: &'a Made, _: &'a Properties) -> Deleting<'a> {
        Box::pin(async move { gone_is_fine(call.run("s3", "DeleteBucket", json!({"Bucket": made.physical_id})).await) })
    }
}

/// The policy of a bucket.
pub struct S3BucketPolicy;

impl ResourceType for S3BucketPolicy {
    fn name(&self) -> &'static str {
        "AWS::S3::BucketPolicy"
    }

    fn properties(&self) -> &'static [Property] {
        const { &[Property::required("Bucket", Shape::Text).replacing(), Property::required("PolicyDocument", Shape::Json)] }
    }

    fn create<'a>(&'a self, call: &'a Call<'a>, wanted: &'a Properties) -> Making<'a> {
        Box::pin(async move {
            let mut document = wanted.get("PolicyDocument").cloned().unwrap_or_default();
            if let Some(members) = document.as_object_mut() {
                members.entry("Version").or_insert_with(|| "2008-10-17".into());
            }
            let input = json!({"Bucket": text(wanted.get("Bucket")), "Policy": document.to_string()});
            call.run("s3", "PutBucketPolicy", input).await?;
            Ok(Made::of(text(wanted.get("Bucket"))))
        })
    }

    fn update<'a>(&'a self, call: &'a Call<'a>, _: &'a Made, _: &'a Properties, wanted: &'a Properties) -> Making<'a> {
        self.create(call, wanted)
    }

    fn delete<'a>(&'a self, call: &'a Call<'a>, _: &'a Made, before: &'a Properties) -> Deleting<'a> {
        Box::pin(async move {
            gone_is_fine(call.run("s3", "DeleteBucketPolicy", json!({"Bucket": text(before.get("Bucket"))})).await)
        })
    }

    fn left_over(&self, wanted: &Properties) -> Option<Made> {
        Some(Made::of(text(wanted.get("Bucket"))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn access_control_has_the_names_of_the_api() {
        assert_eq!(canned("PublicReadWrite"), "public-read-write");
        assert_eq!(canned("Private"), "private");
    }
}
