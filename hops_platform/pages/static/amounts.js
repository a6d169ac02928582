// Sizes and times as people say them.

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];

/** Bytes in words: "1.2 MB". */
export function size(bytes) {
  if (bytes === null || bytes === undefined) return "";
  let step = 0;
  let value = bytes;
  while (value >= 999.5 && step < UNITS.length - 1) {
    value /= 1000;
    step += 1;
  }
  const digits = step > 0 && value < 9.95 ? 1 : 0;
  const style = { style: "unit", unit: UNITS[step], unitDisplay: step === 0 ? "long" : "short", maximumFractionDigits: digits };
  return new Intl.NumberFormat(undefined, style).format(value);
}

const STEPS = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
];

/** A moment beside now: "3 hours ago". */
export function ago(text, now = Date.now()) {
  const seconds = (new Date(text).getTime() - now) / 1000;
  const [unit, length] = STEPS.find(([, step]) => Math.abs(seconds) >= step) ?? ["second", 1];
  const format = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
  return unit === "second" ? format.format(0, "second") : format.format(Math.trunc(seconds / length), unit);
}

/** How long something may still take: "about 3 minutes". */
export function duration(seconds) {
  if (seconds < 60) return "less than a minute";
  const [unit, length] = seconds < 5400 ? ["minute", 60] : ["hour", 3600];
  const number = Math.max(1, Math.round(seconds / length));
  return `about ${new Intl.NumberFormat(undefined, { style: "unit", unit, unitDisplay: "long" }).format(number)}`;
}

export const many = (number, thing) => `${new Intl.NumberFormat().format(number)} ${thing}${number === 1 ? "" : "s"}`;
