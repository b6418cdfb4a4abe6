// The keyboard and selection of a table of rows, as a pure machine: step(state, event) -> state and what to do.
// Of a long list only a part is loaded: the place of a row that is not holds ''.

export interface GridState {
  /** The ids in the order shown; '' where a row is not loaded. */
  rows: readonly string[];
  /** The row that holds the one tab stop, and its place: it may be one that is not loaded now. */
  at: string | null;
  place: number;
  /** A place that was asked for and is not loaded yet. */
  seek: number | null;
  picked: ReadonlySet<string>;
  /** Where a range began (shift). */
  anchor: string | null;
}

export type GridEvent =
  | { type: 'rows'; rows: readonly string[] }
  | { type: 'key'; key: string; shift?: boolean; ctrl?: boolean }
  | { type: 'focus'; id: string }
  | { type: 'toggle'; id: string; range?: boolean }
  | { type: 'pick'; ids: readonly string[] }
  | { type: 'all' }
  | { type: 'none' };

export type GridAct =
  | { act: 'none' }
  | { act: 'focus'; id: string }
  | { act: 'open'; id: string }
  | { act: 'mark'; ids: string[] }
  /** Load this place; the focus goes there when it is there. */
  | { act: 'seek'; place: number }
  /** Pick these places, some of which are not loaded: find out their ids. */
  | { act: 'range'; from: number; to: number };

export const emptyGrid: GridState = {
  rows: [],
  at: null,
  place: -1,
  seek: null,
  picked: new Set(),
  anchor: null,
};

const nothing: GridAct = { act: 'none' };

export function step(state: GridState, event: GridEvent): [GridState, GridAct] {
  switch (event.type) {
    case 'rows':
      return withRows(state, event.rows);
    case 'focus': {
      const place = state.rows.indexOf(event.id);
      return place < 0 ? [state, nothing] : [{ ...state, at: event.id, place, seek: null }, nothing];
    }
    case 'toggle':
      return toggled(state, event.id, event.range ?? false);
    case 'pick':
      return [{ ...state, picked: new Set([...state.picked, ...event.ids]) }, nothing];
    case 'all':
      return all(state);
    case 'none':
      return [{ ...state, picked: new Set(), anchor: null }, nothing];
    case 'key':
      return key(state, event);
  }
}

function key(
  state: GridState,
  event: { key: string; shift?: boolean; ctrl?: boolean },
): [GridState, GridAct] {
  const last = state.rows.length - 1;
  if (last < 0) return [state, nothing];
  const index = state.seek ?? (state.at === null ? -1 : state.place);
  const to = (wanted: number): [GridState, GridAct] => {
    const place = Math.max(0, Math.min(last, wanted));
    const id = state.rows[place] as string;
    if (id === '')
      return [
        { ...state, seek: place },
        { act: 'seek', place },
      ];
    const moved = { ...state, at: id, place, seek: null };
    if (!event.shift || index < 0) return [moved, { act: 'focus', id }];
    const [ranged, act] = range(moved, state.anchor ?? state.at, id);
    return [ranged, act.act === 'none' ? { act: 'focus', id } : act];
  };
  if (event.ctrl && event.key.toLowerCase() === 'a') return all(state);
  if (event.ctrl && event.key !== 'Home' && event.key !== 'End') return [state, nothing];
  switch (event.key) {
    case 'ArrowDown':
    case 'j':
    case 'J':
      return to(index + 1);
    case 'ArrowUp':
    case 'k':
    case 'K':
      return to(index < 0 ? 0 : index - 1);
    case 'PageDown':
      return to(Math.min(last, index + 10));
    case 'PageUp':
      return to(index - 10);
    case 'Home':
      return to(0);
    case 'End':
      return to(last);
    case 'Escape':
      return [{ ...state, picked: new Set(), anchor: null }, nothing];
  }
  if (state.at === null) return [state, nothing];
  const at = state.at;
  switch (event.key) {
    case 'Enter':
      return [state, { act: 'open', id: at }];
    case 'x':
    case ' ':
      return toggled(state, at, false);
    case 'm':
      return [state, { act: 'mark', ids: state.picked.size ? pickedIn(state) : [at] }];
  }
  return [state, nothing];
}

/** The picked rows in the order shown, those that are not loaded after the others. */
export function pickedIn(state: GridState): string[] {
  const loaded = state.rows.filter((id) => state.picked.has(id));
  if (loaded.length === state.picked.size) return loaded;
  const here = new Set(loaded);
  return [...loaded, ...[...state.picked].filter((id) => !here.has(id))];
}

/**
 * New rows keep the focus where it was, or on the row that took its place; picks of vanished rows are dropped as far as
 * it is known that they vanished.
 */
function withRows(state: GridState, rows: readonly string[]): [GridState, GridAct] {
  const here = new Set(rows);
  const whole = !here.has('');
  const kept = (id: string) => here.has(id) || !whole;
  const next: GridState = {
    ...state,
    rows,
    picked: whole ? new Set([...state.picked].filter(kept)) : state.picked,
    anchor: state.anchor !== null && kept(state.anchor) ? state.anchor : null,
  };
  const sought = state.seek === null ? undefined : rows[Math.min(state.seek, rows.length - 1)];
  if (sought) return [{ ...next, at: sought, place: rows.indexOf(sought), seek: null }, focusOn(sought)];
  if (state.at === null) return [next, nothing];
  const place = rows.indexOf(state.at);
  if (place >= 0) return [{ ...next, place }, nothing];
  const instead = rows[Math.min(state.place, rows.length - 1)];
  if (instead === '') return [next, nothing];
  return [{ ...next, at: instead ?? null, place: Math.min(state.place, rows.length - 1) }, nothing];
}

const focusOn = (id: string): GridAct => ({ act: 'focus', id });

function all(state: GridState): [GridState, GridAct] {
  if (state.rows.includes('')) return [state, { act: 'range', from: 0, to: state.rows.length - 1 }];
  return [{ ...state, picked: new Set(state.rows) }, nothing];
}

function toggled(state: GridState, id: string, ranged: boolean): [GridState, GridAct] {
  const place = state.rows.indexOf(id);
  const at = { ...state, at: id, place: place < 0 ? state.place : place, seek: null };
  if (ranged && state.anchor !== null) return range(at, state.anchor, id);
  const picked = new Set(state.picked);
  if (!picked.delete(id)) picked.add(id);
  return [{ ...at, picked, anchor: id }, nothing];
}

function range(state: GridState, from: string | null, to: string): [GridState, GridAct] {
  const b = state.rows.indexOf(to);
  const a = state.rows.indexOf(from ?? to);
  const [first, last] = a < 0 ? [b, b] : [Math.min(a, b), Math.max(a, b)];
  const ids = state.rows.slice(first, last + 1);
  const picked = new Set([...state.picked, ...ids.filter((id) => id !== '')]);
  const next = { ...state, picked, anchor: from ?? to };
  return [next, ids.includes('') ? { act: 'range', from: first, to: last } : nothing];
}
