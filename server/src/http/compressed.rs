//! Files inside the binary, compressed once each: who asks for them again and again costs no compression, and they may be compressed
//! harder than an answer made for one.

use super::compress::WORTH_BYTES;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT_ENCODING, HeaderValue};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Of 11; the last two cost ten times as much for a few bytes.
const BROTLI_QUALITY: u32 = 9;
/// As large a window as a file needs.
const BROTLI_WINDOW: u32 = 22;

/// How a file may be compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Coding {
    Brotli,
    Gzip,
}

/// One compressed file, made by the first who wants it.
type Made = Arc<OnceLock<Bytes>>;

/// By address and coding: there are only so many files, so this is bounded.
static MADE: Mutex<BTreeMap<(usize, Coding), Made>> = Mutex::new(BTreeMap::new());

impl Coding {
    /// The better one of those that are taken (RFC 9110, section 12.5.3): named, and not with `q=0`.
    pub(super) fn taken(asked: &HeaderMap) -> Option<Coding> {
        let named = |coding: &str| {
            let values = asked.get_all(ACCEPT_ENCODING).into_iter().filter_map(|value| value.to_str().ok());
            values.flat_map(|value| value.split(',')).any(|one| {
                let mut parts = one.split(';').map(str::trim);
                let is_it = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(coding));
                is_it
                    && !parts.any(|part| {
                        part.strip_prefix(['q', 'Q']).and_then(|q| q.strip_prefix('=')).and_then(|q| q.parse().ok()) == Some(0.0f32)
                    })
            })
        };
        named("br").then_some(Coding::Brotli).or_else(|| named("gzip").then_some(Coding::Gzip))
    }

    /// As `Content-Encoding` has it.
    pub(super) fn name(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Coding::Brotli => "br",
            Coding::Gzip => "gzip",
        })
    }

    /// The file so compressed; none where that is not worth it.
    pub(super) fn of(self, content: &'static [u8]) -> Option<Bytes> {
        if content.len() < usize::from(WORTH_BYTES) {
            return None;
        }
        // Who wants another file does not wait for this one.
        let key = (content.as_ptr().addr(), self);
        let made = MADE.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default().clone();
        Some(made.get_or_init(|| self.write(content).expect("memory takes it").into()).clone())
    }

    fn write(self, content: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Coding::Brotli => {
                let mut writer = brotli::CompressorWriter::new(Vec::new(), 4_096, BROTLI_QUALITY, BROTLI_WINDOW);
                writer.write_all(content)?;
                writer.flush()?;
                Ok(writer.into_inner())
            }
            Coding::Gzip => {
                let mut writer = GzEncoder::new(Vec::new(), Compression::best());
                writer.write_all(content)?;
                writer.finish()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn the_better_one_of_what_is_taken() {
        for (asked, coding) in [
            ("gzip, deflate, br, zstd", Some(Coding::Brotli)),
            ("gzip", Some(Coding::Gzip)),
            ("GZIP;q=0.5", Some(Coding::Gzip)),
            ("br;q=0, gzip;q=1.0", Some(Coding::Gzip)),
            ("br; q=0.000", None),
            ("br;Q=0", None),
            ("identity", None),
            ("", None),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(asked))]);
            assert_eq!(Coding::taken(&headers), coding, "{asked}");
        }
        assert_eq!(Coding::taken(&HeaderMap::new()), None);
    }

    #[test]
    fn what_is_compressed_is_made_once_and_is_the_same_again() {
        static TEXT: &[u8] = include_bytes!("compressed.rs");
        let (brotli, gzip) = (Coding::Brotli.of(TEXT).expect("worth it"), Coding::Gzip.of(TEXT).expect("worth it"));
        assert!(brotli.len() < TEXT.len() / 2 && gzip.len() < TEXT.len() / 2);
        assert_eq!(Coding::Brotli.of(TEXT).expect("worth it").as_ptr(), brotli.as_ptr(), "made once");
        let (mut one, mut other) = (Vec::new(), Vec::new());
        brotli::Decompressor::new(&*brotli, 4_096).read_to_end(&mut one).expect("brotli");
        flate2::read::GzDecoder::new(&*gzip).read_to_end(&mut other).expect("gzip");
        assert!(one == TEXT && other == TEXT);
        assert_eq!(Coding::Gzip.of(b"short"), None);
    }
}
