// Times and days, as this reader writes them.

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const thisYear = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const anyYear = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long", year: "numeric" });
const DAY_MS = 86_400_000;

export const clockTime = (time) => clock.format(time);

/** Hour and minute alone, where there is no room for more. */
export function shortTime(time) {
  const parts = new Map(clock.formatToParts(time).map(({ type, value }) => [type, value]));
  return `${parts.get("hour")}:${parts.get("minute")}`;
}
export const fullTime = (time) => full.format(time);
export const isoTime = (time) => new Date(time).toISOString();

/** The same number for all times of one day, here. */
export function dayOf(time) {
  const date = new Date(time);
  return date.getFullYear() * 10_000 + date.getMonth() * 100 + date.getDate();
}

export function dayName(time) {
  const now = Date.now();
  if (dayOf(time) === dayOf(now)) return "Today";
  if (dayOf(time) === dayOf(now - DAY_MS)) return "Yesterday";
  const isThisYear = new Date(time).getFullYear() === new Date(now).getFullYear();
  return (isThisYear ? thisYear : anyYear).format(time);
}

/** `3 min`, `2 h`: how long `ms` are, roughly. */
export function roughly(ms) {
  const units = [
    ["day", 86_400_000],
    ["hour", 3_600_000],
    ["minute", 60_000],
    ["second", 1_000],
  ];
  const [unit, size] = units.find(([, size]) => ms >= size) ?? units.at(-1);
  const count = Math.floor(ms / size);
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}
