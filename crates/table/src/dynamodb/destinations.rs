//! Handlers for the Kinesis streams that a table's changes go to.

use super::address;
use super::shapes::destinations::{
    Configuration, DestinationChange, DestinationChanged, DestinationShown, DestinationsDescribed,
};
use super::shapes::tables::OfTable;
use crate::schema::{Destination, TableKey};
use crate::{Error, Tables};
use fogbank_model::{Arn, RequestContext};
use std::sync::Arc;

type State = Arc<Tables>;

const MICROS: &str = "MICROSECOND";

/// The table and the stream of a request.
fn places(context: &RequestContext, input: &DestinationChange) -> Result<(TableKey, Arn), Error> {
    let key = address::table(context, &input.table_name)?;
    let stream = input.stream_arn.parse::<Arn>().ok().filter(|arn| arn.service() == "kinesis");
    let stream = stream.ok_or_else(|| Error::validation(format!("Invalid StreamArn: {}", input.stream_arn)))?;
    Ok((key, stream))
}

fn invalid_state(verb: &str, why: &str) -> Error {
    Error::validation(format!("Table is not in a valid state to {verb} Kinesis Streaming Destination: {why}"))
}

fn asked(configuration: Option<&Configuration>) -> Option<bool> {
    configuration?.approximate_creation_date_time_precision.as_deref().map(|precision| precision == MICROS)
}

pub(super) async fn enable(
    state: State,
    context: RequestContext,
    input: DestinationChange,
) -> Result<DestinationChanged, Error> {
    let (key, stream) = places(&context, &input)?;
    let name = key.name.clone();
    let micros = asked(input.enable_kinesis_streaming_configuration.as_ref());
    let turn_on = move |_: &_, kept: Option<&Destination>| match kept {
        Some(kept) if kept.is_on => Err(invalid_state(
            "enable",
            "KinesisStreamingDestination must be DISABLED or ENABLE_FAILED to perform ENABLE operation.",
        )),
        _ => Ok(Destination { is_on: true, is_in_micros: micros.unwrap_or_default() }),
    };
    state.set_destination(key, stream, turn_on).await?;
    Ok(DestinationChanged {
        table_name: name,
        stream_arn: input.stream_arn,
        destination_status: "ENABLING",
        enable_kinesis_streaming_configuration: input.enable_kinesis_streaming_configuration,
        update_kinesis_streaming_configuration: None,
    })
}

fn missing(key: &TableKey, stream: &Arn) -> Error {
    invalid_state(
        "enable",
        &format!("No streaming destination with streamArn: {stream} found for table with tableName: {}", key.name),
    )
}

pub(super) async fn disable(
    state: State,
    context: RequestContext,
    input: DestinationChange,
) -> Result<DestinationChanged, Error> {
    let (key, stream) = places(&context, &input)?;
    let name = key.name.clone();
    let turn_off = |_: &_, kept: Option<&Destination>| match kept {
        Some(kept) if kept.is_on => Ok(Destination { is_on: false, ..kept.clone() }),
        _ => Err(invalid_state("disable", "KinesisStreamingDestination must be ACTIVE to perform DISABLE operation.")),
    };
    state.set_destination(key, stream, turn_off).await?;
    Ok(DestinationChanged {
        table_name: name,
        stream_arn: input.stream_arn,
        destination_status: "DISABLING",
        enable_kinesis_streaming_configuration: input.enable_kinesis_streaming_configuration,
        update_kinesis_streaming_configuration: None,
    })
}

pub(super) async fn update(
    state: State,
    context: RequestContext,
    input: DestinationChange,
) -> Result<DestinationChanged, Error> {
    let (key, stream) = places(&context, &input)?;
    let name = key.name.clone();
    let Some(micros) = asked(input.update_kinesis_streaming_configuration.as_ref()) else {
        return Err(Error::validation(
            "Streaming destination cannot be updated with given parameters: UpdateKinesisStreamingConfiguration cannot be null or contain \
             only null values",
        ));
    };
    let (of, arn) = (key.clone(), stream.clone());
    let set = move |table: &crate::schema::Table, kept: Option<&Destination>| match kept {
        None => Err(missing(&of, &arn)),
        Some(kept) if !kept.is_on => Err(missing(&of, &arn)),
        Some(kept) if kept.is_in_micros == micros => Err(Error::validation(format!(
            "Invalid Request: Precision is already set to the desired value of {} for tableId: {}, kdsArn: {arn}",
            kept.precision(),
            table.id
        ))),
        Some(kept) => Ok(Destination { is_in_micros: micros, ..kept.clone() }),
    };
    state.set_destination(key, stream, set).await?;
    Ok(DestinationChanged {
        table_name: name,
        stream_arn: input.stream_arn,
        destination_status: "UPDATING",
        enable_kinesis_streaming_configuration: None,
        update_kinesis_streaming_configuration: input.update_kinesis_streaming_configuration,
    })
}

pub(super) async fn describe(
    state: State,
    context: RequestContext,
    input: OfTable,
) -> Result<DestinationsDescribed, Error> {
    let key = address::table(&context, &input.table_name)?;
    let table = state.describe(&key)?;
    let shown = |(stream, kept): (&String, &Destination)| DestinationShown {
        stream_arn: stream.clone(),
        destination_status: if kept.is_on { "ACTIVE" } else { "DISABLED" },
        approximate_creation_date_time_precision: kept.precision(),
    };
    Ok(DestinationsDescribed {
        table_name: key.name,
        kinesis_data_stream_destinations: table.destinations.iter().map(shown).collect(),
    })
}
