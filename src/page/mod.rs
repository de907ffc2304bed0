//! The web page of the chat: HTML, a style sheet and scripts inside the binary,
//! for [`ServerBuilder::http`](crate::ServerBuilder::http). It speaks `chinwag.v1`
//! with the server that it came from, at `/ws`.
//!
//! ```
//! use chinwag::{Server, chat::Chat, page};
//!
//! let server = Server::builder().paths(Chat::PATHS).handler(Chat::new().gate()).http(page::respond);
//! # drop(server);
//! ```

use crate::{Request, Response};

/// Nothing from elsewhere, nothing inline, nothing that makes markup of text, and no
/// page around this one.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

struct File {
    path: &'static str,
    content_type: &'static str,
    body: &'static [u8],
    /// What the file is, in so many bits.
    hash: u64,
}

macro_rules! file {
    ($path:literal, $name:literal, $content_type:expr) => {
        File {
            path: $path,
            content_type: $content_type,
            body: include_bytes!($name),
            hash: const { hash(include_bytes!($name)) },
        }
    };
    ($name:literal, $content_type:expr) => {
        file!($name, $name, $content_type)
    };
}

/// The page, at `/`.
static PAGE: File = file!("", "index.html", HTML);

/// What it is made of, at `/page/…`.
static PARTS: [File; 29] = [
    file!("announce.js", JAVASCRIPT),
    file!("chat.js", JAVASCRIPT),
    file!("commands.js", JAVASCRIPT),
    file!("composer.js", JAVASCRIPT),
    file!("connection.js", JAVASCRIPT),
    file!("conversation.js", JAVASCRIPT),
    file!("dom.js", JAVASCRIPT),
    file!("drawer.js", JAVASCRIPT),
    file!("entry.js", JAVASCRIPT),
    file!("events.js", JAVASCRIPT),
    file!("excerpt.js", JAVASCRIPT),
    file!("icon.svg", SVG),
    file!("items.js", JAVASCRIPT),
    file!("log.js", JAVASCRIPT),
    file!("main.js", JAVASCRIPT),
    file!("names.js", JAVASCRIPT),
    file!("notify.js", JAVASCRIPT),
    file!("outbox.js", JAVASCRIPT),
    file!("page.css", CSS),
    file!("painter.js", JAVASCRIPT),
    file!("retry.js", JAVASCRIPT),
    file!("reveal.js", JAVASCRIPT),
    file!("search.js", JAVASCRIPT),
    file!("sidebar.js", JAVASCRIPT),
    file!("status.js", JAVASCRIPT),
    file!("storage.js", JAVASCRIPT),
    file!("text.js", JAVASCRIPT),
    file!("time.js", JAVASCRIPT),
    file!("told.js", JAVASCRIPT),
];

/// The page at `/`, or one of its parts at `/page/…`; `None` for any other path.
/// A browser that has it already is told so (304).
pub fn respond(request: &Request) -> Option<Response> {
    let file = find(request.path())?;
    let tag = format!("\"{:016x}\"", file.hash);
    let response = if is_known(request, &tag) {
        Response::new(304)
    } else {
        Response::new(200).header("Content-Type", file.content_type).body(file.body)
    };
    Some(
        response
            .header("ETag", tag)
            // It is asked for anew each time, so that page and server are of one version.
            .header("Cache-Control", "no-cache")
            .header("Content-Security-Policy", POLICY)
            .header("Cross-Origin-Opener-Policy", "same-origin")
            .header("Cross-Origin-Resource-Policy", "same-origin")
            .header("Referrer-Policy", "no-referrer")
            .header("X-Content-Type-Options", "nosniff"),
    )
}

fn find(path: &str) -> Option<&'static File> {
    if path == "/" {
        return Some(&PAGE);
    }
    let name = path.strip_prefix("/page/")?;
    PARTS.iter().find(|file| file.path == name)
}

/// Whether the browser has what `tag` stands for (RFC 9110, section 13.1.2).
fn is_known(request: &Request, tag: &str) -> bool {
    let known = request.header_values("If-None-Match").flat_map(|line| line.split(','));
    known.map(str::trim).any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

/// FNV-1a: tells one version of a file from the next, while this is compiled.
const fn hash(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0100_0000_01b3);
        at += 1;
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file that is not in the table would be missing in the browser only.
    #[test]
    fn every_part_that_is_named_is_served_and_every_part_that_is_served_is_used() {
        let texts: Vec<&str> = PARTS
            .iter()
            .chain([&PAGE])
            .map(|file| std::str::from_utf8(file.body).unwrap_or_default())
            .collect();
        let is_named = |name: &str| texts.iter().any(|text| text.contains(&format!("/{name}\"")));
        for file in &PARTS {
            assert!(is_named(file.path), "nothing names {}", file.path);
        }
        for text in &texts {
            for name in text.split("\"./").skip(1).chain(text.split("\"page/").skip(1)) {
                let path = format!("/page/{}", name.split('"').next().unwrap_or_default());
                assert!(find(&path).is_some(), "{path} is not served");
            }
        }
    }

    #[test]
    fn nothing_comes_from_elsewhere_and_nothing_makes_markup_of_text() {
        for file in PARTS.iter().chain([&PAGE]) {
            let text = std::str::from_utf8(file.body).unwrap_or_default();
            let forbidden = [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                "style=",
                "onclick=",
            ];
            for word in forbidden {
                assert!(!text.contains(word), "{word} in {}", file.path);
            }
            let addresses = text.split("://").skip(1).filter(|rest| !rest.starts_with("www.w3.org/2000/svg"));
            let elsewhere = addresses.filter(|rest| rest.starts_with(|c: char| c.is_ascii_alphanumeric()));
            assert_eq!(
                elsewhere.filter(|rest| !rest.starts_with("bank.example")).count(),
                0,
                "{}",
                file.path
            );
        }
    }
}
