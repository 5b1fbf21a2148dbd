//! A message on its way: what was published, and what each kind of endpoint is sent of it.

use crate::model::{Draft, Protocol, SubscriptionKey, TopicKey};
use crate::signing::{Ready, Version, canonical};
use fogbank_delivery::{AttributeValue, MessageAttribute, Origin};
use fogbank_model::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A published message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Notice {
    pub topic: TopicKey,
    pub id: String,
    pub subject: Option<String>,
    /// The message, where its protocol has none of its own.
    pub message: String,
    /// Messages by protocol, of `MessageStructure=json`.
    pub messages: BTreeMap<String, String>,
    pub attributes: BTreeMap<String, MessageAttribute>,
    pub group: Option<String>,
    pub deduplication: Option<String>,
    pub sequence: Option<String>,
    pub at: Timestamp,
    pub version: Version,
    pub origin: Origin,
    /// Signatures by what is signed: the messages' texts differ by protocol.
    pub signatures: BTreeMap<String, String>,
    /// Where the certificate is, once something is signed.
    pub certificate: String,
}

impl Notice {
    /// The message for an endpoint of `protocol`.
    pub fn message(&self, protocol: Protocol) -> &str {
        self.messages.get(protocol.name()).unwrap_or(&self.message)
    }

    /// Signs what is sent over the protocols `wanted`.
    pub fn sign(&mut self, ready: &Ready, wanted: impl IntoIterator<Item = Protocol>) {
        self.certificate = format!("{}{}", self.origin.endpoint, ready.path());
        for protocol in wanted {
            let name = self.signature_name(protocol);
            if !self.signatures.contains_key(&name) {
                let signature = ready.sign(self.version, &self.canonical(protocol));
                self.signatures.insert(name, signature);
            }
        }
    }

    /// Whether what is sent over `protocol` is signed.
    pub fn is_signed(&self, protocol: Protocol) -> bool {
        self.signatures.contains_key(&self.signature_name(protocol))
    }

    /// Protocols without a message of their own share the signature of the default one.
    fn signature_name(&self, protocol: Protocol) -> String {
        let own = Some(protocol.name()).filter(|name| self.messages.contains_key(*name));
        own.unwrap_or("default").to_owned()
    }

    fn canonical(&self, protocol: Protocol) -> String {
        canonical(&[
            ("Message", Some(self.message(protocol))),
            ("MessageId", Some(&self.id)),
            ("Subject", self.subject.as_deref()),
            ("Timestamp", Some(&iso(self.at))),
            ("TopicArn", Some(self.topic.arn().as_str())),
            ("Type", Some("Notification")),
        ])
    }

    fn signature(&self, protocol: Protocol) -> &str {
        self.signatures.get(&self.signature_name(protocol)).map_or("", String::as_str)
    }

    /// The JSON text that queues and HTTP endpoints get.
    pub fn envelope(&self, protocol: Protocol, subscription: &SubscriptionKey) -> String {
        let attributes = (!self.attributes.is_empty()).then(|| self.shown_attributes());
        let text = |text: &str| Some(Value::from(text));
        lines(&[
            ("Type", text("Notification")),
            ("MessageId", text(&self.id)),
            ("SequenceNumber", self.sequence.as_deref().and_then(text)),
            ("TopicArn", text(self.topic.arn().as_str())),
            ("Subject", self.subject.as_deref().and_then(text)),
            ("Message", text(self.message(protocol))),
            ("Timestamp", text(&iso(self.at))),
            ("SignatureVersion", text(self.version.name())),
            ("Signature", text(self.signature(protocol))),
            ("SigningCertURL", text(&self.certificate)),
            ("UnsubscribeURL", text(&unsubscribe_url(&self.origin.endpoint, subscription))),
            ("MessageAttributes", attributes.map(Value::Object)),
        ])
    }

    /// A function's event.
    pub fn event(&self, subscription: &SubscriptionKey) -> String {
        let protocol = Protocol::Lambda;
        let mut sns = json!({
            "Type": "Notification",
            "MessageId": self.id,
            "TopicArn": self.topic.arn().as_str(),
            "Subject": self.subject,
            "Message": self.message(protocol),
            "Timestamp": iso(self.at),
            "SignatureVersion": self.version.name(),
            "Signature": self.signature(protocol),
            "SigningCertUrl": self.certificate,
            "UnsubscribeUrl": unsubscribe_url(&self.origin.endpoint, subscription),
            "MessageAttributes": self.shown_attributes(),
        });
        if let Some(sequence) = &self.sequence {
            sns["SequenceNumber"] = json!(sequence);
        }
        let record = json!({
            "EventSource": "aws:sns",
            "EventVersion": "1.0",
            "EventSubscriptionArn": subscription.arn().as_str(),
            "Sns": sns,
        });
        json!({"Records": [record]}).to_string()
    }

