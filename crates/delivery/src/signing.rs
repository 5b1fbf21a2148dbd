//! The platform's word for who sent a message: a signature that its receivers can verify without asking.
//!
//! A message's signature is a detached JSON Web Signature (RFC 7515, appendix F) with Ed25519 (RFC 8037): the header names the sender, the target, the
//! message and its time; the payload is the message's body, which travels beside it. Signatures are made when a message is handed over, with the key
//! of that day, so that a message that has waited for two weeks is signed with a key that is published. Keys live in the store, are replaced
//! every thirty days, and stay published for ninety more.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ed25519_dalek::{Signer as _, SigningKey};
use fogbank_model::{Clock, Timestamp, matches_wildcard};
use fogbank_store::{Error, Read, Store, Table, Tx};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::time::Duration;
use tokio::task::JoinSet;

/// Key: the time from which it signs (8 bytes).
const KEYS: Table = Table("signing.key");
/// How long a key signs.
const SIGNS: Duration = Duration::from_secs(30 * 86_400);
/// How long a key is published after its last signature.
const PUBLISHED: Duration = Duration::from_secs(90 * 86_400);
/// How often it is seen whether a key has to be replaced.
const CHECK: Duration = Duration::from_secs(3600);

/// What a signature says beside the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claims<'a> {
    /// The ARN of whoever sent the message, as the platform authenticated them.
    pub sender: &'a str,
    /// The ARN of what it was handed to, or the URL of an HTTP receiver.
    pub target: &'a str,
    /// The message's id.
    pub id: &'a str,
    /// When it was sent.
    pub sent: Timestamp,
}

/// A key as it is stored. It is a secret: the store's directory is only the platform's to read.
#[derive(Clone, Serialize, Deserialize)]
struct Record {
    seed: String,
    from: Timestamp,
}

/// A key in use.
struct Key {
    id: String,
    from: Timestamp,
    signing: SigningKey,
}

impl Key {
    fn of(record: &Record) -> Option<Self> {
        let seed: [u8; 32] = BASE64.decode(&record.seed).ok()?.try_into().ok()?;
        let signing = SigningKey::from_bytes(&seed);
        let public = BASE64.encode(signing.verifying_key().as_bytes());
        // RFC 7638: the digest of the key's required members in lexical order.
        let thumbprint = Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{public}"}}"#));
        Some(Self { id: BASE64.encode(thumbprint), from: record.from, signing })
    }

    fn public(&self) -> Value {
        let public = BASE64.encode(self.signing.verifying_key().as_bytes());
        json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": self.id, "x": public})
    }
}

/// Signs what the platform hands over.
pub struct Signer {
    store: Store,
    clock: Arc<dyn Clock>,
    /// The newest first.
    keys: RwLock<Arc<Vec<Key>>>,
    /// Ends with this.
    worker: Mutex<JoinSet<()>>,
}

impl Signer {
    /// Reads the keys, and makes one if there is none that may sign. To be called within a Tokio runtime.
    ///
    /// # Errors
    /// The store's.
    pub async fn open(store: &Store, clock: Arc<dyn Clock>) -> Result<Arc<Self>, Error> {
        let signer = Arc::new(Self { store: store.clone(), clock, keys: RwLock::default(), worker: Mutex::default() });
        signer.rotate().await?;
        let worker = work(Arc::downgrade(&signer));
        signer.worker.lock().unwrap_or_else(PoisonError::into_inner).spawn(worker);
        Ok(signer)
    }

    /// The detached signature of `body` with `claims`: `HEADER..SIGNATURE`.
    pub fn sign(&self, claims: &Claims<'_>, body: &[u8]) -> String {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner).clone();
        // There is always one: `open` fails without.
        let Some(key) = keys.first() else { return String::new() };
        let header = json!({
            "alg": "EdDSA",
            "kid": key.id,
            "sender": claims.sender,
            "target": claims.target,
            "id": claims.id,
            "iat": claims.sent.0.div_euclid(1000),
        });
        let header = BASE64.encode(header.to_string());
        let signature = key.signing.sign(format!("{header}.{}", BASE64.encode(body)).as_bytes());
        format!("{header}..{}", BASE64.encode(signature.to_bytes()))
    }

    /// The public keys, as a JSON Web Key Set (RFC 7517).
    pub fn key_set(&self) -> String {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner).clone();
        json!({"keys": keys.iter().map(Key::public).collect::<Vec<_>>()}).to_string()
    }

    /// Makes a key if the newest has signed for long enough, and forgets those that are too old.
    async fn rotate(&self) -> Result<(), Error> {
        let mut seed = [0; 32];
        self.clock.random(&mut seed);
        let fresh = Record { seed: BASE64.encode(seed), from: self.clock.now() };
        let rotate = move |tx: &mut Tx<'_>| -> Result<Vec<Record>, Error> {
            let now = fresh.from;
            let mut kept: Vec<Record> = Vec::new();
            for (key, bytes) in tx.scan_prefix(KEYS, &[], usize::MAX)? {
                let damaged = |error: serde_json::Error| Error::Damaged { table: KEYS.0, why: error.to_string() };
                let record: Record = serde_json::from_slice(&bytes).map_err(damaged)?;
                if now.since(record.from) > SIGNS + PUBLISHED {
                    tx.delete(KEYS, &key);
                } else {
                    kept.push(record);
                }
            }
            if kept.last().is_none_or(|newest| now.since(newest.from) >= SIGNS) {
                tx.save(KEYS, &now.0.to_be_bytes(), &fresh)?;
                kept.push(fresh.clone());
            }
            Ok(kept)
        };
        let kept = self.store.transact(rotate).await?;
        let mut keys: Vec<Key> = kept.iter().filter_map(Key::of).collect();
        keys.sort_by_key(|key| std::cmp::Reverse(key.from));
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
        Ok(())
    }
}

