//! The dashboard, the alerts and the documentation speak of metrics that there are.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use saphyr::{LoadableYamlNode, Yaml};
use serde_json::Value;

use super::Scrape;
use super::promql::{Series, scan};
use crate::support::Program;
use crate::tls::authority::{Authority, HERE};

const DASHBOARD: &str = include_str!("../../../contrib/grafana/chinwag.json");
const ALERTS: &str = include_str!("../../../contrib/prometheus/alerts.yml");
const TABLE: &str = include_str!("../../../docs/metrics.md");

/// What Prometheus itself adds.
const ADDED: [&str; 2] = ["instance", "job"];

/// All metrics that there can be: with TLS and a store in a file, and asked for where there is none.
fn live() -> Scrape {
    let authority = Authority::new();
    let socket = authority.path("chat.sock");
    let listen = format!("unix:{}", socket.display());
    let identity = authority.server(&HERE);
    let store = format!("sqlite:{}", authority.path("chat.db").display());
    let args = [&["--listen", &listen, "--store", &store][..], &identity.args()[..]].concat();
    let (_server, _) = Program::chat_server(&args);
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    Scrape::parse(answer.split_once("\r\n\r\n").unwrap().1)
}

/// Asserts that `expression` asks for what there is.
fn assert_known(expression: &str, live: &Scrape) {
    let names = live.names();
    let (series, groups) = scan(expression);
    assert!(!series.is_empty(), "no metric in {expression}");
    let mut labels = ADDED.into_iter().collect::<HashSet<_>>();
    for Series { name, matchers } in &series {
        if name == "up" {
            continue;
        }
        let known = names.get(name.as_str()).unwrap_or_else(|| panic!("there is no {name}: {expression}"));
        labels.extend(known.keys());
        for (label, operator, value) in matchers.iter().filter(|(label, ..)| !ADDED.contains(&&**label)) {
            let values = known.get(label.as_str()).unwrap_or_else(|| panic!("{name} has no {label}"));
            let asked = if operator.ends_with('~') { value.split('|').collect() } else { vec![&**value] };
            for value in asked {
                assert!(values.contains(value), "{name} has no {label}={value}: {expression}");
            }
        }
    }
    for label in &groups {
        assert!(labels.contains(label.as_str()), "nothing has the label {label}: {expression}");
    }
}

#[test]
fn every_panel_shows_what_there_is() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let live = live();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut taken = BTreeSet::new();
    let mut ids = HashSet::new();
    for panel in panels {
        let title = panel["title"].as_str().unwrap();
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{title}: its id is another's too");
        let place = |key: &str| panel["gridPos"][key].as_u64().unwrap();
        for x in place("x")..place("x") + place("w") {
            for y in place("y")..place("y") + place("h") {
                assert!(x < 24 && taken.insert((x, y)), "{title} lies on another panel");
            }
        }
        if panel["type"] == "row" {
            continue;
        }
        assert!(
            panel["description"].as_str().is_some_and(|words| words.len() > 20),
            "{title}: say what it is"
        );
        assert!(panel["fieldConfig"]["defaults"]["unit"].is_string(), "{title}: no unit");
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{title}");
        let targets = panel["targets"].as_array().unwrap();
        assert!(!targets.is_empty(), "{title}");
        for target in targets {
            assert_eq!(target["datasource"]["uid"], "${datasource}", "{title}");
            let expression = target["expr"].as_str().unwrap();
            assert!(
                expression.contains("instance=~\"$instance\""),
                "{title} shows all servers: {expression}"
            );
            assert_known(expression, &live);
        }
    }
    assert!(panels.len() > 20);
    for variable in dashboard["templating"]["list"].as_array().unwrap() {
        let Some(query) = variable["query"]["query"].as_str() else { continue };
        let name = query.strip_prefix("label_values(").unwrap().split([',', '{']).next().unwrap();
        assert!(live.names().contains_key(name), "there is no {name}");
    }
}

#[test]
fn every_alert_watches_what_there_is_and_says_what_to_do() {
    let documents = Yaml::load_from_str(ALERTS).unwrap();
    let live = live();
    let mut alerts = HashSet::new();
    for group in documents[0]["groups"].as_vec().unwrap() {
        for rule in group["rules"].as_vec().unwrap() {
            let text = |node: &Yaml<'_>| node.as_str().map(str::to_owned);
            let alert = text(&rule["alert"]).unwrap();
            assert!(alerts.insert(alert.clone()), "{alert} is there twice");
            assert_known(&text(&rule["expr"]).unwrap(), &live);
            let severity = text(&rule["labels"]["severity"]).unwrap();
            assert!(["critical", "warning"].contains(&&*severity), "{alert}: {severity}");
            for annotation in ["summary", "description"] {
                let words = text(&rule["annotations"][annotation]).unwrap_or_default();
                assert!(words.len() > 20, "{alert} has no {annotation}");
            }
        }
    }
    assert!(alerts.len() >= 10);
}

#[test]
fn every_metric_is_documented_and_every_documented_metric_is_there() {
    let live = live();
    let names = live.names();
    let mut there = BTreeMap::new();
    for (family, kind) in &live.types {
        let (name, sample) = match &**kind {
            "counter" => (format!("{family}_total"), format!("{family}_total")),
            "histogram" => (family.clone(), format!("{family}_count")),
            _ => (family.clone(), family.clone()),
        };
        let labels = names[sample.as_str()].keys().map(|label| format!("`{label}`")).collect::<Vec<_>>();
        there.insert(name, (kind.clone(), labels.join(", ")));
    }
    let mut documented = BTreeMap::new();
    for line in TABLE.lines().filter(|line| line.starts_with("| `")) {
        let cells = line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>();
        let [name, kind, labels, meaning] = cells[..] else { panic!("not four cells: {line}") };
        assert!(meaning.len() > 10, "{line}");
        let before =
            documented.insert(name.trim_matches('`').to_owned(), (kind.to_owned(), labels.to_owned()));
        assert!(before.is_none(), "{name} is there twice");
    }
    assert_eq!(documented, there);
}