    fn shown_attributes(&self) -> Map<String, Value> {
        let shown = |attribute: &MessageAttribute| {
            let (AttributeValue::Text(value) | AttributeValue::Binary(value)) = &attribute.value;
            json!({"Type": attribute.data_type, "Value": value})
        };
        self.attributes.iter().map(|(name, attribute)| (name.clone(), shown(attribute))).collect()
    }

    /// A notice of `draft`, not signed yet. `messages` are its texts by protocol, if it is structured.
    pub fn of(topic: TopicKey, draft: &Draft, messages: BTreeMap<String, String>, origin: Origin) -> Self {
        Self {
            topic,
            id: String::new(),
            subject: draft.subject.clone(),
            message: messages.get("default").unwrap_or(&draft.message).clone(),
            messages,
            attributes: draft.attributes.clone(),
            group: draft.group.clone(),
            deduplication: draft.deduplication.clone(),
            sequence: None,
            at: Timestamp(0),
            version: Version::One,
            origin,
            signatures: BTreeMap::new(),
            certificate: String::new(),
        }
    }
}

/// What an HTTP endpoint is sent when its subscription is offered or ended; both come with the token that confirms it.
pub(crate) struct Offer<'o> {
    /// `SubscriptionConfirmation` or `UnsubscribeConfirmation`.
    pub kind: &'static str,
    pub id: &'o str,
    pub token: &'o str,
    pub topic: &'o TopicKey,
    pub subscription: &'o SubscriptionKey,
    pub endpoint: &'o str,
    pub at: Timestamp,
    pub version: Version,
}

impl Offer<'_> {
    /// The signed text.
    pub fn envelope(&self, ready: &Ready) -> String {
        let arn = self.topic.arn();
        let message = match self.kind {
            "SubscriptionConfirmation" => format!(
                "You have chosen to subscribe to the topic {arn}.\nTo confirm the subscription, visit the SubscribeURL included in this message."
            ),
            _ => format!(
                "You have chosen to deactivate subscription {}.\nTo cancel this operation and restore the subscription, visit the SubscribeURL included in this message.",
                self.subscription.arn()
            ),
        };
        let url = format!("{}/?Action=ConfirmSubscription&TopicArn={arn}&Token={}", self.endpoint, self.token);
        let at = iso(self.at);
        let signed = canonical(&[
            ("Message", Some(&message)),
            ("MessageId", Some(self.id)),
            ("SubscribeURL", Some(&url)),
            ("Timestamp", Some(&at)),
            ("Token", Some(self.token)),
            ("TopicArn", Some(arn.as_str())),
            ("Type", Some(self.kind)),
        ]);
        let text = |text: &str| Some(Value::from(text));
        lines(&[
            ("Type", text(self.kind)),
            ("MessageId", text(self.id)),
            ("Token", text(self.token)),
            ("TopicArn", text(arn.as_str())),
            ("Message", text(&message)),
            ("SubscribeURL", text(&url)),
            ("Timestamp", text(&at)),
            ("SignatureVersion", text(self.version.name())),
            ("Signature", text(&ready.sign(self.version, &signed))),
            ("SigningCertURL", text(&format!("{}{}", self.endpoint, ready.path()))),
        ])
    }
}

fn unsubscribe_url(endpoint: &str, subscription: &SubscriptionKey) -> String {
    format!("{endpoint}/?Action=Unsubscribe&SubscriptionArn={}", subscription.arn())
}

/// An object as AWS lays it out, a member a line; what is missing is left out.
fn lines(members: &[(&str, Option<Value>)]) -> String {
    let member = |(name, value): &(&str, Option<Value>)| match value.as_ref()? {
        Value::Object(inner) => {
            let inner: Vec<String> =
                inner.iter().map(|(name, value)| format!("    {} : {value}", Value::from(name.as_str()))).collect();
            Some(format!("  \"{name}\" : {{\n{}\n  }}", inner.join(",\n")))
        }
        value => Some(format!("  \"{name}\" : {value}")),
    };
    let members: Vec<String> = members.iter().filter_map(member).collect();
    format!("{{\n{}\n}}", members.join(",\n"))
}

/// `2026-05-04T10:20:30.123Z`
pub(crate) fn iso(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
    at.to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}
