//! `AWS::Scheduler::Schedule` and `AWS::Scheduler::ScheduleGroup`.

use crate::resource::tags::{self, Tagging};
use crate::resource::{
    Call, Deleting, Made, Making, NameRule, Properties, Property, ResourceType, Shape, gone_is_fine, text,
};
use fogbank_wire::Fault;
use serde_json::{Value, json};

const SERVICE: &str = "scheduler";
const TAGS: Tagging = Tagging::usual(SERVICE, "ResourceArn", tags::list);

/// A schedule.
pub struct Schedule;

/// The operations' input. Times are ISO texts in templates, and milliseconds here.
fn input(wanted: &Properties) -> Result<Properties, Fault> {
    let mut input = wanted.clone();
    for name in ["StartDate", "EndDate"] {
        if let Some(text) = wanted.get(name).and_then(Value::as_str) {
            let time: jiff::Timestamp = text.parse().map_err(|_| {
                Fault::client(
                    "ValidationException",
                    format!("{name} '{text}' is no time with a zone, such as 2030-01-01T00:00:00Z"),
                )
            })?;
            input.insert(name.to_owned(), time.as_millisecond().into());
        }
    }
    Ok(input)
}

fn address(properties: &Properties) -> Value {
    json!({"Name": properties.get("Name"), "GroupName": properties.get("GroupName")})
}

impl ResourceType for Schedule {
    fn name(&self) -> &'static str {
        "AWS::Scheduler::Schedule"
    }

    fn properties(&self) -> &'static [Property] {
        const {
            &[
                Property::optional("Name", Shape::Text).replacing(),
                Property::optional("GroupName", Shape::Text).replacing(),
                Property::required("ScheduleExpression", Shape::Text),
                Property::optional("ScheduleExpressionTimezone", Shape::Text),
                Property::required("FlexibleTimeWindow", Shape::Json),
                Property::required("Target", Shape::Json),
                Property::optional("Description", Shape::Text),
                Property::optional("StartDate", Shape::Text),
                Property::optional("EndDate", Shape::Text),
                Property::optional("KmsKeyArn", Shape::Text),
                Property::optional("State", Shape::Text),
            ]
        }
    }

    fn name_property(&self) -> Option<NameRule> {
        Some(NameRule { property: "Name", max: 64, host: false, unique: true })
    }

    fn lookup(&self, wanted: &Properties) -> Option<(&'static str, &'static str, Value)> {
        wanted.get("Name").map(|_| (SERVICE, "GetSchedule", address(wanted)))
    }

    fn create<'a>(&'a self, call: &'a Call<'a>, wanted: &'a Properties) -> Making<'a> {
        Box::pin(async move {
            let made = call.run(SERVICE, "CreateSchedule", input(wanted)?).await?;
            Ok(Made::of(text(wanted.get("Name"))).with("Arn", made["ScheduleArn"].clone()))
        })
    }

    fn update<'a>(
        &'a self,
        call: &'a Call<'a>,
        made: &'a Made,
        _: &'a Properties,
        wanted: &'a Properties,
    ) -> Making<'a> {
        Box::pin(async move {
            // An update replaces the whole schedule, so nothing has to be put back.
            call.run(SERVICE, "UpdateSchedule", input(wanted)?).await?;
            Ok(made.clone())
        })
    }

    fn delete<'a>(&'a self, call: &'a Call<'a>, _: &'a Made, before: &'a Properties) -> Deleting<'a> {
        Box::pin(async move { gone_is_fine(call.run(SERVICE, "DeleteSchedule", address(before)).await) })
    }
}

/// A group of schedules.
pub struct ScheduleGroup;

impl ResourceType for ScheduleGroup {
    fn name(&self) -> &'static str {
        "AWS::Scheduler::ScheduleGroup"
    }

    fn properties(&self) -> &'static [Property] {
        const { &[Property::optional("Name", Shape::Text).replacing(), Property::optional("Tags", Shape::Tags)] }
    }

    fn name_property(&self) -> Option<NameRule> {
        Some(NameRule { property: "Name", max: 64, host: false, unique: true })
    }

    fn lookup(&self, wanted: &Properties) -> Option<(&'static str, &'static str, Value)> {
        Some((SERVICE, "GetScheduleGroup", json!({"Name": wanted.get("Name")?})))
    }

    fn create<'a>(&'a self, call: &'a Call<'a>, wanted: &'a Properties) -> Making<'a> {
        Box::pin(async move {
            let input = json!({"Name": wanted.get("Name"), "Tags": tags::list(&tags::of(wanted))});
            call.run(SERVICE, "CreateScheduleGroup", input).await?;
            let group = call.run(SERVICE, "GetScheduleGroup", json!({"Name": wanted.get("Name")})).await?;
            let attributes = ["Arn", "State", "CreationDate", "LastModificationDate"];
            let made = Made::of(text(group.get("Name")));
            Ok(attributes.iter().fold(made, |made, name| made.with(name, group[*name].clone())))
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
            TAGS.change(call, made.attributes["Arn"].clone(), before, wanted).await?;
            Ok(made.clone())
        })
    }

    fn delete<'a>(&'a self, call: &'a Call<'a>, made: &'a Made, _: &'a Properties) -> Deleting<'a> {
        Box::pin(async move {
            gone_is_fine(call.run(SERVICE, "DeleteScheduleGroup", json!({"Name": made.physical_id})).await)
        })
    }
}
