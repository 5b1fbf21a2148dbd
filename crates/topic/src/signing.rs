//! The key that notifications are signed with, its certificate, and AWS's canonical string.
//!
//! The key is made when the first notification needs it, and kept in the store; the certificate is its own issuer.

use crate::{Error, keys};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use fogbank_model::{Clock, Timestamp};
use fogbank_store::{Error as StoreError, Read, Store, Tx};
use rsa::pkcs1v15::{Pkcs1v15Sign, Signature, SigningKey};
use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey, LineEnding};
use rsa::rand_core::{CryptoRng, Error as RandomError, RngCore};
use rsa::sha2::{Digest, Sha256};
use rsa::{RsaPrivateKey, sha2};
use serde::{Deserialize, Serialize};
use std::str::FromStr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use x509_cert::builder::{Builder, CertificateBuilder, Profile};
use x509_cert::der::asn1::UtcTime;
use x509_cert::der::{DecodePem, EncodePem};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::SubjectPublicKeyInfoOwned;
use x509_cert::time::{Time, Validity};

/// Bits of the key, as AWS's.
const BITS: usize = 2048;
/// How long the certificate holds: longer than any installation, because nothing replaces it.
const VALID: Duration = Duration::from_secs(20 * 365 * 24 * 3600);
/// The last moment that a certificate writes with a year of two digits.
const LAST_SHORT_YEAR: i64 = 2_524_607_999_000;

/// The key as it is stored.
#[derive(Serialize, Deserialize)]
pub(crate) struct Kept {
    /// PKCS #8, in base64.
    key: String,
    /// PEM.
    certificate: String,
}

/// Which digest a signature is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Version {
    /// SHA-1, AWS's default.
    One,
    /// SHA-256.
    Two,
}

impl Version {
    /// What a topic's attribute `SignatureVersion` says.
    pub fn of(attribute: Option<&String>) -> Self {
        if attribute.is_some_and(|version| version == "2") { Self::Two } else { Self::One }
    }

    /// `1` or `2`.
    pub fn name(self) -> &'static str {
        match self {
            Self::One => "1",
            Self::Two => "2",
        }
    }
}

/// Signs notifications.
pub struct Signer {
    store: Store,
    clock: Arc<dyn Clock>,
    ready: OnceLock<Arc<Ready>>,
}

/// A key in use.
pub(crate) struct Ready {
    key: RsaPrivateKey,
    certificate: String,
    path: String,
}

/// The clock's randomness, for the key.
struct Random<'c>(&'c dyn Clock);

impl RngCore for Random<'_> {
    fn next_u32(&mut self) -> u32 {
        let mut bytes = [0; 4];
        self.0.random(&mut bytes);
        u32::from_le_bytes(bytes)
    }

    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.0.random(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.0.random(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), RandomError> {
        self.0.random(bytes);
        Ok(())
    }
}

impl CryptoRng for Random<'_> {}

impl Signer {
    pub(crate) fn over(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, ready: OnceLock::new() }
    }

    /// The key, made now if there is none. Takes a moment then.
    pub(crate) async fn ready(&self) -> Result<Arc<Ready>, Error> {
        if let Some(ready) = self.known()? {
            return Ok(ready);
        }
        let clock = self.clock.clone();
        let made = tokio::task::spawn_blocking(move || make(&*clock)).await;
        let fresh = made.map_err(|error| failed(&error)).flatten()?;
        let keep = move |tx: &mut Tx<'_>| -> Result<(), StoreError> {
            match tx.get(keys::SIGNING, &[])? {
                Some(_) => Ok(()),
                None => tx.save(keys::SIGNING, &[], &fresh),
            }
        };
        self.store.transact(keep).await?;
        Ok(self.known()?.ok_or_else(|| failed(&"it was not kept"))?)
    }

    /// The key, if there is one.
    pub(crate) fn known(&self) -> Result<Option<Arc<Ready>>, StoreError> {
        if let Some(ready) = self.ready.get() {
            return Ok(Some(ready.clone()));
        }
        let kept: Option<Kept> = self.store.read(|snapshot| snapshot.load(keys::SIGNING, &[]))?;
        let Some(kept) = kept else { return Ok(None) };
        let bytes = BASE64.decode(&kept.key).map_err(|error| failed(&error))?;
        let key = RsaPrivateKey::from_pkcs8_der(&bytes).map_err(|error| failed(&error))?;
        let ready = Arc::new(Ready { key, path: path(&kept.certificate), certificate: kept.certificate });
        Ok(Some(self.ready.get_or_init(|| ready).clone()))
    }

    /// The certificate at `path`, in PEM, if that is where it is.
    pub fn certificate(&self, path: &str) -> Option<String> {
        let ready = self.known().ok()??;
        (ready.path == path).then(|| ready.certificate.clone())
    }
}

