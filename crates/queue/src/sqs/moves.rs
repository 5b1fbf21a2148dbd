//! Handlers for message move tasks.

use super::address::by_arn;
use super::shapes::{Cancelled, ListMoves, Move, Moves, StartMove, TaskHandle};
use crate::move_task::{MoveStatus, MoveTask, read_handle};
use crate::{Error, Queues};
use fogbank_model::RequestContext;
use std::sync::Arc;

type State = Arc<Queues>;

pub(super) async fn start(state: State, context: RequestContext, input: StartMove) -> Result<TaskHandle, Error> {
    let source = by_arn(&context, &input.source_arn, "SourceArn")?;
    let destination = input.destination_arn.map(|arn| by_arn(&context, &arn, "DestinationArn")).transpose()?;
    let rate = input.max_number_of_messages_per_second;
    Ok(TaskHandle { task_handle: state.start_move(&source, destination.as_ref(), rate).await? })
}

pub(super) async fn cancel(state: State, context: RequestContext, input: TaskHandle) -> Result<Cancelled, Error> {
    let wrong =
        || Error::value("TaskHandle", input.task_handle.chars().take(256).collect::<String>(), "It is not valid.");
    let (source, id) = read_handle(&input.task_handle).ok_or_else(wrong)?;
    let source = by_arn(&context, source.arn().as_str(), "SourceArn")?;
    Ok(Cancelled { approximate_number_of_messages_moved: state.cancel_move(&source, &id).await? })
}

pub(super) async fn list(state: State, context: RequestContext, input: ListMoves) -> Result<Moves, Error> {
    let source = by_arn(&context, &input.source_arn, "SourceArn")?;
    let limit = input.max_results.unwrap_or(1);
    let in_limits = usize::try_from(limit).ok().filter(|limit| (1..=10).contains(limit));
    let limit = in_limits
        .ok_or_else(|| Error::value("MaxResults", limit, "MaxResults must be an integer between 1 and 10."))?;
    Ok(Moves { results: state.moves(&source, limit)?.into_iter().map(shown).collect() })
}

fn shown(task: MoveTask) -> Move {
    let status = match task.status {
        MoveStatus::Running => "RUNNING",
        MoveStatus::Cancelling => "CANCELLING",
        MoveStatus::Cancelled => "CANCELLED",
        MoveStatus::Completed => "COMPLETED",
        MoveStatus::Failed => "FAILED",
    };
    Move {
        task_handle: (task.status == MoveStatus::Running).then(|| task.handle()),
        status,
        source_arn: task.source.arn().to_string(),
        destination_arn: task.destination.map(|key| key.arn().to_string()),
        max_number_of_messages_per_second: task.rate,
        approximate_number_of_messages_moved: task.moved,
        approximate_number_of_messages_to_move: task.to_move,
        failure_reason: task.reason,
        started_timestamp: task.started.0,
    }
}
