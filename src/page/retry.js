// Whether to try again after a connection ended, and when.

const FIRST_MS = 500;
const LAST_MS = 30_000;

/** Full jitter: anything between the first and a bound that doubles, so that no crowd comes back at once. */
export function delay(attempt) {
  const bound = Math.min(LAST_MS, FIRST_MS * 2 ** Math.min(attempt + 1, 10));
  return FIRST_MS + Math.random() * (bound - FIRST_MS);
}

/** Close codes after which the same would only happen again, or that somebody wanted. */
const FINAL = new Set([1000, 1002, 1003, 1007, 1008, 1010]);

const MEANING = new Map([
  [1000, "the connection was closed"],
  [1001, "the server went away"],
  [1002, "server and page do not understand each other"],
  [1006, "the connection broke"],
  [1008, "the server does not allow it"],
  [1009, "a message was too long for the server"],
  [1011, "the server made a mistake"],
  [1012, "the server restarts"],
  [1013, "this page read too slowly"],
]);

/** What an ended connection means: `reason` for people, `isFinal` where only a person should try again. */
export function verdictOnClose(code, reason) {
  const why = reason || MEANING.get(code) || `the connection was closed with ${code}`;
  // A computer that slept misses the server's pings, which is nobody's fault.
  const slept = code === 1008 && /^keepalive|ping/i.test(reason);
  return { reason: why, isFinal: (FINAL.has(code) || code >= 4000) && !slept };
}

/** What the answer to the same request over plain HTTP means, after no WebSocket was to be had. */
export function verdictOnAnswer(status, reason, retryAfter) {
  // 426: the server would have let us in, had we asked for a WebSocket.
  if (status === 426 || status < 400) return { reason: "no WebSocket could be opened", isFinal: false };
  const wait = /^\d+$/.test(retryAfter ?? "") ? Number(retryAfter) * 1000 : undefined;
  const why = reason || `the server answered with ${status}`;
  return { reason: why, status, wait, isFinal: status < 500 && status !== 408 && status !== 429 };
}
