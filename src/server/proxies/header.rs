//! The PROXY protocol, versions 1 and 2: what a proxy says of a connection before its
//! first byte, and before TLS. Not a byte more is read than the header has.

use std::io;

use proxy_header::{ParseConfig, Protocol, ProxyHeader, Tlv};

use super::Introduction;

const V1: &[u8] = b"PROXY ";
const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// The signature, the command, the kind of address, and the length of the rest.
const V2_FIXED: usize = 16;
/// A command of version 2's: the connection is the proxy's own, whatever else is said.
const V2_LOCAL: u8 = 0x20;
/// The shortest header of either version: `PROXY UNKNOWN` and the line's end.
const SHORTEST: usize = 15;
/// The longest of version 1, by its specification.
const V1_LONGEST: usize = 107;
/// The longest that is taken of version 2: addresses, and what is told of TLS and the cloud.
const V2_LONGEST: usize = 4096;

/// Why there is no introduction.
#[derive(Debug)]
pub(in crate::server) enum Failure {
    /// What came is no PROXY header, or none that is good.
    Malformed(&'static str),
    /// Nothing more came.
    Gone,
}

/// Whether `bytes` begin as a PROXY header does.
pub(in crate::server) fn is_begun_by(bytes: &[u8]) -> bool {
    bytes.starts_with(V1) || bytes.starts_with(V2)
}

/// Reads a header by `read`, which is given room for no more than surely belongs to it.
pub(in crate::server) fn read(
    mut read: impl FnMut(&mut [u8]) -> io::Result<usize>,
) -> Result<Introduction, Failure> {
    let mut bytes = Vec::with_capacity(V1_LONGEST);
    loop {
        let missing = missing(&bytes).map_err(Failure::Malformed)?;
        if missing == 0 {
            return parse(&bytes).ok_or(Failure::Malformed("the PROXY header is malformed"));
        }
        let start = bytes.len();
        bytes.resize(start + missing, 0);
        match read(&mut bytes[start..]) {
            Ok(0) | Err(_) => return Err(Failure::Gone),
            Ok(read) => bytes.truncate(start + read),
        }
    }
}

/// How many bytes are sure to follow these; none where they are a whole header.
fn missing(bytes: &[u8]) -> Result<usize, &'static str> {
    let begins = |signature: &[u8]| {
        let length = bytes.len().min(signature.len());
        bytes[..length] == signature[..length]
    };
    if !begins(V1) && !begins(V2) {
        return Err("a PROXY header was expected");
    }
    if bytes.len() < SHORTEST {
        return Ok(SHORTEST - bytes.len());
    }
    if begins(V1) {
        return match bytes {
            [.., b'\n'] => Ok(0),
            // Where it ends is seen only there.
            _ if bytes.len() < V1_LONGEST => Ok(1),
            _ => Err("the PROXY header is too long"),
        };
    }
    if bytes.len() < V2_FIXED {
        return Ok(V2_FIXED - bytes.len());
    }
    let whole = V2_FIXED + usize::from(u16::from_be_bytes([bytes[14], bytes[15]]));
    if whole > V2_LONGEST { Err("the PROXY header is too long") } else { Ok(whole - bytes.len()) }
}

fn parse(bytes: &[u8]) -> Option<Introduction> {
    let is_v2 = bytes.starts_with(V2);
    if is_v2 && bytes[V2.len()] == V2_LOCAL {
        return Some(Introduction::default());
    }
    let config = ParseConfig { include_tlvs: true, allow_v1: !is_v2, allow_v2: is_v2 };
    let (header, length) = ProxyHeader::parse(bytes, config).ok()?;
    let addresses = header.proxied_address();
    if length != bytes.len() || addresses.is_some_and(|addrs| addrs.protocol != Protocol::Stream) {
        return None;
    }
    let mut is_secure = None;
    for extension in header.tlvs() {
        if let Tlv::Ssl(ssl) = extension.ok()? {
            is_secure = Some(ssl.client_ssl());
        }
    }
    Some(Introduction { client: addresses.map(|addrs| addrs.source), is_secure })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [&[u8]; 5] = [
        b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 443\r\n",
        b"PROXY UNKNOWN\r\n",
        b"\r\n\r\n\0\r\nQUIT\n\x20\x00\0\0",
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x07\x0a\0\0\x01\x12\x67\x01\xbb",
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x14\xc0\0\x02\x07\x0a\0\0\x01\x12\x67\x01\xbb\x20\0\x05\x01\0\0\0\0",
    ];

    #[test]
    fn not_a_byte_behind_the_header_is_read() {
        for header in GOOD {
            let bytes = [header, b"GET / HTTP/1.1\r\n"].concat();
            for piece in [1, 7, 4096] {
                let mut rest = &bytes[..];
                let introduction = read(|buffer| {
                    let room = buffer.len().min(piece);
                    io::Read::read(&mut rest, &mut buffer[..room])
                });
                assert!(introduction.is_ok(), "{header:?}: {introduction:?}");
                assert_eq!(rest, b"GET / HTTP/1.1\r\n", "{header:?}");
            }
        }
    }

    #[test]
    fn nothing_that_may_come_is_more_than_an_error() {
        for seed in 0..50_000usize {
            let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let mut next = |below: usize| {
                random =
                    random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (random >> 33) % below
            };
            let mut bytes = GOOD[next(GOOD.len())].to_vec();
            for _ in 0..=next(4) {
                let place = next(bytes.len());
                match next(3) {
                    0 => bytes[place] = next(256) as u8,
                    1 => bytes.truncate(place + 1),
                    _ => bytes.insert(place, next(256) as u8),
                }
            }
            let mut rest = &bytes[..];
            let _ = read(|buffer| io::Read::read(&mut rest, buffer));
        }
    }
}
