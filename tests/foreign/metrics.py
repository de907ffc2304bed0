"""Reads /metrics with Prometheus' own parsers: the strict one, and that of the older format.

usage: metrics.py http://HOST:PORT/metrics
"""

import sys
from urllib.request import Request, urlopen

from prometheus_client.openmetrics.parser import text_string_to_metric_families as strict
from prometheus_client.parser import text_string_to_metric_families as older

URL = sys.argv[1]
OPEN_METRICS = "application/openmetrics-text"


def fetch(accept):
    with urlopen(Request(URL, headers={"Accept": accept}), timeout=10) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


def samples(families):
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


content_type, text = fetch(f"{OPEN_METRICS};version=1.0.0,text/plain;q=0.5")
assert content_type.startswith(OPEN_METRICS), content_type
families = list(strict(text))
assert {family.type for family in families} == {"counter", "gauge", "histogram"}, families
known = samples(families)
assert ("chinwag_ready", ()) in known and len(known) > 100, known

content_type, text = fetch("text/plain")
assert content_type.startswith("text/plain; version=0.0.4"), content_type
assert samples(older(text)).keys() == known.keys()
print(f"{len(known)} samples of {len(families)} metrics")
