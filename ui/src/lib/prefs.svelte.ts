// What this browser remembers for its user: comfort only, never data.
import type { DateOrder } from './model/dates';

export type Theme = 'system' | 'light' | 'dark';

function recall<V extends string>(key: string, fallback: V): V {
  try {
    return (localStorage.getItem(`almoner.${key}`) as V | null) ?? fallback;
  } catch {
    return fallback;
  }
}

function keep(key: string, value: string | null) {
  try {
    if (value === null) localStorage.removeItem(`almoner.${key}`);
    else localStorage.setItem(`almoner.${key}`, value);
  } catch {
    // A browser that keeps nothing works too.
  }
}

class Prefs {
  theme = $state<Theme>(recall('theme', 'system'));
  dateOrder = $state<DateOrder>(recall('dateOrder', 'ask'));

  setTheme(theme: Theme) {
    this.theme = theme;
    keep('theme', theme === 'system' ? null : theme);
    document.documentElement.dataset.theme = theme;
  }
  setDateOrder(order: DateOrder) {
    this.dateOrder = order;
    keep('dateOrder', order === 'ask' ? null : order);
  }
}

export const prefs = new Prefs();