fn failed(why: &dyn std::fmt::Display) -> StoreError {
    StoreError::Damaged { table: keys::SIGNING.0, why: why.to_string() }
}

impl Ready {
    /// The signature over `text`, in base64.
    pub fn sign(&self, version: Version, text: &str) -> String {
        let signed = match version {
            Version::One => self.key.sign(Pkcs1v15Sign::new::<sha1::Sha1>(), &sha1::Sha1::digest(text)),
            Version::Two => self.key.sign(Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(text)),
        };
        BASE64.encode(signed.expect("a digest is shorter than the key"))
    }

    /// Where the platform serves the certificate.
    pub fn path(&self) -> &str {
        &self.path
    }
}

fn make(clock: &dyn Clock) -> Result<Kept, StoreError> {
    let key = RsaPrivateKey::new(&mut Random(clock), BITS).map_err(|error| failed(&error))?;
    let certificate = certificate(clock, &key).map_err(|error| failed(&error))?;
    let bytes = key.to_pkcs8_der().map_err(|error| failed(&error))?;
    Ok(Kept { key: BASE64.encode(bytes.as_bytes()), certificate })
}

fn certificate(clock: &dyn Clock, key: &RsaPrivateKey) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let name = Name::from_str("CN=sns.amazonaws.com,O=Fogbank")?;
    let public = key.to_public_key().to_public_key_pem(LineEnding::LF)?;
    let public = SubjectPublicKeyInfoOwned::from_pem(&public)?;
    let mut serial = [0; 16];
    clock.random(&mut serial);
    // A serial number is positive, and its first byte is not zero.
    serial[0] = serial[0] & 0x7f | 0x40;
    let now = clock.now();
    let validity = Validity { not_before: time(now)?, not_after: time(now.plus(VALID))? };
    let signer = SigningKey::<sha2::Sha256>::new(key.clone());
    let serial = SerialNumber::new(&serial)?;
    let builder = CertificateBuilder::new(Profile::Root, serial, validity, name, public, &signer)?;
    Ok(builder.build::<Signature>()?.to_pem(LineEnding::LF)?)
}

fn time(at: Timestamp) -> Result<Time, x509_cert::der::Error> {
    let short = at.0.clamp(0, LAST_SHORT_YEAR);
    UtcTime::from_unix_duration(Duration::from_millis(short.unsigned_abs())).map(Time::UtcTime)
}

/// AWS's form of the path, with the certificate's digest.
fn path(certificate: &str) -> String {
    let digest = hex::encode(Sha256::digest(certificate));
    format!("/SimpleNotificationService-{}.pem", &digest[..32])
}

/// The text that is signed: names and values of what is there, each on a line of its own, in the order that AWS fixed.
pub(crate) fn canonical(pairs: &[(&str, Option<&str>)]) -> String {
    pairs.iter().filter_map(|(name, value)| Some(format!("{name}\n{}\n", (*value)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use fogbank_model::TestClock;
    use rsa::pkcs8::DecodePublicKey;
    use x509_cert::Certificate;
    use x509_cert::der::Encode;

    #[tokio::test]
    async fn the_key_of_the_certificate_verifies_what_was_signed() {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(TestClock::new(Timestamp(1_800_000_000_000), 7));
        let store = Store::open(directory.path(), clock.clone()).unwrap();
        let signer = Signer::over(store.clone(), clock.clone());
        let ready = signer.ready().await.unwrap();
        let pem = signer.certificate(ready.path()).unwrap();
        let certificate = Certificate::from_pem(pem.as_bytes()).unwrap();
        let public = certificate.tbs_certificate.subject_public_key_info.to_der().unwrap();
        let public = rsa::RsaPublicKey::from_public_key_der(&public).unwrap();
        let signature = BASE64.decode(ready.sign(Version::Two, "text")).unwrap();
        public.verify(Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest("text"), &signature).unwrap();
        let again = Signer::over(store, clock).ready().await.unwrap();
        assert_eq!(again.sign(Version::One, "text"), ready.sign(Version::One, "text"), "the key is kept");
        assert!(signer.certificate("/SimpleNotificationService-0.pem").is_none());
    }
}