/// Replaces keys when their time has come.
async fn work(signer: Weak<Signer>) {
    loop {
        let Some(clock) = signer.upgrade().map(|signer| signer.clock.clone()) else { return };
        clock.sleep_until(clock.now().plus(CHECK)).await;
        let Some(signer) = signer.upgrade() else { return };
        if let Err(error) = signer.rotate().await {
            tracing::error!(%error, "the signing key could not be replaced; the one before goes on");
        }
    }
}

/// The tag of a queue or bus that lists the senders whose messages it takes. Without it, it takes everybody's.
pub const SENDERS: &str = "fogbank:senders";

/// Whether a sender is on a list of senders: ARNs separated by spaces or commas, in which `*` stands for any text.
pub fn is_listed(list: &str, sender: &str) -> bool {
    list.split([' ', ',']).filter(|pattern| !pattern.is_empty()).any(|pattern| matches_wildcard(pattern, sender))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use ed25519_dalek::{Signature, VerifyingKey};
    use fogbank_model::TestClock;

    const CLAIMS: Claims<'_> = Claims {
        sender: "arn:aws:iam::123456789012:user/ann",
        target: "arn:aws:sqs:eu-west-1:123456789012:q",
        id: "8f5a0c2e-0000-4000-8000-000000000001",
        sent: Timestamp(1_777_890_030_123),
    };

    /// Verifies as a receiver would, and returns the header.
    fn verify(keys: &str, signature: &str, body: &[u8]) -> Option<Value> {
        let (header, signed) = signature.split_once("..")?;
        let claims: Value = serde_json::from_slice(&BASE64.decode(header).ok()?).ok()?;
        let keys: Value = serde_json::from_str(keys).ok()?;
        let key = keys["keys"].as_array()?.iter().find(|key| key["kid"] == claims["kid"])?;
        let public: [u8; 32] = BASE64.decode(key["x"].as_str()?).ok()?.try_into().ok()?;
        let signature = Signature::from_slice(&BASE64.decode(signed).ok()?).ok()?;
        let input = format!("{header}.{}", BASE64.encode(body));
        VerifyingKey::from_bytes(&public).ok()?.verify_strict(input.as_bytes(), &signature).ok()?;
        Some(claims)
    }

    #[tokio::test]
    async fn a_receiver_can_verify_sender_and_body() {
        let home = tempfile::tempdir().unwrap();
        let clock = Arc::new(TestClock::new(CLAIMS.sent, 3));
        let store = Store::open(home.path(), clock.clone()).unwrap();
        let signer = Signer::open(&store, clock).await.unwrap();
        let signature = signer.sign(&CLAIMS, b"body");
        let claims = verify(&signer.key_set(), &signature, b"body").unwrap();
        assert_eq!((&claims["sender"], &claims["target"]), (&json!(CLAIMS.sender), &json!(CLAIMS.target)));
        assert_eq!((&claims["id"], &claims["iat"]), (&json!(CLAIMS.id), &json!(1_777_890_030)));
        assert_eq!(verify(&signer.key_set(), &signature, b"another body"), None);
        let forged = Claims { sender: "arn:aws:iam::123456789012:user/eve", ..CLAIMS };
        let (header, _) =
            signer.sign(&forged, b"body").split_once("..").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        let mixed = format!("{header}..{}", signature.split_once("..").unwrap().1);
        assert_eq!(verify(&signer.key_set(), &mixed, b"body"), None);
    }

    #[tokio::test]
    async fn keys_are_replaced_stay_published_and_outlive_a_restart() {
        let home = tempfile::tempdir().unwrap();
        let clock = Arc::new(TestClock::new(CLAIMS.sent, 3));
        let store = Store::open(home.path(), clock.clone()).unwrap();
        let signer = Signer::open(&store, clock.clone()).await.unwrap();
        let (first, published) = (signer.sign(&CLAIMS, b"body"), |signer: &Signer| {
            serde_json::from_str::<Value>(&signer.key_set()).unwrap()["keys"].as_array().unwrap().len()
        });
        clock.advance(SIGNS);
        signer.rotate().await.unwrap();
        let second = signer.sign(&CLAIMS, b"body");
        assert_ne!(first.split_once("..").unwrap().0, second.split_once("..").unwrap().0);
        assert!(verify(&signer.key_set(), &first, b"body").is_some());
        drop(signer);
        let signer = Signer::open(&store, clock.clone()).await.unwrap();
        assert_eq!((published(&signer), signer.sign(&CLAIMS, b"body")), (2, second));
        clock.advance(PUBLISHED + Duration::from_secs(1));
        signer.rotate().await.unwrap();
        assert_eq!(published(&signer), 2);
        assert!(verify(&signer.key_set(), &first, b"body").is_none());
    }

    #[test]
    fn a_list_names_senders_by_patterns() {
        let list = "arn:aws:iam::1:user/ann, arn:aws:sts::1:assumed-role/shop-*/orders";
        for (sender, expected) in [
            ("arn:aws:iam::1:user/ann", true),
            ("arn:aws:iam::1:user/anna", false),
            ("arn:aws:sts::1:assumed-role/shop-a/orders", true),
            ("arn:aws:sts::1:assumed-role/shop-/orders", true),
            ("arn:aws:sts::1:assumed-role/shop-a/payments", false),
            ("", false),
        ] {
            assert_eq!(is_listed(list, sender), expected, "{sender}");
        }
        assert!(is_listed("*", "anybody") && is_listed("a*b*c", "axbxbc") && !is_listed("a*b*c", "axc"));
        assert!(!is_listed("a*a", "a"));
    }
}
