//! Container images, of which there are none: functions come as ZIP files. Deployment tools ask ECR before they go on whether a repository of
//! theirs is there, and are told the truth.

use fogbank_model::RequestContext;
use fogbank_wire::{Fault, Service};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Wanted {
    repository_names: Vec<String>,
    registry_id: Option<String>,
}

#[derive(Debug, Serialize)]
struct Repositories {
    repositories: [(); 0],
}

/// ECR's one operation that an empty registry can have, for the shape table `ecr`.
pub fn service() -> Service {
    Service::new("ecr").operation("DescribeRepositories", &Arc::new(()), describe)
}

async fn describe(_: Arc<()>, context: RequestContext, wanted: Wanted) -> Result<Repositories, Fault> {
    let Some(name) = wanted.repository_names.first() else { return Ok(Repositories { repositories: [] }) };
    let registry = wanted.registry_id.as_deref().unwrap_or(context.account.as_str());
    let text = format!("The repository with name '{name}' does not exist in the registry with id '{registry}'");
    Err(Fault::client("RepositoryNotFoundException", text))
}
