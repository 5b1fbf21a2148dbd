//! What files in Zstandard hold (RFC 8878).

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use std::io::{self, BufRead, BufReader, Read};

/// Reads all frames of a file, as one: tools that compress on several processors write several.
pub(super) struct Frames<R> {
    source: BufReader<R>,
    decoder: FrameDecoder,
    /// Whether a frame has begun, and its end was not checked.
    is_within: bool,
}

impl<R: Read> Frames<R> {
    pub fn new(source: R) -> Self {
        Self { source: BufReader::new(source), decoder: FrameDecoder::new(), is_within: false }
    }

    /// Reads the head of a frame. One that decoders are to skip has nothing of the content.
    fn begin(&mut self) -> io::Result<()> {
        match self.decoder.reset(&mut self.source) {
            Ok(()) => self.is_within = true,
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                let mut skipped = (&mut self.source).take(length.into());
                if io::copy(&mut skipped, &mut io::sink())? < length.into() {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            Err(error) => return Err(spoilt(error)),
        }
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        self.is_within = false;
        let (told, found) = (self.decoder.get_checksum_from_data(), self.decoder.get_calculated_checksum());
        match told.is_none() || told == found {
            true => Ok(()),
            false => Err(io::Error::new(io::ErrorKind::InvalidData, "A frame's checksum is wrong")),
        }
    }
}

fn spoilt(error: FrameDecoderError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error.to_string())
}

impl<R: Read> Read for Frames<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.is_within && self.decoder.can_collect() > 0 {
                return self.decoder.read(into);
            } else if self.is_within && self.decoder.is_finished() {
                self.end()?;
            } else if self.is_within {
                self.decoder.decode_blocks(&mut self.source, BlockDecodingStrategy::UptoBlocks(1)).map_err(spoilt)?;
            } else if self.source.fill_buf()?.is_empty() {
                return Ok(0);
            } else {
                self.begin()?;
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    fn packed(content: &[u8]) -> Vec<u8> {
        compress_to_vec(content, CompressionLevel::Fastest)
    }

    fn content(packed: &[u8]) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        Frames::new(packed).read_to_end(&mut content).map(|_| content)
    }

    #[test]
    fn all_frames_are_read_and_those_skipped_that_are_none() {
        let (first, second) = (b"a line\n".repeat(100_000), b"another\n");
        let note = [&0x184d_2a50_u32.to_le_bytes()[..], &5_u32.to_le_bytes(), b"hello"].concat();
        let file = [&packed(&first), &note[..], &packed(b""), &packed(second), &note].concat();
        assert_eq!(content(&file).unwrap(), [&first[..], second].concat());
        assert_eq!(content(b"").unwrap(), b"");
    }

    #[test]
    fn what_is_cut_off_or_damaged_is_told() {
        let file = packed(&b"0123456789".repeat(1000));
        for end in 1..file.len() {
            assert_eq!(content(&file[..end]).unwrap_err().kind(), io::ErrorKind::InvalidData, "{end}");
        }
        assert!(content(b"no frame").is_err());
        let note = [&0x184d_2a50_u32.to_le_bytes()[..], &5_u32.to_le_bytes(), b"hell"].concat();
        assert_eq!(content(&note).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        let whole = content(&file).unwrap();
        for at in 0..file.len() {
            for bit in 0..8 {
                let mut damaged = file.clone();
                damaged[at] ^= 1 << bit;
                assert!(content(&damaged).ok().is_none_or(|read| read == whole), "{at}");
            }
        }
    }

    #[test]
    fn a_window_that_would_take_the_memory_is_refused() {
        // A frame whose head asks for the largest window there is.
        let head = [&0xfd2f_b528_u32.to_le_bytes()[..], &[0, 0xff]].concat();
        assert_eq!(content(&head).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
