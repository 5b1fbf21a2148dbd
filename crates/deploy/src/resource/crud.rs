//! Resource types that are nothing but one operation each for making, changing and removing, with the properties passed as they
//! are. Most types of API Gateway are.

use crate::resource::rest_api::lower_first;
use crate::resource::{Call, Deleting, Made, Making, NameRule, Properties, Property, ResourceType, gone_is_fine};
use fogbank_wire::Fault;
use serde_json::Value;
use std::borrow::Cow;

/// A type that its operations' names describe.
pub struct Crud {
    /// Such as `AWS::ApiGatewayV2::Route`.
    pub name: &'static str,
    /// What it takes.
    pub properties: &'static [Property],
    /// The service's shape table.
    pub service: &'static str,
    /// The operation that makes one.
    pub create: &'static str,
    /// The operation that changes one; `None` if every change replaces it.
    pub update: Option<&'static str>,
    /// The operation that removes one.
    pub delete: &'static str,
    /// Properties that, with the id, say which one is meant, such as `ApiId`.
    pub parents: &'static [&'static str],
    /// The output member that holds the id, and the input member that takes it.
    pub id: (&'static str, &'static str),
    /// `Fn::GetAtt` names and the output members they come from.
    pub attributes: &'static [(&'static str, &'static str)],
    /// See [`ResourceType::name_property`].
    pub name_rule: Option<NameRule>,
    /// Whether the operations' members begin with a small letter.
    pub lower_case: bool,
    /// How one is found again whose making was interrupted before its id was known.
    pub search: Option<Search>,
    /// Properties, and the JSON that puts each back when the template drops it.
    pub resets: &'static [(&'static str, &'static str)],
}

/// Finding a resource without its id.
pub struct Search {
    /// The operation that lists them.
    pub list: &'static str,
    /// The output member that holds the list.
    pub items: &'static str,
    /// The members of input and output that take and give the place where the next page begins.
    pub token: (&'static str, &'static str),
    /// Properties of which there is one resource only.
    pub unique: &'static [&'static str],
}

impl Crud {
    fn input(&self, wanted: &Properties) -> Properties {
        wanted.iter().map(|(name, value)| (self.spelled(name), value.clone())).collect()
    }

    fn spelled(&self, property: &str) -> String {
        if self.lower_case { lower_first(property) } else { property.to_owned() }
    }

    fn address(&self, made: &Made, before: &Properties) -> Properties {
        let parent = |name: &&'static str| Some((self.spelled(name), before.get(*name)?.clone()));
        let mut address: Properties = self.parents.iter().filter_map(parent).collect();
        address.insert(self.id.1.to_owned(), made.physical_id.clone().into());
        address
    }

    /// The one that has the unique properties of `wanted`, if there is one.
    async fn find(&self, call: &Call<'_>, search: &Search, wanted: &Properties) -> Result<Option<Made>, Fault> {
        let parents = self.parents.iter().filter_map(|name| Some((self.spelled(name), wanted.get(*name)?.clone())));
        let mut input: Properties = parents.collect();
        loop {
            let output = call.run(self.service, search.list, input.clone()).await?;
            let items = output[search.items].as_array().map_or(&[][..], Vec::as_slice);
            let same =
                |item: &&Value| search.unique.iter().all(|name| item.get(self.spelled(name)) == wanted.get(*name));
            if let Some(found) = items.iter().find(same) {
                return Ok(Some(self.made(found)));
            }
            match output.get(search.token.1).filter(|token| token.is_string()) {
                Some(token) => input.insert(search.token.0.to_owned(), token.clone()),
                None => return Ok(None),
            };
        }
    }

    fn made(&self, output: &Value) -> Made {
        let text = |member: &str| output.get(member).cloned().unwrap_or(Value::Null);
        let attributes = self.attributes.iter().map(|(name, member)| ((*name).to_owned(), text(member)));
        Made { physical_id: text(self.id.0).as_str().unwrap_or_default().to_owned(), attributes: attributes.collect() }
    }
}

impl ResourceType for Crud {
    fn name(&self) -> &'static str {
        self.name
    }

    fn properties(&self) -> &'static [Property] {
        self.properties
    }

    fn name_property(&self) -> Option<NameRule> {
        self.name_rule
    }

    fn create<'a>(&'a self, call: &'a Call<'a>, wanted: &'a Properties) -> Making<'a> {
        Box::pin(async move {
            let output = call.run(self.service, self.create, self.input(wanted)).await?;
            Ok(self.made(&output))
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
            let Some(operation) = self.update else { return Ok(made.clone()) };
            let mut input = self.input(wanted);
            let dropped = |name: &str| before.contains_key(name) && !wanted.contains_key(name);
            for (name, default) in self.resets.iter().filter(|(name, _)| dropped(name)) {
                input.insert(self.spelled(name), serde_json::from_str(default).map_err(Fault::internal)?);
            }
            input.extend(self.address(made, wanted));
            let output = call.run(self.service, operation, input).await?;
            Ok(self.made(&output))
        })
    }

    fn delete<'a>(&'a self, call: &'a Call<'a>, made: &'a Made, before: &'a Properties) -> Deleting<'a> {
        Box::pin(async move {
            let found = match &self.search {
                Some(search) if made.physical_id.is_empty() => match self.find(call, search, before).await {
                    Ok(Some(found)) => Cow::Owned(found),
                    Ok(None) => return Ok(()),
                    Err(fault) => return gone_is_fine(Err(fault)),
                },
                _ => Cow::Borrowed(made),
            };
            gone_is_fine(call.run(self.service, self.delete, self.address(&found, before)).await)
        })
    }

    fn left_over(&self, wanted: &Properties) -> Option<Made> {
        let name = self.name_rule.and_then(|rule| wanted.get(rule.property)).and_then(Value::as_str);
        let named = name.map(Made::of);
        named.or_else(|| self.search.as_ref().map(|_| Made::default()))
    }
}
