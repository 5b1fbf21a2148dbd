//! Checksums of bodies, as they pass.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use md5::{Digest as _, Md5};
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Sha1, Sha256};
use serde::{Deserialize, Serialize};

/// How a checksum is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Algorithm {
    /// `CRC32`
    Crc32,
    /// `CRC32C`
    Crc32c,
    /// `CRC64NVME`
    Crc64Nvme,
    /// `SHA1`
    Sha1,
    /// `SHA256`
    Sha256,
}

impl Algorithm {
    /// Every one of them.
    pub const ALL: [Self; 5] = [Self::Crc32, Self::Crc32c, Self::Crc64Nvme, Self::Sha1, Self::Sha256];

    /// As it is called on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    /// The header that carries such a checksum.
    pub fn header(self) -> &'static str {
        match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32c => "x-amz-checksum-crc32c",
            Self::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Self::Sha1 => "x-amz-checksum-sha1",
            Self::Sha256 => "x-amz-checksum-sha256",
        }
    }

    /// The algorithm called `name`, in any case.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name().eq_ignore_ascii_case(name))
    }

    /// Bytes of a checksum.
    pub fn length(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64Nvme => 8,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    fn crc(self) -> Option<crc_fast::CrcAlgorithm> {
        match self {
            Self::Crc32 => Some(crc_fast::CrcAlgorithm::Crc32IsoHdlc),
            Self::Crc32c => Some(crc_fast::CrcAlgorithm::Crc32Iscsi),
            Self::Crc64Nvme => Some(crc_fast::CrcAlgorithm::Crc64Nvme),
            Self::Sha1 | Self::Sha256 => None,
        }
    }

    /// Whether the checksum of a whole follows from those of its parts.
    pub fn combines(self) -> bool {
        self.crc().is_some()
    }

    /// The checksum, in base64, of parts that have these checksums and lengths; `None` if one of them is not of the algorithm.
    pub fn combine<'p>(self, parts: impl IntoIterator<Item = (&'p str, u64)>) -> Option<String> {
        let crc = self.crc()?;
        let mut whole = 0;
        for (value, length) in parts {
            let bytes = BASE64.decode(value).ok().filter(|bytes| bytes.len() == self.length())?;
            let part = bytes.iter().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
            whole = crc_fast::checksum_combine(crc, whole, part, length);
        }
        let bytes = whole.to_be_bytes();
        Some(BASE64.encode(&bytes[8 - self.length()..]))
    }

    /// The checksum, in base64, of the parts' checksums one after another.
    pub fn of_checksums<'p>(self, values: impl IntoIterator<Item = &'p str>) -> Option<String> {
        let mut sum = Sum::new(self);
        for value in values {
            sum.update(&BASE64.decode(value).ok()?);
        }
        Some(sum.finish())
    }
}

enum Sum {
    Crc32(Crc32),
    Crc32c(Crc32c),
    Crc64Nvme(Crc64Nvme),
    Sha1(Sha1),
    Sha256(Sha256),
}

impl Sum {
    fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Crc32 => Self::Crc32(Crc32::new()),
            Algorithm::Crc32c => Self::Crc32c(Crc32c::new()),
            Algorithm::Crc64Nvme => Self::Crc64Nvme(Crc64Nvme::new()),
            Algorithm::Sha1 => Self::Sha1(Sha1::new()),
            Algorithm::Sha256 => Self::Sha256(Sha256::new()),
        }
    }

    fn update(&mut self, data: &[u8]) {
        match self {
            Self::Crc32(sum) => sum.update(data),
            Self::Crc32c(sum) => sum.update(data),
            Self::Crc64Nvme(sum) => sum.update(data),
            Self::Sha1(sum) => sum.update(data),
            Self::Sha256(sum) => sum.update(data),
        }
    }

    fn finish(self) -> String {
        match self {
            Self::Crc32(sum) => BASE64.encode(sum.finalize()),
            Self::Crc32c(sum) => BASE64.encode(sum.finalize()),
            Self::Crc64Nvme(sum) => BASE64.encode(sum.finalize()),
            Self::Sha1(sum) => BASE64.encode(sum.finalize()),
            Self::Sha256(sum) => BASE64.encode(sum.finalize()),
        }
    }
}

/// What is computed of a body: its MD5, and checksums.
pub(crate) struct Sums {
    md5: Md5,
    sums: Vec<(Algorithm, Sum)>,
}

/// The result of [`Sums`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Digests {
    pub md5: [u8; 16],
    /// In base64, in the order in which they were asked for.
    pub values: Vec<(Algorithm, String)>,
}

impl Digests {
    /// The checksum of `algorithm`, if it was asked for.
    pub fn value(&self, algorithm: Algorithm) -> Option<&str> {
        self.values.iter().find(|(of, _)| *of == algorithm).map(|(_, value)| value.as_str())
    }

    /// The MD5 as ETags have it.
    pub fn etag(&self) -> String {
        hex::encode(self.md5)
    }
}

impl Sums {
    pub fn new(algorithms: &[Algorithm]) -> Self {
        Self { md5: Md5::new(), sums: algorithms.iter().map(|one| (*one, Sum::new(*one))).collect() }
    }

    pub fn update(&mut self, data: &[u8]) {
        self.md5.update(data);
        self.sums.iter_mut().for_each(|(_, sum)| sum.update(data));
    }

    pub fn finish(self) -> Digests {
        let values = self.sums.into_iter().map(|(algorithm, sum)| (algorithm, sum.finish())).collect();
        Digests { md5: self.md5.finalize().into(), values }
    }
}

/// The ETag of an object that was made of parts with these ETags: the MD5 of their MD5s, and how many they were.
pub(crate) fn etag_of_parts<'p>(etags: impl IntoIterator<Item = &'p str>) -> String {
    let mut md5 = Md5::new();
    let mut count = 0;
    for etag in etags {
        md5.update(hex::decode(etag).unwrap_or_default());
        count += 1;
    }
    format!("{}-{count}", hex::encode(md5.finalize()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn sum(algorithm: Algorithm, data: &[u8]) -> String {
        let mut sums = Sums::new(&[algorithm]);
        sums.update(data);
        sums.finish().value(algorithm).unwrap().to_owned()
    }

    #[test]
    fn checksums_are_the_known_ones() {
        assert_eq!(sum(Algorithm::Crc32, b"hello world"), "DUoRhQ==");
        assert_eq!(sum(Algorithm::Crc32c, b"hello world"), "yZRlqg==");
        assert_eq!(sum(Algorithm::Sha1, b"hello world"), "Kq5sNclPz7QV2+lfQIuc6R7oRu0=");
        assert_eq!(sum(Algorithm::Sha256, b"hello world"), "uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=");
    }

    #[test]
    fn a_whole_has_the_checksum_that_its_parts_combine_to() {
        let (first, second) = (b"some bytes ".as_slice(), b"and some more".as_slice());
        let whole = [first, second].concat();
        for algorithm in Algorithm::ALL.into_iter().filter(|one| one.combines()) {
            let (one, two) = (sum(algorithm, first), sum(algorithm, second));
            let parts = [(one.as_str(), first.len() as u64), (two.as_str(), second.len() as u64)];
            assert_eq!(algorithm.combine(parts), Some(sum(algorithm, &whole)), "{}", algorithm.name());
        }
    }

    #[test]
    fn an_etag_of_parts_counts_them() {
        let etag = etag_of_parts(["d41d8cd98f00b204e9800998ecf8427e"]);
        assert_eq!(etag, "59adb24ef3cdbe0297f05b395827453f-1");
    }
}
