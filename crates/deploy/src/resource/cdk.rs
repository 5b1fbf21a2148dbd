//! `AWS::CDK::Metadata`: what the CDK writes into templates about itself. There is nothing to it but its record.

use crate::resource::{Call, Deleting, Made, Making, Properties, Property, ResourceType, Shape};

/// The type.
pub struct CdkMetadata;

impl ResourceType for CdkMetadata {
    fn name(&self) -> &'static str {
        "AWS::CDK::Metadata"
    }

    fn properties(&self) -> &'static [Property] {
        const { &[Property::optional("Analytics", Shape::Text), Property::optional("Modules", Shape::Text)] }
    }

    fn create<'a>(&'a self, call: &'a Call<'a>, _: &'a Properties) -> Making<'a> {
        Box::pin(async move { Ok(Made::of(call.context.request_id.to_string())) })
    }

    fn delete<'a>(&'a self, _: &'a Call<'a>, _: &'a Made, _: &'a Properties) -> Deleting<'a> {
        Box::pin(async { Ok(()) })
    }

    fn left_over(&self, _: &Properties) -> Option<Made> {
        None
    }
}
