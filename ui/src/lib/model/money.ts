// Money is an integer number of micros. Nothing here divides or multiplies it as a float: digits move as text.

export interface Money {
  amountMicros: number;
  currencyCode: string;
}

const LOCALE = 'en-GB';
const MICRO_DIGITS = 6;

const formatters = new Map<string, Intl.NumberFormat>();

function formatter(currency: string, digits: number): Intl.NumberFormat {
  const key = `${currency}/${digits}`;
  let it = formatters.get(key);
  if (!it) {
    it = new Intl.NumberFormat(LOCALE, {
      style: 'currency',
      currency,
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    });
    formatters.set(key, it);
  }
  return it;
}

/** How many digits a currency has after the point: GBP 2, JPY 0, KWD 3. */
export function exponent(currency: string): number {
  try {
    return (
      new Intl.NumberFormat(LOCALE, { style: 'currency', currency }).resolvedOptions()
        .maximumFractionDigits ?? 2
    );
  } catch {
    return 2;
  }
}

/** The exact decimal text of an amount, without trailing zeros beyond the currency's own digits. */
export function toDecimal(money: Money): string {
  const micros = BigInt(money.amountMicros);
  const sign = micros < 0n ? '-' : '';
  const digits = (micros < 0n ? -micros : micros).toString().padStart(MICRO_DIGITS + 1, '0');
  const whole = digits.slice(0, -MICRO_DIGITS);
  let fraction = digits.slice(-MICRO_DIGITS);
  const least = exponent(money.currencyCode);
  while (fraction.length > least && fraction.endsWith('0')) fraction = fraction.slice(0, -1);
  return sign + whole + (fraction ? `.${fraction}` : '');
}

/** As people read it: £1,234.50. An amount finer than its currency shows all its digits, it is never rounded. */
export function formatMoney(money: Money): string {
  const decimal = toDecimal(money);
  const digits = decimal.split('.')[1]?.length ?? 0;
  try {
    // An Intl formatter takes decimal text exactly; it is not turned into a float on the way.
    return formatter(money.currencyCode, digits).format(decimal as Intl.StringNumericLiteral);
  } catch {
    return `${money.currencyCode} ${decimal}`;
  }
}

export function currencySymbol(currency: string): string {
  try {
    const parts = formatter(currency, 0).formatToParts(0);
    return parts.find((part) => part.type === 'currency')?.value ?? currency;
  } catch {
    return currency;
  }
}

export type MoneyReading =
  | { kind: 'empty' }
  | { kind: 'ok'; money: Money }
  | { kind: 'ask'; choices: Money[] }
  | { kind: 'bad'; why: 'not_a_number' | 'too_fine' | 'not_positive' | 'too_large' };

function fromParts(whole: string, fraction: string, currency: string): MoneyReading {
  if (fraction.replace(/0+$/, '').length > exponent(currency)) return { kind: 'bad', why: 'too_fine' };
  const micros = BigInt(whole || '0') * 1_000_000n + BigInt(fraction.slice(0, 6).padEnd(MICRO_DIGITS, '0'));
  if (micros <= 0n) return { kind: 'bad', why: 'not_positive' };
  if (micros > BigInt(Number.MAX_SAFE_INTEGER)) return { kind: 'bad', why: 'too_large' };
  return { kind: 'ok', money: { amountMicros: Number(micros), currencyCode: currency } };
}

const grouped = (text: string, mark: string) =>
  text.split(mark).every((group, i) => (i === 0 ? /^\d{1,3}$/.test(group) : /^\d{3}$/.test(group)));

/**
 * Reads a typed amount. A single mark followed by exactly three digits can be read two ways when it is a point
 * ("1.234"), or when the currency itself has three digits; then both readings come back and the person chooses.
 */
export function parseMoney(typed: string, currency: string): MoneyReading {
  let text = typed.trim();
  if (!text) return { kind: 'empty' };
  text = text
    .replace(currencySymbol(currency), '')
    .replace(new RegExp(`^${currency}\\b|\\b${currency}$`, 'i'), '')
    .replace(/(?<=\d)[\s\u00a0\u202f'’](?=\d{3}(\D|$))/g, '')
    .trim();
  if (text.startsWith('-')) return { kind: 'bad', why: 'not_positive' };
  if (!/^\d*([.,]\d*)*$/.test(text) || !/\d/.test(text)) return { kind: 'bad', why: 'not_a_number' };

  const points = text.split('.').length - 1;
  const commas = text.split(',').length - 1;
  if (points === 0 && commas === 0) return fromParts(text, '', currency);

  if (points > 0 && commas > 0) {
    const mark = text.lastIndexOf('.') > text.lastIndexOf(',') ? '.' : ',';
    const at = text.lastIndexOf(mark);
    const whole = text.slice(0, at);
    const other = mark === '.' ? ',' : '.';
    if (whole.includes(mark) || !grouped(whole, other)) return { kind: 'bad', why: 'not_a_number' };
    return fromParts(whole.replaceAll(other, ''), text.slice(at + 1), currency);
  }

  const mark = points > 0 ? '.' : ',';
  if (points + commas > 1) {
    if (!grouped(text, mark)) return { kind: 'bad', why: 'not_a_number' };
    return fromParts(text.replaceAll(mark, ''), '', currency);
  }

  const [whole = '', fraction = ''] = text.split(mark);
  const group = fraction.length === 3 && /^[1-9]\d{0,2}$/.test(whole);
  if (!group) return fromParts(whole, fraction, currency);

  const thousands = fromParts(whole + fraction, '', currency);
  const digits = exponent(currency);
  // "1,234" is how British English writes a thousand, and "1.234" cannot be a fraction of a currency without one.
  if (digits === 0 || (mark === ',' && digits < 3)) return thousands;
  const decimals = fromParts(whole, fraction.slice(0, digits), currency);
  return thousands.kind === 'ok' && decimals.kind === 'ok'
    ? { kind: 'ask', choices: [thousands.money, decimals.money] }
    : thousands;
}

/** One total a currency, in the order in which they first appear. Currencies are never added together. */
export function totals(amounts: Money[]): Money[] {
  const sums = new Map<string, bigint>();
  for (const { amountMicros, currencyCode } of amounts)
    sums.set(currencyCode, (sums.get(currencyCode) ?? 0n) + BigInt(amountMicros));
  return [...sums].map(([currencyCode, micros]) => ({ amountMicros: Number(micros), currencyCode }));
}

/** An amount as text for a field, such that `parseMoney` reads it back in exactly one way. */
export function typedMoney(money: Money): string {
  const decimal = toDecimal(money);
  const reads = (text: string) => {
    const reading = parseMoney(text, money.currencyCode);
    return reading.kind === 'ok' && reading.money.amountMicros === money.amountMicros;
  };
  // "1.234" could be a thousand; a fourth digit says that the point is a decimal point.
  return [decimal, `${decimal}0`].find(reads) ?? formatMoney(money);
}
