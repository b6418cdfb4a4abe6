// Instants are shown in the organisation's time zone; the age is what people read, the instant is its title.

const formats = new Map<string, Intl.DateTimeFormat>();

function format(timeZone: string, name: 'clock' | 'minute' | 'full' | 'day'): Intl.DateTimeFormat {
  const key = `${timeZone}/${name}`;
  let it = formats.get(key);
  if (!it) {
    const clock = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
    const day = { day: 'numeric', month: 'short', year: 'numeric' } as const;
    const options: Intl.DateTimeFormatOptions =
      name === 'clock'
        ? { ...clock, second: '2-digit' }
        : name === 'minute'
          ? clock
          : name === 'day'
            ? day
            : { ...day, weekday: 'short', ...clock, second: '2-digit', timeZoneName: 'short' };
    it = new Intl.DateTimeFormat('en-GB', { ...options, timeZone });
    formats.set(key, it);
  }
  return it;
}

export const clock = (instant: string, zone: string) => format(zone, 'clock').format(new Date(instant));
export const minute = (instant: string, zone: string) => format(zone, 'minute').format(new Date(instant));
export const full = (instant: string, zone: string) => format(zone, 'full').format(new Date(instant));
export const day = (instant: string, zone: string) => format(zone, 'day').format(new Date(instant));

export type Ago = { unit: 'now' | 'second' | 'minute' | 'hour' | 'day'; count: number };

/** How long ago, in one unit. An instant ahead of our clock counts as now: two clocks never agree to the second. */
export function ago(instant: string, now: number): Ago {
  const seconds = Math.floor((now - Date.parse(instant)) / 1000);
  if (seconds < 5) return { unit: 'now', count: 0 };
  if (seconds < 60) return { unit: 'second', count: seconds };
  if (seconds < 3600) return { unit: 'minute', count: Math.floor(seconds / 60) };
  if (seconds < 86_400) return { unit: 'hour', count: Math.floor(seconds / 3600) };
  return { unit: 'day', count: Math.floor(seconds / 86_400) };
}
