//! Handlers for the Kinesis streams that a table's changes go to.

use super::address;
use super::shapes::destinations::{
    Configuration, DestinationChange, DestinationChanged, DestinationShown, DestinationsDescribed,
};
use super::shapes::tables::OfTable;
use crate::destinations::invalid_state;
use crate::schema::{Destination, Table};
use crate::{Error, Tables};
use fogbank_model::{Arn, RequestContext};
use std::sync::Arc;

type State = Arc<Tables>;

const MICROS: &str = "MICROSECOND";

fn asked(configuration: Option<&Configuration>) -> Option<bool> {
    configuration?.approximate_creation_date_time_precision.as_deref().map(|precision| precision == MICROS)
}

pub(super) async fn enable(
    state: State,
    context: RequestContext,
    input: DestinationChange,
) -> Result<DestinationChanged, Error> {
    let key = address::table(&context, &input.table_name)?;
    let stream = input.stream_arn.parse::<Arn>();
    let stream = stream.map_err(|_| Error::validation(format!("Invalid StreamArn: {}", input.stream_arn)))?;
    let name = key.name.clone();
    let configuration = input.enable_kinesis_streaming_configuration.unwrap_or_default();
    state.enable_destination(key, stream, asked(Some(&configuration))).await?;
    Ok(DestinationChanged {
        table_name: name,
        stream_arn: input.stream_arn,
        destination_status: "ENABLING",
        enable_kinesis_streaming_configuration: Some(configuration),
        update_kinesis_streaming_configuration: None,
    })
}

pub(super) async fn disable(
    state: State,
    context: RequestContext,
    input: DestinationChange,
) -> Result<DestinationChanged, Error> {
    let key = address::table(&context, &input.table_name)?;
    if input.enable_kinesis_streaming_configuration.is_some() {
        return Err(Error::validation(
            "Stream cannot be disabled using EnableKinesisStreamingConfiguration parameters",
        ));
    }
    let name = key.name.clone();
    let turn_off = |_: &Table, kept: Option<&Destination>| match kept {
        Some(kept) if kept.is_on => Ok(Destination { is_on: false, ..kept.clone() }),
        _ => Err(invalid_state("KinesisStreamingDestination must be ACTIVE to perform DISABLE operation.")),
    };
    state.change_destination(key, input.stream_arn.clone(), turn_off).await?;
    Ok(DestinationChanged {
        table_name: name,
        stream_arn: input.stream_arn,
        destination_status: "DISABLING",
        enable_kinesis_streaming_configuration: None,
        update_kinesis_streaming_configuration: None,
    })
}

pub(super) async fn update(
    state: State,
    context: RequestContext,
    input: DestinationChange,
) -> Result<DestinationChanged, Error> {
    let key = address::table(&context, &input.table_name)?;
    let name = key.name.clone();
    let Some(micros) = asked(input.update_kinesis_streaming_configuration.as_ref()) else {
        return Err(Error::validation(
            "Streaming destination cannot be updated with given parameters: UpdateKinesisStreamingConfiguration cannot be null or contain \
             only null values",
        ));
    };
    let (of, arn) = (key.name.clone(), input.stream_arn.clone());
    let set = move |table: &Table, kept: Option<&Destination>| match kept {
        None => Err(invalid_state(&format!(
            "No streaming destination with streamArn: {arn} found for table with tableName: {of}"
        ))),
        Some(kept) if !kept.is_on => Err(invalid_state(&format!(
            "Kinesis streaming is not in ACTIVE state. Updates are only allowed in ACTIVE state. TableName: {of}, kdsArn: {arn}"
        ))),
        Some(kept) if kept.is_in_micros == micros => Err(Error::validation(format!(
            "Invalid Request: Precision is already set to the desired value of {} for tableId: {}, kdsArn: {arn}",
            kept.precision(),
            table.id
        ))),
        Some(kept) => Ok(Destination { is_in_micros: micros, shows_precision: true, ..kept.clone() }),
    };
    state.change_destination(key, input.stream_arn.clone(), set).await?;
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
        destination_status: match (kept.is_on, &kept.failure) {
            (true, _) => "ACTIVE",
            (false, Some(_)) => "ENABLE_FAILED",
            (false, None) => "DISABLED",
        },
        destination_status_description: kept.failure.clone(),
        approximate_creation_date_time_precision: kept.shows_precision.then(|| kept.precision()),
    };
    Ok(DestinationsDescribed {
        table_name: key.name,
        kinesis_data_stream_destinations: table.destinations.iter().map(shown).collect(),
    })
}
