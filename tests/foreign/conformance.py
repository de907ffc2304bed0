"""Runs the Autobahn suite's cases 1 to 7, 9 and 10 against what echoes.

    conformance.py server ws://127.0.0.1:9001/     a server that echoes
    conformance.py server wss://127.0.0.1:9001/ CA      the same over TLS
    conformance.py client target/debug/examples/conformance_client
    conformance.py client target/debug/examples/conformance_client CA CERT KEY

The suite itself speaks no TLS, so a relay stands in between where it is asked for.

None may fail, and none but 6.4.3 and 6.4.4 may be less than strict: these two
want invalid UTF-8 refused before its frame is complete. 12 and 13 are left out,
being about compression, which chinwag does not offer.

The last line sums up; the exit status is 0 only where all is as it must be.
"""

import asyncio
import collections
import contextlib
import os
import sys

import kosoku

import tls_relay

CASES = [f"{group}.*" for group in (1, 2, 3, 4, 5, 6, 7, 9, 10)]
# As many as there are in these groups: a suite that runs none of them would
# otherwise pass too.
CASE_COUNT = 301
MAY_BE_NON_STRICT = {"6.4.3", "6.4.4"}
# In seconds: for all, and for what is left once the client has ended.
TIME_LIMIT = 240
REPORT_TIME_LIMIT = 10


async def test_tls_server(url, authority):
    async with tls_relay.to_tls(url, authority) as plain:
        return await test_server(plain)


async def test_server(url):
    try:
        return await kosoku.run_fuzzingclient(url, CASES)
    except kosoku.FailureError as failure:
        return failure.results


async def test_client(program, authority=None, *identity):
    async with kosoku.run_fuzzingserver(CASES, host="127.0.0.1", port=0) as suite:
        url = f"ws://{suite.address}:{suite.port}"
        async with contextlib.AsyncExitStack() as stack:
            if authority:
                url = await stack.enter_async_context(tls_relay.from_tls(url, *identity))
            return await run_client(suite, program, url, *filter(None, [authority]))


async def run_client(suite, program, *args):
    client = await asyncio.create_subprocess_exec(program, *args)
    try:
        if status := await client.wait():
            raise RuntimeError(f"{program} ended with status {status}")
        return await asyncio.wait_for(suite.get_result(), REPORT_TIME_LIMIT)
    except asyncio.TimeoutError:
        raise RuntimeError(f"{program} ended before it had run all cases") from None
    except kosoku.FailureError as failure:
        return failure.results
    finally:
        if client.returncode is None:
            client.kill()


def is_as_it_must_be(case):
    allowed = {"OK", "INFORMATIONAL"}
    if case.case_id in MAY_BE_NON_STRICT:
        allowed.add("NON-STRICT")
    return case.behavior.value in allowed and case.behavior_close.value in {"OK", "INFORMATIONAL"}


def judge(role, results):
    for case in results:
        if not is_as_it_must_be(case):
            print(f"{case.case_id}: {case.behavior.value}: {case.result}")
            print(f"    close: {case.behavior_close.value}: {case.result_close}")
    wrong = sum(not is_as_it_must_be(case) for case in results)
    counts = collections.Counter(case.behavior.value for case in results)
    told = ", ".join(f"{count} {behavior}" for behavior, count in sorted(counts.items()))
    print(f"conformance as a {role}: {len(results)} cases: {told}; {wrong} not as they must be")
    if len(results) != CASE_COUNT:
        print(f"expected {CASE_COUNT} cases")
        return False
    return wrong == 0


def main():
    match sys.argv[1:]:
        case ["server", url]:
            role, run = "server", test_server(url)
        case ["server", url, authority]:
            role, run = "server over TLS", test_tls_server(url, authority)
        case ["client", program]:
            role, run = "client", test_client(program)
        case ["client", program, authority, certificate, key]:
            role, run = "client over TLS", test_client(program, authority, certificate, key)
        case _:
            raise SystemExit(__doc__)
    try:
        results = asyncio.run(asyncio.wait_for(run, TIME_LIMIT))
    except asyncio.TimeoutError:
        raise SystemExit(f"not done within {TIME_LIMIT} s") from None
    except RuntimeError as error:
        raise SystemExit(error) from None
    status = int(not judge(role, results))
    sys.stdout.flush()
    # Without the interpreter's end, in which the suite's own threads can abort the process.
    os._exit(status)


main()
