//! Routes of an HTTP API.

use super::{HttpApi, Route, quota, within};
use crate::Error;
use crate::ids::Ids;
use crate::serve::route::Pattern;

const METHODS: [&str; 8] = ["ANY", "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

/// Refuses what is no route key: `$default`, or a method and a path.
pub(super) fn check_key(key: &str) -> Result<(), Error> {
    if key == "$default" {
        return Ok(());
    }
    let (method, path) = key.split_once(' ').unwrap_or_default();
    if !METHODS.contains(&method) {
        return Err(Error::bad(format!(
            "The provided route key is not formatted properly for HTTP protocol: '{key}'. Use '$default', or a method in capital \
             letters and a path, as in 'GET /pets/{{id}}'."
        )));
    }
    Pattern::parse(path).map(drop).map_err(|why| Error::bad(format!("The route key '{key}' is not valid: {why}.")))
}

impl HttpApi {
    pub fn route(&self, id: &str) -> Result<&Route, Error> {
        self.routes
            .get(id)
            .ok_or_else(|| Error::NotFound(format!("Unable to find Route by ID {id} within RestApi {}", self.id)))
    }

    fn check_target(&self, target: Option<&str>) -> Result<(), Error> {
        let Some(target) = target else { return Ok(()) };
        let id = target.strip_prefix("integrations/");
        match id.is_some_and(|id| self.integrations.contains_key(id)) {
            true => Ok(()),
            false => Err(Error::bad(format!(
                "Invalid target '{target}': it must be integrations/ID with the id of an integration of this API."
            ))),
        }
    }

    pub fn create_route(
        &mut self,
        ids: &Ids,
        key: &str,
        target: Option<String>,
        operation_name: Option<String>,
    ) -> Result<Route, Error> {
        within(self.routes.len(), quota::ROUTES, "routes")?;
        check_key(key)?;
        self.check_target(target.as_deref())?;
        self.check_unique(key, None)?;
        let route = Route { id: ids.make(7), key: key.into(), target, operation_name, managed: false };
        self.routes.insert(route.id.clone(), route.clone());
        Ok(route)
    }

    fn check_unique(&self, key: &str, except: Option<&str>) -> Result<(), Error> {
        let same = self.routes.values().any(|route| route.key == key && Some(route.id.as_str()) != except);
        match same {
            true => Err(Error::Conflict(format!("Route with key {key} already exists for this API"))),
            false => Ok(()),
        }
    }

    pub fn update_route(
        &mut self,
        id: &str,
        key: Option<&str>,
        target: Option<String>,
        operation_name: Option<String>,
    ) -> Result<Route, Error> {
        let mut route = self.route(id)?.clone();
        if let Some(key) = key {
            check_key(key)?;
            self.check_unique(key, Some(id))?;
            route.key = key.into();
        }
        self.check_target(target.as_deref())?;
        route.target = target.or(route.target);
        route.operation_name = operation_name.or(route.operation_name);
        self.routes.insert(id.into(), route.clone());
        Ok(route)
    }

    pub fn delete_route(&mut self, id: &str) -> Result<(), Error> {
        self.route(id)?;
        self.routes.remove(id);
        Ok(())
    }
}
