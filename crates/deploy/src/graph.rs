//! The order in which resources are made: each after what it refers to.

use crate::problem::Problem;
use crate::template::Resource;
use std::collections::{BTreeMap, BTreeSet};

/// Orders `resources` so that each comes after its dependencies, and otherwise as they were written.
///
/// # Errors
/// The circle, if there is one.
pub fn order(resources: &[Resource], needs: &BTreeMap<String, BTreeSet<String>>) -> Result<Vec<String>, Problem> {
    let mut ordered: Vec<String> = Vec::with_capacity(resources.len());
    let mut placed = BTreeSet::new();
    while ordered.len() < resources.len() {
        let ready = |resource: &&Resource| {
            let needed = needs.get(&resource.id);
            !placed.contains(&resource.id) && needed.is_none_or(|needed| needed.is_subset(&placed))
        };
        let next: Vec<String> = resources.iter().filter(ready).map(|resource| resource.id.clone()).collect();
        if next.is_empty() {
            return Err(describe_circle(resources, needs, &placed));
        }
        placed.extend(next.iter().cloned());
        ordered.extend(next);
    }
    Ok(ordered)
}

/// Walks from any stuck resource along stuck ones until one comes twice.
fn describe_circle(
    resources: &[Resource],
    needs: &BTreeMap<String, BTreeSet<String>>,
    placed: &BTreeSet<String>,
) -> Problem {
    let stuck = |id: &String| !placed.contains(id);
    let start = resources.iter().find(|resource| stuck(&resource.id));
    let mut path: Vec<String> = start.map(|resource| resource.id.clone()).into_iter().collect();
    while let Some(next) =
        path.last().and_then(|last| needs.get(last)).and_then(|needed| needed.iter().find(|id| stuck(id)))
    {
        if let Some(first) = path.iter().position(|id| id == next) {
            path.drain(..first);
            path.push(next.clone());
            break;
        }
        path.push(next.clone());
    }
    let at = resources.iter().find(|resource| Some(&resource.id) == path.first()).map(|resource| resource.at);
    Problem::at(
        at.unwrap_or_default(),
        format!("these resources depend on each other in a circle: {}", path.join(" -> ")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::Template;

    fn order_of(needs: &[(&str, &[&str])]) -> Result<Vec<String>, String> {
        let mut text = String::from("Resources:\n");
        needs.iter().for_each(|(id, _)| text += &format!("  {id}: {{Type: T}}\n"));
        let template = Template::read(&crate::tree::parse(&text).unwrap()).unwrap();
        let set = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
        let needs = needs.iter().map(|(id, ids)| ((*id).to_owned(), set(ids))).collect();
        order(&template.resources, &needs).map_err(|problem| problem.to_string())
    }

    #[test]
    fn each_comes_after_what_it_needs() {
        assert_eq!(order_of(&[("A", &["C"]), ("B", &[]), ("C", &["B"])]).unwrap(), ["B", "C", "A"]);
    }

    #[test]
    fn a_circle_is_named() {
        let message = order_of(&[("A", &[]), ("B", &["D"]), ("C", &["B"]), ("D", &["C", "A"])]).unwrap_err();
        assert_eq!(message, "3:3: these resources depend on each other in a circle: B -> D -> C -> B");
    }
}
