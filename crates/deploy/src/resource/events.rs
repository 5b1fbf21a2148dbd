//! EventBridge's types: buses, their policies, archives, connections and API destinations. Rules are in `events_rule.rs`.

use crate::resource::tags::{self, Tagging};
use crate::resource::{
    Call, Deleting, Made, Making, NameRule, Properties, Property, ResourceType, Shape, gone_is_fine, text,
};
use fogbank_wire::Fault;
use serde_json::{Value, json};

/// A type whose operations take the properties much as they are, and know the resource by its name.
pub struct Kind {
    name: &'static str,
    properties: &'static [Property],
    /// The property that holds the name, and its longest.
    named: (&'static str, usize),
    /// What the operations' names end with, such as `Archive`.
    noun: &'static str,
    /// Properties that the operations call something else.
    renamed: &'static [(&'static str, &'static str)],
    /// Documents that the operations take as text.
    texts: &'static [&'static str],
    /// What only the operation that makes it takes.
    only_first: &'static [&'static str],
    /// `Fn::GetAtt` names and the members of a description that they come from.
    attributes: &'static [(&'static str, &'static str)],
    /// Properties, and the JSON that puts each back when the template drops it.
    resets: &'static [(&'static str, &'static str)],
}

const DEAD_LETTERS: Shape = Shape::Struct(&[Property::optional("Arn", Shape::Text)]);

/// `AWS::Events::EventBus`.
pub static BUS: Kind = Kind {
    name: "AWS::Events::EventBus",
    properties: &[
        Property::required("Name", Shape::Text).replacing(),
        Property::optional("DeadLetterConfig", DEAD_LETTERS),
        Property::optional("Description", Shape::Text),
        Property::optional("KmsKeyIdentifier", Shape::Text),
        Property::optional("LogConfig", Shape::Json),
        Property::optional("Policy", Shape::Json),
        Property::optional("Tags", Shape::Tags),
        Property::optional("EventSourceName", Shape::Unsupported("there are no event sources of partners")),
    ],
    named: ("Name", 256),
    noun: "EventBus",
    renamed: &[],
    texts: &[],
    only_first: &[],
    attributes: &[("Arn", "Arn"), ("Name", "Name"), ("Policy", "Policy")],
    resets: &[("DeadLetterConfig", "{}"), ("Description", "\"\""), ("KmsKeyIdentifier", "\"\"")],
};

/// `AWS::Events::Archive`.
pub static ARCHIVE: Kind = Kind {
    name: "AWS::Events::Archive",
    properties: &[
        Property::optional("ArchiveName", Shape::Text).replacing(),
        Property::required("SourceArn", Shape::Text).replacing(),
        Property::optional("Description", Shape::Text),
        Property::optional("EventPattern", Shape::Json),
        Property::optional("KmsKeyIdentifier", Shape::Text),
        Property::optional("RetentionDays", Shape::Int),
    ],
    named: ("ArchiveName", 48),
    noun: "Archive",
    renamed: &[("SourceArn", "EventSourceArn")],
    texts: &["EventPattern"],
    only_first: &["SourceArn"],
    attributes: &[("Arn", "ArchiveArn")],
    resets: &[("Description", "\"\""), ("KmsKeyIdentifier", "\"\""), ("RetentionDays", "0")],
};

/// `AWS::Events::Connection`.
pub static CONNECTION: Kind = Kind {
    name: "AWS::Events::Connection",
    properties: &[
        Property::optional("Name", Shape::Text).replacing(),
        Property::required("AuthorizationType", Shape::Text),
        Property::required("AuthParameters", Shape::Json),
        Property::optional("Description", Shape::Text),
        Property::optional("KmsKeyIdentifier", Shape::Text),
        Property::optional("InvocationConnectivityParameters", Shape::Unsupported("there are no private endpoints")),
    ],
    named: ("Name", 64),
    noun: "Connection",
    renamed: &[],
    texts: &[],
    only_first: &[],
    attributes: &[("Arn", "ConnectionArn"), ("SecretArn", "SecretArn")],
    resets: &[("Description", "\"\""), ("KmsKeyIdentifier", "\"\"")],
};

