//! Where the chat is: a URL whose query says who comes, and since when.

/// The keys of the query that are this client's.
const OWN: [&str; 4] = ["name", "room", "session", "since"];

/// A URL without what this client says itself.
#[derive(Debug, Clone)]
pub(super) struct Address {
    base: String,
    /// The rest of the query, as it was given.
    rest: Vec<String>,
    /// The room that the URL named.
    pub room: Option<String>,
}

impl Address {
    pub(super) fn parse(url: &str) -> Self {
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        // A Unix socket's path ends where the request's begins.
        let is_bare_socket = base.strip_prefix("ws+unix:").is_some_and(|path| !path.contains(':'));
        let root = if is_bare_socket { ":/" } else { "" };
        let room = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "room");
        let is_rest =
            |pair: &&str| !pair.is_empty() && !OWN.contains(&pair.split('=').next().unwrap_or(pair));
        Self {
            base: format!("{base}{root}"),
            rest: query.split('&').filter(is_rest).map(str::to_owned).collect(),
            room: room.map(|(_, room)| room.into_owned()),
        }
    }

    /// The URL with these pairs in its query; those without a value are left out.
    pub(super) fn with(&self, pairs: &[(&str, Option<&str>)]) -> String {
        let own = pairs.iter().filter_map(|(key, value)| Some(format!("{key}={}", encode((*value)?))));
        let query: Vec<String> = own.chain(self.rest.iter().cloned()).collect();
        format!("{}?{}", self.base, query.join("&"))
    }
}

fn encode(value: &str) -> String {
    // A plus is a blank in forms only.
    form_urlencoded::byte_serialize(value.as_bytes()).collect::<String>().replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_query_says_besides_stays_as_it_is() {
        let address = Address::parse("ws://h/ws?token=a%2Bb&name=Eve&room=g%C3%A4mes&since=1&named=x");
        assert_eq!(address.room.as_deref(), Some("gämes"));
        let url = address.with(&[("name", Some("Zoë 李")), ("room", None), ("since", Some("a&b"))]);
        assert_eq!(url, "ws://h/ws?name=Zo%C3%AB%20%E6%9D%8E&since=a%26b&token=a%2Bb&named=x");
    }

    #[test]
    fn a_bare_unix_socket_gets_a_path() {
        let url = |url| Address::parse(url).with(&[("name", Some("J"))]);
        assert_eq!(url("ws+unix:/run/x.sock"), "ws+unix:/run/x.sock:/?name=J");
        assert_eq!(url("ws+unix:/run/x.sock:/ws?a"), "ws+unix:/run/x.sock:/ws?name=J&a");
    }
}
