//! Receipt handles: which message of which queue, and which receipt of it, signed with a key of the store, so that a handle holds
//! across restarts and cannot be made up or used at another queue.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The key that handles are signed with.
pub(crate) type Secret = [u8; 32];

const NUMBERS: usize = 20;

/// What a handle says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Receipt {
    /// The queue's id.
    pub queue: u64,
    /// The message's number.
    pub number: u64,
    /// The count of receipts when it was given out.
    pub received: u32,
}

impl Receipt {
    pub fn encode(&self, secret: &Secret) -> String {
        let numbers = [&self.queue.to_be_bytes()[..], &self.number.to_be_bytes(), &self.received.to_be_bytes()];
        let numbers = numbers.concat();
        let signature = mac(secret, &numbers).finalize().into_bytes();
        BASE64.encode([numbers.as_slice(), &signature].concat())
    }

    /// Reads a handle that this platform made.
    pub fn decode(handle: &str, secret: &Secret) -> Option<Self> {
        // Longer texts are none, and need not be decoded to know.
        let bytes = BASE64.decode(handle.get(..handle.len().min(128))?).ok()?;
        let (numbers, signature) = bytes.split_at_checked(NUMBERS)?;
        mac(secret, numbers).verify_slice(signature).ok()?;
        let (queue, rest) = numbers.split_first_chunk::<8>()?;
        let (number, rest) = rest.split_first_chunk::<8>()?;
        Some(Self {
            queue: u64::from_be_bytes(*queue),
            number: u64::from_be_bytes(*number),
            received: u32::from_be_bytes(*rest.first_chunk::<4>()?),
        })
    }
}

fn mac(secret: &Secret, numbers: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes a key of any length");
    mac.update(numbers);
    mac
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_what_was_signed_is_a_handle() {
        let receipt = Receipt { queue: 7, number: 8, received: 1 };
        let handle = receipt.encode(&[1; 32]);
        assert_eq!(Receipt::decode(&handle, &[1; 32]), Some(receipt));
        assert_eq!(Receipt::decode(&handle, &[2; 32]), None);
        let mut bytes = BASE64.decode(&handle).unwrap();
        bytes[15] ^= 1;
        for text in [BASE64.encode(bytes), String::new(), "fake".into(), "ü".repeat(200), "A".repeat(500)] {
            assert_eq!(Receipt::decode(&text, &[1; 32]), None, "{text}");
        }
    }
}
