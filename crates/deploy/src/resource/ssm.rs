//! `AWS::SSM::Parameter`.

use crate::resource::tags::{self, Tagging};
use crate::resource::{
    Call, Deleting, Made, Making, NameRule, Properties, Property, ResourceType, Shape, gone_is_fine, text,
};
use serde_json::{Value, json};

/// The type.
pub struct SsmParameter;

const TAGS: Tagging = Tagging {
    service: "ssm",
    operations: ("AddTagsToResource", "RemoveTagsFromResource"),
    members: ("ResourceId", "Tags", "TagKeys"),
    kind: Some(("ResourceType", "Parameter")),
    form: tags::list,
};

fn made(wanted: &Properties) -> Made {
    let part = |name: &str| text(wanted.get(name)).to_owned();
    Made::of(part("Name")).with("Type", part("Type")).with("Value", part("Value"))
}

impl ResourceType for SsmParameter {
    fn name(&self) -> &'static str {
        "AWS::SSM::Parameter"
    }

    fn properties(&self) -> &'static [Property] {
        const {
            &[
                Property::optional("Name", Shape::Text).replacing(),
                Property::required("Type", Shape::Text),
                Property::required("Value", Shape::Text),
                Property::optional("AllowedPattern", Shape::Text),
                Property::optional("DataType", Shape::Text),
                Property::optional("Description", Shape::Text),
                Property::optional("Tags", Shape::TextMap),
                Property::optional("Tier", Shape::Text),
                Property::optional("Policies", Shape::Unsupported("remove it; a later release brings it")),
            ]
        }
    }

    fn name_property(&self) -> Option<NameRule> {
        Some(NameRule { property: "Name", max: 1011, host: false, unique: true })
    }

    fn lookup(&self, wanted: &Properties) -> Option<(&'static str, &'static str, Value)> {
        Some(("ssm", "GetParameter", json!({"Name": wanted.get("Name")?})))
    }

    fn create<'a>(&'a self, call: &'a Call<'a>, wanted: &'a Properties) -> Making<'a> {
        Box::pin(async move {
            let mut input = wanted.clone();
            input.insert("Tags".into(), tags::list(&tags::of(wanted)));
            call.run("ssm", "PutParameter", input).await?;
            Ok(made(wanted))
        })
    }

    fn update<'a>(
        &'a self,
        call: &'a Call<'a>,
        _: &'a Made,
        before: &'a Properties,
        wanted: &'a Properties,
    ) -> Making<'a> {
        Box::pin(async move {
            let mut input = wanted.clone();
            input.remove("Tags");
            input.insert("Overwrite".into(), true.into());
            call.run("ssm", "PutParameter", input).await?;
            TAGS.change(call, wanted["Name"].clone(), before, wanted).await?;
            Ok(made(wanted))
        })
    }

    fn delete<'a>(&'a self, call: &'a Call<'a>, made: &'a Made, _: &'a Properties) -> Deleting<'a> {
        Box::pin(
            async move { gone_is_fine(call.run("ssm", "DeleteParameter", json!({"Name": made.physical_id})).await) },
        )
    }
}
