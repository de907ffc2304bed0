//! What a PromQL expression asks for: a scan, not a parser, for `promtool` is one.

/// A metric that an expression names, with what it asks of its labels.
#[derive(Debug, PartialEq)]
pub struct Series {
    pub name: String,
    /// Label, operator, value.
    pub matchers: Vec<(String, String, String)>,
}

/// All metrics, and the labels that results are grouped by.
pub fn scan(expression: &str) -> (Vec<Series>, Vec<String>) {
    let (mut series, mut groups) = (Vec::<Series>::new(), Vec::new());
    let mut rest = expression;
    while let Some(first) = rest.chars().next() {
        if is_word(first) && !first.is_ascii_digit() {
            let word = take_word(&mut rest);
            let next = rest.trim_start().chars().next();
            match word {
                "by" | "without" | "on" | "ignoring" | "group_left" | "group_right" if next == Some('(') => {
                    let list = take_between(&mut rest, '(', ')');
                    let labels = list.split(',').map(str::trim).filter(|label| !label.is_empty());
                    groups.extend(labels.map(str::to_owned));
                }
                "and" | "or" | "unless" | "bool" | "offset" | "sum" | "max" | "min" | "avg" | "count" => {}
                _ if next == Some('(') => {}
                name => {
                    let matchers = if rest.starts_with('{') {
                        take_between(&mut rest, '{', '}').split(',').map(matcher).collect()
                    } else {
                        Vec::new()
                    };
                    series.push(Series { name: name.to_owned(), matchers });
                }
            }
        } else if first == '[' {
            take_between(&mut rest, '[', ']');
        } else if first == '$' || first.is_ascii_digit() {
            rest = &rest[1..];
            take_word(&mut rest);
        } else {
            rest = &rest[first.len_utf8()..];
        }
    }
    (series, groups)
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | ':')
}

fn take_word<'a>(rest: &mut &'a str) -> &'a str {
    let (word, after) = rest.split_at(rest.find(|c| !is_word(c)).unwrap_or(rest.len()));
    *rest = after;
    word
}

fn take_between<'a>(rest: &mut &'a str, open: char, close: char) -> &'a str {
    let inner = rest.trim_start().strip_prefix(open).expect("what was looked for");
    let (inner, after) = inner.split_once(close).unwrap_or_else(|| panic!("no {close} in {rest}"));
    *rest = after;
    inner
}

fn matcher(text: &str) -> (String, String, String) {
    let (label, value) = text.trim().split_once('"').expect("a quoted value");
    let value = value.strip_suffix('"').expect("the closing quote");
    let operator = ["=~", "!~", "!=", "="].into_iter().find(|operator| label.ends_with(operator));
    let operator = operator.unwrap_or_else(|| panic!("no operator in {text}"));
    (label[..label.len() - operator.len()].to_owned(), operator.to_owned(), value.to_owned())
}

#[test]
fn the_scan_finds_metrics_and_labels() {
    let (series, groups) = scan(
        "sum by (le, code) (rate(a_total{code=~\"1|2\",instance=~\"$instance\"}[$__rate_interval])) > 0.5e3 \
         and on (job) b_bytes offset 5m / 1024",
    );
    let names = series.iter().map(|series| series.name.as_str()).collect::<Vec<_>>();
    assert_eq!(names, ["a_total", "b_bytes"]);
    assert_eq!(series[0].matchers[0], ("code".to_owned(), "=~".to_owned(), "1|2".to_owned()));
    assert_eq!(groups, ["le", "code", "job"]);
}
