//! A reader of the text that `/metrics` gives, as strict as the format is.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;

use crate::support::answer_to;

/// The status and the body of a plain GET.
pub fn get(addr: SocketAddr, path: &str) -> (u16, String) {
    let answer = answer_to(addr, &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// All metrics of a server.
pub fn scrape(addr: SocketAddr) -> Scrape {
    let (status, body) = get(addr, "/metrics");
    assert_eq!(status, 200, "{body}");
    Scrape::parse(&body)
}

pub type Labels = BTreeMap<String, String>;

#[derive(Default)]
pub struct Scrape {
    /// By the name of the family, which a counter's samples add `_total` to.
    pub types: BTreeMap<String, String>,
    pub samples: Vec<(String, Labels, f64)>,
}

impl Scrape {
    pub fn parse(text: &str) -> Self {
        let body = text.strip_suffix("# EOF\n").expect("the text ends with # EOF");
        let mut scrape = Self::default();
        let mut family = String::new();
        for line in body.lines() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                family = help.split(' ').next().unwrap().to_owned();
                assert!(help.ends_with('.') && help.len() > family.len() + 2, "no help: {line}");
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').unwrap();
                assert_eq!(name, family, "type and help go together");
                let before = scrape.types.insert(family.clone(), kind.to_owned());
                assert!(before.is_none(), "{family} is there twice");
            } else {
                let sample = parse_sample(line);
                assert!(sample.0.starts_with(&family), "{line} is not of {family}");
                scrape.samples.push(sample);
            }
        }
        scrape.check();
        scrape
    }

    fn check(&self) {
        let mut seen = BTreeSet::new();
        for (name, labels, value) in &self.samples {
            assert!(seen.insert((name, labels)), "{name}{labels:?} is there twice");
            assert!(value.is_finite() && *value >= 0.0, "{name} is {value}");
        }
        for family in self.types.iter().filter(|(_, kind)| *kind == "histogram").map(|(name, _)| name) {
            let bucket = format!("{family}_bucket");
            let buckets = self.samples.iter().filter(|(name, ..)| *name == bucket);
            let counts = buckets.map(|(_, _, count)| *count).collect::<Vec<_>>();
            assert!(counts.is_sorted(), "{family}: buckets are cumulative");
            assert_eq!(counts.last().copied(), Some(self.value(&format!("{family}_count"))), "{family}");
        }
    }

    /// The value of the one sample of that name.
    #[track_caller]
    pub fn value(&self, name: &str) -> f64 {
        self.labelled(name, &[])
    }

    /// The value of the sample with these labels, and no others.
    #[track_caller]
    pub fn labelled(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let wanted = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let wanted = wanted.collect::<Labels>();
        let found = self.samples.iter().find(|(known, labels, _)| known == name && *labels == wanted);
        found.unwrap_or_else(|| panic!("no {name}{wanted:?}")).2
    }

    /// The names of samples, each with the values that its labels have.
    pub fn names(&self) -> HashMap<&str, BTreeMap<&str, BTreeSet<&str>>> {
        let mut names = HashMap::<_, BTreeMap<_, BTreeSet<_>>>::new();
        for (name, labels, _) in &self.samples {
            let known = names.entry(name.as_str()).or_default();
            for (key, value) in labels {
                known.entry(key.as_str()).or_default().insert(value.as_str());
            }
        }
        names
    }
}

fn parse_sample(line: &str) -> (String, Labels, f64) {
    let (series, value) = line.rsplit_once(' ').expect("a name and a value");
    let (name, labels) = match series.split_once('{') {
        None => (series, Labels::new()),
        Some((name, labels)) => (name, parse_labels(labels.strip_suffix('}').expect("labels end"))),
    };
    assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{line}");
    (name.to_owned(), labels, value.parse().unwrap())
}

/// None of ours has anything in it that would be escaped.
fn parse_labels(labels: &str) -> Labels {
    let pair = |label: &str| {
        let (key, value) = label.split_once('=').expect("a label has a value");
        let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).expect("quotes");
        assert!(!value.contains(['"', '\\', '{', '}']), "{labels}");
        (key.to_owned(), value.to_owned())
    };
    labels.split(',').map(pair).collect()
}