/// `AWS::Events::ApiDestination`.
pub static DESTINATION: Kind = Kind {
    name: "AWS::Events::ApiDestination",
    properties: &[
        Property::optional("Name", Shape::Text).replacing(),
        Property::required("ConnectionArn", Shape::Text),
        Property::required("HttpMethod", Shape::Text),
        Property::required("InvocationEndpoint", Shape::Text),
        Property::optional("Description", Shape::Text),
        Property::optional("InvocationRateLimitPerSecond", Shape::Int),
    ],
    named: ("Name", 64),
    noun: "ApiDestination",
    renamed: &[],
    texts: &[],
    only_first: &[],
    attributes: &[("Arn", "ApiDestinationArn"), ("ArnForPolicy", "ApiDestinationArn")],
    resets: &[("Description", "\"\""), ("InvocationRateLimitPerSecond", "300")],
};

/// The operations' names, in full: the router takes only names that last.
fn operation(verb: &str, noun: &str) -> &'static str {
    match (verb, noun) {
        ("Create", "EventBus") => "CreateEventBus",
        ("Update", "EventBus") => "UpdateEventBus",
        ("Delete", "EventBus") => "DeleteEventBus",
        ("Describe", "EventBus") => "DescribeEventBus",
        ("Create", "Archive") => "CreateArchive",
        ("Update", "Archive") => "UpdateArchive",
        ("Delete", "Archive") => "DeleteArchive",
        ("Describe", "Archive") => "DescribeArchive",
        ("Create", "Connection") => "CreateConnection",
        ("Update", "Connection") => "UpdateConnection",
        ("Delete", "Connection") => "DeleteConnection",
        ("Describe", "Connection") => "DescribeConnection",
        ("Create", _) => "CreateApiDestination",
        ("Update", _) => "UpdateApiDestination",
        ("Delete", _) => "DeleteApiDestination",
        _ => "DescribeApiDestination",
    }
}

impl Kind {
    fn input(&self, wanted: &Properties) -> Properties {
        let spelled = |name: &String| {
            let renamed = self.renamed.iter().find(|(property, _)| property == name);
            renamed.map_or(name.clone(), |(_, member)| (*member).to_owned())
        };
        let own = wanted.iter().filter(|(name, _)| !matches!(name.as_str(), "Tags" | "Policy"));
        own.map(|(name, value)| {
            let is_text = self.texts.contains(&name.as_str());
            (spelled(name), if is_text { value.to_string().into() } else { value.clone() })
        })
        .collect()
    }

    fn address(&self, properties: &Properties) -> Value {
        json!({self.named.0: properties.get(self.named.0)})
    }

    async fn made(&self, call: &Call<'_>, wanted: &Properties) -> Result<Made, Fault> {
        let found = call.run("events", operation("Describe", self.noun), self.address(wanted)).await?;
        let attribute =
            |(name, member): &(&str, &str)| ((*name).to_owned(), found.get(*member).cloned().unwrap_or_default());
        let name = text(wanted.get(self.named.0));
        // What a destination's ARN ends with is an id that policies leave open.
        let mut attributes: std::collections::BTreeMap<String, Value> = self.attributes.iter().map(attribute).collect();
        if let Some(arn) = attributes.get_mut("ArnForPolicy") {
            *arn = arn.as_str().and_then(|arn| arn.rsplit_once('/')).map(|(arn, _)| arn.to_owned()).into();
        }
        Ok(Made { physical_id: name.to_owned(), attributes })
    }

    /// A bus's policy is put by an operation of its own.
    async fn put_policy(&self, call: &Call<'_>, before: Option<&Properties>, wanted: &Properties) -> Result<(), Fault> {
        let had = before.is_some_and(|before| before.contains_key("Policy"));
        match wanted.get("Policy") {
            Some(policy) => {
                let input = json!({"EventBusName": wanted.get("Name"), "Policy": policy.to_string()});
                call.run("events", "PutPermission", input).await.map(drop)
            }
            None if had => {
                let input = json!({"EventBusName": wanted.get("Name"), "RemoveAllPermissions": true});
                call.run("events", "RemovePermission", input).await.map(drop)
            }
            None => Ok(()),
        }
    }
}

/// How buses and rules are tagged.
pub(super) const TAGS: Tagging = Tagging::usual("events", "ResourceARN", tags::list);

