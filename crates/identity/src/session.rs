//! Temporary credentials that nobody has to remember: the session token carries who they are for, signed.

use crate::{Error, Identity, ids};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use fogbank_model::{AccountId, Arn, Caller, Timestamp};
use fogbank_wire::{KeyOwner, LookupError};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::time::Duration;

/// How long the credentials of a function instance are valid, as on AWS.
const INSTANCE_SESSION: Duration = Duration::from_secs(12 * 3600);
/// Tokens longer than this are not looked at.
const LONGEST_TOKEN: usize = 8192;

/// Credentials for a while.
#[derive(Clone)]
pub struct TemporaryCredentials {
    /// `ASIA…`
    pub access_key_id: String,
    /// The secret access key.
    pub secret: String,
    /// The session token that must accompany them.
    pub token: String,
    /// When they cease to be valid.
    pub expiration: Timestamp,
}

/// What a session token says.
#[derive(Serialize, Deserialize)]
struct Claims {
    #[serde(rename = "k")]
    access_key_id: String,
    #[serde(rename = "a")]
    account: AccountId,
    #[serde(rename = "e")]
    expiration: Timestamp,
    #[serde(rename = "c")]
    caller: ClaimedCaller,
}

#[derive(Serialize, Deserialize)]
enum ClaimedCaller {
    Root,
    User { arn: Arn, id: String },
    Role { role: Arn, session: String },
}

/// Signs and checks session tokens.
pub(crate) struct Signer {
    secret: [u8; 32],
}

impl Signer {
    pub fn new(secret: [u8; 32]) -> Self {
        Self { secret }
    }

    fn mac(&self, purpose: &[u8], data: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.secret).expect("HMAC takes a key of any length");
        mac.update(purpose);
        mac.update(data);
        mac
    }

    /// The secret access key that goes with a token's `claims`.
    fn secret_of(&self, claims: &str) -> String {
        let bytes: [u8; 32] = self.mac(b"secret:", claims.as_bytes()).finalize().into_bytes().into();
        STANDARD_NO_PAD.encode(bytes.get(..30).unwrap_or_default())
    }

    fn issue(&self, claims: &Claims) -> Result<TemporaryCredentials, Error> {
        let json = serde_json::to_vec(claims).map_err(|why| Error::InvalidInput(why.to_string()))?;
        let text = URL_SAFE_NO_PAD.encode(json);
        let mac: [u8; 32] = self.mac(b"token:", text.as_bytes()).finalize().into_bytes().into();
        Ok(TemporaryCredentials {
            access_key_id: claims.access_key_id.clone(),
            secret: self.secret_of(&text),
            token: format!("{text}.{}", URL_SAFE_NO_PAD.encode(mac)),
            expiration: claims.expiration,
        })
    }

    /// Whom `token` is for, if it was issued here for this access key and is still valid.
    pub fn owner(&self, access_key_id: &str, token: &str, now: Timestamp) -> Result<KeyOwner, LookupError> {
        let (text, mac) = token.split_once('.').filter(|_| token.len() <= LONGEST_TOKEN).ok_or(LookupError::Invalid)?;
        let mac = URL_SAFE_NO_PAD.decode(mac).map_err(|_| LookupError::Invalid)?;
        self.mac(b"token:", text.as_bytes()).verify_slice(&mac).map_err(|_| LookupError::Invalid)?;
        let claims = URL_SAFE_NO_PAD.decode(text).ok().and_then(|json| serde_json::from_slice::<Claims>(&json).ok());
        let claims = claims.filter(|claims| claims.access_key_id == access_key_id).ok_or(LookupError::Invalid)?;
        if claims.expiration <= now {
            return Err(LookupError::Expired);
        }
        let caller = match claims.caller {
            ClaimedCaller::Root => Caller::Root,
            ClaimedCaller::User { arn, id } => Caller::User { arn, id },
            ClaimedCaller::Role { role, session } => Caller::Role { role, session },
        };
        Ok(KeyOwner { secret: self.secret_of(text), account: claims.account, caller })
    }

    /// The unique id of a role that has no record; the same every time.
    pub fn derived_role_id(&self, role: &Arn) -> String {
        ids::derived("AROA", &self.mac(b"role:", role.as_str().as_bytes()).finalize().into_bytes().into())
    }
}

impl Identity {
    /// Credentials for a function instance of `account` that acts as `role`, valid for twelve hours. Nothing is stored, and the role
    /// need not exist: the function's registration has said so. They act in `account` alone, whatever the role's ARN says.
    ///
    /// # Errors
    /// None that a function instance can cause.
    pub fn session(&self, account: &AccountId, role: &Arn, session_name: &str) -> Result<TemporaryCredentials, Error> {
        let caller = Caller::Role { role: role.clone(), session: session_name.into() };
        self.credentials(account.clone(), &caller, INSTANCE_SESSION)
    }

    /// Credentials for `caller`, valid for `duration`.
    pub(crate) fn credentials(
        &self,
        account: AccountId,
        caller: &Caller,
        duration: Duration,
    ) -> Result<TemporaryCredentials, Error> {
        let caller = match caller.clone() {
            Caller::Root => ClaimedCaller::Root,
            Caller::User { arn, id } => ClaimedCaller::User { arn, id },
            Caller::Role { role, session } => ClaimedCaller::Role { role, session },
            Caller::Service(name) => {
                return Err(Error::AccessDenied(format!("{name} has no credentials of its own.")));
            }
        };
        let access_key_id = ids::access_key("ASIA", self.clock.as_ref());
        // Whole seconds, as every protocol can tell them.
        let expiration = self.clock.now().plus(duration);
        let expiration = Timestamp(expiration.0 - expiration.0.rem_euclid(1000));
        self.signer.issue(&Claims { access_key_id, account, expiration, caller })
    }
}
