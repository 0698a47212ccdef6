// Numbers and days for people.

const NONE = "–";

const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });

export function day(iso) {
  return iso ? DAY.format(new Date(`${iso}T00:00:00Z`)) : NONE;
}

export function pounds(value) {
  if (value === null || value === undefined) return NONE;
  const digits = value < 1 ? 4 : 2;
  return `£${value.toLocaleString("en-GB", { minimumFractionDigits: digits, maximumFractionDigits: digits })}`;
}

export function percent(value, digits = 2) {
  if (value === null || value === undefined) return NONE;
  if (Math.abs(value) < 0.5 * 10 ** -(digits + 2)) return `${(0).toFixed(digits)} %`;
  const size = Math.abs(100 * value).toLocaleString("en-GB", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return `${value < 0 ? "−" : "+"}${size} %`;
}

export function unsigned(value, digits = 1) {
  return value === null || value === undefined ? NONE : percent(Math.abs(value), digits).replace("+", "");
}

export function shares(value) {
  return value === null || value === undefined ? NONE : value.toLocaleString("en-GB", { notation: "compact", maximumFractionDigits: 1 });
}

export function rate(value) {
  return value === null || value === undefined ? NONE : value.toLocaleString("en-GB", { minimumSignificantDigits: 5, maximumSignificantDigits: 5 });
}

export function tone(value) {
  return value === null || value === undefined || value === 0 ? "flat" : value > 0 ? "up" : "down";
}

export function seconds_of(iso) {
  return Date.parse(`${iso}T00:00:00Z`) / 1000;
}