impl ResourceType for Kind {
    fn name(&self) -> &'static str {
        self.name
    }

    fn properties(&self) -> &'static [Property] {
        self.properties
    }

    fn name_property(&self) -> Option<NameRule> {
        Some(NameRule { property: self.named.0, max: self.named.1, host: false, unique: true })
    }

    fn lookup(&self, wanted: &Properties) -> Option<(&'static str, &'static str, Value)> {
        Some(("events", operation("Describe", self.noun), self.address(wanted)))
    }

    fn create<'a>(&'a self, call: &'a Call<'a>, wanted: &'a Properties) -> Making<'a> {
        Box::pin(async move {
            let mut input = self.input(wanted);
            let tags = tags::of(wanted);
            if !tags.is_empty() {
                input.insert("Tags".into(), tags::list(&tags));
            }
            call.run("events", operation("Create", self.noun), input).await?;
            self.put_policy(call, None, wanted).await?;
            self.made(call, wanted).await
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
            let mut left = wanted.clone();
            left.retain(|name, _| !self.only_first.contains(&name.as_str()));
            let mut input = self.input(&left);
            let dropped = |name: &str| before.contains_key(name) && !wanted.contains_key(name);
            for (name, default) in self.resets.iter().filter(|(name, _)| dropped(name)) {
                input.insert((*name).to_owned(), serde_json::from_str(default).map_err(Fault::internal)?);
            }
            call.run("events", operation("Update", self.noun), input).await?;
            self.put_policy(call, Some(before), wanted).await?;
            let made = self.made(call, wanted).await?;
            if let Some(arn) = made.attributes.get("Arn") {
                TAGS.change(call, arn.clone(), before, wanted).await?;
            }
            Ok(made)
        })
    }

    fn delete<'a>(&'a self, call: &'a Call<'a>, _: &'a Made, before: &'a Properties) -> Deleting<'a> {
        Box::pin(
            async move { gone_is_fine(call.run("events", operation("Delete", self.noun), self.address(before)).await) },
        )
    }
}

/// `AWS::Events::EventBusPolicy`: a statement of a bus's policy.
pub struct BusPolicy;

impl BusPolicy {
    fn address(properties: &Properties) -> Value {
        let bus = properties.get("EventBusName").cloned().unwrap_or_else(|| "default".into());
        json!({"EventBusName": bus, "StatementId": properties.get("StatementId")})
    }

    /// Puts a statement of any form beside the others that are there.
    async fn put_statement(call: &Call<'_>, properties: &Properties, statement: &Value) -> Result<(), Fault> {
        let address = Self::address(properties);
        let found = call.run("events", "DescribeEventBus", json!({"Name": address["EventBusName"]})).await?;
        let policy = found["Policy"].as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
        let mut statements = policy.and_then(|policy| policy["Statement"].as_array().cloned()).unwrap_or_default();
        statements.retain(|other| other["Sid"] != address["StatementId"]);
        let mut statement = statement.clone();
        statement["Sid"] = address["StatementId"].clone();
        statements.push(statement);
        let policy = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
        let input = json!({"EventBusName": address["EventBusName"], "Policy": policy});
        call.run("events", "PutPermission", input).await.map(drop)
    }
}

impl ResourceType for BusPolicy {
    fn name(&self) -> &'static str {
        "AWS::Events::EventBusPolicy"
    }

    fn properties(&self) -> &'static [Property] {
        const CONDITION: &[Property] = &[
            Property::optional("Key", Shape::Text),
            Property::optional("Type", Shape::Text),
            Property::optional("Value", Shape::Text),
        ];
        const {
            &[
                Property::required("StatementId", Shape::Text).replacing(),
                Property::optional("EventBusName", Shape::Text).replacing(),
                Property::optional("Action", Shape::Text),
                Property::optional("Condition", Shape::Struct(CONDITION)),
                Property::optional("Principal", Shape::Text),
                Property::optional("Statement", Shape::Json),
            ]
        }
    }

    fn create<'a>(&'a self, call: &'a Call<'a>, wanted: &'a Properties) -> Making<'a> {
        Box::pin(async move {
            match wanted.get("Statement") {
                Some(statement) => Self::put_statement(call, wanted, statement).await?,
                None => call.run("events", "PutPermission", wanted).await.map(drop)?,
            }
            let address = Self::address(wanted);
            let part = |name: &str| text(address.get(name));
            Ok(Made::of(format!("{}|{}", part("EventBusName"), part("StatementId"))))
        })
    }

    fn update<'a>(&'a self, call: &'a Call<'a>, _: &'a Made, _: &'a Properties, wanted: &'a Properties) -> Making<'a> {
        self.create(call, wanted)
    }

    fn delete<'a>(&'a self, call: &'a Call<'a>, _: &'a Made, before: &'a Properties) -> Deleting<'a> {
        Box::pin(async move { gone_is_fine(call.run("events", "RemovePermission", Self::address(before)).await) })
    }

    fn left_over(&self, _: &Properties) -> Option<Made> {
        Some(Made::default())
    }
}
