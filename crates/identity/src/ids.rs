//! IAM's unique ids and access keys.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use fogbank_model::Clock;

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// `prefix` and `length` characters of `random`.
fn id(prefix: &str, random: &[u8]) -> String {
    let letters = random.iter().map(|byte| char::from(BASE32[usize::from(byte % 32)]));
    prefix.chars().chain(letters).collect()
}

/// The unique id of an entity: `AROA` for roles, `AIDA` for users, `ANPA` for policies, then 17 characters.
pub(crate) fn unique(prefix: &str, clock: &dyn Clock) -> String {
    let mut random = [0u8; 17];
    clock.random(&mut random);
    id(prefix, &random)
}

/// An access key id: `AKIA` for lasting ones, `ASIA` for temporary ones, then 16 characters.
pub(crate) fn access_key(prefix: &str, clock: &dyn Clock) -> String {
    let mut random = [0u8; 16];
    clock.random(&mut random);
    id(prefix, &random)
}

/// Whether a text has the form of a lasting access key's id.
pub(crate) fn is_lasting_key(id: &str) -> bool {
    id.len() == 20 && id.starts_with("AKIA")
}

/// The unique id that stands for something without a record; the same for the same `digest`.
pub(crate) fn derived(prefix: &str, digest: &[u8; 32]) -> String {
    id(prefix, digest.get(..17).unwrap_or_default())
}

/// Forty characters, as secret access keys have.
pub(crate) fn secret(clock: &dyn Clock) -> String {
    let mut random = [0u8; 30];
    clock.random(&mut random);
    STANDARD_NO_PAD.encode(random)
}
